"""The API as a whole: it keeps to its own description, and every no looks alike."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
import time_machine
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings

from config.engines import free_port
from loyalty import tasks
from loyalty.earning.actions import record_sale
from loyalty.ledger.models import Account
from members.kit.models import Chunk, Tick
from members.purchases.models import Sale
from members.purchases.rules import Receipt
from tests.factories import NOW, MemberFactory, StoreFactory, TillFactory
from tests.faults.test_kills import kill, serve, until
from tests.faults.test_outages import is_up

pytestmark = pytest.mark.django_db


@pytest.fixture
def till() -> Any:
    opened = TillFactory.create()
    MemberFactory.create(name="王芳", phone="13912345678", home_store=opened.store)
    return opened


@pytest.fixture
def described(transactional_db: None) -> Iterator[Any]:
    """The description that a real web server gives of itself."""
    port = free_port()
    server = serve(port)
    try:
        until(lambda: is_up(port))
        yield schemathesis.openapi.from_url(f"http://127.0.0.1:{port}/api/v1/schema")
    finally:
        kill(server)


def test_the_api_does_as_its_description_says_and_never_breaks(described, till):
    """Every operation, with bodies and parameters that its description allows."""
    operations = [found.ok() for found in described.get_all_operations()]

    for operation in operations:

        @settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def holds(case):
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {till.key}"}
            answer = case.call()
            assert answer.status_code < 500, answer.text
            if answer.status_code >= 400:
                assert set(json.loads(answer.text)) == {"error"}, answer.text

        holds()
    assert len(operations) >= 8


def ask(till: Any, method: str, path: str, data: Any = None, key: str = "k1") -> Any:
    headers = {"Authorization": f"Bearer {till.key}", "Idempotency-Key": key}
    return Client().generic(
        method, f"/api/v1/{path}", json.dumps(data) if data else "", "application/json", headers=headers
    )


SALE = {"member": {"kind": "phone", "value": "13912345678"}, "amount": 12_000}


def test_the_same_key_with_other_content_is_refused_and_nothing_is_written(till):
    ask(till, "POST", "sales", SALE)

    answer = ask(till, "POST", "sales", SALE | {"amount": 99})

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "key_reused")
    assert Sale.objects.get().amount == 12_000


def test_a_write_without_a_key_is_refused(till):
    answer = ask(till, "POST", "sales", SALE, key="")

    assert answer.status_code == 400
    assert not Sale.objects.exists()


def test_fields_that_a_till_may_not_set_are_ignored(till):
    answer = ask(till, "POST", "sales", SALE | {"points": 10**6, "store": 99, "till": 99, "tier": "diamond", "id": 7})

    assert answer.status_code == 201
    assert Sale.objects.get().store == till.store
    assert Account.objects.get(kind__code="points").active == 120


def test_balances_and_statement_of_a_member_page_by_cursor_and_filter(till):
    for number in range(5):
        ask(till, "POST", "sales", SALE, key=f"k{number}")
    member = Sale.objects.first().member

    balances = ask(till, "GET", f"members/{member.number}/balances").json()
    first = ask(till, "GET", f"members/{member.number}/statement?page_size=4").json()
    points = ask(till, "GET", f"members/{member.number}/statement?point_kind=points").json()

    assert {each["kind"]: each["active"] for each in balances} == {"points": 600, "growth": 600}
    assert len(first["results"]) == 4
    assert first["next"]
    assert [each["active_after"] for each in points["results"]] == [600, 480, 360, 240, 120]
    assert ask(till, "GET", "members/0000000000/statement").json()["error"]["code"] == "unknown_member"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "nothing/here", 404, "not_found"),
        ("DELETE", "sales", 405, "method_not_allowed"),
        ("GET", "members?kind=phone&value=13900000000", 404, "unknown_member"),
    ],
)
def test_every_no_has_the_same_shape(till, method, path, status, code):
    answer = ask(till, method, path)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["detail"]


def test_a_till_that_asks_too_often_is_told_to_wait(till, settings):
    settings.TILL_REQUESTS_A_MINUTE = 2
    answers = [ask(till, "POST", "sales", SALE, key=f"k{n}") for n in range(4)]

    assert answers[-1].status_code == 429
    assert answers[-1].json()["error"]["code"] == "throttled"


def test_errors_are_told_in_the_language_asked_for(till):
    headers = {"Authorization": f"Bearer {till.key}", "Idempotency-Key": "k"}
    bodies = [
        Client()
        .post(
            "/api/v1/sales", SALE | {"amount": -1}, "application/json", headers=headers | {"Accept-Language": language}
        )
        .json()["error"]["detail"]
        for language in ("en", "zh-hans")
    ]

    assert "not an amount" in bodies[0]
    assert "金额" in bodies[1]


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_an_hour_wrong_neither_revives_nor_kills_points(till, hours):
    store = StoreFactory.create()
    member = MemberFactory.create(name="李强", phone="13912345679", now=NOW - timedelta(days=1))
    told = Receipt(receipt="r", happened_at=NOW, currency="CNY", amount=10_000)
    record_sale(member=member, store=store, till=None, receipt=told, now=NOW)

    later = Receipt(receipt="s", happened_at=NOW + timedelta(hours=hours), currency="CNY", amount=10_000)
    record_sale(member=member, store=store, till=None, receipt=later, now=NOW + timedelta(hours=hours))

    assert Account.objects.get(member=member, kind__code="points").active == 200


def test_a_night_that_was_slept_through_is_worked_off_as_soon_as_a_beat_is_back(till):
    with time_machine.travel(timezone.localtime(NOW).replace(hour=1), tick=False):
        tasks.tick()
    early = Tick.objects.count()
    with time_machine.travel(timezone.localtime(NOW).replace(hour=6), tick=False):
        tasks.tick()
        tasks.tick()

    assert (early, Tick.objects.count()) == (0, 1)
    # nobody has an account yet
    names = set(Chunk.objects.values_list("name", flat=True))
    assert names == {"tiers", "tidy", "retain-inactive", "figures", "segments", "duplicates", "fullness"}
