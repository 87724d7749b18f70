"""Verbs: choose how often, about what, and until when not."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from members.contact.models import Preference, Topic
from members.contact.rules import LONGEST_PAUSE, MOST_A_MONTH, ZONES, BadPreference
from members.profiles.actions import check_current
from members.profiles.models import Member
from members.profiles.rules import printable


@transaction.atomic
def prefer(*, member: Member, now: datetime, **choices: Any) -> Preference:
    """Keep how often (`most_a_month`), until when not (`paused_until`), about what not (`unwanted`), and the time zone.

    What is left out stays. Raises BadPreference, MemberMerged.
    """
    fresh = check_current(member)
    checked = {name: CHECKS[name](value, now) for name, value in choices.items()}
    return Preference.objects.update_or_create(member=fresh, defaults={**checked, "changed_at": now})[0]


def check_most(value: int | None, now: datetime) -> int | None:
    """So many a month, or as the shop thinks right. Raises BadPreference."""
    if value is not None and not 0 <= value <= MOST_A_MONTH:
        raise BadPreference(what=value)
    return value


def check_pause(value: date | None, now: datetime) -> date | None:
    """A day still to come, within a year; one that has come ends the pause. Raises BadPreference."""
    today = timezone.localdate(now)
    if value is None or value <= today:
        return None
    if (value - today).days > LONGEST_PAUSE:
        raise BadPreference(what=value.isoformat())
    return value


def check_topics(value: Iterable[str], now: datetime) -> list[str]:
    """Codes of topics. Raises BadPreference."""
    asked = set(value)
    unknown = asked - set(Topic.objects.filter(code__in=asked).values_list("code", flat=True))
    if unknown:
        raise BadPreference(what=printable(min(unknown))[:40])
    return sorted(asked)


def check_zone(value: str, now: datetime) -> str:
    """One of those that we offer, or the shop's. Raises BadPreference."""
    if value and value not in ZONES:
        raise BadPreference(what=printable(value)[:40])
    return value


CHECKS: Mapping[str, Callable[[Any, datetime], Any]] = {
    "most_a_month": check_most,
    "paused_until": check_pause,
    "unwanted": check_topics,
    "time_zone": check_zone,
}
