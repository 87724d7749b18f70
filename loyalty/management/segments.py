"""Segments that the demo shop's marketing works with, found night by night for two weeks; a list, an audience."""

from datetime import datetime, timedelta
from typing import Any

from loyalty.imports.sql import look_again
from loyalty.tiers.models import Ladder
from members.kit.windows import start_of_day
from members.profiles.models import Member
from members.segments.actions import change_segment, freeze, make_list, refresh
from members.segments.models import Segment
from members.stores.models import User

NIGHTS = 14
LISTED = 40


def asks(trait: str, how: str, value: Any = None, **narrowed: Any) -> dict[str, Any]:
    """One condition of a tree."""
    said = {"trait": trait, "is": how} | ({} if value is None else {"value": value})
    return said | ({"with": narrowed} if narrowed else {})


def trees(listed: int) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Codes, names and what they say."""
    tier = f"tier.{Ladder.objects.main_first()[0].code}"
    gold = asks(tier, "one_of", ["gold"])
    return [
        ("regulars", "常来的会员", "Regulars", asks("purchases", "at_least", 3, days=60)),
        (
            "quiet",
            "沉睡会员",
            "Quiet for three months",
            {"all": [asks("last_visit", "longer_ago", 90), asks("spend", "more_than", 300_00)]},
        ),
        ("birthdays", "下月生日", "Birthday next month", asks("birthday_month", "one_of", ["next"])),
        (
            "lake-and-lane-gold",
            "弄堂店和湖滨店的金卡茶客",
            "Gold tea drinkers of two stores",
            {
                "all": [
                    gold,
                    asks("home_store", "one_of", ["lane", "lake"]),
                    asks("goods_spend", "at_least", 100_00, category=["茶叶"], days=90),
                ]
            },
        ),
        (
            "tea-once",
            "买过茶未再来",
            "Bought tea, did not come again in 30 days",
            {
                "did": {"deed": "bought_goods", "with": {"category": ["茶叶"]}},
                "but_not": {"deed": "bought"},
                "days": 30,
                "when": "after",
            },
        ),
        (
            "spring-invitation",
            "春茶邀请名单",
            "Invited to the spring tasting",
            {
                "any": [
                    {"all": [{"segment": "regulars"}, {"not": asks("categories", "any_of", ["礼盒"], days=90)}]},
                    {"list": listed},
                    asks("lapsing", "at_least", 300, ahead=30),
                ]
            },
        ),
    ]


def make_segments(*, now: datetime) -> None:
    """What marketing saved two weeks ago, and the nights since then."""
    look_again()  # the planner has not seen what the seed has just written
    by = User.objects.get(username="marketer")
    began = start_of_day(now - timedelta(days=NIGHTS))
    guests = Member.objects.current().filter(home_store__code="lane").order_by("pk").values_list("number", flat=True)
    listed = make_list(name="春茶品鉴嘉宾", texts=list(guests[:LISTED]), by=by)
    for code, name_zh, name_en, tree in trees(listed.pk):
        segment = Segment.objects.create(code=code, name_zh=name_zh, name_en=name_en)
        change_segment(segment=segment, tree=tree, by=by, now=began)
        for night in range(NIGHTS, -1, -1):
            refresh(segment=segment, now=start_of_day(now - timedelta(days=night)))
    spring = Segment.objects.get(code="spring-invitation")
    freeze(segment=spring, name="春茶品鉴会邀请", key="demo", by=by, now=now)
