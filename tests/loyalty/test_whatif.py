"""A ladder is changed while it runs: drawn, measured over everybody, published one way or another, or refused."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from loyalty.benefits.models import Benefit
from loyalty.benefits.rules import ValueMissing
from loyalty.tasks import run_chunk
from loyalty.tiers.models import Standing, Tier, TierChange
from loyalty.tiers.rules import BadMultiplier, RetentionTooHigh, SameThreshold, TiersOutOfOrder
from loyalty.whatif.actions import ask_to_publish, ask_what_if, draw, moves_as_rows, publish, result_of
from loyalty.whatif.models import DraftBenefit, DraftTier, LadderDraft, Move, WhatIf
from loyalty.whatif.rules import DraftClosed, NotMeasured, StaleDraft, TierLeftOut, UnknownTierOfBenefit
from members.kit.models import Chunk
from members.profiles.models import Member
from tests.factories import NOW, MemberFactory
from tests.loyalty.ladders import buy, grow, main, night, shanghai, tier, tier_of, until_of, way_of

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
TONIGHT = shanghai(2026, 3, 10)


@pytest.fixture(autouse=True)
def workers_of_our_own(monkeypatch):
    """Chunks are run by the tests, not by a worker elsewhere."""
    monkeypatch.setattr("loyalty.whatif.actions.current_app.send_task", lambda *_names, **_more: None)
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def people() -> dict[str, Member]:
    """Members with 0, 1,500, 3,000 and 6,000 growth, bought in one sale each, and judged last night."""
    found = {}
    for name, amount in (("none", 0), ("silver", 150_000), ("rich", 300_000), ("gold", 600_000)):
        found[name] = MemberFactory.create(name=name, now=NOW - 300 * DAY)
        if amount:
            buy(found[name], amount, NOW - 30 * DAY)
    night(TONIGHT - DAY)
    return found


def drawn(**benefit: Any) -> LadderDraft:
    """Pearl, between silver and gold, at 2,500 growth with 120 percent; gold from 7,000 on."""
    draft = draw(ladder=main(), name="珍珠", by=None)
    DraftTier.objects.create(
        draft=draft, place=25, code="pearl", name_zh="珍珠会员", name_en="Pearl", threshold=2_500, multiplier=120
    )
    DraftTier.objects.filter(draft=draft, code="gold").update(threshold=7_000)
    if benefit:
        DraftBenefit.objects.create(draft=draft, tier_code="pearl", **benefit)
    return draft


def measured(draft: LadderDraft) -> WhatIf:
    run = ask_what_if(draft=draft, by=None, now=NOW)
    for chunk in Chunk.objects.filter(slot=run.slot).values_list("pk", flat=True):
        run_chunk(chunk)
    return run


def published(draft: LadderDraft, mode: str) -> None:
    ask_to_publish(draft=draft, mode=mode, by=None, now=NOW)
    run_chunk(Chunk.objects.get(name="publish").pk)


def ladder_now() -> list[object]:
    """What a refusal must leave alone."""
    return [
        list(Tier.objects.order_by("pk").values()), list(Standing.objects.order_by("pk").values()),
        list(TierChange.objects.order_by("pk").values()), list(Benefit.objects.values()),
        list(LadderDraft.objects.values()), Chunk.objects.count(),
    ]  # fmt: skip


def test_a_draft_says_at_first_what_the_ladder_says_and_would_move_nobody(people):
    Benefit.objects.create(tier=tier("gold"), kind="discount", value=12)

    draft = draw(ladder=main(), name="同", by=None)
    measured(draft)

    result = result_of(draft)
    assert (result.is_done, result.matrix.members, result.matrix.moved, result.matrix.points) == (True, 4, 0, 0)
    assert list(draft.benefits.values_list("tier_code", "kind", "value")) == [("gold", "discount", 12)]


def test_a_what_if_says_who_moves_and_what_it_costs_and_changes_nothing(people):
    draft = drawn()
    before = ladder_now()[:4]

    run = measured(draft)

    found = result_of(draft).matrix
    assert [label.code for label in found.columns] == ["member", "silver", "pearl", "gold", "diamond"]
    cells = {row.label.code: [cell.count for cell in row.cells] for row in found.rows}
    assert cells == {"member": [1, 0, 0, 0, 0], "silver": [0, 1, 1, 0, 0], "gold": [0, 0, 1, 0, 0], "diamond": [0] * 5}
    assert (found.up, found.down, found.open_down, found.stay) == (1, 1, 1, 2)
    # 3,000 yuan at 120 instead of 110 percent, and 6,000 at 120 instead of 125
    assert found.points == 300 - 300
    assert list(Move.objects.order_by("member").values_list("before", "after", "total", "points")) == [
        ("silver", "pearl", 3_000, 300), ("gold", "pearl", 6_000, -300),
    ]  # fmt: skip
    assert ladder_now()[:4] == before
    assert [row[1:] for row in moves_as_rows(run, None)][1:] == [
        ["silver", "pearl", "3000", "300"], ["gold", "pearl", "6000", "-300"],
    ]  # fmt: skip
    assert len(list(moves_as_rows(run, []))) == 1


def test_a_what_if_run_twice_or_by_two_workers_counts_once(people):
    draft = drawn()
    run = measured(draft)
    for chunk in Chunk.objects.filter(slot=run.slot).values_list("pk", flat=True):
        run_chunk(chunk)

    assert (result_of(draft).matrix.members, Move.objects.count()) == (4, 2)


def test_a_what_if_leaves_given_and_protected_members_where_they_are(people):
    Standing.objects.filter(member=people["gold"]).update(is_protected=True)
    draft = drawn()

    measured(draft)

    assert result_of(draft).matrix.down == 0


@pytest.mark.parametrize(
    ("mode", "validity", "gold", "until"),
    [
        ("recompute", "", "pearl", None),
        ("recompute", "months", "pearl", shanghai(2027, 3, 10)),
        ("upwards", "", "gold", shanghai(2027, 3, 9, 12)),
        ("upwards", "months", "gold", shanghai(2027, 3, 10)),
        ("keep", "", "gold", None),
        ("keep", "months", "gold", shanghai(2027, 3, 8)),
    ],
)
def test_three_ways_to_publish(people, mode, validity, gold, until):
    main(validity=validity)
    if validity:
        Standing.objects.filter(tier__isnull=False).update(until=shanghai(2027, 3, 8))
    draft = drawn()
    measured(draft)

    published(draft, mode)

    draft.refresh_from_db()
    assert draft.status == "published"
    assert list(Tier.objects.order_by("threshold").values_list("code", "threshold")) == [
        ("member", 0), ("silver", 1_000), ("pearl", 2_500), ("gold", 7_000), ("diamond", 20_000),
    ]  # fmt: skip
    assert [tier_of(people[name]) for name in ("silver", "rich", "gold")] == ["silver", "pearl", gold]
    assert until_of(people["gold"]) == until
    assert way_of(people["rich"])[-1] == ("silver", "pearl", "published")
    change = TierChange.objects.filter(member=people["rich"]).latest("pk")
    assert change.note == "珍珠"
    if mode != "keep" and not (mode == "upwards" and gold != "gold"):
        assert way_of(people["gold"])[-1][2] == "published"
    assert publish(draft=draft.pk, now=NOW) == 0


@pytest.mark.parametrize(("mode", "tonight"), [("upwards", "gold"), ("keep", "pearl")])
def test_the_night_after_respects_the_promise(people, mode, tonight):
    draft = drawn()
    measured(draft)
    published(draft, mode)

    night(TONIGHT)

    assert tier_of(people["gold"]) == tonight


def test_benefits_are_published_with_the_ladder(people):
    Benefit.objects.create(tier=tier("gold"), kind="adviser")
    draft = drawn(kind="discount", value=5)
    measured(draft)

    published(draft, "recompute")

    assert set(Benefit.objects.values_list("tier__code", "kind", "value")) == {
        ("gold", "adviser", None), ("pearl", "discount", 5),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "says", "refusal"),
    [
        ("gold", {"threshold": 900}, TiersOutOfOrder),
        ("gold", {"threshold": 2_500}, SameThreshold),
        ("pearl", {"multiplier": 0}, BadMultiplier),
        ("pearl", {"multiplier": 1_001}, BadMultiplier),
        ("pearl", {"retention": 2_501}, RetentionTooHigh),
        ("pearl", {"place": 35}, TiersOutOfOrder),
    ],
)
def test_a_draft_that_is_no_ladder_is_refused(people, code, says, refusal):
    draft = drawn()
    DraftTier.objects.filter(draft=draft, code=code).update(**says)
    before = ladder_now()

    with pytest.raises(refusal):
        ask_what_if(draft=draft, by=None, now=NOW)

    assert ladder_now() == before


def test_drafts_keep_every_tier_and_benefits_a_tier_and_a_value(people):
    left_out, strange, empty = drawn(), drawn(kind="discount", value=5), drawn(kind="returns")
    left_out.tiers.filter(code="silver").delete()
    strange.benefits.update(tier_code="pearls")
    before = ladder_now()

    for draft, refusal in ((left_out, TierLeftOut), (strange, UnknownTierOfBenefit), (empty, ValueMissing)):
        with pytest.raises(refusal):
            ask_what_if(draft=draft, by=None, now=NOW)

    assert ladder_now() == before


def test_nothing_is_published_unmeasured_stale_or_twice(people):
    draft, other = drawn(), drawn()
    with pytest.raises(NotMeasured):
        ask_to_publish(draft=draft, mode="keep", by=None, now=NOW)
    measured(draft)
    draft.tiers.filter(code="pearl").update(threshold=2_600)
    with pytest.raises(NotMeasured):
        ask_to_publish(draft=draft, mode="keep", by=None, now=NOW)
    measured(draft)
    measured(other)
    published(draft, "keep")
    before = ladder_now()

    with pytest.raises(DraftClosed):
        ask_to_publish(draft=LadderDraft.objects.get(pk=draft.pk), mode="keep", by=None, now=NOW)
    with pytest.raises(StaleDraft):
        ask_to_publish(draft=other, mode="keep", by=None, now=NOW)
    with pytest.raises(StaleDraft):
        ask_what_if(draft=other, by=None, now=NOW)

    assert ladder_now() == before


def test_a_draft_overtaken_while_it_waits_for_its_worker_changes_nothing(people):
    draft = drawn()
    measured(draft)
    ask_to_publish(draft=draft, mode="recompute", by=None, now=NOW)
    Tier.objects.filter(code="diamond").update(threshold=30_000)
    before = ladder_now()[:4]

    run_chunk(Chunk.objects.get(name="publish").pk)

    draft.refresh_from_db()
    assert (draft.status, ladder_now()[:4]) == ("stale", before)


def test_a_draft_of_a_ladder_of_growth_prices_the_sales_and_not_the_growth(people):
    grow(people["none"], 3_000, NOW - DAY)
    draft = drawn()

    measured(draft)

    assert Move.objects.get(member=people["none"]).points == 0
