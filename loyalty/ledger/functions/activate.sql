-- What was earned and waits becomes active now, because the event has come for which it waited.
CREATE OR REPLACE FUNCTION ledger_activate(
    p_member bigint, p_kind bigint, p_earned text, p_expires timestamptz, p_key text, p_now timestamptz,
    p_reason text, p_actor text,
    OUT movement bigint, OUT points bigint, OUT pending bigint, OUT active bigint, OUT held bigint,
    OUT is_replay boolean, OUT refusal text
) LANGUAGE plpgsql AS $$
DECLARE a loyalty_account; v_known loyalty_movement; v_cause bigint; v_lot loyalty_lot; v_repaid bigint;
BEGIN
    a := ledger_lock(p_member, p_kind, p_now, false);
    SELECT * INTO v_known FROM loyalty_movement m
     WHERE m.account_id = a.id AND m.key = p_key AND m.member_id = p_member;
    is_replay := FOUND;
    SELECT m.id INTO v_cause FROM loyalty_movement m
     WHERE m.account_id = a.id AND m.key = p_earned AND m.member_id = p_member
       AND (m.kind = 'earn' OR (m.kind = 'transfer' AND m.source = 'programme' AND m.asked > 0));
    IF NOT FOUND THEN
        v_cause := ledger_adopt(a, p_earned, ARRAY['earn'], p_now);
    END IF;
    IF is_replay THEN
        movement := v_known.id; points := v_known.points;
        pending := v_known.pending_after; active := v_known.active_after; held := v_known.held_after;
        IF v_known.kind <> 'activate' OR v_known.cause_id IS DISTINCT FROM v_cause THEN
            refusal := 'key_reused';
        END IF;
        RETURN;
    END IF;
    SELECT * INTO v_lot FROM loyalty_lot WHERE origin_id = v_cause;
    refusal := CASE WHEN v_cause IS NULL THEN 'unknown_cause'
                    WHEN v_lot.is_active OR v_lot.remaining = 0 THEN 'not_pending' END;
    IF refusal IS NOT NULL THEN
        RETURN;
    END IF;
    points := v_lot.remaining;
    v_repaid := least(points, greatest(-a.active, 0));
    a.pending := a.pending - points;
    a.active := a.active + points;
    movement := ledger_write(a, 'activate', 'pending', 'active', points, p_key, v_cause, p_reason, p_actor, p_now);
    UPDATE loyalty_lot
       SET is_active = true, activates_at = p_now, remaining = v_lot.remaining - v_repaid,
           expires_at = coalesce(ledger_idle_until(p_now, v_lot.idle_months), p_expires, v_lot.expires_at)
     WHERE id = v_lot.id;
    IF v_repaid > 0 THEN
        INSERT INTO loyalty_lotuse (member_id, movement_id, lot_id, points) VALUES (p_member, movement, v_lot.id, v_repaid);
    END IF;
    a.next_due_at := ledger_next_due(a.id, p_now);
    UPDATE loyalty_account SET pending = a.pending, active = a.active, next_due_at = a.next_due_at WHERE id = a.id;
    pending := a.pending; active := a.active; held := a.held;
END $$;
