"""The tills' door to holds of budgets: quoted and held, sold, released, refused."""

from typing import Any

import pytest
import time_machine
from django.core.cache import cache

from loyalty.holds.models import BudgetHold
from members.kit.models import IdempotentAnswer
from members.kit.rates import counters
from members.purchases.models import Sale
from tests.factories import NOW, MemberFactory, TillFactory
from tests.loyalty.test_basket_holds import MINUTE, is_proved, written
from tests.loyalty.test_earning import post
from tests.loyalty.test_promotions import prices, promotion
from tests.loyalty.test_rules_on_sales import LONG_AGO

pytestmark = pytest.mark.django_db


@pytest.fixture
def till() -> Any:
    """The till of a shop in which somebody may have 500 off, once."""
    cache.clear()
    counters().flushdb()
    MemberFactory.create(name="王芳", phone="13812345678", now=LONG_AGO)
    promotion("five", amount=500, budget=prices(800))
    with time_machine.travel(NOW, tick=False):
        yield TillFactory.create(store__code="SH")


def body(**more: Any) -> dict[str, Any]:
    who = {"kind": "phone", "value": "13812345678"}
    return {"member": who, "amount": 10_000, "apply_offers": True, **more}


def test_a_till_holds_sells_and_is_told_until_when(till):
    promised = post(till, "quotes", body(hold_minutes=20), key="1")
    repeated = post(till, "quotes", body(hold_minutes=20), key="1")
    told = post(till, "sales", body(hold=promised.json()["hold"], to_pay=9_500), key="2")
    again = post(till, "sales", body(hold=promised.json()["hold"]), key="3")

    assert promised.status_code == 200
    assert promised.json()["held_until"] == (NOW + 20 * MINUTE).isoformat().replace("+00:00", "Z")
    assert repeated.json() == promised.json()
    assert (told.status_code, told.json()["taken_off"]) == (201, 500)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "hold_over")
    assert Sale.objects.count() == BudgetHold.objects.count() == 1
    assert is_proved()


def test_a_till_releases_what_its_store_holds_and_a_stranger_does_not(till):
    hold = post(till, "quotes", body(hold_minutes=20), key="1").json()["hold"]
    stranger = TillFactory.create()
    before = written()

    refused = post(stranger, f"holds/{hold}/release", {}, key="2")
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "unknown_hold")
    assert written() == before
    freed = post(till, f"holds/{hold}/release", {}, key="3")

    assert (freed.status_code, freed.json()["status"], freed.json()["hold"]) == (200, "released", hold)
    assert is_proved()


def test_a_quote_without_the_field_writes_nothing(till):
    before = written()

    for more in ({}, {"hold_minutes": None}):
        said = post(till, "quotes", body(**more)).json()
        assert "hold" not in said

    assert written() == before
    assert not IdempotentAnswer.objects.exists()


@pytest.mark.parametrize(
    ("path", "more", "status", "code"),
    [
        ("quotes", {"hold_minutes": 0}, 400, "bad_minutes"),
        ("quotes", {"hold_minutes": "15"}, 400, "bad_minutes"),
        ("sales", {"hold": 7}, 400, "bad_field"),
        ("sales", {"hold": "b1" * 20}, 400, "bad_field"),
        ("sales", {"hold": "b1"}, 404, "unknown_hold"),
        ("sales", {"hold": "1"}, 404, "unknown_hold"),
    ],
)
def test_what_a_till_may_not_say_has_a_code_and_changes_nothing(till, path, more, status, code):
    before = written()

    answer = post(till, path, body(**more))

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert written() == before


def test_a_hold_needs_a_key_and_many_sales_at_once_use_none(till):
    keyless = post(till, "quotes", body(hold_minutes=5), key="")
    many = {"sales": [{"member": body()["member"], "amount": 100, "receipt": "a", "hold": "b1"}]}
    bulk = post(till, "sales/bulk", many, key="1").json()

    assert (keyless.status_code, keyless.json()["error"]["code"]) == (400, "missing_key")
    assert bulk["results"][0]["error"]["code"] == "priced_alone"
    assert not BudgetHold.objects.exists()
    assert not Sale.objects.exists()
