"""Marketing sets up a double-points weekend; a sale earns double; everybody can read why, in both languages."""

from datetime import date, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from loyalty.earning.models import Award
from loyalty.ledger.models import PointKind
from loyalty.limits.models import Shard
from loyalty.rulebook.actions import change_rule
from loyalty.rulebook.models import EarningRule
from loyalty.tiers.models import Tier
from members.purchases.models import Product, Sale
from tests.browser.walk import PHONE, WIDE, enter_admin, hire, overflow, sign_in
from tests.factories import MemberFactory, StoreFactory, TillFactory


@pytest.fixture
def shop(transactional_db):
    """Two stores, a gold member, and three rules beside those of the starter programme."""
    lane, lake = (
        StoreFactory.create(code=code, name_zh=zh, name_en=en)
        for code, zh, en in (("lane", "弄堂店", "Lane Store"), ("lake", "湖滨店", "Lakeside Store"))
    )
    Product.objects.create(sku="TEA", name="龙井", category="茶叶")
    kind = PointKind.objects.get(code="points")
    said = [
        ("tea", "茶叶加倍", "Tea bonus", {"effect": "multiply", "percent": 150, "lines": {"category": ["茶叶"]}}),
        ("lakeside", "湖滨礼", "Lakeside gift", {"effect": "fixed", "points": 9, "conditions": {"store": ["lake"]}}),
    ]
    for code, zh, en, says in said:
        rule = EarningRule.objects.create(code=code, name_zh=zh, name_en=en)
        change_rule(rule=rule, now=timezone.now() - timedelta(days=9), by=None, kind=kind, **says)
    lowest = Tier.objects.order_by("threshold").first()
    wang = MemberFactory.create(
        name="王小明", phone="13812345678", home_store=lane, now=timezone.now() - timedelta(days=3)
    )
    hire("mark", role="marketer", sees_all_stores=True)
    return {"lane": lane, "lake": lake, "till": TillFactory.create(store=lane), "wang": wang, "tier": lowest}


def sell(till) -> None:
    answer = Client().post(
        "/api/v1/sales",
        {
            "member": {"kind": "phone", "value": "13812345678"},
            "amount": 100_00,
            "lines": [{"sku": "TEA", "name": "龙井", "quantity": 1, "amount": 100_00}],
        },
        content_type="application/json",
        headers={"authorization": f"Bearer {till.key}", "idempotency-key": "receipt-1"},
    )
    assert answer.status_code == 201, answer.content


def test_a_double_points_weekend_from_the_form_to_the_members_phone(open_browser, shop):
    staff, today = open_browser("en-GB", WIDE), timezone.localdate()
    enter_admin(staff, "mark")

    staff.goto("/admin/loyalty/earningrule/")
    staff.get_by_role("link", name="Double points…").click()
    staff.get_by_label("name in Chinese").fill("双倍周末")
    staff.get_by_label("name in English").fill("Double weekend")
    staff.get_by_label("first day").fill(today.isoformat())
    staff.get_by_label("last day").fill((today + timedelta(days=1)).isoformat())
    staff.get_by_label("Lane Store").check()
    staff.get_by_label("Lakeside Store").check()
    staff.get_by_label(shop["tier"].name_en).check()
    staff.get_by_label("at most so many points").fill("8000")
    staff.get_by_role("button", name="Set it up").click()

    said = staff.locator(".versions").inner_text()
    assert "Points of other rules × 2" in said
    assert "in the stores Lakeside Store, Lane Store" in said or "in the stores Lane Store, Lakeside Store" in said
    sell(shop["till"])
    points = {award.version.rule.code: award.points for award in Award.objects.select_related("version__rule")}
    assert points == {"spend": 100, "climb": 100, "tea": 50, f"double-weekend-{date.today():%Y%m%d}": 100}
    assert sum(Shard.objects.values_list("used", flat=True)) == 100

    staff.goto(f"/admin/members/sale/{Sale.objects.get().pk}/change/")
    why = staff.locator(".panel.why").inner_text()
    assert "× 2, on top of the 100 from other rules" in why
    assert "only in the stores Lakeside Store" in why
    assert overflow(staff) <= 0
    chinese = open_browser("zh-CN", WIDE)
    enter_admin(chinese, "mark")
    chinese.goto(f"/admin/members/sale/{Sale.objects.get().pk}/change/")
    why = chinese.locator(".panel.why").inner_text()
    assert "在其他规则的 100 之外，× 2 的加送" in why
    assert "仅限门店：湖滨店" in why

    for locale, summary, words in (
        ("zh-CN", "为什么", "在您的 100 之外加送"),
        ("en-GB", "Why", "this much on top of your 100"),
    ):
        phone = open_browser(locale, PHONE)
        sign_in(phone, "138 1234 5678", locale)
        phone.goto("/points/")
        phone.locator("summary", has_text=summary).first.click()
        phone.locator(".reasons").first.wait_for()
        assert words in phone.locator(".reasons").first.inner_text()
        assert "Lakeside" not in phone.locator(".reasons").first.inner_text()
        assert overflow(phone) <= 0


def test_the_form_shows_only_the_fields_that_matter_and_previews(open_browser, shop):
    rule = EarningRule.objects.get(code="spend")
    page = open_browser("en-GB", PHONE)
    enter_admin(page, "mark")

    page.goto(f"/admin/loyalty/earningrule/{rule.pk}/say/")
    page.get_by_label("gives", exact=True).select_option("multiply")
    assert page.locator(".field-percent").is_visible()
    assert not page.locator(".field-per_amount").is_visible()
    page.locator("[name=percent]").fill("3")
    page.get_by_role("button", name="Show what it means").click()

    assert "Points of other rules × 3" in page.locator(".preview").inner_text()
    assert overflow(page) <= 0
    page.get_by_role("button", name="Yes, let it stand").click()
    assert rule.versions.latest("number").percent == 300
