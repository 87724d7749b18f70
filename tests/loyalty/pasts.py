"""A small crowd of past sales, and what the sums would say of each if a draft were a rule: the oracle of replays."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone

from loyalty.conditions.case import Case
from loyalty.earning.actions import products_of, record_sale
from loyalty.earning.rules import About, case_of
from loyalty.limits.rules import Given, Usage
from loyalty.reckoning.rules import Terms, Version, judge_case
from loyalty.rulebook.actions import rulebook
from loyalty.tiers.actions import standing_of
from loyalty.tiers.models import Tier
from loyalty.tiers.rules import Step
from members.people.actions import describe
from members.people.rules import Birthday
from members.profiles.models import Member
from members.purchases.models import Product, Sale
from members.purchases.rules import Line, Receipt
from members.segments.models import Membership, Segment
from tests.factories import NOW, MemberFactory, StoreFactory

START = NOW - timedelta(days=60)
GOODS = (("TEA", "tea", "Leaf"), ("OOLONG", "tea", "Hill"), ("CAKE", "cake", "Oven"), ("CUP", "", ""))
STORES = ("SH", "BJ")
SEGMENTS = ("quiet", "regulars")

Stays = list[tuple[str, datetime, datetime | None]]


@dataclass(frozen=True, slots=True)
class Past:
    """A sale as it was judged: what conditions see of it, and the member's tier."""

    sale: int
    member: int
    at: datetime
    receipt: Receipt
    store: str
    step: Step | None
    birthday: Birthday | None
    stays: Stays


def gather(chance: random.Random, *, sales: int = 70) -> list[Past]:
    """Members who buy this and that for two months, and rise by it; the tiers have odd multipliers."""
    for code, percent in (("silver", 117), ("gold", 133)):
        Tier.objects.filter(code=code).update(multiplier=percent, threshold={"silver": 300, "gold": 700}[code])
    for sku, category, brand in GOODS:
        Product.objects.create(sku=sku, name=sku, category=category, brand=brand)
    stores = [StoreFactory.create(code=code) for code in STORES]
    members = [
        MemberFactory.create(name=name, now=START - timedelta(days=40), home_store=stores[place % 2], birth_on=born)
        for place, (name, born) in enumerate(
            (("王芳", date(1990, 2, 3)), ("李强", None), ("张磊", date(1988, 1, 31)), ("陈静", date(2000, 3, 1)))
        )
    ]
    birthdays = {members[1].pk: Birthday("solar", 2, 29), members[2].pk: Birthday("lunar", 1, 15)}
    for member in members[1:3]:
        kept = birthdays[member.pk]
        describe(
            member=member, now=START, calendar=kept.calendar, birth_month=kept.month, birth_day=kept.day
        )  # fmt: skip
    for member in (members[0], members[3]):
        birthdays[member.pk] = Birthday("solar", member.birth_on.month, member.birth_on.day)
    stays = {member.pk: stay(chance, member) for member in members}
    moments = sorted(START + timedelta(minutes=chance.randrange(60 * 24 * 60)) for _sale in range(sales))
    buyers = [chance.choice(members) for _sale in moments]
    return [
        sold(chance, member, chance.choice(stores), at, n, stays[member.pk], birthdays[member.pk])
        for n, (at, member) in enumerate(zip(moments, buyers, strict=True))
    ]


def stay(chance: random.Random, member: Member) -> Stays:
    """Times in segments: in and out of one, at last in the other."""
    found: Stays = []
    for code in SEGMENTS:
        segment = Segment.objects.get_or_create(code=code, defaults={"name_zh": code, "name_en": code})[0]
        edges = sorted(
            START + timedelta(minutes=chance.randrange(60 * 24 * 60)) for _edge in range(chance.choice((1, 2, 3)))
        )
        for since, until in zip(edges[::2], [*edges[1::2], None], strict=False):
            Membership.objects.create(member=member, segment=segment, since=since, until=until, version=1)
            found.append((code, since, until))
    return found


def sold(
    chance: random.Random, member: Member, store: Any, at: datetime, number: int, stays: Stays, birthday: Birthday
) -> Past:
    """One sale, with up to three lines or with none."""
    lines = [
        Line(sku, sku, chance.randint(1, 3), chance.choice((0, 999, 3_333, 12_345)), chance.choice((0, 0, 77)))
        for sku, _category, _brand in chance.sample(GOODS, chance.randint(0, 3))
    ]
    receipt = Receipt(
        f"R{number}", at, "CNY",
        sum(line.amount for line in lines) if lines else chance.choice((0, 1_001, 9_876)),
        sum(line.discount for line in lines) if lines else chance.choice((0, 55)),
        chance.choice(("cash", "wechat")), lines, chance.choice(("till", "web")),
        {"wrap": "yes"} if chance.random() < 0.3 else {},
    )  # fmt: skip
    climb = rulebook().climb
    assert climb
    step = climb.step(standing_of(member=member.pk, climb=climb, at=at).tier_then)
    sale = record_sale(member=member, store=store, till=None, receipt=receipt, now=NOW).sale
    return Past(sale, member.pk, at, receipt, store.code, step, birthday, stays)


def cases(pasts: Sequence[Past]) -> Iterator[tuple[Past, Case]]:
    """Every sale in its order with its case: as conditions would see it."""
    products = products_of({sku for sku, _category, _brand in GOODS})
    whole = set(
        Sale.objects.filter(amount__gt=0, returned_amount__gte=1).values_list("pk", "amount", "returned_amount")
    )
    gone = {sale for sale, amount, returned in whole if amount == returned}
    for past in sorted(pasts, key=lambda each: (each.at, each.sale)):
        before = sum(
            1 for each in pasts
            if each.member == past.member and each.at <= past.at and each.sale not in gone | {past.sale}
        )  # fmt: skip
        about = About(before + 1, past.birthday, stays=past.stays)
        yield past, case_of(past.receipt, store=past.store, step=past.step, about=about, products=products, at=past.at)


def expected(draft: Version, pasts: Sequence[Past]) -> dict[int, int]:
    """What the sums give for each sale, sale after sale, where the draft stands beside the rules of then."""
    usage: dict[int, Usage] = {past.member: Usage() for past in pasts}
    found = {}
    for past, case in cases(pasts):
        others = rulebook().in_force(past.at) if draft.effect == "multiply" else ()
        versions = sorted([*others, draft], key=lambda each: (each.priority, each.rule))
        terms = Terms(past.step.multiplier if past.step else 100)
        verdict = judge_case(versions, case, terms=terms, usage=usage[past.member])
        points = sum(award.points for award in verdict.awards if award.version is draft)
        usage[past.member].add(Given(draft.rule, timezone.localtime(past.at), points))
        found[past.sale] = points
    return found
