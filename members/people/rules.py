"""Birthdays by the sun and by the moon, and names in the reader's order: no database, no clock."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from django.utils.translation import gettext_lazy as _
from lunar_python import LunarMonth, Solar

from members.kit.refusals import Malformed

SOLAR = "solar"
LUNAR = "lunar"
LONGEST_PART = 50
LONGEST_TEXT = 100
HAN = re.compile("[\u3400-\u9fff\U00020000-\U0003134f]")


class HalfBirthday(Malformed):
    """A calendar, a month and a day belong together."""

    code = "half_birthday"
    sentence = _("A birthday needs a calendar, a month and a day.")


class NoSuchDay(Malformed):
    """The calendar has no such day, in any year or in that one."""

    code = "no_such_day"
    sentence = _("This calendar has no day %(day)s in month %(month)s.")


class NoSuchMonth(Malformed):
    """That lunar year has no such month, or we cannot reckon it."""

    code = "no_such_month"
    sentence = _("The lunar year %(year)s has no such month.")


class TextTooLong(Malformed):
    """Nobody reads that much."""

    code = "text_too_long"
    sentence = _("Please use at most %(limit)s characters.")


class BadGender(Malformed):
    """Not one of those we know."""

    code = "bad_gender"
    sentence = _("Choose one of the genders, or leave it unsaid.")


def check_day(calendar: str, month: int | None, day: int | None) -> None:
    """A birthday without a year, or none at all. Raises HalfBirthday or NoSuchDay."""
    if not calendar and month is None and day is None:
        return
    if calendar not in (SOLAR, LUNAR) or month is None or day is None:
        raise HalfBirthday
    longest = 30 if calendar == LUNAR else longest_in(month)
    if not (1 <= month <= 12 and 1 <= day <= longest):
        raise NoSuchDay(month=month, day=day)


def longest_in(month: int) -> int:
    """How many days the month has in a leap year of the sun."""
    return (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1] if 1 <= month <= 12 else 0


def days_of(year: int, month: int, *, is_leap: bool = False) -> int:
    """How many days a month of a lunar year has, 29 or 30; 0 when that year has no such month."""
    found = LunarMonth.fromYm(year, -month if is_leap else month)
    return int(found.getDayCount()) if found is not None else 0


def solar_of(year: int, month: int, day: int, *, is_leap: bool = False) -> date:
    """The day of the sun on which a day of a lunar year falls. Raises NoSuchMonth, or NoSuchDay for a missing 30th."""
    longest = days_of(year, month, is_leap=is_leap) if 1850 <= year <= 2150 and 1 <= month <= 12 else 0
    if not longest:
        raise NoSuchMonth(year=year)
    if not 1 <= day <= longest:
        raise NoSuchDay(month=month, day=day)
    return first_of(year, -month if is_leap else month) + timedelta(days=day - 1)


@lru_cache(maxsize=2048)
def first_of(year: int, month: int) -> date:
    """The day of the sun on which a lunar month begins; leap months are negative."""
    found = Solar.fromJulianDay(LunarMonth.fromYm(year, month).getFirstJulianDay())
    return date(found.getYear(), found.getMonth(), found.getDay())


@lru_cache(maxsize=4096)
def kept_in(year: int, month: int, day: int) -> date:
    """When a lunar birthday is kept in a lunar year: in the ordinary month, a missing 30th on the 29th."""
    return solar_of(year, month, min(day, days_of(year, month)))


def next_birthday(calendar: str, month: int, day: int, today: date) -> date:
    """The next day on which a birthday without a year is kept, today included."""
    years = range(today.year - 1, today.year + 2)
    found = (kept_in(year, month, day) if calendar == LUNAR else solar_in(year, month, day) for year in years)
    return min(each for each in found if each >= today)


@dataclass(frozen=True, slots=True)
class Birthday:
    """A birthday without its year, in the calendar by which it is kept."""

    calendar: str
    month: int
    day: int

    def is_in_month_of(self, moment: date) -> bool:
        """Whether it is kept in the month of the sun in which a day lies. Some years of the sun miss a lunar day."""
        if self.calendar != LUNAR:
            return self.month == moment.month
        kept = (kept_in(year, self.month, self.day) for year in (moment.year - 1, moment.year))
        return any((each.year, each.month) == (moment.year, moment.month) for each in kept)


@lru_cache(maxsize=1)
def lunar_months(first: int, last: int) -> tuple[tuple[date, int], ...]:
    """The ordinary months of lunar years, one after the other: the day of the sun on which each begins, its length."""
    return tuple(
        (first_of(year, month), days_of(year, month)) for year in range(first, last + 1) for month in range(1, 13)
    )


def solar_in(year: int, month: int, day: int) -> date:
    """The birthday in a year of the sun; 29 February is kept on the 28th in common years."""
    try:
        return date(year, month, day)
    except ValueError:
        return date(year, month, 28)


@lru_cache(maxsize=2048)
def lunar_birthdays_on(day: date) -> frozenset[int]:
    """Which lunar birthdays, as month * 100 + day, are kept on a day of the sun; none in a leap month."""
    found = Solar.fromYmd(day.year, day.month, day.day).getLunar()
    month, number = found.getMonth(), found.getDay()
    if month < 0:
        return frozenset()
    is_last = number == 29 == days_of(found.getYear(), month)
    return frozenset({month * 100 + number} | ({month * 100 + 30} if is_last else set()))


def lunar_year_of(day: date) -> int:
    """The lunar year in which a day of the sun lies."""
    return int(Solar.fromYmd(day.year, day.month, day.day).getLunar().getYear())


@lru_cache(maxsize=2048)
def solar_birthdays_on(day: date) -> frozenset[int]:
    """Which birthdays by the sun, as month * 100 + day, are kept on a day; the 29 February on the 28th if need be."""
    is_end = (day.month, day.day) == (2, 28) and (day + timedelta(days=1)).day == 1
    return frozenset({day.month * 100 + day.day} | ({229} if is_end else set()))


def name_for(family: str, given: str, language: str) -> str:
    """A name in the reader's order. Chinese names keep theirs, and stand without a space."""
    if HAN.search(family + given):
        return family + given
    parts = (given, family) if language == "en" else (family, given)
    return " ".join(part for part in parts if part)
