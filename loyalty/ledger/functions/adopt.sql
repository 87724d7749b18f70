-- What a member who was merged into this one earned, spent or gave back under a key, as movements of this member that
-- add up to nothing: from then on it can be taken back, given back or activated here. NULL when there is none, or when
-- this member has the key already. Rows of one member never point at another's, which is why it is written anew.
CREATE OR REPLACE FUNCTION ledger_adopt(a loyalty_account, p_key text, p_types text[], p_now timestamptz)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE m loyalty_movement; v_root loyalty_movement;
BEGIN
    SELECT found.* INTO m
      FROM members_member d
      JOIN loyalty_account o ON o.member_id = d.id AND o.kind_id = a.kind_id
      JOIN loyalty_movement found ON found.account_id = o.id AND found.key = p_key AND found.member_id = d.id
     WHERE d.merged_into = a.member_id AND found.kind = ANY (p_types)
     ORDER BY found.id LIMIT 1;
    SELECT * INTO v_root FROM loyalty_movement
     WHERE id = CASE m.kind WHEN 'claw_back' THEN m.cause_id ELSE m.id END;
    IF v_root.id IS NULL OR EXISTS (SELECT FROM loyalty_movement own WHERE own.account_id = a.id
                                       AND own.key IN (p_key, v_root.key) AND own.member_id = a.member_id) THEN
        RETURN NULL;
    END IF;
    IF v_root.kind = 'spend' THEN
        PERFORM ledger_adopt_spend(a, v_root, p_now);
    ELSIF v_root.source = 'programme' THEN
        PERFORM ledger_adopt_credit(a, v_root);
    END IF;
    RETURN (SELECT id FROM loyalty_movement own
             WHERE own.account_id = a.id AND own.key = p_key AND own.member_id = a.member_id);
END $$;
