"""A kind of points, and two members, for tests of the ledger."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from django.db import transaction

from loyalty.ledger.models import PointKind
from members.profiles.models import Member
from tests.factories import MemberFactory


@pytest.fixture
def points() -> PointKind:
    """Points with a debt of 30 at most, and ten days of least life."""
    PointKind.objects.filter(code="points").update(debt_limit=30, restored_life_days=10)
    return PointKind.objects.get(code="points")


@pytest.fixture
def wang(points: PointKind) -> Member:
    return MemberFactory.create(name="王芳")


@pytest.fixture
def li(points: PointKind) -> Member:
    return MemberFactory.create(name="李强")


@pytest.fixture
def fresh() -> Callable[[], AbstractContextManager[None]]:
    """A world that is forgotten again, for each example of a property."""

    @contextmanager
    def world() -> Iterator[None]:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)

    return world
