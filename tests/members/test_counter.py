"""What matters now, and one thing to say: by weight, in words, for those who may read it."""

from datetime import date, timedelta

import pytest
from django.utils.translation import override

from loyalty.ledger.actions import earn
from loyalty.ledger.models import PointKind
from members.counter.actions import cues_for, suggested
from members.notes.actions import write_note
from members.purchases.models import Sale
from tests.factories import NOW, MemberFactory, StoreFactory, UserFactory

DAY = timedelta(days=1)
TODAY = date(2026, 3, 9)


@pytest.fixture(autouse=True)
def in_english():
    with override("en"):
        yield


@pytest.fixture
def clerk(db):
    return UserFactory.create(username="clerk", role="clerk")


def member_with(**said):
    return MemberFactory.create(name="王芳", home_store=StoreFactory.create(), now=NOW - 900 * DAY, **said)


def bought(member, at):
    Sale.objects.create(
        member=member, store=member.home_store, receipt=f"{at}", happened_at=at, currency="CNY", amount=100
    )


def test_a_late_task_comes_first_and_what_lapses_is_what_to_say(clerk):
    wang = member_with(birth_on=date(1990, 3, 12))
    bought(wang, NOW - 400 * DAY)
    kind = PointKind.objects.get(code="points")
    earn(member=wang, kind=kind, points=70, key="a", now=NOW - DAY, expires_at=NOW + 9 * DAY)
    write_note(member=wang, words="ring back", by=clerk, key="key-00001", now=NOW, due_on=TODAY)

    cues = cues_for(member=wang, user=clerk, now=NOW)

    assert [cue.words for cue in cues] == [
        "ring back, by 9 Mar 2026",
        "70 Points lapse on 18 Mar",
        "Birthday in 3 days",
        "Last purchase 400 days ago",
    ]
    assert suggested(cues).say == "70 of your Points lapse on 18 Mar. Would you like to use them today?"


def test_nothing_in_particular(clerk):
    wang = member_with()
    bought(wang, NOW - DAY)

    assert cues_for(member=wang, user=clerk, now=NOW) == []
    assert suggested([]) is None


def test_a_first_visit_is_greeted(clerk):
    assert [cue.words for cue in cues_for(member=member_with(), user=clerk, now=NOW)] == ["Has not bought anything yet"]


def test_who_may_not_read_points_gets_no_cue_about_them(db):
    stranger = UserFactory.create(username="nobody")
    wang = member_with()
    kind = PointKind.objects.get(code="points")
    earn(member=wang, kind=kind, points=70, key="a", now=NOW, expires_at=NOW + 9 * DAY)

    assert cues_for(member=wang, user=stranger, now=NOW) == []
