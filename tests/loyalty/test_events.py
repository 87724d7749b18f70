"""What members do beside buying: reported once, rewarded by rules, from any room or till."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from loyalty.deeds.actions import report_enrolments, report_event, sweep_waiting
from loyalty.deeds.rules import BadEvent, EventInFuture, EventReused, Happening
from loyalty.earning.models import Award, Event
from loyalty.ledger.models import Account, Lot, Movement
from members.kit.windows import months_after
from members.messaging.models import Message
from members.profiles.models import Member
from tests.factories import NOW, MemberFactory, StoreFactory, TillFactory
from tests.loyalty.test_earning import post
from tests.loyalty.test_rules_on_sales import LONG_AGO, receipt, record, rule
from tests.races import all_at_once

pytestmark = pytest.mark.django_db


def active(member: Member) -> dict[str, int]:
    return dict(Account.objects.of(member).values_list("kind__code", "active"))


def report(member: Member, code: str = "review", key: str = "review:1", **more: Any) -> Any:
    return report_event(member=member, happening=Happening(code, key, more.pop("at", NOW), **more), now=NOW)


def test_an_event_is_rewarded_by_the_rules_about_it_and_the_member_hears_of_it():
    wang = MemberFactory.create(name="王芳", now=LONG_AGO)
    rule("review", trigger="review", effect="fixed", points=20)
    rule("review_growth", trigger="review", effect="fixed", points=1_000, kind="growth")

    reported = report(wang)

    assert {award.version.rule_code: award.points for award in reported.awards} == {
        "review": 20,
        "review_growth": 1_000,
    }
    assert active(wang) == {"points": 20, "growth": 1_000}
    assert wang.standings.get().tier.code == "silver"
    assert {m.template for m in Message.objects.of(wang)} == {"event_rewarded", "tier_reached"}
    assert Movement.objects.of(wang).filter(key__startswith=f"event:{reported.event}:").count() == 2


def test_the_same_event_again_changes_nothing_and_another_one_under_its_key_is_refused():
    wang = MemberFactory.create(name="王芳", now=LONG_AGO)
    rule("review", trigger="review", effect="fixed", points=20)
    first = report(wang)

    again = report(wang)
    with pytest.raises(EventReused):
        report(wang, at=NOW - timedelta(days=1))

    assert (again.event, again.is_repeat, again.awards) == (first.event, True, [])
    assert active(wang) == {"points": 20}
    assert Event.objects.count() == 1


def test_an_event_that_no_rule_is_about_is_kept_and_earns_nothing():
    wang = MemberFactory.create(name="王芳", now=LONG_AGO)

    assert report(wang, "share", "share:1").awards == []
    assert Event.objects.get().code == "share"


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"code": "sale"}, BadEvent),
        ({"code": "Re view"}, BadEvent),
        ({"key": ""}, BadEvent),
        ({"key": "k" * 101}, BadEvent),
        ({"at": NOW + timedelta(hours=1)}, EventInFuture),
    ],
)
def test_an_event_that_cannot_be_is_refused_and_leaves_no_trace(changes, refusal):
    wang = MemberFactory.create(name="王芳", now=LONG_AGO)

    with pytest.raises(refusal):
        report(wang, **changes)

    assert not Event.objects.exists()


def test_a_daily_limit_holds_for_events_too():
    wang = MemberFactory.create(name="王芳", now=LONG_AGO)
    rule("check_in", trigger="check_in", effect="fixed", points=5, limits={"times": {"day": 1}})

    given = [report(wang, "check_in", f"c{n}", at=NOW - timedelta(hours=3 * n)).awards for n in range(6)]

    assert [len(awards) for awards in given] == [1, 0, 0, 0, 0, 1]


def test_who_joins_is_welcomed_once_however_often_the_sweep_comes():
    rule("welcome", trigger="enrolment", effect="fixed", points=50, now=NOW - timedelta(days=1))
    before = MemberFactory.create(name="李强", now=NOW - timedelta(days=2))
    joined = MemberFactory.create(name="王芳", now=NOW - timedelta(hours=1))

    assert report_enrolments(now=NOW) == 1
    assert report_enrolments(now=NOW) == 0

    assert active(joined) == {"points": 50}
    assert active(before) == {}


def test_a_till_reports_an_event():
    till = TillFactory.create()
    wang = MemberFactory.create(name="王芳", phone="13912345678")
    rule("visit", trigger="check_in", effect="fixed", points=5, conditions={"store": [till.store.code]})
    body = {"member": {"kind": "phone", "value": "13912345678"}, "code": "check_in", "facts": {"by": "qr"}}

    answer = post(till, "events", body)
    again = post(till, "events", body)
    wrong = post(till, "events", body | {"code": "sale"}, key="k2")

    assert (answer.status_code, answer.json()["points"]) == (201, 5)
    assert again.json() == answer.json()
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "bad_event")
    event = Event.objects.get(member=wang)
    assert (event.store, event.facts) == (till.store, {"by": "qr"})
    assert event.happened_at <= timezone.now()


@pytest.mark.django_db(transaction=True)
def test_the_same_event_from_many_sides_at_once_is_rewarded_once():
    wang = MemberFactory.create(name="王芳", now=LONG_AGO)
    rule("review", trigger="review", effect="fixed", points=20)

    reported = all_at_once(lambda _n: report(wang), 8)

    assert sorted(each.is_repeat for each in reported) == [False] + [True] * 7
    assert Award.objects.count() == 1


def waiting_for_review(**says: Any) -> Member:
    """A member whose purchase earned points that wait for a review."""
    wang = MemberFactory.create(name="王芳", now=LONG_AGO)
    rule("promise", effect="fixed", points=30, waits="event", waits_for="review", **says)
    record(wang, StoreFactory.create(), receipt("1", happened_at=NOW - timedelta(days=5)))
    return wang


def test_points_that_wait_for_an_event_become_active_when_it_comes_and_live_from_then_on():
    wang = waiting_for_review(expires_after_months=1)
    assert Account.objects.of(wang).get(kind__code="points").pending == 30

    report(wang, "share", "share:1")
    assert active(wang)["points"] == 100
    report(wang)

    assert active(wang)["points"] == 130
    assert Lot.objects.get(member=wang, points=30).expires_at == months_after(NOW, 1)


def test_points_whose_event_never_comes_are_taken_back_when_the_rules_days_are_over():
    wang = waiting_for_review(pending_days=6)

    assert sweep_waiting(now=NOW) == 0
    assert sweep_waiting(now=NOW + timedelta(days=1)) == 1
    assert sweep_waiting(now=NOW + timedelta(days=1)) == 0

    points = Account.objects.of(wang).get(kind__code="points")
    assert (points.pending, points.active) == (0, 100)
    assert Movement.objects.of(wang).get(kind="claw_back").reason == "event_missing"


def test_points_that_wait_for_ever_do_not_keep_the_sweep_from_those_that_are_late():
    rule("patient", effect="fixed", points=7, waits="event", waits_for="review", priority=1)
    wang = waiting_for_review(pending_days=1)

    assert sweep_waiting(now=NOW, most=1) == 1

    assert Account.objects.of(wang).get(kind__code="points").pending == 7
