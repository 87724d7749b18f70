-- A merge: all that one member holds of a kind goes to another, lot by lot, each with its own activation and expiry.
-- Debt goes too, and is repaid out of what the other has. The account that was left is closed. What counts for tiers
-- counts on at its own moments: the whole past is copied, this movement with it, which takes the arrival out again.
CREATE OR REPLACE FUNCTION ledger_carry(
    p_from bigint, p_to bigint, p_kind bigint, p_key text, p_now timestamptz, p_reason text, p_arrives text, p_actor text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE a loyalty_account; b loyalty_account; v_bucket text; v_points bigint; v_debt bigint; v_owed bigint;
        v_out bigint; v_in bigint; v_lot bigint; v_part bigint; l record;
BEGIN
    a := ledger_lock(p_from, p_kind, p_now, true);
    b := ledger_lock(p_to, p_kind, p_now, true);
    v_debt := greatest(-b.active, 0);
    v_owed := greatest(-a.active, 0);
    FOR v_bucket, v_points IN SELECT * FROM (VALUES ('pending', a.pending), ('active', greatest(a.active, 0))) v LOOP
        CONTINUE WHEN v_points = 0;
        IF v_bucket = 'pending' THEN
            a.pending := 0; b.pending := b.pending + v_points;
        ELSE
            a.active := 0; b.active := b.active + v_points;
        END IF;
        v_out := ledger_write(a, 'transfer', v_bucket, 'programme', v_points, p_key || ':' || v_bucket, NULL, p_reason,
                              p_actor, p_now);
        v_in := ledger_write(b, 'transfer', 'programme', v_bucket, v_points, p_key || ':' || v_bucket, NULL, p_arrives,
                             p_actor, p_now);
        FOR l IN
            SELECT * FROM loyalty_lot WHERE account_id = a.id AND remaining > 0 AND is_active = (v_bucket = 'active')
             ORDER BY expires_at NULLS LAST, id
        LOOP
            v_part := CASE WHEN l.is_active THEN least(l.remaining, v_debt) ELSE 0 END;
            v_debt := v_debt - v_part;
            UPDATE loyalty_lot SET remaining = 0 WHERE id = l.id;
            INSERT INTO loyalty_lotuse (member_id, movement_id, lot_id, points)
            VALUES (a.member_id, v_out, l.id, l.remaining);
            INSERT INTO loyalty_lot (member_id, account_id, origin_id, points, remaining, is_active, activates_at,
                                     expires_at, idle_months, carries)
            VALUES (b.member_id, b.id, v_in, l.remaining, l.remaining - v_part, l.is_active, l.activates_at, l.expires_at,
                    l.idle_months, l.id)
            RETURNING id INTO v_lot;
            IF v_part > 0 THEN
                INSERT INTO loyalty_lotuse (member_id, movement_id, lot_id, points)
                VALUES (b.member_id, v_in, v_lot, v_part);
            END IF;
        END LOOP;
    END LOOP;
    IF v_owed > 0 THEN
        a.active := 0; b.active := b.active - v_owed;
        PERFORM ledger_write(a, 'transfer', 'programme', 'active', v_owed, p_key || ':debt', NULL, p_reason, p_actor, p_now);
        v_out := ledger_write(b, 'transfer', 'active', 'programme', v_owed, p_key || ':debt', NULL, p_arrives, p_actor,
                              p_now);
        PERFORM ledger_take(b, v_owed, v_out, 0, NULL);
    END IF;
    UPDATE loyalty_account SET pending = a.pending, active = a.active, next_due_at = NULL, is_closed = true WHERE id = a.id;
    UPDATE loyalty_account
       SET pending = b.pending, active = b.active, overdraft = greatest(overdraft, -b.active), idles = b.idles OR a.idles,
           next_due_at = ledger_next_due(b.id, p_now)
     WHERE id = b.id;
    INSERT INTO loyalty_inherited (member_id, kind_id, what, points, happened_at, key)
    SELECT p_to, p_kind, m.kind, CASE m.source WHEN 'programme' THEN m.points ELSE -m.points END, m.happened_at, p_key
      FROM loyalty_movement m
     WHERE m.account_id = a.id AND 'programme' IN (m.source, m.target) AND m.points > 0
     UNION ALL
    SELECT p_to, p_kind, i.what, i.points, i.happened_at, p_key
      FROM loyalty_inherited i WHERE i.member_id = p_from AND i.kind_id = p_kind;
END $$;
