"""Staff try a new tier on the past in a real browser: whom it would have moved, at its page and as a list."""

from datetime import timedelta

import pytest
from django.utils import timezone

from loyalty.backtest.models import Backtest
from loyalty.earning.actions import record_sale
from loyalty.tasks import run_chunk
from loyalty.tiers.models import Ladder
from loyalty.whatif.actions import draw
from loyalty.whatif.models import DraftTier, LadderDraft
from members.kit.models import Chunk
from members.purchases.rules import Receipt
from tests.browser.walk import PHONE, WIDE, enter_admin, hire, overflow
from tests.factories import MemberFactory


@pytest.fixture
def draft(transactional_db, monkeypatch) -> LadderDraft:
    """Pearl at 2,500, where Li had 3,000 and bought once more, and Wang 1,500; the worker is the test itself."""
    monkeypatch.setattr("loyalty.backtest.actions.current_app.send_task", lambda *_names, **_more: None)
    now = timezone.now()
    for name, amount in (("王芳", 150_000), ("李强", 300_000)):
        member = MemberFactory.create(name=name, now=now - timedelta(days=90))
        for days, paid in ((40, amount), (9, 10_000)):
            receipt = Receipt(f"{name}{days}", now - timedelta(days=days), "CNY", paid)
            record_sale(member=member, store=member.home_store, till=None, receipt=receipt, now=now)
    hire("owner", is_superuser=True, sees_all_stores=True)
    made = draw(ladder=Ladder.objects.get(), name="Pearl", by=None)
    DraftTier.objects.create(
        draft=made, place=25, code="pearl", name_zh="珍珠会员", name_en="Pearl", threshold=2_500, multiplier=150
    )
    return made


@pytest.mark.parametrize("viewport", [PHONE, WIDE], ids=["phone", "desk"])
def test_a_ladder_is_tried_on_the_past_and_read(open_browser, draft, viewport):
    today = timezone.localdate()
    page = open_browser("en-GB", viewport)
    enter_admin(page, "owner")
    page.wait_for_selector("#find")

    page.goto(f"/admin/loyalty/ladderdraft/{draft.pk}/change/")
    page.get_by_role("link", name="Try it on the past…").click()
    assert "Pearl from 2,500" in page.locator(".preview").inner_text()
    page.get_by_label("other days").check()
    page.get_by_label("first day").fill((today - timedelta(days=20)).isoformat())
    page.get_by_label("last day").fill((today - timedelta(days=1)).isoformat())
    assert overflow(page) <= 0
    page.get_by_role("button", name="Try it", exact=True).click()
    assert "0% of the members looked at" in page.locator("#backtest-state").inner_text()
    for chunk in Chunk.objects.filter(slot=Backtest.objects.get().slot).values_list("pk", flat=True):
        run_chunk(chunk)
    page.get_by_text("Would have stood higher").wait_for()

    said = page.locator("#backtest-state").inner_text()
    for words in ("Would have stood higher\n1", "Would have stood the same\n1", "Difference\n+40"):
        assert words in said
    cell = page.locator("table.matrix tbody tr").filter(has_text="Silver").locator("td.up")
    assert "1 50.0%" in cell.all_inner_texts()
    assert overflow(page) <= 0
    page.get_by_role("link", name="The list of those who would have stood elsewhere").click()
    rows = page.locator("main table tbody tr, table tbody tr").filter(has_text="李强")
    assert "Pearl" in rows.first.inner_text()
    assert overflow(page) <= 0
