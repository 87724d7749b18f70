"""A small random shop as plain data, written to the database, and what plain Python says of a segment's tree."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone
from hypothesis import strategies as st

from members.profiles.models import Member
from members.purchases.models import Product, Sale, SaleLine
from members.segments.models import ListMember, MemberList
from members.stores.models import Store
from tests.factories import NOW

STORES = ("lane", "lake", "web")
CATEGORIES = ("tea", "cake", "skincare")
CODES = {"cold": {"trait": "purchases", "is": "at_most", "value": 0}}  # the segments that trees may name


@dataclass(frozen=True)
class Bought:
    store: str
    days: int  # before now; the sale was half a day earlier than the day's own noon
    amount: int
    given_back: int
    tender: str
    lines: tuple[tuple[str, int], ...]  # category, pieces

    @property
    def at(self) -> datetime:
        return NOW - timedelta(days=self.days, hours=2)


@dataclass(frozen=True)
class Person:
    store: str
    language: str
    born_on: date | None
    enrolled: int  # days before now
    taste: str | None
    is_listed: bool
    sales: tuple[Bought, ...] = field(default_factory=tuple)


sales = st.builds(
    Bought,
    store=st.sampled_from(STORES),
    days=st.integers(0, 60),
    amount=st.sampled_from([100_00, 200_00, 500_00]),
    given_back=st.sampled_from([0, 0, 100_00]),
    tender=st.sampled_from(["cash", "wechat"]),
    lines=st.lists(st.tuples(st.sampled_from(CATEGORIES), st.integers(1, 3)), max_size=2).map(tuple),
)
people = st.builds(
    Person,
    store=st.sampled_from(STORES),
    language=st.sampled_from(["en", "zh-hans"]),
    born_on=st.none() | st.dates(date(1960, 1, 1), date(2010, 12, 31)),
    enrolled=st.integers(0, 60),
    taste=st.none() | st.sampled_from(["sweet", "salty"]),
    is_listed=st.booleans(),
    sales=st.lists(sales, max_size=3).map(tuple),
)
numbers = st.one_of(
    st.tuples(st.sampled_from(["at_least", "more_than", "at_most", "less_than", "equal"]), st.integers(0, 4)),
    st.tuples(st.just("between"), st.tuples(st.integers(0, 2), st.integers(2, 5)).map(list)),
)
days = st.none() | st.integers(0, 60)
stores = st.none() | st.lists(st.sampled_from(STORES), min_size=1, unique=True)


def asked(trait: str, how: str, value: Any = None, **narrowed: Any) -> dict[str, Any]:
    """A test as JSON."""
    said = {"trait": trait, "is": how} | ({} if value is None else {"value": value})
    given = {name: value for name, value in narrowed.items() if value is not None}
    return said | ({"with": given} if given else {})


def in_money(how: str, value: Any) -> tuple[str, Any]:
    return how, [each * 100_00 for each in value] if isinstance(value, list) else value * 100_00


some_codes = st.lists(st.sampled_from(CATEGORIES), min_size=1, unique=True)
times = st.sampled_from(["within_last", "longer_ago"])
several = st.sampled_from(["any_of", "all_of", "none_of"])
months = st.lists(st.sampled_from(["this", "next", "7"]), min_size=1, unique=True)
tests = st.one_of(
    st.builds(lambda q, d, s: asked("spend", *in_money(*q), days=d, store=s), numbers, days, stores),
    st.builds(lambda q, d, s: asked("purchases", *q, days=d, store=s), numbers, days, stores),
    st.builds(lambda q, d, c: asked("items", *q, days=d, category=c), numbers, days, st.none() | some_codes),
    st.builds(lambda q: asked("age", q[0], [e * 10 for e in q[1]] if isinstance(q[1], list) else q[1] * 10), numbers),
    st.builds(lambda h, d: asked("last_visit", h, d), times, st.integers(0, 60)),
    st.builds(lambda h: asked("last_visit", h), st.sampled_from(["known", "unknown"])),
    st.builds(lambda h, d: asked("enrolled", h, d), times, st.integers(0, 60)),
    st.builds(lambda h, v, d: asked("categories", h, v, days=d), several, some_codes, days),
    st.builds(lambda h, v: asked("home_store", h, v), st.sampled_from(["one_of", "none_of"]), stores.filter(bool)),
    st.builds(lambda h, d: asked("bought", h, days=d), st.sampled_from(["yes", "no"]), days),
    st.builds(lambda h: asked("further.taste", h, ["sweet"]), st.sampled_from(["one_of", "none_of"])),
    st.builds(lambda h: asked("further.taste", h), st.sampled_from(["known", "unknown"])),
    st.builds(lambda v: asked("birthday_month", "one_of", v), months),
)  # fmt: skip
did = st.builds(
    lambda a, b, n, when: {
        "did": {"deed": "bought_goods", "with": {"category": a}},
        "but_not": {"deed": "bought_goods", "with": {"category": b}},
        "days": n,
        "when": when,
    },
    some_codes,
    some_codes,
    st.integers(1, 30),
    st.sampled_from(["after", "same"]),
)
leaves = st.one_of(tests, tests, did, st.just({"segment": "cold"}), st.just({"list": "the list"}))
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda nodes: {"all": nodes}),
        st.lists(inner, min_size=1, max_size=3).map(lambda nodes: {"any": nodes}),
        inner.map(lambda node: {"not": node}),
    ),
    max_leaves=6,
)


def write(shop: list[Person]) -> tuple[list[int], MemberList]:
    """The shop in the database: the ids of its people in their order, and the list on which some of them stand."""
    places = {
        code: Store.objects.get_or_create(code=code, defaults={"name_zh": code, "name_en": code})[0] for code in STORES
    }
    goods = {
        name: Product.objects.get_or_create(sku=name, defaults={"name": name, "category": name})[0]
        for name in CATEGORIES
    }
    listed = MemberList.objects.create(name="chosen")
    ids = []
    for number, person in enumerate(shop):
        member = Member.objects.create(
            number=f"{9_000_000_000 + number}", home_store=places[person.store], language=person.language,
            source="till", birth_on=person.born_on, enrolled_at=NOW - timedelta(days=person.enrolled, hours=2),
            custom={"taste": person.taste} if person.taste else {},
        )  # fmt: skip
        ids.append(member.pk)
        if person.is_listed:
            ListMember.objects.create(member=member, member_list=listed)
        for place, bought in enumerate(person.sales):
            sale = Sale.objects.create(
                member=member, store=places[bought.store], receipt=f"{number}-{place}", happened_at=bought.at,
                currency="CNY", amount=bought.amount, returned_amount=min(bought.given_back, bought.amount),
                tender=bought.tender,
            )  # fmt: skip
            for position, (category, pieces) in enumerate(bought.lines, 1):
                SaleLine.objects.create(
                    sale=sale, member=member, position=position, product=goods[category], sku=category,
                    quantity=pieces, amount=1,
                )  # fmt: skip
    return ids, listed


def midnight(days_ago: int) -> datetime:
    local = timezone.localtime(NOW) - timedelta(days=days_ago)
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


def compare(how: str, number: float, value: Any) -> bool:
    match how:
        case "at_least":
            return number >= value
        case "more_than":
            return number > value
        case "at_most":
            return number <= value
        case "less_than":
            return number < value
        case "equal":
            return number == value
    return value[0] <= number <= value[1]


def holds(tree: dict[str, Any], person: Person) -> bool:
    """What a tree says of somebody, in plain Python."""
    if "all" in tree:
        return all(holds(each, person) for each in tree["all"])
    if "any" in tree:
        return any(holds(each, person) for each in tree["any"])
    if "not" in tree:
        return not holds(tree["not"], person)
    if "segment" in tree:
        return holds(CODES[tree["segment"]], person)
    if "list" in tree:
        return person.is_listed
    if "did" in tree:
        return did_but_not(tree, person)
    return TESTS[tree["trait"]](person, tree["is"], tree.get("value"), tree.get("with", {}))


def within(person: Person, narrowed: dict[str, Any]) -> list[Bought]:
    since = midnight(narrowed["days"]) if "days" in narrowed else None
    return [
        each
        for each in person.sales
        if (since is None or each.at >= since) and each.store in narrowed.get("store", STORES)
    ]


def lines(person: Person, narrowed: dict[str, Any]) -> list[tuple[str, int]]:
    found = [line for sale in within(person, narrowed) for line in sale.lines]
    return [line for line in found if line[0] in narrowed.get("category", CATEGORIES)]


def did_but_not(node: dict[str, Any], person: Person) -> bool:
    def moments(side: str) -> list[datetime]:
        wanted = node[side]["with"]["category"]
        return [sale.at for sale in person.sales if any(category in wanted for category, _pieces in sale.lines)]

    since, span = midnight(node["days"]), timedelta(days=node["days"])
    if node["when"] == "same":
        return any(at >= since for at in moments("did")) and not any(at >= since for at in moments("but_not"))
    return any(at < since and not any(at < other <= at + span for other in moments("but_not")) for at in moments("did"))


def moment(at: datetime | None, how: str, value: Any) -> bool:
    if how in ("known", "unknown"):
        return (at is not None) == (how == "known")
    return at is not None and (at >= midnight(value) if how == "within_last" else at < midnight(value))


def age(person: Person, how: str, value: Any) -> bool:
    if person.born_on is None:
        return False
    today = timezone.localtime(NOW).date()
    return compare(
        how,
        today.year - person.born_on.year - ((today.month, today.day) < (person.born_on.month, person.born_on.day)),
        value,
    )


def many(has: set[str], how: str, value: list[str]) -> bool:
    return {"any_of": bool(has & set(value)), "all_of": has >= set(value), "none_of": not has & set(value)}[how]


def one(has: str | None, how: str, value: Any) -> bool:
    if how in ("known", "unknown"):
        return (has is not None) == (how == "known")
    return (has in value) == (how == "one_of")


def in_month(person: Person, value: list[str]) -> bool:
    this = timezone.localtime(NOW).month
    months = {{"this": this, "next": this % 12 + 1}.get(each) or int(each) for each in value}
    return person.born_on is not None and person.born_on.month in months


TESTS = {
    "spend": lambda p, how, value, narrowed: compare(
        how, sum(each.amount - min(each.given_back, each.amount) for each in within(p, narrowed)), value
    ),
    "purchases": lambda p, how, value, narrowed: compare(how, len(within(p, narrowed)), value),
    "items": lambda p, how, value, narrowed: compare(how, sum(pieces for _c, pieces in lines(p, narrowed)), value),
    "age": lambda p, how, value, _narrowed: age(p, how, value),
    "last_visit": lambda p, how, value, _n: moment(max((each.at for each in p.sales), default=None), how, value),
    "enrolled": lambda p, how, value, _n: moment(NOW - timedelta(days=p.enrolled, hours=2), how, value),
    "categories": lambda p, how, value, narrowed: many({each for each, _pieces in lines(p, narrowed)}, how, value),
    "home_store": lambda p, how, value, _n: one(p.store, how, value),
    "bought": lambda p, how, _value, narrowed: bool(within(p, narrowed)) == (how == "yes"),
    "further.taste": lambda p, how, value, _n: one(p.taste, how, value),
    "birthday_month": lambda p, _how, value, _n: in_month(p, value),
}
