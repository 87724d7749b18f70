"""The demo's promotions: a few that run, one that is to come, and sales that used them."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from loyalty.checkout.actions import sell
from loyalty.checkout.rules import MOST, Asked
from loyalty.ledger.models import PointKind
from loyalty.limits.actions import open_budget
from loyalty.promotions.actions import change_promotion, set_pay_terms
from loyalty.promotions.models import Promotion
from members.profiles.models import Member
from members.purchases.actions import Bought
from members.stores.models import Store, Till

PAYING = 0.15  # of the baskets that ask for promotions pay a part with points
PROMOTIONS = [  # code, names, words for members
    (
        "gold-tea",
        "金卡茶叶九折",
        "Gold: tea at 10% off",
        "金卡会员买茶叶立减 10%。",
        "Tea at 10% off for gold members.",
    ),
    ("cups", "现调饮品买二送一", "Drinks: buy two, get one", "最低价一杯免费。", "The cheapest cup is free."),
    ("off-20", "满 200 减 20", "20 off from 200", "", ""),
    ("pots", "茶壶周", "Teapot week", "器具立减 30。", "30 off teapots."),
]


def set_promotions(now: datetime) -> None:
    """Three promotions that run, one that comes next week, and what points pay: 100 for 1.00, half of a sale."""
    begun = now - timedelta(days=60)
    made = {
        code: Promotion.objects.create(code=code, name_zh=zh, name_en=en, words_zh=words_zh, words_en=words_en)
        for code, zh, en, words_zh, words_en in PROMOTIONS
    }
    change_promotion(
        promotion=made["gold-tea"], now=begun, by=None, effect="percent_off", percent=10, most=10_000,
        lines={"category": ["茶叶"]}, conditions={"tier": ["gold", "diamond"]},
    )  # fmt: skip
    change_promotion(
        promotion=made["cups"], now=begun, by=None, effect="buy_get", buys=2, gets=1, percent=100, sets=2,
        lines={"category": ["现调"]}, limits={"times": {"day": 1}},
    )  # fmt: skip
    budget = open_budget(code="off-20", name_zh="满减", name_en="20 off from 200", total=3_000_000, is_for_prices=True)
    change_promotion(
        promotion=made["off-20"], now=begun, by=None, amount=2_000, conditions={"min_amount": 20_000}, budget=budget
    )
    first = timezone.localdate(now) + timedelta(days=7)
    dates = {"from": first.isoformat(), "to": (first + timedelta(days=6)).isoformat()}
    change_promotion(
        promotion=made["pots"], now=begun, by=None, amount=3_000, is_per_piece=True, lines={"category": ["器具"]},
        conditions={"dates": dates},
    )  # fmt: skip
    kind = PointKind.objects.get(code="points")
    set_pay_terms(kind=kind, now=begun, by=None, points=100, worth=100, least=100, step=100, most_share=50)


def sell_at_prices(
    *, sales: Sequence[Bought], members: Sequence[Member], tills: Sequence[Till], chance: random.Random, now: datetime
) -> None:
    """Sell baskets with promotions, a few of them paid with points too."""
    buyers, by_id = {member.pk: member for member in members}, {till.pk: till for till in tills}
    stores = Store.objects.in_bulk()
    for each in sales:
        asked = Asked(apply_offers=True, pay_points=MOST if chance.random() < PAYING else 0)
        till = by_id[each.till] if each.till else None
        sell(
            member=buyers[each.member], store=stores[each.store], till=till, receipt=each.receipt, asked=asked, now=now
        )
