"""Verbs: set what a budget holds, take from it for an award, give back what a return undoes."""

from collections.abc import Sequence

from django.db import connection, transaction

from loyalty.limits.models import Budget, Pool, Shard
from loyalty.limits.rules import BadBudget, BudgetExists, BudgetTooSmall
from loyalty.limits.sql import GIVE, LOCK_ALL, ROOM, ROOMS, TAKE
from members.kit.arrays import integers
from members.kit.money import LARGEST_AMOUNT
from members.stores.models import Store

SLOTS = 8  # shards of a pool


@transaction.atomic
def open_budget(
    *, code: str, name_zh: str, name_en: str, total: int, price: int | None = None, is_for_prices: bool = False
) -> Budget:
    """A new budget for the whole shop: points, or minor units for prices or where a price of 1,000 points is given.

    Raises BudgetExists if the code is taken, BadBudget unless the total is above zero.
    """
    budget, is_new = Budget.objects.get_or_create(
        code=code, defaults={"name_zh": name_zh, "name_en": name_en, "price": price, "is_for_prices": is_for_prices}
    )
    if not is_new:
        raise BudgetExists(code=code)
    set_pool(budget=budget, store=None, total=total)
    return budget


@transaction.atomic
def set_pool(*, budget: Budget, store: Store | None, total: int) -> Pool:
    """Set what a budget holds for the shop, or for one store: points, or minor units. What is used stays used.

    Raises BadBudget unless the total is above zero, BudgetTooSmall if more than it is used already.
    """
    if type(total) is not int or not 1 <= total <= LARGEST_AMOUNT:
        raise BadBudget(total=str(total)[:40])
    pool, _created = Pool.objects.select_for_update().get_or_create(
        budget=budget, store=store, defaults={"total": total}
    )
    shards = list(Shard.objects.select_for_update().filter(pool=pool).order_by("slot"))
    used = sum(shard.used for shard in shards)
    if used > total:
        raise BudgetTooSmall(used=used, total=total)
    pool.total = total
    pool.save(update_fields=["total"])
    spread(pool, shards, left=total - used)
    return pool


def spread(pool: Pool, shards: list[Shard], *, left: int) -> None:
    """Share what is left of a pool out over its shards as evenly as whole numbers go."""
    if not shards:
        shards = Shard.objects.bulk_create(Shard(pool=pool, slot=slot, total=0, used=0) for slot in range(SLOTS))
    for shard in shards:
        shard.total = shard.used + share(left, shard.slot)
    Shard.objects.bulk_update(shards, ["total"])


def share(whole: int, slot: int) -> int:
    """The slot's part of a whole number."""
    return whole // SLOTS + (1 if slot < whole % SLOTS else 0)


def take(*, budget: int, store: int | None, amount: int, hint: int, held: int = 0) -> int:
    """Take up to so much from a budget, for an award in a store; what was there to take. `hint` spreads members.

    So much as is `held` was taken before, for just this: only the difference is taken, or given back.
    """
    if held and amount <= held:
        if amount < held:
            give_back(budget=budget, store=store, amount=held - amount)
        return amount
    with connection.cursor() as cursor:
        cursor.execute(TAKE, (budget, store, amount - held, hint))
        (taken,) = cursor.fetchone()
        return held + int(taken)


def give_back(*, budget: int, store: int | None, amount: int) -> None:
    """Give back what an award had taken."""
    with connection.cursor() as cursor:
        cursor.execute(GIVE, (budget, store, amount))


def room_of(*, budget: int, store: int | None) -> int:
    """What is left of a budget, for a store; takes nothing."""
    with connection.cursor() as cursor:
        cursor.execute(ROOM, (budget, store))
        (room,) = cursor.fetchone()
        return int(room or 0)


def rooms_of(*, budgets: Sequence[int], store: int | None) -> dict[int, int]:
    """What is left of each of these budgets, for a store; takes nothing, and asks nothing when there are none."""
    if not budgets:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(ROOMS, (integers(budgets), store))
        return {budget: int(room) for budget, room in cursor.fetchall()}


def lock_budgets(*, budgets: Sequence[int]) -> None:
    """Lock all counters of these budgets, in order, for a batch: batches would wait for one another in turns."""
    if budgets:
        with connection.cursor() as cursor:
            cursor.execute(LOCK_ALL, (integers(sorted(set(budgets))),))
