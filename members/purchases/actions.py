"""Verbs: write down what tills told us, once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from members.kit.arrays import integers, moments, texts
from members.purchases.models import Sale
from members.purchases.rules import Line, Receipt, ReceiptReused
from members.purchases.sql import WRITE_LINES, WRITE_SALE, WRITE_SALES


@dataclass(frozen=True, slots=True)
class Written:
    """The sale's id, and whether it stood there before."""

    sale: int
    is_repeat: bool


def write_sale(*, member: int, store: int, till: int | None, receipt: Receipt) -> Written:
    """Lock the member, then write a checked receipt and its lines, by ids, in one statement.

    The same receipt with other content raises ReceiptReused.
    """
    values = {
        "member": member,
        "store": store,
        "till": till,
        "receipt": receipt.receipt,
        "happened_at": receipt.happened_at,
        "currency": receipt.currency,
        "amount": receipt.amount,
        "discount": receipt.discount,
        "tender": receipt.tender,
        **columns_of(receipt.lines),
    }
    with connection.cursor() as cursor:
        cursor.execute(WRITE_SALE, values)
        row = cursor.fetchone()
    if row is not None:
        return Written(row[0], is_repeat=False)
    return Written(sale_of_receipt(member=member, store=store, receipt=receipt), is_repeat=True)


def columns_of(lines: Sequence[Line]) -> dict[str, str]:
    """Lines as the arrays that the statements take."""
    return {
        "skus": texts(line.sku for line in lines),
        "names": texts(line.name for line in lines),
        "quantities": integers(line.quantity for line in lines),
        "amounts": integers(line.amount for line in lines),
        "discounts": integers(line.discount for line in lines),
    }


def sale_of_receipt(*, member: int, store: int, receipt: Receipt) -> int:
    """The id of the sale that this receipt is. Raises ReceiptReused if what it says differs."""
    known = Sale.objects.get(member=member, store=store, receipt=receipt.receipt)
    same = (known.happened_at, known.currency, known.amount) == (receipt.happened_at, receipt.currency, receipt.amount)
    if not same:
        raise ReceiptReused(receipt=receipt.receipt)
    return known.pk


def known_sales(*, sales: Sequence["Bought"]) -> list[int | None]:
    """The ids of sales that stood there before, in one query; None where the receipt says something else now."""
    rows = Sale.objects.filter(
        member__in={each.member for each in sales}, receipt__in={each.receipt.receipt for each in sales}
    ).values_list("member_id", "store_id", "receipt", "happened_at", "currency", "amount", "pk")
    ids = {tuple(row[:-1]): row[-1] for row in rows}
    return [
        ids.get((each.member, each.store, said.receipt, said.happened_at, said.currency, said.amount))
        for each in sales
        for said in [each.receipt]
    ]


@dataclass(frozen=True, slots=True)
class Bought:
    """One of many sales, by ids."""

    member: int
    store: int
    till: int | None
    receipt: Receipt


def write_sales(*, sales: Sequence[Bought]) -> list[int | None]:
    """Write many checked receipts with two statements; the id of each, or None where it stood there before."""
    ids: list[int | None] = [None] * len(sales)
    values: dict[str, Any] = {
        "members": integers(each.member for each in sales),
        "stores": integers(each.store for each in sales),
        "tills": integers(each.till for each in sales),
        "receipts": texts(each.receipt.receipt for each in sales),
        "moments": moments(each.receipt.happened_at for each in sales),
        "currencies": texts(each.receipt.currency for each in sales),
        "amounts": integers(each.receipt.amount for each in sales),
        "discounts": integers(each.receipt.discount for each in sales),
        "tenders": texts(each.receipt.tender for each in sales),
    }
    with connection.cursor() as cursor:
        cursor.execute(WRITE_SALES, values)
        for place, sale in cursor.fetchall():
            ids[place - 1] = sale
    write_lines(sales=[(sale, each) for sale, each in zip(ids, sales, strict=True) if sale is not None])
    return ids


def write_lines(*, sales: Sequence[tuple[int, Bought]]) -> None:
    """Write the lines of new sales."""
    rows = [
        (sale, each.member, position, line)
        for sale, each in sales
        for position, line in enumerate(each.receipt.lines, start=1)
    ]
    if not rows:
        return
    values: dict[str, Any] = {
        "sales": integers(row[0] for row in rows),
        "members": integers(row[1] for row in rows),
        "positions": integers(row[2] for row in rows),
        **columns_of([row[3] for row in rows]),
    }
    with connection.cursor() as cursor:
        cursor.execute(WRITE_LINES, values)
