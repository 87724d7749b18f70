-- Takes up to p_wanted out of a pool: all of it from one free shard if one has the room, else what the shards have
-- left, waiting for each in turn, always in the same order. Answers what was taken.
CREATE OR REPLACE FUNCTION limits_pool_take(p_pool bigint, p_wanted bigint, p_hint bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE v_shard loyalty_shard; v_taken bigint := 0; v_part bigint;
BEGIN
    BEGIN
        UPDATE loyalty_shard s SET used = s.used + p_wanted
         WHERE s.id = (SELECT free.id FROM loyalty_shard free
                        WHERE free.pool_id = p_pool AND free.total - free.used >= p_wanted
                        ORDER BY (free.slot + p_hint) % 8 LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED);
        IF FOUND THEN RETURN p_wanted; END IF;
        RAISE SQLSTATE 'RG001';  -- a shard that filled up meanwhile is still locked: let go of it before waiting
    EXCEPTION WHEN SQLSTATE 'RG001' THEN NULL;
    END;
    FOR v_shard IN SELECT * FROM loyalty_shard s WHERE s.pool_id = p_pool ORDER BY s.slot FOR NO KEY UPDATE LOOP
        v_part := least(v_shard.total - v_shard.used, p_wanted - v_taken);
        CONTINUE WHEN v_part <= 0;
        UPDATE loyalty_shard s SET used = s.used + v_part WHERE s.id = v_shard.id;
        v_taken := v_taken + v_part;
    END LOOP;
    RETURN v_taken;
END $$;
