"""What the counter and the timeline show of treats, and why points came."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty.ledger.rules import REASONS
from loyalty.treats.actions import waiting_for
from loyalty.treats.models import Treat
from loyalty.treats.rules import State
from members.counter.rules import Cue
from members.counter.rules import register as register_cue
from members.kit.names import named
from members.kit.windows import shops_day
from members.profiles.models import Member
from members.timeline.rules import Shown, Source, register

SHOWN = 3
TONES = {State.HANDED: "good", State.POINTS: "good", State.LAPSED: "warn", State.WAITING: ""}


def waits(member: Member, now: datetime) -> Iterator[Cue]:
    """What waits to be handed over; on its last day that matters more."""
    for treat in waiting_for(member, now)[:SHOWN]:
        assert treat.last_on
        facts = {"treat": treat.title, "day": date_format(treat.last_on, "MONTH_DAY_FORMAT")}
        words = _("Waits until %(day)s: %(treat)s") % facts
        say = _("Something waits for you: %(treat)s. Would you like it now?") % facts
        is_last = treat.last_on == shops_day(now)
        url = reverse("admin:loyalty_treat_change", args=[treat.pk])
        yield Cue(78 if is_last else 72, words, say, "warn" if is_last else "good", "redeem", url)


def show_treats(rows: Sequence[Treat], member: Member) -> Iterable[Shown]:
    """Treats as lines of a member's time, with what has become of them."""
    today = shops_day(timezone.now())
    for treat in rows:
        state = treat.state(today)
        facts = [str(treat.get_kind_display()), named(treat.tier), became(treat, state)]
        url = reverse("admin:loyalty_treat_change", args=[treat.pk])
        amount = "" if treat.points is None else f"+{treat.points:,}"
        yield Shown(treat.title, " · ".join(dict.fromkeys(facts)), url, amount, TONES[state])


def became(treat: Treat, state: State) -> str:
    """What has become of a treat, with its day."""
    if state == State.HANDED and treat.handed_at:
        return _("handed over on %(day)s") % {"day": date_format(timezone.localdate(treat.handed_at))}
    if treat.last_on is None:
        return str(state.label)
    words = _("waits until %(day)s") if state == State.WAITING else _("lapsed after %(day)s")
    return words % {"day": date_format(treat.last_on)}


register_cue("treats", "loyalty.view_treat", waits)
register(
    Source(
        "treat",
        gettext_lazy("Treats"),
        "redeem",
        "loyalty.view_treat",
        lambda member: Treat.objects.of(member).select_related("tier"),
        show_treats,
        at="due_at",
        on_page=False,
    )
)
REASONS["birthday_gift"] = gettext_lazy("birthday gift")
REASONS["joining_gift"] = gettext_lazy("gift set on joining")
REASONS["monthly_gift"] = gettext_lazy("gift set each month")
