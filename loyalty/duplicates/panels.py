"""Two members side by side, and how many wait to be looked at."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from loyalty.duplicates.models import Likeness
from loyalty.duplicates.rules import STRONG
from loyalty.ledger.models import Account
from members.kit.admin import stores_seen
from members.kit.charts import remembered
from members.kit.names import named
from members.people.actions import person_of
from members.profiles.models import Identity, Member
from members.profiles.rules import mask
from members.purchases.models import Sale

MOST_COUNTED = 100  # in the side bar


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of both in one respect, and whether that is the same."""

    label: Any
    ours: str
    theirs: str

    @property
    def is_same(self) -> bool:
        return self.ours == self.theirs and self.ours != "—"


def compared(one: Member, other: Member) -> list[Row]:
    """Both side by side: who they are, how they are found (masked), since when and how much they come."""
    ours, theirs = facts_of(one), facts_of(other)
    return [Row(label, ours[label] or "—", theirs[label] or "—") for label in ours]


def facts_of(member: Member) -> dict[Any, str]:
    """What staff decide by."""
    person, identities = person_of(member), list(member.identities.all())
    sales = Sale.objects.of(member)
    last = sales.newest_first().first()
    account = Account.objects.of(member).filter(kind__code="points").first()
    found = {
        kind.label: ", ".join(mask(each.kind, each.value) for each in identities if each.kind == kind)
        for kind in Identity.Kind
    }
    said = f"{person.get_calendar_display()} {person.birth_month}-{person.birth_day}" if person.calendar else ""
    return {
        _("Name"): member.name,
        _("birthday"): date_format(member.birth_on) if member.birth_on else "",
        _("birthday kept by"): said,
        _("gender"): str(person.get_gender_display()) if person.gender else "",
        **found,
        _("home store"): named(member.home_store),
        _("member since"): date_format(localdate(member.enrolled_at)),
        _("sales"): f"{sales.count():,}",
        _("last purchase"): date_format(localdate(last.happened_at)) if last else "",
        _("points"): f"{account.active:,}" if account else "0",
    }


def counts_for(rows: QuerySet[Likeness]) -> dict[str, int]:
    """How many wait, how many of these are nearly certain, and how many were told apart."""
    waits = Q(decided_at=None)
    return rows.order_by().aggregate(
        waiting=Count("pk", filter=waits),
        strong=Count("pk", filter=waits & Q(score__gte=STRONG)),
        apart=Count("pk", filter=~waits),
    )


def open_badge(request: HttpRequest) -> str:
    """How many wait, for the side bar of those who see all stores; nothing when none does."""
    if stores_seen(request) is not None:
        return ""
    waiting = Likeness.objects.current().undecided().values_list("pk", flat=True)[:MOST_COUNTED]
    count = remembered("panel:duplicates", lambda: len(list(waiting)))
    return f"{count}+" if count == MOST_COUNTED else str(count or "")
