"""What all tests share."""

from collections.abc import Iterator
from contextlib import contextmanager

import pgtrigger
import pytest
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase
from django.utils import translation
from pytest_django import DjangoDbBlocker


@contextmanager
def triggers_asleep() -> Iterator[None]:
    """Nothing is refused by our triggers. pgtrigger.ignore() would do, but not with prepared statements."""
    names = ",".join(trigger.get_pgid(model) for model, trigger in pgtrigger.registered())
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pgtrigger.ignore', %s, false)", [f"{{{names}}}"])
        yield
        cursor.execute("SELECT set_config('pgtrigger.ignore', NULL, false)")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database, with two promises for tests that commit (transaction=True).

    They empty all tables at their end. Triggers that keep movements from being deleted do not stop that, and what the
    migrations put in is there again for the next test.
    """
    empty = TransactionTestCase._fixture_teardown
    with django_db_blocker.unblock():
        rows = connection.creation.serialize_db_to_string()

    def empty_and_restore(case: TransactionTestCase) -> None:
        # Both tell Django that content types come back from here. It is said anew each time because a browser's event
        # loop gives the thread another connection.
        case.serialized_rollback = True
        connection._test_serialized_contents = rows
        with triggers_asleep():
            empty(case)
        connection.creation.deserialize_db_from_string(rows)

    TransactionTestCase._fixture_teardown = empty_and_restore
    yield
    TransactionTestCase._fixture_teardown = empty


@pytest.fixture(autouse=True)
def the_shops_language() -> Iterator[None]:
    """Each test begins in the shop's language: what a request of the last one spoke stays on in its thread."""
    with translation.override(settings.LANGUAGE_CODE):
        yield
