-- Captures use up the soonest-expiring lots first; what comes back goes to the longest-living lots first, so that it is
-- the soonest-expiring points that repay a debt: p_kept is what is left after that. A lot that would die within the
-- least life gives way to a new one, so that nothing comes back already dead.
CREATE OR REPLACE FUNCTION ledger_give_back(
    a loyalty_account, p_cause bigint, p_movement bigint, p_points bigint, p_kept bigint,
    p_source text, p_target text, p_now timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE l record; v_left bigint := p_points; v_part bigint; v_kept bigint; v_keeps bigint := p_kept;
        v_from_held bigint := CASE WHEN p_source = 'held' THEN 1 ELSE 0 END;
        v_life timestamptz; v_lives boolean; v_restores boolean := p_target = 'active';
BEGIN
    SELECT p_now + make_interval(days => greatest(restored_life_days, 1)) INTO v_life FROM loyalty_pointkind WHERE id = a.kind_id;
    FOR l IN
        SELECT o.lot, o.points AS open, lot.expires_at, lot.idle_months, coalesce(lot.replaces_id, lot.id) AS root
          FROM ledger_open_uses(p_cause) o
          JOIN loyalty_lot lot ON lot.id = o.lot WHERE o.points > 0
         ORDER BY CASE WHEN v_restores THEN coalesce(lot.expires_at, 'infinity') END DESC,
                  coalesce(lot.expires_at, 'infinity'), lot.id
    LOOP
        EXIT WHEN v_left = 0;
        v_part := least(l.open, v_left);
        v_kept := CASE WHEN v_restores THEN least(v_part, v_keeps) ELSE 0 END;
        v_keeps := v_keeps - v_kept;
        v_lives := l.expires_at IS NULL
            OR (l.expires_at > p_now AND (p_source = 'held' OR l.expires_at >= v_life));
        UPDATE loyalty_lot SET held = held - v_from_held * v_part,
                               remaining = remaining + CASE WHEN v_lives THEN v_kept ELSE 0 END
         WHERE id = l.lot;
        IF v_kept > 0 AND NOT v_lives THEN
            INSERT INTO loyalty_lot (member_id, account_id, origin_id, replaces_id, points, remaining, is_active,
                                     activates_at, expires_at, idle_months)
            VALUES (a.member_id, a.id, p_movement, l.root, v_kept, v_kept, true, p_now, v_life, l.idle_months);
        END IF;
        INSERT INTO loyalty_lotuse (member_id, movement_id, lot_id, points)
        VALUES (a.member_id, p_movement, l.lot, CASE WHEN v_restores THEN -v_part ELSE v_part END);
        v_left := v_left - v_part;
    END LOOP;
END $$;
