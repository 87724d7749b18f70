"""The whole engine in random stories: sales, promotions, points that pay, returns, exchanges, holds, spends, expiries,
tiers given.

After every step the books are proved, every budget holds exactly what awards took of it and never more than its total,
and growth is what a plain sum over the sales says. At the end everything comes back, and the member stands where
nothing had been sold: no growth, the lowest tier, whole budgets, and points that are just what was spent, as debt.
"""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F, Sum
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from loyalty.batches.actions import record_sales
from loyalty.checkout.actions import quote_basket, sell
from loyalty.checkout.models import Checkout
from loyalty.checkout.rules import MOST, Asked
from loyalty.earning.models import Award
from loyalty.grants.actions import give_tier
from loyalty.holds.actions import capture_hold, free_overdue, place_hold, release_hold
from loyalty.holds.models import Hold
from loyalty.judging.actions import judge_range
from loyalty.ledger.actions import prove_range, redeem, settle_member
from loyalty.ledger.models import Account, PointKind
from loyalty.limits.actions import open_budget
from loyalty.limits.models import Budget, Pool
from loyalty.promotions.actions import change_promotion, set_pay_terms
from loyalty.promotions.models import Applied, Promotion
from loyalty.returns.actions import Counter, cancel_return, exchange, preview_return, record_return
from loyalty.returns.rules import LineAsked, ReturnAsked
from loyalty.tiers.models import Grant, Ladder, Standing
from members.kit.refusals import Refusal
from members.profiles.models import Member
from members.purchases.actions import Bought
from members.purchases.models import Return, Sale
from members.purchases.rules import Line, Receipt
from members.stores.models import Store
from tests.factories import NOW, MemberFactory, StoreFactory
from tests.loyalty.test_rules_on_sales import LONG_AGO, budget
from tests.loyalty.test_rules_on_sales import rule as earning_rule

pytestmark = pytest.mark.django_db

STORIES = settings(
    max_examples=20,
    stateful_step_count=25,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
A_LOT = 10_000_000  # of debt: the stories are about what is owed, not about its limit
skus = st.sampled_from(["TEA", "CAKE", "NUT"])
lines = st.lists(
    st.builds(Line, skus, st.just(""), st.integers(1, 4), st.integers(0, 60_000), st.integers(0, 500)),
    min_size=1,
    max_size=3,
)
picks = st.integers(0, 9)
hours = st.sampled_from([0, 1, 5, 24, 24 * 9, 24 * 40, 24 * 200])


@pytest.fixture
def shop() -> tuple[Store, Member]:
    """Rules of every kind: plain, doubling within a budget, fixed within limits, on lines, short-lived, pending."""
    points = PointKind.objects.get(code="points")
    PointKind.objects.update(debt_limit=A_LOT)
    spring, gift = budget(300), Budget.objects.create(code="gift", name_zh="礼", name_en="Gift", price=90)
    Pool.objects.create(budget=gift, total=9)
    gift.pools.get().shards.create(slot=0, total=9)
    earning_rule("double", effect="multiply", percent=200, budget=spring)
    earning_rule(
        "bonus", effect="fixed", points=20, limits={"times": {"day": 2}, "points": {"month": 50}}, pending_days=2
    )
    earning_rule("tea", points=3, lines={"product": ["TEA"]}, rounding="nearest", expires_after_months=1)
    earning_rule("thanks", effect="fixed", points=15, budget=gift, basis="full", rounding="up")
    off = open_budget(code="off", name_zh="减", name_en="Off", total=4_000, is_for_prices=True)
    offer("tea", effect="percent_off", percent=15, lines={"product": ["TEA"]}, budget=off, limits={"times": {"day": 2}})
    offer("cakes", effect="buy_get", buys=2, lines={"product": ["CAKE"]}, limits={"amount": {"month": 30_000}})
    set_pay_terms(kind=points, now=LONG_AGO, by=None, points=3, worth=200, least=3, most_share=60)
    return StoreFactory.create(code="SH"), MemberFactory.create(name="王芳", now=LONG_AGO)


def offer(code: str, **says: Any) -> None:
    promotion = Promotion.objects.create(code=code, name_zh=code, name_en=code)
    change_promotion(promotion=promotion, now=LONG_AGO, by=None, **says)


class Engine(RuleBasedStateMachine):
    """One story of one member."""

    def __init__(self, shop: tuple[Store, Member]) -> None:
        super().__init__()
        self.story = transaction.atomic()
        self.story.__enter__()
        self.store, self.member = shop
        self.now: datetime = NOW
        self.numbers = count(1)
        self.points = PointKind.objects.get(code="points")
        self.at = Counter(self.store, self.store)

    def teardown(self) -> None:
        try:
            self.bring_everything_back()
        finally:
            transaction.set_rollback(True)
            self.story.__exit__(None, None, None)

    def number(self, mark: str) -> str:
        return f"{mark}{next(self.numbers)}"

    def receipt(self, bought: list[Line], late: int = 0) -> Receipt:
        at = self.now - timedelta(hours=late)
        return Receipt(self.number("S"), at, "CNY", sum(line.amount for line in bought), lines=bought)

    def asked(self, sale: Sale, pick: int, pieces: int) -> ReturnAsked | None:
        """Some pieces of one line; None when nothing of the line is left."""
        bought = list(sale.lines.order_by("position"))
        line = bought[pick % len(bought)]
        left = min(pieces, line.quantity - line.returned_quantity)
        at = max(self.now, sale.happened_at)
        return ReturnAsked(self.number("R"), sale.receipt, at, [LineAsked(line.position, left)]) if left else None

    def one_of(self, rows: Any, pick: int) -> Any:
        found = list(rows.order_by("pk"))
        return found[pick % len(found)] if found else None

    @rule(bought=lines, late=st.sampled_from([0, 0, 0, 30]), offers=st.booleans(), pays=st.sampled_from([0, MOST]))
    def sells(self, bought: list[Line], late: int, offers: bool, pays: Any) -> None:
        receipt = self.receipt(bought, late)
        asked = Asked(offers, pays) if offers or pays else None

        sell(member=self.member, store=self.store, till=None, receipt=receipt, asked=asked, now=self.now)

    @rule(bought=lines, offers=st.booleans())
    def sells_as_quoted(self, bought: list[Line], offers: bool) -> None:
        basket = {"member": self.member, "store": self.store, "receipt": self.receipt(bought), "now": self.now}
        quoted = quote_basket(**basket, asked=Asked(offers, MOST))

        sold = sell(**basket, till=None, asked=Asked(offers, MOST, quoted.answer["to_pay"]))

        assert sold.answer == quoted.answer
        assert given(sold.recorded.awards) == given(quoted.quote.awards)

    @rule(baskets=st.lists(lines, min_size=1, max_size=3))
    def sells_many_at_once(self, baskets: list[list[Line]]) -> None:
        sales = [Bought(self.member.pk, self.store.pk, None, self.receipt(bought)) for bought in baskets]
        record_sales(sales=sales, now=self.now)

    @rule(pick=picks, line=picks, pieces=st.integers(1, 4))
    def takes_back_as_the_preview_says(self, pick: int, line: int, pieces: int) -> None:
        sale = self.one_of(Sale.objects, pick)
        asked = self.asked(sale, line, pieces) if sale else None
        if asked is None:
            return
        shown = preview_return(member=self.member, at=self.at, asked=asked, now=self.now)

        made = record_return(member=self.member, at=self.at, asked=asked, now=self.now, token=shown.token)

        assert made.outcome.facts == shown.outcome.facts

    @rule(pick=picks)
    def calls_a_return_off(self, pick: int) -> None:
        made = self.one_of(Return.objects.filter(state="done"), pick)
        if made is not None:
            cancel_return(goods_return=made, now=self.now)

    @rule(pick=picks, line=picks, bought=lines)
    def exchanges(self, pick: int, line: int, bought: list[Line]) -> None:
        sale = self.one_of(Sale.objects, pick)
        asked = self.asked(sale, line, 1) if sale else None
        if asked is not None:
            exchange(member=self.member, at=self.at, asked=asked, receipt=self.receipt(bought), now=self.now)

    @rule(points=st.integers(1, 400))
    def spends(self, points: int) -> None:
        self.tried(
            lambda: redeem(member=self.member, kind=self.points, points=points, key=self.number("spend"), now=self.now)
        )

    @rule(points=st.integers(1, 400), minutes=st.integers(1, 60))
    def holds(self, points: int, minutes: int) -> None:
        self.tried(
            lambda: place_hold(
                member=self.member, kind=self.points, points=points, store=self.store, till=None,
                key=self.number("hold"), now=self.now, minutes=minutes,
            )
        )  # fmt: skip

    @rule(pick=picks, part=st.integers(1, 400), spends=st.booleans())
    def ends_a_hold(self, pick: int, part: int, spends: bool) -> None:
        held = self.one_of(Hold.objects.filter(status="open"), pick)
        if held is not None and spends:
            self.tried(lambda: capture_hold(hold=held, now=self.now, points=min(part, held.points)))
        elif held is not None:
            release_hold(hold=held, now=self.now)

    @rule(later=hours)
    def waits(self, later: int) -> None:
        self.now += timedelta(hours=later)
        free_overdue(now=self.now)
        settle_member(member=self.member, now=self.now)

    @rule(code=st.sampled_from(["silver", "gold"]), days=st.integers(1, 90))
    def is_given_a_tier(self, code: str, days: int) -> None:
        ladder = Ladder.objects.get()
        give_tier(
            member=self.member, ladder=ladder, tier=ladder.tiers.get(code=code), reason="regular", actor="staff:1",
            until=self.now + timedelta(days=days), key=self.number("tier"), now=self.now,
        )  # fmt: skip

    def tried(self, verb: Any) -> None:
        """A verb that may be refused, and then changes nothing."""
        try:
            with transaction.atomic():
                verb()
        except Refusal:
            pass

    @invariant()
    def the_books_are_proved(self) -> None:
        accounts = list(Account.objects.of(self.member).values_list("pk", flat=True))
        if accounts:
            assert prove_range(first=min(accounts), last=max(accounts), now=self.now) == 0

    @invariant()
    def a_budget_holds_what_awards_took_of_it_and_no_more_than_there_is(self) -> None:
        for each in Pool.objects.with_used():
            taken = Award.objects.filter(version__budget=each.budget_id).aggregate(all=Sum("reserved"))["all"] or 0
            applied = Applied.objects.filter(version__budget=each.budget_id)
            off = applied.aggregate(all=Sum("reserved"))["all"] or 0
            assert each.used == taken + off <= each.total

    @invariant()
    def growth_is_a_plain_sum_over_the_sales(self) -> None:
        paid = dict(Checkout.objects.values_list("sale_id", "by_points"))
        sales = Sale.objects.values_list("pk", "amount", "returned_amount")
        awarded = [((amount - paid.get(pk, 0)) // 100, back, amount) for pk, amount, back in sales]
        expected = sum(points - (points * back // amount if amount else points) for points, back, amount in awarded)
        cancelled = Return.objects.filter(
            state="cancelled"
        ).count()  # of what others took, a fraction may be rounded up
        assert expected - cancelled <= self.balance("growth") <= expected

    def balance(self, code: str) -> int:
        """All that a member has of a kind, less what is owed."""
        found = Account.objects.of(self.member).filter(kind__code=code)
        return found.aggregate(all=Sum(F("pending") + F("active") + F("held")))["all"] or 0

    def bring_everything_back(self) -> None:
        """What was bought comes back, and then nothing is left of it."""
        for held in Hold.objects.filter(status="open"):
            release_hold(hold=held, now=self.now)
        for sale in Sale.objects.order_by("-pk"):
            left = [
                LineAsked(line.position, line.quantity - line.returned_quantity)
                for line in sale.lines.order_by("position")
                if line.quantity > line.returned_quantity
            ]
            if left:
                at = max(self.now, sale.happened_at)
                asked = ReturnAsked(self.number("R"), sale.receipt, at, left)
                record_return(member=self.member, at=self.at, asked=asked, now=self.now)
        self.the_books_are_proved()
        spent = sum(Hold.objects.filter(status="captured").values_list("captured", flat=True))
        spent += sum(
            self.member.movements.filter(kind="spend", key__startswith="spend").values_list("points", flat=True)
        )
        assert self.balance("points") == -spent
        assert self.balance("growth") == 0
        assert {each.used for each in Pool.objects.with_used()} == {0}
        assert not Award.objects.exclude(returned=F("points")).exists()
        self.stands_on_the_lowest_tier()

    def stands_on_the_lowest_tier(self) -> None:
        """Unless staff gave another, which still runs. Where nothing came back the night is the first to look."""
        self.now += timedelta(days=1)
        judge_range(first=self.member.pk, last=self.member.pk, as_of=self.now)
        standing = Standing.objects.filter(member=self.member).select_related("tier").first()
        if standing is not None and not Grant.objects.running(self.now).filter(member=self.member).exists():
            assert standing.tier is None or standing.tier.threshold == 0


def given(awards: Any) -> list[tuple[str, int]]:
    return [(each.version.rule_code, each.points) for each in awards]


def test_whatever_happens_the_books_hold_and_when_all_comes_back_nothing_had_been_sold(shop):
    run_state_machine_as_test(lambda: Engine(shop), settings=STORIES)
