"""A member says where they live and shows their face; staff see both, tag them, and read who changed what."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from members.tags.models import Tag
from tests.browser.walk import PHONE, WIDE, enter_admin, hire, overflow, sign_in
from tests.factories import MemberFactory, StoreFactory, a_picture


@pytest.mark.parametrize(
    ("locale", "viewport", "theme"), [("zh-CN", PHONE, "light"), ("en-GB", WIDE, "dark")], ids=["phone", "wide"]
)
def test_a_profile_is_filled_in_and_stands_on_the_staffs_page(
    open_browser, transactional_db, settings, tmp_path, locale, viewport, theme
):
    settings.MEDIA_ROOT = tmp_path / "media"
    lane = StoreFactory.create(code="lane")
    wang = MemberFactory.create(
        name="王芳", phone="13812345678", home_store=lane, now=timezone.now() - timedelta(days=9)
    )
    Tag.objects.create(code="nuts", name_zh="坚果过敏", name_en="Allergic to nuts")
    hire("mei", role="manager", stores=[lane])
    face, letter = tmp_path / "face.jpg", tmp_path / "letter.jpg"
    face.write_bytes(a_picture((640, 480)).read())
    letter.write_text("no picture at all", encoding="utf-8")

    mine = open_browser(locale=locale, viewport=viewport, color_scheme=theme)
    sign_in(mine, "13812345678", locale)
    mine.goto("/me/address/")
    mine.locator("[name=city]").fill("上海市")
    mine.locator("[name=street]").fill("南京西路 1 号")
    mine.locator("main form button").click()
    expect(mine.get_by_text("上海市南京西路 1 号", exact=True)).to_be_visible()
    assert overflow(mine) <= 0
    mine.goto("/me/photo/")
    mine.locator("input[type=file]").set_input_files(letter)
    mine.locator("main form button.first").click()
    expect(mine.locator("main .error")).to_be_visible()
    mine.locator("input[type=file]").set_input_files(face)
    mine.locator("main form button.first").click()
    expect(mine.locator("img.photo")).to_be_visible()
    assert overflow(mine) <= 0

    desk = open_browser(locale=locale, viewport=viewport, color_scheme=theme)
    enter_admin(desk, "mei")
    desk.goto(f"/admin/members/member/{wang.pk}/tags/")
    desk.locator("select[name=tag]").select_option(index=1)
    desk.locator("input[name=why]").fill("told us")
    desk.locator("form.panel .buttons button").click()
    expect(desk.locator(".tagged").get_by_text("told us")).to_be_visible()
    assert overflow(desk) <= 0
    desk.goto(f"/admin/members/member/{wang.pk}/change/")
    assert desk.locator(".face img").evaluate("each => each.naturalWidth") > 0
    expect(desk.locator(".member-now .tags")).to_contain_text("坚果" if locale == "zh-CN" else "Allergic to nuts")
    assert overflow(desk) <= 0
    desk.locator(".ways a[href*='show=change']").click()
    expect(desk.locator("main, #content, body").first).to_contain_text("南京西路 1 号")
    assert overflow(desk) <= 0
