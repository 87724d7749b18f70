"""A small shop on a day that stands still, for every test of the staff's door."""

import pytest
import time_machine
from django.core.cache import cache

from members.kit.rates import counters
from tests.factories import NOW
from tests.world import World, make_world


@pytest.fixture(autouse=True)
def a_fixed_day(settings, tmp_path):
    settings.DEMO = False
    settings.MEDIA_ROOT = tmp_path
    cache.clear()
    counters().flushdb()
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def world(db) -> World:
    return make_world()
