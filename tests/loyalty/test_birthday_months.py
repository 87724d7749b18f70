"""Rules that ask for the birthday month know birthdays by the moon and without a year, wherever they are judged."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.batches.actions import record_sales
from loyalty.deeds.actions import report_event
from loyalty.deeds.rules import Happening
from loyalty.drafting.actions import keep_draft, version_of
from loyalty.drafting.models import RuleDraft
from loyalty.earning.models import Award
from loyalty.replay.actions import tell
from loyalty.rulebook.actions import drafted
from loyalty.rulebook.models import EarningRule, RuleVersion
from members.people.actions import describe
from members.people.rules import Birthday, lunar_birthdays_on
from members.people.traits import days_of_month
from members.profiles.models import Member
from members.purchases.actions import Bought
from tests.factories import NOW, MemberFactory
from tests.loyalty.ladders import buy
from tests.loyalty.test_rules_on_sales import LONG_AGO, receipt, rule

DAY = timedelta(days=1)
FEBRUARY = NOW - 20 * DAY  # the 15th of the first lunar month of 2026 is 3 March, the 5th is 21 February


@settings(deadline=None)
@given(
    month=st.integers(1, 12), day=st.integers(1, 30), moment=st.dates(date(1991, 1, 1), date(2060, 12, 31)),
)  # fmt: skip
def test_a_lunar_birthday_is_in_the_month_in_which_one_of_the_days_keeps_it(month, day, moment):
    days = days_of_month(moment.replace(day=1))

    is_kept = any(month * 100 + day in lunar_birthdays_on(each) for each in days)

    assert Birthday("lunar", month, day).is_in_month_of(moment) == is_kept


def member_with(calendar: str = "", month: int | None = None, day: int | None = None, **more: object) -> Member:
    member = MemberFactory.create(now=LONG_AGO, **more)
    describe(member=member, now=NOW, calendar=calendar, birth_month=month, birth_day=day)
    return member


PEOPLE = [
    ({"birth_on": date(1990, 3, 5)}, True),
    ({"birth_on": date(1990, 2, 5)}, False),
    ({"calendar": "solar", "month": 3, "day": 31}, True),
    ({"calendar": "lunar", "month": 1, "day": 15}, True),
    ({"calendar": "lunar", "month": 1, "day": 5}, False),
    ({"calendar": "lunar", "month": 1, "day": 15, "birth_on": date(1990, 2, 9)}, True),  # what they said goes first
    ({"calendar": "lunar", "month": 1, "day": 5, "birth_on": date(1990, 3, 9)}, False),
    ({}, False),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("who", "fires"), PEOPLE)
def test_sales_late_sales_batches_replays_and_events_agree(who, fires):
    member = member_with(**who)
    gift = rule("gift", effect="fixed", points=50, conditions={"birthday_month": True})
    rule("talk", effect="fixed", points=5, conditions={"birthday_month": True}, trigger="review")

    sale = buy(member, 100_00, NOW)
    late = buy(member, 100_00, NOW - DAY, now=NOW)
    other = buy(member, 100_00, FEBRUARY, now=NOW)
    record_sales(sales=[Bought(member.pk, member.home_store_id, None, receipt("b1", 5_000, happened_at=NOW))], now=NOW)
    report_event(member=member, happening=Happening("review", "1", NOW), now=NOW)

    told = tell(drafted(version_of(draft_like(gift), at=NOW)), first=0, last=2**62, since=FEBRUARY, until=NOW + DAY)
    wanted = {row.sale for row in told if row.given}
    given_for = set(Award.objects.filter(member=member, version__rule=gift.rule).values_list("sale", flat=True))
    assert ({sale.sale, late.sale} <= given_for) == fires
    assert len(given_for - {other.sale}) == (3 if fires else 0)
    assert wanted == given_for
    assert Award.objects.filter(member=member, event__isnull=False).exists() == fires


def draft_like(version: RuleVersion) -> RuleDraft:
    """A draft of another rule that says the same."""
    other = EarningRule.objects.create(code="other", name_zh="o", name_en="o")
    says = {"effect": "fixed", "points": 50, "conditions": {"birthday_month": True}}
    return keep_draft(rule=other, by=None, kind=version.kind, **says)


@pytest.mark.django_db
def test_a_birthday_by_the_moon_costs_a_sale_no_further_statement():
    rule("gift", effect="fixed", points=50, conditions={"birthday_month": True})
    by_sun, by_moon = member_with(birth_on=date(1990, 3, 5)), member_with("lunar", 1, 15)
    buy(by_sun, 1_00, NOW - DAY)

    asked = [len(statements_of(member)) for member in (by_sun, by_moon)]

    assert asked[0] == asked[1]


def statements_of(member: Member) -> CaptureQueriesContext:
    """What a sale of theirs asks."""
    with CaptureQueriesContext(connection) as asked:
        buy(member, 10_00, NOW)
    return asked
