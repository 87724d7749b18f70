"""Verbs: compute how whole profiles are, confirm one, remind; and reads: what is missing and old."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from members.completeness import sql
from members.completeness.models import Fullness, FullnessRule
from members.completeness.rules import CUSTOM, PARTS
from members.kit.names import named
from members.messaging.actions import queue_messages
from members.profiles.actions import check_current
from members.profiles.models import CustomField, Member

LOOKED_BACK = timedelta(minutes=10)  # the clock of a minute may have been late
MOST_CHANGED = 5_000
REMINDER = "profile_reminder"


@dataclass(frozen=True, slots=True)
class Named:
    """A part in words, and the page of the members where it is filled in."""

    title: str
    page: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How whole a profile is, what is missing, what is old; the weightiest first."""

    percent: int
    missing: list[Named]
    stale: list[Named]

    @property
    def is_fine(self) -> bool:
        return not self.missing and not self.stale


def standing_of(member: Member, now: datetime) -> Standing:
    """How a profile stands at this very moment; nothing is written."""
    found = sql.state_of(members=[member.pk], now=now)
    if not found:
        return Standing(100, [], [])
    _pk, percent, stale, missing = found[0]
    names = names_of([*stale, *missing])
    return Standing(percent, [names[code] for code in missing], [names[code] for code in stale])


def asks_for(member: Member, now: datetime) -> Standing | None:
    """What the member's home says of the profile: nothing, and not even a question, of one that was whole and fresh.

    Of somebody who has just joined nothing is known yet, and nothing is asked. `member` comes with its fullness.
    """
    known = getattr(member, "fullness", None)
    if known is None or (known.percent == 100 and not known.stale):
        return None
    standing = standing_of(member, now)
    return None if standing.is_fine else standing


def names_of(codes: Sequence[str]) -> dict[str, Named]:
    """Parts in words by their codes. A further field that members do not fill in is filled in in a store."""
    further = {CUSTOM + each.code: each for each in CustomField.objects.in_use()} if set(codes) - set(PARTS) else {}
    found = {code: Named(str(PARTS[code].title), PARTS[code].page) for code in codes if code in PARTS}
    return found | {
        code: Named(named(field), "me" if field.is_asked else "") for code, field in further.items() if code in codes
    }


def compute_range(*, first: int, last: int, now: datetime) -> int:
    """Write down how the profiles of an id range stand; how many changed. Set-based."""
    return sql.write_range(first=first, last=last, now=now)


def compute_changed(*, now: datetime) -> int:
    """The same for those whose profiles changed within the last minutes, by whatever door. Safe to run at any time."""
    members = sql.changed_since(now - LOOKED_BACK, MOST_CHANGED)
    return sql.write_some(members=members, now=now) if members else 0


@transaction.atomic
def confirm(*, member: Member, now: datetime) -> Fullness:
    """The member says that all of it is still right: nothing is old from now on. Raises MemberMerged."""
    fresh = check_current(member)
    values: dict[str, Any] = {"confirmed_at": now, "computed_at": now, "stale": []}
    found, _made = Fullness.objects.update_or_create(member=fresh, defaults=values)
    sql.write_some(members=[fresh.pk], now=now)
    found.refresh_from_db()
    return found


@transaction.atomic
def remind_range(*, first: int, last: int, now: datetime) -> int:
    """Remind those of a range of what is missing or old, each at most every so many months; how many.

    Consent, quiet hours and the number of messages are asked as for everything that is no service.
    """
    rule = FullnessRule.objects.filter(pk=1, is_on=True).first()
    if rule is None:
        return 0
    wanted = sql.to_remind(first=first, last=last, months=rule.months, now=now)
    rows = [(member, f"profile:{now:%Y-%m-%d}", {"percent": percent}) for member, percent in wanted]
    queue_messages(rows=rows, template=REMINDER, now=now, channels=("inbox", "email"), purpose="care")
    return len(rows)
