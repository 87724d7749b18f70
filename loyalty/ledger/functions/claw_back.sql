-- Takes back what an earning gave: from its own lot while that is pending, else from active lots, then into debt.
CREATE OR REPLACE FUNCTION ledger_claw_back(
    p_member bigint, p_kind bigint, p_cause text, p_points bigint, p_key text, p_now timestamptz,
    p_reason text, p_actor text,
    OUT movement bigint, OUT points bigint, OUT pending bigint, OUT active bigint, OUT held bigint,
    OUT is_replay boolean, OUT refusal text
) LANGUAGE plpgsql AS $$
DECLARE a loyalty_account; v_cause loyalty_movement; v_lot loyalty_lot; v_done bigint; v_limit bigint; v_source text;
        v_asked bigint;
BEGIN
    a := ledger_lock(p_member, p_kind, p_now);
    SELECT m.id, m.points, m.pending_after, m.active_after, m.held_after, (m.kind <> 'claw_back')
      INTO movement, points, pending, active, held, is_replay
      FROM loyalty_movement m WHERE m.account_id = a.id AND m.key = p_key AND m.member_id = p_member;
    IF FOUND THEN
        IF is_replay OR points > p_points THEN refusal := 'key_reused'; END IF;
        is_replay := true;
        RETURN;
    END IF;
    is_replay := false;
    pending := a.pending; held := a.held; points := p_points;
    SELECT * INTO v_cause FROM loyalty_movement m
     WHERE m.account_id = a.id AND m.key = p_cause AND m.member_id = p_member AND m.source = 'programme';
    SELECT coalesce(sum(m.points), 0) INTO v_done FROM loyalty_movement m
     WHERE m.cause_id = v_cause.id AND m.kind = 'claw_back';
    IF v_cause.id IS NULL OR p_points > v_cause.points - v_done THEN
        refusal := CASE WHEN v_cause.id IS NULL THEN 'unknown_cause' ELSE 'more_than_open' END;
        points := v_cause.points - v_done;
        RETURN;
    END IF;
    SELECT * INTO v_lot FROM loyalty_lot WHERE origin_id = v_cause.id;
    SELECT debt_limit INTO v_limit FROM loyalty_pointkind WHERE id = p_kind;
    IF v_lot.remaining > 0 AND NOT v_lot.is_active THEN
        v_source := 'pending';
        points := least(p_points, v_lot.remaining);
        a.pending := a.pending - points;
        UPDATE loyalty_lot SET remaining = remaining - points WHERE id = v_lot.id;
    ELSE
        v_source := 'active';
        points := least(p_points, greatest(a.active + v_limit, 0));
        a.active := a.active - points;
    END IF;
    IF points = 0 THEN
        refusal := 'debt_limit_reached'; points := v_limit; active := a.active;
        RETURN;
    END IF;
    movement := ledger_write(a, 'claw_back', v_source, 'programme', points, p_key, v_cause.id, p_reason, p_actor, p_now);
    IF v_source = 'pending' THEN
        INSERT INTO loyalty_lotuse (member_id, movement_id, lot_id, points) VALUES (p_member, movement, v_lot.id, points);
    ELSE
        PERFORM ledger_take(a, points, movement, 0, v_cause.id);
    END IF;
    a.next_due_at := ledger_next_due(a.id, p_now);
    UPDATE loyalty_account SET pending = a.pending, active = a.active, overdraft = greatest(overdraft, v_limit),
                               next_due_at = a.next_due_at WHERE id = a.id;
    pending := a.pending; active := a.active; held := a.held;
END $$;
