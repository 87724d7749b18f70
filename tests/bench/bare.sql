-- Yardsticks: the fastest bare functions that write the rows of one earning and one redemption, without any rule:
-- no look for a key, no settling, no choice of lots.
CREATE OR REPLACE FUNCTION bare_earn(p_member bigint, p_kind bigint, p_points bigint, p_key text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE v_account bigint; v_active bigint; v_movement bigint;
BEGIN
    UPDATE loyalty_account SET active = active + p_points WHERE member_id = p_member AND kind_id = p_kind
    RETURNING id, active INTO v_account, v_active;
    INSERT INTO loyalty_movement (member_id, account_id, kind, source, target, points, pending_after, active_after,
                                  held_after, key, happened_at)
    VALUES (p_member, v_account, 'earn', 'programme', 'active', p_points, 0, v_active, 0, p_key, now())
    RETURNING id INTO v_movement;
    INSERT INTO loyalty_lot (member_id, account_id, origin_id, points, remaining, is_active, activates_at)
    VALUES (p_member, v_account, v_movement, p_points, p_points, true, now());
    RETURN v_active;
END $$;
--
CREATE OR REPLACE FUNCTION bare_redeem(p_member bigint, p_kind bigint, p_points bigint, p_key text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE v_account bigint; v_active bigint; v_movement bigint; v_lot bigint;
BEGIN
    UPDATE loyalty_account SET active = active - p_points WHERE member_id = p_member AND kind_id = p_kind
    RETURNING id, active INTO v_account, v_active;
    INSERT INTO loyalty_movement (member_id, account_id, kind, source, target, points, pending_after, active_after,
                                  held_after, key, happened_at)
    VALUES (p_member, v_account, 'spend', 'active', 'programme', p_points, 0, v_active, 0, p_key, now())
    RETURNING id INTO v_movement;
    UPDATE loyalty_lot SET remaining = remaining - p_points
     WHERE id = (SELECT id FROM loyalty_lot WHERE account_id = v_account AND remaining > p_points
                  ORDER BY expires_at, id LIMIT 1) RETURNING id INTO v_lot;
    INSERT INTO loyalty_lotuse (member_id, movement_id, lot_id, points) VALUES (p_member, v_movement, v_lot, p_points);
    RETURN v_active;
END $$;
--
CREATE OR REPLACE FUNCTION bare_sale(p_member bigint, p_store bigint, p_key text, p_points bigint, p_growth bigint,
                                     p_rule bigint, p_climb bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE v_sale bigint; v_answer bigint;
BEGIN
    INSERT INTO members_idempotentanswer (scope, key, digest) VALUES ('till:1', p_key, repeat('0', 64))
    RETURNING id INTO v_answer;
    INSERT INTO members_sale (member_id, store_id, receipt, happened_at, currency, amount)
    VALUES (p_member, p_store, p_key, now(), 'CNY', 12050) RETURNING id INTO v_sale;
    INSERT INTO members_saleline (sale_id, member_id, position, sku, name, quantity, amount)
    VALUES (v_sale, p_member, 1, 'TEA', 'Tea', 2, 10000), (v_sale, p_member, 2, 'CAKE', 'Cake', 1, 2050);
    INSERT INTO loyalty_award (member_id, sale_id, version_id, points, multiplier)
    VALUES (p_member, v_sale, p_rule, 120, 100), (p_member, v_sale, p_climb, 120, 100);
    PERFORM bare_earn(p_member, p_points, 120, 'sale:' || v_sale || ':1');
    PERFORM bare_earn(p_member, p_growth, 120, 'sale:' || v_sale || ':2');
    INSERT INTO members_message (member_id, channel, purpose, template, key, context, status, due_at)
    VALUES (p_member, 'inbox', 'service', 'points_earned', 'sale:' || v_sale, '{"points": 120, "balance": 1}',
            'delivered', now());
    UPDATE members_idempotentanswer SET status = 201, body = jsonb_build_object('sale', v_sale) WHERE id = v_answer;
    RETURN v_sale;
END $$;
