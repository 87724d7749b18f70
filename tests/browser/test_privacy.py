"""Members on their phones: choose what they get, also without JavaScript, leave and stay, end messages by a link."""

from datetime import timedelta

import pytest

from members.consents.actions import Said, say
from members.consents.models import Consent
from members.contact.models import ContactRule, Preference
from members.messaging.actions import queue_message, unsubscribe_link
from members.messaging.models import Message
from members.privacy.actions import erase_due
from members.privacy.models import Erasure, Look
from members.profiles.models import Member
from tests.browser.walk import WIDE, enter_admin, hire, overflow, sign_in
from tests.factories import NOW, MemberFactory

LOCALES = ["zh-CN", "en-GB"]
TOUCH = 44  # px
SMALL = "els => els.map(e => e.getBoundingClientRect()).filter(r => r.width && r.height < %s).length" % TOUCH  # noqa: UP031


def member():
    return MemberFactory.create(name="王芳", phone="13812345678", email="wang@example.com", now=NOW)


@pytest.mark.parametrize("locale", LOCALES)
def test_a_member_chooses_without_javascript(open_browser, transactional_db, live_server, settings, locale):
    from playwright.sync_api import expect

    settings.SITE_URL, wang = live_server.url, member()
    page = open_browser(locale=locale, java_script_enabled=False)
    sign_in(page, "13812345678", locale)
    page.goto("/me/messages/")

    page.locator("input[name='marketing-sms']").check()
    page.locator("input[name='marketing-email']").check()
    page.locator("input[name='care-inbox']").uncheck()
    page.locator("input[name='topics'][value='events']").uncheck()
    page.locator("select[name='most_a_month']").select_option("2")
    page.locator("main form button.first").click()

    expect(page.locator(".note.good")).to_be_visible()
    stands = {(each.purpose, each.channel): each.is_given for each in Consent.objects.of(wang)}
    assert stands == {("marketing", "sms"): True, ("care", "inbox"): False}
    assert (Preference.objects.get().unwanted, Preference.objects.get().most_a_month) == (["events"], 2)
    page.locator(".note.warn a").click()
    page.locator("main form button.first").click()
    expect(page.locator("main [role=status]")).to_be_visible()
    assert Consent.objects.of(wang).get(channel="email").is_given


@pytest.mark.parametrize("locale", LOCALES)
def test_what_is_touched_is_large_enough_and_nothing_is_too_wide(open_browser, transactional_db, locale):
    member()
    page = open_browser(locale=locale)
    sign_in(page, "13812345678", locale)

    for address in ("/me/messages/", "/me/privacy/", "/me/privacy/erase/"):
        page.goto(address)
        assert overflow(page) <= 0, address
        assert page.locator("main button, main .button, main .tick, main select").evaluate_all(SMALL) == 0, address


@pytest.mark.parametrize("locale", LOCALES)
def test_a_member_asks_to_be_erased_takes_it_back_and_then_leaves(open_browser, transactional_db, locale):
    from playwright.sync_api import expect

    wang, word = member(), {"zh-CN": "删除资料", "en-GB": "erase me"}[locale]
    page = open_browser(locale=locale)
    sign_in(page, "13812345678", locale)
    page.goto("/me/privacy/erase/")

    page.locator("input[name=word]").fill("yes")
    page.locator("main form button.first").click()
    expect(page.locator(".field .error")).to_be_visible()
    assert not Erasure.objects.exists()
    page.locator("input[name=word]").fill(word)
    page.locator("main form button.first").click()
    page.locator("button[name=stay]").click()
    expect(page.locator(".note.good")).to_be_visible()
    assert Erasure.objects.get().status == "withdrawn"
    page.goto("/me/privacy/erase/")
    page.locator("input[name=word]").fill(word)
    page.locator("main form button.first").click()
    expect(page.locator("button[name=stay]")).to_be_visible()
    assert erase_due(now=Erasure.objects.get(status="waiting").due_at + timedelta(minutes=1)) == 1

    page.goto("/me/privacy/")
    expect(page.locator("input[name=address]")).to_be_visible()  # signed out, and asked who they are
    assert Member.objects.get(pk=wang.pk).name == ""


def test_everything_can_be_taken_along(open_browser, transactional_db):
    member()
    page = open_browser()
    sign_in(page, "13812345678", "en-GB")
    page.goto("/me/privacy/")

    with page.expect_download() as html:
        page.locator("a[href$='all.html']").click()
    with page.expect_download() as data:
        page.locator("a[href$='all.json']").click()

    for download in (html.value, data.value):
        assert "+8613812345678" in download.path().read_text()


@pytest.mark.parametrize("locale", LOCALES)
def test_the_link_of_a_mail_ends_it_without_signing_in(open_browser, transactional_db, live_server, settings, locale):
    from playwright.sync_api import expect

    settings.SITE_URL, wang = live_server.url, member()
    ContactRule.objects.update(quiet_from=None, quiet_until=None)
    said = Said(source="portal")
    say(member=wang, purpose="marketing", channel="sms", is_given=True, said=said, key="1", now=NOW)
    queue_message(
        member=wang, template="points_earned", key="n", now=NOW, context={}, channels=["sms"], purpose="marketing"
    )
    page = open_browser(locale=locale)

    page.goto(unsubscribe_link(Message.objects.get().pk))
    page.locator("button[name=one]").click()

    expect(page.locator("main [role=status]")).to_be_visible()
    assert overflow(page) <= 0
    assert not Consent.objects.get().is_given


def test_service_shows_a_phone_for_a_reason_and_the_member_reads_it(open_browser, transactional_db):
    from playwright.sync_api import expect

    wang = member()
    hire("service", role="service", stores=[wang.home_store])
    desk, phone = open_browser(viewport=WIDE), open_browser()
    enter_admin(desk, "service")
    desk.goto(f"/admin/members/member/{wang.pk}/change/")
    expect(desk.get_by_text("138****5678")).to_be_visible()
    assert "13812345678" not in desk.content()

    desk.get_by_role("link", name="Show contacts").click()
    desk.get_by_role("button", name="Show the contacts").click()

    expect(desk.get_by_text("+8613812345678")).to_be_visible()
    assert overflow(desk) <= 0
    assert Look.objects.count() == 1
    sign_in(phone, "13812345678", "en-GB")
    phone.goto("/me/privacy/")
    expect(phone.get_by_text("To call the member back")).to_be_visible()
