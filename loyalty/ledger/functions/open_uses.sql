-- What a movement took and nothing that came of it has settled yet, lot by lot.
CREATE OR REPLACE FUNCTION ledger_open_uses(p_movement bigint)
RETURNS TABLE (lot bigint, points bigint) LANGUAGE sql STABLE AS $$
    SELECT u.lot_id, u.points - coalesce((
        SELECT sum(abs(later.points)) FROM loyalty_movement m JOIN loyalty_lotuse later ON later.movement_id = m.id
         WHERE m.cause_id = p_movement AND later.lot_id = u.lot_id), 0)::bigint
      FROM loyalty_lotuse u WHERE u.movement_id = p_movement
$$;
