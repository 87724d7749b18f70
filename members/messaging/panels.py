"""What the shop wrote to members, as lines of a member's time."""

from collections.abc import Iterable, Sequence

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from members.messaging.actions import write_messages
from members.messaging.models import Message
from members.profiles.models import Member
from members.timeline.rules import Shown, Source, register

TONES = {
    Message.Status.FAILED: "bad",
    Message.Status.UNKNOWN: "warn",
    Message.Status.SUPPRESSED: "warn",
}


def show_messages(rows: Sequence[Message], member: Member) -> Iterable[Shown]:
    """Messages by their subject, with the channel and what became of them."""
    for message, words in write_messages(rows):
        more = " · ".join(filter(None, [message.get_channel_display(), message.get_status_display(), message.reason]))
        url = reverse("admin:members_message_change", args=[message.pk])
        yield Shown(
            words[0] if words else message.template, more, url, tone=TONES.get(Message.Status(message.status), "")
        )


register(
    Source(
        "message",
        _("Messages"),
        "outbox",
        "members.view_message",
        lambda member: Message.objects.of(member).select_related("member"),
        show_messages,
        at="due_at",
        on_page=False,
    )
)
