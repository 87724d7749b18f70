"""Rules and promotions that ask for a segment: who was in it when it happened, told by whichever door."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from loyalty.batches.actions import record_sales
from loyalty.checkout.actions import quote_basket
from loyalty.checkout.rules import Asked
from loyalty.deeds.actions import report_event
from loyalty.deeds.rules import Happening
from loyalty.earning.actions import quote, record_sale
from loyalty.earning.models import Award, Judgement
from loyalty.ledger.models import PointKind
from loyalty.promotions.actions import change_promotion, offers_for
from loyalty.promotions.models import Promotion
from loyalty.rulebook.actions import change_rule, findings
from loyalty.rulebook.models import EarningRule, RuleVersion
from members.kit.refusals import Refusal
from members.purchases.actions import Bought
from members.purchases.rules import Receipt
from members.segments.actions import change_segment, refresh
from members.segments.models import Membership, Segment
from members.segments.panels import uses_of
from tests.factories import NOW, MemberFactory, StoreFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
LONG_AGO = NOW - 900 * DAY


def segment(code="tea"):
    return Segment.objects.get_or_create(code=code, defaults={"name_zh": "茶客", "name_en": "Tea lovers"})[0]


def rule(code="bonus", **says):
    made, _new = EarningRule.objects.get_or_create(code=code, defaults={"name_zh": code, "name_en": code})
    kind = PointKind.objects.get(code="points")
    says = {"effect": "fixed", "points": 7, "conditions": {"segment": ["tea"]}} | says
    return change_rule(rule=made, now=LONG_AGO, by=None, kind=kind, **says)


def stay(member, since, until=None, code="tea"):
    return Membership.objects.create(member=member, segment=segment(code), since=since, until=until, version=1)


def receipt(number, at=NOW, amount=10_000):
    return Receipt(receipt=number, happened_at=at, currency="CNY", amount=amount)


@pytest.fixture
def store():
    return StoreFactory.create(code="SH")


@pytest.fixture
def wang(store):
    return MemberFactory.create(name="王芳", home_store=store, now=LONG_AGO)


def sold(member, number, at=NOW):
    done = record_sale(member=member, store=member.home_store, till=None, receipt=receipt(number, at), now=NOW)
    return {award.version.rule_code for award in done.awards}


def test_a_sale_is_judged_by_who_was_in_the_segment_at_its_own_moment_also_when_it_is_told_late(wang):
    version = rule()
    stay(wang, NOW - 9 * DAY, NOW - 5 * DAY)
    stay(wang, NOW - 2 * DAY)

    told = {days: "bonus" in sold(wang, f"R{days}", NOW - days * DAY) for days in (10, 9, 6, 5, 3, 2, 0)}

    assert told == {10: False, 9: True, 6: True, 5: False, 3: False, 2: True, 0: True}
    assert Judgement.objects.get(sale__receipt="R10").unfired["segment"] == [version.pk]


def test_many_at_once_are_judged_as_one_by_one(wang, store):
    rule()
    stay(wang, NOW - 9 * DAY, NOW - 5 * DAY)
    sales = [Bought(wang.pk, store.pk, None, receipt(f"R{days}", NOW - days * DAY)) for days in (10, 9, 6, 5, 3)]

    record_sales(sales=sales, now=NOW)

    bonus = Award.objects.filter(version__rule__code="bonus").values_list("sale__receipt", flat=True)
    assert sorted(bonus) == ["R6", "R9"]


def test_a_quote_and_an_event_ask_the_same(wang, store):
    rule()
    rule("review", trigger="review")
    happening = Happening("review", "r:1", NOW - 3 * DAY, store)
    assert quote(member=wang, store=store, receipt=receipt("Q"), now=NOW).points == 100
    stay(wang, NOW - DAY)

    assert quote(member=wang, store=store, receipt=receipt("Q"), now=NOW).points == 107
    assert report_event(member=wang, happening=happening, now=NOW).awards == []
    later = Happening("review", "r:2", NOW, store)
    assert [each.points for each in report_event(member=wang, happening=later, now=NOW).awards] == [7]


def test_what_a_segment_finds_at_night_is_what_rules_ask(wang, store):
    rule()
    change_segment(segment=segment(), tree={"trait": "purchases", "is": "at_least", "value": 2}, by=None, now=NOW)
    for days in (3, 2):
        assert "bonus" not in sold(wang, f"R{days}", NOW - days * DAY)

    refresh(segment=segment(), now=NOW - DAY)

    assert "bonus" in sold(wang, "R0")


def test_a_rule_without_segments_costs_no_statement_more(wang):
    with CaptureQueriesContext(connection) as seen:
        sold(wang, "R1")

    assert not [each for each in seen if "members_membership" in each["sql"]]


def test_a_promotion_for_a_segment_is_taken_off_and_offered_to_those_in_it_who_do_not_read_its_name(wang, store):
    promotion = Promotion.objects.create(code="tea", name_zh="茶客立减", name_en="Tea off")
    says = {"effect": "amount_off", "amount": 500, "conditions": {"all": [{"segment": ["tea"]}, {"min_amount": 100}]}}
    change_promotion(promotion=promotion, now=LONG_AGO, by=None, **says)
    segment()
    li = MemberFactory.create(name="李强", home_store=store, now=LONG_AGO)
    stay(wang, NOW - DAY)

    def to_pay(member):
        asked = Asked(apply_offers=True)
        return quote_basket(member=member, store=store, receipt=receipt("Q"), asked=asked, now=NOW).answer["to_pay"]

    assert (to_pay(wang), to_pay(li)) == (9_500, 10_000)
    with override("en"):
        offered = offers_for(wang, NOW)
        assert [each.promotion for each in offered] == [promotion]
        assert "Tea lovers" not in offered[0].says
        assert "CN¥1.00" in offered[0].says
    assert offers_for(li, NOW) == []


def test_the_linter_names_a_segment_that_is_not_there_and_the_segment_says_who_asks_for_it(wang):
    rule(conditions={"segment": ["gone"]})
    assert [(each.rule, each.code) for each in findings(at=NOW)] == [("bonus", "unknown_code")]

    rule()
    segment()

    assert findings(at=NOW) == []
    assert [use.name for use in uses_of(segment())] == ["bonus"]


@pytest.mark.parametrize("wants", ["tea", [], [7], ["x" * 201], {"tea": 1}, None])
def test_a_segment_that_cannot_be_read_is_refused_and_the_old_rule_stands(wants):
    rule()
    before = list(RuleVersion.objects.order_by("pk").values())

    with pytest.raises(Refusal) as refused:
        rule(conditions={"segment": wants})

    assert refused.value.code == "bad_condition"
    assert list(RuleVersion.objects.order_by("pk").values()) == before
