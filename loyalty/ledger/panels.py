"""What a dashboard shows of points: issued, spent, and whether the books are right."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.db.models import Q, Sum
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty.ledger.actions import lived_by
from loyalty.ledger.models import Difference, Movement, PointKind
from loyalty.ledger.rules import said_reason
from members.kit.charts import Chart, Scope, Series, by_day, day_labels, days_until
from members.kit.names import named
from members.profiles.models import Member
from members.timeline.rules import Shown, Source, register
from members.webhooks.rules import Happening
from members.webhooks.rules import register as register_happening

SHOWN_DAYS = 30
ISSUED = (Movement.Kind.EARN, Movement.Kind.IMPORT)


def points_per_day(scope: Scope, now: datetime) -> Chart | None:
    """Points of the first spendable kind, issued and spent on each of the last 30 days; None before there is a kind."""
    kind = PointKind.objects.filter(is_spendable=True).order_by("pk").first()
    if kind is None:
        return None

    def read(start: datetime, end: datetime) -> dict[date, tuple[int, int]]:
        moved = Movement.objects.of_kind(kind).between(start, end).filter(**scope.within("member__home_store"))
        dated = moved.filter(kind__in=[*ISSUED, Movement.Kind.SPEND]).annotate(
            day=TruncDate("happened_at", tzinfo=timezone.get_default_timezone())
        )
        rows = (
            dated.order_by()
            .values("day")
            .annotate(
                issued=Sum("points", filter=Q(kind__in=ISSUED), default=0),
                spent=Sum("points", filter=Q(kind=Movement.Kind.SPEND), default=0),
            )
        )
        return {row["day"]: (int(row["issued"]), int(row["spent"])) for row in rows}

    days = days_until(now)
    found = [each or (0, 0) for each in by_day(f"points-{kind.pk}", scope, days, read)]
    return Chart(
        code="points",
        title=_("%(kind)s issued and spent per day") % {"kind": named(kind)},
        labels=day_labels(days),
        series=[
            Series(_("issued"), [issued for issued, _spent in found], "var(--color-primary-600)"),
            Series(_("spent"), [spent for _issued, spent in found], "var(--color-base-400)"),
        ],
        size=sum(issued + spent for issued, spent in found),
        counted=_("points"),
        as_of=now,
        first=_("day"),
    )


def differences() -> int:
    """How many differences the nightly proofs found and nobody has cleared away; counted to a hundred."""
    return Difference.objects.order_by("-pk")[:100].count()


def show_movements(rows: Sequence[Movement], member: Member) -> Iterable[Shown]:
    """Movements as lines of a member's time."""
    for movement in rows:
        facts = [named(movement.account.kind), said_reason(movement.reason) or movement.reason]
        if movement.member_id != member.pk:
            facts.append(_("as %(number)s, merged") % {"number": movement.member.number})
        url = reverse("admin:loyalty_movement_change", args=[movement.pk])
        amount = f"{movement.signed:+,}".replace("-", "\u2212")
        tone = "good" if movement.kind in ISSUED else ""
        yield Shown(movement.get_kind_display(), " · ".join(filter(None, facts)), url, amount, tone)


register(
    Source(
        "movement",
        gettext_lazy("Points"),
        "swap_vert",
        "loyalty.view_movement",
        lambda member: lived_by(member).select_related("account__kind", "member"),
        show_movements,
    )
)


register_happening(
    Happening(
        "points.moved",
        gettext_lazy("points moved"),
        "loyalty_movement",
        """SELECT m.member_id AS member, m.id, jsonb_build_object('movement', m.id, 'kind', m.kind, 'account', k.code,
                  'from', m.source, 'to', m.target, 'points', m.points, 'cause', m.key, 'pending', m.pending_after,
                  'active', m.active_after, 'held', m.held_after) AS facts, m.happened_at, m.created_at
             FROM loyalty_movement m JOIN loyalty_account a ON a.id = m.account_id
             JOIN loyalty_pointkind k ON k.id = a.kind_id
            WHERE m.id > %(first)s AND m.id <= %(last)s AND m.kind <> 'import' AND m.points > 0
              AND NOT (m.kind = 'transfer' AND (m.asked IS NOT NULL OR starts_with(m.key, 'adopt:')))""",
    )
)
