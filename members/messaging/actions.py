"""Verbs: queue messages with the event that causes them, write their words, send what is due."""

import logging
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import get_language
from kombu.exceptions import OperationalError

from members.kit.windows import months_after
from members.messaging import sql
from members.messaging.channels import CHANNELS, Deliver, Letter, TryLater, Undeliverable
from members.messaging.models import Message, MessageQuerySet, Template
from members.messaging.rules import FIRST_WAIT, Unwritable, wait_after, write
from members.profiles.models import Member

logger = logging.getLogger(__name__)

SIGN_IN_CODE = "sign_in_code"
ALWAYS = [SIGN_IN_CODE]  # also to those whose data are not to be used
CONFIRM_ADDRESS = "confirm_address"
SECRET = [SIGN_IN_CODE, CONFIRM_ADDRESS]  # templates whose context is wiped once it is no longer needed
UNSUBSCRIBE = "unsubscribe"
CODE_LIVES = timedelta(minutes=10)
LEASE = timedelta(minutes=10)
A_BATCH = 500
IN_FLIGHT = 4 * A_BATCH  # rows that all workers together may hold; a slow mail server must not take every worker
SEND_MESSAGE = "members.tasks.send_message"

Words = tuple[str, str]  # subject and body
Templates = Mapping[tuple[str, str, int | None], Template]  # by code, language and version


def queue_message(
    *,
    member: Member,
    template: str,
    key: str,
    now: datetime,
    context: Mapping[str, Any],
    channels: Sequence[str] = ("inbox",),
    purpose: str = "service",
    topic: str = "",
) -> int:
    """Write the message with the event that causes it, a row a channel; how many were new.

    In the caller's transaction, service in one statement. The same key again writes nothing, and so does a channel for
    which the member has no address. Inbox messages are there at once, the others are sent when they are due. What is
    no service is held back, with the reason in its row, where consent, a pause, the topic or the number says so.
    """
    return queue_messages(
        rows=[(member.pk, key, context)], template=template, now=now, channels=channels, purpose=purpose, topic=topic
    )


def queue_messages(
    *,
    rows: Sequence[sql.Row],
    template: str,
    now: datetime,
    channels: Sequence[str] = ("inbox",),
    purpose: str = "service",
    topic: str = "",
) -> int:
    """`queue_message` for many: (member id, key, context) each, in one statement; how many were new."""
    if not rows:
        return 0
    with nullcontext() if purpose == "service" else transaction.atomic():  # what counts takes turns until it is over
        return sql.insert_messages(
            rows, template=template, channels=channels, purpose=purpose, topic=topic, terms=terms_at(now), now=now
        )


def terms_at(now: datetime) -> sql.Terms:
    """What decides about messages at this moment."""
    grown_up = timezone.localdate(months_after(now, -12 * settings.CHILD_AGE))
    return sql.Terms(zone=settings.TIME_ZONE, grown_up=grown_up, always=ALWAYS)


def send_sign_in_code(*, member: Member | None, channel: str, address: str, code: str, now: datetime) -> Message:
    """Queue a code to this address and try to send it as soon as the transaction is committed.

    `member` is None for a newcomer. Where there is no broker, the next sweep sends it. The code is wiped from the row
    when it was sent, and is not sent any more when it is too old.
    """
    context = {"code": code, "until": (now + CODE_LIVES).isoformat(), "language": get_language()}
    message = Message.objects.create(
        member=member,
        channel=channel,
        purpose=Message.Purpose.SERVICE,
        template=SIGN_IN_CODE,
        key=f"sign-in:{secrets.token_hex(12)}",
        context=context,
        address=address,
        status=Message.Status.QUEUED,
        due_at=now,
    )
    transaction.on_commit(lambda: ask_to_send(message.pk))
    return message


def ask_to_send(message_id: int) -> None:
    """Tell a worker; without a broker the sweep finds the message."""
    try:
        current_app.send_task(SEND_MESSAGE, args=[message_id], ignore_result=True)
    except OperationalError as error:
        logger.warning("message %s waits for the sweep: %s", message_id, type(error).__name__)


def redirect_messages(*, source: Member, target: Member) -> dict[str, list[int]]:
    """Hand over all messages of one member to another, with those that are still to be sent; which were `moved`.

    What the other is told already by the same key is not sent twice: it is `suppressed`, with the reason "merged".
    """
    twins = Message.objects.filter(member=target, channel=OuterRef("channel"), key=OuterRef("key"))
    told = Message.objects.of(source).filter(Exists(twins))
    waiting = list(told.filter(status=Message.Status.QUEUED).order_by("pk").values_list("pk", flat=True))
    Message.objects.filter(pk__in=waiting).update(status=Message.Status.SUPPRESSED, reason="merged")
    moved = list(Message.objects.of(source).exclude(Exists(twins)).order_by("pk").values_list("pk", flat=True))
    Message.objects.filter(pk__in=moved).update(member=target)
    return {"moved": moved, "suppressed": waiting}


def return_messages(*, source: Member, target: Member, moved: Sequence[int]) -> None:
    """Give messages that were handed over back to whom they were for."""
    Message.objects.filter(pk__in=moved, member=source).update(member=target)


def mark_read(*, messages: MessageQuerySet, now: datetime) -> int:
    """Note when these were first read; how many were new to the reader."""
    return messages.unread().update(read_at=now)


def write_message(message: Message) -> Words:
    """Subject and body in the member's language. Raises Unwritable. For lists there is `write_messages`."""
    return words_of(message, templates_of([message]))


def write_messages(messages: Iterable[Message]) -> Iterator[tuple[Message, Words | None]]:
    """Each message with its words, with one query for the templates; None where they cannot be written."""
    messages = list(messages)
    templates = templates_of(messages)
    for message in messages:
        try:
            yield message, words_of(message, templates)
        except Unwritable as refusal:
            logger.warning("message %s: %s", message.pk, refusal)
            yield message, None


def templates_of(messages: Iterable[Message]) -> Templates:
    """The templates of these messages by code, language and version; the newest also stands under None."""
    templates: dict[tuple[str, str, int | None], Template] = {}
    codes = {message.template for message in messages}
    for template in Template.objects.filter(code__in=codes).order_by("version"):
        templates[template.code, template.language, template.version] = template
        templates[template.code, template.language, None] = template
    return templates


def words_of(message: Message, templates: Templates) -> Words:
    """The message in its own version, or else in the newest; in the member's language, or else in the other one."""
    template = choose(message, templates)
    if template is None:
        raise Unwritable(template=message.template, problem="there is no such template")
    name = message.member.name if message.member else ""
    context = {"shop": settings.SHOP_NAME, "name": name} | message.context
    subject = write(template.subject, context, template=message.template)
    return " ".join(subject.split()), write(template.body, context, template=message.template)


def choose(message: Message, templates: Templates) -> Template | None:
    """The template that this message is written in."""
    ours = message.member.language if message.member else message.context.get("language", "")
    versions = [message.template_version, None]
    for language in [ours, *dict(settings.LANGUAGES)]:
        for version in versions:
            if (message.template, language, version) in templates:
                return templates[message.template, language, version]
    return None


def claim_due(*, now: datetime, limit: int, lease: timedelta, only: int | None = None) -> list[Message]:
    """Take so many due messages, earliest first, that nobody else takes; they are ours until the lease runs out.

    What was allowed when it was queued is asked again, and what may not go out any more is held back.
    """
    while True:
        with transaction.atomic():  # others see what we took and let go of at once
            claimed = sql.claim(now=now, until=now + lease, limit=limit, only=only)
            held = sql.hold_back(claimed, terms=terms_at(now), now=now) if claimed else set()
        ours = [each for each in claimed if each not in held]
        if ours or not claimed:
            return list(Message.objects.filter(pk__in=ours).select_related("member").order_by("due_at", "pk"))


def send_due(*, now: datetime, limit: int = A_BATCH, lease: timedelta = LEASE, only: int | None = None) -> int:
    """Claim due messages and send them; how many were claimed. What became of each stands in its row at once.

    A worker that dies here leaves at most one message of which nobody knows whether it went out.
    """
    if only is None and Message.objects.in_flight(now).count() >= IN_FLIGHT:
        return 0
    messages = claim_due(now=now, limit=limit, lease=lease, only=only)
    templates = templates_of(messages)
    for channel in sorted({message.channel for message in messages}):
        batch = [message for message in messages if message.channel == channel]
        with CHANNELS[channel]() as deliver:
            send_batch(batch, templates=templates, deliver=deliver, now=now)
    return len(messages)


def send_batch(batch: Sequence[Message], *, templates: Templates, deliver: Deliver, now: datetime) -> None:
    """Send one by one; once the channel is down, the rest goes back untried."""
    for position, message in enumerate(batch, start=1):
        if not send_one(message, templates=templates, deliver=deliver, now=now):
            rest = [message.pk for message in batch[position:]]
            Message.objects.held(until=message.leased_until).filter(pk__in=rest).update(
                status=Message.Status.QUEUED, due_at=now + FIRST_WAIT, leased_until=None
            )
            return


def send_one(message: Message, *, templates: Templates, deliver: Deliver, now: datetime) -> bool:
    """Write, hand over, note what came of it. False when the channel takes nothing at all."""
    if is_too_old(message, now):
        return settle(message, status=Message.Status.FAILED, reason="too_late")
    try:
        subject, body = words_of(message, templates)
    except Unwritable as refusal:
        return settle(message, status=Message.Status.FAILED, reason=str(refusal)[:200])
    if not Message.objects.held(until=message.leased_until).filter(pk=message.pk).update(sent_at=now):
        return True  # the lease ran out, and the message is somebody else's
    try:
        deliver(letter_of(message, subject, body))
    except Undeliverable as problem:
        return settle(message, status=Message.Status.FAILED, reason=str(problem)[:200])
    except TryLater as problem:
        put_off(message, reason=str(problem)[:200], now=now)
        return not problem.is_down
    used = choose(message, templates)
    return settle(message, status=Message.Status.SENT, template_version=used and used.version)


def letter_of(message: Message, subject: str, body: str) -> Letter:
    """What the channel carries; all but service tells how to have no more of it."""
    is_service = message.purpose == Message.Purpose.SERVICE
    return Letter(
        message_id=message.pk,
        address=message.address,
        subject=subject,
        body=body,
        unsubscribe="" if is_service else unsubscribe_link(message.pk),
        language=message.member.language if message.member else "",
    )


def unsubscribe_link(message_id: int) -> str:
    """Leads to the page where this kind of message is ended; in it stands nothing but the message's number, signed."""
    token = Signer(salt=UNSUBSCRIBE).sign(str(message_id))
    return f"{settings.SITE_URL}{reverse('unsubscribe', args=[token])}"


def message_behind(token: str) -> Message | None:
    """The message whose link this is, if we signed it."""
    try:
        number = Signer(salt=UNSUBSCRIBE).unsign(token)
    except BadSignature:
        return None
    return Message.objects.select_related("member").filter(pk=int(number), member__isnull=False).first()


def is_too_old(message: Message, now: datetime) -> bool:
    """Whether the words make no sense any more, such as a code that has lapsed."""
    until = parse_datetime(str(message.context.get("until", "")))
    return until is not None and until <= now


def settle(message: Message, *, status: str, reason: str = "", **more: Any) -> bool:
    """Note what became of a message that we hold, also if it was given up for lost meanwhile."""
    if message.template in SECRET:
        more["context"] = {}
    if status == Message.Status.FAILED:
        more["sent_at"] = None
    ours = Message.objects.filter(
        pk=message.pk,
        leased_until=message.leased_until,
        status__in=[Message.Status.SENDING, Message.Status.UNKNOWN],
    )
    ours.update(status=status, reason=reason, leased_until=None, attempts=F("attempts") + 1, **more)
    return True


def put_off(message: Message, *, reason: str, now: datetime) -> None:
    """Queue it again for later, or give up after the last try."""
    wait = wait_after(message.attempts + 1)
    if wait is None:
        settle(message, status=Message.Status.FAILED, reason=reason)
        return
    held = Message.objects.held(until=message.leased_until).filter(pk=message.pk)
    held.update(
        status=Message.Status.QUEUED,
        reason=reason,
        due_at=now + wait,
        sent_at=None,
        leased_until=None,
        attempts=message.attempts + 1,
    )


def settle_lost(*, now: datetime) -> int:
    """Decide messages whose worker is gone: untouched ones are queued again, those begun are `unknown` for a person.

    How many are unknown now.
    """
    statuses = sql.settle_lost(now=now, secret=SECRET)
    return statuses.count(Message.Status.UNKNOWN)
