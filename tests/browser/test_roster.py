"""A manager moves in: a file is handed in, its columns named, tried, taken in, and what was refused comes back."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from members.profiles.models import Identity, Member
from members.roster.models import RosterImport
from members.roster.tasks import run_roster_import
from tests.browser.walk import PHONE, WIDE, enter_admin, hire, overflow
from tests.factories import MemberFactory, StoreFactory

FILE = "联系号码,称呼,生日\n13811111111,王小芳,1990-05-21\n13822222222,李雷,33014\n1.38123E+10,韩梅梅,\n"


@pytest.mark.parametrize(("viewport", "theme"), [(PHONE, "light"), (WIDE, "dark")], ids=["phone", "wide"])
def test_a_file_goes_from_upload_to_the_mended_rows(
    transactional_db, open_browser, settings, tmp_path, viewport, theme
):
    from playwright.sync_api import expect

    settings.MEDIA_ROOT = tmp_path / "media"
    lane = StoreFactory.create(code="lane")
    MemberFactory.create(name="王芳", phone="13811111111", home_store=lane, now=timezone.now() - timedelta(days=9))
    hire("mei", role="manager", stores=[lane])
    source = tmp_path / "members.csv"
    source.write_bytes(FILE.encode("gbk"))
    page = open_browser(locale="en-GB", viewport=viewport, color_scheme=theme)
    enter_admin(page, "mei")

    page.goto("/admin/members/rosterimport/add/")
    page.locator("input[type=file]").set_input_files(source)
    page.locator("[name=_save]").click()
    expect(page.get_by_text("3 rows. Say what each column holds")).to_be_visible()
    expect(page.get_by_label("生日")).to_have_value("birth_on")
    page.get_by_label("联系号码").select_option(label="phone")
    page.get_by_label("称呼").select_option(label="name")
    page.get_by_role("button", name="Try the file").click()
    expect(page.get_by_text("Waiting for a worker.")).to_be_visible()
    made = RosterImport.objects.get()
    run_roster_import(made.pk)

    expect(page.get_by_text("This was a dry run: nothing was written.")).to_be_visible()
    expect(page.get_by_text("A spreadsheet rounded 1.38123E+10")).to_be_visible()
    assert overflow(page) <= 0
    page.get_by_role("link", name="changes 1").click()
    expect(page.locator("del", has_text="王芳")).to_be_visible()
    assert Member.objects.count() == 1

    page.get_by_role("button", name="Take the file in").click()
    expect(page.get_by_text("Waiting for a worker.")).to_be_visible()
    run_roster_import(made.pk)
    expect(page.get_by_text("Members enrolled")).to_be_visible()
    expect(page.get_by_text("Rows that could not be taken")).to_be_visible()
    assert set(Member.objects.values_list("name", flat=True)) == {"王小芳", "李雷"}
    with page.expect_download() as waited:
        page.get_by_role("link", name="Download the refused rows").click()
    refused = Path(waited.value.path()).read_text(encoding="utf-8-sig")
    assert refused.splitlines()[1].startswith("1.38123E+10,韩梅梅,,4,")

    mended = tmp_path / "mended.csv"
    mended.write_text(refused.replace("1.38123E+10", "13833333333"), encoding="utf-8")
    page.goto("/admin/members/rosterimport/add/")
    page.locator("input[type=file]").set_input_files(mended)
    page.locator("[name=_save]").click()
    expect(page.get_by_label("联系号码")).to_have_value("phone")  # as it was said before
    page.get_by_role("button", name="Try the file").click()
    run_roster_import(RosterImport.objects.latest("pk").pk)
    page.get_by_role("button", name="Take the file in").click()
    expect(page.get_by_text("Waiting for a worker.")).to_be_visible()
    run_roster_import(RosterImport.objects.latest("pk").pk)

    expect(page.get_by_text("1 of 1 rows read")).to_be_visible()
    assert Identity.objects.get(value="+8613833333333").member.name == "韩梅梅"


def test_a_list_is_taken_away_from_where_it_stands(transactional_db, open_browser, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    lane = StoreFactory.create(code="lane")
    MemberFactory.create(name="王芳", home_store=lane, now=timezone.now())
    hire("mei", role="manager", stores=[lane])
    page = open_browser(locale="en-GB", viewport=PHONE)
    enter_admin(page, "mei")
    page.goto("/admin/members/member/")

    with page.expect_download() as waited:
        page.get_by_role("button", name="Take away as CSV").click()

    assert "王芳" in Path(waited.value.path()).read_text(encoding="utf-8-sig")
    assert overflow(page) <= 0
