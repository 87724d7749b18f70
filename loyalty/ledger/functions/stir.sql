-- Activity on an account: what lapses only after idle months has all of them before it again.
CREATE OR REPLACE FUNCTION ledger_stir(p_account bigint, p_now timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE loyalty_lot SET expires_at = ledger_idle_until(p_now, idle_months)
     WHERE account_id = p_account AND remaining > 0 AND expires_at < ledger_idle_until(p_now, idle_months);
    IF FOUND THEN
        UPDATE loyalty_account SET next_due_at = ledger_next_due(p_account, p_now) WHERE id = p_account;
    END IF;
END $$;
