"""Verbs: write down what a member says of themselves; and reads: when their birthday is kept."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, TypedDict, Unpack

from django.db import transaction

from members.people.models import Person
from members.people.rules import (
    LONGEST_PART,
    LONGEST_TEXT,
    LUNAR,
    BadGender,
    HalfBirthday,
    TextTooLong,
    check_day,
    name_for,
    next_birthday,
    solar_of,
)
from members.profiles.actions import check_current, update_profile
from members.profiles.models import Member
from members.profiles.rules import chosen, clean_name

LENGTHS = {
    "family_name": LONGEST_PART,
    "given_name": LONGEST_PART,
    "occupation": LONGEST_TEXT,
    "interests": LONGEST_TEXT,
}


class Saying(TypedDict, total=False):
    """What a member may say; what is left out stays. A birthday is said whole: calendar, month and day."""

    family_name: str
    given_name: str
    gender: str
    occupation: str
    interests: str
    calendar: str
    birth_month: int | None
    birth_day: int | None


def person_of(member: Member) -> Person:
    """What the member said, or a blank sheet that is not kept yet."""
    return Person.objects.filter(member=member).first() or Person(member=member)


@transaction.atomic
def describe(
    *, member: Member, now: datetime, lunar_year: int | None = None, is_leap: bool = False, **said: Unpack[Saying]
) -> Person:
    """Write down what a member says of themselves, and leave the rest. The same again changes nothing but the moment.

    A lunar birthday with its year also sets the date of birth. A member without a name is called by the two parts.
    Raises MemberMerged, BadName, TextTooLong, BadGender, HalfBirthday, NoSuchDay, NoSuchMonth or BadBirthday.
    """
    fresh = check_current(member)
    person = person_of(fresh)
    for name, value in said.items():
        setattr(person, name, clean(name, str(value or "")) if name in LENGTHS else value)
    if person.gender not in Person.Gender.values:
        raise BadGender
    check_day(person.calendar, person.birth_month, person.birth_day)
    born_on = born(person, lunar_year, is_leap=is_leap)
    if born_on is not None:
        update_profile(member=fresh, now=now, birth_on=born_on)
    if not fresh.name and (person.family_name or person.given_name):
        update_profile(member=fresh, now=now, name=name_for(person.family_name, person.given_name, fresh.language))
    person.said_at = now
    person.save()
    return person


def clean(name: str, text: str) -> str:
    """The text as a name is cleaned. Raises BadName or TextTooLong."""
    if len(text) > LENGTHS[name]:
        raise TextTooLong(limit=LENGTHS[name])
    return clean_name(text)


def born(person: Person, lunar_year: int | None, *, is_leap: bool) -> date | None:
    """The date of birth behind a lunar birthday with its year. A leap month means something in its year only."""
    if lunar_year is None:
        if is_leap:
            raise HalfBirthday
        return None
    if person.calendar != LUNAR or person.birth_month is None or person.birth_day is None:
        raise HalfBirthday
    return solar_of(lunar_year, person.birth_month, person.birth_day, is_leap=is_leap)


def birthday_after(member: Member, today: date) -> date | None:
    """The next day on which the member's birthday is kept, today included: as they said, else by the date of birth."""
    said = Person.objects.filter(member=member).with_birthday().first()
    if said is not None and said.birth_month and said.birth_day:
        return next_birthday(said.calendar, said.birth_month, said.birth_day, today)
    if member.birth_on is None:
        return None
    return next_birthday("solar", member.birth_on.month, member.birth_on.day, today)


SHEET = ("family_name", "given_name", "gender", "occupation", "interests")
BIRTHDAY = ("calendar", "birth_month", "birth_day")
OF_PERSON = "person."  # before the name of a field, where two become one


def sheets_of(one: Member, other: Member) -> tuple[dict[str, Any], dict[str, Any]]:
    """What two members said of themselves, to choose from when they become one; nothing unless both said something.

    A birthday is one thing: calendar, month and day.
    """
    rows = {row.member_id: row for row in Person.objects.filter(member__in=[one.pk, other.pk])}
    if len(rows) < 2:
        return {}, {}
    return facts_of_sheet(rows[one.pk]), facts_of_sheet(rows[other.pk])


def facts_of_sheet(person: Person) -> dict[str, Any]:
    """As plain values."""
    facts: dict[str, Any] = {f"{OF_PERSON}{name}": getattr(person, name) for name in SHEET}
    said = [getattr(person, name) for name in BIRTHDAY]
    return facts | {f"{OF_PERSON}birthday": said if person.calendar else None}


def put_sheet(person: Person, facts: Mapping[str, Any]) -> None:
    """Set these values and keep them."""
    for name, value in facts.items():
        if name == f"{OF_PERSON}birthday":
            person.calendar, person.birth_month, person.birth_day = value or ("", None, None)
        else:
            setattr(person, name.removeprefix(OF_PERSON), value)
    person.save()


def join_sheets(*, survivor: Member, duplicate: Member, choices: Mapping[str, str]) -> dict[str, Any]:
    """Write the chosen values on the survivor's sheet; what `part_sheets` needs. The other's stays as it is.

    The caller has locked both. Raises BadChoice.
    """
    before, theirs = sheets_of(survivor, duplicate)
    made = chosen(before, theirs, choices)
    if made:
        put_sheet(Person.objects.get(member=survivor), made)
    return {"before": before, "made": made}


def part_sheets(*, survivor: Member, kept: Mapping[str, Any]) -> None:
    """Undo `join_sheets`; a value that was changed since stays changed. The caller has locked the members."""
    person = Person.objects.filter(member=survivor).first()
    if person is None:
        return
    now = facts_of_sheet(person)
    put_sheet(person, {name: kept["before"][name] for name, value in kept["made"].items() if now[name] == value})
