"""The members' pages: what each shows, to whom, and what it never shows."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from loyalty.ledger.actions import adjust, earn, hold, redeem
from loyalty.ledger.models import PointKind
from loyalty.pooling.views import STEPS
from members.kit.rates import counters
from members.messaging.actions import queue_message
from members.messaging.models import Message
from members.profiles.models import Member
from members.signin.actions import Address, open_account
from tests.factories import MemberFactory, StoreFactory, UserFactory

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)  # noon in Shanghai
PAGES = ["/", "/points/", "/offers/", "/tier/", "/points/give/", "/household/", "/card/", "/messages/", "/me/"]
PAGES += [
    "/me/messages/",
    "/me/privacy/",
    "/me/privacy/erase/",
    "/me/about/",
    "/me/address/",
    "/me/photo/",
    "/me/friends/",
]
ENGLISH = {"headers": {"accept-language": "en"}}
CHINESE = {"headers": {"accept-language": "zh-CN"}}


@pytest.fixture(autouse=True)
def a_fixed_day(settings):
    settings.DEMO = False
    cache.clear()
    counters().flushdb()
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def points(db):
    return PointKind.objects.get(code="points")


def member_named(name, phone, **more):
    store = StoreFactory.create(name_zh="静安店", name_en="Jing'an")
    return MemberFactory.create(name=name, phone=phone, home_store=store, now=NOW - timedelta(days=400), **more)


def browser_of(member, language="en"):
    address = Address("phone", member.identities.get(kind="phone").value)
    client = Client(headers={"accept-language": language})
    client.force_login(
        open_account(member=member, address=address, now=NOW), "django.contrib.auth.backends.ModelBackend"
    )
    return client


@pytest.fixture
def wang(db):
    return member_named("王小明", "13812345678", email="wang.xiaoming@example.com")


@pytest.fixture
def anna(db):
    return member_named("Anna Green", "13900001111")


def text_of(response):
    page = re.sub(r"<(script|style)\b.*?</\1>", " ", response.content.decode(), flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.mark.parametrize("page", PAGES)
def test_a_new_member_sees_every_page_with_words_instead_of_holes(anna, page):
    response = browser_of(anna).get(page)

    assert response.status_code == 200
    assert "None" not in text_of(response)


@pytest.mark.parametrize("page", PAGES)
def test_strangers_are_asked_to_sign_in_and_come_back(client, db, page):
    response = client.get(page)

    assert response.status_code == 302
    assert response["Location"] == f"/accounts/login/?next={page}"


@pytest.mark.parametrize("page", PAGES)
def test_staff_without_a_membership_are_told_so(client, db, page):
    client.force_login(UserFactory.create(), "django.contrib.auth.backends.ModelBackend")

    assert client.get(page).status_code == 403


def test_home_answers_how_many_points_what_comes_and_what_lapses(wang, points):
    earn(
        member=wang, kind=points, points=1200, key="a", now=NOW - timedelta(days=9), expires_at=NOW + timedelta(days=9)
    )
    earn(member=wang, kind=points, points=300, key="b", now=NOW, activates_at=NOW + timedelta(days=7))
    hold(member=wang, kind=points, points=50, key="c", now=NOW)

    words = text_of(browser_of(wang).get("/"))

    assert "1,150" in words
    assert "300 more are on their way" in words
    assert "29 Nov" in words
    assert "1,150 lapse on 1 Dec" in words
    assert "50 are set aside for an open order" in words


def test_a_due_lot_counts_before_the_night_has_settled_it(wang, points):
    earn(
        member=wang, kind=points, points=70, key="a", now=NOW - timedelta(days=9), activates_at=NOW - timedelta(hours=1)
    )

    browser = browser_of(wang)

    assert re.search(r'data-points="points">\s*70<', browser.get("/").content.decode())
    assert "70" in re.search(r"data-closing>([^<]*)<", browser.get("/points/").content.decode()).group(1)


@pytest.mark.parametrize("month", ["2026-11", "2026-10", "2025-12", "nonsense", ""])
def test_the_statement_foots_in_every_month(wang, points, month):
    for back in range(0, 390, 13):
        earn(member=wang, kind=points, points=100 + back, key=f"e{back}", now=NOW - timedelta(days=390 - back))
    redeem(member=wang, kind=points, points=150, key="r", now=NOW - timedelta(days=2))
    adjust(member=wang, kind=points, points=-20, key="j", now=NOW, reason="counted twice")

    page = browser_of(wang).get(f"/points/?kind=points&month={month}").content.decode()

    sheet = [number(found) for found in re.findall(r"data-(?:opening|change|closing)>([^<]*)<", page)]
    rows = [number(found) for found in re.findall(r'<span class="points(?: up)?">([^<]*)<', page)]
    assert sheet[0] + sheet[1] == sheet[2]
    assert sum(rows) == sheet[1]


def number(text):
    return int(text.strip().replace(",", "").replace("\u2212", "-") or 0)


def test_a_long_month_is_paged_and_still_foots(wang, points):
    for turn in range(120):
        earn(member=wang, kind=points, points=1, key=f"e{turn}", now=NOW - timedelta(minutes=turn))
    browser = browser_of(wang)

    pages = [browser.get(f"/points/?page={at}").content.decode() for at in (1, 2, 3)]

    assert [len(re.findall(r'class="points up"', page)) for page in pages] == [50, 50, 20]
    assert all("data-change>+120<" in page for page in pages)


def test_a_part_of_the_statement_comes_for_htmx_alone(wang):
    response = browser_of(wang).get("/points/", headers={"HX-Request": "true"})

    assert response.content.decode().lstrip().startswith('<section class="card" id="sheet"')


def test_a_correction_shows_its_reason(wang, points):
    adjust(member=wang, kind=points, points=20, key="j", now=NOW, reason="补记上周的积分", actor="staff:1")

    words = text_of(browser_of(wang).get("/points/"))

    assert "补记上周的积分" in words
    assert "staff:1" not in words


def test_the_card_shows_the_number_in_groups_and_as_a_code(wang):
    page = browser_of(wang).get("/card/").content.decode()

    number = wang.number
    assert f"<span>{number[:2]}</span><span>{number[2:6]}</span><span>{number[6:]}</span>" in page
    assert '<svg viewBox="0 0 ' in page
    assert "style=" not in page


@pytest.mark.django_db
def test_messages_are_read_one_by_one_or_all_at_once(wang):
    for key in ("one", "two", "three"):
        queue_message(member=wang, template="points_earned", key=key, now=NOW, context={"points": 5, "balance": 9})
    browser = browser_of(wang)
    first = Message.objects.of(wang).in_inbox().first()

    assert "3 unread" in text_of(browser.get("/"))
    browser.get(f"/messages/{first.pk}/read/")
    assert Message.objects.of(wang).unread().count() == 3
    part = browser.post(f"/messages/{first.pk}/read/", headers={"HX-Request": "true"})
    assert part.content.decode().lstrip().startswith('<article class="card message read"')
    assert Message.objects.of(wang).unread().count() == 2
    browser.post("/messages/read/")

    assert not Message.objects.of(wang).unread().exists()


def test_nobody_reads_or_marks_what_is_another_members(wang, anna, points):
    earn(member=wang, kind=points, points=4321, key="secret", now=NOW)
    queue_message(member=wang, template="points_earned", key="secret", now=NOW, context={"points": 4321, "balance": 1})
    message = Message.objects.of(wang).get()
    browser = browser_of(anna)

    for page in PAGES:
        words = text_of(browser.get(page))
        assert not {"4,321", "4321", "王小明", wang.number, "5678"} & set(words.split())
        assert "wang" not in words
    answer = browser.post(f"/messages/{message.pk}/read/")
    browser.post("/messages/read/")

    assert answer.status_code == 404
    message.refresh_from_db()
    assert message.read_at is None


def test_every_portal_address_is_known_to_these_tests():
    """A new address must be asked for by a stranger and by another member before it goes out."""
    known = {
        "home", "statement", "card", "inbox", "read_all", "read_message", "me", "choose_theme", "choose_language",
        "account_login", "account_confirm_login_code", "account_signup", "account_logout", "demo_mail", "my_tier",
        "buy_tier", "why_sale", "why_event", "no_points", "offers", "give_points", "my_household",
        "preferences", "unsubscribe", "confirm_address", "privacy", "choose_privacy", "erase_me", "take_along_json",
        "take_along_html", "about_me", "my_address", "change_photo", "my_photo", "confirm_profile",
        "bring_friends", "join_by", "my_treats",
        *(f"household_{step}" for step in STEPS),
    }  # fmt: skip

    assert set(portal_names(get_resolver())) <= known


def portal_names(resolver):
    for pattern in resolver.url_patterns:
        route = str(pattern.pattern)
        if isinstance(pattern, URLResolver) and not route.startswith(("admin", "api")):
            yield from portal_names(pattern)
        elif isinstance(pattern, URLPattern) and not route.startswith(("admin", "api", "static")):
            yield pattern.name


def test_the_profile_changes_what_a_member_may_change_and_nothing_else(wang):
    before = Member.objects.values("number", "home_store", "source", "user", "enrolled_at").get(pk=wang.pk)
    browser = browser_of(wang)

    browser.post(
        "/me/", {"name": "王大明", "birth_on": "1988-05-04", "number": "1", "source": "import", "custom": "{}"}
    )

    wang.refresh_from_db()
    assert (wang.name, str(wang.birth_on)) == ("王大明", "1988-05-04")
    before["user"] = wang.user_id
    assert Member.objects.values(*before).get(pk=wang.pk) == before


@pytest.mark.parametrize("typed", [{"birth_on": "2030-01-01"}, {"birth_on": "1700-01-01"}, {"name": "a\u202eb"}])
def test_a_profile_that_cannot_be_is_refused_at_its_field(wang, typed):
    response = browser_of(wang).post("/me/", {"name": "王小明", **typed})

    assert response.status_code == 200
    assert response.context["form"].errors.keys() == typed.keys()
    wang.refresh_from_db()
    assert (wang.name, wang.birth_on) == ("王小明", None)


def test_identities_are_masked(wang):
    words = text_of(browser_of(wang).get("/me/"))

    assert "138****5678" in words
    assert "w***@example.com" in words
    assert "13812345678" not in words


def test_the_language_follows_the_reader_on_pages_and_in_messages(wang):
    browser = browser_of(wang, "zh-CN")
    assert 'lang="zh-hans"' in browser.get("/").content.decode()

    browser.post("/me/language/", {"language": "en", "next": "/me/"})

    assert 'lang="en"' in browser.get("/").content.decode()
    wang.refresh_from_db()
    assert wang.language == "en"
    browser.post("/me/language/", {"language": "tlh"})
    wang.refresh_from_db()
    assert wang.language == "en"


def test_light_or_dark_is_kept_until_the_device_decides_again(wang):
    browser = browser_of(wang)

    browser.post("/me/theme/", {"theme": "dark", "next": "/card/"})
    assert 'data-theme="dark"' in browser.get("/").content.decode()
    browser.post("/me/theme/", {"theme": '"><script>'})

    assert "data-theme" not in browser.get("/").content.decode()


@pytest.mark.parametrize("address", ["/me/theme/", "/me/language/"])
def test_a_choice_never_leads_to_another_site(client, db, address):
    response = client.post(address, {"theme": "dark", "language": "en", "next": "https://evil.example/"})

    assert response["Location"] == "/"


@pytest.mark.parametrize("page", [*PAGES, "/accounts/login/", "/nothing/here/"])
def test_pages_allow_nothing_from_elsewhere_and_nothing_inline(wang, page):
    response = browser_of(wang).get(page) if page != "/accounts/login/" else Client().get(page)

    policy = response["Content-Security-Policy"]
    html = response.content.decode()
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:|<script(?![^>]*\ssrc=)", html)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', html)
    if page in PAGES:
        assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("language", [ENGLISH, CHINESE])
def test_errors_are_pages_of_ours_in_both_languages(db, language):
    page = Client().get("/nothing/here/", **language)

    assert page.status_code == 404
    assert ("There is nothing here" in page.content.decode()) == (language is ENGLISH)


def test_a_form_without_its_token_is_refused_kindly(db):
    response = Client(enforce_csrf_checks=True).post("/me/theme/", {"theme": "dark"}, **ENGLISH)

    assert response.status_code == 403
    assert "This page is too old" in response.content.decode()


def test_the_page_for_our_own_mistakes_needs_no_database(rf, settings, django_assert_num_queries, db):
    from config import portal

    with django_assert_num_queries(0):
        page = portal.broken(rf.get("/"))
        answer = portal.broken(rf.get("/api/v1/sales"))

    assert page.status_code == 500
    assert answer.headers["Content-Type"] == "application/json"


def test_the_home_page_asks_few_questions(wang, points, django_assert_max_num_queries):
    for turn in range(40):
        earn(member=wang, kind=points, points=10, key=f"e{turn}", now=NOW - timedelta(days=turn))
    browser = browser_of(wang)

    with django_assert_max_num_queries(19):
        browser.get("/")
