"""What a tier gives and what a member lacks: told to tills, to the member and as data."""

from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import translation

from loyalty.benefits.actions import main_plan_of, plans_of
from loyalty.benefits.models import Benefit
from loyalty.benefits.rules import ValueMissing, check_value, title_of
from loyalty.fairness.actions import risings
from loyalty.ledger.models import Account
from loyalty.tiers.actions import load_climb
from loyalty.tiers.models import Need, Standing, Tier
from members.profiles.models import Member
from members.signin.actions import Address, open_account
from tests.factories import NOW, MemberFactory, StoreFactory, TillFactory
from tests.loyalty.ladders import buy, grow, main, night, other_ladder, shanghai, tier, tier_of

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
TONIGHT = shanghai(2026, 3, 10)


@pytest.fixture(autouse=True)
def a_fixed_day():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def wang() -> Member:
    return MemberFactory.create(name="王芳", phone="13812345678", now=shanghai(2024, 3, 15, 12))


@pytest.fixture
def phone(wang: Member) -> Client:
    """The member's own browser."""
    user = open_account(member=wang, address=Address("phone", "+8613812345678"), now=NOW)
    client = Client(headers={"accept-language": "en"})
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def test_the_plan_says_what_keeps_the_tier_by_which_day_and_what_lifts(wang):
    main(window="calendar", validity="next_year")
    Tier.objects.filter(code="gold").update(retention=4_000)
    buy(wang, 600_000, shanghai(2025, 6, 1, 12))
    grow(wang, 3_914, NOW - DAY)

    plan = main_plan_of(wang, NOW)

    assert (plan.step.code, plan.until, plan.held_by) == ("gold", shanghai(2027, 1, 1), "earned")
    assert (plan.stay.lacks[0].have, plan.stay.lacks[0].need, plan.stay.lacks[0].missing) == (3_914, 4_000, 86)
    assert (plan.stay.by, plan.stay.is_met) == (shanghai(2027, 1, 1), False)
    assert (plan.rise.step.code, plan.rise.lacks[0].missing, plan.rise.by) == ("diamond", 16_086, shanghai(2027, 1, 1))
    with translation.override("en"):
        assert plan.stay.words == "86 more growth"
    grow(wang, 86, NOW)
    assert main_plan_of(wang, NOW).stay.is_met


def test_a_plan_over_several_measures_names_all_of_them_or_the_nearest(wang):
    Need.objects.create(tier=tier("silver"), basis="purchases", threshold=4)
    Need.objects.create(tier=tier("silver"), basis="months", threshold=2)
    for hours in range(3):
        buy(wang, 10_000, NOW - timedelta(hours=hours))

    with translation.override("en"):
        both = main_plan_of(wang, NOW).rise
        assert both.words == "700 more growth and 1 more purchases and purchases in 1 more months"
        Tier.objects.filter(code="silver").update(combines="any")
        assert main_plan_of(wang, NOW).rise.words == "1 more purchases"
    assert both.by is None


def test_the_members_own_year_says_when_it_ends(wang):
    main(window="anniversary")

    assert main_plan_of(wang, NOW).rise.by == shanghai(2026, 3, 15)


def test_nobody_is_told_to_keep_what_cannot_be_lost(wang):
    main(validity="months")
    buy(wang, 600_000, NOW)
    assert main_plan_of(wang, NOW).stay is not None

    for change in ({"is_protected": True}, {"is_protected": False, "held_by": "manual"}):
        Standing.objects.update(**change)
        assert main_plan_of(wang, NOW).stay is None
    Standing.objects.update(held_by="earned")
    main(at_end="keep")
    assert main_plan_of(wang, NOW).stay is None


def test_a_till_reads_tiers_validity_and_benefits(wang):
    main(validity="months")
    other_ladder("visits", "purchases", {"guest": 0, "friend": 1})
    Benefit.objects.create(tier=tier("gold"), kind="discount", value=8, words_zh="全场", words_en="on everything")
    buy(wang, 600_000, NOW)
    till = TillFactory.create(store=wang.home_store)
    headers = {"authorization": f"Bearer {till.key}"}

    answer = Client(headers=headers).get(f"/api/v1/members/{wang.number}/tiers")

    told, aside = answer.json()
    assert told["tier"] == {"code": "gold", "name_zh": "金卡会员", "name_en": "Gold", "multiplier": 125}
    assert told["until"] == "2027-03-10T00:00:00+08:00" or told["until"].startswith("2027-03-09T16:00")
    assert told["benefits"] == [
        {"kind": "multiplier", "value": 125, "points": None, "words_zh": "", "words_en": ""},
        {"kind": "discount", "value": 8, "points": None, "words_zh": "全场", "words_en": "on everything"},
    ]
    assert told["to_stay"]["lacks"] == [{"basis": "growth", "have": 0, "need": 5_000, "missing": 5_000}]
    assert told["to_rise"]["lacks"][0]["missing"] == 14_000
    assert (aside["ladder"], aside["tier"]["code"], aside["to_rise"]) == ("visits", "friend", None)
    assert Client(headers=headers).get("/api/v1/members/1000000000/tiers").status_code == 404


def test_my_tier_says_what_i_have_and_what_the_next_one_gives(wang, phone):
    main(validity="months")
    Benefit.objects.create(tier=tier("diamond"), kind="shipping", value=0)
    buy(wang, 600_000, NOW)

    page = phone.get("/tier/").content.decode()

    assert "The way to Diamond" in page
    assert "Free shipping" in page
    assert "5,000 more growth by 9 Mar 2027 to keep Gold" in page
    assert "to keep Gold" in phone.get("/").content.decode()


def test_a_member_buys_the_next_tier_with_points_once_a_form(wang, phone):
    Tier.objects.filter(code="silver").update(price_points=500)
    grow(wang, 1_200, NOW - DAY, code="points")
    assert "Get Silver for 500 points" in phone.get("/tier/").content.decode()

    for _click in range(2):
        phone.post(f"/tier/{tier('silver').pk}/buy/", {"key": "one"})

    assert (tier_of(wang), Account.objects.get(member=wang, kind__code="points").active) == ("silver", 700)
    assert phone.post(f"/tier/{tier('gold').pk}/buy/", {"key": "two"}).status_code == 404
    Tier.objects.filter(code="gold").update(price_points=5_000)
    refused = phone.post(f"/tier/{tier('gold').pk}/buy/", {"key": "two"}, follow=True).content.decode()
    assert "5000 points asked for" in refused or "5,000" in refused
    assert tier_of(wang) == "silver"


@pytest.mark.parametrize(
    ("kind", "value", "is_right"),
    [
        ("discount", 12, True), ("discount", None, False), ("discount", 0, False), ("discount", 100, False),
        ("returns", 30, True), ("returns", 0, False), ("early", None, False), ("shipping", None, True),
        ("shipping", 9_900, True), ("birthday", None, True),
    ],
)  # fmt: skip
def test_the_rule_and_the_database_agree_on_the_value_of_a_benefit(kind, value, is_right):
    if is_right:
        check_value(kind=kind, value=value)
        assert Benefit.objects.create(tier=tier("gold"), kind=kind, value=value).pk
        assert title_of(kind, value)
    else:
        with pytest.raises(ValueMissing):
            check_value(kind=kind, value=value)
        with pytest.raises(IntegrityError), transaction.atomic():
            Benefit.objects.create(tier=tier("gold"), kind=kind, value=value)


def test_the_report_says_how_long_and_how_much_it_took_by_store_and_cohort():
    here, there = StoreFactory.create(name_zh="东", name_en="East"), StoreFactory.create(name_zh="西", name_en="West")
    for days, amount, store in ((10, 100_000, here), (20, 120_000, here), (30, 200_000, here), (40, 100_000, there)):
        member = MemberFactory.create(name=f"{days}", home_store=store, now=shanghai(2025, 5, 1))
        buy(member, amount, shanghai(2025, 5, 1) + days * DAY)
    night(TONIGHT + 400 * DAY)  # falling is no rise
    climb = load_climb()

    (silver,) = risings(climb=climb, by="all", stores=None)
    by_store = risings(climb=climb, by="store", stores=None)
    (cohort,) = risings(climb=climb, by="cohort", stores=[here.pk])

    assert (silver.step.code, silver.size) == ("silver", 4)
    assert (silver.days.low, silver.days.middle, silver.days.high) == (18, 25, 32)
    assert (silver.spend.low, silver.spend.middle, silver.spend.high) == (100_000, 110_000, 140_000)
    assert sorted(row.size for row in by_store) == [1, 3]
    assert (cohort.part, cohort.size, cohort.days.middle) == ("2025 Q2", 3, 20)
    assert cohort.is_few
    assert plans_of(Member.objects.first(), NOW)
