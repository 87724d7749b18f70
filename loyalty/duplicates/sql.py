"""Statements that find members who may be one: marks of a range, those who share one, and what is alike of two.

Nobody is compared with everybody: only who shares a mark is looked at, and a mark that many share says nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from loyalty.duplicates.rules import ALIKE, ASIDE, FURTHER, LEAST, MOST, MOST_ALIKE, POINTS, SHORTEST_NUMBER, Reason

HAN = "[\u3400-\u9fff]"
# The parts of a name in one order, however it was written: each Chinese character, each word in small letters, full
# width made half. So 王 小明, 小明王 and 王小明 are one, and Green, Anna is Anna Green.
PARTS = f"""
SELECT coalesce(array_agg(part ORDER BY part), '{{}}') AS parts
  FROM regexp_split_to_table(btrim(regexp_replace(
           regexp_replace(lower(normalize(m.name, NFKC)), '({HAN})', ' \\1 ', 'g'),
           '[\\s!-/:-@\\[-`{{-~·•・,。、]+', ' ', 'g')), ' ') part
 WHERE part <> ''
"""
# Who is looked at: names in parts, days of birth as said and as known.
PEOPLE = f"""
people AS MATERIALIZED (
    SELECT m.id, m.birth_on, m.home_store_id AS store, n.parts, array_to_string(n.parts, ' ') AS name,
           array_remove(ARRAY[
               'solar' || (extract(month FROM m.birth_on) * 100 + extract(day FROM m.birth_on))::integer,
               nullif(p.calendar, '') || (p.birth_month * 100 + p.birth_day)], NULL) AS days
      FROM members_member m
     CROSS JOIN LATERAL ({PARTS}) n
      LEFT JOIN members_person p ON p.member_id = m.id
     WHERE {{whom}} AND m.merged_into IS NULL AND m.erased_at IS NULL AND m.restricted_at IS NULL
)"""
# By what they are found: digits of what is a number, e-mails without what their owners may write or leave out.
CONTACTS = f"""
contacts AS MATERIALIZED (
    SELECT i.member_id AS id, i.kind, i.value,
           CASE WHEN i.kind <> 'email' AND i.value ~ '^[+]?[0-9]{{{SHORTEST_NUMBER},15}}$'
                THEN ltrim(i.value, '+0') END AS digits,
           CASE WHEN i.kind = 'email'
                THEN replace(split_part(split_part(i.value, '@', 1), '+', 1), '.', '') || '@'
                     || replace(split_part(i.value, '@', 2), 'googlemail.com', 'gmail.com') END AS email,
           CASE WHEN i.kind IN ('card', 'wechat') THEN lower(i.value) END AS handle,
           CASE WHEN i.kind = 'phone' THEN right(i.value, 4) END AS ending
      FROM members_identity i JOIN people p ON p.id = i.member_id
)"""
MARKS = f"""
WITH {PEOPLE}, {CONTACTS}, marks AS (
    SELECT DISTINCT id AS member, hashtextextended(mark, 0) AS value FROM (
        SELECT p.id, 'name+day:' || p.name || ':' || day AS mark FROM people p, unnest(p.days) day WHERE p.name <> ''
         UNION ALL
        SELECT p.id, 'name+digits:' || p.name || ':' || c.ending FROM people p JOIN contacts c USING (id)
         WHERE p.name <> '' AND c.ending IS NOT NULL
         UNION ALL
        SELECT p.id, 'birth+store:' || p.birth_on || ':' || p.store FROM people p
         UNION ALL
        SELECT p.id, 'birth+digits:' || p.birth_on || ':' || c.ending FROM people p JOIN contacts c USING (id)
         UNION ALL
        SELECT c.id, 'number:' || right(c.digits, {SHORTEST_NUMBER}) FROM contacts c
         UNION ALL
        SELECT c.id, 'email:' || c.email FROM contacts c
         UNION ALL
        SELECT c.id, 'handle:' || c.handle FROM contacts c
    ) said WHERE mark IS NOT NULL
)"""
KEEP = (
    MARKS
    + """, gone AS (
    DELETE FROM loyalty_mark k WHERE k.member_id BETWEEN %(first)s AND %(last)s
       AND NOT EXISTS (SELECT FROM marks n WHERE n.member = k.member_id AND n.value = k.value)
    RETURNING k.member_id
), new AS (
    INSERT INTO loyalty_mark (member_id, value)
    SELECT n.member, n.value FROM marks n
     WHERE NOT EXISTS (SELECT FROM loyalty_mark k WHERE k.member_id = n.member AND k.value = n.value)
     ORDER BY n.member, n.value
        ON CONFLICT DO NOTHING
    RETURNING member_id
)
SELECT DISTINCT member_id FROM (SELECT * FROM gone UNION ALL SELECT * FROM new) changed ORDER BY member_id
"""
)
# Who shares a mark with one of these, unless many do.
SHARING = f"""
SELECT DISTINCT least(k.member, o.other) AS one, greatest(k.member, o.other) AS two
  FROM ({{asking}}) k
 CROSS JOIN LATERAL (SELECT array_agg(s.member_id) AS others
                       FROM (SELECT member_id FROM loyalty_mark WHERE value = k.value LIMIT {MOST_ALIKE} + 1) s) s
 CROSS JOIN LATERAL unnest(s.others) o(other)
 WHERE cardinality(s.others) <= {MOST_ALIKE} AND o.other <> k.member
"""
# A name in pieces that can be counted: Chinese characters, and of words each two letters that follow one another.
PIECES = f"""
SELECT coalesce(array_agg(DISTINCT piece), '{{}}') AS pieces FROM unnest(p.parts) part CROSS JOIN LATERAL (
    SELECT part AS piece WHERE part ~ '{HAN}'
     UNION ALL
    SELECT substr('^' || part || '$', place, 2) FROM generate_series(1, length(part) + 1) place WHERE part !~ '{HAN}'
) pieces
"""
# What reasons weigh together, as `rules.score_of` says it.
SCORE = f"""
SELECT CASE WHEN count(*) FILTER (WHERE NOT w.is_aside) = 0 THEN 0 ELSE greatest(0, least({MOST},
           max(w.points) FILTER (WHERE NOT w.is_aside) + {FURTHER} * (count(*) FILTER (WHERE NOT w.is_aside) - 1)
           + coalesce(sum(w.points) FILTER (WHERE w.is_aside), 0))) END AS score
  FROM unnest({{reasons}}) reason
  JOIN (VALUES {", ".join(f"('{each}', {POINTS[each]}, {each in ASIDE})" for each in Reason)})
       w(reason, points, is_aside) USING (reason)
"""
WEIGHED = SCORE.replace("{reasons}", "r.reasons")
# What is alike of each two.
OF_PAIRS = PEOPLE.replace("{whom}", "m.id IN (SELECT one FROM pairs UNION SELECT two FROM pairs)")
JUDGED = f"""
{OF_PAIRS}, {CONTACTS}, sides AS MATERIALIZED (
    SELECT p.*, pieces.pieces FROM people p CROSS JOIN LATERAL ({PIECES}) pieces
), alike AS (
    SELECT q.one, q.two, x.name = y.name AND x.name <> '' AS same_name, x.birth_on = y.birth_on AS same_birth,
           x.birth_on <> y.birth_on AS other_birth, x.days && y.days AS same_day, x.store = y.store AS same_store,
           x.birth_on = y.birth_on AND (
               SELECT count(*) * 2 >= {ALIKE} * (cardinality(x.pieces) + cardinality(y.pieces)) AND count(*) > 1
                 FROM unnest(x.pieces) piece WHERE piece = ANY (y.pieces)) AS alike_born,
           c.same_number, c.same_email, c.same_handle, c.same_digits
      FROM pairs q JOIN sides x ON x.id = q.one JOIN sides y ON y.id = q.two
     CROSS JOIN LATERAL (
           SELECT bool_or(a.kind <> b.kind AND (a.digits LIKE '%%' || b.digits OR b.digits LIKE '%%' || a.digits))
                      AS same_number,
                  bool_or(a.email = b.email) AS same_email, bool_or(a.handle = b.handle) AS same_handle,
                  bool_or(a.ending = b.ending) AS same_digits
             FROM contacts a, contacts b WHERE a.id = q.one AND b.id = q.two) c
), reasoned AS (
    SELECT one, two, array_remove(ARRAY[
               CASE WHEN same_number THEN 'number' END,
               CASE WHEN same_email THEN 'email' END,
               CASE WHEN same_handle THEN 'handle' END,
               CASE WHEN same_name AND same_birth THEN 'name_birthday' END,
               CASE WHEN same_name AND same_day AND same_birth IS NOT TRUE THEN 'name_day' END,
               CASE WHEN same_name AND same_digits THEN 'name_digits' END,
               CASE WHEN alike_born AND NOT same_name THEN 'alike_birthday' END,
               CASE WHEN same_digits AND NOT same_name THEN 'digits' END,
               CASE WHEN same_store THEN 'store' END,
               CASE WHEN other_birth THEN 'other_birthday' END], NULL) AS reasons
      FROM alike
), judged AS (
    SELECT r.one, r.two, r.reasons, s.score FROM reasoned r CROSS JOIN LATERAL ({WEIGHED}) s
)"""
CHANGED = "SELECT member_id AS member, value FROM loyalty_mark WHERE member_id = ANY (%(changed)s)"
FIND = f"""
WITH pairs AS (
    {SHARING.replace("{asking}", CHANGED)}
     UNION
    SELECT member_id, other FROM loyalty_likeness
     WHERE decided_at IS NULL AND (member_id = ANY (%(changed)s) OR other = ANY (%(changed)s))
), {JUDGED}, gone AS (
    DELETE FROM loyalty_likeness l USING pairs q WHERE l.member_id = q.one AND l.other = q.two AND l.decided_at IS NULL
       AND NOT EXISTS (SELECT FROM judged j WHERE j.one = q.one AND j.two = q.two AND j.score >= {LEAST})
    RETURNING 1
), found AS (
    INSERT INTO loyalty_likeness AS l (member_id, other, score, reasons, found_at)
    SELECT j.one, j.two, j.score, j.reasons, %(now)s FROM judged j WHERE j.score >= {LEAST} ORDER BY j.one, j.two
        ON CONFLICT ON CONSTRAINT likeness_once_for_two DO UPDATE
       SET score = excluded.score, reasons = excluded.reasons
     WHERE l.decided_at IS NULL AND (l.score, l.reasons) IS DISTINCT FROM (excluded.score, excluded.reasons)
    RETURNING 1
)
SELECT (SELECT count(*) FROM found), (SELECT count(*) FROM gone)
"""
# Of one member as they are this moment, beside all others as the last night knew them; who was told apart is left out.
ALIKE_TO = f"""
WITH pairs AS (
    {MARKS.replace("{whom}", "m.id = %(member)s")}
    {SHARING.replace("{asking}", "SELECT member, value FROM marks")}
), {JUDGED}
SELECT o.id, o.number, o.name, (SELECT value FROM members_identity i WHERE i.member_id = o.id AND i.kind = 'phone'
                                 ORDER BY i.id LIMIT 1), h.name_zh, h.name_en, j.score, j.reasons
  FROM judged j
  JOIN members_member o ON o.id = CASE WHEN j.one = %(member)s THEN j.two ELSE j.one END
  JOIN members_store h ON h.id = o.home_store_id
 WHERE j.score >= {LEAST}
   AND (%(all)s OR h.id IN (SELECT store_id FROM members_storestaff WHERE user_id = %(user)s))
   AND NOT EXISTS (SELECT FROM loyalty_likeness l
                    WHERE l.member_id = j.one AND l.other = j.two AND l.decided_at IS NOT NULL)
 ORDER BY j.score DESC, o.id LIMIT %(most)s
"""


def keep_marks(*, first: int, last: int) -> list[int]:
    """Bring the marks of a range up to date; the ids of members of whom something changed."""
    with connection.cursor() as cursor:
        cursor.execute(KEEP.replace("{whom}", "m.id BETWEEN %(first)s AND %(last)s"), {"first": first, "last": last})
        return [row[0] for row in cursor.fetchall()]


def find(*, changed: Sequence[int], now: datetime) -> tuple[int, int]:
    """Write down who is alike to one of these, and take away who is no more; how many of each."""
    with connection.cursor() as cursor:
        cursor.execute(FIND, {"changed": list(changed), "now": now})
        found, gone = cursor.fetchone()
        return found, gone


def alike_to(*, member: int, user: int, sees_all: bool, most: int) -> list[tuple[Any, ...]]:
    """Who is alike to a member this moment, of those whom a person sees. Writes nothing."""
    values = {"member": member, "user": user, "all": sees_all, "most": most}
    with connection.cursor() as cursor:
        cursor.execute(ALIKE_TO, values)
        return list(cursor.fetchall())
