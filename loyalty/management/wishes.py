"""What members of the demo shop allow and wish, who looked at whom, and who wants to leave."""

import random
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import cycle

from django.utils import timezone

from members.consents.actions import Said, say
from members.consents.models import Purpose
from members.contact.actions import prefer
from members.kit.refusals import Refusal
from members.messaging.actions import queue_messages
from members.messaging.models import Message, Template
from members.messaging.sql import Row
from members.preferences.actions import answer
from members.privacy.actions import ask_erasure, look_at, restrict, retain
from members.profiles.actions import verify_identity
from members.profiles.models import Member
from members.stores.models import Store, User

ANSWERED = 320  # members who were asked so far
NEWS = [
    ("zh-hans", "今年的桂花乌龙到店了", "{{ name }}，今年的桂花乌龙已到店，欢迎来尝。"),
    (
        "en",
        "This year's osmanthus oolong is here",
        "{{ name }}, this year's osmanthus oolong is in. Come and taste it.",
    ),
]


def tell_of_wishes(*, stores: list[Store], now: datetime) -> None:
    """Some said yes at the counter, some in the portal, some said no; news went out to those who wanted it."""
    chance = random.Random(22)  # noqa: S311 a believable shop, not a secret
    members = list(Member.objects.current().order_by("pk").prefetch_related("identities")[:ANSWERED])
    clerk = User.objects.get(username="clerk")
    for place, member in enumerate(members):
        at = now - timedelta(days=chance.randrange(5, 300), hours=chance.randrange(8))
        ask(member, place, clerk=clerk, store=stores[0], chance=chance, at=at)
    write_news(members, now)
    look_around(members, now)


def ask(member: Member, place: int, *, clerk: User, store: Store, chance: random.Random, at: datetime) -> None:
    """What one member said, at the counter or in the portal, and what they wish."""
    proved = member.identities.filter(kind="email").first()
    if proved is not None and place % 3:
        verify_identity(member=member, kind="email", value=proved.value, now=at)
    said = Said(source="staff", by=clerk, store=store, proof=f"签字单 {2000 + place}")
    if place % 4 == 0:
        said = Said(source="portal", language=member.language, trace="127.0.0.1")
    channels = ["inbox", "sms", "email"][: chance.randrange(1, 4)]
    purposes = [
        Purpose.MARKETING,
        *([Purpose.CARE] if place % 2 else []),
        *([Purpose.SURVEY] if place % 5 == 0 else []),
    ]
    wanted = {(str(purpose), channel): place % 6 != 5 for purpose in purposes for channel in channels}
    with suppress(Refusal):
        answer(member=member, wanted=wanted, said=said, key="demo", now=at)
    if place % 9 == 0:
        own = Said(source="portal", language=member.language, trace="127.0.0.1")
        say(member=member, purpose="profiling", channel="", is_given=False, said=own, key="demo:plain", now=at)
    if place % 7 == 0:
        pause = timezone.localdate(at + timedelta(days=20)) if place % 14 == 0 else None
        prefer(member=member, now=at, most_a_month=chance.choice([1, 2, 4]), unwanted=["events"], paused_until=pause)


def write_news(members: list[Member], now: datetime) -> None:
    """News to everybody: to those who want it, and a reason beside each of the others."""
    for language, subject, body in NEWS:
        Template.objects.get_or_create(
            code="news", language=language, version=1, defaults={"subject": subject, "body": body}
        )
    at = (now - timedelta(days=2)).replace(hour=3)  # before noon in China
    rows: list[Row] = [(member.pk, "demo:news", {}) for member in members]
    queue_messages(rows=rows, template="news", now=at, channels=("inbox", "email"), purpose="marketing", topic="new")
    Message.objects.filter(key="demo:news", status="queued").update(status="sent", sent_at=at, reason="")


def look_around(members: list[Member], now: datetime) -> None:
    """Staff looked at contacts, one member wants to leave, one to be left alone; the night proposes some."""
    lookers = cycle(User.objects.filter(username__in=["service", "manager"]).order_by("pk"))
    reasons = cycle(["回访会员", "订单或退货事宜", "处理投诉", "核对或更正联系方式"])
    for place, member in enumerate(members[:24]):
        look_at(member=member, by=next(lookers), why=next(reasons), now=now - timedelta(days=place, hours=place % 7))
    with suppress(Refusal):
        ask_erasure(member=members[30], now=now - timedelta(days=2))
    restrict(member=members[31], by=None, now=now - timedelta(days=9))
    retain(code="inactive", first=0, last=2**62, now=now)
