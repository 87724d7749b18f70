"""What the tiers of the demo shop gave in the last weeks: some handed over, some lapsed, some that wait."""

from datetime import datetime, timedelta

from loyalty.benefits.models import Benefit
from loyalty.treats.actions import begin_handing, give_due, hand_over
from loyalty.treats.models import Treat
from members.kit.windows import start_of_day
from members.profiles.actions import find_member
from members.stores.models import User

WAITS = {"birthday": 14, "joining": 30, "monthly": 10}  # days
WEEKS_AGO = timedelta(days=20)


def give_treats(*, now: datetime) -> None:
    """Gifts are handed out for two months; a clerk handed over every second of those that were due weeks ago."""
    for kind, days in WAITS.items():
        Benefit.objects.filter(kind=kind).update(wait_days=days)
    begin_handing(now=now - timedelta(days=60))
    everybody = {"first": 0, "last": 2**62}
    give_due(**everybody, as_of=start_of_day(now - WEEKS_AGO), now=now - WEEKS_AGO)
    clerk = User.objects.get(username="clerk")
    for place, treat in enumerate(Treat.objects.order_by("pk").select_related("member__home_store")):
        if place % 2 == 0:
            hand_over(
                treat=treat.pk, member=treat.member, by=clerk, store=treat.member.home_store,
                now=now - WEEKS_AGO + timedelta(days=place % 9, hours=place % 7),
            )  # fmt: skip
    Benefit.objects.filter(kind="birthday", tier__code="gold").update(points=100, points_days=90)
    give_due(**everybody, as_of=start_of_day(now), now=now)
    first = find_member(kind="email", value="wang.fang@example.com")
    if not Treat.objects.of(first).filter(handed_at=None).exists():  # whose portal visitors look at
        joined_on = start_of_day(now - timedelta(days=3)).date()
        gold = Benefit.objects.select_related("tier").get(kind="joining", tier__code="gold")
        Treat.objects.create(
            member=first, ladder_id=gold.tier.ladder_id, tier=gold.tier, kind="joining", occasion=f"gold:{joined_on}",
            words_zh=gold.words_zh, words_en=gold.words_en, due_at=now - timedelta(days=3),
            last_on=start_of_day(now + timedelta(days=27)).date(),
        )  # fmt: skip
