"""Two hundred rules and twenty promotions: what judging a sale of twenty lines adds to the rest of its Python."""

import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from loyalty.checkout.actions import look_up, sell
from loyalty.checkout.rules import Asked
from loyalty.earning.actions import judged_by, record_sale
from loyalty.ledger.models import PointKind
from loyalty.pricing.rules import price as priced_by
from loyalty.promotions.actions import change_promotion
from loyalty.promotions.models import Promotion
from loyalty.rulebook.actions import change_rule
from loyalty.rulebook.models import EarningRule
from members.profiles.models import Member
from members.purchases.models import Product
from members.purchases.rules import Line as Bought
from members.purchases.rules import Receipt
from members.stores.models import Store
from tests.bench.table import Line, Measured

SALES = 150
CONDITIONS: tuple[dict[str, Any], ...] = (
    {"store": ["elsewhere"]},
    {"weekday": [1, 2, 3, 4, 5, 6, 7]},
    {"all": [{"min_amount": 1_000}, {"channel": ["web"]}]},
    {"all": [{"category": ["category-3"]}, {"min_quantity": 5}]},
    {"all": [{"tier": ["gold", "silver"]}, {"hours": [["00:00", "24:00"]]}, {"min_amount": 500_000}]},
    {"any": [{"product": ["SKU-1", "SKU-2"]}, {"brand": ["brand-9"]}]},
    {"all": [{"dates": {"from": "2020-01-01", "to": "2020-12-31"}}, {"min_amount": 1}]},
    {"not": {"tender": ["other"]}},
)


def receipt_of(lines: int) -> Receipt:
    """A receipt of so many lines."""
    goods = [Bought(f"SKU-{place}", "", 1 + place % 3, 1_000 + place) for place in range(lines)]
    amount = sum(line.amount for line in goods)
    return Receipt(str(uuid4()), timezone.now(), settings.SHOP_CURRENCY, amount, 0, "other", goods)


def rules_and_promotions() -> Iterator[Line | str]:
    """The Python time of a sale with many rules and promotions beside that of a sale with those there were."""
    store, members = Store.objects.order_by("pk")[0], list(Member.objects.order_by("pk")[:SALES])
    with transaction.atomic():
        plain = sold(members, lambda member: record(member, store))
        few = statements(lambda: record(members[0], store))
        set_up()
        many = sold(members, lambda member: record(member, store))
        priced = sold(members, lambda member: price(member, store))
        sums = sold(members, pricing(members[0], store))
        counted = statements(lambda: record(members[0], store)), statements(lambda: price(members[0], store))
        transaction.set_rollback(True)
    yield Line("a sale of 20 lines with 200 rules, Python time to 2 rules", many, plain, 2, is_ceiling=True)
    yield Line("its price by 20 promotions, the sums alone, to that sale", sums, plain, 1, is_ceiling=True)
    yield f"    a sale with its price, written down: {priced.middle:,.0f} a second"
    yield f"    statements a sale: {few} with few rules, {counted[0]} with many, {counted[1]} with promotions"


def record(member: Member, store: Store) -> None:
    record_sale(member=member, store=store, till=None, receipt=receipt_of(20), now=timezone.now())


def price(member: Member, store: Store) -> None:
    asked = Asked(apply_offers=True)
    sell(member=member, store=store, till=None, receipt=receipt_of(20), asked=asked, now=timezone.now())


def pricing(member: Member, store: Store) -> Callable[[Member], object]:
    """The sums of a price, on a ground that was looked up before."""
    asked, receipt, at = Asked(apply_offers=True), receipt_of(20), timezone.now()
    book, standing = judged_by(member=member.pk, at=at)
    ground = look_up(book, standing, member=member.pk, store=store, receipt=receipt, asked=asked, at=at)
    return lambda _member: priced_by(ground.offers, ground.case, usage=ground.usage, rooms=ground.rooms)


def sold(members: list[Member], sale: Callable[[Member], object]) -> Measured:
    """Sales a second of Python time alone, in three rounds; the first sale, which reads the book, is not counted."""
    sale(members[0])
    rates = []
    for _round in range(3):
        took = []
        for member in members:
            begin = time.process_time()
            sale(member)
            took.append(time.process_time() - begin)
        rates.append(1 / median(took))
    return Measured(rates)


def statements(sale: Callable[[], None]) -> int:
    """How many statements a sale makes."""
    with CaptureQueriesContext(connection) as seen:
        sale()
    return len(seen)


def set_up() -> None:
    """Mixed rules and promotions, most of which have to be looked at and do not fire."""
    kind, now = PointKind.objects.get(code="points"), timezone.now()
    Product.objects.bulk_create(
        Product(sku=f"SKU-{place}", name="", category=f"category-{place % 7}", brand=f"brand-{place % 5}")
        for place in range(20)
    )
    for number in range(200):
        rule = EarningRule.objects.create(code=f"bench-{number}", name_zh="规则", name_en="Rule")
        conditions = CONDITIONS[number % len(CONDITIONS)]
        lines = {"category": [f"category-{number % 7}"]} if number % 3 == 0 else {}
        effect = "multiply" if number % 40 == 0 else "fixed"
        more = {"limits": {"times": {"day": 1}}} if number % 20 == 1 else {}
        change_rule(
            rule=rule, now=now, by=None, kind=kind, effect=effect, points=1, percent=110, conditions=conditions,
            lines=lines, group=f"g{number % 10}", **more,
        )  # fmt: skip
    for number in range(20):
        promotion = Promotion.objects.create(code=f"bench-{number}", name_zh="促销", name_en="Promotion")
        effect = ("amount_off", "percent_off", "buy_get")[number % 3]
        change_promotion(
            promotion=promotion, now=now, by=None, effect=effect, percent=5, amount=100,
            conditions=CONDITIONS[number % len(CONDITIONS)], lines={"category": [f"category-{number % 7}"]},
        )  # fmt: skip
