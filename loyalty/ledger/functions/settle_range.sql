-- Activates and expires what is due in a range of accounts. Accounts in debt go one by one: an activation repays it.
CREATE OR REPLACE FUNCTION ledger_settle_range(
    p_first bigint, p_last bigint, p_now timestamptz, OUT accounts bigint, OUT activated bigint, OUT expired bigint
) LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
DECLARE v_due bigint[]; v_debtors bigint[]; v_activated bigint; v_expired bigint;
BEGIN
    v_due := ARRAY(SELECT id FROM loyalty_account WHERE id BETWEEN p_first AND p_last AND next_due_at <= p_now
                    ORDER BY id FOR UPDATE);
    v_debtors := ARRAY(SELECT id FROM loyalty_account WHERE id = ANY (v_due) AND active < 0 ORDER BY id);
    accounts := cardinality(v_due);
    SELECT coalesce(sum(a.pending - s.pending), 0), coalesce(sum(a.pending + a.active - s.pending - s.active), 0)
      INTO v_activated, v_expired
      FROM loyalty_account a CROSS JOIN LATERAL ledger_settle(a, p_now) s WHERE a.id = ANY (v_debtors);
    WITH event AS MATERIALIZED (
        SELECT lot.id AS lot, lot.account_id AS account, lot.remaining AS points, e.at, e.what
          FROM loyalty_lot lot
         CROSS JOIN LATERAL (VALUES (lot.activates_at, 'activate'), (lot.expires_at, 'expire')) e(at, what)
         WHERE lot.account_id = ANY (v_due) AND lot.account_id <> ALL (v_debtors) AND lot.remaining > 0
           AND e.at <= p_now AND (e.what = 'expire' OR NOT lot.is_active)
    ), posting AS MATERIALIZED (
        SELECT e.*, nextval('loyalty_movement_id_seq') AS id, a.member_id AS member, a.held,
               a.pending - coalesce(sum(e.points) FILTER (WHERE e.what = 'activate') OVER sofar, 0) AS pending_after,
               a.active + coalesce(sum(e.points) FILTER (WHERE e.what = 'activate') OVER sofar, 0)
                        - coalesce(sum(e.points) FILTER (WHERE e.what = 'expire') OVER sofar, 0) AS active_after
          FROM (SELECT * FROM event ORDER BY account, at, what, lot) e JOIN loyalty_account a ON a.id = e.account
        WINDOW sofar AS (PARTITION BY e.account ORDER BY e.at, e.what, e.lot)
    ), moved AS (
        INSERT INTO loyalty_movement (id, member_id, account_id, kind, source, target, points, pending_after,
                                      active_after, held_after, key, reason, actor, happened_at)
        SELECT p.id, p.member, p.account, p.what, CASE p.what WHEN 'activate' THEN 'pending' ELSE 'active' END,
               CASE p.what WHEN 'activate' THEN 'active' ELSE 'programme' END, p.points, p.pending_after,
               p.active_after, p.held, p.what || ':' || p.lot, '', '', p.at
          FROM posting p ORDER BY p.id
    ), used AS (
        INSERT INTO loyalty_lotuse (member_id, movement_id, lot_id, points)
        SELECT p.member, p.id, p.lot, p.points FROM posting p WHERE p.what = 'expire'
    ), lots AS (
        UPDATE loyalty_lot lot SET is_active = true, remaining = CASE WHEN e.dies THEN 0 ELSE lot.remaining END
          FROM (SELECT lot, bool_or(what = 'expire') AS dies FROM event GROUP BY lot) e WHERE lot.id = e.lot
    ), balances AS (
        UPDATE loyalty_account a
           SET pending = a.pending - coalesce(s.activated, 0),
               active = a.active + coalesce(s.activated, 0) - coalesce(s.expired, 0),
               next_due_at = ledger_next_due(a.id, p_now)
          FROM loyalty_account b LEFT JOIN (
               SELECT account, sum(points) FILTER (WHERE what = 'activate') AS activated,
                      sum(points) FILTER (WHERE what = 'expire') AS expired FROM event GROUP BY account) s
               ON s.account = b.id
         WHERE a.id = b.id AND b.id = ANY (v_due) AND b.id <> ALL (v_debtors)
    )
    SELECT v_activated + coalesce(sum(points) FILTER (WHERE what = 'activate'), 0),
           v_expired + coalesce(sum(points) FILTER (WHERE what = 'expire'), 0)
      INTO activated, expired FROM event;
END $$;
