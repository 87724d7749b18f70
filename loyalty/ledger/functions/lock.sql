-- The member's account, locked and settled; opened if it is missing and `p_opens`, else empty.
CREATE OR REPLACE FUNCTION ledger_lock(p_member bigint, p_kind bigint, p_now timestamptz, p_opens boolean)
RETURNS loyalty_account LANGUAGE plpgsql AS $$
DECLARE a loyalty_account;
BEGIN
    SELECT * INTO a FROM loyalty_account WHERE member_id = p_member AND kind_id = p_kind FOR UPDATE;
    IF NOT FOUND AND p_opens THEN
        INSERT INTO loyalty_account (member_id, kind_id) VALUES (p_member, p_kind) ON CONFLICT DO NOTHING;
        SELECT * INTO a FROM loyalty_account WHERE member_id = p_member AND kind_id = p_kind FOR UPDATE;
    END IF;
    IF a.next_due_at <= p_now THEN
        a := ledger_settle(a, p_now);
    END IF;
    RETURN a;
END $$;
