"""The field's known failures, each a test named after what went wrong elsewhere: none of them may happen here."""

from datetime import timedelta
from typing import Any

import pytest

from loyalty.checkout.actions import sell
from loyalty.checkout.rules import Asked
from loyalty.holds.actions import capture_hold, free_overdue, place_hold
from loyalty.holds.rules import HoldOver
from loyalty.ledger.actions import adjust, claw_back, earn, redeem, restore, settle_range, transfer
from loyalty.ledger.models import Account, Lot, Movement, PointKind
from loyalty.ledger.rules import NotEnoughPoints
from loyalty.promotions.actions import set_pay_terms
from loyalty.returns.actions import Counter, record_return
from loyalty.returns.rules import LineAsked, MoreThanPaid, ReturnAsked
from members.profiles.models import Member
from members.purchases.rules import Line
from members.stores.models import Store
from tests.factories import NOW, MemberFactory, StoreFactory
from tests.loyalty.test_returns import back
from tests.loyalty.test_rules_on_sales import LONG_AGO, budget, receipt, record, rule
from tests.races import all_at_once

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
LATER = NOW + 3 * DAY
ALL_BY_POINTS = Asked(pay_points="max")


@pytest.fixture
def store() -> Store:
    return StoreFactory.create(code="SH")


@pytest.fixture
def wang() -> Member:
    return MemberFactory.create(name="王芳", now=LONG_AGO)


@pytest.fixture
def points() -> PointKind:
    return PointKind.objects.get(code="points")


def active(member: Member, kind: str = "points") -> int:
    return Account.objects.get(member=member, kind__code=kind).active


def of(number: str, sale: str, amount: int) -> ReturnAsked:
    return ReturnAsked(number, sale, LATER, (), amount)


def test_unlimited_points_by_buy_earn_refund(wang, store):
    for n in range(10):
        record(wang, store, receipt(f"S{n}"))
        back(wang, store, of(f"R{n}", f"S{n}", 10_000))

    assert active(wang) == 0


def test_points_spent_between_buy_and_refund_become_debt_that_the_next_earning_repays(wang, store, points):
    record(wang, store, receipt("S1"))
    redeem(member=wang, kind=points, points=100, key="gift", now=NOW)
    back(wang, store, of("R1", "S1", 10_000))
    assert active(wang) == -100

    record(wang, store, receipt("S2", 15_000, happened_at=LATER), now=LATER)

    assert active(wang) == 50
    assert sum(Lot.objects.filter(member=wang, account__kind=points).values_list("remaining", flat=True)) == 50


def test_a_refund_that_charges_the_points_again(wang, store, points):
    earn(member=wang, kind=points, points=100, key="before", now=NOW - DAY)
    redeem(member=wang, kind=points, points=100, key="reward:1", now=NOW)

    restore(member=wang, kind=points, spent="reward:1", key="refund:1", now=LATER)
    restore(member=wang, kind=points, spent="reward:1", key="refund:1", now=LATER)

    assert active(wang) == 100


def test_partial_refunds_repeated_take_back_no_more_than_was_given_and_give_back_no_more_than_was_paid(wang, store):
    record(wang, store, receipt("S1"))

    for n in range(3):
        back(wang, store, of(f"R{n}", "S1", 3_333))
    with pytest.raises(MoreThanPaid):
        back(wang, store, of("R4", "S1", 3_333))

    assert active(wang) == 100 - 99


@pytest.mark.django_db(transaction=True)
def test_twenty_concurrent_gifts_of_the_same_100_points(wang, points):
    earn(member=wang, kind=points, points=100, key="before", now=NOW)
    friends = [MemberFactory.create(name=f"会员{n}") for n in range(20)]

    def give(number: int) -> Any:
        return transfer(giver=wang, receiver=friends[number], kind=points, points=100, key=f"gift:{number}", now=NOW)

    given = all_at_once(give, 20)

    assert sum(1 for each in given if isinstance(each, tuple)) == 1
    assert sum(1 for each in given if isinstance(each, NotEnoughPoints)) == 19
    assert sum(Account.objects.filter(kind=points).values_list("active", flat=True)) == 100


@pytest.mark.django_db(transaction=True)
def test_a_limit_overrun_by_concurrent_sales(store):
    limited = budget(100)
    rule("bonus", effect="fixed", points=30, budget=limited, limits={"times": {"ever": 1}})
    people = [MemberFactory.create(name=f"会员{n}", now=LONG_AGO) for n in range(4)]

    recorded = all_at_once(lambda n: record(people[n % 4], store, receipt(f"S{n}")), 16)

    bonuses = [a.points for each in recorded for a in each.awards if a.version.rule_code == "bonus"]
    assert (len(bonuses), sum(bonuses)) == (4, 100)


def test_points_restored_twice_when_a_payment_expires(wang, store, points):
    earn(member=wang, kind=points, points=100, key="before", now=NOW)
    held = place_hold(member=wang, kind=points, points=60, store=store, till=None, key="basket", now=NOW)

    free_overdue(now=NOW + DAY)
    free_overdue(now=NOW + DAY)

    assert active(wang) == 100
    with pytest.raises(HoldOver):
        capture_hold(hold=held, now=NOW + DAY)
    assert active(wang) == 100


def test_an_odd_amount_that_cannot_be_cleared(wang, points):
    earn(member=wang, kind=points, points=7, key="a", now=NOW, expires_at=NOW + DAY)
    earn(member=wang, kind=points, points=3, key="b", now=NOW)
    redeem(member=wang, kind=points, points=9, key="c", now=NOW)

    adjust(member=wang, kind=points, points=-1, key="d", now=NOW, reason="rounding")

    assert active(wang) == 0
    assert not Lot.objects.filter(member=wang, remaining__gt=0).exists()


def test_an_odd_amount_that_points_cannot_clear(wang, store, points):
    set_pay_terms(kind=points, now=LONG_AGO, by=None, points=100, worth=100, step=100, least=100)
    earn(member=wang, kind=points, points=2_000, key="before", now=NOW - DAY)

    done = sell(member=wang, store=store, till=None, receipt=receipt("S1", 1_237), asked=ALL_BY_POINTS, now=NOW)

    assert (done.answer["by_points"], done.answer["to_pay"]) == ({"points": 1_237, "amount": 1_237}, 0)


def test_points_earned_on_the_part_that_is_paid_with_points(wang, store, points):
    set_pay_terms(kind=points, now=LONG_AGO, by=None, points=100, worth=100)
    earn(member=wang, kind=points, points=4_000, key="before", now=NOW - DAY)

    done = sell(member=wang, store=store, till=None, receipt=receipt("S1"), asked=ALL_BY_POINTS, now=NOW)

    assert {award.version.rule_code: award.points for award in done.recorded.awards} == {"spend": 60, "climb": 60}


def test_points_restored_twice_when_a_return_repeats(wang, store, points):
    set_pay_terms(kind=points, now=LONG_AGO, by=None, points=100, worth=100)
    earn(member=wang, kind=points, points=10_000, key="before", now=NOW - DAY)
    sell(member=wang, store=store, till=None, receipt=receipt("S1"), asked=ALL_BY_POINTS, now=NOW)

    for number in ("R1", "R1", "R2"):
        back(wang, store, of(number, "S1", 5_000))

    assert active(wang) == 10_000
    with pytest.raises(MoreThanPaid):
        back(wang, store, of("R3", "S1", 1))


def test_a_refund_of_a_sale_paid_with_points_that_charges_them_again(wang, store, points):
    set_pay_terms(kind=points, now=LONG_AGO, by=None, points=100, worth=100)
    earn(member=wang, kind=points, points=4_000, key="before", now=NOW - DAY)
    sell(member=wang, store=store, till=None, receipt=receipt("S1"), asked=ALL_BY_POINTS, now=NOW)

    back(wang, store, of("R1", "S1", 10_000))

    assert active(wang) == 4_000
    assert Movement.objects.of(wang).filter(kind="spend").count() == 1


def test_a_tier_threshold_equal_to_what_is_redeemed_at_once_is_still_reached(wang, store, points):
    record(wang, store, receipt("S1", 100_000))

    redeem(member=wang, kind=points, points=1_000, key="auto", now=NOW)

    assert wang.standings.get().tier.code == "silver"
    assert active(wang, "growth") == 1_000


def test_late_activation_after_a_claw_back_revives_nothing(wang, store):
    rule("later", effect="fixed", points=40, pending_days=30)
    record(wang, store, receipt("S1"))
    back(wang, store, of("R1", "S1", 10_000))
    account = Account.objects.get(member=wang, kind__code="points")

    settle_range(first=account.pk, last=account.pk, now=NOW + 60 * DAY)

    account.refresh_from_db()
    assert (account.pending, account.active) == (0, 0)


def test_lots_earned_under_another_kind_expire_as_their_own_kind_does(wang):
    growth, points = PointKind.objects.get(code="growth"), PointKind.objects.get(code="points")
    stamps = PointKind.objects.create(code="stamps", name_zh="印花", name_en="Stamps")
    for kind, days in ((points, 10), (growth, 20), (stamps, 30)):
        earn(member=wang, kind=kind, points=5, key="x", now=NOW, expires_at=NOW + days * DAY)
    accounts = list(Account.objects.of(wang).order_by("pk").values_list("pk", flat=True))

    left = []
    for days in (15, 25, 35):
        settle_range(first=accounts[0], last=accounts[-1], now=NOW + days * DAY)
        left.append({a.kind.code: a.active for a in Account.objects.of(wang).select_related("kind")})

    assert left == [
        {"points": 0, "growth": 5, "stamps": 5},
        {"points": 0, "growth": 0, "stamps": 5},
        {"points": 0, "growth": 0, "stamps": 0},
    ]


def test_an_order_completed_twice_earns_once(wang, store):
    first = record(wang, store, receipt("S1", lines=[Line("TEA", "", 1, 10_000)]))
    again = record(wang, store, receipt("S1", lines=[Line("TEA", "", 1, 10_000)]))

    assert (again.sale, again.is_repeat, again.awards) == (first.sale, True, [])
    assert active(wang) == 100


def test_a_redemption_charged_to_an_empty_lot(wang, points):
    earn(member=wang, kind=points, points=50, key="a", now=NOW, expires_at=NOW + DAY)
    earn(member=wang, kind=points, points=50, key="b", now=NOW)
    redeem(member=wang, kind=points, points=50, key="c", now=NOW)

    redeem(member=wang, kind=points, points=50, key="d", now=NOW)

    assert [lot.remaining for lot in Lot.objects.filter(member=wang).order_by("pk")] == [0, 0]


def test_a_claw_back_does_not_take_what_expired_from_other_points(wang, points):
    earn(member=wang, kind=points, points=50, key="old", now=NOW, expires_at=NOW + DAY)
    earn(member=wang, kind=points, points=50, key="new", now=NOW)

    claw_back(member=wang, kind=points, earned="old", points=50, key="back", now=LATER)

    assert active(wang) == 50


def test_restored_points_do_not_come_back_dead(wang, points):
    earn(member=wang, kind=points, points=50, key="a", now=NOW, expires_at=NOW + DAY)
    redeem(member=wang, kind=points, points=50, key="b", now=NOW)

    restore(member=wang, kind=points, spent="b", key="c", now=LATER)

    account = Account.objects.get(member=wang, kind=points)
    settle_range(first=account.pk, last=account.pk, now=LATER + 7 * DAY)
    assert active(wang) == 50


def test_a_refund_of_one_line_does_not_touch_what_another_earned(wang, store):
    lines = [Line("TEA", "", 1, 6_000), Line("BOOK", "", 1, 4_000)]
    record(wang, store, receipt("S1", lines=lines))

    record_return(
        member=wang, at=Counter(store, store), asked=ReturnAsked("R1", "S1", LATER, [LineAsked("BOOK", 1)]), now=LATER
    )

    assert active(wang) == 60
    assert Movement.objects.of(wang).filter(kind="claw_back", account__kind__code="points").get().points == 40
