"""The owner's door to webhooks."""

import re

import pytest
from django.test import Client

from members.webhooks.models import Delivery, Endpoint
from members.webhooks.rules import secret_of
from tests.factories import NOW, UserFactory
from tests.members.receiver import receiving
from tests.world import text_of

EVENTS = ["points.moved", "tier.changed"]
SAID = {"name": "hub", "address": "https://shop.example/new", "events": EVENTS, "is_on": "on"}
DESK = "/admin/members/endpoint/"


@pytest.fixture
def owner(world):
    return world.client("owner")


def test_a_secret_is_shown_once_when_the_endpoint_is_made(owner):
    shown = text_of(owner.post(f"{DESK}add/", SAID, follow=True))

    secret = re.search(r"whsec_[\w+/=]+", shown)[0]
    endpoint = Endpoint.objects.get(name="hub")
    assert endpoint.secret == secret
    assert endpoint.events == ["points.moved", "tier.changed"]
    for address in ("", f"{endpoint.pk}/change/", f"{endpoint.pk}/history/"):
        assert secret not in owner.get(f"{DESK}{address}").content.decode()
    owner.post(f"{DESK}{endpoint.pk}/change/", SAID | {"name": "renamed"})
    endpoint.refresh_from_db()
    assert (endpoint.name, endpoint.secret) == ("renamed", secret)


@pytest.mark.parametrize("address", ["https://127.0.0.1/", "http://shop.example/", "https://shop.example:22/", "shop"])
def test_an_address_inside_is_refused_in_the_form(owner, address):
    shown = text_of(owner.post(f"{DESK}add/", SAID | {"address": address}))

    assert "This address cannot be called" in shown
    assert not Endpoint.objects.filter(name="hub").exists()


def test_a_new_secret_is_shown_once_and_the_former_one_signs_on(owner, world):
    endpoint = world.shared["members_endpoint"]

    shown = text_of(owner.post(DESK, {"action": "make_secret", "_selected_action": endpoint.pk}, follow=True))

    former = endpoint.secret
    endpoint.refresh_from_db()
    assert endpoint.secret in shown
    assert endpoint.former_secret == former != endpoint.secret


def test_a_test_says_what_was_answered(owner, world, settings):
    settings.WEBHOOKS_LOOPBACK = True
    endpoint = world.shared["members_endpoint"]
    with receiving() as receiver:
        Endpoint.objects.filter(pk=endpoint.pk).update(address=receiver.address, secret=secret_of(b"x" * 32))
        receiver.answers = [(200, {}, "thanks"), (418, {}, "")]
        say = {"action": "send_test", "_selected_action": endpoint.pk}

        taken, refused = (text_of(owner.post(DESK, say, follow=True)) for _each in range(2))

    gone = text_of(owner.post(DESK, say, follow=True))
    assert "took the test: 200" in taken
    assert "did not take the test: 418" in refused
    assert "was not reached: nobody listens there" in gone


def test_what_failed_is_sent_again_from_the_log_and_the_list(owner, world):
    delivery = world.shared["members_delivery"]
    again = {"action": "again", "_selected_action": delivery.pk}

    first, second = (text_of(owner.post("/admin/members/delivery/", again, follow=True)) for _each in range(2))

    assert "1 will be sent again" in first
    assert "under way still" in second
    Delivery.objects.update(status="failed", finished_at=NOW)
    say = {"action": "send_failed", "_selected_action": delivery.endpoint_id}
    assert "1 will be sent again" in text_of(owner.post(DESK, say, follow=True))
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("queued", 0)


def test_who_sets_the_shop_up_may_keep_endpoints_and_read_the_log(world):
    admin = UserFactory.create(username="admin", role="admin", sees_all_stores=True)
    client = Client(headers={"accept-language": "en"})
    client.force_login(admin, "django.contrib.auth.backends.ModelBackend")

    answers = [client.get(f"/admin/members/{path}").status_code for path in ("endpoint/", "endpoint/add/", "delivery/")]

    assert answers == [200, 200, 200]


def test_the_first_page_names_endpoints_that_were_switched_off(owner, world):
    assert "switched off" not in text_of(owner.get("/admin/"))
    Endpoint.objects.update(is_on=False, off_reason="failing", off_at=NOW)

    assert "Webhook endpoints that were switched off" in text_of(owner.get("/admin/"))
    assert "Webhook endpoints" not in text_of(world.client("marketer").get("/admin/"))
