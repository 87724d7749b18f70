"""Merging at the desk: find the other, see both, decide, undo; who may, and for whom."""

import re

import pytest

from loyalty.ledger.actions import earn
from loyalty.ledger.models import Account, PointKind
from loyalty.merging.models import Merge
from members.profiles.models import Member
from tests.factories import NOW, MemberFactory
from tests.world import World, text_of


@pytest.fixture
def twin(world) -> Member:
    """The member of the corner once more, in the same store."""
    member = MemberFactory.create(
        name=world.here.member.name, phone="13600000006", home_store=world.here.store, now=NOW
    )
    earn(member=member, kind=PointKind.objects.get(code="points"), points=77, key="x", now=NOW)
    return member


def page(world: World, twin: Member) -> str:
    return f"/admin/members/member/{world.here.member.pk}/merge/?other={twin.pk}"


def hidden(text: str) -> dict[str, str]:
    """What the page's form carries along."""
    return dict(re.findall(r'name="(key|token)" value="([^"]+)"', text))


def confirmed(world: World, twin: Member, who: str = "manager", **more: str):
    client = world.client(who)
    said = hidden(client.get(page(world, twin)).content.decode())
    return client.post(page(world, twin), {**said, "reason": "two cards", "confirm": "1", **more})


def test_from_a_members_page_the_one_of_the_same_name_is_found(world, twin):
    client = world.client("manager")

    assert "Merge with…" in text_of(client.get(f"/admin/members/member/{world.here.member.pk}/change/"))
    words = text_of(client.get(f"/admin/members/member/{world.here.member.pk}/merge/"))

    assert "These have the same name" in words
    assert twin.number in words


def test_both_stand_side_by_side_before_anybody_confirms(world, twin):
    words = text_of(world.client("manager").get(page(world, twin)))

    assert f"{world.here.member.number} stays" in words
    assert "6,000" in words
    assert "6,077" in words
    assert "136****0006" in words
    assert "Until 8 Apr" in words
    assert not Merge.objects.filter(duplicate=twin.pk).exists()


def test_confirmed_they_are_one_and_the_page_of_the_merge_can_undo_it(world, twin):
    response = confirmed(world, twin)

    merge = Merge.objects.get(duplicate=twin.pk)
    assert response.headers["Location"] == f"/admin/loyalty/merge/{merge.pk}/change/"
    client = world.client("manager")
    assert "Undo the merge" in text_of(client.get(response.headers["Location"]))
    assert twin.number in text_of(client.get(f"/admin/members/member/{world.here.member.pk}/change/"))
    assert f"as {twin.number}, merged" in text_of(client.get(f"/admin/members/member/{world.here.member.pk}/change/"))
    assert twin.number not in text_of(client.get("/admin/members/member/"))
    client.post(f"/admin/loyalty/merge/{merge.pk}/undo/")
    assert Account.objects.get(member=twin, kind__code="points").active == 77
    assert "Undone" in text_of(client.get(response.headers["Location"]))


def test_a_second_click_merges_once(world, twin):
    client = world.client("manager")
    said = hidden(client.get(page(world, twin)).content.decode()) | {"reason": "two cards", "confirm": "1"}

    client.post(page(world, twin), said)
    client.post(page(world, twin), said)

    assert Merge.objects.filter(duplicate=twin.pk).count() == 1


def test_without_a_reason_nothing_is_merged(world, twin):
    response = confirmed(world, twin, reason="")

    assert response.status_code == 200
    assert not Merge.objects.filter(duplicate=twin.pk).exists()


@pytest.mark.parametrize("who", ["clerk", "service", "marketer", "analyst"])
def test_others_than_managers_may_not(world, twin, who):
    assert world.client(who).get(page(world, twin)).status_code == 403
    assert world.client(who).post(page(world, twin), {"confirm": "1"}).status_code == 403
    assert not Merge.objects.filter(duplicate=twin.pk).exists()


def test_a_manager_finds_nobody_of_another_store(world):
    theirs = world.there.member

    text = world.client("manager").get(page(world, theirs)).content.decode()

    assert theirs.number not in text
    assert 'name="confirm"' not in text
    assert world.client("manager").get(f"/admin/members/member/{theirs.pk}/merge/").status_code == 404


def test_the_member_reads_the_whole_history_with_its_origin(world, twin):
    confirmed(world, twin)

    words = text_of(world.client("member").get("/points/"))

    assert f"as {twin.number}" in words
    assert "6,077" in words
    assert "Transferred" not in words
