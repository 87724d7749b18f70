"""Members are found by any part of their names, through an index that knows every part."""

import pytest
from django.db import connection
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from members.profiles.models import Member
from members.profiles.rules import parts_of
from tests.factories import MemberFactory, StoreFactory

NAMES = st.characters(exclude_categories=("C", "Z"), include_characters=" ")  # what can be seen

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("小明", ["欧阳小明"]),
        ("明", ["欧阳小明", "明小王"]),
        ("阳小明", ["欧阳小明"]),
        ("明阳", []),
        ("GREEN", ["Anna Green-Wood"]),
        ("reen-wo", ["Anna Green-Wood"]),
        ("a g", ["Anna Green-Wood"]),
        ("ee", []),  # two letters stand in too many names
        ("Green Anna", []),
        ("%明", []),
    ],
)
def test_a_member_is_found_by_any_part_of_the_name(text, found):
    store = StoreFactory.create()
    for name in ("欧阳小明", "明小王", "Anna Green-Wood"):
        MemberFactory.create(name=name, home_store=store)

    assert sorted(Member.objects.search(text).values_list("name", flat=True)) == sorted(found)


@given(name=st.text(NAMES, min_size=1, max_size=12), start=st.integers(0, 11), size=st.integers(1, 12))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_index_knows_every_part_by_which_it_is_asked(name, start, size):
    part = name[start : start + size].lower()
    assume(name.lower().lower() == name.lower() and len(name.lower()) == len(name))
    with connection.cursor() as cursor:
        cursor.execute("SELECT member_name_parts(%s), lower(%s)", [name, name])
        parts, small = cursor.fetchone()

    assume(small == name.lower())  # the server knows fewer capitals of rare alphabets
    assert set(parts_of(part)) <= set(parts)
