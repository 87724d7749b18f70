CREATE OR REPLACE FUNCTION ledger_credit(
    p_member bigint, p_kind bigint, p_points bigint, p_key text, p_now timestamptz,
    p_activates timestamptz, p_expires timestamptz, p_type text, p_reason text, p_actor text,
    OUT movement bigint, OUT points bigint, OUT pending bigint, OUT active bigint, OUT held bigint,
    OUT is_replay boolean, OUT refusal text
) LANGUAGE plpgsql AS $$
DECLARE a loyalty_account; v_type text; v_source text; v_repaid bigint := 0; v_waits boolean := p_activates > p_now;
BEGIN
    a := ledger_lock(p_member, p_kind, p_now);
    SELECT m.id, m.kind, m.source, m.points, m.pending_after, m.active_after, m.held_after
      INTO movement, v_type, v_source, points, pending, active, held
      FROM loyalty_movement m WHERE m.account_id = a.id AND m.key = p_key AND m.member_id = p_member;
    is_replay := FOUND;
    IF is_replay THEN
        IF (v_type, v_source, points) IS DISTINCT FROM (p_type, 'programme', p_points) THEN refusal := 'key_reused'; END IF;
        RETURN;
    END IF;
    points := p_points;
    IF v_waits THEN
        a.pending := a.pending + p_points;
    ELSE
        v_repaid := least(p_points, greatest(-a.active, 0));
        a.active := a.active + p_points;
    END IF;
    a.next_due_at := CASE WHEN v_repaid = p_points THEN a.next_due_at
                          ELSE least(a.next_due_at, CASE WHEN v_waits THEN p_activates ELSE p_expires END) END;
    INSERT INTO loyalty_movement (member_id, account_id, kind, source, target, points, pending_after, active_after,
                                  held_after, key, reason, actor, happened_at)
    VALUES (p_member, a.id, p_type, 'programme', CASE WHEN v_waits THEN 'pending' ELSE 'active' END, p_points,
            a.pending, a.active, a.held, p_key, p_reason, p_actor, p_now)
    RETURNING id INTO movement;
    INSERT INTO loyalty_lot (member_id, account_id, origin_id, points, remaining, is_active, activates_at, expires_at)
    VALUES (p_member, a.id, movement, p_points, p_points - v_repaid, NOT v_waits, p_activates, p_expires);
    UPDATE loyalty_account SET pending = a.pending, active = a.active, next_due_at = a.next_due_at WHERE id = a.id;
    pending := a.pending; active := a.active; held := a.held;
END $$;
