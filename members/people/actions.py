"""Verbs: write down what a member says of themselves; and reads: when their birthday is kept."""

from datetime import date, datetime
from typing import TypedDict, Unpack

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
from members.profiles.rules import clean_name

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
