"""Marketing makes a promotion on a phone and on a desk; the member reads it, and the sale shows it."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from loyalty.checkout.actions import sell
from loyalty.checkout.rules import Asked
from loyalty.promotions.models import Promotion
from members.purchases.models import Product
from members.purchases.rules import Line, Receipt
from tests.browser.walk import PHONE, WIDE, enter_admin, hire, overflow, sign_in
from tests.factories import MemberFactory, StoreFactory, TillFactory


@pytest.fixture
def shop(transactional_db):
    """A store that sold tea, a member, and somebody who plans promotions."""
    store = StoreFactory.create(code="lane", name_zh="弄堂店", name_en="Lane Store")
    tea = Product.objects.create(sku="TEA", name="龙井", category="茶叶")
    now = timezone.now()
    wang = MemberFactory.create(name="王芳", email="wang@example.com", home_store=store, now=now - timedelta(days=2))
    till = TillFactory.create(store=store)

    def buy(number: str) -> int:
        at, line = timezone.now(), Line("TEA", tea.name, 2, 20_000)
        receipt = Receipt(number, at, "CNY", 20_000, lines=[line])
        return sell(
            member=wang, store=store, till=till, receipt=receipt, asked=Asked(apply_offers=True), now=at
        ).recorded.sale

    buy("before")
    hire("marketer", role="marketer", sees_all_stores=True)
    return buy


@pytest.mark.parametrize(
    ("locale", "viewport", "words"),
    [
        ("en-GB", WIDE, ("This is what it will say", "20% off", "on: categories 茶叶", "Spring tea")),
        ("zh-CN", PHONE, ("立减 20%", "限：类别：茶叶", "条件满足时", "春茶")),
    ],
    ids=["desk", "phone"],
)
def test_marketing_makes_a_promotion_and_the_member_sees_it(open_browser, shop, locale, viewport, words):
    page = open_browser(locale, viewport)
    enter_admin(page, "marketer")
    page.goto("/admin/loyalty/promotion/add/")
    page.fill("[name=code]", "spring")
    page.fill("[name=name_zh]", "春茶")
    page.fill("[name=name_en]", "Spring tea")
    page.click("[name=_save]")

    page.wait_for_url(re.compile("/say/"))
    page.select_option("[name=effect]", "percent_off")
    assert not page.is_visible("[name=amount]")
    assert not page.is_visible("[name=buys]")
    page.fill("[name=percent]", "20")
    page.fill("[name=lines_category]", "茶叶")
    assert overflow(page) == 0
    page.click("form.say > .doors button")
    page.wait_for_selector(".preview")
    shown = page.inner_text("main") if page.query_selector("main") else page.inner_text("body")
    for word in words[:3]:
        assert word in shown
    assert overflow(page) == 0
    page.click("[name=confirm]")
    page.wait_for_url(re.compile("/change/"))
    assert Promotion.objects.get().versions.get().percent == 20

    sale = shop("after")
    reader = open_browser(locale, viewport)
    sign_in(reader, "wang@example.com", locale)
    reader.goto("/offers/")
    assert words[3] in reader.inner_text("main")
    assert overflow(reader) == 0
    reader.goto(f"/points/why/sale/{sale}/")
    assert "40.00" in reader.inner_text("main")
    assert overflow(reader) == 0
