"""The tills' door to prices: the same body quoted and sold, sent again, refused, in bulk, exchanged, explained."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client

from loyalty.checkout.models import Checkout
from loyalty.ledger.actions import earn
from loyalty.ledger.models import PointKind
from members.kit.rates import counters
from members.purchases.models import Sale
from tests.factories import NOW, MemberFactory, TillFactory
from tests.loyalty.test_earning import post
from tests.loyalty.test_promotions import points_pay, promotion
from tests.loyalty.test_rules_on_sales import LONG_AGO

pytestmark = pytest.mark.django_db
LINES = [{"sku": "TEA", "quantity": 2, "amount": 6_000}, {"sku": "CAKE", "amount": 4_000}]


@pytest.fixture(autouse=True)
def a_fixed_day():
    cache.clear()
    counters().flushdb()
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def till():
    wang = MemberFactory.create(name="王芳", phone="13812345678", now=LONG_AGO)
    kind = PointKind.objects.get(code="points")
    earn(member=wang, kind=kind, points=500, key="gift", now=NOW - timedelta(days=1))
    promotion("half", effect="percent_off", percent=50, lines={"product": ["TEA"]})
    points_pay()
    return TillFactory.create(store__code="SH")


def body(**more: Any) -> dict[str, Any]:
    return {"member": {"kind": "phone", "value": "13812345678"}, "amount": 10_000, "lines": LINES, **more}


def test_one_body_is_quoted_and_sold_alike(till):
    wanted = body(apply_offers=True, pay_points="max")

    promised = post(till, "quotes", wanted).json()
    told = post(till, "sales", wanted | {"to_pay": promised["to_pay"]}, key="1")

    assert told.status_code == 201
    assert (promised["price"], promised["taken_off"], promised["to_pay"]) == (10_000, 3_000, 6_500)
    assert {name: told.json()[name] for name in promised} == promised
    assert told.json()["offers"][0]["words"] == {"zh": "立减 50%", "en": "50% off"}
    assert Sale.objects.get().amount == 7_000


def test_the_same_key_again_answers_the_same_and_sells_once(till):
    wanted = body(apply_offers=True, pay_points=500)

    first, again = post(till, "sales", wanted, key="1"), post(till, "sales", wanted, key="1")

    assert first.json() == again.json()
    assert Checkout.objects.count() == 1


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"apply_offers": True, "to_pay": 10_000}, 409, "price_changed"),
        ({"pay_points": 501}, 409, "not_enough_points"),
        ({"apply_offers": "yes"}, 400, "bad_field"),
        ({"pay_points": -1}, 400, "bad_field"),
        ({"pay_points": 1.5}, 400, "bad_field"),
        ({"pay_points": "all"}, 400, "bad_field"),
        ({"to_pay": "1"}, 400, "bad_field"),
        ({"apply_offers": True, "lines": [{"sku": "A", "amount": 2}] * 5_000}, 400, "too_many_lines"),
    ],
)
def test_what_is_refused_has_a_code_and_writes_nothing(till, more, status, code):
    answer = post(till, "sales", body(**more), key="1")

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert not Sale.objects.exists()


def test_many_at_once_refuse_those_that_ask_for_a_price_and_take_the_others(till):
    rows = [body(receipt="a"), body(receipt="b", apply_offers=True), body(receipt="c", pay_points=5)]

    results = post(till, "sales/bulk", {"sales": rows}, key="1").json()["results"]

    assert [each["error"] and each["error"]["code"] for each in results] == [None, "priced_alone", "priced_alone"]
    assert Sale.objects.get().receipt == "a"


def test_an_exchange_takes_the_same_fields(till):
    post(till, "sales", body(apply_offers=True, pay_points=500, receipt="S1"), key="1")
    returned = {"member": body()["member"], "sale_receipt": "S1", "lines": [{"sku": "TEA", "quantity": 1}]}

    done = post(till, "exchanges", {"returned": returned, "sale": body(apply_offers=True)}, key="2").json()

    assert (done["returned"]["amount"], done["returned"]["by_points"], done["returned"]["money"]) == (1_500, 107, 1_393)
    assert done["sale"]["to_pay"] == 7_000


def test_why_says_how_a_sale_came_to_its_price(till):
    promotion("never", conditions={"store": ["elsewhere"]}, amount=5)
    sale = post(till, "sales", body(apply_offers=True, pay_points=500), key="1").json()["sale"]

    headers = {"accept-language": "en", "authorization": f"Bearer {till.key}"}
    said = Client().get(f"/api/v1/sales/{sale}/why", headers=headers).json()

    price = said["price"]
    assert (price["price"], price["taken_off"], price["points"], price["by_points"]) == (10_000, 3_000, 500, 500)
    assert [(each["promotion"], each["off"], each["words"]) for each in price["offers"]] == [
        ("half", 3_000, "50% off; on: products TEA")
    ]
    assert [(each["promotion"], each["reason"]) for each in price["unfired"]] == [("never", "store")]
