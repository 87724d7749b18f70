"""Consents over the tills' API: what stands, in which words, and a yes that a shop's own form took down."""

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from members.consents.actions import Said, say, write_wording
from members.consents.models import Consent, ConsentChange, Wording
from members.kit.rates import counters
from members.messaging.models import Message
from members.webhooks.actions import keep_endpoint, sweep
from members.webhooks.models import Endpoint, Occurrence
from tests.factories import NOW, MemberFactory, TillFactory

pytestmark = pytest.mark.django_db
OWN = Said(source="portal", language="zh-hans", trace="203.0.113.7")


@pytest.fixture(autouse=True)
def fresh_counters():
    cache.clear()
    counters().flushdb()


@pytest.fixture
def till():
    return TillFactory.create()


@pytest.fixture
def member(till):
    return MemberFactory.create(name="王小明", phone="13812345678", home_store=till.store, now=NOW)


def call(till, member, body=None, key="form-1"):
    """What the till is answered: to a body it says, or to a question."""
    client = Client(headers={"accept-language": "en"})
    headers = {"authorization": f"Bearer {till.key}"}
    path = f"/api/v1/members/{member.number}/consents"
    if body is None:
        return client.get(path, headers=headers)
    return client.post(path, body, content_type="application/json", headers=headers | {"idempotency-key": key})


def version_of(purpose):
    return Wording.objects.newest(purpose).version


def yes_to(purpose="marketing", channel="sms", **more):
    answer = {"purpose": purpose, "channel": channel, "is_given": True, "wording": version_of(purpose)}
    return {"answers": [answer | more], "language": "en", "proof": "web form 4711"}


def test_a_till_learns_where_a_member_stands_and_what_to_show(till, member):
    say(member=member, purpose="care", channel="sms", is_given=False, said=OWN, key="own", now=NOW)

    told = call(till, member).json()

    stands = {(each["purpose"], each["channel"]): each for each in told["consents"]}
    assert stands["care", "sms"] == {
        "purpose": "care", "channel": "sms", "is_given": False, "is_own": True, "since": "2026-03-09T04:00:00Z",
    }  # fmt: skip
    assert stands["marketing", "sms"]["since"] is None
    assert stands["profiling", ""]["is_given"] is True
    words = {each["purpose"]: each for each in told["wordings"]}
    assert words["marketing"]["text_zh"] == Wording.objects.newest("marketing").text_zh
    assert set(words) == {"care", "marketing", "survey", "profiling"}


def test_a_yes_at_the_till_is_kept_with_its_wording_store_and_proof_and_once(till, member):
    first = call(till, member, yes_to())
    again = call(till, member, yes_to())

    assert first.json()["changed"] == 1
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replay"] == "true"
    change = ConsentChange.objects.get(member=member)
    assert (change.source, change.store, change.proof) == ("till", till.store, "web form 4711")
    assert (change.wording, change.language) == (Wording.objects.newest("marketing"), "en")
    assert Consent.objects.get(member=member).is_own is False


def test_a_no_needs_neither_wording_nor_proof(till, member):
    call(till, member, yes_to())

    told = call(till, member, {"answers": [{"purpose": "marketing", "channel": "sms", "is_given": False}]}, key="no")

    assert told.json()["changed"] == 1
    assert Consent.objects.get(member=member).is_given is False


def test_a_yes_to_an_address_that_nobody_proved_is_mailed_a_link(till):
    member = MemberFactory.create(email="wang@example.com", home_store=till.store, now=NOW)

    told = call(till, member, yes_to(channel="email")).json()

    assert (told["changed"], told["is_mailed"]) == (0, True)
    assert not Consent.objects.filter(member=member).exists()
    assert Message.objects.get(member=member).channel == "email"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (lambda: yes_to(wording=None), 409, "other_words"),
        (lambda: yes_to(wording=99), 409, "other_words"),
        (lambda: yes_to() | {"proof": " "}, 400, "proof_missing"),
        (lambda: yes_to(channel=""), 400, "nothing_to_consent"),
        (lambda: yes_to(purpose="profiling", channel="sms"), 400, "nothing_to_consent"),
        (lambda: yes_to(channel="email"), 409, "no_address"),
        (lambda: {"answers": yes_to()["answers"] * 2, "proof": "slip 7"}, 409, "answered_twice"),
        (lambda: {"answers": []}, 400, "invalid"),
        (lambda: {"answers": [{"purpose": "service", "channel": "sms", "is_given": True}]}, 400, "invalid"),
        (lambda: yes_to() | {"proof": "x" * 201}, 400, "invalid"),
    ],
)
def test_what_is_no_proof_of_consent_is_refused_and_nothing_is_kept(till, member, body, status, code):
    refused = call(till, member, body())

    assert refused.status_code == status, refused.content
    assert refused.json()["error"]["code"] == code
    assert not ConsentChange.objects.exists()


def test_older_words_than_those_that_count_are_refused(till, member):
    shown = yes_to()
    write_wording(purpose="marketing", text_zh="新的措辞", text_en="Other words", by=None, now=timezone.now())

    refused = call(till, member, shown)

    assert refused.json()["error"]["code"] == "other_words"
    assert not ConsentChange.objects.exists()


def test_a_till_does_not_turn_a_members_own_no_round_not_even_beside_other_answers(till, member):
    say(member=member, purpose="marketing", channel="sms", is_given=False, said=OWN, key="own", now=NOW)
    both = yes_to()
    both["answers"].insert(0, yes_to(purpose="care")["answers"][0])

    refused = call(till, member, both)

    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "own_no"
    assert ConsentChange.objects.count() == 1


def test_a_changed_consent_is_told_to_endpoints(till, member, settings):
    settings.WEBHOOKS_LOOPBACK = True
    endpoint = Endpoint(name="shop", address="http://127.0.0.1:9/", events=["consent.changed"])
    keep_endpoint(endpoint=endpoint)
    sweep()

    call(till, member, yes_to())
    sweep()

    told = Occurrence.objects.get(code="consent.changed")
    change = ConsentChange.objects.get()
    assert told.member == member
    assert told.facts == {
        "change": change.pk, "purpose": "marketing", "channel": "sms", "is_given": True, "source": "till",
        "wording": change.wording.version,
    }  # fmt: skip
