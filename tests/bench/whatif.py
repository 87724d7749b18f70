"""The what-if of a draft over everybody beside the bare aggregate: spend by member, its tier, and the matrix."""

from collections.abc import Iterator

from django.db import connection, transaction
from django.utils import timezone

from loyalty.judging.actions import judge_range
from loyalty.tiers.actions import load_climb
from loyalty.tiers.models import Ladder
from loyalty.tiers.rules import TICK, thresholds
from loyalty.whatif.actions import draw, measure_range, result_of
from loyalty.whatif.models import DraftTier, WhatIf
from members.kit.models import Chunk
from members.kit.ranges import id_ranges, plan_afresh
from members.kit.windows import start_of_day
from members.profiles.models import Member
from tests.bench.ground import ROUNDS, run_sql, timed
from tests.bench.table import Line, in_turns

BARE = """
WITH s AS (
    SELECT member_id, sum(amount) AS spend FROM members_sale
     WHERE happened_at >= %(start)s AND happened_at < %(as_of)s GROUP BY member_id
)
SELECT coalesce(st.tier_id, %(lowest)s), width_bucket(coalesce(s.spend, 0)::bigint, %(floors)s::bigint[]), count(*)
  FROM members_member m LEFT JOIN s ON s.member_id = m.id
  LEFT JOIN loyalty_standing st ON st.member_id = m.id AND st.ladder_id = %(ladder)s
 GROUP BY 1, 2
"""


def what_ifs() -> Iterator[Line | str]:
    """A tier goes between silver and gold, gold begins later; everybody was judged last night."""
    ladder = Ladder.objects.get()
    Ladder.objects.update(basis="spend", window="rolling", months=12)
    if load_climb().steps[1].threshold < 10_000:  # type: ignore[union-attr]
        run_sql("UPDATE loyalty_tier SET threshold = threshold * 100")
    for first, last in id_ranges(Member, size=50_000):
        judge_range(first=first, last=last, as_of=start_of_day(timezone.now()))
    run_sql("VACUUM ANALYZE loyalty_standing")
    draft = draw(ladder=ladder, name="bench", by=None)
    gold = draft.tiers.get(code="gold")
    DraftTier.objects.create(
        draft=draft, place=25, code="pearl", name_zh="珍珠", name_en="Pearl", threshold=gold.threshold, multiplier=120
    )
    draft.tiers.filter(code="gold").update(threshold=gold.threshold + gold.threshold // 5)
    now = timezone.now()
    run = WhatIf.objects.create(draft=draft, digest="", steps={"before": [], "after": []}, as_of=now)
    ours, bare = in_turns(
        ROUNDS, lambda: 1 / timed(lambda: measure_all(run)), lambda: 1 / timed(lambda: aggregate(now))
    )
    yield Line("what-if over all members, time to bare SQL", ours, bare, 3, True)
    yield f"    ours {1 / ours.middle:.1f} s, bare SQL {1 / bare.middle:.1f} s, {run.moves.count():,} would move"
    assert result_of(draft) is not None


def measure_all(run: WhatIf) -> None:
    """What the chunks do, one after the other, each planned for its own range."""
    Chunk.objects.filter(name="whatif", slot=run.slot).delete()
    for first, last in id_ranges(Member, size=50_000):
        with transaction.atomic():
            plan_afresh()
            outcome = measure_range(what_if=run.pk, first=first, last=last)
            Chunk.objects.create(
                name="whatif", slot=run.slot, first_id=first, last_id=last, as_of=run.as_of, outcome=outcome
            )


def aggregate(now: object) -> None:
    """The yardstick."""
    climb = load_climb()
    assert climb
    floors, tiers = thresholds(climb)
    as_of = now + TICK  # type: ignore[operator]
    values = {
        "start": climb.starts_at(as_of), "as_of": as_of, "ladder": climb.id, "lowest": tiers[0], "floors": floors,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(BARE, values)
        cursor.fetchall()
