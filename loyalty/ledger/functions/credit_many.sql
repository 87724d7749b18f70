-- Many credits at once. Accounts without debt, without a lot that falls due among the credits and without a key seen
-- before are written set-based; the few others go one by one through ledger_credit, in the order given.
CREATE OR REPLACE FUNCTION ledger_credit_many(
    p_members bigint[], p_kinds bigint[], p_points bigint[], p_keys text[], p_nows timestamptz[],
    p_activates timestamptz[], p_expires timestamptz[], p_type text, p_reason text, p_actor text,
    p_idles integer[]
) RETURNS TABLE (place bigint, movement bigint, active bigint, is_replay boolean, refusal text)
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE v_simple bigint[]; asked record; given record;
BEGIN
    IF EXISTS (SELECT FROM unnest(p_idles) idle WHERE idle IS NOT NULL) THEN
        p_expires := ARRAY(
            SELECT CASE WHEN t.idle IS NULL THEN t.expires ELSE ledger_idle_until(greatest(t.activates, t.now), t.idle) END
              FROM unnest(p_nows, p_activates, p_expires, p_idles) WITH ORDINALITY t(now, activates, expires, idle, place)
             ORDER BY t.place);
    END IF;
    INSERT INTO loyalty_account (member_id, kind_id)
    SELECT DISTINCT t.member, t.kind FROM unnest(p_members, p_kinds) t(member, kind)
     WHERE NOT EXISTS (SELECT FROM loyalty_account a WHERE a.member_id = t.member AND a.kind_id = t.kind)
     ORDER BY 1, 2 ON CONFLICT DO NOTHING;
    PERFORM a.id FROM loyalty_account a
      WHERE (a.member_id, a.kind_id) IN (SELECT t.member, t.kind FROM unnest(p_members, p_kinds) t(member, kind))
      ORDER BY a.id FOR UPDATE;
    v_simple := ARRAY(
        SELECT a.id FROM unnest(p_members, p_kinds, p_keys, p_nows, p_activates, p_expires)
                         t(member, kind, key, now, activates, expires)
          JOIN loyalty_account a ON a.member_id = t.member AND a.kind_id = t.kind
         WHERE a.active >= 0
         GROUP BY a.id
        HAVING count(*) = count(DISTINCT t.key)
           AND max(t.now) < coalesce(least(min(a.next_due_at), min(
                   CASE WHEN t.activates > t.now THEN t.activates ELSE t.expires END)), 'infinity')
           AND NOT bool_or(EXISTS (SELECT FROM loyalty_movement m
                                    WHERE m.account_id = a.id AND m.key = t.key AND m.member_id = t.member)));
    RETURN QUERY
    WITH posting AS MATERIALIZED (
        SELECT t.*, a.id AS account, a.held, nextval('loyalty_movement_id_seq') AS id, t.activates > t.now AS waits,
               a.pending + sum(t.points) FILTER (WHERE t.activates > t.now) OVER sofar AS pending_after,
               a.active + sum(t.points) FILTER (WHERE t.activates <= t.now) OVER sofar AS active_after,
               a.pending, a.active
          FROM unnest(p_members, p_kinds, p_points, p_keys, p_nows, p_activates, p_expires, p_idles)
               WITH ORDINALITY t(member, kind, points, key, now, activates, expires, idle, place)
          JOIN loyalty_account a ON a.member_id = t.member AND a.kind_id = t.kind
         WHERE a.id = ANY (v_simple)
        WINDOW sofar AS (PARTITION BY a.id ORDER BY t.place)
    ), moved AS (
        INSERT INTO loyalty_movement (id, member_id, account_id, kind, source, target, points, pending_after,
                                      active_after, held_after, key, reason, actor, happened_at)
        SELECT p.id, p.member, p.account, p_type, 'programme', CASE WHEN p.waits THEN 'pending' ELSE 'active' END,
               p.points, coalesce(p.pending_after, p.pending), coalesce(p.active_after, p.active), p.held, p.key,
               p_reason, p_actor, p.now
          FROM posting p ORDER BY p.id
    ), lots AS (
        INSERT INTO loyalty_lot (member_id, account_id, origin_id, points, remaining, is_active, activates_at, expires_at,
                                 idle_months)
        SELECT p.member, p.account, p.id, p.points, p.points, NOT p.waits, p.activates, p.expires, p.idle
          FROM posting p ORDER BY p.id
    ), balances AS (
        UPDATE loyalty_account a
           SET pending = a.pending + s.pending, active = a.active + s.active, next_due_at = least(a.next_due_at, s.due),
               idles = a.idles OR s.idles
          FROM (SELECT p.account, coalesce(sum(p.points) FILTER (WHERE p.waits), 0) AS pending,
                       coalesce(sum(p.points) FILTER (WHERE NOT p.waits), 0) AS active,
                       min(CASE WHEN p.waits THEN p.activates ELSE p.expires END) AS due,
                       bool_or(p.idle IS NOT NULL) AS idles
                  FROM posting p GROUP BY p.account) s
         WHERE a.id = s.account
    )
    SELECT p.place, p.id, coalesce(p.active_after, p.active)::bigint, false, NULL::text FROM posting p;
    PERFORM ledger_stir(a.id, s.now)
       FROM (SELECT t.member, t.kind, max(t.now) AS now
               FROM unnest(p_members, p_kinds, p_nows) t(member, kind, now) GROUP BY 1, 2) s
       JOIN loyalty_account a ON a.member_id = s.member AND a.kind_id = s.kind
      WHERE a.id = ANY (v_simple) AND a.idles AND p_type = 'earn';
    FOR asked IN
        SELECT t.* FROM unnest(p_members, p_kinds, p_points, p_keys, p_nows, p_activates, p_expires, p_idles)
                        WITH ORDINALITY t(member, kind, points, key, now, activates, expires, idle, place)
          JOIN loyalty_account a ON a.member_id = t.member AND a.kind_id = t.kind
         WHERE a.id <> ALL (v_simple) ORDER BY t.place
    LOOP
        SELECT * INTO given FROM ledger_credit(asked.member, asked.kind, asked.points, asked.key, asked.now,
            asked.activates, asked.expires, p_type, p_reason, p_actor, asked.idle);
        place := asked.place; movement := given.movement; active := given.active;
        is_replay := given.is_replay; refusal := given.refusal;
        RETURN NEXT;
    END LOOP;
END $$;
