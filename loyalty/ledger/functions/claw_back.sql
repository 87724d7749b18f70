-- Takes back what an earning gave: from its own lot while that is pending, else from what is left of it, then from
-- other active lots, then into debt. What of it lapsed is back already and is not taken a second time.
CREATE OR REPLACE FUNCTION ledger_claw_back(
    p_member bigint, p_kind bigint, p_cause text, p_points bigint, p_key text, p_now timestamptz,
    p_reason text, p_actor text,
    OUT movement bigint, OUT points bigint, OUT pending bigint, OUT active bigint, OUT held bigint,
    OUT is_replay boolean, OUT refusal text
) LANGUAGE plpgsql AS $$
DECLARE a loyalty_account; v_known loyalty_movement; v_cause loyalty_movement; v_lot loyalty_lot;
        v_back bigint; v_covered bigint; v_lapsed bigint := 0; v_asked bigint; v_limit bigint; v_waits boolean;
BEGIN
    a := ledger_lock(p_member, p_kind, p_now, false);
    SELECT * INTO v_known FROM loyalty_movement m
     WHERE m.account_id = a.id AND m.key = p_key AND m.member_id = p_member;
    is_replay := FOUND;
    SELECT * INTO v_cause FROM loyalty_movement m
     WHERE m.account_id = a.id AND m.key = p_cause AND m.member_id = p_member AND m.source = 'programme'
       AND (m.kind IN ('earn', 'import', 'adjust') OR (m.kind = 'transfer' AND m.asked > 0));
    IF NOT FOUND THEN
        movement := ledger_adopt(a, p_cause, ARRAY['earn', 'import', 'adjust'], p_now);
        SELECT * INTO v_cause FROM loyalty_movement m WHERE m.id = movement;
    END IF;
    IF is_replay THEN
        movement := v_known.id; points := v_known.points;
        pending := v_known.pending_after; active := v_known.active_after; held := v_known.held_after;
        v_asked := coalesce(v_known.asked, points);
        IF v_known.kind <> 'claw_back' OR v_known.cause_id IS DISTINCT FROM v_cause.id
            OR v_asked <> coalesce(p_points, v_asked) THEN
            refusal := 'key_reused';
        END IF;
        RETURN;
    END IF;
    SELECT * INTO v_lot FROM loyalty_lot WHERE origin_id = v_cause.id;
    v_waits := v_lot.remaining > 0 AND NOT v_lot.is_active;
    SELECT coalesce(sum(m.points + coalesce(m.lapsed, 0)), 0), coalesce(sum(m.lapsed), 0) INTO v_back, v_covered
      FROM loyalty_movement m WHERE m.cause_id = v_cause.id AND (m.kind = 'claw_back' OR m.asked > 0)
       AND NOT EXISTS (SELECT FROM loyalty_movement undone WHERE undone.cause_id = m.id);
    v_asked := coalesce(p_points, v_lot.remaining);  -- without a number: all that waits
    refusal := CASE WHEN v_cause.id IS NULL THEN 'unknown_cause'
                    WHEN p_points IS NULL AND NOT v_waits THEN 'not_pending'
                    WHEN v_asked > v_cause.points - v_back THEN 'more_than_open' END;
    IF refusal IS NOT NULL THEN
        points := v_cause.points - v_back;
        RETURN;
    END IF;
    SELECT debt_limit INTO v_limit FROM loyalty_pointkind WHERE id = p_kind;
    IF v_waits THEN
        points := least(v_asked, v_lot.remaining);
        a.pending := a.pending - points;
    ELSE
        SELECT coalesce(sum(u.points), 0) INTO v_lapsed
          FROM loyalty_lot lot JOIN loyalty_lotuse u ON u.lot_id = lot.id JOIN loyalty_movement m ON m.id = u.movement_id
         WHERE v_lot.id IN (lot.id, lot.replaces_id) AND m.kind = 'expire';
        SELECT v_lapsed + coalesce(sum(m.lapsed), 0) INTO v_lapsed FROM loyalty_movement m  -- with a member merged since
         WHERE m.cause_id = v_cause.id AND m.kind = 'transfer' AND m.asked IS NULL;
        v_lapsed := least(v_asked, v_lapsed - v_covered);
        points := least(v_asked - v_lapsed, greatest(a.active + v_limit, 0));
        a.active := a.active - points;
    END IF;
    IF points + v_lapsed = 0 THEN
        refusal := 'debt_limit_reached'; points := v_limit; active := a.active;
        RETURN;
    END IF;
    INSERT INTO loyalty_movement (member_id, account_id, kind, source, target, points, pending_after, active_after,
                                  held_after, key, cause_id, reason, actor, happened_at, asked, lapsed)
    VALUES (p_member, a.id, 'claw_back', CASE WHEN v_waits THEN 'pending' ELSE 'active' END, 'programme', points,
            a.pending, a.active, a.held, p_key, v_cause.id, p_reason, p_actor, p_now, v_asked, v_lapsed)
    RETURNING id INTO movement;
    IF v_waits THEN
        UPDATE loyalty_lot SET remaining = v_lot.remaining - ledger_claw_back.points WHERE id = v_lot.id;
        INSERT INTO loyalty_lotuse (member_id, movement_id, lot_id, points) VALUES (p_member, movement, v_lot.id, points);
    ELSE
        PERFORM ledger_take(a, points, movement, 0, v_lot.id);
    END IF;
    a.next_due_at := ledger_next_due(a.id, p_now);
    UPDATE loyalty_account SET pending = a.pending, active = a.active, overdraft = greatest(overdraft, v_limit),
                               next_due_at = a.next_due_at WHERE id = a.id;
    pending := a.pending; active := a.active; held := a.held;
END $$;
