"""What members did beside buying, as lines of a member's time."""

from collections.abc import Iterable, Sequence

from django.db.models import QuerySet, Sum
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from loyalty.earning.models import Event
from loyalty.rulebook.rules import words_of_trigger
from members.kit.names import named
from members.profiles.models import Member
from members.timeline.rules import Shown, Source, register


def events_of(member: Member) -> QuerySet[Event]:
    """The member's events with what they earned."""
    return Event.objects.filter(member=member).select_related("store").annotate(earned=Sum("awards__points"))


def show_events(rows: Sequence[Event], member: Member) -> Iterable[Shown]:
    """Events with the points that they earned."""
    for event in rows:
        earned = event.earned or 0  # type: ignore[attr-defined]
        url = reverse("admin:loyalty_event_change", args=[event.pk])
        more = named(event.store) if event.store else ""
        yield Shown(words_of_trigger(event.code), more, url, f"+{earned:,}" if earned else "")


register(
    Source(
        "event",
        _("Events"),
        "celebration",
        "loyalty.view_event",
        lambda member: (
            Event.objects.filter(member=member).select_related("store").annotate(earned=Sum("awards__points"))
        ),
        show_events,
        on_page=False,
    )
)
