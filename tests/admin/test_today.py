"""The first page: today beside last week, charts with their tables, and to each what they may see."""

import re
from datetime import timedelta

from django.test import Client

from loyalty.batches.actions import record_sales
from loyalty.ledger.models import Difference
from members.kit.models import Chunk
from tests.factories import NOW
from tests.world import sold, text_of

DAY = timedelta(days=1)


def test_today_stands_beside_the_same_weekday_last_week_by_the_same_time_of_day(world):
    member = world.here.member
    week = NOW - 7 * DAY
    sales = [(NOW - timedelta(hours=1), 5000), (NOW - timedelta(hours=2), 700), (week - timedelta(hours=3), 900)]
    too_late_or_early = [(week + timedelta(hours=1), 100_000), (NOW - timedelta(hours=13), 200_000)]
    record_sales(sales=[sold(member, at, amount) for at, amount in sales + too_late_or_early], now=NOW)

    words = text_of(world.client("manager").get("/admin/"))

    assert "CN¥57.00 CN¥9.00 by this time a week ago" in words
    assert "Receipts today 2 1 by this time a week ago" in words


def test_the_figures_are_those_of_the_stores_the_reader_sees(world):
    record_sales(sales=[sold(world.there.member, NOW - timedelta(hours=1), 123_400)], now=NOW)

    mine = text_of(world.client("manager").get("/admin/"))
    all_stores = text_of(world.client("analyst").get("/admin/"))

    assert "Receipts today 0" in mine
    assert "1,234" not in mine
    assert "徐汇店 in English, 静安店 in English" in mine
    assert "CN¥1,234.00" in all_stores


def test_every_chart_says_its_number_and_day_and_has_its_table(world):
    response = world.client("owner").get("/admin/")
    text = response.content.decode()

    assert text.count("<canvas") == text.count("<details") == 3
    assert len(re.findall(r"n = [\d,]+ (?:sales|points|members), 9 Mar", text)) == 3
    for title in ("Sales per day", "Points issued and spent per day", "Members by tier"):
        assert title in text
    assert "8 Mar CN¥12,000.00 (2)" in text_of(response)


def test_a_day_belongs_to_the_shops_time_zone(world):
    almost_midnight = NOW - timedelta(hours=12, minutes=1)  # 23:59 yesterday in Shanghai, this day in UTC
    record_sales(sales=[sold(world.here.member, almost_midnight, 100)], now=NOW)

    words = text_of(world.client("owner").get("/admin/"))

    assert "Receipts today 0" in words
    assert "8 Mar CN¥12,001.00 (3)" in words


def test_the_clerks_first_page_is_a_search_without_figures(world):
    response = world.client("clerk").get("/admin/?find=5678")

    words = text_of(response)
    assert "王小明 138****5678" in words
    assert "Sales today" not in words
    assert "<canvas" not in response.content.decode()


def test_the_search_answers_htmx_with_its_part_only(world):
    response = world.client("clerk").get("/admin/?find=5678", headers={"HX-Request": "true"})

    assert "王小明" in response.content.decode()
    assert "<html" not in response.content.decode()


def test_differences_and_an_unfinished_night_show_on_the_first_page(world):
    Chunk.objects.create(name="proof", slot="2026-03-09", first_id=1, last_id=2, as_of=NOW, finished_at=NOW)
    Chunk.objects.create(name="proof", slot="2026-03-09", first_id=3, last_id=4, as_of=NOW)

    words = text_of(world.client("owner").get("/admin/"))
    assert "The nightly proof found 2 differences" in words
    assert "1 of 2 parts are done" in words

    Difference.objects.all().delete()
    Chunk.objects.update(finished_at=NOW)
    words = text_of(world.client("owner").get("/admin/"))
    assert "The books do not add up" not in words
    assert "The proof found no difference" in words


def test_only_the_admin_is_allowed_to_evaluate_and_nothing_from_outside(world):
    admin = world.client("owner").get("/admin/").headers["Content-Security-Policy"]
    portal = world.client("member").get("/").headers["Content-Security-Policy"]

    assert "script-src 'self' 'unsafe-eval'" in admin
    assert "http" not in admin
    assert "unsafe" not in portal


def test_staff_switch_the_language_and_come_back_to_the_page(world):
    client = world.client("clerk")
    page = client.get("/admin/members/member/?q=5678").content.decode()
    assert 'name="next" type="hidden" value="/admin/members/member/?q=5678"' in page

    response = client.post("/me/language/", {"language": "zh-hans", "next": "/admin/members/member/"}, follow=True)

    assert response.redirect_chain == [("/admin/members/member/", 302)]
    assert "会员" in text_of(response)


def test_five_wrong_passwords_lock_the_door_of_the_staff(world):
    clerk = world.people["clerk"]
    clerk.set_password("the right one")
    clerk.save()
    client = Client(headers={"accept-language": "en"})
    for _try in range(5):
        client.post("/admin/login/", {"username": "clerk", "password": "wrong"})

    response = client.post("/admin/login/", {"username": "clerk", "password": "the right one"})

    assert response.status_code == 429
    assert "Too many wrong passwords" in text_of(response)
