-- One credit. An account with nothing due and no debt, as almost all are, is locked and raised by one statement; a
-- key that was there before shows when the movement is written, and then the raise is taken back.
CREATE OR REPLACE FUNCTION ledger_credit(
    p_member bigint, p_kind bigint, p_points bigint, p_key text, p_now timestamptz,
    p_activates timestamptz, p_expires timestamptz, p_type text, p_reason text, p_actor text,
    p_idle integer DEFAULT NULL,
    OUT movement bigint, OUT points bigint, OUT pending bigint, OUT active bigint, OUT held bigint,
    OUT is_replay boolean, OUT refusal text
) LANGUAGE plpgsql AS $$
DECLARE v_account bigint; v_type text; v_source text; v_repaid bigint := 0; v_waits boolean := p_activates > p_now;
        v_pending bigint := CASE WHEN v_waits THEN p_points ELSE 0 END; v_active bigint := p_points - v_pending;
        v_ends timestamptz := p_expires; v_due timestamptz; v_idles boolean := p_idle IS NOT NULL;
BEGIN
    IF v_idles THEN
        v_ends := ledger_idle_until(greatest(p_activates, p_now), p_idle);
    END IF;
    v_due := CASE WHEN v_waits THEN p_activates ELSE v_ends END;
    UPDATE loyalty_account a
       SET pending = a.pending + v_pending, active = a.active + v_active, next_due_at = least(a.next_due_at, v_due),
           idles = a.idles OR v_idles
     WHERE a.member_id = p_member AND a.kind_id = p_kind AND a.active >= 0
       AND (a.next_due_at IS NULL OR a.next_due_at > p_now)
    RETURNING a.id, a.pending, a.active, a.held, a.idles INTO v_account, pending, active, held, v_idles;
    IF NOT FOUND THEN
        v_idles := p_idle IS NOT NULL;
        SELECT a.id, greatest(-a.active, 0) INTO v_account, v_repaid FROM ledger_lock(p_member, p_kind, p_now, true) a;
        v_repaid := least(v_repaid, v_active);
        UPDATE loyalty_account a
           SET pending = a.pending + v_pending, active = a.active + v_active,
               next_due_at = CASE WHEN v_repaid = p_points THEN a.next_due_at ELSE least(a.next_due_at, v_due) END,
               idles = a.idles OR v_idles
         WHERE a.id = v_account
        RETURNING a.pending, a.active, a.held, a.idles INTO pending, active, held, v_idles;
    END IF;
    INSERT INTO loyalty_movement (member_id, account_id, kind, source, target, points, pending_after, active_after,
                                  held_after, key, reason, actor, happened_at)
    VALUES (p_member, v_account, p_type, 'programme', CASE WHEN v_waits THEN 'pending' ELSE 'active' END, p_points,
            pending, active, held, p_key, p_reason, p_actor, p_now)
        ON CONFLICT (account_id, key, member_id) DO NOTHING
    RETURNING id INTO movement;
    points := p_points; is_replay := movement IS NULL;
    IF is_replay THEN
        UPDATE loyalty_account a
           SET pending = a.pending - v_pending, active = a.active - v_active,
               next_due_at = ledger_next_due(a.id, p_now)
         WHERE a.id = v_account;
        SELECT m.id, m.kind, m.source, m.points, m.pending_after, m.active_after, m.held_after
          INTO movement, v_type, v_source, points, pending, active, held
          FROM loyalty_movement m WHERE m.account_id = v_account AND m.key = p_key AND m.member_id = p_member;
        IF (v_type, v_source, points) IS DISTINCT FROM (p_type, 'programme', p_points) THEN
            refusal := 'key_reused';
        END IF;
        RETURN;
    END IF;
    INSERT INTO loyalty_lot (member_id, account_id, origin_id, points, remaining, is_active, activates_at, expires_at,
                             idle_months)
    VALUES (p_member, v_account, movement, p_points, p_points - v_repaid, NOT v_waits, p_activates, v_ends, p_idle);
    IF v_idles AND p_type = 'earn' THEN
        PERFORM ledger_stir(v_account, p_now);
    END IF;
END $$;
