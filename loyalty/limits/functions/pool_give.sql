-- Gives back to a pool what was taken from it, wherever its shards show use: to those that nobody else holds, or else
-- to all in turn, always in the same order.
CREATE OR REPLACE FUNCTION limits_pool_give(p_pool bigint, p_amount bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_shard loyalty_shard; v_left bigint := p_amount; v_part bigint;
BEGIN
    BEGIN
        FOR v_shard IN
            SELECT * FROM loyalty_shard s WHERE s.pool_id = p_pool AND s.used > 0 ORDER BY s.slot
               FOR NO KEY UPDATE SKIP LOCKED
        LOOP
            EXIT WHEN v_left = 0;
            v_part := least(v_shard.used, v_left);
            UPDATE loyalty_shard s SET used = s.used - v_part WHERE s.id = v_shard.id;
            v_left := v_left - v_part;
        END LOOP;
        IF v_left = 0 THEN RETURN; END IF;
        RAISE SQLSTATE 'RG001';  -- let go of all before waiting
    EXCEPTION WHEN SQLSTATE 'RG001' THEN v_left := p_amount;
    END;
    FOR v_shard IN SELECT * FROM loyalty_shard s WHERE s.pool_id = p_pool ORDER BY s.slot FOR NO KEY UPDATE LOOP
        v_part := least(v_shard.used, v_left);
        UPDATE loyalty_shard s SET used = s.used - v_part WHERE s.id = v_shard.id;
        v_left := v_left - v_part;
    END LOOP;
END $$;
