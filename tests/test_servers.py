"""What tests may rely on: real servers, and a database as the migrations left it, whatever ran before."""

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db import DatabaseError, connection

from loyalty.ledger.actions import earn
from loyalty.ledger.models import Movement
from members.stores.models import Store
from tests.factories import MemberFactory
from tests.loyalty.bookkeeping import by


def test_the_cache_is_a_real_one():
    cache.set("greeting", "您好", timeout=60)

    assert cache.get("greeting") == "您好"


@pytest.mark.parametrize("time", ["once", "twice"])
@pytest.mark.django_db(transaction=True)
def test_a_test_that_commits_starts_from_what_the_migrations_made(time):
    assert Permission.objects.count() > 20
    assert not Store.objects.exists()

    Store.objects.create(code="S1", name_zh="南京路", name_en="Nanjing Road")
    Permission.objects.first().delete()


@pytest.mark.parametrize("time", ["once", "twice"])
@pytest.mark.django_db(transaction=True)
def test_movements_are_kept_from_deletion_within_a_test_only(time):
    assert not Movement.objects.exists()

    earn(points=20, **by(MemberFactory.create(), "sale:1"))

    with pytest.raises(DatabaseError, match="movements are never deleted"), connection.cursor() as cursor:
        cursor.execute("TRUNCATE loyalty_movement CASCADE")
    assert Movement.objects.exists()
