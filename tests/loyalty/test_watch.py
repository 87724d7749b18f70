"""What looks odd is found by its thresholds, within the reader's stores, and nothing else is."""

from datetime import timedelta
from typing import Any

import pytest

from loyalty.corrections.models import Correction, CorrectionReason
from loyalty.earning.actions import record_sale
from loyalty.ledger.actions import earn, redeem
from loyalty.ledger.models import PointKind
from loyalty.returns.actions import Counter, record_return
from loyalty.returns.rules import LineAsked, ReturnAsked
from loyalty.watch.models import Watch
from loyalty.watch.panels import VIEWS, Found, look
from members.kit.charts import Scope
from members.profiles.models import Member
from members.purchases.rules import Line, Receipt
from members.stores.models import Store, Till
from tests.factories import NOW, MemberFactory, StoreFactory, TillFactory, UserFactory
from tests.loyalty.bookkeeping import DAY, by

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def found(code: str, *, stores: tuple[int, ...] | None = None, **more: Any) -> Found:
    return look(VIEWS[code], scope=Scope(stores), now=NOW, **more)


def asks(name: str, wang: Member, count: int, *, days_ago: int = 1) -> None:
    clerk, start = UserFactory.create(username=name), Correction.objects.count()
    for number in range(start, start + count):
        Correction.objects.create(
            member=wang, kind=PointKind.objects.get(code="points"), purpose="adjust", points=-5 if number % 2 else 10,
            reason=CorrectionReason.objects.get(code="goodwill"), needs_second=True, status="waiting",
            key=str(number), asked_by=clerk, asked_at=NOW - days_ago * DAY, expires_at=NOW + DAY,
        )  # fmt: skip


def sells(wang: Member, store: Store, till: Till | None, at: Any, *, lines: int = 1) -> None:
    each = [Line("TEA", "tea", 1, 1_000, 0)] * lines
    receipt = Receipt(f"{at}-{store.pk}", at, "CNY", 1_000, 0, "cash", each)
    record_sale(member=wang, store=store, till=till, receipt=receipt, now=NOW)


@pytest.fixture
def regular() -> Member:
    return MemberFactory.create(name="王芳", now=NOW - 300 * DAY)


def test_who_corrects_far_more_often_than_the_others_is_found(regular):
    asks("anna", regular, 2, days_ago=20)
    asks("anna2", regular, 0)
    asks("bo", regular, 2)
    asks("chen", regular, 9, days_ago=8)

    (row,) = found("clerks").rows

    assert row.words == ["chen", "0", "9", "2.0", "50", "20"]
    assert row.link.startswith("/admin/loyalty/correction/?asked_by__id__exact=")
    Watch.objects.update(clerk_times=5)
    assert found("clerks").size == 0


def test_a_till_that_sells_without_lines_is_found_with_its_share(regular):
    honest, odd = TillFactory.create(name="1"), TillFactory.create(name="2")
    for number in range(6):
        sells(regular, honest.store, honest, NOW - number * DAY)
        sells(regular, odd.store, odd, NOW - number * DAY, lines=0)
    sells(regular, odd.store, odd, NOW - 7 * DAY)
    sells(regular, odd.store, odd, NOW - 40 * DAY, lines=0)

    (row,) = found("bare-sales").rows

    assert (row.words[:4], row.link) == (
        [odd.store.code, "2", "6", "5"],  # the sale of this very moment is not in the window yet
        f"/admin/members/sale/?till__id__exact={odd.pk}",
    )
    assert found("bare-sales", stores=(honest.store_id,)).size == 0


def test_points_spent_minutes_after_they_were_earned_are_found(wang, li):
    for member, minutes in ((wang, 9), (li, 11)):
        earn(points=50, **by(member, "sale:1", NOW - DAY))
        redeem(points=40, **by(member, "reward:1", NOW - DAY + minutes * MINUTE))

    (row,) = found("quick-spending").rows

    assert row.words[1:] == ["王芳", wang.number, "50", "40", "9"]
    assert found("quick-spending", stores=(li.home_store_id,)).size == 0


def test_a_member_in_two_stores_within_minutes_is_found(regular):
    here, there = StoreFactory.create(code="here"), StoreFactory.create(code="there")
    for store, minutes in ((here, 0), (here, 5), (there, 20), (here, 60)):
        sells(regular, store, None, NOW - DAY + minutes * MINUTE)

    (row,) = found("two-stores").rows

    assert row.words[1:] == ["王芳", regular.number, "here", "there", "15"]
    assert found("two-stores", stores=(here.pk,)).size == 0


def test_more_than_can_be_shown_is_said(regular):
    here, there = StoreFactory.create(), StoreFactory.create()
    for number in range(3):
        for store, minutes in ((here, 0), (there, 5)):
            sells(regular, store, None, NOW - (number + 1) * DAY + minutes * MINUTE)

    cut = found("two-stores", most=2)

    assert (cut.size, cut.is_cut, found("two-stores").size) == (2, True, 3)


def brings_back(wang: Member, store: Store, actor: str, count: int, *, days_ago: int = 1) -> None:
    for number in range(count):
        at = NOW - days_ago * DAY + number * MINUTE
        sells(wang, store, None, at - DAY)
        asked = ReturnAsked(f"B{actor}{at}", f"{at - DAY}-{store.pk}", at, [LineAsked(1, 1)])
        record_return(member=wang, at=Counter(store, store, actor=actor), asked=asked, now=NOW)


def test_a_till_or_person_who_takes_back_far_more_often_than_the_others_is_found(regular):
    here, there = TillFactory.create(name="1"), TillFactory.create(name="2")
    bo = UserFactory.create(username="bo")
    brings_back(regular, here.store, f"till:{here.pk}", 2)
    brings_back(regular, there.store, f"till:{there.pk}", 9, days_ago=9)
    brings_back(regular, there.store, f"till:{there.pk}", 9, days_ago=60)
    brings_back(regular, here.store, f"user:{bo.pk}", 1, days_ago=2)

    (row,) = found("many-returns").rows

    assert row.words[:4] == [f"{there.store.code} · 2", "0", "9", "1.5"]
    assert "90.00" in row.words[4]
    assert row.link == f"/admin/members/return/?actor__exact=till:{there.pk}"
    assert found("many-returns", stores=(here.store_id,)).size == 0
    Watch.objects.update(return_times=7)
    assert found("many-returns").size == 0


def test_goods_that_come_back_soon_after_points_were_spent_are_found(regular):
    store = StoreFactory.create()
    earn(points=50, **by(regular, "start", NOW - 200 * DAY))
    redeem(points=5, **by(regular, "reward:0", NOW - 3 * DAY))
    brings_back(regular, store, "", 1)  # was bought after those points were spent
    assert found("spent-and-returned").size == 0
    redeem(points=20, **by(regular, "reward:1", NOW - DAY - 5 * 60 * MINUTE))

    (row,) = found("spent-and-returned").rows

    assert row.words[1:4] == ["王芳", regular.number, "20"]
    assert row.words[5] == "5"
    assert "10.00" in row.words[4]
    assert found("spent-and-returned", stores=(store.pk,)).size == 0
    Watch.objects.update(regret_hours=4)
    assert found("spent-and-returned").size == 0
