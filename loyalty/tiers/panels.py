"""What a dashboard shows of tiers."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Count
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty.tiers.models import Ladder, Need, Standing, Tier, TierChange
from members.kit.charts import Chart, Scope, Series, remembered
from members.kit.names import named
from members.profiles.models import Member
from members.segments.models import Segment
from members.segments.panels import Use, register_use
from members.timeline.rules import Shown, Source, register
from members.webhooks.rules import Happening
from members.webhooks.rules import register as register_happening


def tier_mix(scope: Scope, now: datetime, members: int) -> Chart | None:
    """How many of the members stand on each tier of the shop's ladder; None before there is one."""
    ladder = Ladder.objects.main_first().first()
    tiers = list(ladder.tiers.order_by("threshold")) if ladder else []
    if not tiers:
        return None
    counts = remembered(f"panel:tiers:{scope.key}", lambda: standing_on(tiers, scope))
    placed = sum(counts.values())
    if tiers[0].threshold == 0:  # who has no standing yet stands on the lowest
        counts = {**counts, tiers[0].pk: counts.get(tiers[0].pk, 0) + max(members - placed, 0)}
    values = [counts.get(tier.pk, 0) for tier in tiers]
    whole = sum(values) or 1
    return Chart(
        code="tiers",
        title=_("Members by tier"),
        labels=[named(tier) for tier in tiers],
        series=[
            Series(
                _("members"),
                values,
                [tier.colour for tier in tiers],
                words=[f"{value:,} ({value * 100 / whole:.1f}%)" for value in values],
            )
        ],
        size=sum(values),
        counted=_("members"),
        as_of=now,
        first=_("tier"),
        lies=True,
    )


def standing_on(tiers: list[Tier], scope: Scope) -> dict[int, int]:
    """How many standings each tier has."""
    standings = Standing.objects.filter(**scope.within("member__home_store"), tier__in=tiers)
    return dict(standings.order_by().values_list("tier").annotate(count=Count("pk")))


def show_changes(rows: Sequence[TierChange], member: Member) -> Iterable[Shown]:
    """Tier changes as lines of a member's time."""
    for change in rows:
        before, after = (named(tier) if tier else "—" for tier in (change.before, change.after))
        words = _("%(tier)s, for another term") % {"tier": after} if before == after else f"{before} → {after}"
        more = " · ".join(filter(None, [named(change.ladder), change.get_reason_display(), change.note]))
        rises = change.after is not None and (change.before is None or change.after.threshold > change.before.threshold)
        yield Shown(words, more, tone="good" if rises else "warn" if before != after else "")


register(
    Source(
        "tier",
        gettext_lazy("Tiers"),
        "stairs",
        "loyalty.view_tierchange",
        lambda member: TierChange.objects.filter(member=member).select_related("before", "after", "ladder"),
        show_changes,
    )
)


def tiers_asking(segment: Segment) -> Iterable[Use]:
    """Tiers that ask for a segment."""
    for need in Need.objects.filter(segment=segment).select_related("tier").order_by("pk"):
        yield Use(_("Tier"), named(need.tier), reverse("admin:loyalty_tier_change", args=[need.tier_id]))


register_use(tiers_asking)


register_happening(
    Happening(
        "tier.changed",
        gettext_lazy("a tier changed"),
        "loyalty_tierchange",
        """SELECT c.member_id AS member, c.id, jsonb_build_object('change', c.id, 'ladder', l.code, 'before', b.code,
                  'after', t.code, 'reason', c.reason, 'until', c.until) AS facts, c.happened_at, c.created_at
             FROM loyalty_tierchange c JOIN loyalty_ladder l ON l.id = c.ladder_id
             LEFT JOIN loyalty_tier b ON b.id = c.before_id LEFT JOIN loyalty_tier t ON t.id = c.after_id
            WHERE c.id > %(first)s AND c.id <= %(last)s""",
    )
)
