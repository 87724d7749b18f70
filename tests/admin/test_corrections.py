"""Corrections at the desk: asked on a member's page, decided by somebody else."""

import re

import pytest

from loyalty.corrections.models import Correction, CorrectionReason
from loyalty.ledger.models import Account, PointKind
from tests.world import text_of

ADD = "/admin/loyalty/correction/add/"


def said(world, **more) -> dict[str, str]:
    return {
        "number": world.here.member.number,
        "way": "give",
        "amount": "100",
        "kind": str(PointKind.objects.get(code="points").pk),
        "reason": str(CorrectionReason.objects.get(code="goodwill").pk),
        "note": "",
        "once": "once-1",
    } | more


def active(world) -> int:
    return Account.objects.get(member=world.here.member, kind__code="points").active


def test_the_members_page_leads_to_the_form_with_the_member_in_it(world):
    client = world.client("clerk")
    page = client.get(f"/admin/members/member/{world.here.member.pk}/change/").content.decode()

    link = re.search(r'href="(/admin/loyalty/correction/add/\?number=\d+)"', page)[1]

    assert f'value="{world.here.member.number}"' in client.get(link).content.decode()


def test_a_clerk_gives_within_the_limit_and_a_second_click_gives_nothing_more(world):
    before = active(world)
    client = world.client("clerk")

    for _click in range(2):
        response = client.post(ADD, said(world), follow=True)
        assert "Done: the points have moved." in text_of(response)

    assert active(world) == before + 100


def test_above_the_limit_it_waits_is_counted_in_the_side_bar_and_approved_by_the_manager(world):
    before = active(world)
    Correction.objects.all().delete()
    world.client("clerk").post(ADD, said(world, amount="900"))
    asked = Correction.objects.get()
    manager, address = world.client("manager"), f"/admin/loyalty/correction/{asked.pk}/"

    assert "Corrections 1" in text_of(manager.get("/admin/"))
    assert "Corrections 1" not in text_of(world.client("clerk").get("/admin/"))
    assert world.here.member.name in text_of(manager.get("/admin/loyalty/correction/?mine=decide"))
    assert "Approve" in text_of(manager.get(f"{address}change/"))
    assert "Approve" not in text_of(world.client("clerk").get(f"{address}change/"))
    manager.post(f"{address}decide/", {"step": "approve"})
    again = manager.post(f"{address}decide/", {"step": "approve"}, follow=True)

    assert active(world) == before + 900
    assert "This was decided before" in text_of(again)


def test_a_refusal_stands_in_the_form_and_nothing_is_written(world):
    before, count = active(world), Correction.objects.count()
    client = world.client("clerk")

    taken = client.post(ADD, said(world, way="take", amount=str(before + 1)))
    assert taken.status_code == 302  # above the limit of a clerk: it waits, and may never be done
    for more, words in (
        ({"number": world.there.member.number, "once": "2"}, "None of your members has this number"),
        ({"amount": "0", "once": "3"}, "greater than or equal to 1"),
    ):
        response = client.post(ADD, said(world, **more))
        assert (response.status_code, words in text_of(response)) == (200, True)

    assert (active(world), Correction.objects.count()) == (before, count + 1)


@pytest.mark.parametrize(("who", "status"), [("clerk", 302), ("analyst", 302), ("marketer", 403), ("member", 302)])
def test_those_who_may_not_decide_change_nothing(world, who, status):
    waiting = world.here.objects["loyalty_correction"]

    response = world.client(who).post(f"/admin/loyalty/correction/{waiting.pk}/decide/", {"step": "approve"})

    waiting.refresh_from_db()
    assert (response.status_code, waiting.status) == (status, "waiting")


def test_nobody_decides_for_another_store_or_something_else(world):
    theirs = world.there.objects["loyalty_correction"]
    ours = world.here.objects["loyalty_correction"]
    client = world.client("manager")

    assert client.post(f"/admin/loyalty/correction/{theirs.pk}/decide/", {"step": "approve"}).status_code == 404
    assert client.post(f"/admin/loyalty/correction/{ours.pk}/decide/", {"step": "dance"}).status_code == 404

    assert set(Correction.objects.values_list("status", flat=True)) == {"waiting"}
