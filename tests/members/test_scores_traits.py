"""Segments over the night's scores: each compares what the row holds, and who has no row is in none of them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from members.scores.models import MemberScore
from members.segments.actions import members_now
from tests.factories import NOW, MemberFactory

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate(NOW)


@pytest.fixture
def people():
    wang, li, zhang = (MemberFactory.create(name=name, now=NOW - timedelta(days=900)) for name in ("王", "李", "张"))
    MemberScore.objects.create(
        member=wang, cell="champion", risk="low", recency=5, frequency=5, monetary=4, decile=10, engagement=80,
        alive=97, expected_value=200_00, interval_days=12, next_on=TODAY + timedelta(days=3),
    )  # fmt: skip
    MemberScore.objects.create(member=li, cell="never")
    return {wang.pk: "wang", li.pk: "li", zhang.pk: "zhang"}


@pytest.mark.parametrize(
    ("trait", "how", "value", "found"),
    [
        ("rfm_cell", "one_of", ["champion"], {"wang"}),
        ("rfm_cell", "none_of", ["champion"], {"li", "zhang"}),
        ("rfm_cell", "known", None, {"wang", "li"}),
        ("churn_risk", "one_of", ["low", "high"], {"wang"}),
        ("churn_risk", "unknown", None, {"li", "zhang"}),
        ("value_decile", "at_least", 9, {"wang"}),
        ("value_decile", "less_than", 9, set()),
        ("engagement", "less_than", 50, {"li"}),
        ("alive", "between", [90, 99], {"wang"}),
        ("expected_value", "more_than", 100_00, {"wang"}),
        ("usual_interval", "at_most", 30, {"wang"}),
        ("recency_score", "equal", 5, {"wang"}),
        ("frequency_score", "at_least", 5, {"wang"}),
        ("spend_score", "at_least", 5, set()),
        ("next_purchase", "within_next", 7, {"wang"}),
        ("next_purchase", "unknown", None, {"li"}),
    ],
)
def test_a_score_is_compared(people, trait, how, value, found):
    tree = {"trait": trait, "is": how} | ({} if value is None else {"value": value})

    assert {people[member.pk] for member in members_now(tree, now=NOW)} == found


def test_no_is_the_rest(people):
    tree = {"not": {"trait": "value_decile", "is": "at_least", "value": 9}}

    assert {people[member.pk] for member in members_now(tree, now=NOW)} == {"li", "zhang"}
