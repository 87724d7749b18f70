"""A manager in a real browser: from two who may be one to one member, and two told apart."""

from datetime import date

import pytest

from loyalty.duplicates.actions import find_alike
from loyalty.duplicates.models import Likeness
from loyalty.merging.models import Merge
from members.profiles.models import Member
from tests.browser.walk import PHONE, WIDE, enter_admin, hire, overflow
from tests.factories import NOW, MemberFactory, StoreFactory

VIEWPORTS = {"phone": PHONE, "wide": WIDE}
BORN = date(1990, 5, 17)


@pytest.mark.parametrize("size", VIEWPORTS)
def test_from_a_suggestion_to_one_member_with_the_values_chosen(open_browser, transactional_db, size):
    store = StoreFactory.create()
    wang = MemberFactory.create(name="王小明", phone="13812345678", birth_on=BORN, home_store=store, now=NOW)
    twin = MemberFactory.create(name="小明 王", phone="13900000009", birth_on=BORN, home_store=store, now=NOW)
    MemberFactory.create(name="李强", phone="13900001111", birth_on=BORN, home_store=store, now=NOW)
    MemberFactory.create(name="李强", phone="13700001111", birth_on=BORN, home_store=store, now=NOW)
    find_alike(first=0, last=2**62, now=NOW)
    hire("manager", role="manager", stores=[store])
    page = open_browser(viewport=VIEWPORTS[size])
    enter_admin(page, "manager")

    page.goto("/admin/loyalty/likeness/")
    assert "2 pairs to look at" in page.locator("body").inner_text()
    assert overflow(page) <= 0
    page.goto(f"/admin/loyalty/likeness/{Likeness.objects.get(member=wang).pk}/change/")
    assert overflow(page) <= 0
    page.get_by_role("link", name="Same person: preview the merge").click()
    page.locator("input[name=choice_name][value=duplicate]").check()
    page.get_by_label("Why are these two one person?").fill("joined twice")
    page.get_by_role("button", name="Merge", exact=True).click()
    page.wait_for_url("**/loyalty/merge/*/change/")

    assert Merge.objects.get().duplicate == twin.pk
    assert Member.objects.get(pk=wang.pk).name == "小明 王"
    page.goto("/admin/loyalty/likeness/")
    assert "1 pair to look at" in page.locator("body").inner_text()

    page.goto(f"/admin/loyalty/likeness/{Likeness.objects.exclude(member=wang).get().pk}/change/")
    page.get_by_role("button", name="Different people").click()
    page.get_by_text("They are not suggested again").wait_for()
    assert "0 pairs to look at" in page.locator("body").inner_text()
