"""Budgets with their totals; what is used of them is no part of a programme."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty.limits.actions import set_pool
from loyalty.limits.models import Budget
from loyalty.limits.rules import BadBudget
from loyalty.programme.parts.fields import Fields, linked
from loyalty.programme.parts.part import Part, Turn
from loyalty.programme.rules import Things, WrongValue, mapping, within
from members.stores.models import Store

BUDGETS = Fields(Budget, "name_zh", "name_en", "is_for_prices", "price")

UNIT = ("is_for_prices", "price")  # what a budget counts


def stands() -> Things:
    """Every budget."""
    return {budget.code: said(budget) for budget in Budget.objects.prefetch_related("pools__store").order_by("code")}


def said(budget: Budget) -> dict[str, Any]:
    """A budget with the total of the shop and of single stores."""
    pools = {pool.store.code if pool.store else "": pool.total for pool in budget.pools.all()}
    entries = BUDGETS.said(budget)
    if "" in pools:
        entries["total"] = pools.pop("")
    return entries | ({"stores": dict(sorted(pools.items()))} if pools else {})


def write(code: str, says: Any, turn: Turn) -> None:
    """A budget as the file says it. Raises BudgetTooSmall where more is used already."""
    values, entries = BUDGETS.read(says, more=("total", "stores")), mapping(says)
    budget = Budget.objects.filter(code=code).first() or Budget(code=code, **{name: values[name] for name in UNIT})
    if any(getattr(budget, name) != values[name] for name in UNIT):
        raise WrongValue(value=code, expected=_("the unit of a budget that stands stays as it is"))
    if budget.pk is None or any(getattr(budget, name) != value for name, value in values.items()):
        BUDGETS.put(budget, values)
    now = said(budget)
    if "total" in entries and entries["total"] != now.get("total"):
        with within("total"):
            fill(budget, None, entries["total"])
    for store, total in mapping(entries.get("stores", {})).items():
        with within("stores", store):
            if total != now.get("stores", {}).get(store):
                fill(budget, linked(Store, store), total)


def fill(budget: Budget, store: Store | None, total: Any) -> None:
    """Set a total. Raises BadBudget."""
    if type(total) is not int:
        raise BadBudget(total=str(total)[:40])
    set_pool(budget=budget, store=store, total=total)


PART = Part("budgets", gettext_lazy("budgets"), stands, write)
