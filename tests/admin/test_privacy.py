"""Contacts shown for a reason, consents written down at the counter, erasures by staff, how long things are kept."""

from datetime import date

import pytest

from members.consents.models import Consent, ConsentChange, Guardian, Wording
from members.contact.models import ContactRule
from members.privacy.models import Erasure, Look, RetentionRule
from members.profiles.actions import update_profile
from members.profiles.models import Member
from tests.factories import NOW
from tests.world import text_of


def contacts(world, corner="here"):
    return f"/admin/members/look/of/{getattr(world, corner).member.pk}/"


def consents(world, corner="here"):
    return f"/admin/members/consentchange/of/{getattr(world, corner).member.pk}/"


def privacy(world, corner="here"):
    return f"/admin/members/erasure/of/{getattr(world, corner).member.pk}/"


@pytest.mark.parametrize("who", ["manager", "service", "owner"])
def test_contacts_show_for_a_reason_that_is_written_down(world, who):
    client = world.client(who)
    assert world.here.phone not in text_of(client.get(contacts(world)))

    words = text_of(client.post(contacts(world), {"reason": "call", "more": "about the pot"}))

    assert world.here.phone in words
    assert world.here.email in words
    look = Look.objects.order_by("-pk").first()
    assert (look.member, look.user, look.why, look.looked_at) == (
        world.here.member, world.people[who], "To call the member back · about the pot", NOW,
    )  # fmt: skip


@pytest.mark.parametrize("who", ["clerk", "marketer", "analyst", "member"])
def test_others_see_no_contacts_whatever_they_say(world, who):
    before = Look.objects.count()

    response = world.client(who).post(contacts(world), {"reason": "call"})

    assert response.status_code in {302, 403}
    assert world.here.phone not in response.content.decode()
    assert Look.objects.count() == before


def test_nobody_looks_without_a_reason_or_at_a_member_of_another_store(world):
    before, client = Look.objects.count(), world.client("service")

    for said in ({}, {"reason": "other", "more": " "}, {"reason": "nonsense"}):
        assert world.here.phone not in client.post(contacts(world), said).content.decode()
    assert client.post(contacts(world, "there"), {"reason": "call"}).status_code == 404

    assert Look.objects.count() == before


def test_the_clerk_writes_down_a_yes_with_its_slip(world):
    client = world.client("clerk")
    said = {"marketing-sms": "on", "care-inbox": "on", "care-sms": "on", "profiling-": "on"}

    refused = text_of(client.post(consents(world), said))
    assert "Say how the member agreed" in refused
    assert not ConsentChange.objects.filter(purpose="marketing").exists()
    response = client.post(consents(world), said | {"proof": "slip 9", "store": world.here.store.pk})

    assert response.status_code == 302
    change = ConsentChange.objects.get(purpose="marketing")
    assert (change.channel, change.is_given, change.proof, change.recorded_by.username, change.store) == (
        "sms", True, "slip 9", "clerk", world.here.store,
    )  # fmt: skip
    assert "slip 9" in text_of(client.get(consents(world)))


def test_a_yes_to_an_unproved_address_is_mailed_a_link_first(world):
    said = {"marketing-email": "on", "care-inbox": "on", "care-sms": "on", "profiling-": "on", "proof": "slip 9"}

    response = world.client("clerk").post(consents(world), said, follow=True)

    assert "gets a mail with a link" in text_of(response)
    assert not Consent.objects.filter(channel="email").exists()
    assert world.here.member.messages.filter(template="confirm_address", status="queued").exists()


def test_a_childs_guardian_is_written_down_with_the_yes(world):
    update_profile(member=world.here.member, birth_on=date(2016, 5, 5), now=NOW)
    client = world.client("manager")
    said = {"marketing-sms": "on", "care-inbox": "on", "care-sms": "on", "profiling-": "on", "proof": "slip 9"}

    assert "A parent or guardian must agree" in text_of(client.post(consents(world), said))
    client.post(consents(world), said | {"guardian": "王建国"})

    assert Guardian.objects.get().name == "王建国"
    assert ConsentChange.objects.get(purpose="marketing").guardian == "王建国"


@pytest.mark.parametrize("who", ["marketer", "analyst"])
def test_who_does_not_stand_at_the_counter_reads_consents_and_writes_none(world, who):
    client, before = world.client(who), ConsentChange.objects.count()

    assert client.get(consents(world)).status_code == 200
    assert client.post(consents(world), {"proof": "x"}).status_code == 403
    assert ConsentChange.objects.count() == before


def test_new_words_are_a_new_version(world):
    old = Wording.objects.get(purpose="marketing")

    world.client("marketer").post(
        f"/admin/members/wording/{old.pk}/change/", {"text_zh": "新的文字", "text_en": "New words"}
    )

    assert list(Wording.objects.filter(purpose="marketing").order_by("version").values_list("version", "text_en")) == [
        (1, old.text_en), (2, "New words"),
    ]  # fmt: skip


def test_the_marketer_says_how_often_and_when(world):
    rule = ContactRule.objects.get(purpose="marketing")
    said = {"most_a_day": "", "most_a_week": "3", "most_a_month": "", "quiet_from": "22:00", "quiet_until": "08:00"}

    world.client("marketer").post(f"/admin/members/contactrule/{rule.pk}/change/", said)

    rule.refresh_from_db()
    assert (rule.most_a_day, rule.most_a_week, rule.quiet_from.hour, rule.inbox_unasked) == (None, 3, 22, False)


def test_a_manager_erases_with_the_number_and_a_reason(world):
    client, member = world.client("manager"), world.here.member
    Erasure.objects.all().delete()

    wrong = text_of(client.post(privacy(world), {"word": "123", "why": "asked"}))
    assert "to confirm" in wrong
    assert Member.objects.get(pk=member.pk).erased_at is None
    client.post(privacy(world), {"word": member.number, "why": "asked in writing"})

    gone = Member.objects.get(pk=member.pk)
    assert (gone.name, gone.erased_at) == ("", NOW)
    assert Erasure.objects.get().asked_by == world.people["manager"]
    assert world.here.phone not in client.get("/admin/members/member/").content.decode()
    assert client.get(f"/admin/members/member/{member.pk}/change/").status_code == 302


@pytest.mark.parametrize("who", ["clerk", "service", "marketer", "analyst"])
def test_others_neither_erase_nor_restrict(world, who):
    member = world.here.member

    for said in ({"word": member.number, "why": "x"}, {"restrict": "1"}):
        assert world.client(who).post(privacy(world), said).status_code == 403

    member.refresh_from_db()
    assert (member.erased_at, member.restricted_at) == (None, None)


def test_a_manager_restricts_and_frees(world):
    client, member = world.client("manager"), world.here.member

    client.post(privacy(world), {"restrict": "1"})
    member.refresh_from_db()
    assert member.restricted_at == NOW
    assert "kept, not used" in text_of(client.get(f"/admin/members/member/{member.pk}/change/"))
    client.post(privacy(world), {"lift": "1"})

    member.refresh_from_db()
    assert member.restricted_at is None
    assert client.post(privacy(world, "there"), {"restrict": "1"}).status_code == 404


def test_who_was_proposed_is_erased_or_kept_by_a_person(world):
    ours, theirs = world.here.objects["members_erasure"], world.there.objects["members_erasure"]
    client = world.client("owner")

    client.post("/admin/members/erasure/", {"action": "erase_proposed", "_selected_action": [ours.pk]})
    client.post("/admin/members/erasure/", {"action": "keep_proposed", "_selected_action": [theirs.pk]})

    assert list(Erasure.objects.order_by("pk").values_list("status", flat=True)) == ["done", "dismissed"]
    assert Member.objects.get(pk=world.there.member.pk).name == world.there.member.name


def test_only_the_owner_says_how_long_things_are_kept(world):
    rule = RetentionRule.objects.get(code="looks")

    for who, status in (("manager", 403), ("owner", 302)):
        said = {"months": "12", "is_on": "on"}
        assert world.client(who).post(f"/admin/members/retentionrule/{rule.pk}/change/", said).status_code == status

    rule.refresh_from_db()
    assert rule.months == 12
