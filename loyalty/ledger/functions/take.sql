-- Takes points out of active lots: lot p_first and those in its place first, then the soonest-expiring; a lot without expiry comes last.
CREATE OR REPLACE FUNCTION ledger_take(
    a loyalty_account, p_points bigint, p_movement bigint, p_holds bigint, p_first bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE l record; v_left bigint := p_points; v_part bigint;
BEGIN
    FOR l IN
        SELECT id, remaining FROM loyalty_lot
         WHERE account_id = a.id AND remaining > 0 AND is_active
         ORDER BY CASE WHEN p_first IN (id, replaces_id) THEN 0 ELSE 1 END, expires_at NULLS LAST, id
    LOOP
        EXIT WHEN v_left = 0;
        v_part := least(l.remaining, v_left);
        UPDATE loyalty_lot SET remaining = remaining - v_part, held = held + p_holds * v_part WHERE id = l.id;
        INSERT INTO loyalty_lotuse (member_id, movement_id, lot_id, points)
        VALUES (a.member_id, p_movement, l.id, v_part);
        v_left := v_left - v_part;
    END LOOP;
END $$;
