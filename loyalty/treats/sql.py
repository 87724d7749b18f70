"""What is due to a range of members and was not given yet, written down set-based; only what is new is written.

Ladders come with the tier on which members stand who have no standing (or none). Days are the shop's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from loyalty.tiers.rules import Climb
from loyalty.tiers.sql import zone
from loyalty.treats.rules import BIRTHDAYS_APART, JOININGS_APART, MISSED_DAYS, MISSED_MONTHS, Kept
from members.kit.arrays import integers, texts

BEGIN = """
UPDATE loyalty_benefit SET handed_since = CASE WHEN points IS NULL AND wait_days IS NULL THEN NULL ELSE %(now)s END
 WHERE (handed_since IS NULL) = (points IS NOT NULL OR wait_days IS NOT NULL)
"""
# Who may be given something: who was merged, erased, or is kept without being used may not.
LIVES = "m.merged_into IS NULL AND m.erased_at IS NULL AND m.restricted_at IS NULL"
GIVE = """
INSERT INTO loyalty_treat (member_id, ladder_id, tier_id, kind, occasion, words_zh, words_en, points, points_days,
                           due_at, last_on)
SELECT d.member, d.ladder, b.tier_id, b.kind, d.occasion, b.words_zh, b.words_en, b.points, b.points_days, d.due_at,
       %(today)s::date + b.wait_days
  FROM due d JOIN loyalty_benefit b ON b.id = d.benefit ORDER BY d.member, d.ladder
    ON CONFLICT ON CONSTRAINT treat_once_per_occasion DO NOTHING
RETURNING id, member_id, kind, points, points_days
"""
# On which tier each member of the range stands, and since when.
HELD = f"""
held AS (
    SELECT m.id AS member, l.ladder, CASE WHEN s.id IS NULL THEN l.lowest ELSE s.tier_id END AS tier,
           CASE WHEN s.id IS NULL THEN m.enrolled_at ELSE s.since END AS since
      FROM members_member m
     CROSS JOIN unnest(%(ladders)s::bigint[], %(lowests)s::bigint[]) l(ladder, lowest)
      LEFT JOIN loyalty_standing s ON s.member_id = m.id AND s.ladder_id = l.ladder
     WHERE m.id BETWEEN %(first)s AND %(last)s AND {LIVES}
)"""
# Every step up onto a tier, and every enrolment onto the lowest, since its set is handed out.
JOINED = """
WITH joined AS (
    SELECT c.member_id AS member, c.ladder_id AS ladder, b.id AS benefit, t.id AS tier, t.code, c.happened_at AS at
      FROM loyalty_benefit b
      JOIN loyalty_tier t ON t.id = b.tier_id
      JOIN loyalty_tierchange c ON c.after_id = t.id AND c.ladder_id = t.ladder_id
      LEFT JOIN loyalty_tier before ON before.id = c.before_id
     WHERE b.kind = 'joining' AND c.member_id BETWEEN %(first)s AND %(last)s
       AND c.happened_at BETWEEN greatest(b.handed_since, {since}) AND %(now)s
       AND c.reason NOT IN ('merge', 'unmerge') AND (before.id IS NULL OR before.threshold < t.threshold)
     UNION ALL
    SELECT m.id, l.ladder, b.id, t.id, t.code, m.enrolled_at
      FROM unnest(%(ladders)s::bigint[], %(lowests)s::bigint[]) l(ladder, lowest)
      JOIN loyalty_benefit b ON b.tier_id = l.lowest AND b.kind = 'joining'
      JOIN loyalty_tier t ON t.id = b.tier_id
      JOIN members_member m ON m.enrolled_at BETWEEN greatest(b.handed_since, {since}) AND %(now)s
     WHERE m.id BETWEEN %(first)s AND %(last)s
), due AS (
    SELECT DISTINCT ON (j.member, j.tier) j.member, j.ladder, j.benefit, j.at AS due_at,
           j.code || ':' || (j.at AT TIME ZONE {zone})::date AS occasion
      FROM joined j JOIN members_member m ON m.id = j.member
     WHERE {lives} AND NOT EXISTS (
           SELECT FROM loyalty_treat x WHERE x.member_id = j.member AND x.tier_id = j.tier AND x.kind = 'joining'
              AND x.due_at > j.at - make_interval(days => {apart}))
     ORDER BY j.member, j.tier, j.at
)"""
# Every month with a midnight at which the member stood on the tier while its gift was handed out.
MONTHS = """
WITH {held}, counted AS (
    SELECT h.member, h.ladder, b.id AS benefit, {midnight} AS begins
      FROM held h JOIN loyalty_benefit b ON b.tier_id = h.tier AND b.kind = 'monthly' AND b.handed_since IS NOT NULL
), due AS (
    SELECT c.member, c.ladder, c.benefit, to_char(month, 'YYYY-MM') AS occasion,
           greatest(month, c.begins) AT TIME ZONE {zone} AS due_at
      FROM counted c CROSS JOIN LATERAL generate_series(
           greatest(date_trunc('month', c.begins), {this} - make_interval(months => {missed})), {this},
           interval '1 month') month
     WHERE c.begins <= {moment} AND NOT EXISTS (
           SELECT FROM loyalty_treat x WHERE x.member_id = c.member AND x.ladder_id = c.ladder AND x.kind = 'monthly'
              AND x.occasion = to_char(month, 'YYYY-MM'))
)"""
# Every birthday kept on one of these days by who stood on the tier before the day was over.
BIRTHDAYS = """
WITH {held}, gives AS (
    SELECT h.*, b.id AS benefit, b.handed_since
      FROM held h JOIN loyalty_benefit b ON b.tier_id = h.tier AND b.kind = 'birthday' AND b.handed_since IS NOT NULL
), born AS (
    SELECT g.*, coalesce(nullif(p.calendar, ''), 'solar') AS calendar,
           CASE WHEN p.calendar <> '' THEN p.birth_month * 100 + p.birth_day
                ELSE extract(month FROM m.birth_on) * 100 + extract(day FROM m.birth_on) END::integer AS born
      FROM gives g JOIN members_member m ON m.id = g.member LEFT JOIN members_person p ON p.member_id = m.id
), due AS (
    SELECT DISTINCT ON (b.member, b.ladder) b.member, b.ladder, b.benefit, k.year::text AS occasion,
           k.day::timestamp AT TIME ZONE {zone} AS due_at
      FROM born b
      JOIN unnest(%(days)s::date[], %(calendars)s::text[], %(borns)s::integer[], %(years)s::integer[])
           k(day, calendar, born, year) ON k.calendar = b.calendar AND k.born = b.born
     WHERE (b.since AT TIME ZONE {zone})::date <= k.day AND (b.handed_since AT TIME ZONE {zone})::date <= k.day
       AND NOT EXISTS (
           SELECT FROM loyalty_treat x WHERE x.member_id = b.member AND x.ladder_id = b.ladder AND x.kind = 'birthday'
              AND (x.due_at AT TIME ZONE {zone})::date > k.day - {apart})
     ORDER BY b.member, b.ladder, k.day DESC
)"""
# Who stepped onto another tier, or enrolled, since a moment, where a set on joining is handed out.
LATELY = """
SELECT DISTINCT member FROM (
    SELECT c.member_id AS member FROM loyalty_tierchange c
     WHERE c.happened_at > %(since)s AND c.happened_at <= %(now)s
       AND EXISTS (SELECT FROM loyalty_benefit b WHERE b.tier_id = c.after_id AND b.kind = 'joining'
                      AND b.handed_since <= c.happened_at)
       AND NOT EXISTS (SELECT FROM loyalty_treat x WHERE x.member_id = c.member_id AND x.tier_id = c.after_id
                          AND x.kind = 'joining' AND x.due_at >= c.happened_at)
     UNION ALL
    SELECT m.id FROM members_member m
     WHERE m.enrolled_at > %(since)s AND m.enrolled_at <= %(now)s
       AND EXISTS (SELECT FROM loyalty_benefit b WHERE b.tier_id = ANY (%(lowests)s::bigint[]) AND b.kind = 'joining'
                      AND b.handed_since <= m.enrolled_at)
       AND NOT EXISTS (SELECT FROM loyalty_treat x WHERE x.member_id = m.id AND x.kind = 'joining')) x
 ORDER BY member
"""

Given = tuple[int, int, str, int | None, int | None]  # id, member, kind, points, and for how many days these last


def begin(now: datetime) -> None:
    """Note since when benefits are handed out, of those that are and were not before; and forget it of the others."""
    with connection.cursor() as cursor:
        cursor.execute(BEGIN, {"now": now})


@dataclass(frozen=True, slots=True)
class Range:
    """Members from the first id to the last, the ladders, and the shop's day from which things wait."""

    first: int
    last: int
    climbs: Sequence[Climb]
    today: date


def ladders_of(climbs: Sequence[Climb]) -> dict[str, Any]:
    """The ladders, and on each the tier of those without a standing."""
    return {
        "ladders": integers(climb.id for climb in climbs),
        "lowests": integers(climb.lowest.id if climb.lowest else None for climb in climbs),
    }


def give(due: str, among: Range, **values: Any) -> list[Given]:
    """Write down what a WITH finds due."""
    values |= {"first": among.first, "last": among.last, "today": among.today} | ladders_of(among.climbs)
    with connection.cursor() as cursor:
        cursor.execute(due + GIVE, values)
        return list(cursor.fetchall())


def give_joined(*, among: Range, now: datetime) -> list[Given]:
    """Sets on joining."""
    since = f"(%(now)s::timestamptz - make_interval(days => {MISSED_DAYS:d}))"
    due = JOINED.format(zone=zone(), lives=LIVES, apart=f"{JOININGS_APART:d}", since=since)
    return give(due, among, now=now)


def give_monthly(*, among: Range, as_of: datetime) -> list[Given]:
    """Gift sets of months."""
    latest = f"greatest(h.since, b.handed_since) AT TIME ZONE {zone()}"
    moment = f"(%(as_of)s::timestamptz AT TIME ZONE {zone()})"
    due = MONTHS.format(
        held=HELD, zone=zone(), moment=moment, missed=f"{MISSED_MONTHS:d}", this=f"date_trunc('month', {moment})",
        midnight=f"(date_trunc('day', {latest} - interval '1 microsecond') + interval '1 day')",
    )  # fmt: skip
    return give(due, among, as_of=as_of)


def give_birthdays(*, among: Range, kept: Sequence[Kept]) -> list[Given]:
    """Gifts for birthdays."""
    due = BIRTHDAYS.format(held=HELD, zone=zone(), apart=f"{BIRTHDAYS_APART:d}")
    return give(
        due,
        among,
        days=[each.day for each in kept],
        calendars=texts(each.calendar for each in kept),
        borns=integers(each.born for each in kept),
        years=integers(each.year for each in kept),
    )


def joined_lately(*, climbs: Sequence[Climb], since: datetime, now: datetime) -> list[int]:
    """The ids of members who may be due a set on joining since a moment."""
    values: dict[str, Any] = {"since": since, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(LATELY, values | ladders_of(climbs))
        return [row[0] for row in cursor.fetchall()]
