"""A family on two phones: one starts, one joins, and both see what they have together."""

import pytest

from loyalty.households.models import HouseholdRule, Seat
from loyalty.ledger.actions import earn
from loyalty.ledger.models import PointKind
from tests.browser.walk import sign_in
from tests.factories import NOW, MemberFactory


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_a_family_spends_together(open_browser, transactional_db, locale):
    HouseholdRule.objects.get_or_create(pk=1)
    mother = MemberFactory.create(name="王芳", phone="13812345678", now=NOW)
    son = MemberFactory.create(name="李小明", phone="13900000009", home_store=mother.home_store, now=NOW)
    earn(member=mother, kind=PointKind.objects.get(code="points"), points=120, key="x", now=NOW)
    hers, his = open_browser(locale=locale), open_browser(locale=locale)

    sign_in(hers, "13812345678", locale)
    hers.goto("/household/")
    hers.locator("form[action='/household/start/'] button").click()
    hers.locator("input[name=to]").fill("13900000009")
    hers.locator("form[action='/household/invite/'] button").click()
    sign_in(his, "13900000009", locale)
    his.goto("/household/")
    his.locator("form[action='/household/accept/'] button.first").click()

    his.locator("[data-together]").wait_for()
    assert his.locator("[data-together]").inner_text() == "120"
    assert his.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert Seat.objects.current().filter(member=son).exists()
    his.goto("/household/?leave=1")
    his.locator("form[action='/household/leave/'] button.first").click()
    his.locator("form[action='/household/start/']").wait_for()
    assert not Seat.objects.current().filter(member=son).exists()
