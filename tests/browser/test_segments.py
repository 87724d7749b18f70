"""Marketing builds a segment in the editor, sees the count live, compares, saves; the count is that of plain SQL."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from loyalty.tiers.models import Ladder, Standing, Tier
from members.consents.actions import Said, say
from members.consents.models import ConsentChange
from members.profiles.models import Member
from members.purchases.models import Product, Sale, SaleLine
from members.segments.models import Membership, Segment
from tests.browser.walk import PHONE, WIDE, enter_admin, hire, overflow
from tests.factories import MemberFactory, StoreFactory

# Written by hand.
BY_HAND = """
SELECT count(*) FROM members_member m
  JOIN members_store s ON s.id = m.home_store_id AND s.code IN ('lane', 'lake')
 WHERE m.merged_into IS NULL
   AND EXISTS (SELECT FROM loyalty_standing st JOIN loyalty_tier t ON t.id = st.tier_id
                WHERE st.member_id = m.id AND t.code = 'gold')
   AND (SELECT coalesce(sum(amount - returned_amount), 0) FROM members_sale
         WHERE member_id = m.id AND happened_at >= date_trunc('day', now(), 'Asia/Shanghai') - interval '90 days')
       > 50000
   AND NOT EXISTS (SELECT FROM members_saleline l JOIN members_product p ON p.id = l.product_id
                    WHERE l.member_id = m.id AND p.category = 'skincare')
   AND extract(month FROM m.birth_on)
       = extract(month FROM date_trunc('month', now() AT TIME ZONE 'Asia/Shanghai') + interval '1 month')
   AND EXISTS (SELECT FROM members_consent c WHERE c.member_id = m.id AND c.is_given AND c.purpose = 'marketing'
                  AND c.channel = 'sms')
"""


@pytest.fixture
def shop(transactional_db):
    """Sixteen members, of whom each lacks something else, and three who lack nothing."""
    stores = [
        StoreFactory.create(code=code, name_zh=zh, name_en=en)
        for code, zh, en in (("lane", "弄堂店", "Lane"), ("lake", "湖滨店", "Lakeside"), ("far", "远郊店", "Far"))
    ]
    for category in ("tea", "skincare"):
        Product.objects.create(sku=category.upper(), name=category, category=category)
    now = timezone.now()
    next_month = (timezone.localtime(now).replace(day=1) + timedelta(days=32)).month
    for number in range(16):
        member = MemberFactory.create(
            name=f"Anna {number}", home_store=stores[2 if number == 1 else number % 2], now=now - timedelta(days=300)
        )
        born = (
            None
            if number == 2
            else timezone.localdate().replace(
                year=1990, month=next_month % 12 + 1 if number == 3 else next_month, day=5
            )
        )
        Member.objects.filter(pk=member.pk).update(birth_on=born)
        tier = Tier.objects.get(ladder=Ladder.objects.get(), code="silver" if number == 4 else "gold")
        if number != 5:
            Standing.objects.create(member=member, ladder=tier.ladder, tier=tier, since=now)
        if number != 6:
            buys(member, now - timedelta(days=120 if number == 7 else 20), 500_00 if number == 8 else 600_00)
        if number != 13:
            said = Said(ConsentChange.Source.PORTAL)
            say(member=member, purpose="marketing", channel="sms", is_given=True, said=said, key="1", now=now)
        if number in range(9, 13):
            buys(member, now - timedelta(days=200), 1_00, "SKINCARE")
    hire("mark", role="marketer", sees_all_stores=True)
    return stores


def buys(member, at, amount, sku="TEA"):
    sale = Sale.objects.create(
        member=member, store=member.home_store, receipt=f"{at}", happened_at=at, currency="CNY", amount=amount
    )
    SaleLine.objects.create(
        sale=sale, member=member, position=1, product=Product.objects.get(sku=sku), sku=sku, quantity=1, amount=amount
    )


def settled(page):
    """Whatever was asked for is on the page, and can be used."""
    from playwright.sync_api import expect

    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added")).to_have_count(0)


def choose(page, path, trait, operator):
    """A trait and how it is compared, as somebody picks them."""
    page.locator(f'[name="{path}.trait"]').select_option(trait)
    page.locator(f'[name="{path}.is"]').wait_for()
    settled(page)
    if page.locator(f'[name="{path}.is"]').input_value() != operator:
        page.locator(f'[name="{path}.is"]').select_option(operator)
        settled(page)


def add(page, path, what="test"):
    """Another one in a group, by the group's own button."""
    page.locator(f'button[value="add-{what}:{path}"]').click()
    settled(page)


def test_the_segment_of_the_issue_is_built_counted_compared_and_saved(open_browser, shop):
    from playwright.sync_api import expect

    page = open_browser("en-GB", WIDE)
    enter_admin(page, "mark")
    page.goto("/admin/members/segment/add/")
    page.get_by_label("Code").fill("gold-birthdays")
    page.get_by_label("Name in Chinese").fill("金卡下月生日")
    page.get_by_label("Name in English").fill("Gold birthdays")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Gold birthdays")).to_be_visible()

    tier = f"tier.{Ladder.objects.get().code}"
    choose(page, "r-0", tier, "one_of")
    page.locator('[name="r-0.value"][value="gold"]').check()
    add(page, "r")
    choose(page, "r-1", "home_store", "one_of")
    page.locator('[name="r-1.value"][value="lane"]').check()
    page.locator('[name="r-1.value"][value="lake"]').check()
    add(page, "r")
    choose(page, "r-2", "spend", "more_than")
    page.locator('[name="r-2.value"]').fill("500")
    page.locator('[name="r-2.p-days"]').fill("90")
    add(page, "r")
    choose(page, "r-3", "categories", "none_of")
    page.locator('[name="r-3.value"][value="skincare"]').check()
    add(page, "r")
    expect(page.get_by_text("Not finished yet")).to_be_visible()
    choose(page, "r-4", "birthday_month", "one_of")
    page.locator('[name="r-4.value"][value="next"]').check()
    add(page, "r")
    choose(page, "r-5", "consent", "any_of")
    page.locator('[name="r-5.value"][value="sms"]').check()
    settled(page)

    with connection.cursor() as cursor:
        cursor.execute(BY_HAND)
        by_hand = cursor.fetchone()[0]
    assert by_hand == 3
    expect(page.locator("#count")).to_have_text(str(by_hand))
    expect(page.locator("#preview")).to_contain_text("spend (in the last 90 days) more than CN¥500.00")
    expect(page.locator("#preview .sample li")).to_have_count(by_hand)
    expect(page.locator("#preview")).to_contain_text("****")
    page.get_by_role("button", name="Look before saving").click()
    expect(page.locator("#leaves")).to_have_text("13")
    page.get_by_role("button", name="Yes, let it stand").click()
    expect(page.get_by_text(f"with {by_hand} members")).to_be_visible()
    assert overflow(page) <= 0
    assert Membership.objects.open().count() == by_hand


def test_groups_lie_in_groups_and_are_put_together_and_taken_apart_on_a_phone(open_browser, shop):
    from playwright.sync_api import expect

    made = Segment.objects.create(code="deep", name_zh="深", name_en="Deep")
    page = open_browser("en-GB", PHONE)
    enter_admin(page, "mark")
    page.goto(f"/admin/members/segment/{made.pk}/say/")

    choose(page, "r-0", "bought", "yes")
    add(page, "r", "group")
    choose(page, "r-1-0", "spend", "at_least")
    expect(page.locator('[data-path="r-1-0"] .bad')).to_have_count(0)
    page.locator('[name="r-1-0.value"]').fill("-5")
    add(page, "r-1", "group")
    expect(page.locator('[data-path="r-1-0"] > .bad')).to_contain_text("a number")
    choose(page, "r-1-0", "age", "at_least")
    page.locator('[name="r-1-0.value"]').fill("18")
    choose(page, "r-1-1-0", "language", "one_of")
    page.locator('[name="r-1-1-0.value"][value="en"]').check()
    page.locator('[name="r-1-1-0.not"]').check()
    expect(page.locator("#preview .words")).to_contain_text("(age at least 18 years or not: language is English)")
    expect(page.locator("#count")).to_have_text(re.compile(r"\d+"))
    assert overflow(page) <= 0

    page.locator('button[value="wrap:r-0"]').click()
    expect(page.locator('[name="r-0-0.trait"]')).to_have_value("bought")
    settled(page)
    page.locator('button[value="remove:r-1"]').click()
    expect(page.locator('[data-path="r-1"]')).to_have_count(0)
    expect(page.locator("#preview .words")).to_have_text("has bought something")
    page.get_by_role("button", name="Look before saving").click()
    page.get_by_role("button", name="Yes, let it stand").click()
    expect(page.get_by_text("The new version stands, with 15 members.")).to_be_visible()
