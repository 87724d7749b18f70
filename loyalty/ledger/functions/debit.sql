CREATE OR REPLACE FUNCTION ledger_debit(
    p_member bigint, p_kind bigint, p_points bigint, p_key text, p_now timestamptz,
    p_type text, p_reason text, p_actor text,
    OUT movement bigint, OUT points bigint, OUT pending bigint, OUT active bigint, OUT held bigint,
    OUT is_replay boolean, OUT refusal text
) LANGUAGE plpgsql AS $$
DECLARE a loyalty_account; v_type text; v_source text; v_holds bigint := CASE WHEN p_type = 'hold' THEN 1 ELSE 0 END;
BEGIN
    a := ledger_lock(p_member, p_kind, p_now, false);
    SELECT m.id, m.kind, m.source, m.points, m.pending_after, m.active_after, m.held_after
      INTO movement, v_type, v_source, points, pending, active, held
      FROM loyalty_movement m WHERE m.account_id = a.id AND m.key = p_key AND m.member_id = p_member;
    is_replay := FOUND;
    IF is_replay THEN
        IF (v_type, v_source, points) IS DISTINCT FROM (p_type, 'active', p_points) THEN refusal := 'key_reused'; END IF;
        RETURN;
    END IF;
    points := p_points;
    IF a.id IS NULL OR a.active < p_points THEN
        refusal := 'not_enough_points';
        pending := coalesce(a.pending, 0); active := coalesce(a.active, 0); held := coalesce(a.held, 0);
        RETURN;
    END IF;
    a.active := a.active - p_points;
    a.held := a.held + v_holds * p_points;
    INSERT INTO loyalty_movement (member_id, account_id, kind, source, target, points, pending_after, active_after,
                                  held_after, key, reason, actor, happened_at)
    VALUES (p_member, a.id, p_type, 'active', CASE v_holds WHEN 1 THEN 'held' ELSE 'programme' END, p_points,
            a.pending, a.active, a.held, p_key, p_reason, p_actor, p_now)
    RETURNING id INTO movement;
    PERFORM ledger_take(a, p_points, movement, v_holds, NULL);
    UPDATE loyalty_account SET active = a.active, held = a.held WHERE id = a.id;
    IF a.idles AND p_type = 'spend' THEN
        PERFORM ledger_stir(a.id, p_now);
    END IF;
    pending := a.pending; active := a.active; held := a.held;
END $$;
