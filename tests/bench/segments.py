"""A segment of ten clauses counted over everybody, beside SQL written by hand in one pass over the sales."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from members.kit.ranges import id_ranges
from members.kit.traits import Asking
from members.profiles.models import Member
from members.segments import sql
from members.segments.actions import change_segment, members_now, refresh_range, what_is_known
from members.segments.models import Segment
from members.segments.rules import read_tree
from tests.bench.ground import ROUNDS, run_sql, timed
from tests.bench.table import Line, in_turns


def asks(trait: str, how: str, value: Any = None, **narrowed: Any) -> dict[str, Any]:
    said = {"trait": trait, "is": how} | ({} if value is None else {"value": value})
    return said | ({"with": narrowed} if narrowed else {})


TREE = {
    "all": [
        asks("home_store", "one_of", ["seed-0", "seed-1", "seed-2", "seed-3", "seed-4"]),
        asks("has_phone", "yes"),
        asks("spend", "at_least", 500_00, days=90),
        asks("purchases", "at_least", 3, days=365),
        asks("last_visit", "within_last", 60),
        asks("enrolled", "longer_ago", 365),
        asks("balance", "at_least", 100),
        {"any": [asks("largest_purchase", "at_least", 150_00), asks("stores_visited", "any_of", ["seed-7"], days=365)]},
        {"not": asks("spend", "less_than", 100_00)},
        asks("channels", "none_of", ["web"]),
    ]
}
BY_HAND = """
SELECT count(*) FROM members_member m
  JOIN (SELECT member_id, sum(amount - returned_amount) FILTER (WHERE happened_at >= %(d90)s) AS lately,
               count(*) FILTER (WHERE happened_at >= %(d365)s) AS purchases, max(happened_at) AS last,
               sum(amount - returned_amount) AS spend, max(amount) AS largest,
               coalesce(bool_or(store_id = %(seven)s) FILTER (WHERE happened_at >= %(d365)s), false) AS at_seven,
               bool_or(channel = 'web') AS web
          FROM members_sale WHERE happened_at <= %(now)s GROUP BY member_id) s ON s.member_id = m.id
 WHERE m.merged_into IS NULL AND m.home_store_id = ANY (%(stores)s) AND m.enrolled_at < %(d365)s
   AND s.lately >= 50000 AND s.purchases >= 3 AND s.last >= %(d60)s AND (s.largest >= 15000 OR s.at_seven)
   AND s.spend >= 10000 AND NOT s.web
   AND EXISTS (SELECT FROM members_identity i WHERE i.member_id = m.id AND i.kind = 'phone')
   AND EXISTS (SELECT FROM loyalty_account a JOIN loyalty_pointkind k ON k.id = a.kind_id
                WHERE a.member_id = m.id AND k.code = 'points' AND a.active >= 100)
"""


def segments() -> Iterator[Line | str]:
    """Counted in one query, and refreshed for the night in ranges."""
    now, known = timezone.now(), what_is_known()
    asking, tree = Asking(now), read_tree(TREE, known)
    stores = dict(run_sql("SELECT code, id FROM members_store"))
    values = {f"d{days}": asking.days_back(days) for days in (60, 90, 365)} | {
        "now": now, "seven": stores["seed-7"], "stores": [stores[f"seed-{n}"] for n in range(5)],
    }  # fmt: skip
    assert ours(tree, now) == by_hand(values), "both count the same"
    mine, bare = in_turns(
        ROUNDS, lambda: 1 / timed(lambda: ours(tree, now)), lambda: 1 / timed(lambda: by_hand(values))
    )
    yield Line("segment of ten clauses counted, time to SQL by hand", mine, bare, 1.3, True)
    yield f"    ours {1 / mine.middle:.2f} s, by hand {1 / bare.middle:.2f} s, {ours(tree, now):,} members in it"
    made = Segment.objects.create(code="bench", name_zh="bench", name_en="bench")
    change_segment(segment=made, tree=TREE, by=None, now=now)
    first, again = timed(lambda: refreshed(made, now)), timed(lambda: refreshed(made, now + timedelta(seconds=1)))
    yield f"    refreshed in ranges: {first:.1f} s for the first time, {again:.1f} s again"


def refreshed(segment: Segment, now: Any) -> None:
    """What the night's chunks do for one segment, one after the other."""
    known = what_is_known()
    for first, last in id_ranges(Member, size=50_000):
        refresh_range(segment=segment, known=known, first=first, last=last, now=now)


def ours(tree: dict[str, Any], now: Any) -> int:
    with sql.room_for_sets():
        return members_now(tree, now=now).count()


def by_hand(values: dict[str, Any]) -> int:
    """The yardstick, with as much memory."""
    with sql.room_for_sets(), connection.cursor() as cursor:
        cursor.execute(BY_HAND, values)
        return int(cursor.fetchone()[0])
