"""A clerk takes a part of a sale back: first sees what that does, then does it, and a manager undoes it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from loyalty.earning.actions import record_sale
from loyalty.ledger.models import Account
from members.purchases.models import Return, Sale
from members.purchases.rules import Line, Receipt
from tests.browser.walk import PHONE, WIDE, enter_admin, hire, overflow
from tests.factories import MemberFactory, StoreFactory


@pytest.fixture
def sale(transactional_db) -> Sale:
    """Two teas and a cake, sold yesterday to a member who then has 100 points."""
    store = StoreFactory.create(code="lane", name_zh="弄堂店", name_en="Lane Store")
    now = timezone.now()
    wang = MemberFactory.create(name="王小明", phone="13812345678", home_store=store, now=now - timedelta(days=9))
    lines = [Line("TEA", "龙井", 2, 60_00), Line("CAKE", "桂花糕", 1, 40_00)]
    receipt = Receipt("T-1", now - timedelta(days=1), "CNY", 100_00, lines=lines)
    recorded = record_sale(member=wang, store=store, till=None, receipt=receipt, now=now)
    for role in ("clerk", "manager"):
        hire(role, role=role, stores=[store])
    return Sale.objects.get(pk=recorded.sale)


def points_of(sale: Sale) -> int:
    return Account.objects.get(member=sale.member, kind__code="points").active


def test_a_part_of_a_sale_comes_back_as_its_preview_said_and_can_be_undone(open_browser, sale):
    clerk = open_browser("en-GB", PHONE)
    enter_admin(clerk, "clerk")

    clerk.goto(f"/admin/members/sale/{sale.pk}/change/")
    clerk.get_by_role("link", name="Take goods back").click()
    clerk.get_by_role("row", name="龙井").get_by_role("spinbutton").fill("1")
    clerk.get_by_role("button", name="Show what this does").click()

    preview = clerk.locator("#preview").inner_text()
    assert "CN¥30.00" in preview
    assert "龙井 × 1" in preview
    assert "30 go back" in preview
    assert overflow(clerk) == 0
    assert not Return.objects.exists()
    assert points_of(sale) == 100

    clerk.get_by_role("button", name="Take these goods back").click()
    made = Return.objects.get()
    assert (made.state, made.amount, points_of(sale)) == ("done", 30_00, 70)

    manager = open_browser("zh-CN", WIDE)
    enter_admin(manager, "manager")
    manager.goto(f"/admin/members/return/{made.pk}/change/")
    manager.get_by_role("link", name="取消这笔退货").click()
    manager.locator("form button[type=submit]").last.click()
    made.refresh_from_db()
    assert (made.state, points_of(sale)) == ("cancelled", 100)
