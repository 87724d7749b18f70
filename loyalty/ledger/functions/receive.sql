-- A gift that arrives: the giver's lots live on with the receiver, each with its own expiry.
CREATE OR REPLACE FUNCTION ledger_receive(
    p_member bigint, p_kind bigint, p_given bigint, p_key text, p_now timestamptz, p_reason text, p_actor text,
    OUT movement bigint, OUT points bigint, OUT pending bigint, OUT active bigint, OUT held bigint,
    OUT is_replay boolean, OUT refusal text
) LANGUAGE plpgsql AS $$
DECLARE a loyalty_account; l record; v_debt bigint; v_part bigint; v_idles boolean;
BEGIN
    a := ledger_lock(p_member, p_kind, p_now, true);
    is_replay := false;
    IF EXISTS (SELECT FROM loyalty_movement m WHERE m.account_id = a.id AND m.key = p_key AND m.member_id = p_member) THEN
        refusal := 'key_reused';
        RETURN;
    END IF;
    SELECT sum(u.points) INTO points FROM loyalty_lotuse u WHERE u.movement_id = p_given;
    v_debt := least(points, greatest(-a.active, 0));
    a.active := a.active + points;
    v_idles := a.idles;
    movement := ledger_write(a, 'transfer', 'programme', 'active', points, p_key, NULL, p_reason, p_actor, p_now);
    FOR l IN
        SELECT u.points AS given, lot.expires_at, lot.idle_months FROM loyalty_lotuse u JOIN loyalty_lot lot ON lot.id = u.lot_id
         WHERE u.movement_id = p_given ORDER BY lot.expires_at NULLS LAST, lot.id
    LOOP
        v_part := least(l.given, v_debt);
        v_debt := v_debt - v_part;
        v_idles := v_idles OR l.idle_months IS NOT NULL;
        INSERT INTO loyalty_lot (member_id, account_id, origin_id, points, remaining, is_active, activates_at, expires_at,
                                 idle_months)
        VALUES (p_member, a.id, movement, l.given, l.given - v_part, true, p_now, l.expires_at, l.idle_months);
    END LOOP;
    a.next_due_at := ledger_next_due(a.id, p_now);
    UPDATE loyalty_account SET active = a.active, next_due_at = a.next_due_at, idles = v_idles WHERE id = a.id;
    pending := a.pending; active := a.active; held := a.held;
END $$;
