"""A manager in a real browser: two cards of one person become one member, on a wide screen and on a phone."""

import pytest

from loyalty.gifts.models import GiftRule
from loyalty.ledger.actions import earn
from loyalty.ledger.models import Account, PointKind
from loyalty.merging.models import Merge
from members.profiles.models import Member
from tests.browser.walk import PHONE, WIDE, enter_admin, hire, sign_in
from tests.factories import NOW, MemberFactory, StoreFactory

VIEWPORTS = {"phone": PHONE, "wide": WIDE}


@pytest.fixture
def wang(transactional_db) -> Member:
    member = MemberFactory.create(name="王小明", phone="13812345678", home_store=StoreFactory.create(), now=NOW)
    earn(member=member, kind=PointKind.objects.get(code="points"), points=300, key="x", now=NOW)
    return member


def as_manager(page, store):
    hire("manager", role="manager", stores=[store])
    enter_admin(page, "manager")


@pytest.mark.parametrize("size", VIEWPORTS)
def test_two_become_one_and_are_parted_again(open_browser, wang, size):
    twin = MemberFactory.create(name="王小明", phone="13900000009", home_store=wang.home_store, now=NOW)
    earn(member=twin, kind=PointKind.objects.get(code="points"), points=77, key="x", now=NOW)
    page = open_browser(viewport=VIEWPORTS[size])
    as_manager(page, wang.home_store)

    page.goto(f"/admin/members/member/{wang.pk}/change/")
    page.get_by_role("link", name="Merge with…").click()
    page.locator(f"a[href='?other={twin.pk}']").click()
    assert "377" in page.locator("#preview").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_label("Why are these two one person?").fill("two cards")
    page.get_by_role("button", name="Merge", exact=True).click()
    page.wait_for_url("**/loyalty/merge/*/change/")

    assert Merge.objects.get().duplicate == twin.pk
    page.get_by_role("button", name="Undo the merge").click()
    page.wait_for_load_state()
    assert Merge.objects.get().undone_at is not None
    assert Account.objects.get(member=twin, kind__code="points").active == 77


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_points_are_given_on_a_phone(open_browser, wang, locale):
    GiftRule.objects.update_or_create(kind=PointKind.objects.get(code="points"), defaults={"is_on": True})
    MemberFactory.create(name="李强", phone="13900000009", home_store=wang.home_store, now=NOW)
    page = open_browser(locale=locale)
    sign_in(page, "13812345678", locale)

    page.goto("/points/give/")
    page.locator("input[name=to]").fill("13900000009")
    page.locator("input[name=points]").fill("50")
    page.locator("form.fields button.first").click()
    page.get_by_text("李*").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.locator("button[name=confirm]").click()
    page.locator(".note.good").wait_for()

    assert Account.objects.get(member=wang, kind__code="points").active == 250
