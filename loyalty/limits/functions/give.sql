-- Gives back to a budget what an award for a store had taken.
CREATE OR REPLACE FUNCTION limits_give(p_budget bigint, p_store bigint, p_amount bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM limits_pool_give(p.id, p_amount) FROM (
        SELECT id FROM loyalty_pool
         WHERE budget_id = p_budget AND (store_id IS NULL OR store_id = p_store) ORDER BY id) p;
END $$;
