"""Marketing draws a rule, tries it on past sales, sees it run and what came of it, and takes the file home."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from loyalty.backtest.models import Backtest
from loyalty.earning.actions import record_sale
from loyalty.promotions.models import Promotion
from loyalty.rulebook.models import EarningRule, RuleVersion
from loyalty.tasks import run_chunk
from members.kit.models import Chunk
from members.purchases.rules import Receipt
from tests.browser.walk import PHONE, WIDE, enter_admin, hire, overflow
from tests.factories import MemberFactory, StoreFactory


@pytest.fixture
def shop(transactional_db, monkeypatch):
    """Two members who bought for 60 and 40 yuan last week; the worker is the test itself."""
    monkeypatch.setattr("loyalty.backtest.actions.current_app.send_task", lambda *_names, **_more: None)
    lane = StoreFactory.create(code="lane", name_zh="弄堂店", name_en="Lane Store")
    now = timezone.now()
    for place, (name, amount) in enumerate((("王小明", 60_00), ("=李强", 40_00))):
        member = MemberFactory.create(name=name, home_store=lane, now=now - timedelta(days=99))
        receipt = Receipt(f"R{place}", now - timedelta(days=7), "CNY", amount)
        record_sale(member=member, store=lane, till=None, receipt=receipt, now=now)
    hire("mark", role="marketer", sees_all_stores=True)
    return lane


@pytest.mark.parametrize("viewport", [PHONE, WIDE], ids=["phone", "desk"])
def test_a_rule_is_drawn_tried_and_read(open_browser, shop, viewport):
    rule, today = EarningRule.objects.get(code="spend"), timezone.localdate()
    page = open_browser("en-GB", viewport)
    enter_admin(page, "mark")

    page.goto(f"/admin/loyalty/earningrule/{rule.pk}/say/")
    page.locator("[name=points]").fill("3")
    page.get_by_role("button", name="Try it on past sales…").click()
    assert "3 for each" in page.locator(".preview").inner_text()
    assert not page.get_by_label("first day").is_visible()
    page.get_by_label("other days").check()
    page.get_by_label("first day").fill((today - timedelta(days=20)).isoformat())
    page.get_by_label("last day").fill(today.isoformat())
    page.get_by_label("Lane Store").check()
    assert overflow(page) <= 0
    page.get_by_role("button", name="Try it", exact=True).click()

    assert "0% of the members looked at" in page.locator("#backtest-state").inner_text()
    assert page.get_by_role("button", name="Stop it").is_visible()
    for chunk in Chunk.objects.filter(slot=Backtest.objects.get().slot).values_list("pk", flat=True):
        run_chunk(chunk)
    page.get_by_text("The draft would have given").wait_for()
    said = page.locator("#backtest-state").inner_text()
    assert "at home in Lane Store" in said
    for words in ("This rule really gave\n100", "The draft would have given\n300", "Difference\n+200"):
        assert words in said
    page.locator("canvas.chart[style]").first.wait_for()
    assert overflow(page) <= 0
    with page.expect_download() as download:
        page.get_by_role("link", name="Download everybody").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[1:] for line in lines[1:]] == [
        ["lane", "1", "60", "180", "120"], ["lane", "1", "40", "120", "80"],
    ]  # fmt: skip

    page.get_by_role("link", name="Go on with this draft").click()
    assert page.locator("[name=points]").input_value() == "3"
    page.get_by_role("button", name="Show what it means").click()
    page.get_by_role("button", name="Yes, let it stand").click()
    assert RuleVersion.objects.filter(rule=rule).latest("number").points == 3


@pytest.mark.parametrize("viewport", [PHONE, WIDE], ids=["phone", "desk"])
def test_a_promotion_is_tried_and_read(open_browser, shop, viewport):
    promotion, today = Promotion.objects.create(code="spring", name_zh="春茶", name_en="Spring"), timezone.localdate()
    page = open_browser("en-GB", viewport)
    enter_admin(page, "mark")

    page.goto(f"/admin/loyalty/promotion/{promotion.pk}/say/")
    page.locator("[name=effect]").select_option("percent_off")
    page.locator("[name=percent]").fill("15")
    page.get_by_role("button", name="Try it on past sales…").click()
    assert "15% off" in page.locator(".preview").inner_text()
    page.get_by_label("other days").check()
    page.get_by_label("first day").fill((today - timedelta(days=20)).isoformat())
    page.get_by_label("last day").fill(today.isoformat())
    assert overflow(page) <= 0
    page.get_by_role("button", name="Try it", exact=True).click()
    for chunk in Chunk.objects.filter(slot=Backtest.objects.get().slot).values_list("pk", flat=True):
        run_chunk(chunk)

    page.get_by_text("The draft would have taken off").wait_for()
    said = page.locator("#backtest-state").inner_text()
    for words in ("This promotion really took off\nCN¥0.00", "The draft would have taken off\nCN¥15.00"):
        assert words in said
    page.locator("canvas.chart[style]").first.wait_for()
    assert overflow(page) <= 0
    page.get_by_role("link", name="Go on with this draft").click()
    assert page.locator("[name=percent]").input_value() == "15"
