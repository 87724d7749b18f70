"""Two who may be one at the desk: the list with its counts, both side by side, told apart, or on to the merge."""

from datetime import date

import pytest

from loyalty.duplicates.actions import find_alike
from loyalty.duplicates.models import Likeness
from members.profiles.models import Member
from tests.factories import NOW, MemberFactory
from tests.world import World, text_of

LIST = "/admin/loyalty/likeness/"
BORN = date(1990, 5, 17)


def pair(world: World) -> Likeness:
    return Likeness.objects.get(member=world.here.member)


def test_the_list_says_who_why_and_how_many_and_masks_phones(world: World):
    words = text_of(world.client("manager").get(LIST))

    assert "1 pair to look at" in words
    assert "same name, same day of birth · same home store" in words
    assert "138****5678" in words
    assert world.there.member.number not in words
    assert "2 pairs to look at" in text_of(world.client("owner").get(LIST))


def test_an_empty_list_says_what_will_stand_there(world: World):
    Likeness.objects.all().delete()

    words = text_of(world.client("manager").get(LIST))

    assert "Nobody stands twice in your book" in words


def test_filters_tell_strong_from_possible_and_by_reason(world: World):
    client, number = world.client("manager"), world.here.member.number

    assert number in text_of(client.get(f"{LIST}?strength=likely"))
    assert number not in text_of(client.get(f"{LIST}?strength=strong"))
    assert number in text_of(client.get(f"{LIST}?reason=name_day"))
    assert number not in text_of(client.get(f"{LIST}?reason=email"))
    assert number not in text_of(client.get(f"{LIST}?state=apart"))


def test_side_by_side_they_are_told_apart_for_good_and_the_next_two_come(world: World):
    client, likeness = world.client("service"), pair(world)
    page = f"{LIST}{likeness.pk}/change/"
    words = text_of(client.get(page))
    assert "Is this one person?" in words
    assert world.here.phone not in words
    assert "Same person" not in words  # who serves members does not merge them

    answer = client.post(f"{LIST}{likeness.pk}/different/", follow=True)

    assert "They are not suggested again" in text_of(answer)
    likeness.refresh_from_db()
    assert likeness.decided_by == world.people["service"]
    assert f"service told them apart on {NOW.day} Mar" in text_of(client.get(page))
    Member.objects.filter(pk__in=[likeness.member_id, likeness.other]).update(birth_on=BORN)
    find_alike(first=0, last=2**62, now=NOW)
    assert "0 pairs to look at" in text_of(client.get(LIST))
    client.post(f"{LIST}{likeness.pk}/ask-again/")
    assert "1 pair to look at" in text_of(client.get(LIST))


def test_the_same_person_leads_to_the_preview_of_a_merge(world: World):
    client, likeness = world.client("manager"), pair(world)

    page = client.get(f"{LIST}{likeness.pk}/change/").content.decode()

    address = f"/admin/members/member/{likeness.member_id}/merge/?other={likeness.other}"
    assert address in page
    assert "This is what happens" in text_of(client.get(address))


@pytest.mark.parametrize(
    ("who", "status"), [("clerk", 403), ("analyst", 403), ("marketer", 403), ("member", 302), ("manager", 404)]
)
def test_who_may_not_decides_nothing(world: World, who, status):
    likeness = Likeness.objects.get(member=world.there.member)

    assert world.client(who).post(f"{LIST}{likeness.pk}/different/").status_code == status
    assert not Likeness.objects.exclude(decided_at=None).exists()


def test_a_members_page_and_the_search_before_a_merge_say_who_else_it_may_be(world: World):
    one = MemberFactory.create(name="赵云", birth_on=BORN, phone="13600001111", home_store=world.here.store, now=NOW)
    two = MemberFactory.create(name="赵 云", birth_on=BORN, phone="13600002222", home_store=world.here.store, now=NOW)
    MemberFactory.create(name="赵云", birth_on=BORN, phone="13600003333", home_store=world.there.store, now=NOW)
    find_alike(first=0, last=2**62, now=NOW)

    for who in ("clerk", "manager"):
        words = text_of(world.client(who).get(f"/admin/members/member/{one.pk}/change/"))
        assert "1 other member may be the same person" in words
        assert two.number in words
        assert "136****2222" in words
    words = text_of(world.client("manager").get(f"/admin/members/member/{one.pk}/merge/"))
    assert "These may be the same person" in words
    assert "same name, same birthday · same home store" in words
