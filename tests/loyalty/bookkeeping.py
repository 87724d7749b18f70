"""What tests of the ledger ask of it and read in its books."""

from datetime import datetime, timedelta
from typing import Any

from loyalty.ledger.actions import earn
from loyalty.ledger.models import Account, Balances, Lot, LotUse, Movement, PointKind
from members.profiles.models import Member
from tests.factories import NOW

DAY = timedelta(days=1)
EVERYTHING = {"first": 0, "last": 2**62}


def by(member: Member, key: str, now: datetime = NOW) -> dict[str, Any]:
    """Whose points, what caused it, when."""
    return {"member": member, "kind": PointKind.objects.get(code="points"), "key": key, "now": now}


def holds(member: Member) -> Balances:
    account = Account.objects.of(member).get(kind__code="points")
    return Balances(account.pending, account.active, account.held)


def lots(member: Member) -> list[tuple[int, int, int | None]]:
    """What is left in each lot, what it holds, and in how many days from NOW it expires."""
    rows = Lot.objects.filter(member=member).soonest_expiring_first().values_list("remaining", "held", "expires_at")
    return [(left, held, (at - NOW).days if at else None) for left, held, at in rows]


def uses(movement: int) -> list[tuple[int | None, int]]:
    """The lots a movement used, by days until they expire, and how many points of each."""
    rows = LotUse.objects.filter(movement=movement).order_by("pk").values_list("lot__expires_at", "points")
    return [((at - NOW).days if at else None, used) for at, used in rows]


def books() -> list[Any]:
    """Every row that a posting could have written."""
    return [list(model.objects.order_by("pk").values_list()) for model in (Account, Lot, Movement, LotUse)]


def earn_three(member: Member) -> None:
    """Lots of 10: in 30 days, in 20 days, and without an end."""
    for key, life in (("late", 30), ("soon", 20), ("never", None)):
        earn(points=10, expires_at=NOW + life * DAY if life else None, **by(member, key))
