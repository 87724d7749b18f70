"""Consents: a yes and a no with proof, whose no stands, children, addresses that are proved, messages held back."""

from datetime import date, time, timedelta

import pytest
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from members.consents.actions import (
    Said,
    ask_by_mail,
    confirm_by_mail,
    join_consents,
    part_consents,
    say,
    speak_for,
    write_wording,
)
from members.consents.models import Consent, ConsentChange, OptIn, Wording, personalised
from members.consents.rules import (
    AddressUnproved,
    ConsentKeyReused,
    DeadLink,
    GuardianNeeded,
    MemberRestricted,
    NoAddress,
    NotAChild,
    NothingToConsent,
    OwnNo,
    ProofMissing,
    WordingEmpty,
    is_child,
)
from members.contact.actions import prefer
from members.contact.models import ContactRule, Preference
from members.contact.rules import BadPreference
from members.kit.rates import counters
from members.messaging.actions import (
    claim_due,
    queue_message,
    queue_messages,
    send_due,
    send_sign_in_code,
    unsubscribe_link,
)
from members.messaging.models import Message, Template
from members.preferences.actions import TooManyLinks, answer, answers_of, ask_to_confirm, unsubscribe
from members.profiles.actions import update_profile, verify_identity
from members.profiles.models import Member
from members.signin.actions import Address, open_account
from tests.factories import NOW, MemberFactory, UserFactory
from tests.races import all_at_once

IN_PERSON = Said(source="portal", language="zh-hans", trace="203.0.113.7")
NIGHT = NOW + timedelta(hours=10)  # 22:00 in Shanghai
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nobody_was_counted():
    cache.clear()
    counters().flushdb()
    Template.objects.create(code="news", language="zh-hans", subject="新茶", body="{{ name }}，新茶到了。")


@pytest.fixture
def wang():
    member = MemberFactory.create(phone="13812345678", email="wang@example.com")
    verify_identity(member=member, kind="email", value="wang@example.com", now=NOW)
    return member


@pytest.fixture
def anna():
    return UserFactory.create(role="clerk")


def at_counter(by, proof="slip 2041"):
    return Said(source="staff", by=by, proof=proof)


def yes(member, purpose="marketing", channel="email", said=IN_PERSON, key="1", now=NOW):
    return say(member=member, purpose=purpose, channel=channel, is_given=True, said=said, key=key, now=now)


def no(member, purpose="marketing", channel="email", said=IN_PERSON, key="2", now=NOW):
    return say(member=member, purpose=purpose, channel=channel, is_given=False, said=said, key=key, now=now)


def stands(member):
    return {(each.purpose, each.channel): each.is_given for each in Consent.objects.of(member)}


def news(member, key="n1", now=NOW, channels=("email",), **more):
    told = {"purpose": "marketing", "template": "news", "context": {}, "channels": channels} | more
    queue_message(member=member, key=key, now=now, **told)
    return list(Message.objects.of(member).filter(key=key).order_by("channel").values_list("status", "reason"))


def test_a_yes_is_kept_with_its_proof(wang):
    change = yes(wang)

    assert stands(wang) == {("marketing", "email"): True}
    assert (change.wording.version, change.language, change.trace, change.source) == (
        1,
        "zh-hans",
        "203.0.113.7",
        "portal",
    )
    assert list(Consent.objects.given(purpose="marketing", channel="email", at=NOW)) == [Consent.objects.get()]
    assert not Consent.objects.given(purpose="marketing", channel="email", at=NOW - timedelta(days=1)).exists()
    assert not Consent.objects.given(purpose="marketing", channel="sms", at=NOW).exists()


def test_saying_the_same_again_changes_nothing_and_a_key_means_one_thing(wang):
    first = yes(wang)

    assert yes(wang) == first
    assert yes(wang, key="other") is None
    with pytest.raises(ConsentKeyReused):
        no(wang, key="1")
    assert ConsentChange.objects.count() == 1


def test_newer_words_are_agreed_to_anew(wang):
    yes(wang)
    newer = write_wording(purpose="marketing", text_zh="新的说法", text_en="new words", by=None, now=NOW)

    change = yes(wang, key="again")

    assert (newer.version, change.wording) == (2, newer)
    assert ConsentChange.objects.count() == 2


@pytest.mark.parametrize(
    "statement", ["UPDATE members_consentchange SET is_given = false", "DELETE FROM members_consentchange"]
)
def test_the_database_refuses_to_change_a_proof(wang, statement):
    yes(wang)
    Consent.objects.all().delete()

    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert ConsentChange.objects.get().is_given


def test_words_that_members_agreed_to_are_never_changed():
    with pytest.raises(DatabaseError), transaction.atomic():
        Wording.objects.update(text_en="other words")
    with pytest.raises(WordingEmpty):
        write_wording(purpose="care", text_zh="好", text_en=" ", by=None, now=NOW)
    assert Wording.objects.filter(purpose="care").count() == 1


def test_staff_write_down_a_yes_with_proof_and_never_turn_a_members_own_no_round(wang, anna):
    with pytest.raises(ProofMissing):
        yes(wang, channel="sms", said=at_counter(anna, proof=" "))
    yes(wang, channel="sms", said=at_counter(anna))
    no(wang, channel="sms")

    with pytest.raises(OwnNo):
        yes(wang, channel="sms", said=at_counter(anna), key="3")

    assert stands(wang) == {("marketing", "sms"): False}
    assert yes(wang, channel="sms", key="4").is_given


def test_a_no_that_staff_wrote_down_may_become_a_yes_at_the_counter(wang, anna):
    no(wang, channel="sms", said=at_counter(anna))

    yes(wang, channel="sms", said=at_counter(anna))

    assert stands(wang) == {("marketing", "sms"): True}


@pytest.mark.parametrize(
    ("purpose", "channel"), [("service", "email"), ("marketing", ""), ("profiling", "sms"), ("x", "sms")]
)
def test_nobody_is_asked_about_what_is_no_question(wang, purpose, channel):
    with pytest.raises(NothingToConsent):
        no(wang, purpose=purpose, channel=channel)
    assert not ConsentChange.objects.exists()


def test_a_child_needs_a_guardian_before_any_yes(wang, anna):
    child = update_profile(member=wang, birth_on=date(2013, 6, 1), now=NOW)
    with pytest.raises(GuardianNeeded):
        yes(child)

    speak_for(member=child, name="王建国", proof="slip 7", by=anna, now=NOW)

    assert yes(child).guardian == "王建国"
    assert news(child) == [("queued", "")]
    with pytest.raises(NotAChild):
        speak_for(member=MemberFactory.create(), name="x", proof="y", by=anna, now=NOW)


def test_who_turns_out_to_be_a_child_gets_no_more_marketing(wang):
    yes(wang)
    update_profile(member=wang, birth_on=date(2013, 6, 1), now=NOW)

    assert news(wang) == [("suppressed", "guardian")]


def test_an_age_is_counted_by_birthdays():
    assert is_child(date(2012, 3, 10), date(2026, 3, 9), 14)
    assert not is_child(date(2012, 3, 9), date(2026, 3, 9), 14)
    assert not is_child(None, date(2026, 3, 9), 14)


# E-mail that nobody proved


def test_a_yes_to_an_unproved_address_counts_once_its_holder_opens_the_link(anna):
    li = MemberFactory.create(email="li@example.com")
    with pytest.raises(AddressUnproved):
        yes(li, said=at_counter(anna))
    _asked, link = ask_by_mail(member=li, purposes=["marketing", "care"], said=at_counter(anna), now=NOW)
    assert not stands(li)

    confirm_by_mail(link=link, trace="203.0.113.9", now=NOW + timedelta(days=1))

    assert stands(li) == {("marketing", "email"): True, ("care", "email"): True}
    assert li.identities.get(kind="email").verified_at
    assert ConsentChange.objects.filter(source="mail", proof="slip 2041").count() == 2


def test_a_link_works_once_and_not_for_ever_and_not_for_another_address(anna):
    li = MemberFactory.create(email="li@example.com")
    _old, first = ask_by_mail(member=li, purposes=["marketing"], said=IN_PERSON, now=NOW)
    _new, link = ask_by_mail(member=li, purposes=["marketing"], said=IN_PERSON, now=NOW)

    for dead, moment in ((first, NOW), (link, NOW + timedelta(days=7)), (link + "x", NOW), ("x", NOW), ("9" * 30, NOW)):
        with pytest.raises(DeadLink):
            confirm_by_mail(link=dead, trace="", now=moment)
    assert not stands(li)
    confirm_by_mail(link=link, trace="", now=NOW)
    with pytest.raises(DeadLink):
        confirm_by_mail(link=link, trace="", now=NOW)
    with pytest.raises(NoAddress):
        ask_by_mail(member=MemberFactory.create(), purposes=["care"], said=IN_PERSON, now=NOW)


def test_the_mail_with_the_link_is_wiped_once_it_is_sent(mailbox):
    li = MemberFactory.create(email="li@example.com")

    address = ask_to_confirm(member=li, purposes=["marketing"], said=IN_PERSON, now=NOW)
    send_due(now=NOW)

    [mail] = mailbox.wait_for(1)
    assert address in mail.get_content()
    assert Message.objects.get().context == {}
    assert mail["List-Unsubscribe"] is None


# Messages


def test_service_asks_nobody_and_all_else_asks_for_a_yes(wang):
    assert news(wang, purpose="service", key="s") == [("queued", "")]
    assert news(wang) == [("suppressed", "no_consent")]
    yes(wang)
    assert news(wang, key="n2") == [("queued", "")]
    no(wang, key="3")
    assert news(wang, key="n3", channels=("email", "inbox")) == [("suppressed", "no_consent")] * 2


def test_the_inbox_of_those_who_were_never_asked_is_the_shops_to_open_and_a_no_closes_it(wang):
    assert news(wang, key="a", purpose="care", channels=("inbox",)) == [("delivered", "")]
    assert news(wang, key="b", channels=("inbox",)) == [("suppressed", "no_consent")]
    ContactRule.objects.filter(purpose="care").update(inbox_unasked=False, most_a_day=None)
    assert news(wang, key="c", purpose="care", channels=("inbox",)) == [("suppressed", "no_consent")]
    ContactRule.objects.filter(purpose="care").update(inbox_unasked=True)
    no(wang, purpose="care", channel="inbox")
    assert news(wang, key="d", purpose="care", channels=("inbox",)) == [("suppressed", "no_consent")]


def test_a_consent_withdrawn_after_queueing_is_seen_before_sending(wang, mailbox):
    yes(wang)
    news(wang)
    no(wang)

    assert send_due(now=NOW) == 0

    message = Message.objects.get()
    assert (message.status, message.reason, message.leased_until) == ("suppressed", "no_consent", None)
    assert mailbox.messages == []


def test_a_pause_holds_everything_back_but_service_and_ends_on_its_day(wang, mailbox):
    yes(wang)
    news(wang, key="before")
    prefer(member=wang, paused_until=date(2026, 3, 12), now=NOW)

    assert news(wang) == [("suppressed", "paused")]
    assert send_due(now=NOW) == 0
    assert Message.objects.get(key="before").reason == "paused"
    assert news(wang, key="service", purpose="service") == [("queued", "")]
    assert news(wang, key="after", now=NOW + timedelta(days=3)) == [("queued", "")]


def test_a_topic_that_a_member_can_do_without_is_not_sent(wang):
    yes(wang)
    prefer(member=wang, unwanted=["events"], now=NOW)

    assert news(wang, topic="events") == [("suppressed", "topic")]
    assert news(wang, key="n2", topic="new") == [("queued", "")]


def test_so_many_a_month_by_the_members_own_wish_whatever_for(wang):
    yes(wang)
    yes(wang, purpose="care", key="c")
    prefer(member=wang, most_a_month=2, now=NOW)
    ContactRule.objects.update(most_a_day=None, most_a_week=None, most_a_month=None)

    found = [news(wang, key="a"), news(wang, key="b", purpose="care"), news(wang, key="c")]

    assert found == [[("queued", "")], [("queued", "")], [("suppressed", "frequency")]]
    assert news(wang, key="later", now=NOW + timedelta(days=31)) == [("queued", "")]


def test_the_shops_own_limits_count_a_thing_said_twice_as_one(wang):
    yes(wang)
    yes(wang, channel="sms", key="s")
    ContactRule.objects.filter(purpose="marketing").update(most_a_day=1, most_a_week=None, most_a_month=None)

    assert news(wang, channels=("email", "sms")) == [("queued", "")] * 2
    assert news(wang, key="n2") == [("suppressed", "frequency")]
    assert news(wang, key="n3", now=NOW + timedelta(days=1, minutes=1)) == [("queued", "")]


def test_many_at_once_are_judged_one_by_one(wang):
    yes(wang)
    rows = [(wang.pk, "a", {}), (wang.pk, "b", {}), (MemberFactory.create(email="x@example.com").pk, "a", {})]

    written = queue_messages(rows=rows, template="news", now=NOW, channels=("email",), purpose="marketing")

    assert written == 3
    assert list(Message.objects.order_by("member", "key").values_list("reason", flat=True)) == [
        "",
        "frequency",
        "no_consent",
    ]


def test_limits_count_again_when_sent(wang, mailbox):
    yes(wang)
    ContactRule.objects.update(most_a_day=None, most_a_week=None, most_a_month=None)
    for key in "abc":
        news(wang, key=key)
    prefer(member=wang, most_a_month=2, now=NOW)

    send_due(now=NOW)

    assert len(mailbox.wait_for(2)) == 2
    assert Message.objects.filter(status="suppressed", reason="frequency").count() == 1


def test_nothing_rings_at_night_by_the_members_clock(wang, mailbox):
    yes(wang)
    yes(wang, channel="inbox", key="i")

    assert news(wang, now=NIGHT, channels=("email", "inbox")) == [("queued", "quiet_hours"), ("delivered", "")]
    held = Message.objects.get(channel="email")
    assert held.due_at == NOW + timedelta(hours=21)  # nine the next morning
    prefer(member=wang, time_zone="Europe/Berlin", now=NOW)
    assert news(wang, now=NIGHT + timedelta(days=2), key="n2") == [("queued", "")]


def test_quiet_hours_that_begin_after_queueing_hold_the_message(wang, mailbox):
    yes(wang)
    news(wang)

    assert claim_due(now=NIGHT, limit=10, lease=timedelta(minutes=10)) == []

    message = Message.objects.get()
    assert (message.status, message.reason, message.due_at) == ("queued", "quiet_hours", NOW + timedelta(hours=21))
    assert send_due(now=message.due_at) == 1


def test_quiet_hours_within_one_day(wang):
    yes(wang)
    ContactRule.objects.update(quiet_from=time(11), quiet_until=time(13))

    assert news(wang) == [("queued", "quiet_hours")]
    assert Message.objects.get().due_at == NOW + timedelta(hours=1)


def test_who_is_restricted_gets_nothing_and_who_was_erased_not_even_a_row(wang, mailbox):
    yes(wang)
    news(wang, key="before")
    Member.objects.filter(pk=wang.pk).update(restricted_at=NOW)

    assert news(wang) == [("suppressed", "restricted")]
    assert news(wang, key="s", purpose="service") == [("suppressed", "restricted")]
    assert send_due(now=NOW) == 0
    with pytest.raises(MemberRestricted):
        yes(wang, channel="sms", key="x")
    Member.objects.filter(pk=wang.pk).update(restricted_at=None, erased_at=NOW, name="")
    assert news(wang, key="t", purpose="service") == []


def test_who_is_restricted_can_still_sign_in(wang, mailbox):
    Member.objects.filter(pk=wang.pk).update(restricted_at=NOW)

    send_sign_in_code(member=wang, channel="email", address="wang@example.com", code="123456", now=NOW)
    send_due(now=NOW)

    assert len(mailbox.wait_for(1)) == 1


# Preferences and links


@pytest.mark.parametrize(
    "wish",
    [
        {"most_a_month": -1}, {"most_a_month": 99}, {"paused_until": date(2031, 1, 1)}, {"unwanted": ["nothing"]},
        {"time_zone": "Mars/Olympus"},
    ],
)  # fmt: skip
def test_a_wish_that_cannot_be_is_refused(wang, wish):
    with pytest.raises(BadPreference):
        prefer(member=wang, now=NOW, **wish)
    assert not Preference.objects.exists()


def test_answers_stand_by_what_was_said_and_what_the_shop_opens(wang):
    assert answers_of(wang)["care", "inbox"]
    assert not answers_of(wang)["marketing", "inbox"]
    assert answers_of(wang)["profiling", ""]

    made = answer(
        member=wang, wanted={("care", "inbox"): False, ("marketing", "email"): True, ("profiling", ""): False},
        said=IN_PERSON, key="k", now=NOW,
    )  # fmt: skip

    assert (made.changed, made.link) == (3, "")
    assert stands(wang) == {("care", "inbox"): False, ("marketing", "email"): True, ("profiling", ""): False}


def test_an_unsubscribe_link_carries_no_name_and_ends_one_kind_of_message(wang, mailbox):
    yes(wang)
    yes(wang, channel="sms", key="s")
    news(wang)
    send_due(now=NOW)

    [mail] = mailbox.wait_for(1)

    link = mail["List-Unsubscribe"].strip(" <>")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link == unsubscribe_link(Message.objects.get().pk)
    assert link in mail.get_content()
    assert not any(secret in link for secret in ("wang", "138", wang.number))
    outside, path = Client(enforce_csrf_checks=True), "/" + link.split("/", 3)[3]
    assert outside.get(path).status_code == 200
    assert stands(wang)["marketing", "email"]
    assert outside.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert stands(wang) == {("marketing", "email"): False, ("marketing", "sms"): True}
    assert ConsentChange.objects.get(source="link").is_given is False
    assert outside.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert ConsentChange.objects.filter(source="link").count() == 1


def test_the_link_can_end_all_but_service(wang):
    yes(wang)
    news(wang)

    unsubscribe(message=Message.objects.get(), is_all=True, trace="", now=NOW)

    assert set(stands(wang).values()) == {False}
    assert len(stands(wang)) == 9
    assert Consent.objects.of(wang).filter(is_own=True).count() == 9


@pytest.mark.parametrize("token", ["1", "1:abc", "x", "9" * 40])
def test_a_link_that_we_did_not_sign_changes_nothing(wang, token):
    response = Client().post(f"/stop/{token}/")

    assert response.status_code == 404
    assert not ConsentChange.objects.exists()


def test_who_said_no_to_profiling_is_left_out_of_what_is_personal(wang):
    child = MemberFactory.create(birth_on=date(2015, 1, 1))
    li, zhao = MemberFactory.create(), MemberFactory.create()
    no(wang, purpose="profiling", channel="")
    Member.objects.filter(pk=zhao.pk).update(restricted_at=NOW)

    assert list(personalised(Member.objects.all(), at=NOW)) == [li]
    assert child in Member.objects.usable()


def signed_in(member):
    client = Client(headers={"accept-language": "en"})
    user = open_account(member=member, address=Address("phone", "+8613812345678"), now=NOW)
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"paused_until": "2099-01-01"}, "2099-01-01 cannot be chosen."),
        ({"paused_until": "soon"}, "Enter a valid date"),
        ({"most_a_month": "400"}, "not one of the available choices"),
        ({"topics": ["x"]}, "not one of the available choices"),
    ],
)
def test_the_preference_centre_says_what_cannot_be_chosen_and_keeps_the_rest_as_it_was(wang, said, words):
    response = signed_in(wang).post("/me/messages/", {"marketing-sms": "on"} | said)

    assert words in response.content.decode()
    assert not Preference.objects.exists()
    assert not stands(wang)


def test_a_child_reads_in_the_preference_centre_who_must_come_along(wang):
    update_profile(member=wang, birth_on=timezone.localdate() - timedelta(days=3000), now=timezone.now())
    client = signed_in(wang)

    page = client.post("/me/messages/", {"marketing-sms": "on", "care-inbox": "on"}).content.decode()

    assert "A parent or guardian must agree in a store first." in page
    assert "You are under 14" in page
    assert not stands(wang)


def test_looking_at_a_link_proves_nothing(wang):
    li = MemberFactory.create(email="li@example.com")
    address = ask_to_confirm(member=li, purposes=["marketing"], said=IN_PERSON, now=timezone.now())
    path = "/" + address.split("/", 3)[3]

    assert Client().get(path).status_code == 200
    assert not stands(li)
    assert Client().post(path).status_code == 200
    assert stands(li) == {("marketing", "email"): True}
    assert Client().get(path).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_what_stands_is_what_was_said_last_whoever_speaks_at_once():
    wang = MemberFactory.create()

    def speak(number):
        return say(
            member=wang, purpose="marketing", channel="sms", is_given=number % 2 == 0, said=IN_PERSON, key=f"k{number}",
            now=NOW,
        )  # fmt: skip

    all_at_once(speak, 6)

    newest = ConsentChange.objects.order_by("-pk").first()
    assert Consent.objects.get().change == newest
    assert stands(wang) == {("marketing", "sms"): newest.is_given}


# Two who are one


def test_when_two_become_one_any_no_is_a_no_and_an_undoing_gives_back_what_stood(wang):
    twin = MemberFactory.create(email="twin@example.com")
    verify_identity(member=twin, kind="email", value="twin@example.com", now=NOW)
    yes(wang)
    no(twin)
    yes(twin, channel="sms", key="s")

    made = join_consents(survivor=wang, duplicate=twin, key="merge:1", now=NOW)

    assert stands(wang) == {("marketing", "email"): False, ("marketing", "sms"): True}
    part_consents(survivor=wang, made=made, key="unmerge:1", now=NOW)
    assert stands(wang) == {("marketing", "email"): True}
    assert stands(twin) == {("marketing", "email"): False, ("marketing", "sms"): True}


def test_nobody_confirms_links_by_the_dozen(wang):
    li = MemberFactory.create(email="li@example.com")
    for _each in range(5):
        ask_to_confirm(member=li, purposes=["marketing"], said=IN_PERSON, now=NOW)

    with pytest.raises(TooManyLinks):
        ask_to_confirm(member=li, purposes=["marketing"], said=IN_PERSON, now=NOW)
    assert OptIn.objects.count() == 5
