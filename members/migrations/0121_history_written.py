"""Triggers that write down who changed what of a profile.

Members and their identities are changed by the thousand, so there a statement is looked at as a whole; what a member
says of themselves is a row. Identities of somebody who is just being enrolled are no change: their member is written
after them. Who is being erased leaves no history.
"""

from django.db import migrations

HAND = "hand jsonb := nullif(current_setting('regulars.hand', true), '')::jsonb;"
SIGNED = "coalesce(hand->>'door', ''), (hand->>'by')::bigint, statement_timestamp()"
INTO = "INSERT INTO members_change (member_id, field, before, after, door, by_id, changed_at)"

MASK = r"""
CREATE FUNCTION history_mask(kind text, value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
SELECT CASE kind
       WHEN 'email' THEN left(value, 1) || '***@' || substr(value, strpos(value, '@') + 1)
       WHEN 'phone' THEN left(regexp_replace(value, '^\+86', ''), -8) || '****'
                         || right(regexp_replace(value, '^\+86', ''), 4)
       ELSE '****' || CASE WHEN length(value) > 6 THEN right(value, 4) ELSE '' END END
$$
"""
MEMBERS = f"""
CREATE FUNCTION history_of_members() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE {HAND}
BEGIN
{INTO}
SELECT n.id, c.field, coalesce(c.before, ''), coalesce(c.after, ''), {SIGNED}
  FROM old_rows o JOIN new_rows n ON n.id = o.id
 CROSS JOIN LATERAL (
       VALUES ('name', o.name::text, n.name::text), ('birth_on', o.birth_on::text, n.birth_on::text),
              ('language', o.language::text, n.language::text),
              ('home_store', o.home_store_id::text, n.home_store_id::text)
        UNION ALL
       SELECT 'custom.' || key, a.value, b.value
         FROM jsonb_each_text(o.custom) a FULL JOIN jsonb_each_text(n.custom) b USING (key)) c(field, before, after)
 WHERE n.erased_at IS NULL AND coalesce(c.before, '') <> coalesce(c.after, '')
   AND (o.name, o.birth_on, o.language, o.home_store_id, o.custom)
       IS DISTINCT FROM (n.name, n.birth_on, n.language, n.home_store_id, n.custom);
RETURN NULL;
END $$
"""
IDENTITIES = f"""
CREATE FUNCTION history_of_identities() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE {HAND}
BEGIN
IF TG_OP = 'INSERT' THEN
    {INTO}
    SELECT n.member_id, n.kind, '', history_mask(n.kind, n.value), {SIGNED}
      FROM new_rows n JOIN members_member m ON m.id = n.member_id;
ELSIF TG_OP = 'UPDATE' THEN
    {INTO}
    SELECT n.member_id, n.kind, CASE WHEN o.member_id = n.member_id THEN history_mask(o.kind, o.value) ELSE '' END,
           history_mask(n.kind, n.value), {SIGNED}
      FROM old_rows o JOIN new_rows n ON n.id = o.id
     WHERE o.member_id <> n.member_id OR history_mask(o.kind, o.value) <> history_mask(n.kind, n.value);
ELSE
    {INTO}
    SELECT o.member_id, o.kind, history_mask(o.kind, o.value), '', {SIGNED}
      FROM old_rows o JOIN members_member m ON m.id = o.member_id AND m.erased_at IS NULL;
END IF;
RETURN NULL;
END $$
"""
# The columns that are told are the trigger's arguments.
ROW = f"""
CREATE FUNCTION history_of_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE {HAND}
BEGIN
{INTO}
SELECT NEW.member_id, c.field, coalesce(c.before, ''), coalesce(c.after, ''), {SIGNED}
  FROM (SELECT f.field, CASE WHEN TG_OP = 'UPDATE' THEN to_jsonb(OLD) ->> f.field END AS before,
               to_jsonb(NEW) ->> f.field AS after
          FROM unnest(TG_ARGV) f(field)) c
 WHERE coalesce(c.before, '') <> coalesce(c.after, '');
RETURN NULL;
END $$
"""
PERSON = "'family_name', 'given_name', 'gender', 'occupation', 'interests', 'calendar', 'birth_month', 'birth_day'"
TRIGGERS = [
    """CREATE TRIGGER history AFTER UPDATE ON members_member REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
       FOR EACH STATEMENT EXECUTE FUNCTION history_of_members()""",
    """CREATE TRIGGER history_insert AFTER INSERT ON members_identity REFERENCING NEW TABLE AS new_rows
       FOR EACH STATEMENT EXECUTE FUNCTION history_of_identities()""",
    """CREATE TRIGGER history_update AFTER UPDATE ON members_identity
       REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
       FOR EACH STATEMENT EXECUTE FUNCTION history_of_identities()""",
    """CREATE TRIGGER history_delete AFTER DELETE ON members_identity REFERENCING OLD TABLE AS old_rows
       FOR EACH STATEMENT EXECUTE FUNCTION history_of_identities()""",
    f"""CREATE TRIGGER history AFTER INSERT OR UPDATE ON members_person
        FOR EACH ROW EXECUTE FUNCTION history_of_row({PERSON})""",
]
UNDO = """
DROP TRIGGER history ON members_person; DROP TRIGGER history_delete ON members_identity;
DROP TRIGGER history_update ON members_identity; DROP TRIGGER history_insert ON members_identity;
DROP TRIGGER history ON members_member; DROP FUNCTION history_of_row(); DROP FUNCTION history_of_identities();
DROP FUNCTION history_of_members(); DROP FUNCTION history_mask(text, text);
"""


class Migration(migrations.Migration):
    dependencies = [("members", "0120_history")]

    operations = [migrations.RunSQL([MASK, MEMBERS, IDENTITIES, ROW, *TRIGGERS], UNDO)]
