"""The member's statement, like a bank's: what there was, what moved and why, what there is."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from loyalty.ledger.actions import lived_by, settle_member
from loyalty.ledger.models import Account, Bucket, Lot, Movement, MovementQuerySet, PointKind
from loyalty.ledger.rules import WHEN_TOLD, said_reason
from members.kit.windows import days_after, months_after, start_of_day
from members.profiles.models import Member
from members.profiles.views import member_of
from members.purchases.models import Sale

ROWS_A_PAGE = 50
MONTHS_SHOWN = 36
SOON = 60  # days
LOT_EVENTS = {"activate", "expire"}

WORDS = {
    Movement.Kind.EARN: _("Points earned"),
    Movement.Kind.ACTIVATE: _("Now ready to spend"),
    Movement.Kind.HOLD: _("Held for a basket"),
    Movement.Kind.RELEASE: _("Set free again"),
    Movement.Kind.SPEND: _("Points spent"),
    Movement.Kind.EXPIRE: _("Lapsed"),
    Movement.Kind.CLAW_BACK: _("Taken back after a return"),
    Movement.Kind.RESTORE: _("Given back after a return"),
    Movement.Kind.TRANSFER: _("Transferred"),
    Movement.Kind.ADJUST: _("Corrected by the shop"),
    Movement.Kind.IMPORT: _("Brought over"),
    Movement.Kind.WRITE_OFF: _("Forgiven by the shop"),
}
ASIDE = {
    Bucket.PENDING: pgettext_lazy("points", "on the way"),
    Bucket.HELD: pgettext_lazy("points", "set aside"),
    Bucket.PROGRAMME: pgettext_lazy("points", "gone"),
}


@dataclass(frozen=True)
class Entry:
    """A movement in words. `change` is what it did to the points that can be spent."""

    words: str
    note: str
    sale: Sale | None
    event: int  # its id, or 0
    is_earned: bool
    former: str  # the number under which the member lived it, before a merge
    happened_at: datetime
    change: int
    points: int
    aside: str


def change_of(movement: Movement) -> int:
    """What the movement did to the active points."""
    if movement.target == Bucket.ACTIVE:
        return movement.points
    return -movement.points if movement.source == Bucket.ACTIVE else 0


def entries_of(movements: Iterable[Movement], member: Member) -> list[Entry]:
    """The member's movements with their reasons in plain words, and the sale that caused them."""
    movements = list(movements)
    sales = sales_behind(movements, member)
    others = {movement.member_id for movement in movements} - {member.pk}
    former = dict(Member.objects.filter(pk__in=others).values_list("pk", "number")) if others else {}
    return [
        Entry(
            words=str(WORDS[Movement.Kind(movement.kind)]),
            note=movement.reason if movement.kind == Movement.Kind.ADJUST else said_reason(movement.reason),
            sale=sales.get(movement.pk),
            event=named(movement.key, {"event"}),
            is_earned=movement.kind == Movement.Kind.EARN,
            former=former.get(movement.member_id, ""),
            happened_at=movement.happened_at,
            change=change_of(movement),
            points=movement.points,
            aside=str(ASIDE[Bucket(movement.target)]) if movement.target in ASIDE else "",
        )
        for movement in movements
    ]


def sales_behind(movements: list[Movement], member: Member) -> dict[int, Sale]:
    """The sale behind each movement that has one: named by its key (sale:1042:3), or by that of its lot (expire:7)."""
    members = {member.pk} | {movement.member_id for movement in movements}
    lots = {named(movement.key, LOT_EVENTS) for movement in movements}
    origins = dict(Lot.objects.filter(pk__in=lots, member__in=members).values_list("pk", "origin__key"))
    numbers = {
        movement.pk: named(origins.get(named(movement.key, LOT_EVENTS), movement.key), {"sale"})
        for movement in movements
    }
    sales = Sale.objects.filter(pk__in=numbers.values(), member__in=members).select_related("store").in_bulk()
    return {pk: sales[number] for pk, number in numbers.items() if number in sales}


def named(key: str, things: set[str]) -> int:
    """The id in a key such as sale:1042:3 if it names one of these things, else 0."""
    thing, _colon, rest = key.partition(":")
    number = rest.partition(":")[0]
    return int(number) if thing in things and number.isdecimal() and len(number) < 19 else 0


@dataclass(frozen=True)
class Holding:
    """What a member holds of one kind."""

    kind: PointKind
    active: int
    pending: int
    held: int
    activates_at: datetime | None
    expiring: int
    expires_at: datetime | None


def holdings_of(member: Member, now: datetime) -> list[Holding]:
    """Every spendable kind, also those of which the member has nothing yet; settled, however late the night is."""
    accounts = {account.kind_id: account for account in settle_member(member=member, now=now)}
    return [
        holding(kind, accounts.get(kind.pk), now) for kind in PointKind.objects.filter(is_spendable=True).order_by("pk")
    ]


def holding(kind: PointKind, account: Account | None, now: datetime) -> Holding:
    """The account's buckets, what comes next, and what lapses soonest."""
    if account is None:
        return Holding(kind, 0, 0, 0, None, 0, None)
    lots = list(account.lots.open())
    dying = [lot for lot in lots if lot.is_active and soon(lot, now)]
    first = min((lot.expires_at for lot in dying if lot.expires_at), default=None)
    return Holding(
        kind=kind,
        active=account.active,
        pending=account.pending,
        held=account.held,
        activates_at=min((lot.activates_at for lot in lots if waits_for_a_day(lot)), default=None),
        expiring=sum(lot.remaining for lot in dying if same_day(lot.expires_at, first)),
        expires_at=first,
    )


def waits_for_a_day(lot: Lot) -> bool:
    """Whether the lot becomes active on a day that is known, not when something happens."""
    return not lot.is_active and lot.activates_at < WHEN_TOLD


def soon(lot: Lot, now: datetime) -> bool:
    """Whether the lot lapses so soon that the member should know today."""
    return lot.expires_at is not None and lot.expires_at <= days_after(now, SOON)


def same_day(one: datetime | None, other: datetime | None) -> bool:
    """Whether both lie on the same of the shop's days."""
    return one is not None and other is not None and start_of_day(one) == start_of_day(other)


def latest_of(member: Member, number: int) -> list[Entry]:
    """The latest movements of points that can be spent."""
    movements = lived_by(member).filter(account__kind__is_spendable=True, points__gt=0)
    return entries_of(movements.newest_first()[:number], member)


@dataclass(frozen=True)
class Sheet:
    """A month of one kind: opening plus change is closing, and the rows sum up to the change."""

    opening: int
    change: int
    closing: int


def sheet_of(movements: MovementQuerySet, start: datetime, end: datetime) -> Sheet:
    """The active points before the first moment of the month, and before the last."""
    opening = movements.until(start).balances().active
    closing = movements.until(end).balances().active
    return Sheet(opening, closing - opening, closing)


@login_required
@never_cache
@require_safe
def statement(request: HttpRequest) -> HttpResponse:
    """One month of one kind of points."""
    member = member_of(request)
    settle_member(member=member, now=timezone.now())
    today = timezone.localdate()
    kinds = list(PointKind.objects.order_by("pk"))
    kind = next((each for each in kinds if each.code == request.GET.get("kind")), kinds[0] if kinds else None)
    months = months_back(member.enrolled_at, today)
    month = next((each for each in months if f"{each:%Y-%m}" == request.GET.get("month")), months[0])
    start = start_of_month(month)
    end = months_after(start, 1)
    movements = Movement.objects.of_family(member).of_kind(kind) if kind else Movement.objects.none()
    lived = lived_by(member).of_kind(kind) if kind else movements
    rows = lived.between(start, end).filter(points__gt=0).newest_first()
    page = Paginator(rows, ROWS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "member": member,
        "kinds": kinds,
        "kind": kind,
        "months": months,
        "month": month,
        "is_running": month == months[0],
        "sheet": sheet_of(movements, start, end),
        "page": page,
        "days": days_of(entries_of(page, member)),
    }
    is_part = getattr(request, "htmx", False)
    return render(request, "portal/statement.html#sheet" if is_part else "portal/statement.html", context)


def start_of_month(first: date) -> datetime:
    """Midnight at the shop on the first of the month."""
    return timezone.make_aware(datetime(first.year, first.month, 1))


def months_back(enrolled_at: datetime, today: date) -> list[date]:
    """The firsts of this month and those before it, back to the enrolment, at most three years."""
    first = timezone.localdate(enrolled_at)
    count = (today.year - first.year) * 12 + today.month - first.month + 1
    ordinal = today.year * 12 + today.month - 1
    return [
        date((ordinal - back) // 12, (ordinal - back) % 12 + 1, 1) for back in range(max(1, min(count, MONTHS_SHOWN)))
    ]


def days_of(entries: list[Entry]) -> list[dict[str, object]]:
    """Entries, newest first, grouped by the shop's day."""
    days = groupby(entries, key=lambda entry: timezone.localdate(entry.happened_at))
    return [{"day": day, "entries": list(group)} for day, group in days]
