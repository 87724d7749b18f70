"""What segments may ask of messages: which were sent, which were read, which could not be delivered."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from members.kit.measures import of_count, of_deed, of_last
from members.kit.traits import IN_LAST_DAYS, Asking, Deed, Group, Kind, Parameter, Trait, register, register_deed
from members.messaging.models import Message

MESSAGES = Group("messages", _("Messages"), 80)
CHANNEL = Parameter("channel", _("channel"), lambda: list(Message.Channel.choices))
PURPOSE = Parameter("purpose", _("purpose"), lambda: list(Message.Purpose.choices))
NARROWED = (CHANNEL, PURPOSE)
GONE_OUT = (Message.Status.SENT, Message.Status.DELIVERED)


def messages(said: Mapping[str, Any], _asking: Asking) -> QuerySet[Message]:
    """Messages of these channels and purposes."""
    return Message.objects.filter(**{f"{code}__in": said[code] for code in ("channel", "purpose") if code in said})


def sent(said: Mapping[str, Any], asking: Asking) -> QuerySet[Message]:
    return messages(said, asking).filter(status__in=GONE_OUT)


def read(said: Mapping[str, Any], asking: Asking) -> QuerySet[Message]:
    return messages(said, asking).filter(read_at__isnull=False)


def unread(said: Mapping[str, Any], asking: Asking) -> QuerySet[Message]:
    return sent(said, asking).in_inbox().unread()  # type: ignore[attr-defined, no-any-return]


def failed(said: Mapping[str, Any], asking: Asking) -> QuerySet[Message]:
    return messages(said, asking).filter(status=Message.Status.FAILED)


register(
    Trait(
        "messages_sent",
        MESSAGES,
        _("messages sent"),
        Kind.NUMBER,
        of_count(sent, "due_at"),
        parameters=(IN_LAST_DAYS, *NARROWED),
    ),
    Trait(
        "messages_read",
        MESSAGES,
        _("messages read"),
        Kind.NUMBER,
        of_count(read, "read_at"),
        parameters=(IN_LAST_DAYS, *NARROWED),
    ),
    Trait(
        "messages_unread",
        MESSAGES,
        _("messages not read yet"),
        Kind.NUMBER,
        of_count(unread, "due_at"),
        parameters=(IN_LAST_DAYS, PURPOSE),
    ),
    Trait("last_read", MESSAGES, _("last read a message"), Kind.MOMENT, of_last(read, "read_at"), parameters=NARROWED),
    Trait("last_message", MESSAGES, _("last message"), Kind.MOMENT, of_last(sent, "due_at"), parameters=NARROWED),
    Trait(
        "undelivered",
        MESSAGES,
        _("has a message that could not be delivered"),
        Kind.YES_NO,
        of_deed(failed, "due_at"),
        parameters=(IN_LAST_DAYS, CHANNEL),
    ),
)
register_deed(
    Deed("was_sent", MESSAGES, _("was sent a message"), sent, "due_at", NARROWED),
    Deed("read", MESSAGES, _("read a message"), read, "read_at", NARROWED),
)
