"""Webhooks: told with what caused it, signed, sent until taken, never to addresses inside."""

import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.db import connection, transaction
from django.utils import timezone

from loyalty.ledger.models import Movement, PointKind
from loyalty.tiers.models import TierChange
from members.kit import outside
from members.kit.outside import BadAddress
from members.profiles.actions import update_profile
from members.profiles.rules import BadName
from members.webhooks.actions import (
    StillUnderWay,
    UnknownHappening,
    deliver_due,
    deliver_one,
    forget,
    keep_endpoint,
    replace_secret,
    secrets_of,
    send_again,
    send_failed_again,
    share,
    sweep,
    try_endpoint,
)
from members.webhooks.models import Delivery, Endpoint, Occurrence, Reading
from members.webhooks.panels import endpoints_off
from members.webhooks.rules import HAPPENINGS, WAITS, asked_to_wait, register, secret_of, signature, wait_after
from members.webhooks.sql import claim, settle_lost
from members.webhooks.tasks import send_webhooks
from tests.factories import NOW, MemberFactory
from tests.members.receiver import receiving
from tests.races import all_at_once

EVERYTHING = ["member.enrolled", "member.updated", "points.moved", "tier.changed"]


@pytest.fixture(autouse=True)
def on_this_machine(settings):
    settings.WEBHOOKS_LOOPBACK = True


@pytest.fixture
def receiver():
    with receiving() as made:
        yield made


def listening(receiver, **more) -> Endpoint:
    """An endpoint of ours at the receiver."""
    endpoint = Endpoint(name="shop", address=receiver.address, **{"events": ["member.updated"], **more})
    keep_endpoint(endpoint=endpoint)
    return endpoint


def rename(member, now=NOW, name="欧阳静雯"):
    """A profile changes, and what changed is shared out."""
    update_profile(member=member, now=now, name=name)
    share(now=now)


def signed_by(secret: str, told) -> str:
    """The signature as somebody else computes it."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    said = f"{told.headers['webhook-id']}.{told.headers['webhook-timestamp']}.".encode() + told.body
    return "v1," + base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()


@pytest.mark.django_db
def test_a_changed_profile_is_told_with_a_signature_that_holds(receiver):
    endpoint = listening(receiver)
    member = MemberFactory.create(name="王小明", phone="13812345678")

    rename(member)
    assert deliver_due(now=NOW) == 1

    (told,) = receiver.told
    said = json.loads(told.body)
    assert told.path == "/hook"
    assert said == {
        "type": "member.updated",
        "timestamp": NOW.isoformat(),
        "data": {"fields": ["name"], "member": member.number},
    }
    assert told.headers["webhook-signature"] == signed_by(endpoint.secret, told)
    assert told.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert told.headers["webhook-id"] == Occurrence.objects.get().identifier
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts, delivery.answered) == ("delivered", 1, 204)
    assert deliver_due(now=NOW) == 0


def test_the_signature_is_that_of_the_standards_own_example():
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    made = signature(secret, identifier="msg_p5jXN8AQM9LWM0D4loKWxJek", moment=1614265330, body=b'{"test": 2432232314}')

    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("length", [0, 23, 65])
def test_a_secret_has_from_24_to_64_bytes(length):
    with pytest.raises(ValueError, match=str(length)):
        secret_of(b"x" * length)

    assert secret_of(b"x" * 24).startswith("whsec_")
    with pytest.raises(ValueError, match="not a secret"):
        signature("whsec_*", identifier="a", moment=1, body=b"")


@pytest.mark.django_db
def test_a_replaced_secret_signs_beside_the_new_one_for_a_day(receiver):
    endpoint = listening(receiver)
    member = MemberFactory.create()
    former = endpoint.secret

    newer = replace_secret(endpoint=endpoint, now=NOW)

    rename(member)
    deliver_due(now=NOW + timedelta(hours=23))
    rename(member, NOW + timedelta(hours=25), "王小明")
    deliver_due(now=NOW + timedelta(hours=25))
    first, second = receiver.told
    assert first.headers["webhook-signature"] == f"{signed_by(newer, first)} {signed_by(former, first)}"
    assert second.headers["webhook-signature"] == signed_by(newer, second)
    assert newer != former
    endpoint.refresh_from_db()
    assert secrets_of(endpoint, NOW + timedelta(hours=24)) == [newer]


@pytest.mark.django_db
def test_contacts_leave_the_house_only_to_whom_they_were_promised(receiver):
    listening(receiver)
    with receiving() as other:
        listening(other, has_contacts=True)
        member = MemberFactory.create(name="王小明", phone="13812345678", email="wang@example.com")

        rename(member)
        deliver_due(now=NOW)

        assert "13812345678" not in receiver.told[0].body.decode()
        assert json.loads(other.told[0].body)["data"]["contacts"] == [
            {"kind": "email", "value": "wang@example.com"},
            {"kind": "phone", "value": "+8613812345678"},
        ]
    assert receiver.told[0].headers["webhook-id"] == other.told[0].headers["webhook-id"]


@pytest.mark.django_db
def test_nothing_is_written_while_no_endpoint_wants_it(receiver, django_assert_num_queries):
    listening(receiver, is_on=False, events=EVERYTHING)
    listening(receiver, events=["tier.changed"])
    member = MemberFactory.create()

    rename(member)

    assert not Occurrence.objects.exists()
    Endpoint.objects.update(is_on=False)
    with django_assert_num_queries(2):
        assert sweep() == 0
    assert not Reading.objects.exists()


@pytest.mark.django_db
def test_what_changed_a_profile_and_its_telling_stand_or_fall_together(receiver):
    listening(receiver)
    member = MemberFactory.create(name="王小明")

    with pytest.raises(BadName):
        update_profile(member=member, now=NOW, name="x" * 1_000)
    with transaction.atomic():
        update_profile(member=member, now=NOW, name="欧阳")
        transaction.set_rollback(True)

    assert not Occurrence.objects.exists()
    member.refresh_from_db()
    assert member.name == "王小明"


def move_points(member, key="k"):
    """A movement and a tier change, as verbs write them."""
    with connection.cursor() as cursor:
        kind = PointKind.objects.get(code="points")
        cursor.execute(
            "SELECT movement FROM ledger_credit(%s, %s, 7, %s, now(), now(), NULL, 'earn', '', '')",
            [member.pk, kind.pk, key],
        )


@pytest.mark.django_db(transaction=True)
def test_enrolments_points_and_tiers_are_found_by_the_sweep_once_each(receiver):
    before = MemberFactory.create()
    move_points(before, "old")
    listening(receiver, events=EVERYTHING)
    assert sweep() == 0  # reads from here on

    member = MemberFactory.create()
    move_points(member)
    movement = Movement.objects.get(key="k")
    gold = TierChange._meta.get_field("after").related_model.objects.get(code="gold")
    TierChange.objects.create(member=member, ladder=gold.ladder, after=gold, total=1, reason="manual", happened_at=NOW)
    found = [sweep() for _each in range(4)]
    send_webhooks()

    assert found == [3, 0, 0, 0]
    said = {each["type"]: each["data"] for each in (json.loads(told.body) for told in receiver.told)}
    assert len(receiver.told) == 3
    assert said["member.enrolled"] == {
        "member": member.number, "source": "till", "language": "zh-hans", "store": member.home_store.code,
    }  # fmt: skip
    assert said["points.moved"] == {
        "member": member.number, "movement": movement.pk, "kind": "earn", "account": "points", "from": movement.source,
        "to": "active", "points": 7, "cause": "k", "pending": 0, "active": 7, "held": 0,
    }  # fmt: skip
    assert (said["tier.changed"]["before"], said["tier.changed"]["after"]) == (None, "gold")


@pytest.mark.django_db(transaction=True)
def test_a_row_that_is_committed_after_later_ones_is_told_all_the_same(receiver):
    listening(receiver, events=["points.moved"])
    sweep()
    late, early = MemberFactory.create(), MemberFactory.create()
    wrote, go_on = threading.Event(), threading.Event()

    def slow(_number):
        with transaction.atomic():
            move_points(late)
            wrote.set()
            go_on.wait(10)

    def sweeps(_number):
        wrote.wait(10)
        move_points(early)
        found = [sweep() for _each in range(4)]
        go_on.set()
        return found

    _nothing, found = all_at_once(lambda number: (slow, sweeps)[number](number), 2)

    assert sum(found) == 1
    assert sum(sweep() for _each in range(3)) == 1
    assert Occurrence.objects.count() == 2
    assert Movement.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_and_two_workers_tell_everything_once(receiver):
    listening(receiver, events=["points.moved"])
    sweep()
    member = MemberFactory.create()
    for number in range(25):
        move_points(member, str(number))

    def work(_number):
        sweep()
        share(now=NOW)
        while deliver_due(now=NOW):
            continue

    done = all_at_once(work, 4)
    work(0)

    assert done == [None] * 4
    assert len({told.headers["webhook-id"] for told in receiver.told}) == len(receiver.told) == 25
    assert Delivery.objects.filter(status="delivered", attempts=1).count() == 25


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_between_sending_and_marking_sends_again_by_the_same_id(receiver):
    listening(receiver)
    rename(MemberFactory.create())
    code = """
        import os, signal
        import django
        django.setup()
        from django.utils import timezone
        from members.webhooks import actions
        actions.note_success = lambda *a, **b: os.kill(os.getpid(), signal.SIGKILL)
        actions.deliver_due(now=timezone.now())
    """
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database.geturl(),
        "REGULARS_WEBHOOKS_LOOPBACK": "1",
    }

    died = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], env=environment, check=False)

    assert died.returncode == -signal.SIGKILL
    assert len(receiver.told) == 1
    now = timezone.now()
    assert (settle_lost(now=now), deliver_due(now=now)) == (0, 0)  # the lease holds
    later = now + timedelta(minutes=11)
    assert (settle_lost(now=later), deliver_due(now=later)) == (1, 1)
    assert receiver.told[0].headers["webhook-id"] == receiver.told[1].headers["webhook-id"]
    assert receiver.told[0].body == receiver.told[1].body
    assert Delivery.objects.get().attempts == 2


@pytest.mark.django_db
def test_what_is_not_taken_is_sent_again_and_again_and_then_given_up(receiver):
    endpoint = listening(receiver)
    rename(MemberFactory.create())
    receiver.answers = [(500, {}, "x" * 5_000)] * (len(WAITS) + 1)
    now, waits = NOW, []

    for _try in WAITS:
        assert deliver_due(now=now) == 1
        delivery = Delivery.objects.get()
        assert (delivery.status, delivery.answered, len(delivery.answer)) == ("queued", 500, 1_000)
        assert deliver_due(now=now) == 0
        waits.append(delivery.due_at - delivery.tried_at)
        now = delivery.due_at
    deliver_due(now=now)

    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("failed", len(WAITS) + 1)
    assert all(wait * 0.79 < waited < wait * 1.21 for wait, waited in zip(WAITS, waits, strict=True))
    assert timedelta(days=2) < sum(waits, timedelta())
    endpoint.refresh_from_db()
    assert endpoint.is_on
    assert timedelta() <= endpoint.failing_since - NOW < timedelta(seconds=30)


def test_waits_spread_and_end():
    assert wait_after(1, luck=0) == timedelta(seconds=4)
    assert wait_after(1, luck=1) == timedelta(seconds=6)
    assert wait_after(len(WAITS) + 1, luck=0) is None


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("120", timedelta(minutes=2)),
        ("Mon, 09 Mar 2026 05:00:00 GMT", timedelta(hours=1)),
        ("Mon, 09 Mar 2026 03:00:00 GMT", timedelta()),
        ("999999999999999999999", timedelta(days=1)),
        ("Mon, 09 Mar 2099 03:00:00 GMT", timedelta(days=1)),
        ("-5", timedelta()),
        ("soon", timedelta()),
        ("٣", timedelta()),
        ("", timedelta()),
    ],
)
def test_retry_after_is_read_in_both_ways(said, wait):
    assert asked_to_wait(said, NOW) == wait


@pytest.mark.django_db
def test_an_endpoint_that_asks_for_rest_has_it(receiver):
    listening(receiver)
    member = MemberFactory.create()
    rename(member)
    rename(member, name="王小明")
    receiver.answers = [(429, {"Retry-After": "3600"}, "")]

    assert deliver_due(now=NOW) == 2

    assert len(receiver.told) == 1  # the second went back untried
    assert deliver_due(now=NOW + timedelta(minutes=59)) == 0
    assert deliver_due(now=NOW + timedelta(minutes=61)) == 2
    assert Delivery.objects.filter(status="delivered").count() == 2


@pytest.mark.django_db
def test_an_endpoint_that_is_gone_is_told_nothing_more(receiver):
    endpoint = listening(receiver)
    member = MemberFactory.create()
    rename(member)
    receiver.answers = [(410, {}, "")]

    deliver_due(now=NOW)
    rename(member, name="王小明")

    endpoint.refresh_from_db()
    assert (endpoint.is_on, endpoint.off_reason, endpoint.off_at is not None) == (False, "gone", True)
    assert Delivery.objects.get().status == "failed"
    assert Occurrence.objects.count() == 1
    assert endpoints_off() == [endpoint]


@pytest.mark.django_db
def test_an_endpoint_that_fails_for_five_days_is_switched_off_and_begins_anew(receiver):
    endpoint = listening(receiver)
    member = MemberFactory.create()
    rename(member)
    receiver.answers = [(500, {}, ""), (500, {}, ""), (500, {}, "")]

    deliver_due(now=NOW)
    deliver_due(now=NOW + timedelta(days=4))
    endpoint.refresh_from_db()
    assert endpoint.is_on
    deliver_due(now=NOW + timedelta(days=6))

    endpoint.refresh_from_db()
    assert (endpoint.is_on, endpoint.off_reason) == (False, "failing")
    assert deliver_due(now=NOW + timedelta(days=9)) == 0
    endpoint.is_on = True
    keep_endpoint(endpoint=endpoint)
    assert deliver_due(now=NOW + timedelta(days=9)) == 1
    endpoint.refresh_from_db()
    assert (endpoint.off_reason, endpoint.failing_since, endpoints_off()) == ("", None, [])


@pytest.mark.django_db
def test_a_redirect_is_no_success_and_is_not_followed(receiver):
    listening(receiver)
    rename(MemberFactory.create())
    with receiving() as inside:
        receiver.answers = [(307, {"Location": inside.address}, "")]

        deliver_due(now=NOW)

        assert inside.told == []
    assert (Delivery.objects.get().status, Delivery.objects.get().answered) == ("queued", 307)


@pytest.mark.django_db
def test_one_endpoint_that_does_not_answer_keeps_no_other_waiting(receiver, monkeypatch):
    monkeypatch.setattr(outside.post, "__kwdefaults__", outside.post.__kwdefaults__ | {"seconds": 0.3})
    with receiving() as silent:
        silent.stall = threading.Event()
        slow = listening(silent)
        listening(receiver)
        member = MemberFactory.create()
        for name in ("王小明", "欧阳", "静雯"):
            rename(member, name=name)

        deliver_due(now=NOW)

        assert len(silent.told) == 1
        assert len(receiver.told) == 3
    tried = Delivery.objects.filter(endpoint=slow, attempts=1)
    assert [each.problem for each in tried] == ["late"]
    assert Delivery.objects.filter(endpoint=slow, status="queued").count() == 3


@pytest.mark.django_db
def test_a_worker_whose_lease_ran_out_leaves_the_delivery_to_the_other(receiver):
    listening(receiver)
    rename(MemberFactory.create())
    (mine,) = claim(now=NOW, until=NOW + timedelta(minutes=1), limit=1)
    held = Delivery.objects.select_related("endpoint", "occurrence__member").get(pk=mine)
    settle_lost(now=NOW + timedelta(minutes=2))

    assert deliver_due(now=NOW + timedelta(minutes=2)) == 1
    assert deliver_one(held, now=NOW + timedelta(minutes=3))

    assert len(receiver.told) == 1
    assert Delivery.objects.get().attempts == 1


@pytest.mark.django_db
def test_what_was_settled_can_be_sent_again_by_the_same_id(receiver):
    endpoint = listening(receiver)
    member = MemberFactory.create()
    rename(member)
    delivery = Delivery.objects.get()
    with pytest.raises(StillUnderWay):
        send_again(delivery=delivery, now=NOW)
    assert Delivery.objects.get().due_at == NOW
    deliver_due(now=NOW)

    send_again(delivery=delivery, now=NOW)
    deliver_due(now=NOW)

    assert len({told.headers["webhook-id"] for told in receiver.told}) == 1
    assert len(receiver.told) == 2
    for days in (3, 1):
        rename(member, name=f"王{days}")
        Delivery.objects.filter(status="queued").update(status="failed", finished_at=NOW - timedelta(days=days))
    assert send_failed_again(endpoint=endpoint, since=NOW - timedelta(days=2), now=NOW) == 1
    assert send_failed_again(endpoint=endpoint, since=NOW - timedelta(days=2), now=NOW) == 0


@pytest.mark.django_db
def test_a_test_says_at_once_whether_somebody_answers(receiver):
    endpoint = listening(receiver, is_on=False)
    receiver.answers = [(200, {}, "thanks"), (503, {}, "")]

    taken = try_endpoint(endpoint=endpoint, now=NOW)
    refused = try_endpoint(endpoint=endpoint, now=NOW)

    assert json.loads(receiver.told[0].body) == {
        "type": "endpoint.tested", "timestamp": NOW.isoformat(), "data": {}
    }  # fmt: skip
    assert (taken.status, taken.answered, taken.answer) == ("delivered", 200, "thanks")
    assert (refused.status, refused.answered) == ("failed", 503)


@pytest.mark.django_db
def test_after_90_days_it_is_forgotten_unless_it_is_under_way(receiver):
    listening(receiver)
    member = MemberFactory.create()
    rename(member)
    deliver_due(now=NOW)
    rename(member, name="王小明")
    later = timezone.now() + timedelta(days=91)

    assert forget(now=timezone.now()) == 0
    assert forget(now=later) == 1

    assert Delivery.objects.get().status == "queued"


@pytest.mark.django_db
def test_an_endpoint_is_told_only_what_there_is_to_tell(receiver):
    with pytest.raises(UnknownHappening):
        listening(receiver, events=["member.vanished"])

    assert not Endpoint.objects.exists()
    with pytest.raises(ValueError, match=r"member\.enrolled"):
        register(HAPPENINGS["member.enrolled"])


@pytest.mark.django_db
def test_a_name_that_leads_inside_is_noted_and_nobody_is_called(receiver, settings):
    settings.WEBHOOKS_LOOPBACK = False
    endpoint = Endpoint(name="shop", address="https://shop.example/hook", events=["member.updated"])
    keep_endpoint(endpoint=endpoint)
    rename(MemberFactory.create())

    deliver_due(now=NOW, resolve=lambda _host, _port: ["169.254.169.254"])

    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts, delivery.answered) == ("queued", 1, None)
    assert delivery.problem == "bad_address"
    assert receiver.told == []


@pytest.mark.django_db
def test_an_address_inside_is_not_kept(settings):
    settings.WEBHOOKS_LOOPBACK = False

    with pytest.raises(BadAddress):
        keep_endpoint(endpoint=Endpoint(name="shop", address="http://127.0.0.1:8000/", events=[]))

    assert not Endpoint.objects.exists()
