"""What segments may ask of people: when their birthday is kept, by the sun or by the moon, and what they said."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import ExtractDay, ExtractMonth
from django.db.models.lookups import In
from django.utils.dates import MONTHS
from django.utils.translation import gettext_lazy as _

from members.kit.measures import nobody, sure
from members.kit.traits import Asking, Kind, Question, Trait, register
from members.people.models import Person
from members.people.rules import LUNAR, SOLAR, lunar_birthdays_on, solar_birthdays_on
from members.profiles.traits import PROFILE, YEAR, whole_bounds


def kept_on(days: Iterable[date]) -> Q:
    """Whose birthday is kept on one of these days: as they said, else by the date of birth."""
    suns: set[int] = set()
    moons: set[int] = set()
    for day in days:
        suns |= solar_birthdays_on(day)
        moons |= lunar_birthdays_on(day)
    if not suns:
        return nobody()
    theirs = Person.objects.filter(member=OuterRef("pk"))
    by_birth = sure(In(ExtractMonth("birth_on") * 100 + ExtractDay("birth_on"), sorted(suns)))
    said = Q(Exists(theirs.born_on(SOLAR, suns))) | Q(Exists(theirs.born_on(LUNAR, moons)))
    return said | (by_birth & ~Q(Exists(theirs.with_birthday())))


def birthday_in(question: Question, asking: Asking) -> Q:
    """Whether the birthday comes within so many days. 29 February is kept on the 28th in years that have none."""
    low, high = whole_bounds(question)
    low = max(low or 0, -YEAR)
    return kept_on(asking.today + timedelta(days=each) for each in range(low, min(high or 0, low + YEAR) + 1))


def birthday_month(question: Question, asking: Asking) -> Q:
    """In which month the birthday is kept; this and the next go with the calendar, the others are of this year."""
    if question.operator in ("known", "unknown"):
        has_said = Q(Exists(Person.objects.filter(member=OuterRef("pk")).with_birthday()))
        known = Q(birth_on__isnull=False) | has_said
        return known if question.operator == "known" else ~known
    this = asking.today.replace(day=1)
    moving = {"this": this, "next": month_after(this), "last": (this - timedelta(days=1)).replace(day=1)}
    wanted = {moving.get(each) or this.replace(month=int(each)) for each in question.value}
    found = kept_on(day for first in sorted(wanted) for day in days_of_month(first))
    return found if question.operator == "one_of" else ~found


def month_after(first: date) -> date:
    """The first of the next month."""
    return (first + timedelta(days=31)).replace(day=1)


def days_of_month(first: date) -> list[date]:
    """Its days; in a February of 28 the 29th is kept on the 28th."""
    return [first + timedelta(days=each) for each in range((month_after(first) - first).days)]


def month_choices() -> list[tuple[str, Any]]:
    """Months that go with the calendar, and those by name."""
    moving = [("this", _("this month")), ("next", _("next month")), ("last", _("last month"))]
    return [*moving, *((str(number), name) for number, name in MONTHS.items())]


def gender(question: Question, _asking: Asking) -> Q:
    """Which gender the member said; who said none is of the kind "unsaid"."""
    codes = set(question.value) - {"unsaid"}
    theirs = Person.objects.filter(member=OuterRef("pk"))
    found = Q(Exists(theirs.filter(gender__in=codes)))
    if "unsaid" in question.value:
        found |= ~Q(Exists(theirs.exclude(gender="")))
    return found if question.operator == "one_of" else ~found


def gender_choices() -> list[tuple[str, Any]]:
    """Those that are said, and that none is."""
    return [(code or "unsaid", title) for code, title in Person.Gender.choices]


register(
    Trait(
        "birthday_in",
        PROFILE,
        _("days until the birthday"),
        Kind.NUMBER,
        birthday_in,
        operators=("at_most", "between"),
        unit=_("days"),
    ),
    Trait("birthday_month", PROFILE, _("birthday month"), Kind.CHOICE, birthday_month, month_choices),
    Trait("gender", PROFILE, _("gender"), Kind.CHOICE, gender, gender_choices, operators=("one_of", "none_of")),
)
