"""Members of the demo shop who may stand in its book twice; one pair was told apart already."""

from datetime import datetime, timedelta

from loyalty.duplicates.actions import find_alike, tell_apart
from loyalty.duplicates.models import Likeness
from members.profiles.actions import add_identity
from members.profiles.models import Member
from members.stores.models import Store, User

STRAYS = 6  # members of whom each is somebody else once more


def find_duplicates(*, stores: list[Store], now: datetime) -> None:
    """Some joined a second time with another phone; the old card of one is the other's phone; two are no pair."""
    home = Member.objects.current().filter(home_store=stores[0])
    known = home.exclude(birth_on=None).exclude(name="").order_by("pk")[40 : 40 + STRAYS]
    strays = home.order_by("-pk")[10 : 10 + STRAYS]
    for place, (member, stray) in enumerate(zip(known, strays, strict=False)):
        if place == 0:
            phone = member.identities.get(kind="phone").value
            add_identity(member=stray, kind="card", text=phone.removeprefix("+86").removeprefix("+"))
        name = " ".join(reversed(member.name.split())) if " " in member.name else f"{member.name[:1]} {member.name[1:]}"
        Member.objects.filter(pk=stray.pk).update(name=name, birth_on=member.birth_on)
    find_alike(first=0, last=2**62, now=now - timedelta(hours=6))
    manager = User.objects.get(username="manager")
    apart = Likeness.objects.current().visible_to(manager).undecided().likeliest_first().last()
    if apart is not None:
        tell_apart(likeness=apart, by=manager, now=now - timedelta(hours=2))
