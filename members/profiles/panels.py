"""What a dashboard shows of members, and further fields in words."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from members.kit.charts import DAYS, Scope, days_until, remembered, start_of
from members.kit.names import named
from members.kit.windows import days_after, start_of_day
from members.profiles.models import CustomField, Member


def further_rows(fields: Iterable[CustomField], values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The names of those fields in which something stands, and what, as people read it."""
    answers = {True: _("yes"), False: _("no")}
    return [
        (named(field), str(answers[value] if isinstance(value, bool) else value))
        for field in fields
        if (value := values.get(field.code)) is not None
    ]


def enrolled_between(scope: Scope, start: datetime, end: datetime) -> int:
    """How many members joined from the start on and before the end."""
    return (
        Member.objects.current()
        .filter(**scope.within("home_store"), enrolled_at__gte=start, enrolled_at__lt=end)
        .count()
    )


def members_today(scope: Scope, now: datetime) -> dict[str, int]:
    """Who joined today, on the same weekday last week by this time, and within 30 days; and how many there are."""
    today, before = start_of_day(now), days_after(now, -7)
    month = start_of(days_until(now, DAYS)[0])
    joined = enrolled_between(scope, today, now)
    return {
        "joined": joined,
        "joined_before": enrolled_between(scope, start_of_day(before), before),
        "joined_lately": joined
        + remembered(f"panel:joined:{scope.key}:{today:%Y-%m-%d}", lambda: enrolled_between(scope, month, today)),
        "members": remembered(f"panel:members:{scope.key}", lambda: count_of(scope)),
    }


def count_of(scope: Scope) -> int:
    """How many members there are."""
    return Member.objects.current().filter(**scope.within("home_store")).count()
