"""Verbs: report an event and award what it earns; report who joined; let go of points that waited for an event."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from loyalty.conditions.case import Case
from loyalty.deeds.rules import COMPLETION, ENROLMENT, EventReused, Happening, check_happening
from loyalty.earning.actions import News, find_out, judged_by, post_awards, reserve, tell
from loyalty.earning.models import Event
from loyalty.earning.rules import Judged, climbed, terms_of, wanted_by
from loyalty.ledger.actions import activate, cancel_pending
from loyalty.ledger.models import Lot
from loyalty.reckoning.rules import Earned, Rulebook, Verdict, Version, expiry_of, judge_case
from loyalty.rulebook.actions import rulebook
from loyalty.tiers.actions import Rise, lift, lift_aside
from loyalty.tiers.rules import Standing
from members.completeness.models import Fullness
from members.kit.windows import days_after
from members.profiles.models import Member

FAR = datetime(9000, 1, 1, tzinfo=UTC)  # whoever waits for an event becomes active after this
LATE_DAYS = 7  # an enrolment that nobody reported for so long stays unrewarded


@dataclass(frozen=True, slots=True)
class Reported:
    """What an event did: its id, the awards, and the balances of the point kinds that moved."""

    event: int
    is_repeat: bool
    awards: list[Earned]
    balances: dict[str, int]


@transaction.atomic
def report_event(*, member: Member, happening: Happening, now: datetime) -> Reported:
    """Note that a member did something, and award what the rules of that moment give for it, once for each key.

    The one verb by which any room reports an event. Points that waited for this event become active. Raises
    BadEvent, EventInFuture, and EventReused when the key was used for an event of another day.
    """
    check_happening(happening, now=now)
    Member.objects.select_for_update(no_key=True).get(pk=member.pk)
    event, is_new = Event.objects.get_or_create(
        member=member,
        code=happening.code,
        key=happening.key,
        defaults={"happened_at": happening.at, "store": happening.store, "facts": dict(happening.facts)},
    )
    if not is_new:
        if event.happened_at != happening.at:
            raise EventReused(key=happening.key)
        return Reported(event.pk, True, [], {})
    let_go(member=member, code=happening.code, now=now)
    book, standing = judged_by(member=member.pk, at=happening.at)
    verdict = judge_event(book, member=member.pk, happening=happening, standing=standing)
    store = happening.store.pk if happening.store else None
    reserve(verdict.awards, store=store, member=member.pk)
    before, after, total = climbed(book.climb, standing, awards=verdict.awards, amount=0)
    balances = post_awards(member=member.pk, event=event.pk, verdict=verdict, at=happening.at, actor="")
    judged = Judged(verdict.awards, verdict.unfired, before, after, total)
    tell(
        news=[News(member.pk, f"event:{event.pk}", judged, balances.get("points", 0))], now=now, about="event_rewarded"
    )
    if book.climb and judged.is_rise and after:
        lift(rises=[Rise(member.pk, before, after, total, happening.at)], climb=book.climb)
    lift_aside(climbs=book.aside, sales=[(member.pk, happening.at)], now=now, tells=True)
    return Reported(event.pk, False, verdict.awards, balances)


def judge_event(book: Rulebook, *, member: int, happening: Happening, standing: Standing) -> Verdict:
    """Apply the rules about an event."""
    versions = book.in_force(happening.at, happening.code)
    if not versions:
        return Verdict()
    step = book.climb.step(standing.tier_then) if book.climb else None
    wanted = wanted_by(versions)
    about, moments = find_out(members=[member], wanted=wanted, since=happening.at)[member]
    case = Case(
        at=timezone.localtime(happening.at),
        store=happening.store.code if happening.store else "",
        attributes=happening.facts,
        tiers=frozenset([step.code]) if step else frozenset(),
        segments=about.segments_at(happening.at),
        purchase=bisect_right(moments, happening.at),
        birthday=about.birthday,
    )
    return judge_case(versions, case, terms=terms_of(book, step), usage=about.usage)


def report_enrolments(*, now: datetime, most: int = 500) -> int:
    """Report the enrolment of members who joined since a rule about it counts; how many. Safe to run at any time."""
    versions = rulebook().in_force(now, ENROLMENT)
    if not versions:
        return 0
    since = max(min(version.valid_from for version in versions), days_after(now, -LATE_DAYS))
    joined = Member.objects.current().filter(enrolled_at__gte=since, enrolled_at__lte=now)
    told = Event.objects.filter(member=OuterRef("pk"), code=ENROLMENT)
    members = list(joined.exclude(Exists(told)).select_related("home_store").order_by("enrolled_at")[:most])
    for member in members:
        happening = Happening(ENROLMENT, ENROLMENT, member.enrolled_at, member.home_store)
        report_event(member=member, happening=happening, now=now)
    return len(members)


def report_completions(*, now: datetime, most: int = 500) -> int:
    """Report whose profile was complete for the first time since a rule about it counts; how many. Once a member."""
    versions = rulebook().in_force(now, COMPLETION)
    if not versions:
        return 0
    since = max(min(version.valid_from for version in versions), days_after(now, -LATE_DAYS))
    told = Event.objects.filter(member=OuterRef("member"), code=COMPLETION)
    whole = Fullness.objects.filter(completed_at__gte=since, completed_at__lte=now).exclude(Exists(told))
    current = whole.filter(member__in=Member.objects.current()).select_related("member__home_store")
    found = list(current.order_by("completed_at")[:most])
    for each in found:
        assert each.completed_at is not None
        happening = Happening(COMPLETION, COMPLETION, each.completed_at, each.member.home_store)
        report_event(member=each.member, happening=happening, now=now)
    return len(found)


def waiting_lots() -> QuerySet[Lot]:
    """Lots that wait for an event."""
    return Lot.objects.filter(remaining__gt=0, is_active=False, activates_at__gte=FAR).select_related(
        "origin", "account__kind", "member"
    )


def version_of(lot: Lot, book: Rulebook) -> Version | None:
    """The version that gave a lot: its movement's key ends with it."""
    number = lot.origin.key.rpartition(":")[2]
    return next((version for version in book.versions if str(version.id) == number), None)


def let_go(*, member: Member, code: str, now: datetime) -> int:
    """Make active what waited for an event of this code; how many lots."""
    book, freed = rulebook(), 0
    for lot in waiting_lots().filter(member=member).order_by("account_id", "pk"):
        version = version_of(lot, book)
        if version is not None and version.waits_for == code:
            activate(
                earned=lot.origin.key,
                expires_at=None if version.idle_months else expiry_of(version, now),
                member=member,
                kind=lot.account.kind,
                key=f"event:{code}:{lot.pk}",
                now=now,
            )
            freed += 1
    return freed


def sweep_waiting(*, now: datetime, most: int = 500) -> int:
    """Take back points whose event did not come within the rule's days (never, when it says none); how many lots."""
    late = [lot for version in rulebook().versions for lot in overdue(version, now)[:most]]
    for lot in late:
        cancel_pending(
            earned=lot.origin.key, member=lot.member, kind=lot.account.kind, key=f"late:{lot.pk}", now=now,
            reason="event_missing",
        )  # fmt: skip
    return len(late)


def overdue(version: Version, now: datetime) -> QuerySet[Lot]:
    """What a version gave that waits longer for its event than the version lets it."""
    if version.waits != "event" or not version.pending_days:
        return Lot.objects.none()
    given_by = days_after(now, -version.pending_days)
    lots = waiting_lots().filter(origin__key__endswith=f":{version.id}", origin__happened_at__lte=given_by)
    return lots.order_by("pk")
