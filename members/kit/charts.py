"""Charts: one message each, with how many it stands for, as of when, and the table behind it."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar

from django.core.cache import cache
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from redis import RedisError

from members.kit.windows import shops_day

logger = logging.getLogger(__name__)

DAYS = 30
REMEMBERED = 1800  # seconds: days that are over change only when a till was late
Value = TypeVar("Value")


@dataclass(frozen=True)
class Scope:
    """Which stores somebody may see, by id; None is all of them."""

    stores: tuple[int, ...] | None

    @property
    def key(self) -> str:
        """Stands for the scope where something is remembered."""
        return "all" if self.stores is None else sha256(repr(sorted(self.stores)).encode()).hexdigest()[:16]

    def within(self, path: str) -> dict[str, tuple[int, ...]]:
        """The filter of a table from which this path leads to the store."""
        return {} if self.stores is None else {f"{path}__in": self.stores}


@dataclass(frozen=True)
class Series:
    """One row of numbers and its colour: a CSS variable, or #RRGGBB as staff chose it. `words` stand in the table."""

    name: str
    values: Sequence[float]
    colours: str | Sequence[str]
    words: Sequence[str] = ()


@dataclass(frozen=True)
class Chart:
    """What a dashboard draws. `labels` stand under the bars."""

    code: str
    title: str
    labels: Sequence[str]
    series: Sequence[Series]
    size: int
    counted: str  # what the size counts, for example "sales"
    as_of: datetime
    first: str  # what the first column of the table is
    lies: bool = False  # bars from left to right, for few things with long names

    @property
    def data(self) -> str:
        """What Chart.js draws, as JSON."""
        datasets = [
            {"label": each.name, "data": list(each.values), "backgroundColor": each.colours, "borderRadius": 3}
            for each in self.series
        ]
        return json.dumps({"labels": list(self.labels), "datasets": datasets}, ensure_ascii=False)

    @property
    def options(self) -> str:
        """How Chart.js draws it, as JSON."""
        ticks = {"color": "#8f8578", "maxRotation": 0, "autoSkipPadding": 14}
        quiet = {"grid": {"display": False}, "border": {"display": False}, "ticks": ticks}
        numbers = {**quiet, "beginAtZero": True, "ticks": {**ticks, "maxTicksLimit": 5, "precision": 0}}
        return json.dumps(
            {
                "animation": False,
                "responsive": True,
                "maintainAspectRatio": False,
                "indexAxis": "y" if self.lies else "x",
                "locale": get_language() or "zh-hans",
                "plugins": {
                    "legend": {
                        "display": len(self.series) > 1,
                        "align": "end",
                        "labels": {"boxWidth": 10, "boxHeight": 10, "color": "#8f8578"},
                    }
                },
                "scales": {"x": numbers, "y": quiet} if self.lies else {"x": quiet, "y": numbers},
            }
        )

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """The table behind the chart."""
        columns = (each.words or [f"{value:,}" for value in each.values] for each in self.series)
        return [(label, list(words)) for label, *words in zip(self.labels, *columns, strict=True)]


def days_until(now: datetime, count: int = DAYS) -> list[date]:
    """The last so many of the shop's days, today the last of them."""
    today = shops_day(now)
    return [today - timedelta(days=back) for back in range(count - 1, -1, -1)]


def day_labels(days: Sequence[date]) -> list[str]:
    """Days as short as the reader's language writes them."""
    return [date_format(day, "n月j日" if not (get_language() or "").startswith("en") else "j M") for day in days]


def start_of(day: date) -> datetime:
    """Midnight at the shop."""
    return timezone.make_aware(datetime(day.year, day.month, day.day), timezone.get_default_timezone())


def remembered(key: str, read: Callable[[], Value]) -> Value:
    """What was read within the last half hour, or is read now; also without Redis."""
    try:
        known: Value | None = cache.get(key)
        if known is None:
            known = read()
            cache.set(key, known, REMEMBERED)
    except RedisError as error:
        logger.warning("nothing is remembered: %s", type(error).__name__)
        return read()
    return known


def by_day(
    name: str, scope: Scope, days: Sequence[date], read: Callable[[datetime, datetime], dict[date, Any]]
) -> list[Any]:
    """A value for each day, None where there is none: days that are over out of memory, today as it is now."""
    *over, today = days
    key = f"panel:{name}:{scope.key}:{over[0]}:{today}"
    known = dict(remembered(key, lambda: read(start_of(over[0]), start_of(today))))
    known |= read(start_of(today), start_of(today + timedelta(days=1)))
    return [known.get(day) for day in days]
