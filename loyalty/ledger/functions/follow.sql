-- capture (held to programme), release (held to active), restore (programme to active): all undo or complete a cause.
CREATE OR REPLACE FUNCTION ledger_follow(
    p_member bigint, p_kind bigint, p_cause text, p_points bigint, p_key text, p_now timestamptz,
    p_type text, p_source text, p_target text, p_cause_type text, p_reason text, p_actor text,
    OUT movement bigint, OUT points bigint, OUT pending bigint, OUT active bigint, OUT held bigint,
    OUT is_replay boolean, OUT refusal text
) LANGUAGE plpgsql AS $$
DECLARE a loyalty_account; v_type text; v_known bigint; v_cause bigint; v_open bigint; v_repaid bigint := 0;
BEGIN
    a := ledger_lock(p_member, p_kind, p_now, false);
    SELECT m.id, m.kind, m.cause_id, m.points, m.pending_after, m.active_after, m.held_after
      INTO movement, v_type, v_known, points, pending, active, held
      FROM loyalty_movement m WHERE m.account_id = a.id AND m.key = p_key AND m.member_id = p_member;
    is_replay := FOUND;
    SELECT m.id INTO v_cause FROM loyalty_movement m
     WHERE m.account_id = a.id AND m.key = p_cause AND m.member_id = p_member
       AND (m.kind = p_cause_type OR (m.kind = 'transfer' AND m.source = 'active' AND m.asked > 0 AND m.cause_id IS NULL));
    IF v_cause IS NULL AND p_cause_type = 'spend' THEN
        v_cause := ledger_adopt(a, p_cause, ARRAY['spend'], p_now);
    END IF;
    IF is_replay THEN
        IF (v_type, v_known, points) IS DISTINCT FROM (p_type, v_cause, coalesce(p_points, points)) THEN
            refusal := 'key_reused';
        END IF;
        RETURN;
    END IF;
    SELECT coalesce(sum(o.points), 0) INTO v_open FROM ledger_open_uses(v_cause) o;
    points := coalesce(p_points, v_open);  -- without a number: all that is open
    pending := a.pending; active := a.active; held := a.held;
    refusal := CASE WHEN v_cause IS NULL THEN 'unknown_cause'
                    WHEN points > v_open OR points = 0 THEN 'more_than_open' END;
    IF refusal IS NOT NULL THEN
        points := v_open;
        RETURN;
    END IF;
    IF p_source = 'held' THEN a.held := a.held - points; END IF;
    IF p_target = 'active' THEN
        v_repaid := least(points, greatest(-a.active, 0));
        a.active := a.active + points;
    END IF;
    movement := ledger_write(a, p_type, p_source, p_target, points, p_key, v_cause, p_reason, p_actor, p_now);
    PERFORM ledger_give_back(a, v_cause, movement, points, points - v_repaid, p_source, p_target, p_now);
    a.next_due_at := ledger_next_due(a.id, p_now);
    UPDATE loyalty_account SET active = a.active, held = a.held, next_due_at = a.next_due_at WHERE id = a.id;
    IF a.idles AND p_type = 'spend' THEN
        PERFORM ledger_stir(a.id, p_now);
    END IF;
    active := a.active; held := a.held;
END $$;
