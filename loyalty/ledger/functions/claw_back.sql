-- Takes back what an earning gave: from its own lot while that is pending, else from active lots, then into debt.
CREATE OR REPLACE FUNCTION ledger_claw_back(
    p_member bigint, p_kind bigint, p_cause text, p_points bigint, p_key text, p_now timestamptz,
    p_reason text, p_actor text,
    OUT movement bigint, OUT points bigint, OUT pending bigint, OUT active bigint, OUT held bigint,
    OUT is_replay boolean, OUT refusal text
) LANGUAGE plpgsql AS $$
DECLARE a loyalty_account; v_known loyalty_movement; v_cause loyalty_movement; v_lot loyalty_lot;
        v_done bigint; v_limit bigint; v_source text;
BEGIN
    a := ledger_lock(p_member, p_kind, p_now);
    SELECT * INTO v_known FROM loyalty_movement m
     WHERE m.account_id = a.id AND m.key = p_key AND m.member_id = p_member;
    is_replay := FOUND;
    SELECT * INTO v_cause FROM loyalty_movement m
     WHERE m.account_id = a.id AND m.key = p_cause AND m.member_id = p_member AND m.source = 'programme';
    IF is_replay THEN
        movement := v_known.id; points := v_known.points;
        pending := v_known.pending_after; active := v_known.active_after; held := v_known.held_after;
        IF v_known.kind <> 'claw_back' OR v_known.cause_id IS DISTINCT FROM v_cause.id OR points > p_points
            -- fewer than asked for now is the same content only where the debt limit may have cut it
            OR (points < p_points AND (v_known.source = 'pending' OR active > 0)) THEN
            refusal := 'key_reused';
        END IF;
        RETURN;
    END IF;
    pending := a.pending; held := a.held; points := p_points;
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
        UPDATE loyalty_lot SET remaining = v_lot.remaining - ledger_claw_back.points WHERE id = v_lot.id;
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
