"""A clerk with a phone: finds the member, reads the card, leaves a task; a colleague does it."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from loyalty.ledger.actions import earn
from loyalty.ledger.models import PointKind
from members.notes.models import Note
from tests.browser.walk import PHONE, WIDE, enter_admin, hire, overflow
from tests.factories import MemberFactory, StoreFactory


@pytest.fixture
def wang(transactional_db):
    store = StoreFactory.create()
    now = timezone.now()
    wang = MemberFactory.create(name="王小明", phone="13812345678", home_store=store, now=now - timedelta(days=3))
    kind = PointKind.objects.get(code="points")
    earn(member=wang, kind=kind, points=120, key="a", now=now, expires_at=now + timedelta(days=5))
    for who in ("clerk", "manager"):
        hire(who, role=who, stores=[store])
    return wang


def test_from_the_search_field_to_a_task_that_is_done(open_browser, wang):
    phone = open_browser("zh-CN", PHONE)
    enter_admin(phone, "clerk")
    phone.locator("#find").press_sequentially("5678")
    phone.locator(".found a").click()

    expect(phone.locator(".who-card")).to_contain_text("王小明")
    expect(phone.locator(".say-this")).to_contain_text("您有 120 积分将于")
    assert overflow(phone) <= 0
    phone.get_by_text("写备注或待办").click()
    phone.get_by_label("同事需要知道什么？").fill("新茶到货请致电")
    phone.get_by_label("若是待办，完成期限").fill(timezone.localdate().isoformat())
    phone.get_by_role("button", name="记下").click()
    expect(phone.locator(".cues")).to_contain_text("新茶到货请致电")

    desk = open_browser("en-GB", WIDE)
    enter_admin(desk, "manager")
    desk.goto("/admin/members/note/?state=open")
    desk.get_by_role("link", name="新茶到货请致电").first.click()
    desk.get_by_role("button", name="It is done").click()
    expect(desk.get_by_role("button", name="Not done after all")).to_be_visible()
    assert Note.objects.get().done_by.username == "manager"


def test_everything_that_happened_is_narrowed_without_a_new_page(open_browser, wang):
    page = open_browser("en-GB", PHONE)
    enter_admin(page, "manager")
    page.goto(f"/admin/members/member/{wang.pk}/timeline/")
    expect(page.locator(".lines li")).to_have_count(2)

    page.get_by_label("Joining").check()

    expect(page.locator(".lines li")).to_have_count(1)
    expect(page.locator(".lines li")).to_contain_text("Became a member")
    assert overflow(page) <= 0
