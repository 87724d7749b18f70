"""Verbs: undo the part of a price that a return brings back, and take it again when the return is cancelled."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from django.db.models import Sum

from loyalty.checkout.models import Checkout, PaidBack
from loyalty.ledger.actions import redeem, restore
from loyalty.ledger.models import Movement
from loyalty.promotions.actions import redo, undo
from loyalty.promotions.models import Applied
from members.purchases.models import Return, Sale


def undo_price(
    *, goods_return: Return, sale: Sale, undone: Callable[[Mapping[str, int]], int], cause: Mapping[str, Any]
) -> None:
    """Give limits, budgets and the member the share of promotions and points that came back.

    `undone` says how much of what a promotion took off, by line, is undone by now in all.
    """
    rows = Applied.objects.filter(member=sale.member_id, sale=sale).select_related("version").order_by("pk")
    for applied in rows:
        undo(applied=applied, goods_return=goods_return, until=undone(applied.lines), store=sale.store_id)
    pay_back(goods_return=goods_return, sale=sale)
    restore_spent(goods_return, sale, cause=cause)


def redo_price(*, goods_return: Return, sale: Sale, cause: Mapping[str, Any]) -> None:
    """Take again what `undo_price` gave, for a return that is cancelled. Raises NotEnoughPoints when it is gone."""
    points = sum(each.points for each in restored_by(goods_return))
    if points:
        spent = spent_on(sale)[0]
        redeem(points=points, kind=spent.account.kind, key=f"unreturn:{sale.pk}:{goods_return.pk}", **cause)
    redo(goods_return=goods_return, store=sale.store_id)


def spent_on(sale: Sale) -> list[Movement]:
    """The movement by which points paid a part of a sale, and those that spent them again after a cancelled return."""
    spendings = Movement.objects.of_family(sale.member).filter(kind="spend")
    found = spendings.filter(key=f"sale:{sale.pk}:paid") | spendings.filter(key__startswith=f"unreturn:{sale.pk}:")
    return list(found.select_related("account__kind").order_by("pk"))


def restored_by(goods_return: Return) -> list[Movement]:
    """The movements by which a return gave points back."""
    stem = f"return:{goods_return.pk}:paid"
    restored = Movement.objects.of_family(goods_return.member).filter(kind="restore")
    return list((restored.filter(key=stem) | restored.filter(key__startswith=f"{stem}:")).order_by("pk"))


def restore_spent(goods_return: Return, sale: Sale, *, cause: Mapping[str, Any]) -> None:
    """Give back the points that paid for the part that came back, to the lots they were taken from."""
    spendings = spent_on(sale)
    if not spendings:
        return
    part = Fraction(sale.returned_amount, sale.amount) if sale.amount else Fraction(1)
    open_points = [each.points - points_restored(each, sale) for each in spendings]
    due = spendings[0].points * part.numerator // part.denominator - (spendings[0].points - sum(open_points))
    stem = f"return:{goods_return.pk}:paid"
    for place, (spent, left) in enumerate(zip(spendings, open_points, strict=True)):
        points = min(due, left)
        if points > 0:
            key = f"{stem}:{place}" if place else stem
            restore(spent=spent.key, points=points, kind=spent.account.kind, key=key, **cause)
            due -= points


def points_restored(spent: Movement, sale: Sale) -> int:
    """The points of a spending that went back already, also before the spender was merged into another member."""
    restored = Movement.objects.of_family(sale.member).filter(kind="restore", cause__key=spent.key)
    return int(restored.aggregate(points=Sum("points"))["points"] or 0)


def pay_back(*, goods_return: Return, sale: Sale) -> None:
    """Write down which part of a return's money goes back as points: by cumulative shares, to the last minor unit."""
    checkout = Checkout.objects.filter(member=sale.member_id, sale=sale).first()
    if checkout is None or not checkout.by_points or not sale.amount:
        return
    others = PaidBack.objects.filter(member=sale.member_id, goods_return__sale=sale, goods_return__state="done")
    before = others.aggregate(amount=Sum("amount"))["amount"] or 0
    due = min(checkout.by_points * sale.returned_amount // sale.amount - before, goods_return.amount)
    if due > 0:
        PaidBack.objects.create(member_id=sale.member_id, goods_return=goods_return, amount=due)
