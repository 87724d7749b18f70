CREATE OR REPLACE FUNCTION ledger_next_due(p_account bigint, p_now timestamptz)
RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT min(CASE WHEN activates_at > p_now THEN activates_at WHEN expires_at > p_now THEN expires_at END)
      FROM loyalty_lot WHERE account_id = p_account AND remaining > 0
$$;
