"""What a dashboard shows of sales."""

from datetime import date, datetime

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.translation import gettext as _

from members.kit.charts import Chart, Series, by_day, day_labels, days_until
from members.kit.money import decimal_amount, format_money
from members.kit.windows import days_after, start_of_day
from members.purchases.models import Sale, SaleQuerySet
from members.stores.actions import Scope


def sales_of(scope: Scope) -> SaleQuerySet:
    """The sales of the stores in view."""
    return Sale.objects.all() if scope.stores is None else Sale.objects.filter(store__in=scope.stores)


def total(sales: QuerySet[Sale], start: datetime, end: datetime) -> tuple[int, int]:
    """How many sales, and minor units, from the start on and before the end."""
    found = sales.filter(happened_at__gte=start, happened_at__lt=end).aggregate(count=Count("pk"), amount=Sum("amount"))
    return found["count"], found["amount"] or 0


def sales_today(scope: Scope, now: datetime) -> dict[str, int]:
    """Sales of today so far, and of the same weekday last week by this time of day: like beside like."""
    count, amount = total(sales_of(scope), start_of_day(now), now)
    before = days_after(now, -7)
    count_before, amount_before = total(sales_of(scope), start_of_day(before), before)
    return {"count": count, "amount": amount, "count_before": count_before, "amount_before": amount_before}


def sales_per_day(scope: Scope, now: datetime) -> Chart:
    """What was sold on each of the last 30 days."""

    def read(start: datetime, end: datetime) -> dict[date, tuple[int, int]]:
        days = sales_of(scope).filter(happened_at__gte=start, happened_at__lt=end)
        dated = days.annotate(day=TruncDate("happened_at", tzinfo=timezone.get_default_timezone()))
        rows = dated.order_by().values("day").annotate(count=Count("pk"), amount=Sum("amount"))
        return {row["day"]: (row["count"], row["amount"]) for row in rows}

    days = days_until(now)
    found = [each or (0, 0) for each in by_day("sales", scope.key, days, read)]
    return Chart(
        code="sales",
        title=_("Sales per day"),
        labels=day_labels(days),
        series=[
            Series(_("amount paid"), [float(decimal_amount(amount)) for _count, amount in found], "var(--color-primary-600)")
        ],
        size=sum(count for count, _amount in found),
        counted=_("sales"),
        as_of=now,
        written=lambda number: format_money(round(number * 10 ** decimal_places())),
        first=_("day"),
    )
