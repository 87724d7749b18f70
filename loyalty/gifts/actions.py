"""Verbs: look at a gift before it is made, and make it.

Locks: the giver, so that the day's sum is right, then both accounts in primary-key order.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Sum

from loyalty.gifts.models import LONGEST_NOTE, Gift, GiftRule
from loyalty.gifts.rules import (
    GiftKeyReused,
    GiftsOff,
    GiftTooEarly,
    GiftToOneself,
    Terms,
    TooManyGiftTries,
    check_gift,
)
from loyalty.ledger.actions import settle_member, transfer
from loyalty.ledger.models import Account, PointKind
from loyalty.ledger.rules import NotEnoughPoints, check_points
from members.kit.rates import count
from members.kit.windows import days_after, start_of_day
from members.messaging.actions import queue_messages
from members.profiles.actions import MemberMerged, find_member, guess_kind
from members.profiles.models import Member
from members.profiles.rules import mask_name

TRIES_AN_HOUR = 20


def kinds_given() -> list[PointKind]:
    """The kinds of points that may be given, with their rules."""
    return list(PointKind.objects.filter(gift_rule__is_on=True).select_related("gift_rule").order_by("pk"))


def find_receiver(*, giver: Member, text: str) -> Member:
    """Whom a member means by a phone or number. Raises UnknownMember, TooManyGiftTries, or what the text refuses."""
    if count(what="gifts", who=str(giver.pk), seconds=3600) > TRIES_AN_HOUR:
        raise TooManyGiftTries
    return find_member(kind=guess_kind(text), value=text)


def check_gift_now(*, giver: Member, receiver: Member, kind: PointKind, points: int, now: datetime) -> None:
    """Raises what `give` would raise at this moment; writes nothing."""
    check_points(points)
    if giver.pk == receiver.pk:
        raise GiftToOneself
    rule = GiftRule.objects.filter(kind=kind, is_on=True).first()
    if rule is None:
        raise GiftsOff
    if days_after(giver.enrolled_at, rule.enrolled_days) > now:
        raise GiftTooEarly(days=rule.enrolled_days)
    given = Gift.objects.by(giver).filter(kind=kind)
    today, month = start_of_day(now), start_of_day(now).replace(day=1)
    check_gift(
        Terms(rule.least, rule.most, rule.most_a_day, rule.most_a_month),
        points=points,
        today=given.since(today).aggregate(sum=Sum("points"))["sum"] or 0,
        this_month=given.since(month).aggregate(sum=Sum("points"))["sum"] or 0,
    )
    settle_member(member=giver, now=now)
    account = Account.objects.of(giver).filter(kind=kind).first()
    active = account.active if account else 0
    if active < points:
        raise NotEnoughPoints(asked=points, active=active)


@transaction.atomic
def give(
    *, giver: Member, receiver: Member, kind: PointKind, points: int, key: str, now: datetime, note: str = ""
) -> Gift:
    """Give points to another member; every lot keeps its expiry, and both are told.

    The same key and content is the same gift. Raises GiftsOff, GiftToOneself, GiftTooSmall, GiftTooLarge, GiftDayFull,
    GiftMonthFull, GiftTooEarly, GiftKeyReused, NotEnoughPoints, MemberMerged; then nothing was changed.
    """
    fresh = Member.objects.select_for_update(no_key=True).get(pk=giver.pk)
    known = Gift.objects.by(fresh).filter(key=key).first()
    if known is not None:
        if (known.receiver, known.kind_id, known.points) != (receiver.pk, kind.pk, points):
            raise GiftKeyReused
        return known
    if fresh.merged_into is not None:
        raise MemberMerged
    check_gift_now(giver=fresh, receiver=receiver, kind=kind, points=points, now=now)
    gift = Gift.objects.create(
        member=fresh,
        receiver=receiver.pk,
        receiver_number=receiver.number,
        kind=kind,
        points=points,
        note=" ".join(note.split())[:LONGEST_NOTE],
        key=key,
        given_at=now,
    )
    transfer(giver=fresh, receiver=receiver, kind=kind, points=points, key=f"gift:{gift.pk}", now=now)
    tell(gift, giver=fresh, receiver=receiver)
    return gift


def tell(gift: Gift, *, giver: Member, receiver: Member) -> None:
    """Tell both; each reads the other's name as the shop shows it to strangers."""
    said = {"points": gift.points, "note": gift.note, "kind_zh": gift.kind.name_zh, "kind_en": gift.kind.name_en}
    for member, other, template in ((giver, receiver, "gift_given"), (receiver, giver, "gift_received")):
        row = (member.pk, f"gift:{gift.pk}", said | {"other": mask_name(other.name) or other.number[-4:]})
        queue_messages(rows=[row], template=template, now=gift.given_at)
