"""Whatever tree of traits somebody makes, the database finds exactly those whom plain Python finds."""

import json

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from members.kit.traits import Asking
from members.profiles.models import CustomField, Member
from members.segments import sql
from members.segments.actions import what_is_known
from members.segments.models import Membership, Segment
from members.segments.rules import SHAPE, alternatives, at_place, read_tree
from tests.factories import NOW
from tests.members.shop import CODES, holds, people, trees, write

pytestmark = pytest.mark.django_db


@pytest.fixture
def cold():
    CustomField.objects.create(code="taste", name_zh="口味", name_en="Taste", kind="choice", choices=["sweet", "salty"])
    says = {"shape": SHAPE, "tree": CODES["cold"]}
    return Segment.objects.create(code="cold", name_zh="未消费", name_en="Cold", says=says, version=1)


@given(shop=st.lists(people, min_size=1, max_size=5), tree=trees)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_database_and_plain_python_agree_on_every_tree(cold, shop, tree):
    with transaction.atomic():
        ids, listed = write(shop)
        tree = json.loads(json.dumps(tree).replace('"the list"', str(listed.pk)))
        known = what_is_known()
        read = read_tree(tree, known)
        expected = [holds(tree, person) for person in shop]

        with CaptureQueriesContext(
            connection,
        ) as asked:
            found = set(sql.members_as(read, known, Asking(NOW)).values_list("pk", flat=True))

        assert [number in found for number in ids] == expected
        assert len(asked) == 1
        assert read_tree(read, known) == read, "what was kept reads as itself"
        for number, is_in in zip(ids, expected, strict=True):
            alone = sql.members_as(read, known, Asking(NOW, number, number))
            assert alone.exists() == is_in
        refreshed_alike(cold, read, known, ids, shop, tree)
        transaction.set_rollback(True)


def refreshed_alike(segment, read, known, ids, shop, tree):
    """A refresh writes the same members, and the clause that let each in holds for them."""
    found = sql.with_clause(read, known, Asking(NOW, 0, 2**60))
    sql.refresh(segment=segment.pk, version=1, found=found, first=0, last=2**60, now=NOW)
    rows = dict(Membership.objects.open().filter(segment=segment).values_list("member", "clause"))
    for number, person in zip(ids, shop, strict=True):
        assert (number in rows) == holds(tree, person)
        if number in rows and len(alternatives(tree)) > 1:
            assert holds(at_place(tree, rows[number]), person)
    assert Member.objects.count() == len(ids)
