-- Takes up to p_wanted out of a budget, for a store: from the shop's pool and from the store's, the same out of both.
CREATE OR REPLACE FUNCTION limits_take(p_budget bigint, p_store bigint, p_wanted bigint, p_hint bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE v_pool record; v_taken bigint := p_wanted; v_before bigint; v_done bigint[] := '{}';
BEGIN
    FOR v_pool IN
        SELECT p.id FROM loyalty_pool p
         WHERE p.budget_id = p_budget AND (p.store_id IS NULL OR p.store_id = p_store) ORDER BY p.id
    LOOP
        EXIT WHEN v_taken = 0;
        v_before := v_taken;
        v_taken := limits_pool_take(v_pool.id, v_before, p_hint);
        IF v_taken < v_before THEN  -- the pools before this one gave more than this one has
            PERFORM limits_pool_give(done.id, v_before - v_taken) FROM unnest(v_done) done(id);
        END IF;
        v_done := v_done || v_pool.id;
    END LOOP;
    RETURN CASE WHEN cardinality(v_done) = 0 THEN 0 ELSE v_taken END;
END $$;
