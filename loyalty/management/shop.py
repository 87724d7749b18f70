"""A believable shop for the demo: three tea and bakery stores, members with names, two years of purchases."""

import json
import random
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction

from loyalty.batches.actions import record_sales
from loyalty.benefits.models import Benefit
from loyalty.imports.sql import look_again
from loyalty.judging.actions import judge_range
from loyalty.ledger.actions import redeem, settle_range
from loyalty.ledger.models import Account, PointKind
from loyalty.ledger.rules import NotEnoughPoints
from loyalty.limits.actions import open_budget
from loyalty.management.books import keep_books
from loyalty.management.duplicates import find_duplicates
from loyalty.management.insight import look_into_members
from loyalty.management.offers import sell_at_prices, set_promotions
from loyalty.management.outward import open_outward
from loyalty.management.people import tell_of_people
from loyalty.management.profiles import tell_of_profiles
from loyalty.management.segments import make_segments
from loyalty.management.treats import give_treats
from loyalty.management.wishes import tell_of_wishes
from loyalty.rulebook.actions import change_rule
from loyalty.rulebook.models import EarningRule
from loyalty.tiers.models import Ladder, Tier
from members.kit.windows import start_of_day
from members.profiles.actions import add_identity, enrol
from members.profiles.models import Member
from members.purchases.actions import Bought
from members.purchases.models import Product
from members.purchases.rules import Line, Receipt
from members.stores.actions import open_till
from members.stores.models import Store, StoreStaff, Till, User

MEMBERS = 2_400
DAYS = 730
BATCH = 4_000
PRICED = 4  # days of sales that ask for promotions

STORES = [
    ("lane", "弄堂店", "Lane Store", "上海"),
    ("lake", "湖滨店", "Lakeside Store", "杭州"),
    ("bridge", "石桥店", "Stone Bridge Store", "苏州"),
    ("web", "小程序商城", "Web Shop", ""),
]
PRODUCTS = [  # SKU, Chinese name, category, yuan
    ("TEA-LONGJING-50", "龙井 50克", "茶叶", 128),
    ("TEA-OOLONG-100", "乌龙 100克", "茶叶", 98),
    ("TEA-PUER-357", "普洱茶饼", "茶叶", 268),
    ("TEA-JASMINE-50", "茉莉花茶 50克", "茶叶", 58),
    ("CUP-LATTE", "桂花拿铁", "现调", 28),
    ("CUP-MILKTEA", "手打奶茶", "现调", 22),
    ("CUP-COLDBREW", "冷泡乌龙", "现调", 26),
    ("CAKE-OSMANTHUS", "桂花糕", "点心", 32),
    ("CAKE-REDBEAN", "红豆酥", "点心", 18),
    ("BREAD-SEA-SALT", "海盐卷", "烘焙", 9),
    ("BREAD-TOAST", "全麦吐司", "烘焙", 26),
    ("GIFT-SPRING", "春茶礼盒", "礼盒", 398),
    ("POT-GLASS", "玻璃茶壶", "器具", 158),
]
PARTNERS = {  # what often goes into the basket with the first thing
    "CUP-MILKTEA": "CAKE-REDBEAN",
    "CUP-LATTE": "CAKE-OSMANTHUS",
    "TEA-LONGJING-50": "POT-GLASS",
    "BREAD-TOAST": "BREAD-SEA-SALT",
    "GIFT-SPRING": "TEA-LONGJING-50",
}
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗郑梁谢宋唐许邓冯韩曹"
GIVEN = (
    "芳 伟 娜 敏 静 丽 强 磊 洋 艳 勇 军 杰 娟 涛 明 超 秀兰 霞 平 刚 桂英 文 辉 玲 建华 佳怡 子涵 雨桐 思远"
).split()
FIRST = (
    "Anna Ben Clara David Emma Frank Grace Henry Iris Jack Kate Leo Mia Noah Olive Peter Ruth Sam Tina Victor"
).split()
LAST = "Green Brown Hill Wood Lake Stone Field Rivers Moore Price Young West North Bell Page Reed Cole Lane".split()
STAFF = [  # user name, role, store or None for all
    ("owner", None, None),
    ("manager", "manager", "lane"),
    ("clerk", "clerk", "lane"),
    ("service", "service", "lane"),
    ("marketer", "marketer", None),
    ("analyst", "analyst", None),
]


@dataclass(frozen=True, slots=True)
class Shop:
    """What the demo shop is made of."""

    stores: list[Store]
    tills: list[Till]
    members: list[Member]
    prices: list[tuple[str, str, int]]


@transaction.atomic
def open_shop(*, now: datetime, say: Callable[[str], None]) -> None:
    """Make the shop and write down who can sign in. The same shop each time but for passwords and keys."""
    chance = random.Random(20)  # noqa: S311 a believable shop, not a secret
    say("stores and staff")
    stores, tills, sign_ins = open_stores()
    sign_ins += hire(stores)
    say(f"{MEMBERS} members")
    members = enrol_members(stores, chance, now)
    sign_ins.append(
        {
            "who_en": "A member (the code is shown on the page)",
            "who_zh": "会员（验证码显示在页面上）",
            "address": "/",
            "user": "wang.fang@example.com",
            "secret": "",
        }
    )
    set_rules(now)
    set_tiers()
    set_promotions(now)
    shop = Shop(stores, tills, members, [(sku, name, yuan * 100) for sku, name, _category, yuan in PRODUCTS])
    sell(shop, chance, now, say)
    spend(shop, chance, now)
    say("a night's work")
    settle_range(first=0, last=2**62, now=now)
    judge_range(first=0, last=2**62, as_of=start_of_day(now))
    give_treats(now=now)
    tell_of_people(stores=stores, now=now)
    find_duplicates(stores=stores, now=now)
    tell_of_wishes(stores=stores, now=now)
    tell_of_profiles(stores=stores, now=now)
    keep_books(stores=stores, now=now)
    open_outward(now=now)
    say("segments")
    make_segments(now=now)
    say("what members are worth")
    look_into_members(stores=stores, now=now)
    write_sign_ins(sign_ins)


def open_stores() -> tuple[list[Store], list[Till], list[dict[str, str]]]:
    """Stores, a till in each, products, and the key of the first till."""
    stores = [Store.objects.create(code=code, name_zh=zh, name_en=en, city=city) for code, zh, en, city in STORES]
    Product.objects.bulk_create(
        Product(sku=sku, name=name, category=category) for sku, name, category, _yuan in PRODUCTS
    )
    opened = [open_till(store=store, name="1") for store in stores]
    till = {
        "who_en": "A till of the Lane Store (API key)",
        "who_zh": "弄堂店收银机（API 密钥）",
        "address": "/api/v1/sales",
        "user": "",
        "secret": opened[0][1],
    }
    return stores, [till for till, _key in opened], [till]


def hire(stores: list[Store]) -> list[dict[str, str]]:
    """A person for each role, with a password of their own."""
    by_code = {store.code: store for store in stores}
    sign_ins = []
    for name, role, store in STAFF:
        password = secrets.token_urlsafe(9)
        user = User.objects.create_user(
            name, password=password, is_staff=True, is_superuser=role is None, sees_all_stores=store is None
        )
        if role:
            user.groups.add(Group.objects.get(name=role))
        if store:
            StoreStaff.objects.create(user=user, store=by_code[store])
        sign_ins.append(
            {
                "who_en": f"Staff: {name}",
                "who_zh": f"员工：{name}",
                "address": "/admin/",
                "user": name,
                "secret": password,
            }
        )
    return sign_ins


@transaction.atomic
def enrol_members(stores: list[Store], chance: random.Random, now: datetime) -> list[Member]:
    """Members with Chinese and English names, enrolled over two years, more of them lately."""
    members = []
    for place in range(MEMBERS):
        age = timedelta(days=DAYS * chance.random() ** 1.4, hours=chance.randrange(12))
        is_english = chance.random() < 0.12
        name = (
            f"{chance.choice(FIRST)} {chance.choice(LAST)}"
            if is_english
            else chance.choice(SURNAMES) + chance.choice(GIVEN)
        )
        members.append(
            enrol(
                name="王芳" if place == 0 else name,
                identities={"phone": f"+86139{place * 7919 % 10**8:08}"},
                store=chance.choices(stores, weights=(5, 3, 3, 2))[0],
                source="till",
                now=min(while_open(now - (timedelta(days=DAYS) if place == 0 else age), chance), now),
                language="en" if is_english else "zh-hans",
                birth_on=birthday(place, chance, now),
            )
        )
    add_identity(member=members[0], kind="email", text="wang.fang@example.com")
    return members


def birthday(place: int, chance: random.Random, now: datetime) -> date | None:
    """Two of three members told theirs; the first one has it this month."""
    born = date(1960, 1, 1) + timedelta(days=chance.randrange(45 * 365))
    if place == 0:
        return born.replace(month=start_of_day(now).month, day=8)
    return born if chance.random() < 0.66 else None


def set_rules(now: datetime) -> None:
    """Points that live a year; tea doubles; a gift in the birthday month; a weekend bonus with a budget."""
    kind, begun = PointKind.objects.get(code="points"), now - timedelta(days=DAYS + 1)
    spend = EarningRule.objects.get(code="spend")
    change_rule(rule=spend, now=begun, by=None, kind=kind, points=1, per_amount=100, expires_after_months=12)
    tea = EarningRule.objects.create(code="tea", name_zh="茶叶双倍积分", name_en="Double points on tea")
    change_rule(
        rule=tea, now=begun, by=None, kind=kind, effect="multiply", percent=200, lines={"category": ["茶叶"]},
        expires_after_months=12,
    )  # fmt: skip
    birth = EarningRule.objects.create(code="birthday", name_zh="生日月礼", name_en="Birthday month gift")
    change_rule(
        rule=birth, now=begun, by=None, kind=kind, effect="fixed", points=50, expires_after_months=3,
        conditions={"all": [{"birthday_month": True}, {"min_amount": 5_000}]}, limits={"times": {"year": 1}},
    )  # fmt: skip
    weekend = EarningRule.objects.create(code="weekend", name_zh="周末加赠", name_en="Weekend bonus")
    budget = open_budget(code="weekend", name_zh="周末加赠", name_en="Weekend bonus", total=120_000)
    change_rule(
        rule=weekend, now=now - timedelta(days=90), by=None, kind=kind, effect="fixed", points=20, budget=budget,
        conditions={"all": [{"store": ["lane", "lake"]}, {"weekday": [6, 7]}, {"min_amount": 6_000}]},
        limits={"times": {"day": 1}}, expires_after_months=6,
    )  # fmt: skip


BENEFITS = [  # tier, kind, value, words in Chinese and English
    ("silver", "discount", 5, "", ""),
    ("silver", "birthday", None, "桂花拿铁一杯", "An osmanthus latte"),
    ("gold", "discount", 8, "", ""),
    ("gold", "shipping", 0, "", ""),
    ("gold", "birthday", None, "生日蛋糕一份", "A birthday cake"),
    ("gold", "early", 24, "", ""),
    ("gold", "joining", None, "龙井品鉴装", "A Longjing tasting set"),
    ("diamond", "discount", 12, "", ""),
    ("diamond", "shipping", 0, "", ""),
    ("diamond", "adviser", None, "", ""),
    ("diamond", "priority", None, "", ""),
    ("diamond", "monthly", None, "当月新茶 50 克", "50 g of the month's new tea"),
    ("diamond", "event", None, "春茶品鉴会", "The spring tea tasting"),
    ("diamond", "returns", 30, "", ""),
]


def set_tiers() -> None:
    """Tiers held for a year, kept for less than it takes to reach them, with benefits; gold is also sold."""
    Ladder.objects.update(validity="months", validity_months=12, rounding="month", grace_days=14, warn_days=45)
    Tier.objects.filter(code="silver").update(retention=800, price_points=3_000)
    Tier.objects.filter(code="gold").update(retention=4_000, price=29_900)
    Tier.objects.filter(code="diamond").update(retention=16_000)
    tiers = {tier.code: tier for tier in Tier.objects.all()}
    Benefit.objects.bulk_create(
        Benefit(tier=tiers[code], kind=kind, value=value, words_zh=zh, words_en=en)
        for code, kind, value, zh, en in BENEFITS
    )


def sell(shop: Shop, chance: random.Random, now: datetime, say: Callable[[str], None]) -> None:
    """Two years of sales, oldest first; those of the last two weeks tell their members."""
    sales = sorted(visits(shop, chance, now), key=lambda sale: sale.receipt.happened_at)
    recent, latest = now - timedelta(days=14), now - timedelta(days=PRICED)
    priced = [sale for sale in sales if sale.receipt.happened_at >= latest]
    sales = sales[: len(sales) - len(priced)]
    for start in range(0, len(sales), BATCH):
        batch = sales[start : start + BATCH]
        for tells in (False, True):
            part = [sale for sale in batch if (sale.receipt.happened_at >= recent) == tells]
            record_sales(sales=part, now=now, tells=tells)
        look_again()
        say(f"{min(start + BATCH, len(sales))} of {len(sales)} sales")
    sell_at_prices(sales=priced, members=shop.members, tills=shop.tills, chance=chance, now=now)
    say(f"{len(priced)} sales with promotions")


def visits(shop: Shop, chance: random.Random, now: datetime) -> Iterator[Bought]:
    """Each member comes at an own pace; a few come often, most now and then, some stay away."""
    tills = {till.store_id: till for till in shop.tills}
    for place, member in enumerate(shop.members):
        pace = 9.0 if place == 0 else min(chance.lognormvariate(3.6, 0.9), 300)  # days between visits
        at = member.enrolled_at + timedelta(minutes=5)
        leaves = now if place == 0 or chance.random() < 0.7 else at + timedelta(days=chance.expovariate(1 / 150))
        while at < min(now, leaves):
            store = member.home_store_id if chance.random() < 0.85 else chance.choice(shop.stores).pk
            visit = while_open(at, chance)
            if member.enrolled_at <= visit < now:
                yield Bought(member.pk, store, tills[store].pk, receipt_at(shop, chance, visit))
            at += timedelta(days=chance.expovariate(1 / pace), minutes=chance.randrange(600))


def while_open(at: datetime, chance: random.Random) -> datetime:
    """The same day of the shop, at a time between nine and nine."""
    return start_of_day(at) + timedelta(hours=9, seconds=chance.randrange(12 * 3_600))


def receipt_at(shop: Shop, chance: random.Random, at: datetime) -> Receipt:
    """A basket of one to four things; every fifth has a discount."""
    lines = []
    chosen = chance.sample(shop.prices, chance.choices((1, 2, 3, 4), weights=(5, 4, 2, 1))[0])
    partner = PARTNERS.get(chosen[0][0])
    if partner and chance.random() < 0.45:
        chosen = [*chosen, *(each for each in shop.prices if each[0] == partner and each not in chosen)]
    for sku, name, price in chosen:
        pieces = chance.choices((1, 2, 3), weights=(8, 2, 1))[0]
        discount = price * pieces // 10 if chance.random() < 0.2 else 0
        lines.append(Line(sku, name, pieces, price * pieces - discount, discount))
    return Receipt(
        receipt=f"{at:%y%m%d}-{chance.randrange(10**9):09}",
        happened_at=at,
        currency=settings.SHOP_CURRENCY,
        amount=sum(line.amount for line in lines),
        discount=sum(line.discount for line in lines),
        tender=chance.choices(("wechat", "alipay", "card", "cash"), weights=(6, 3, 1, 1))[0],
        lines=lines,
    )


def spend(shop: Shop, chance: random.Random, now: datetime) -> None:
    """Some members have spent some of their points in the last months."""
    kind = PointKind.objects.get(code="points")
    settle_range(first=0, last=2**62, now=now - timedelta(days=60))
    rich = Account.objects.filter(kind=kind, active__gte=200).select_related("member").order_by("pk")
    for account in rich:
        if chance.random() < 0.3:
            with suppress(NotEnoughPoints):  # half of it may have lapsed by the day they come
                redeem(
                    member=account.member,
                    kind=kind,
                    points=account.active // 200 * 100,
                    key="demo:reward",
                    now=now - timedelta(days=60 * chance.random()),
                    reason="兑换 桂花拿铁",
                )


def write_sign_ins(sign_ins: list[dict[str, str]]) -> None:
    """Keep who can sign in where only the owner of the demo can read it."""
    path = settings.RUN_DIR / "sign-ins.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(sign_ins, ensure_ascii=False, indent=2), encoding="utf-8")
