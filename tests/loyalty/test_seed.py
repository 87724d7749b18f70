"""`manage.py seed --members`: a crowd for measuring, in tables that are as strict afterwards as before."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from loyalty.ledger.actions import prove_range
from loyalty.ledger.models import Account
from members.profiles.models import Identity, Member
from members.purchases.models import Sale


def strictness() -> list[tuple[str, ...]]:
    """Every index and every constraint of the tables, as the catalogue writes them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename::text, indexdef FROM pg_indexes WHERE schemaname = 'public' UNION ALL "
            "SELECT conrelid::regclass::text, conname || pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2"
        )
        return cursor.fetchall()


@pytest.mark.django_db(transaction=True)
def test_a_crowd_is_there_at_once_and_leaves_the_tables_as_strict_as_they_were():
    before = strictness()

    call_command("seed", members=300, sales=900)
    call_command("seed", members=50, sales=100)

    assert strictness() == before
    assert (Member.objects.count(), Identity.objects.count(), Sale.objects.count()) == (350, 350, 1_000)
    accounts = Account.objects.order_by("pk").values_list("pk", flat=True)
    assert prove_range(first=accounts[0], last=accounts[len(accounts) - 1], now=timezone.now()) == 0
    assert set(Account.objects.values_list("active", flat=True)) == {500}
