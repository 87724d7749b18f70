"""The staff's door to the liability: for those who see the figures of all stores."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe
from unfold.decorators import display

from loyalty.ledger.models import PointKind
from loyalty.liability.actions import journal
from loyalty.liability.models import LiabilityDay
from loyalty.liability.panels import cohort_rows, liability_page
from loyalty.liability.rules import money_of
from members.kit.admin import Records, stores_seen
from members.kit.money import decimal_amount, format_money
from members.kit.names import named
from members.kit.tables import write_rows
from members.kit.windows import months_after, start_of_day
from members.stores.models import User

JOURNAL_MONTHS = 12


def sees_liability(request: HttpRequest) -> bool:
    """Whether the person at the page may see what all stores owe together."""
    return cast(User, request.user).has_perm("loyalty.see_figures") and stores_seen(request) is None


@admin.register(LiabilityDay)
class LiabilityDesk(Records):
    """What the shop owes in points. The list below the charts is the table behind them."""

    nothing_yet = _("What the shop owes in points is counted at night: tomorrow the first day stands here.")
    list_display = ("taken_on", "of_kind", "outstanding", "value", "used_later", "lapses_later", "owed")
    list_filter = ("kind",)
    list_select_related = ("kind",)
    ordering = ("-taken_on", "kind")
    fields = readonly_fields = ("taken_on", "of_kind", "outstanding", "value", "used_later", "lapses_later", "owed")
    list_before_template = "admin/liability.html"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return sees_liability(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return sees_liability(request)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(is_complete=True)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        kind = kind_meant(request) if self.has_view_permission(request) else None
        context = (extra_context or {}) | (liability_page(kind, timezone.now()) if kind else {})
        return cast(HttpResponse, super().changelist_view(request, context))

    def get_urls(self) -> list[URLPattern]:
        ours = [
            path(f"{name}.csv", self.admin_site.admin_view(require_safe(view)), name=f"liability_{name}")
            for name, view in (("journal", self.download_journal), ("cohorts", self.download_cohorts))
        ]
        return [*ours, *super().get_urls()]

    def download_journal(self, request: HttpRequest) -> StreamingHttpResponse:
        """The last twelve whole months and the running one, for the accountant."""
        end = timezone.now()
        start = months_after(start_of_day(end).replace(day=1), -JOURNAL_MONTHS)
        return self.download(request, "points-journal", lambda: journal_rows(start, end))

    def download_cohorts(self, request: HttpRequest) -> StreamingHttpResponse:
        """The months of earning of the latest night."""
        kind = kind_meant(request)
        latest = LiabilityDay.objects.complete().filter(kind=kind).select_related("kind").order_by("-taken_on").first()
        return self.download(request, "points-cohorts", lambda: cohort_lines(latest) if latest else ())

    def download(self, request: HttpRequest, name: str, rows: Any) -> StreamingHttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
        lines = list(write_rows(rows()))  # in the reader's language, which is gone when a stream is read
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)

    @display(description=gettext_lazy("point kind"))
    def of_kind(self, day: LiabilityDay) -> str:
        return named(day.kind)

    @display(description=gettext_lazy("outstanding"))
    def outstanding(self, day: LiabilityDay) -> str:
        return f"{day.open:,}"

    @display(description=gettext_lazy("value"))
    def value(self, day: LiabilityDay) -> str:
        return format_money(money_of(day.open, day.money_per_thousand))

    @display(description=gettext_lazy("expected to be used"))
    def used_later(self, day: LiabilityDay) -> str:
        return f"{day.expected_use:,}"

    @display(description=gettext_lazy("expected to lapse"))
    def lapses_later(self, day: LiabilityDay) -> str:
        return f"{day.breakage:,}"

    @display(description=gettext_lazy("owed by members"))
    def owed(self, day: LiabilityDay) -> str:
        return f"{day.debt:,}"


def kind_meant(request: HttpRequest) -> PointKind | None:
    """The kind that the list is filtered by, else the first that can be spent."""
    said = request.GET.get("kind__id__exact", "")
    kinds = PointKind.objects.filter(is_spendable=True).order_by("pk")
    if said and not said.isdecimal():
        raise Http404
    return kinds.filter(pk=int(said)).first() if said else kinds.first()


def journal_rows(start: datetime, end: datetime) -> Iterator[Sequence[str]]:
    """The journal as a table; money in whole units with decimals, empty on the other side."""
    yield _("month"), _("point kind"), _("event"), _("account"), _("points"), _("debit"), _("credit")
    for entry in journal(start=start, end=end):
        sides = [str(amount_of(each)) if each else "" for each in (entry.debit, entry.credit)]
        points = str(entry.points) if entry.points else ""
        yield f"{entry.month:%Y-%m}", named(entry.kind), entry.what, entry.account, points, *sides


def amount_of(units: int) -> Any:
    """Minor units as a decimal number of the shop's currency."""
    return decimal_amount(units, currency=settings.SHOP_CURRENCY)


def cohort_lines(day: LiabilityDay) -> Iterable[Sequence[str]]:
    """The months of earning as a table."""
    yield (
        _("earned in"), _("issued"), _("used"), _("expired"), _("taken back"), _("repaid debt"), _("outstanding"),
        _("expected to be used"), _("expected to lapse"), _("value"),
    )  # fmt: skip
    for row in cohort_rows(day):
        cohort = row.cohort
        numbers = (cohort.issued, cohort.used, cohort.lapsed, cohort.taken, cohort.repaid, cohort.open)
        expected = (row.outlook.used, row.outlook.lapsed, amount_of(row.money))
        yield f"{cohort.month:%Y-%m}", *(str(number) for number in (*numbers, *expected))
