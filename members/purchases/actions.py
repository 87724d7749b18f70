"""Verbs: write down what tills told us, once."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from members.kit.arrays import integers, moments, texts
from members.purchases.models import Sale, SaleLine
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
        "channel": receipt.channel,
        "attributes": json.dumps(receipt.attributes, ensure_ascii=False),
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
    (sale,) = known_sales(sales=[Bought(member, store, None, receipt)])
    if sale is None:
        raise ReceiptReused(receipt=receipt.receipt)
    return sale


def known_sales(*, sales: Sequence["Bought"]) -> list[int | None]:
    """The ids of sales that stood there before, in two queries; None where the receipt says something else now."""
    rows = Sale.objects.filter(
        member__in={each.member for each in sales}, receipt__in={each.receipt.receipt for each in sales}
    ).values_list(
        "member_id", "store_id", "receipt", "happened_at", "currency", "amount", "discount", "tender", "channel", "pk"
    )
    ids = {tuple(row[:-1]): row[-1] for row in rows}
    lines = lines_of(ids.values())
    found = [ids.get((each.member, each.store, *content_of(each.receipt))) for each in sales]
    return [
        sale if sale is not None and lines[sale] == goods_of(each.receipt) else None
        for sale, each in zip(found, sales, strict=True)
    ]


def content_of(receipt: Receipt) -> tuple[Any, ...]:
    """What makes two deliveries of a receipt the same, beside its lines."""
    return (
        receipt.receipt, receipt.happened_at, receipt.currency, receipt.amount, receipt.discount, receipt.tender,
        receipt.channel,
    )  # fmt: skip


def goods_of(receipt: Receipt) -> list[tuple[str, int, int]]:
    """What was bought, line by line."""
    return [(line.sku, line.quantity, line.amount) for line in receipt.lines]


def lines_of(sales: Iterable[int]) -> dict[int, list[tuple[str, int, int]]]:
    """What was bought in each of the sales, line by line."""
    found: dict[int, list[tuple[str, int, int]]] = defaultdict(list)
    rows = SaleLine.objects.filter(sale__in=list(sales)).order_by("sale_id", "position")
    for sale, sku, quantity, amount in rows.values_list("sale_id", "sku", "quantity", "amount"):
        found[sale].append((sku, quantity, amount))
    return found


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
        "channels": texts(each.receipt.channel for each in sales),
        "attributes": texts(json.dumps(each.receipt.attributes, ensure_ascii=False) for each in sales),
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
