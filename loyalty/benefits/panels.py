"""What matters at the counter of points and tiers: what lapses, what is owed, how near the next tier is."""

from collections.abc import Iterator
from datetime import datetime

from django.utils.formats import date_format
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from loyalty.benefits.actions import Plan, main_plan_of
from loyalty.ledger.views import holdings_of
from members.counter.rules import Cue, register
from members.kit.names import named
from members.profiles.models import Member

LAPSES_SOON = 30  # days
NEAR = 75  # percent of the way


def points(member: Member, now: datetime) -> Iterator[Cue]:
    """Points that lapse soon, and debt."""
    for holding in holdings_of(member, now):
        kind = named(holding.kind)
        if holding.active < 0:
            words = _("%(points)s %(kind)s of debt after a return; the next purchases repay it")
            yield Cue(65, words % {"points": f"{-holding.active:,}", "kind": kind}, "", "bad", "warning")
        if holding.expires_at is not None and (holding.expires_at - now).days <= LAPSES_SOON:
            facts = {
                "points": f"{holding.expiring:,}",
                "kind": kind,
                "day": date_format(localdate(holding.expires_at), "MONTH_DAY_FORMAT"),
            }
            say = _("%(points)s of your %(kind)s lapse on %(day)s. Would you like to use them today?")
            yield Cue(70, _("%(points)s %(kind)s lapse on %(day)s") % facts, say % facts, "warn", "hourglass_bottom")


def tier(member: Member, now: datetime) -> Iterator[Cue]:
    """A tier that ends soon and is not kept yet, or the next one near."""
    plan = main_plan_of(member, now)
    if plan is None:
        return
    yield from staying(plan)
    if plan.rise and not plan.rise.is_met and plan.rise.nearest.percent >= NEAR:
        facts = {"amount": plan.rise.words, "tier": named(plan.rise.step)}
        words, say = _("%(amount)s to reach %(tier)s"), _("You are close: %(amount)s, and you are %(tier)s.")
        yield Cue(52, words % facts, say % facts, "good", "trending_up")


def staying(plan: Plan) -> Iterator[Cue]:
    """What is missing to keep the tier, when its end is near."""
    if plan.stay is None or plan.stay.is_met or not plan.ends_soon or plan.last_day is None or plan.step is None:
        return
    day = date_format(localdate(plan.last_day), "MONTH_DAY_FORMAT")
    facts = {"amount": plan.stay.words, "tier": named(plan.step), "day": day}
    words = _("%(amount)s by %(day)s to keep %(tier)s")
    say = _("To stay %(tier)s there is %(amount)s to go, by %(day)s.")
    yield Cue(60, words % facts, say % facts, "warn", "trending_down")


register("points", "loyalty.view_movement", points)
register("tier", "loyalty.view_standing", tier)
