"""What segments may ask of profiles: who members are, how they are reached, the shop's further fields."""

from collections.abc import Iterator, Mapping
from datetime import date
from math import ceil, floor
from typing import Any

from django.db.models import JSONField, Q, QuerySet, Value
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.lookups import Exact, GreaterThanOrEqual, IContains, IExact, In, IStartsWith, LessThan
from django.utils.translation import gettext_lazy as _

from members.kit.measures import bounds_of, day_of, nobody, of_choice, of_column, of_count, of_having, of_text, sure
from members.kit.names import named
from members.kit.traits import Answer, Asking, Group, Kind, Question, Trait, register, register_family
from members.profiles.models import CustomField, Identity, Member
from members.stores.models import Store
from members.stores.traits import store_choices

PROFILE = Group("profile", _("Profile"), 10)
CONTACT = Group("contact", _("How they are reached"), 20)
FURTHER = Group("further", _("Further fields"), 30)
OLDEST = 150
YEAR = 366


def whole_bounds(question: Question) -> tuple[int | None, int | None]:
    """The whole numbers that a question allows: from and to, both included, None where it is open."""
    value = question.value
    match question.operator:
        case "at_least":
            return ceil(value), None
        case "more_than":
            return floor(value) + 1, None
        case "at_most":
            return None, floor(value)
        case "less_than":
            return None, ceil(value) - 1
        case "equal":
            return ceil(value), floor(value)
        case _between:
            return ceil(value[0]), floor(value[1])


def years_before(day: date, years: int) -> date:
    """The same day so many years ago; 29 February falls to the 28th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def age(question: Question, asking: Asking) -> Q:
    """How many birthdays a member has had."""
    low, high = whole_bounds(question)
    found = Q(birth_on__isnull=False)
    if low is not None and low > 0:
        found &= nobody() if low > OLDEST else Q(birth_on__lte=years_before(asking.today, low))
    if high is not None and high < OLDEST:
        found &= nobody() if high < 0 else Q(birth_on__gt=years_before(asking.today, high + 1))
    return found


def identities(kind: str = "", *, is_verified: bool = False) -> Any:
    """Rows of identities, for those who have some."""

    def rows(_parameters: Mapping[str, Any], _asking: Asking) -> QuerySet[Identity]:
        found = Identity.objects.filter(kind=kind) if kind else Identity.objects.all()
        return found.filter(verified_at__isnull=False) if is_verified else found

    return rows


def home_store(question: Question, _asking: Asking) -> Q:
    """The store where a member is at home."""
    stores = Store.objects.filter(code__in=question.value)
    found = Q(home_store__in=stores)
    return found if question.operator == "one_of" else ~found


register(
    Trait(
        "home_store", PROFILE, _("home store"), Kind.CHOICE, home_store, store_choices, operators=("one_of", "none_of")
    ),
    Trait(
        "language",
        PROFILE,
        _("language"),
        Kind.CHOICE,
        of_choice("language"),
        lambda: [("zh-hans", _("Simplified Chinese")), ("en", _("English"))],
        operators=("one_of", "none_of"),
    ),
    Trait(
        "source",
        PROFILE,
        _("enrolled by"),
        Kind.CHOICE,
        of_choice("source"),
        lambda: list(Member.Source.choices),
        operators=("one_of", "none_of"),
    ),
    Trait(
        "enrolled",
        PROFILE,
        _("enrolled"),
        Kind.MOMENT,
        of_column("enrolled_at"),
        operators=("within_last", "longer_ago", "since", "before", "between"),
    ),
    Trait("name", PROFILE, _("name"), Kind.TEXT, of_text("name")),
    Trait("age", PROFILE, _("age"), Kind.NUMBER, age, unit=_("years")),
    Trait("birthday", PROFILE, _("date of birth"), Kind.DATE, of_column("birth_on", is_date=True)),
    Trait(
        "has_account",
        PROFILE,
        _("has signed in to the portal"),
        Kind.YES_NO,
        lambda question, _asking: Q(user__isnull=question.operator == "no"),
    ),
    *(
        Trait(f"has_{kind}", CONTACT, title, Kind.YES_NO, of_having(identities(kind)))
        for kind, title in (
            ("phone", _("has a phone")),
            ("email", _("has an e-mail address")),
            ("card", _("has a card")),
            ("wechat", _("has WeChat")),
        )
    ),
    Trait(
        "verified",
        CONTACT,
        _("has proved a phone or e-mail"),
        Kind.YES_NO,
        of_having(identities(is_verified=True)),
    ),
    Trait("identities", CONTACT, _("ways to be found"), Kind.NUMBER, of_count(identities(), "")),
)


def further_fields() -> Iterator[Trait]:
    """A trait for each of the shop's further fields."""
    for field in CustomField.objects.order_by("position", "code"):
        code, title = f"further.{field.code}", named(field)
        match field.kind:
            case CustomField.Kind.NUMBER:
                yield Trait(code, FURTHER, title, Kind.NUMBER, further_number(field.code))
            case CustomField.Kind.DATE:
                yield Trait(code, FURTHER, title, Kind.DATE, further_date(field.code))
            case CustomField.Kind.CHOICE:
                choices = [(each, each) for each in field.choices]
                yield Trait(code, FURTHER, title, Kind.CHOICE, further_choice(field.code), lambda here=choices: here)  # type: ignore[misc]
            case CustomField.Kind.YES_NO:
                yield Trait(code, FURTHER, title, Kind.YES_NO, further_yes_or_no(field.code))
            case _text:
                yield Trait(code, FURTHER, title, Kind.TEXT, further_text(field.code))


def is_there(code: str) -> Q:
    """Whether the field holds something; empty ones are not kept."""
    return Q(custom__has_key=code)


def known_or(answer: Answer, code: str) -> Answer:
    """`known` and `unknown` are the same of every field."""

    def whole(question: Question, asking: Asking) -> Q:
        if question.operator in ("known", "unknown"):
            return is_there(code) if question.operator == "known" else ~is_there(code)
        return answer(question, asking)

    return whole


def further_number(code: str) -> Answer:
    """JSON compares numbers as numbers; what is none stands below or above all of them, within bounds it is out."""

    def answer(question: Question, _asking: Asking) -> Q:
        value = question.value
        at = KeyTransform(code, "custom")
        least, most = (Value(each, JSONField()) for each in (-(10**30), 10**30))
        is_number = sure(GreaterThanOrEqual(at, least)) & sure(LessThan(at, most))

        def from_on(bound: Any) -> Q:
            return sure(GreaterThanOrEqual(at, Value(bound, JSONField())))

        def below(bound: Any) -> Q:
            return sure(LessThan(at, Value(bound, JSONField())))

        def same(bound: Any) -> Q:
            return sure(Exact(at, Value(bound, JSONField())))

        found = {
            "at_least": lambda: from_on(value),
            "more_than": lambda: from_on(value) & ~same(value),
            "at_most": lambda: below(value) | same(value),
            "less_than": lambda: below(value),
            "equal": lambda: same(value),
            "between": lambda: from_on(value[0]) & (below(value[1]) | same(value[1])),
        }[question.operator]()
        return is_number & found

    return answer


def further_date(code: str) -> Answer:
    """Days are kept as ISO texts, which sort as days do."""

    def answer(question: Question, asking: Asking) -> Q:
        since, until = (day_of(each, asking) for each in bounds_of(question, asking))
        at = KeyTextTransform(code, "custom")
        found = is_there(code)
        if since is not None:
            found &= sure(GreaterThanOrEqual(at, Value(since.isoformat())))
        return found if until is None else found & sure(LessThan(at, Value(until.isoformat())))

    return known_or(answer, code)


def further_choice(code: str) -> Answer:
    def answer(question: Question, _asking: Asking) -> Q:
        found = sure(In(KeyTextTransform(code, "custom"), question.value))
        return found if question.operator == "one_of" else ~found

    return known_or(answer, code)


def further_yes_or_no(code: str) -> Answer:
    def answer(question: Question, _asking: Asking) -> Q:
        return sure(Exact(KeyTransform(code, "custom"), Value(question.operator == "yes", JSONField())))

    return answer


def further_text(code: str) -> Answer:
    ways: Any = {"equal": IExact, "contains": IContains, "begins": IStartsWith}

    def answer(question: Question, _asking: Asking) -> Q:
        return sure(ways[question.operator](KeyTextTransform(code, "custom"), question.value))

    return known_or(answer, code)


register_family(further_fields)
