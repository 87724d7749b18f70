"""The marketer goes from a glance to a cell, a group and one member, and sets a goal, in a real browser."""

import random

import pytest
from django.utils import timezone

from members.goals.models import Goal
from members.kit.windows import start_of_day
from members.profiles.models import Member
from members.scores.actions import score_everybody
from members.scores.models import MemberScore
from tests.browser.walk import PHONE, WIDE, enter_admin, hire, overflow
from tests.members.shops import open_shop

SCORES = "/admin/members/memberscore/"


@pytest.fixture
def shop(transactional_db):
    """Fifty members with pasts, as the night found them."""
    now = timezone.now()
    open_shop(members=50, now=now, chance=random.Random(3), most=9)
    score_everybody(as_of=start_of_day(now))
    return Member.objects.all()


def test_from_the_glance_to_a_cell_a_group_a_member_and_a_goal(open_browser, shop):
    from playwright.sync_api import expect

    hire("marketer", role="marketer", sees_all_stores=True)
    page = open_browser("en-GB", WIDE)
    enter_admin(page, "marketer")
    page.get_by_role("link", name="Members at a glance").click()
    expect(page.get_by_role("heading", name="Index of loyalty", exact=True)).to_be_visible()
    expect(page.locator("canvas.chart").first).to_be_visible()

    page.get_by_role("link", name="RFM cells").click()
    champions = MemberScore.objects.filter(cell="champion").count()
    row = page.locator("table.cells tr").filter(has_text="Champions")
    expect(row.locator("td").first).to_contain_text(str(champions))
    row.get_by_role("link", name="Portrait").click()
    expect(page.get_by_role("heading", name="This group")).to_be_visible()
    expect(page.locator(".tile .figure").first).to_have_text(str(champions))
    page.locator("#id_risk").select_option("high")
    page.get_by_role("button", name="Compare").click()
    both = MemberScore.objects.filter(cell="champion", risk="high").count()
    expect(page.locator(".tile .figure").first).to_have_text(str(both))

    page.goto(f"{SCORES}?cell__exact=champion")
    first = MemberScore.objects.filter(cell="champion").order_by("-pk").first()
    page.get_by_role("link", name=first.member.number).click()
    expect(page.get_by_text(f"Engagement {first.engagement} of 100")).to_be_visible()

    page.goto("/admin/members/goal/add/")
    page.fill("input[name=name]", "Eighty members")
    page.select_option("select[name=kind]", "members")
    page.fill("input[name=target]", "80")
    page.fill("input[name=ends_on]", timezone.localdate().replace(month=12, day=31).isoformat())
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Eighty members").first).to_be_visible()
    expect(page.get_by_text("50 / 80")).to_be_visible()
    assert Goal.objects.get().owner.username == "marketer"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_a_phone(open_browser, shop, scheme):
    hire("analyst", role="analyst", sees_all_stores=True)
    page = open_browser("zh-CN", PHONE, color_scheme=scheme)
    enter_admin(page, "analyst")
    page.wait_for_selector("#find")
    some = Member.objects.order_by("pk").first().pk
    for address in ("overview/", "cells/", "cohorts/", "goods/", "group/?risk=high", f"{some}/portrait/", ""):
        page.goto(f"{SCORES}{address}")

        assert overflow(page) <= 0, address
