"""What a dashboard shows of sales."""

from datetime import date, datetime

from django.conf import settings
from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.translation import gettext as _

from members.kit.charts import Chart, Scope, Series, by_day, day_labels, days_until
from members.kit.money import decimal_amount, format_money
from members.kit.windows import days_after, start_of_day
from members.purchases.models import Sale


def sales_between(scope: Scope, start: datetime, end: datetime) -> QuerySet[Sale]:
    """The sales of the stores in view, from the start on and before the end."""
    return Sale.objects.filter(**scope.within("store"), happened_at__gte=start, happened_at__lt=end)


def total(scope: Scope, start: datetime, end: datetime) -> tuple[int, int]:
    """How many sales, and minor units."""
    found = sales_between(scope, start, end).aggregate(count=Count("pk"), amount=Sum("amount"))
    return found["count"], found["amount"] or 0


def sales_today(scope: Scope, now: datetime) -> dict[str, int]:
    """Sales of today so far, and of the same weekday last week by this time of day: like beside like."""
    count, amount = total(scope, start_of_day(now), now)
    before = days_after(now, -7)
    count_before, amount_before = total(scope, start_of_day(before), before)
    return {"count": count, "amount": amount, "count_before": count_before, "amount_before": amount_before}


def sales_per_day(scope: Scope, now: datetime) -> Chart:
    """What was sold on each of the last 30 days."""

    def read(start: datetime, end: datetime) -> dict[date, tuple[int, int]]:
        dated = sales_between(scope, start, end).annotate(
            day=TruncDate("happened_at", tzinfo=timezone.get_default_timezone())
        )
        rows = dated.order_by().values("day").annotate(count=Count("pk"), amount=Sum("amount"))
        return {row["day"]: (row["count"], row["amount"]) for row in rows}

    days = days_until(now)
    found = [each or (0, 0) for each in by_day("sales", scope, days, read)]
    drawn = [float(decimal_amount(amount, currency=settings.SHOP_CURRENCY)) for _count, amount in found]
    return Chart(
        code="sales",
        title=_("Sales per day"),
        labels=day_labels(days),
        series=[
            Series(
                _("amount paid"),
                drawn,
                "var(--color-primary-600)",
                words=[f"{format_money(amount)} ({count:,})" for count, amount in found],
            )
        ],
        size=sum(count for count, _amount in found),
        counted=_("sales"),
        as_of=now,
        first=_("day"),
    )
