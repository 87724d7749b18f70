-- The lots that came to an account from another in a merge, and those given back in their place: what is left of each,
-- and what of it repaid debt on arrival (`netted`; points that would be dead by now are let go).
CREATE OR REPLACE FUNCTION ledger_going(p_account bigint, p_home bigint, p_active boolean, p_came bigint, p_now timestamptz)
RETURNS TABLE (id bigint, remaining bigint, netted bigint, old bigint, is_direct boolean, activates_at timestamptz,
               expires_at timestamptz, idle_months smallint) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT lot.id, lot.remaining, CASE WHEN lot.expires_at <= p_now THEN 0 ELSE coalesce((
               SELECT sum(u.points) FROM loyalty_lotuse u WHERE u.lot_id = lot.id AND u.movement_id = p_came), 0) END::bigint,
           root.carries, lot.replaces_id IS NULL, lot.activates_at, lot.expires_at, lot.idle_months
      FROM loyalty_lot lot
      JOIN loyalty_lot root ON root.id = coalesce(lot.replaces_id, lot.id)
      JOIN loyalty_lot home ON home.id = root.carries AND home.account_id = p_home
     WHERE lot.account_id = p_account AND lot.is_active = p_active;
END $$;
