"""The views of what looks odd. A room above registers another one with `register`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.forms.models import model_to_dict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from loyalty.watch.models import Watch
from loyalty.watch.sql import BARE_SALES, CLERKS, QUICK_SPENDING, TWO_STORES
from members.kit.arrays import integers
from members.kit.charts import Scope
from members.kit.money import format_money
from members.kit.windows import days_after

SHOWN = 20  # rows on the page; the file has more
MOST = 2_000


@dataclass(frozen=True, slots=True)
class View:
    """One kind of oddness: a statement of `sql.py`'s make, and what its columns mean.

    `about` may hold the thresholds by name. `link` is the address of the rows, with the id as %s.
    """

    code: str
    title: str | Promise
    about: str | Promise
    columns: Sequence[str | Promise]
    statement: str
    words: Callable[[Sequence[Any]], list[str]]
    link: str


@dataclass(frozen=True, slots=True)
class Row:
    """What a person reads, and where the rows behind it are."""

    words: list[str]
    link: str


@dataclass(frozen=True, slots=True)
class Found:
    """A view with what it found in the window; `size` is how many rows, cut at a limit."""

    view: View
    about: str
    rows: list[Row]
    size: int
    is_cut: bool


VIEWS: dict[str, View] = {}


def register(view: View) -> None:
    """Show this view as well, after those that are there."""
    VIEWS[view.code] = view


def thresholds() -> dict[str, int]:
    """The thresholds by name."""
    watch = Watch.objects.filter(pk=1).first() or Watch()
    return {name: value for name, value in model_to_dict(watch).items() if name != "id"}


def look(view: View, *, scope: Scope, now: datetime, most: int = SHOWN) -> Found:
    """What a view finds in the stores that the reader sees."""
    limits = thresholds()
    with connection.cursor() as cursor:
        cursor.execute(view.statement, parameters(limits, scope, now, most + 1))
        rows = cursor.fetchall()
    shown = [Row(view.words(row[1:]), view.link % row[0]) for row in rows[:most]]
    return Found(view, str(view.about) % limits, shown, len(shown), len(rows) > most)


def parameters(limits: Mapping[str, int], scope: Scope, now: datetime, most: int) -> dict[str, Any]:
    """What every statement is told."""
    stores = None if scope.stores is None else integers(scope.stores)
    start, week = days_after(now, -limits["days"]), days_after(now, -7)
    return {**limits, "start": start, "week": week, "now": now, "most": most, "stores": stores}


def plainly(row: Sequence[Any]) -> list[str]:
    """Moments in the shop's time, numbers with their commas."""
    return [plain(value) for value in row]


def plain(value: Any) -> str:
    """One cell."""
    if isinstance(value, datetime):
        return f"{timezone.localtime(value):%Y-%m-%d %H:%M}"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


register(
    View(
        code="clerks",
        title=_("Many corrections by one person"),
        about=_("At least %(clerk_least)s in %(days)s days, and %(clerk_times)s times what the others did."),
        columns=(
            _("asked by"),
            _("in 7 days"),
            _("in the window"),
            _("others, on average"),
            _("points given"),
            _("points taken"),
        ),
        statement=CLERKS,
        words=plainly,
        link="/admin/loyalty/correction/?asked_by__id__exact=%s",
    )
)
register(
    View(
        code="bare-sales",
        title=_("Sales without lines by till"),
        about=_("At least %(bare_least)s in %(days)s days: points without a basket that could be checked."),
        columns=(_("store"), _("till"), _("sales"), _("without lines"), _("amount paid")),
        statement=BARE_SALES,
        words=lambda row: [*plainly(row[:-1]), format_money(row[-1])],
        link="/admin/members/sale/?till__id__exact=%s",
    )
)
register(
    View(
        code="quick-spending",
        title=_("Earned and spent within minutes"),
        about=_("At most %(quick_minutes)s minutes apart, in %(days)s days."),
        columns=(_("when"), _("member"), _("member number"), _("earned"), _("spent"), _("minutes")),
        statement=QUICK_SPENDING,
        words=plainly,
        link="/admin/loyalty/movement/%s/change/",
    )
)
register(
    View(
        code="two-stores",
        title=_("One member in two stores within minutes"),
        about=_("At most %(apart_minutes)s minutes apart, in %(days)s days."),
        columns=(_("when"), _("member"), _("member number"), _("first store"), _("then"), _("minutes")),
        statement=TWO_STORES,
        words=plainly,
        link="/admin/members/sale/%s/change/",
    )
)
