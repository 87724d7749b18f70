-- When points lapse that die after so many months without activity; months are those of the calendar in UTC.
CREATE OR REPLACE FUNCTION ledger_idle_until(p_from timestamptz, p_months integer)
RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT (p_from AT TIME ZONE 'UTC' + make_interval(months => p_months)) AT TIME ZONE 'UTC'
$$;
