"""A member with a phone in the hand: signing in, buying, seeing the points, in both languages."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from members.messaging.actions import queue_message
from tests.browser.walk import PHONE, WIDE, overflow, sign_in
from tests.factories import MemberFactory, StoreFactory, TillFactory

PAGES = ["/", "/points/", "/points/?kind=growth", "/card/", "/messages/", "/me/", "/nothing/here/"]
WORDS = {
    "zh-CN": {"send": "发送验证码", "enter": "登录", "hello": "王小明，您好", "join": "成为会员"},
    "en-GB": {"send": "Send the code", "enter": "Sign in", "hello": "Hello, 王小明", "join": "Become a member"},
}


@pytest.fixture
def wang(transactional_db):
    return MemberFactory.create(name="王小明", phone="13812345678", now=timezone.now() - timedelta(days=3))


def points_on(page):
    return int(re.sub(r"\D", "", page.locator('[data-points="points"]').inner_text()))


@pytest.mark.parametrize("locale", WORDS)
def test_a_sale_at_the_till_shows_on_the_members_phone(open_browser, wang, live_server, locale):
    till = TillFactory.create(store=wang.home_store)
    page = open_browser(locale)
    sign_in(page, "138 1234 5678", locale)
    assert page.get_by_role("heading", level=1).inner_text() == WORDS[locale]["hello"]
    assert points_on(page) == 0

    answer = Client().post(
        "/api/v1/sales",
        {"member": {"kind": "phone", "value": "13812345678"}, "amount": 128_00},
        content_type="application/json",
        headers={"authorization": f"Bearer {till.key}", "idempotency-key": "receipt-1"},
    )

    assert answer.status_code == 201, answer.content
    page.reload()
    shown = [points_on(page), *map(int, re.findall(r"\d+", page.locator("main").inner_text()))]
    assert 128 in shown
    page.goto("/points/")
    assert "128" in page.locator("#sheet").inner_text()
    assert "128.00" in page.locator("#sheet").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, WIDE, {"width": 320, "height": 568}], ids=["390", "1440", "320"])
def test_no_page_is_wider_than_the_screen(open_browser, transactional_db, viewport, scheme):
    store = StoreFactory.create(name_en="The Very Long Named International Flagship Store at the Waterfront")
    member = MemberFactory.create(
        name="Bartholomew Maximilian Featherstonehaugh-Cholmondeley of Upper Slaughter",
        phone="13900001111",
        email="bartholomew.maximilian.featherstonehaugh@very-long-company-name.example.com",
        home_store=store,
        language="en",
        now=timezone.now() - timedelta(days=3),
    )
    context = {"points": 999_999_999, "balance": 999_999_999, "store": store.name_en * 3}
    queue_message(member=member, template="points_earned", key="x", now=timezone.now(), context=context)
    page = open_browser(viewport=viewport, color_scheme=scheme)
    page.goto("/")
    assert overflow(page) == 0
    sign_in(page, "13900001111", "en-GB")

    for address in PAGES:
        page.goto(address)
        assert overflow(page) == 0, address


def test_a_newcomer_becomes_a_member_on_the_phone(open_browser, transactional_db):
    StoreFactory.create(name_zh="静安店")
    page = open_browser("zh-CN")
    sign_in(page, "New.Person@Example.com", "zh-CN")

    page.locator("input[name=name]").fill("李雷")
    page.locator("select[name=store]").select_option(index=1)
    page.get_by_role("button", name=WORDS["zh-CN"]["join"]).click()

    assert page.get_by_role("heading", level=1).inner_text() == "李雷，您好"
    page.goto("/card/")
    assert page.locator("svg.qr").is_visible()


def test_a_message_is_marked_as_read_in_place(open_browser, wang):
    queue_message(
        member=wang, template="points_earned", key="x", now=timezone.now(), context={"points": 5, "balance": 5}
    )
    page = open_browser("zh-CN")
    sign_in(page, "13812345678", "zh-CN")
    page.goto("/messages/")

    page.locator("article form button").click()
    page.locator("article.read").wait_for()

    assert page.locator("article form").count() == 0
    page.reload()
    assert page.locator("article.read").count() == 1


def test_another_month_comes_without_a_new_page(open_browser, transactional_db):
    MemberFactory.create(name="王小明", phone="13812345678", now=timezone.now() - timedelta(days=100))
    page = open_browser("en-GB")
    sign_in(page, "13812345678", "en-GB")
    page.goto("/points/")
    before = page.locator("#sheet-title").inner_text()

    page.locator("#month").select_option(index=1)
    page.wait_for_url("**month=*")

    assert page.locator("#sheet-title").inner_text() != before
    assert page.locator("h1").count() == 1


def test_the_pages_can_be_used_without_javascript(open_browser, wang):
    page = open_browser("zh-CN", java_script_enabled=False)
    sign_in(page, "13812345678", "zh-CN")

    page.goto("/points/")
    page.locator("#month").select_option(index=0)
    page.locator("form.picker button").click()

    page.wait_for_url("**month=*")
    page.locator("#sheet").wait_for()


def test_light_and_dark_follow_the_device_until_the_reader_chooses(open_browser, wang):
    page = open_browser("en-GB", color_scheme="dark")
    sign_in(page, "13812345678", "en-GB")
    page.goto("/me/")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    assert page.evaluate(ground) == "rgb(22, 19, 15)"

    page.locator("button[value=light]").click()

    assert page.evaluate(ground) == "rgb(250, 247, 242)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_to_touch_is_large_enough_and_everything_to_read_has_contrast(open_browser, wang, scheme):
    page = open_browser("zh-CN", color_scheme=scheme)
    sign_in(page, "13812345678", "zh-CN")

    for address in PAGES:
        page.goto(address)
        small = page.evaluate(
            """() => [...document.querySelectorAll("a, button, input:not([type=hidden]), select")]
                .filter(each => !each.classList.contains("skip") && each.offsetParent !== null)
                .filter(each => each.getBoundingClientRect().height < 43.5).map(each => each.outerHTML)"""
        )
        assert small == [], address
        assert page.evaluate(FAINT) == [], address


FAINT = """() => {
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const linear = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => [r, g, b].map(v => linear(v / 255))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = e => { for (; e; e = e.parentElement) {
    const found = parse(getComputedStyle(e).backgroundColor);
    if (found.length < 4 || found[3] === 1) return found;
  } return [255, 255, 255]; };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const faint = [];
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || e.closest(".unseen, .skip, .member-card, option")) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))];
    if ((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5) faint.push(walker.currentNode.data.trim());
  }
  return faint;
}"""
