"""Budgets: taken when an award is made, never overrun by anybody, given back whole."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from loyalty.limits.actions import give_back, lock_budgets, room_of, set_pool, take
from loyalty.limits.models import Budget, Pool, Shard
from loyalty.limits.rules import BadBudget, BadLimit, BudgetTooSmall, read_limits
from tests.factories import StoreFactory
from tests.races import all_at_once


def budget(total: int, **more: Any) -> Budget:
    made = Budget.objects.create(code="spring", name_zh="春节", name_en="Spring", **more)
    set_pool(budget=made, store=None, total=total)
    return made


def used(pool: Pool) -> int:
    return sum(pool.shards.values_list("used", flat=True))


@pytest.mark.django_db
def test_a_budget_gives_what_it_has_and_then_nothing():
    spring = budget(100)

    taken = [take(budget=spring.pk, store=None, amount=30, hint=n) for n in range(5)]

    assert taken == [30, 30, 30, 10, 0]
    assert room_of(budget=spring.pk, store=None) == 0


@pytest.mark.django_db
def test_a_store_takes_from_its_own_pool_and_the_shops_never_more_than_either_has():
    store, other = StoreFactory.create(), StoreFactory.create()
    spring = budget(100)
    own = set_pool(budget=spring, store=store, total=40)
    shop = Pool.objects.get(budget=spring, store=None)

    assert take(budget=spring.pk, store=store.pk, amount=60, hint=1) == 40
    assert (used(own), used(shop)) == (40, 40)
    assert take(budget=spring.pk, store=other.pk, amount=70, hint=1) == 60
    assert take(budget=spring.pk, store=store.pk, amount=1, hint=1) == 0


@pytest.mark.django_db
def test_what_comes_back_can_be_taken_again():
    store = StoreFactory.create()
    spring = budget(100)
    own = set_pool(budget=spring, store=store, total=40)
    take(budget=spring.pk, store=store.pk, amount=40, hint=3)

    give_back(budget=spring.pk, store=store.pk, amount=25)

    assert used(own) == 15
    assert room_of(budget=spring.pk, store=store.pk) == 25


@pytest.mark.django_db
def test_a_budget_without_a_pool_has_nothing():
    empty = Budget.objects.create(code="empty", name_zh="空", name_en="Empty")

    assert take(budget=empty.pk, store=None, amount=5, hint=0) == 0
    assert room_of(budget=empty.pk, store=None) == 0


@pytest.mark.django_db
def test_a_budget_grows_and_shrinks_but_not_below_what_is_used():
    spring = budget(100)
    take(budget=spring.pk, store=None, amount=90, hint=1)

    set_pool(budget=spring, store=None, total=200)
    assert room_of(budget=spring.pk, store=None) == 110
    with pytest.raises(BudgetTooSmall, match="90"):
        set_pool(budget=spring, store=None, total=89)

    assert room_of(budget=spring.pk, store=None) == 110
    assert Pool.objects.get(budget=spring).total == 200


@pytest.mark.parametrize("total", [0, -5, 10**13, "7", 1.5, True])
@pytest.mark.django_db
def test_a_budget_is_a_whole_number_above_zero(total):
    spring = Budget.objects.create(code="spring", name_zh="春节", name_en="Spring")

    with pytest.raises(BadBudget):
        set_pool(budget=spring, store=None, total=total)

    assert not Pool.objects.exists()


@pytest.mark.django_db
def test_the_database_itself_refuses_an_overrun():
    budget(8)

    with pytest.raises(IntegrityError, match="shard_is_never_overrun"), transaction.atomic():
        Shard.objects.update(used=2)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("total", "each"), [(100, 9), (50, 50), (7, 3), (1_000, 1)])
def test_many_at_once_get_exactly_what_there_was(total, each):
    spring = budget(total)
    store = StoreFactory.create()
    set_pool(budget=spring, store=store, total=total)

    for _round in range(5):
        Shard.objects.update(used=0)
        taken = all_at_once(lambda n: take(budget=spring.pk, store=store.pk, amount=each, hint=n), 20)

        assert not [one for one in taken if isinstance(one, Exception)]
        assert sum(taken) == min(total, 20 * each), taken
        assert room_of(budget=spring.pk, store=store.pk) == total - sum(taken)


@pytest.mark.django_db(transaction=True)
def test_takers_who_hold_on_and_batches_that_lock_all_never_wait_for_one_another_in_a_ring():
    first = budget(60)
    second = Budget.objects.create(code="autumn", name_zh="秋", name_en="Autumn")
    set_pool(budget=second, store=None, total=60)

    def work(number: int) -> int:
        with transaction.atomic():
            if number % 3 == 0:
                lock_budgets(budgets=[second.pk, first.pk])
            one = take(budget=first.pk, store=None, amount=7, hint=number)
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM loyalty_shard")
            other = take(budget=second.pk, store=None, amount=7, hint=20 - number)
            if number % 4 == 0:
                give_back(budget=first.pk, store=None, amount=one)
                return other
            return one + other

    taken = all_at_once(work, 20)

    assert not [each for each in taken if isinstance(each, Exception)]
    spent = 120 - room_of(budget=first.pk, store=None) - room_of(budget=second.pk, store=None)
    assert spent == sum(taken)


@pytest.mark.parametrize(
    "limits",
    [
        [], {"times": {}}, {"times": {"hour": 1}}, {"times": {"day": 0}}, {"points": {"day": -5}}, {"per_sale": 0},
        {"per_sale": "5"}, {"cooldown_hours": 100_000}, {"budget": 5}, {"times": 3},
    ],
)  # fmt: skip
def test_a_limit_that_makes_no_sense_is_refused(limits):
    with pytest.raises(BadLimit):
        read_limits(limits)
