-- An earning of a merged member, written anew whole: what came over stays in its lot, what is gone went again at once.
-- All of it is dated as the earning was, so that its age and month stay. `asked` marks what stands in for another's
-- movement; `lapsed` is what had died before.
CREATE OR REPLACE FUNCTION ledger_adopt_credit(a loyalty_account, m loyalty_movement)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE o loyalty_lot; v_heir bigint; v_came bigint := 0; v_silent bigint; v_lapsed bigint; v_whole bigint; v_rest bigint;
        v_in bigint; v_out bigint; c record;
BEGIN
    SELECT * INTO o FROM loyalty_lot WHERE origin_id = m.id ORDER BY id LIMIT 1;
    SELECT id, points INTO v_heir, v_came FROM loyalty_lot
     WHERE account_id = a.id AND carries = o.id ORDER BY id DESC LIMIT 1;
    SELECT coalesce(sum(k.lapsed), 0) INTO v_silent FROM loyalty_movement k  -- took only what had lapsed
     WHERE k.cause_id = m.id AND k.kind = 'claw_back' AND k.points = 0;
    SELECT coalesce(sum(u.points), 0) - v_silent INTO v_lapsed
      FROM loyalty_lot lot JOIN loyalty_lotuse u ON u.lot_id = lot.id JOIN loyalty_movement e ON e.id = u.movement_id
     WHERE o.id IN (lot.id, lot.replaces_id) AND e.kind = 'expire';
    v_whole := m.points - v_silent;
    v_rest := v_whole;
    INSERT INTO loyalty_movement (member_id, account_id, kind, source, target, points, pending_after, active_after,
                                  held_after, key, reason, actor, happened_at, asked)
    VALUES (a.member_id, a.id, 'transfer', 'programme', 'active', v_whole, a.pending, a.active + v_whole, a.held,
            m.key, m.reason, m.actor, m.happened_at, v_whole)
    RETURNING id INTO v_in;
    FOR c IN
        SELECT k.* FROM loyalty_movement k WHERE k.cause_id = m.id AND k.kind = 'claw_back' AND k.points > 0
           AND NOT EXISTS (SELECT FROM loyalty_movement undone WHERE undone.cause_id = k.id) ORDER BY k.id
    LOOP
        v_rest := v_rest - c.points;
        INSERT INTO loyalty_movement (member_id, account_id, kind, source, target, points, pending_after, active_after,
                                      held_after, key, cause_id, reason, actor, happened_at, asked, lapsed)
        VALUES (a.member_id, a.id, 'transfer', 'active', 'programme', c.points, a.pending, a.active + v_rest, a.held,
                c.key, v_in, c.reason, c.actor, m.happened_at, coalesce(c.asked, c.points), c.lapsed);
    END LOOP;
    IF v_rest > 0 THEN
        INSERT INTO loyalty_movement (member_id, account_id, kind, source, target, points, pending_after, active_after,
                                      held_after, key, cause_id, reason, actor, happened_at, lapsed)
        VALUES (a.member_id, a.id, 'transfer', 'active', 'programme', v_rest, a.pending, a.active, a.held,
                'adopt:' || m.id, v_in, m.reason, m.actor, m.happened_at, v_lapsed)
        RETURNING id INTO v_out;
    END IF;
    IF v_heir IS NULL THEN
        INSERT INTO loyalty_lot (member_id, account_id, origin_id, points, remaining, is_active, activates_at, expires_at,
                                 idle_months, carries)
        VALUES (a.member_id, a.id, v_in, v_whole, 0, true, o.activates_at, o.expires_at, o.idle_months, o.id)
        RETURNING id INTO v_heir;
    ELSE
        UPDATE loyalty_lot SET origin_id = v_in, points = v_whole WHERE id = v_heir;
    END IF;
    IF v_rest > coalesce(v_came, 0) THEN
        INSERT INTO loyalty_lotuse (member_id, movement_id, lot_id, points)
        VALUES (a.member_id, v_out, v_heir, v_rest - coalesce(v_came, 0));
    END IF;
END $$;
