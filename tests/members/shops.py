"""Random small shops for tests of figures and scores, and the same figures computed in plain Python."""

import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil

from django.utils import timezone

from members.profiles.models import Member
from members.purchases.models import Product, Sale, SaleLine
from members.stores.models import Store
from tests.factories import MemberFactory, StoreFactory

CATEGORIES = ("茶叶", "点心", "器具", "")


@dataclass
class Past:
    """A member and the sales that count, oldest first: day, store, minor units, lines (category, pieces, amount)."""

    member: Member
    sales: list[tuple[date, int, int, list[tuple[str, int, int]]]]

    @property
    def days(self) -> list[date]:
        return sorted({day for day, *_rest in self.sales})

    def within(self, start: date, end: date) -> list[int]:
        return [net for day, _store, net, _lines in self.sales if start <= day < end]


def open_shop(*, members: int, now: datetime, chance: random.Random, most: int = 6) -> list[Past]:
    """Members of two stores with up to so many sales each in the two years before today, some of them returned."""
    stores = [StoreFactory.create(code=code) for code in ("one", "two")]
    goods = [Product.objects.create(sku=f"P{n}", name=f"P{n}", category=name) for n, name in enumerate(CATEGORIES)]
    return [past_of(stores, goods, place, now, chance, most) for place in range(members)]


def past_of(
    stores: list[Store], goods: list[Product], place: int, now: datetime, chance: random.Random, most: int
) -> Past:
    """One member with their sales."""
    enrolled = now - timedelta(days=chance.randrange(1, 700))
    member = MemberFactory.create(home_store=stores[place % 2], now=enrolled)
    past = Past(member, [])
    for number in range(chance.randrange(most + 1)):
        at = enrolled + (now - enrolled) * chance.random()
        past.sales += buy(member, chance.choice(stores), goods, f"{place}-{number}", at, chance)
    today = timezone.localdate(now)
    past.sales = sorted((sale for sale in past.sales if sale[0] < today), key=lambda sale: sale[0])
    return past


def buy(
    member: Member, store: Store, goods: list[Product], receipt: str, at: datetime, chance: random.Random
) -> list[tuple[date, int, int, list[tuple[str, int, int]]]]:
    """A sale of one to three lines, of which every fifth comes back in part or whole; nothing when nothing is left."""
    lines = [
        (product, chance.randrange(1, 4), chance.randrange(1, 50) * 100)
        for product in chance.sample(goods, chance.randrange(1, 4))
    ]
    back = [quantity if chance.random() < 0.2 else 0 for _product, quantity, _amount in lines]
    returned = [amount if gone else 0 for gone, (_product, _quantity, amount) in zip(back, lines, strict=True)]
    sale = Sale.objects.create(
        member=member, store=store, receipt=receipt, happened_at=at, currency="CNY",
        amount=sum(amount for *_what, amount in lines), returned_amount=sum(returned),
    )  # fmt: skip
    SaleLine.objects.bulk_create(
        SaleLine(
            sale=sale, member=member, position=place, product=product, quantity=quantity, amount=amount,
            returned_quantity=back[place], returned_amount=returned[place],
        )
        for place, (product, quantity, amount) in enumerate(lines)
    )  # fmt: skip
    if sale.returned_amount == sale.amount:
        return []
    kept = [
        (product.category, quantity, amount)
        for gone, (product, quantity, amount) in zip(back, lines, strict=True)
        if not gone
    ]
    return [(timezone.localdate(at), store.pk, sale.amount - sale.returned_amount, kept)]


def figures_of(past: Past, today: date) -> dict[str, object]:
    """The row of a member, computed anew."""
    days, far = past.days, today + timedelta(days=1)
    quarter, half = today - timedelta(days=90), today - timedelta(days=180)
    spent: dict[str, int] = defaultdict(int)
    for _day, _store, _net, lines in past.sales:
        for category, _pieces, amount in lines:
            spent[category] += amount
    named = sorted((-amount, category) for category, amount in spent.items() if category)
    stores = Counter(store for _day, store, *_rest in past.sales)
    window = past.within(today - timedelta(days=365), far)
    return {
        "sales": len(past.sales),
        "days_bought": len(days),
        "items": sum(pieces for *_sale, lines in past.sales for _category, pieces, _amount in lines),
        "spend": sum(net for _day, _store, net, _lines in past.sales),
        "first_spend": sum(net for day, _store, net, _lines in past.sales if day == days[0]) if days else 0,
        "first_on": days[0] if days else None,
        "last_on": days[-1] if days else None,
        "interval_days": max(half_up((days[-1] - days[0]).days, len(days) - 1), 1) if len(days) > 1 else None,
        "store_id": min(stores, key=lambda store: (-stores[store], store)) if stores else None,
        "category": named[0][1] if named else "",
        "categories": len(named),
        "recent_sales": len(window),
        "recent_spend": sum(window),
        "quarter_sales": len(past.within(quarter, far)),
        "before_sales": len(past.within(half, quarter)),
    }


def half_up(top: int, bottom: int) -> int:
    """A quotient rounded half up."""
    return (2 * top + bottom) // (2 * bottom)


def cuts_of(values: list[int], parts: int = 5) -> list[int]:
    """For each share the smallest value that so many of all values do not exceed."""
    ordered = sorted(values)
    return [ordered[ceil(len(ordered) * share / parts) - 1] for share in range(1, parts)]


def below(cuts: list[int], value: int) -> int:
    """How many cuts lie below a value."""
    return sum(1 for cut in cuts if cut < value)
