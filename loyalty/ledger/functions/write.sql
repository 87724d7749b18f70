CREATE OR REPLACE FUNCTION ledger_write(
    a loyalty_account, p_type text, p_source text, p_target text, p_points bigint, p_key text,
    p_cause bigint, p_reason text, p_actor text, p_at timestamptz
) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO loyalty_movement (member_id, account_id, kind, source, target, points, pending_after, active_after,
                                  held_after, key, cause_id, reason, actor, happened_at)
    VALUES (a.member_id, a.id, p_type, p_source, p_target, p_points, a.pending, a.active,
            a.held, p_key, p_cause, p_reason, p_actor, p_at)
    RETURNING id
$$;
