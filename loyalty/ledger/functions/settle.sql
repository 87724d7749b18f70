CREATE OR REPLACE FUNCTION ledger_settle(a loyalty_account, p_now timestamptz)
RETURNS loyalty_account LANGUAGE plpgsql AS $$
DECLARE due record; v_left bigint; v_repaid bigint; v_movement bigint;
BEGIN
    FOR due IN
        SELECT lot.id, event.at, event.what
          FROM loyalty_lot lot
         CROSS JOIN LATERAL (VALUES (lot.activates_at, 'activate'), (lot.expires_at, 'expire')) event(at, what)
         WHERE lot.account_id = a.id AND lot.remaining > 0 AND event.at <= p_now
           AND (event.what = 'expire' OR NOT lot.is_active)
         ORDER BY event.at, event.what, lot.id
    LOOP
        SELECT remaining INTO v_left FROM loyalty_lot WHERE id = due.id;
        CONTINUE WHEN v_left = 0;  -- all of it repaid a debt when it became active
        IF due.what = 'activate' THEN
            v_repaid := least(v_left, greatest(-a.active, 0));
            a.pending := a.pending - v_left;
            a.active := a.active + v_left;
            v_movement := ledger_write(a, 'activate', 'pending', 'active', v_left, 'activate:' || due.id, NULL, '', '', due.at);
            UPDATE loyalty_lot SET is_active = true, remaining = remaining - v_repaid WHERE id = due.id;
        ELSE
            v_repaid := v_left;
            a.active := a.active - v_left;
            v_movement := ledger_write(a, 'expire', 'active', 'programme', v_left, 'expire:' || due.id, NULL, '', '', due.at);
            UPDATE loyalty_lot SET remaining = 0 WHERE id = due.id;
        END IF;
        IF v_repaid > 0 THEN
            INSERT INTO loyalty_lotuse (member_id, movement_id, lot_id, points)
            VALUES (a.member_id, v_movement, due.id, v_repaid);
        END IF;
    END LOOP;
    a.next_due_at := ledger_next_due(a.id, p_now);
    UPDATE loyalty_account SET pending = a.pending, active = a.active, next_due_at = a.next_due_at WHERE id = a.id;
    RETURN a;
END $$;
