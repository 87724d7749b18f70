"""What a member's portrait and a group's show."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from members.kit.charts import Chart, Series, remembered, start_of
from members.kit.money import decimal_amount, format_money
from members.kit.names import named
from members.portraits.actions import (
    Amount,
    Portrait,
    Share,
    affinity_of,
    cells_of,
    expected_within,
    months_of_purchases,
    portrait_of,
    suggestions_for,
)
from members.portraits.rules import FEWEST
from members.profiles.models import Member
from members.scores.actions import scores_of
from members.scores.models import MemberScore, ScoreNight
from members.scores.rules import (
    ENGAGEMENT,
    FULL_BREADTH,
    FULL_VISITS,
    MEANINGS,
    NEXT_WEEKS,
    STALE_DAYS,
    Cell,
    Risk,
)
from members.stores.models import Store

SOON_WEEKS, SHOWN_SHARES = 4, 8
ACCENT, QUIET = "var(--color-primary-600)", "var(--color-base-400)"


def member_page(member: Member, now: datetime) -> dict[str, Any]:
    """A member's portrait; without figures before the first night."""
    night = ScoreNight.objects.complete().newest_first().first()
    score = scores_of(member)
    if night is None or score is None:
        return {"member": member}
    at = start_of(night.day)
    affinity = affinity_of(member)
    whole = sum(amount for _name, amount, _count in affinity)
    return {
        "member": member,
        "score": score,
        "night": night,
        "as_of": at,
        "meaning": MEANINGS[score.cell],
        "history": [(row.month, Cell(row.cell).label) for row in cells_of(member)],
        "risk": Risk(score.risk).label if score.risk else "",
        "store": named(score.store),
        "late_days": (night.day - score.next_on).days if score.next_on and score.next_on < night.day else 0,
        "soon": expected_within(score, night, SOON_WEEKS),
        "soon_weeks": SOON_WEEKS,
        "year": expected_within(score, night, NEXT_WEEKS),
        "parts": engagement_parts(member, score, night),
        "affinity": [(name, amount, count, amount * 100 / whole if whole else 0) for name, amount, count in affinity],
        "suggestions": suggestions_for(member, now),
        "chart": months_chart(member, now),
    }


def engagement_parts(member: Member, score: MemberScore, night: ScoreNight) -> list[tuple[Any, float]]:
    """What the engagement score is made of: each weight with the points it gave."""
    idle = (night.day - score.last_on).days if score.last_on else STALE_DAYS
    shares = {
        "visits": min(score.quarter_sales, FULL_VISITS) / FULL_VISITS,
        "freshness": max(STALE_DAYS - idle, 0) / STALE_DAYS,
        "breadth": min(score.categories, FULL_BREADTH) / FULL_BREADTH,
        "account": float(member.user_id is not None),
        "profile": float(member.birth_on is not None),
    }
    return [(weight, weight.points * shares[weight.code]) for weight in ENGAGEMENT]


def months_chart(member: Member, now: datetime) -> Chart | None:
    """What the member spent month by month."""
    months = months_of_purchases(member, now)
    if not any(count for _month, count, _amount in months):
        return None
    is_english = (get_language() or "").startswith("en")
    return Chart(
        code="months",
        title=_("Purchases by month"),
        labels=[date_format(month, "M y" if is_english else "y年n月") for month, _count, _amount in months],
        series=[
            Series(
                _("spend"),
                [float(decimal_amount(amount, currency=settings.SHOP_CURRENCY)) for _month, _count, amount in months],
                ACCENT,
                words=[f"{format_money(amount)} ({count:,})" for _month, count, amount in months],
            )
        ],
        size=sum(count for _month, count, _amount in months),
        counted=_("sales"),
        as_of=now,
        first=_("month"),
    )


@dataclass(frozen=True, slots=True)
class AmountRow:
    """A number of the group beside that of the others, and what the difference says."""

    amount: Amount
    group: str
    others: str
    group_median: str
    others_median: str
    says: str


def group_page(
    members: QuerySet[Member], among: QuerySet[Member], chosen_by: Collection[str] = (), key: str = ""
) -> dict[str, Any]:
    """A group's portrait beside the others, with a plain sentence for each difference but those it was chosen by.

    With a key that stands for both sides it is remembered for half an hour: it takes seconds of a million members.
    """
    night = ScoreNight.objects.complete().newest_first().first()
    if night is None:
        return {}

    def read() -> Portrait:
        return portrait_of(members, among, but=chosen_by)

    found = remembered(f"portrait:{night.day}:{key}", read) if key else read()
    at = start_of(night.day)
    return {
        "night": night,
        "as_of": at,
        "found": found,
        "is_few": min(found.size, found.others) < FEWEST,
        "fewest": FEWEST,
        "amounts": [amount_row(amount) for amount in found.amounts if amount.group.size or amount.others.size],
        "shares": [(share_chart(share, found, at), share_says(share)) for share in found.shares if share.rows],
    }


def amount_row(amount: Amount) -> AmountRow:
    """One line of the table."""
    return AmountRow(
        amount,
        written(amount.group.mean if amount.group.size else None, amount.unit),
        written(amount.others.mean if amount.others.size else None, amount.unit),
        written(amount.group_median, amount.unit),
        written(amount.others_median, amount.unit),
        amount_says(amount),
    )


def written(value: float | None, unit: str) -> str:
    """A number as people write it."""
    if value is None:
        return "—"
    return format_money(round(value)) if unit == "money" else f"{value:,.1f}"


def amount_says(amount: Amount) -> str:
    """What Welch's test says, in a sentence."""
    found = amount.difference
    if not found.is_known:
        return _("Too few members, or all alike: nothing can be said.")
    if not amount.differs:
        return _("The difference may be chance.")
    facts = {
        "by": written(abs(found.size), amount.unit),
        "low": written(min(abs(found.low), abs(found.high)), amount.unit),
        "high": written(max(abs(found.low), abs(found.high)), amount.unit),
    }
    if found.size > 0:
        return _("Higher by %(by)s on average (95%%: %(low)s to %(high)s); hardly chance.") % facts
    return _("Lower by %(by)s on average (95%%: %(low)s to %(high)s); hardly chance.") % facts


def share_says(share: Share) -> str:
    """What the chi-square test says, in a sentence."""
    if not share.difference.is_known:
        return _("Too few members, or all alike: nothing can be said.")
    if not share.differs:
        return _("The difference may be chance.")
    strength = (
        _("strong") if share.difference.size >= 0.3 else _("clear") if share.difference.size >= 0.1 else _("slight")
    )
    return _("The group is made up otherwise than the others; a %(strength)s difference, hardly chance.") % {
        "strength": strength
    }


def share_chart(share: Share, found: Portrait, at: datetime) -> Chart:
    """The make-up of the group beside that of the others, in percent."""
    rows = share.rows[:SHOWN_SHARES]
    group = in_percent([row[1] for row in share.rows])[: len(rows)]
    others = in_percent([row[2] for row in share.rows])[: len(rows)]
    told = [[f"{percent:.1f}% ({row[side]:,})" for row, percent in zip(rows, percents, strict=True)]
            for side, percents in ((1, group), (2, others))]  # fmt: skip
    return Chart(
        code=f"share-{share.code}",
        title=f"{first_up(str(share.title))} · %",
        labels=[label_of(share.code, row[0]) for row in rows],
        series=[
            Series(_("this group"), group, ACCENT, words=told[0]),
            Series(_("the others"), others, QUIET, words=told[1]),
        ],
        size=found.size + found.others,
        counted=_("members"),
        as_of=at,
        first=str(share.title),
        lies=True,
    )


def first_up(words: str) -> str:
    """The words with a capital at their beginning."""
    return words[:1].upper() + words[1:]


def in_percent(counts: Sequence[int]) -> list[float]:
    """Counts as shares of all of them."""
    whole = sum(counts)
    return [round(count * 100 / whole, 1) if whole else 0.0 for count in counts]


def label_of(code: str, value: str) -> str:
    """A value as people read it."""
    if code == "store":
        return named(Store.objects.filter(pk=int(value)).first()) or value
    choices: dict[str, Any] = {
        "cell": dict(Cell.choices),
        "risk": dict(Risk.choices),
        "source": dict(Member.Source.choices),
        "language": dict(Member._meta.get_field("language").choices or ()),
    }
    return str(choices.get(code, {}).get(value, value))
