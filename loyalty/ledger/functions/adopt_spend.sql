-- What is open of a merged member's spending, written anew: the same lots, empty, from which it was taken.
CREATE OR REPLACE FUNCTION ledger_adopt_spend(a loyalty_account, m loyalty_movement, p_now timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_open bigint; v_in bigint; v_out bigint; v_lot bigint; l record;
BEGIN
    SELECT coalesce(sum(o.points), 0) INTO v_open FROM ledger_open_uses(m.id) o;
    IF v_open = 0 THEN
        RETURN;
    END IF;
    a.active := a.active + v_open;
    v_in := ledger_write(a, 'transfer', 'programme', 'active', v_open, 'adopt:' || m.id, NULL, m.reason, m.actor, p_now);
    a.active := a.active - v_open;
    INSERT INTO loyalty_movement (member_id, account_id, kind, source, target, points, pending_after, active_after,
                                  held_after, key, reason, actor, happened_at, asked)
    VALUES (a.member_id, a.id, 'transfer', 'active', 'programme', v_open, a.pending, a.active, a.held,
            m.key, m.reason, m.actor, p_now, v_open)
    RETURNING id INTO v_out;
    FOR l IN
        SELECT o.points AS open, lot.id, lot.activates_at, lot.expires_at, lot.idle_months
          FROM ledger_open_uses(m.id) o JOIN loyalty_lot lot ON lot.id = o.lot WHERE o.points > 0 ORDER BY lot.id
    LOOP
        INSERT INTO loyalty_lot (member_id, account_id, origin_id, points, remaining, is_active, activates_at, expires_at,
                                 idle_months, carries)
        VALUES (a.member_id, a.id, v_in, l.open, 0, true, l.activates_at, l.expires_at, l.idle_months, l.id)
        RETURNING id INTO v_lot;
        INSERT INTO loyalty_lotuse (member_id, movement_id, lot_id, points) VALUES (a.member_id, v_out, v_lot, l.open);
    END LOOP;
END $$;
