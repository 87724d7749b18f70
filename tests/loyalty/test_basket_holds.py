"""A quoted basket keeps what it takes of budgets: for its sale alone, or free again, never both, never lost."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db.models import F, Sum
from django.utils.translation import override

from loyalty import tasks
from loyalty.checkout.actions import Quoted, Sold, hold_basket, quote_basket, sell
from loyalty.checkout.models import Checkout
from loyalty.checkout.rules import Asked, PriceChanged
from loyalty.earning.models import Award
from loyalty.holds.actions import free_forgotten, release_budgets
from loyalty.holds.models import BudgetHold, HeldPart
from loyalty.holds.rules import BadMinutes, HoldOver, UnknownHold
from loyalty.ledger.models import Movement
from loyalty.ledger.rules import KeyReused
from loyalty.limits.actions import room_of, set_pool
from loyalty.limits.models import Budget, Pool, Shard
from loyalty.promotions.models import Applied
from members.profiles.models import Member
from members.purchases.models import Sale
from members.stores.models import Store
from tests.factories import NOW, MemberFactory, StoreFactory
from tests.loyalty.test_promotions import CAKE, OFFERS, TEA, basket, prices, promotion
from tests.loyalty.test_rules_on_sales import LONG_AGO, budget, rule
from tests.races import all_at_once

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
PLAIN = Asked()


@pytest.fixture
def store() -> Store:
    return StoreFactory.create(code="SH")


@pytest.fixture
def wang() -> Member:
    return MemberFactory.create(name="王芳", phone="13812345678", now=LONG_AGO)


@pytest.fixture
def li() -> Member:
    return MemberFactory.create(name="李强", now=LONG_AGO)


@pytest.fixture
def money() -> Budget:
    """A budget that bears 500 off once, not twice."""
    made = prices(800)
    promotion("five", amount=500, budget=made)
    return made


@pytest.fixture
def spring() -> Budget:
    """A budget of 150 points: of 100 once, and then of a half."""
    made = budget(150)
    rule("double", effect="multiply", percent=200, budget=made)
    return made


def held(member: Member, store: Store, *, key: str = "q1", minutes: int = 15, **more: Any) -> Quoted:
    said: dict[str, Any] = {"receipt": basket("quote"), "asked": OFFERS, "now": NOW} | more
    return hold_basket(member=member, store=store, till=None, minutes=minutes, key=key, **said)


def reference(quoted: Quoted) -> str:
    assert quoted.hold is not None
    return quoted.hold.reference


def sold(member: Member, store: Store, number: str = "S1", hold: str | None = None, **more: Any) -> Sold:
    said: dict[str, Any] = {"receipt": basket(number), "asked": OFFERS, "now": NOW} | more
    return sell(member=member, store=store, till=None, hold=hold, **said)


def off(done: Sold | Quoted) -> int:
    return int(done.answer["taken_off"])


def doubled(member: Member) -> int:
    return Award.objects.filter(member=member, version__rule__code="double").aggregate(n=Sum("points"))["n"] or 0


def written() -> list[Any]:
    return [
        list(Shard.objects.order_by("pk").values_list("pk", "used")),
        list(BudgetHold.objects.order_by("pk").values()),
        list(HeldPart.objects.order_by("pk").values()),
        [each.objects.count() for each in (Sale, Movement, Award, Applied, Checkout)],
    ]


def is_proved() -> bool:
    """Whether each budget counts as used just what open holds keep, awards reserved and promotions took off."""

    for each in Budget.objects.all():
        counted = (
            (HeldPart.objects.filter(budget=each, hold__status="open"), F("amount")),
            (Award.objects.filter(version__budget=each), F("reserved")),
            (Applied.objects.filter(version__budget=each), F("off") - F("returned")),
        )
        shop = Shard.objects.filter(pool__budget=each, pool__store=None)
        if total(shop, F("used")) != sum(total(rows, amount) for rows, amount in counted):
            return False
    return True


def total(rows: Any, amount: Any) -> int:
    return int(rows.aggregate(n=Sum(amount))["n"] or 0)


def test_what_is_held_is_for_its_sale_and_for_nobody_else(wang, li, store, money, spring):
    promised = held(wang, store)
    assert promised.costs == {money.pk: 500, spring.pk: 95}
    assert is_proved()

    other = sold(li, store, "S1")
    assert (off(other), doubled(li)) == (0, 55)
    assert is_proved()

    done = sold(wang, store, "S2", hold=reference(promised))

    assert done.answer == promised.answer
    assert (off(done), doubled(wang)) == (500, 95)
    assert is_proved()
    assert BudgetHold.objects.get().status == "used"
    assert [room_of(budget=each.pk, store=store.pk) for each in (money, spring)] == [300, 0]


def test_a_held_basket_is_quoted_as_any_other(wang, store, money, spring):
    plain = quote_basket(member=wang, store=store, receipt=basket("quote"), asked=OFFERS, now=NOW)

    promised = held(wang, store)

    assert promised.answer == plain.answer
    assert promised.costs == plain.costs
    assert promised.hold is not None
    assert promised.hold.expires_at == NOW + 15 * MINUTE


def test_a_sale_at_given_prices_uses_what_rules_would_take_and_frees_the_rest(wang, li, store, money, spring):
    promised = held(wang, store)

    sold(wang, store, hold=reference(promised), asked=None)

    assert doubled(wang) == 100
    assert is_proved()
    assert off(sold(li, store, "S2")) == 500


def test_a_basket_that_shrank_gives_back_and_one_that_grew_takes_more(wang, store, money, spring):
    promotion("five", effect="percent_off", percent=5, budget=money)
    smaller = held(wang, store, key="q1", receipt=basket("quote", CAKE))
    assert smaller.costs == {money.pk: 200, spring.pk: 38}

    sold(wang, store, "S1", hold=reference(smaller))  # all of the usual basket
    assert room_of(budget=money.pk, store=store.pk) == 300
    assert is_proved()

    larger = held(wang, store, key="q2", receipt=basket("quote", TEA))
    assert larger.costs == {money.pk: 300, spring.pk: 55}
    sold(wang, store, "S2", hold=reference(larger), receipt=basket("S2", CAKE))

    assert room_of(budget=money.pk, store=store.pk) == 100
    assert is_proved()


def test_a_store_with_a_pool_of_its_own_holds_of_both(wang, store, money):
    own = set_pool(budget=money, store=store, total=600)
    shop = Pool.objects.get(budget=money, store=None)

    def used() -> list[int]:
        return [sum(pool.shards.values_list("used", flat=True)) for pool in (own, shop)]

    promised = held(wang, store)
    assert used() == [500, 500]
    sold(wang, store, hold=reference(promised))
    assert used() == [500, 500]
    assert held(wang, store, key="q2").hold is None


def test_twice_the_same_key_is_one_hold_and_other_content_is_refused(wang, store, money):
    first = held(wang, store)
    before = written()

    again = held(wang, store, now=NOW + MINUTE)

    assert again.hold == first.hold
    assert again.answer == first.answer
    for more in ({"minutes": 16}, {"asked": PLAIN}, {"asked": None}, {"receipt": basket("quote", TEA)}):
        with pytest.raises(KeyReused):
            held(wang, store, **more)
    assert written() == before


def test_what_is_released_or_forgotten_is_free_again_and_only_once(wang, li, store, money, spring):
    released, forgotten = held(wang, store), held(li, store, key="q2", minutes=30, asked=None)
    for _again in range(2):
        assert release_budgets(reference=reference(released), store=store, now=NOW).status == "released"
        assert is_proved()

    assert free_forgotten(now=NOW + 29 * MINUTE) == 0
    assert [free_forgotten(now=NOW + 30 * MINUTE) for _again in range(2)] == [1, 0]

    assert release_budgets(reference=reference(forgotten), store=store, now=NOW).status == "lapsed"
    assert is_proved()
    assert [room_of(budget=each.pk, store=store.pk) for each in (money, spring)] == [800, 150]


def test_every_tick_sweeps(wang, store, money):
    held(wang, store)
    BudgetHold.objects.update(placed_at=NOW - 900 * MINUTE, expires_at=NOW - 800 * MINUTE)

    with time_machine.travel(NOW, tick=False):
        tasks.tick()

    assert BudgetHold.objects.get().status == "lapsed"
    assert is_proved()


def test_a_hold_that_this_sale_cannot_use_is_refused_and_nothing_changes(wang, li, store, money):
    promotion("five", amount=100, budget=money)
    mine, old, used, freed = (reference(held(wang, store, key=f"q{n}", minutes=1 if n == 1 else 15)) for n in range(4))
    sold(wang, store, "S0", hold=used)
    release_budgets(reference=freed, store=store, now=NOW)
    elsewhere = StoreFactory.create()
    before = written()

    for unknown in ("b999999", "999", "", "b", "b0", f"{mine} ", "x" * 20, "b" + "9" * 18):
        with pytest.raises(UnknownHold):
            sold(wang, store, hold=unknown)
    with pytest.raises(UnknownHold):
        sold(li, store, hold=mine)
    with pytest.raises(UnknownHold):
        sold(wang, elsewhere, hold=mine)
    with pytest.raises(UnknownHold):
        release_budgets(reference=mine, store=elsewhere, now=NOW)
    for over in (used, freed):
        with pytest.raises(HoldOver):
            sold(wang, store, hold=over)
    with pytest.raises(HoldOver):
        sold(wang, store, hold=old, now=NOW + MINUTE)
    with pytest.raises(HoldOver):
        release_budgets(reference=used, store=store, now=NOW)
    with pytest.raises(PriceChanged):
        sold(wang, store, hold=mine, asked=Asked(apply_offers=True, to_pay=1))

    assert written() == before
    assert is_proved()


@pytest.mark.parametrize("minutes", [0, -1, 24 * 60 + 1, True, "15", 1.5])
def test_bad_minutes_are_refused_and_nothing_is_held(wang, store, money, minutes):
    before = written()

    with pytest.raises(BadMinutes):
        held(wang, store, minutes=minutes)

    assert written() == before


def test_a_basket_that_needs_no_budget_has_no_hold(wang, store):
    promotion("five", amount=500)
    before = written()

    promised = held(wang, store)

    assert (off(promised), promised.hold) == (500, None)
    assert written() == before


def test_a_receipt_that_was_sold_before_leaves_the_hold_alone(wang, store, money):
    first = sold(wang, store)
    set_pool(budget=money, store=None, total=2_000)
    promised = held(wang, store)

    again = sold(wang, store, hold=reference(promised))

    assert again.recorded.is_repeat
    assert again.answer == first.answer
    assert BudgetHold.objects.get().status == "open"
    assert is_proved()


@pytest.mark.django_db(transaction=True)
def test_however_many_sell_at_once_the_holder_gets_what_was_held(wang, store, money, spring):
    people = [MemberFactory.create(name=f"会员{n}", now=LONG_AGO) for n in range(5)]
    promised = reference(held(wang, store))

    def work(number: int) -> Sold:
        if number == 0:
            return sold(wang, store, "S0", hold=promised)
        return sold(people[number - 1], store, f"S{number}")

    done = all_at_once(work, 6)

    assert not [each for each in done if isinstance(each, Exception)]
    assert [off(each) for each in done] == [500, 0, 0, 0, 0, 0]
    assert doubled(wang) == 95
    assert sum(doubled(each) for each in people) == 55
    assert is_proved()


@pytest.mark.django_db(transaction=True)
def test_holds_at_once_never_overrun_a_budget(store, money):
    set_pool(budget=money, store=None, total=1_600)
    people = [MemberFactory.create(name=f"会员{n}", now=LONG_AGO) for n in range(6)]

    done = all_at_once(lambda n: held(people[n], store), 6)

    assert sorted(off(each) for each in done) == [0, 0, 0, 500, 500, 500]
    assert BudgetHold.objects.open().count() == 3
    assert is_proved()


@pytest.mark.django_db(transaction=True)
def test_of_sale_release_and_sweep_at_the_same_moment_exactly_one_ends_a_hold(wang, store, money, spring):
    late = NOW + 15 * MINUTE
    for number in range(4):
        promised = reference(held(wang, store, key=f"q{number}"))

        def work(thread: int, promised: str = promised, number: int = number) -> Any:
            if thread % 3 == 0:
                return sold(wang, store, f"S{number}-{thread}", hold=promised)
            if thread % 3 == 1:
                return release_budgets(reference=promised, store=store, now=NOW)
            return free_forgotten(now=late)

        done = all_at_once(work, 6)

        assert all(isinstance(each, Sold | BudgetHold | int | HoldOver) for each in done), done
        assert sum(isinstance(each, Sold) for each in done) <= 1
        assert not BudgetHold.objects.open().exists()
        assert is_proved()
        set_pool(budget=money, store=None, total=800 * (number + 2))
        set_pool(budget=spring, store=None, total=150 * (number + 2))


@pytest.mark.django_db(transaction=True)
def test_many_workers_sweep_many_holds_once_beside_sales(wang, li, store, money, spring):
    set_pool(budget=money, store=None, total=20_000)
    set_pool(budget=spring, store=None, total=4_000)
    set_pool(budget=money, store=store, total=15_000)
    for number in range(20):
        held(wang, store, key=f"q{number}")

    def work(number: int) -> Any:
        return free_forgotten(now=NOW + 15 * MINUTE) if number % 2 else off(sold(li, store, f"S{number}"))

    done = all_at_once(work, 6)

    assert sum(done[1::2]) == 20
    assert done[::2] == [500, 500, 500]
    assert is_proved()


def test_every_refusal_has_a_sentence_in_both_languages():
    for refusal in (BadMinutes, UnknownHold, HoldOver):
        said = set()
        for language in ("en", "zh-hans"):
            with override(language):
                said.add(str(refusal.sentence))
        assert len(said) == 2, refusal
