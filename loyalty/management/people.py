"""People of the demo shop who came twice, gifts between friends, and families that spend together."""

from contextlib import suppress
from datetime import datetime, timedelta

from django.utils import timezone

from loyalty.gifts.actions import give
from loyalty.gifts.models import GiftRule
from loyalty.households.actions import accept, invite, start_household
from loyalty.ledger.models import Account, PointKind
from loyalty.merging.actions import merge_members
from loyalty.pooling.actions import spend_together
from members.kit.refusals import Refusal
from members.notes.actions import write_note
from members.profiles.models import Member, MemberQuerySet
from members.stores.models import Store, User

TWINS = 4  # pairs of whom one is merged already
GIFTS = 6
FAMILIES = 2


def tell_of_people(*, stores: list[Store], now: datetime) -> None:
    """Some members have enrolled twice, one pair is one again; points may be given, and some were; families spend."""
    kind = PointKind.objects.get(code="points")
    home = Member.objects.current().filter(home_store=stores[0])
    for place, twin in enumerate(home.order_by("-pk")[:TWINS]):
        original = home.filter(accounts__kind=kind, accounts__active__gte=300).order_by("pk")[place + 20]
        Member.objects.filter(pk=twin.pk).update(name=original.name)
        if place == TWINS - 1:
            manager = User.objects.get(username="manager")
            reason = "同一手机号补办新卡" if original.language != "en" else "a second card for the same phone"
            merge_members(
                survivor=original, duplicate=twin, choices={}, by=manager, reason=reason, key="demo",
                now=now - timedelta(days=2),
            )  # fmt: skip
    GiftRule.objects.filter(kind=kind).update(is_on=True)
    exchange_gifts(kind, now)
    gather_families(kind, now)
    write_notes(home, now)


NOTES = (  # words for Chinese and other members, and in how many days it is to be done
    ("喜欢靠窗的座位，常点桂花拿铁，少糖。", "Likes the seat by the window and an osmanthus latte, less sugar.", None),
    ("对花生过敏，推荐点心前请确认。", "Allergic to peanuts: ask before offering cakes.", None),
    ("新一批龙井到货后请告知。", "Wants to hear when the new Longjing is in.", 2),
    (
        "茶壶盖有裂纹，已答应换新，到货后致电。",
        "The lid of the teapot is cracked; we promised a new one and a call.",
        0,
    ),
)


def write_notes(members: MemberQuerySet, now: datetime) -> None:
    """What colleagues should know about regulars, and what was promised them."""
    clerk = User.objects.get(username="clerk")
    for place, member in enumerate(members.order_by("pk")[:12]):
        zh, en, days = NOTES[place % len(NOTES)]
        due_on = None if days is None else timezone.localdate(now) + timedelta(days=days)
        words = en if member.language == "en" else zh
        write_note(member=member, words=words, by=clerk, key="demo-note", now=now, due_on=due_on)


def gather_families(kind: PointKind, now: datetime) -> None:
    """Families of three; in each the youngest has spent more than their own."""
    rich = Account.objects.filter(kind=kind, active__gte=400, held=0, member__merged_into=None).select_related("member")
    members = [account.member for account in rich.order_by("pk")[80 : 80 + 3 * FAMILIES]]
    for place in range(0, len(members) - 2, 3):
        head, *others = members[place : place + 3]
        then = now - timedelta(days=20)
        with suppress(Refusal):
            household = start_household(head=head, now=then)
            for each in others:
                invite(head=head, guest=each, now=then)
                accept(member=each, household=household.pk, now=then)
            own = Account.objects.get(member=others[-1], kind=kind).active
            spend_together(member=others[-1], kind=kind, points=own + 120, key="demo", now=now - timedelta(hours=5))


def exchange_gifts(kind: PointKind, now: datetime) -> None:
    """Friends give each other points, some with a word."""
    rich = Account.objects.filter(kind=kind, active__gte=800, held=0).select_related("member").order_by("pk")
    members = [account.member for account in rich[40 : 40 + 2 * GIFTS]]
    for place in range(0, len(members) - 1, 2):
        giver, receiver = members[place : place + 2]
        note = "" if place % 4 else "请您喝茶"
        with suppress(Refusal):
            give(
                giver=giver, receiver=receiver, kind=kind, points=100 + 10 * place, key="demo",
                now=now - timedelta(hours=place + 1), note=note,
            )  # fmt: skip
