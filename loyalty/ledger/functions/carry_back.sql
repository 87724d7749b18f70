-- Undoes a merge: what is left of the lots that came goes back into those they came from. What was spent of them since,
-- soonest-expiring first as always, stays spent: so each side bears what was taken out of its own lots. A debt goes back
-- to who had it, and what it had cost is given back.
CREATE OR REPLACE FUNCTION ledger_carry_back(
    p_from bigint, p_to bigint, p_kind bigint, p_merge text, p_key text, p_now timestamptz, p_reason text,
    p_arrives text, p_actor text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE a loyalty_account; b loyalty_account; v_debt loyalty_movement; v_came bigint; v_kept bigint; v_bucket text;
        v_points bigint; v_netted bigint; v_out bigint; v_in bigint; v_part bigint; l record;
BEGIN
    a := ledger_lock(p_from, p_kind, p_now, true);
    UPDATE loyalty_account SET is_closed = false WHERE member_id = p_to AND kind_id = p_kind RETURNING * INTO b;
    SELECT * INTO v_debt FROM loyalty_movement m
     WHERE m.account_id = a.id AND m.key = p_merge || ':debt' AND m.member_id = p_from;
    IF v_debt.id IS NOT NULL THEN
        v_kept := v_debt.points - least(v_debt.points, greatest(-a.active, 0));
        a.active := a.active + v_debt.points;
        v_in := ledger_write(a, 'transfer', 'programme', 'active', v_debt.points, p_key || ':debt', v_debt.id, p_reason,
                             p_actor, p_now);
        FOR l IN
            SELECT o.points AS open, lot.id FROM ledger_open_uses(v_debt.id) o JOIN loyalty_lot lot ON lot.id = o.lot
             WHERE o.points > 0 AND (lot.expires_at IS NULL OR lot.expires_at > p_now)
             ORDER BY lot.expires_at NULLS LAST, lot.id
        LOOP
            v_part := least(l.open, v_kept);
            EXIT WHEN v_part = 0;
            v_kept := v_kept - v_part;
            UPDATE loyalty_lot SET remaining = remaining + v_part WHERE id = l.id;
            INSERT INTO loyalty_lotuse (member_id, movement_id, lot_id, points) VALUES (p_from, v_in, l.id, -v_part);
        END LOOP;
        IF v_kept > 0 THEN  -- it had cost points that would be dead by now, or that were earned since
            INSERT INTO loyalty_lot (member_id, account_id, origin_id, points, remaining, is_active, activates_at, expires_at)
            SELECT p_from, a.id, v_in, v_kept, v_kept, true, p_now,
                   CASE WHEN count(*) = count(lot.expires_at) AND count(*) > 0
                        THEN greatest(max(lot.expires_at), p_now + make_interval(days => min(k.restored_life_days))) END
              FROM loyalty_pointkind k LEFT JOIN loyalty_lot lot ON lot.account_id = a.id AND lot.remaining > 0
             WHERE k.id = p_kind;
        END IF;
    END IF;
    SELECT m.id INTO v_came FROM loyalty_movement m
     WHERE m.account_id = a.id AND m.key = p_merge || ':active' AND m.member_id = p_from;
    FOREACH v_bucket IN ARRAY ARRAY['pending', 'active'] LOOP
        SELECT coalesce(sum(g.remaining), 0), coalesce(sum(g.netted), 0) INTO v_points, v_netted
          FROM ledger_going(a.id, b.id, v_bucket = 'active', v_came, p_now) g;
        CONTINUE WHEN v_points + v_netted = 0;
        IF v_bucket = 'pending' THEN
            a.pending := a.pending - v_points; b.pending := b.pending + v_points;
        ELSE
            a.active := a.active - v_points - v_netted; b.active := b.active + v_points + v_netted;
        END IF;
        v_out := ledger_write(a, 'transfer', v_bucket, 'programme', v_points + v_netted, p_key || ':' || v_bucket, NULL,
                              p_reason, p_actor, p_now);
        v_in := ledger_write(b, 'transfer', 'programme', v_bucket, v_points + v_netted, p_key || ':' || v_bucket, NULL,
                             p_arrives, p_actor, p_now);
        FOR l IN
            SELECT * FROM ledger_going(a.id, b.id, v_bucket = 'active', v_came, p_now) g
             WHERE g.remaining + g.netted > 0 ORDER BY g.id
        LOOP
            UPDATE loyalty_lot SET remaining = 0 WHERE id = l.id;
            IF l.remaining > 0 THEN
                INSERT INTO loyalty_lotuse (member_id, movement_id, lot_id, points) VALUES (p_from, v_out, l.id, l.remaining);
            END IF;
            IF l.is_direct THEN
                UPDATE loyalty_lot
                   SET remaining = remaining + l.remaining + l.netted, is_active = v_bucket = 'active',
                       activates_at = l.activates_at, expires_at = l.expires_at
                 WHERE id = l.old;
                INSERT INTO loyalty_lotuse (member_id, movement_id, lot_id, points)
                VALUES (p_to, v_in, l.old, -l.remaining - l.netted);
            ELSE
                INSERT INTO loyalty_lot (member_id, account_id, origin_id, replaces_id, points, remaining, is_active,
                                         activates_at, expires_at, idle_months)
                VALUES (p_to, b.id, v_in, l.old, l.remaining, l.remaining, true, l.activates_at, l.expires_at, l.idle_months);
            END IF;
        END LOOP;
        IF v_netted > 0 THEN  -- what had repaid the other's debt
            PERFORM ledger_take(a, v_netted, v_out, 0, NULL);
        END IF;
    END LOOP;
    IF v_debt.id IS NOT NULL THEN
        b.active := b.active - v_debt.points;
        v_out := ledger_write(b, 'transfer', 'active', 'programme', v_debt.points, p_key || ':debt', NULL, p_arrives,
                              p_actor, p_now);
        PERFORM ledger_take(b, v_debt.points, v_out, 0, NULL);
    END IF;
    UPDATE loyalty_account
       SET pending = a.pending, active = a.active, overdraft = greatest(overdraft, -a.active),
           next_due_at = ledger_next_due(a.id, p_now)
     WHERE id = a.id;
    UPDATE loyalty_account
       SET pending = b.pending, active = b.active, overdraft = greatest(overdraft, -b.active),
           next_due_at = ledger_next_due(b.id, p_now)
     WHERE id = b.id;
    DELETE FROM loyalty_inherited i WHERE i.member_id = p_from AND i.kind_id = p_kind AND i.key = p_merge;
    INSERT INTO loyalty_inherited (member_id, kind_id, what, points, happened_at, key)  -- the visit counts for nobody
    SELECT who.member, p_kind, 'transfer', who.sign * CASE m.source WHEN 'programme' THEN m.points ELSE -m.points END,
           who.at, p_key
      FROM loyalty_movement m
     CROSS JOIN LATERAL (VALUES (p_from, -1, m.happened_at), (p_from, 1, p_now), (p_to, 1, m.happened_at),
                                (p_to, -1, p_now)) who(member, sign, at)
     WHERE m.account_id = a.id AND m.member_id = p_from
       AND m.key IN (p_merge || ':pending', p_merge || ':active', p_merge || ':debt');
END $$;
