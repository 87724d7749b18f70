-- Gives back exactly what a claw-back took: debt first, then to the same lots; what had become debt and was repaid
-- since comes as a new lot in the place of the earning's own. Pending points wait again, unless their time has come.
CREATE OR REPLACE FUNCTION ledger_undo_claw_back(
    p_member bigint, p_kind bigint, p_clawed text, p_key text, p_now timestamptz, p_reason text, p_actor text,
    OUT movement bigint, OUT points bigint, OUT pending bigint, OUT active bigint, OUT held bigint,
    OUT is_replay boolean, OUT refusal text
) LANGUAGE plpgsql AS $$
DECLARE a loyalty_account; v_known loyalty_movement; v_clawed loyalty_movement; v_lot loyalty_lot; v_life timestamptz;
        v_kept bigint; v_from_lots bigint; v_kept_in_lots bigint;
BEGIN
    a := ledger_lock(p_member, p_kind, p_now, false);
    SELECT * INTO v_known FROM loyalty_movement m
     WHERE m.account_id = a.id AND m.key = p_key AND m.member_id = p_member;
    is_replay := FOUND;
    SELECT * INTO v_clawed FROM loyalty_movement m
     WHERE m.account_id = a.id AND m.key = p_clawed AND m.member_id = p_member
       AND (m.kind = 'claw_back' OR (m.kind = 'transfer' AND m.asked > 0 AND m.cause_id IS NOT NULL));
    IF NOT FOUND THEN
        movement := ledger_adopt(a, p_clawed, ARRAY['claw_back'], p_now);
        SELECT * INTO v_clawed FROM loyalty_movement m WHERE m.id = movement;
    END IF;
    IF is_replay THEN
        movement := v_known.id; points := v_known.points;
        pending := v_known.pending_after; active := v_known.active_after; held := v_known.held_after;
        IF v_known.kind <> 'restore' OR v_known.cause_id IS DISTINCT FROM v_clawed.id THEN
            refusal := 'key_reused';
        END IF;
        RETURN;
    END IF;
    refusal := CASE WHEN v_clawed.id IS NULL THEN 'unknown_cause'
                    WHEN EXISTS (SELECT FROM loyalty_movement m WHERE m.cause_id = v_clawed.id) THEN 'already_undone' END;
    IF refusal IS NOT NULL THEN
        RETURN;
    END IF;
    points := v_clawed.points;
    SELECT * INTO v_lot FROM loyalty_lot WHERE origin_id = v_clawed.cause_id;
    IF v_clawed.source = 'pending' AND NOT v_lot.is_active AND v_lot.activates_at > p_now THEN
        a.pending := a.pending + points;
        movement := ledger_write(a, 'restore', 'programme', 'pending', points, p_key, v_clawed.id, p_reason, p_actor, p_now);
        UPDATE loyalty_lot SET remaining = v_lot.remaining + ledger_undo_claw_back.points WHERE id = v_lot.id;
        INSERT INTO loyalty_lotuse (member_id, movement_id, lot_id, points) VALUES (p_member, movement, v_lot.id, -points);
    ELSE
        v_kept := points - least(points, greatest(-a.active, 0));
        a.active := a.active + points;
        SELECT coalesce(sum(u.points), 0) INTO v_from_lots FROM loyalty_lotuse u WHERE u.movement_id = v_clawed.id;
        v_kept_in_lots := least(v_from_lots, v_kept);
        movement := ledger_write(a, 'restore', 'programme', 'active', points, p_key, v_clawed.id, p_reason, p_actor, p_now);
        UPDATE loyalty_lot SET is_active = true WHERE id = v_lot.id AND NOT is_active AND v_clawed.source = 'pending';
        PERFORM ledger_give_back(a, v_clawed.id, movement, v_from_lots, v_kept_in_lots, 'programme', 'active', p_now);
        IF v_kept > v_kept_in_lots THEN
            SELECT greatest(v_lot.expires_at, p_now + make_interval(days => restored_life_days)) INTO v_life
              FROM loyalty_pointkind WHERE id = p_kind;
            INSERT INTO loyalty_lot (member_id, account_id, origin_id, replaces_id, points, remaining, is_active,
                                     activates_at, expires_at, idle_months)
            VALUES (p_member, a.id, movement, v_lot.id, v_kept - v_kept_in_lots, v_kept - v_kept_in_lots, true, p_now,
                    CASE WHEN v_lot.expires_at IS NOT NULL THEN v_life END, v_lot.idle_months);
        END IF;
    END IF;
    a.next_due_at := ledger_next_due(a.id, p_now);
    UPDATE loyalty_account SET pending = a.pending, active = a.active, next_due_at = a.next_due_at WHERE id = a.id;
    pending := a.pending; active := a.active; held := a.held;
END $$;
