"""A draft of a promotion is tried on past sales, beside what it really took off; or refused."""

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction

from loyalty.backtest.actions import ask_backtest, cancel_backtest, swings_as_rows
from loyalty.backtest.models import Backtest, Swing
from loyalty.backtest.rules import AlreadyRunning, PeriodEmpty, PeriodToCome, PeriodTooLong, Whom
from loyalty.checkout.actions import sell
from loyalty.checkout.rules import Asked
from loyalty.drafting.rules import UnreadableDraft
from loyalty.limits.actions import open_budget
from loyalty.limits.models import Pool
from loyalty.promotions.actions import change_promotion, keep_promotion, version_kept
from loyalty.promotions.models import Applied, Promotion, PromotionDraft, PromotionVersion
from loyalty.returns.actions import Counter, record_return
from loyalty.returns.rules import LineAsked, ReturnAsked
from loyalty.tasks import run_chunk
from members.kit.models import Chunk
from members.profiles.models import Member
from members.purchases.models import Sale
from members.purchases.rules import Line, Receipt
from tests.factories import NOW, MemberFactory, StoreFactory
from tests.loyalty.ladders import shanghai

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
FIRST, LAST = date(2026, 1, 1), date(2026, 3, 8)


@pytest.fixture(autouse=True)
def workers_of_our_own(monkeypatch):
    """Chunks are run by the tests, not by a worker elsewhere."""
    monkeypatch.setattr("loyalty.backtest.actions.current_app.send_task", lambda *_names, **_more: None)
    monkeypatch.setattr("loyalty.tasks.run_chunk.delay", lambda *_chunk: None)
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def spring() -> Promotion:
    """Five yuan off each sale that asks for it."""
    made = Promotion.objects.create(code="spring", name_zh="春茶", name_en="Spring")
    change_promotion(promotion=made, now=NOW - 200 * DAY, by=None, amount=5_00)
    return made


@pytest.fixture
def people(spring) -> dict[str, Member]:
    """Wang pays 95 yuan of 100 with the promotion in January and 60 in February; Li 30, and 40 without lines."""
    lane, lake = StoreFactory.create(code="lane"), StoreFactory.create(code="lake")
    wang = MemberFactory.create(name="王芳", home_store=lane, now=NOW - 300 * DAY)
    li = MemberFactory.create(name="李强", home_store=lake, now=NOW - 100 * DAY)
    ring_up(wang, shanghai(2026, 1, 10, 12), Line("TEA", "tea", 2, 100_00), is_off=True)
    ring_up(wang, shanghai(2026, 2, 10, 12), Line("TEA", "tea", 1, 20_00), Line("CUP", "cup", 2, 40_00))
    ring_up(li, shanghai(2026, 2, 14, 12), Line("CUP", "cup", 3, 30_00))
    ring_up(li, shanghai(2026, 2, 20, 12), amount=40_00)
    return {"wang": wang, "li": li}


def ring_up(member: Member, at: Any, *lines: Line, amount: int = 0, is_off: bool = False) -> None:
    """A sale in the member's home store."""
    paid = sum(line.amount for line in lines) or amount
    receipt = Receipt(f"R{Sale.objects.count()}", at, "CNY", paid, lines=list(lines))
    sell(
        member=member, store=member.home_store, till=None, receipt=receipt, asked=Asked(apply_offers=is_off), now=NOW
    )  # fmt: skip


def draft_of(code: str = "spring", **says: Any) -> PromotionDraft:
    """What a promotion might say; a promotion that is not there yet is made."""
    made, _new = Promotion.objects.get_or_create(code=code, defaults={"name_zh": code, "name_en": code})
    return keep_promotion(promotion=made, by=None, **says)


def asked(draft: PromotionDraft, first: date = FIRST, last: date = LAST, **more: Any) -> Backtest:
    whom = more.pop("whom", Whom())
    return ask_backtest(draft=draft, first=first, last=last, whom=whom, by=None, now=NOW, **more)


def tried(draft: PromotionDraft, **more: Any) -> Backtest:
    """A backtest that workers have done."""
    made = asked(draft, **more)
    for chunk in Chunk.objects.filter(slot=made.slot).values_list("pk", flat=True):
        run_chunk(chunk)
    made.refresh_from_db()
    return made


def total(backtest: Backtest, name: str) -> int:
    assert backtest.result
    return backtest.result["totals"][name]


def everything() -> list[object]:
    """What a refusal, or a backtest, must leave alone."""
    return [
        Chunk.objects.count(), Backtest.objects.count(), Swing.objects.count(), PromotionVersion.objects.count(),
        list(Applied.objects.order_by("pk").values()), list(Pool.objects.order_by("pk").values()),
        list(Sale.objects.order_by("pk").values()),
    ]  # fmt: skip


def test_a_new_version_is_tried_at_the_prices_paid_beside_what_really_came_off(people):
    made = tried(draft_of(effect="percent_off", percent=10))

    assert made.status == "done"
    assert (total(made, "really"), total(made, "would"), total(made, "sales")) == (5_00, 9_50 + 6_00 + 3_00 + 4_00, 4)
    assert made.result["others"] == 5_00
    rows = list(swings_as_rows(made, None))[1:]
    assert [row[1:] for row in rows] == [
        ["lane", "2", "5.00", "15.50", "10.50"], ["lake", "2", "0.00", "7.00", "7.00"],
    ]  # fmt: skip
    assert [off for off, _sale in made.result["biggest"]] == [9_50, 6_00, 4_00, 3_00]


def test_a_new_promotion_touches_only_sales_with_something_off(people):
    draft = draft_of("cups", effect="buy_get", buys=1, gets=1, percent=50, lines={"product": ["CUP"]})

    made = tried(draft)

    assert (total(made, "really"), total(made, "would"), total(made, "sales")) == (0, 10_00 + 5_00, 2)
    assert made.result["others"] == 5_00
    assert [numbers[5] for numbers in made.result["tiers"].values()] == [2]


def test_switching_a_promotion_off_gives_nobody_what_it_gave(people):
    made = tried(draft_of(is_on=False, amount=5_00))

    assert (total(made, "really"), total(made, "would"), total(made, "sales")) == (5_00, 0, 0)
    assert made.result["biggest"] == []


def test_limits_cut_and_the_budget_runs_out_on_a_day(people):
    budget = open_budget(code="let", name_zh="让利", name_en="Prices", total=12_00, is_for_prices=True)
    draft = draft_of("new", effect="percent_off", percent=10, limits={"amount": {"ever": 10_00}}, budget=budget)

    made = tried(draft)

    assert (total(made, "given"), total(made, "cut_sales"), total(made, "cut_points")) == (17_00, 1, 5_50)
    assert total(made, "units") == 17_00
    assert made.result["budget"] == {"total": 12_00, "out": "2026-02-14"}


def test_what_came_back_counts_on_neither_side(people):
    wang = people["wang"]
    back = ReturnAsked("B1", "R0", NOW - DAY, [LineAsked("TEA", 1)])
    record_return(member=wang, at=Counter(wang.home_store, wang.home_store), asked=back, now=NOW)

    made = tried(draft_of(amount=10_00, lines={"product": ["TEA"]}))

    applied = Applied.objects.get()
    assert applied.returned == 2_50
    assert (total(made, "issued"), total(made, "really")) == (5_00, 2_50)
    assert (total(made, "given"), total(made, "would")) == (20_00, 15_00)


def test_a_backtest_changes_nothing_but_its_own_rows(people):
    before = everything()[3:]

    tried(draft_of(amount=9_00))

    assert everything()[3:] == before


@pytest.mark.parametrize(
    ("whom", "would"), [(Whom(stores=("lane",)), 2_00), (Whom(tiers=("gold",)), 0), (Whom(tiers=("member",)), 4_00)]
)
def test_only_those_are_looked_at_who_were_asked_for(people, whom, would):
    assert total(tried(draft_of("new", amount=1_00), whom=whom), "would") == would


def test_its_dates_move_back_with_the_period(people):
    draft = draft_of("new", amount=1_00, conditions={"dates": {"from": "2027-02-01", "to": "2027-02-28"}})

    assert total(tried(draft), "would") == 0
    assert total(tried(draft, years_back=1), "would") == 3_00


@pytest.mark.parametrize(
    ("first", "last", "refusal"),
    [
        (date(2026, 3, 2), date(2026, 3, 1), PeriodEmpty),
        (date(2026, 3, 1), date(2026, 3, 10), PeriodToCome),
        (date(2023, 3, 9), date(2026, 3, 9), PeriodTooLong),
    ],
)
def test_a_period_that_cannot_be_looked_at_is_refused(people, first, last, refusal):
    draft, before = draft_of(amount=1_00), everything()

    with pytest.raises(refusal):
        asked(draft, first, last)

    assert everything() == before


def test_a_draft_runs_once_at_a_time_and_cannot_be_tried_when_it_cannot_be_read(people):
    draft, broken = draft_of(amount=1_00), draft_of(amount=2_00)
    made = asked(draft)
    PromotionDraft.objects.filter(pk=broken.pk).update(says={"budget": None, "conditions": {"moon": ["full"]}})
    before = everything()

    with pytest.raises(AlreadyRunning):
        asked(draft)
    with pytest.raises(UnreadableDraft):
        asked(broken)

    assert everything() == before
    cancel_backtest(backtest=made, now=NOW)
    assert tried(draft).status == "done"


def test_the_same_words_are_the_same_draft_and_come_back_as_they_were_said(spring):
    budget = open_budget(code="let", name_zh="让利", name_en="Prices", total=12_00, is_for_prices=True)
    says = {"effect": "buy_get", "buys": 3, "lines": {"product": ["TEA"]}, "budget": budget, "group": "a"}

    draft = draft_of(valid_from=NOW, **says)

    assert draft_of(valid_from=NOW + DAY, **says) == draft
    version = version_kept(draft, at=NOW)
    assert {name: getattr(version, name) for name in says} == says


def test_a_backtest_is_of_one_draft(people):
    made = tried(draft_of(amount=1_00))

    with pytest.raises(IntegrityError, match="backtest_of_one_draft"), transaction.atomic():
        Backtest.objects.filter(pk=made.pk).update(promotion_draft=None)

    made.refresh_from_db()
    assert made.is_of_promotion


def test_admins_and_nobody_else_may_do_everything_with_drafts_of_promotions(db):
    may = Permission.objects.filter(content_type__app_label="loyalty", content_type__model="promotiondraft")

    assert set(may.values_list("group__name", flat=True)) == {"admin"}
    assert may.count() == 4
