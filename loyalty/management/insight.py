"""What the demo shop knows of its members: a night of scores at each month's end of a year, last night's, and goals."""

from datetime import datetime, timedelta

from members.goals.actions import keep_goal
from members.goals.models import Goal
from members.kit.windows import months_after, shops_day, start_of_day
from members.portraits.actions import count_pairs
from members.scores.actions import score_everybody
from members.stores.models import Store, User

MONTHS = 12


def look_into_members(*, stores: list[Store], now: datetime) -> None:
    """Score everybody as each month's last night would have, then as the last night does; count pairs; set goals."""
    tonight = start_of_day(now)
    this_month = tonight.replace(day=1)
    for back in range(MONTHS - 1, 0, -1):
        score_everybody(as_of=months_after(this_month, 1 - back) - timedelta(days=1))
    for days in (21, 14, 7):
        if (at := tonight - timedelta(days=days)) >= this_month:
            score_everybody(as_of=at)
    score_everybody(as_of=tonight)
    count_pairs(as_of=tonight)
    set_goals(stores, now)


def set_goals(stores: list[Store], now: datetime) -> None:
    """A goal of each kind, some of all stores and some of one; some are reached and some are behind."""
    today = shops_day(now)
    people = {user.username: user for user in User.objects.filter(is_staff=True)}
    year = {"starts_on": today - timedelta(days=120), "ends_on": today + timedelta(days=60)}
    goals = [
        ("会员满 2,500 人", "members", None, 2_500, "marketer", year),
        ("复购率达到 85%", "repurchase", None, 85, "marketer", year),
        ("弄堂店活跃率达到 60%", "active", stores[0], 60, "manager", year),
        ("弄堂店留存率达到 80%", "retention", stores[0], 80, "manager",
         {"starts_on": today - timedelta(days=60), "ends_on": today + timedelta(days=30)}),
    ]  # fmt: skip
    for name, kind, store, target, owner, period in goals:
        keep_goal(goal=Goal(name=name, kind=kind, store=store, target=target, owner=people[owner], **period))
