"""Treats at the desk: a clerk hands over what waits from the till card, undoes a slip, and sees lists and counts."""

from datetime import timedelta

import pytest
import time_machine

from loyalty.treats.models import Treat
from tests.factories import NOW
from tests.world import World, formset, text_of


def treat_of(corner) -> Treat:
    return Treat.objects.of(corner.member).get()


def test_the_till_card_says_what_waits_and_hands_it_over_with_one_press(world: World):
    client, treat = world.client("clerk"), treat_of(world.here)
    card = f"/admin/members/member/{world.here.member.pk}/card/"
    words = text_of(client.get(card))
    assert "Waits until 9 Mar: cake" in words
    assert "Something waits for you: cake. Would you like it now?" in words

    answer = client.post(f"/admin/loyalty/treat/{treat.pk}/hand-over/", {"back": "card"}, follow=True)

    assert answer.redirect_chain[-1][0] == card
    assert "Handed over: cake" in text_of(answer)
    assert "Waits until" not in text_of(client.get(card))
    treat.refresh_from_db()
    assert (treat.handed_by, treat.handed_store) == (world.people["clerk"], world.here.store)


def test_a_slip_is_undone_on_the_treats_own_page_within_a_day(world: World):
    client, treat = world.client("clerk"), treat_of(world.here)
    page = f"/admin/loyalty/treat/{treat.pk}/change/"
    client.post(f"/admin/loyalty/treat/{treat.pk}/hand-over/")
    assert "It was not handed over" in text_of(client.get(page))

    client.post(f"/admin/loyalty/treat/{treat.pk}/take-back/")

    treat.refresh_from_db()
    assert (treat.handed_at, treat.taken_back_by) == (None, world.people["clerk"])
    client.post(f"/admin/loyalty/treat/{treat.pk}/hand-over/")
    with time_machine.travel(NOW + timedelta(hours=25), tick=False):
        words = text_of(world.client("clerk").post(f"/admin/loyalty/treat/{treat.pk}/take-back/", follow=True))
    assert "can be undone within 24 hours" in words


@pytest.mark.parametrize(("who", "status"), [("analyst", 403), ("marketer", 403), ("member", 302), ("clerk", 404)])
def test_who_may_not_hands_over_nothing(world: World, who, status):
    treat = treat_of(world.there)

    answer = world.client(who).post(f"/admin/loyalty/treat/{treat.pk}/hand-over/")

    assert answer.status_code == status
    assert not Treat.objects.handed().exists()


def test_the_list_is_filtered_by_what_became_of_it_and_the_benefit_counts(world: World):
    client, treat = world.client("owner"), treat_of(world.here)
    client.post(f"/admin/loyalty/treat/{treat.pk}/hand-over/")

    waiting = text_of(client.get("/admin/loyalty/treat/?state=waiting"))
    handed = text_of(client.get(f"/admin/loyalty/treat/?state=handed&handed_store__id__exact={world.here.store.pk}"))
    lapsed = text_of(client.get("/admin/loyalty/treat/?state=lapsed"))

    assert (world.there.member.number in waiting, world.here.member.number in waiting) == (True, False)
    assert (world.there.member.number in handed, world.here.member.number in handed) == (False, True)
    assert world.here.member.number not in lapsed
    treat.tier.benefits.create(kind="joining", wait_days=5)
    assert "waits 1 · handed over 1" in text_of(client.get(f"/admin/loyalty/tier/{treat.tier_id}/change/"))


def test_the_form_of_a_tier_says_why_a_discount_is_not_handed_out(world: World):
    client, gold = world.client("owner"), treat_of(world.here).tier
    said = {
        "combines": "all", "sold_months": "12", "price": "", "price_points": "",
        **formset("needs"), **formset("benefits", 1),
        "benefits-0-kind": "discount", "benefits-0-value": "5", "benefits-0-wait_days": "7",
    }  # fmt: skip

    words = text_of(client.post(f"/admin/loyalty/tier/{gold.pk}/change/", said))

    assert "Only gifts for a birthday, on joining and each month are handed out." in words
    assert not gold.benefits.filter(kind="discount").exists()
