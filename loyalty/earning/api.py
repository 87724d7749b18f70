"""The tills' door to sales: record one, record many, quote a basket."""

from typing import Any

from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from loyalty.earning.actions import Outcome, Quote, Recorded, quote, record_sale, record_sales
from loyalty.earning.forms import SaleAsked, mapping, read_sale
from loyalty.earning.rules import Earned
from loyalty.tiers.rules import Progress, Step
from members.kit.refusals import Malformed, Refusal
from members.profiles.actions import UnknownMember, find_buyer, find_members
from members.purchases.actions import Bought
from members.purchases.models import Tender
from members.stores.api import KEY, answer_till, key_of, store_of, till_of

MOST_SALES = 1_000


class TooManySales(Malformed):
    code = "too_many_sales"
    sentence = _("Send from 1 to %(limit)s sales at a time.")


class WhoSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(["number", "phone", "email", "card", "wechat"])
    value = serializers.CharField(max_length=254)


class LineSerializer(serializers.Serializer[Any]):
    sku = serializers.CharField(max_length=60, required=False)
    name = serializers.CharField(max_length=200, required=False)
    quantity = serializers.IntegerField(min_value=1, max_value=100_000, required=False)
    amount = serializers.IntegerField(min_value=0, help_text="Minor units, discounts taken off.")
    discount = serializers.IntegerField(min_value=0, required=False)


class SaleSerializer(serializers.Serializer[Any]):
    member = WhoSerializer()
    receipt = serializers.CharField(max_length=200, required=False, help_text="Without it, the idempotency key.")
    happened_at = serializers.DateTimeField(required=False, help_text="Without it, now.")
    currency = serializers.CharField(max_length=3, required=False)
    amount = serializers.IntegerField(min_value=0, help_text="What was paid, in minor units.")
    discount = serializers.IntegerField(min_value=0, required=False)
    tender = serializers.ChoiceField(Tender.choices, required=False)
    lines = LineSerializer(many=True, required=False)


class SalesSerializer(serializers.Serializer[Any]):
    sales = serializers.ListField(child=SaleSerializer(), min_length=1, max_length=MOST_SALES)


class AwardSerializer(serializers.Serializer[Any]):
    rule = serializers.CharField()
    version = serializers.IntegerField()
    kind = serializers.CharField()
    points = serializers.IntegerField()
    multiplier = serializers.IntegerField(help_text="Percent.")
    active_from = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)


class TierSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    name_zh = serializers.CharField()
    name_en = serializers.CharField()


class ProgressSerializer(serializers.Serializer[Any]):
    tier = TierSerializer(allow_null=True)
    next_tier = TierSerializer(allow_null=True)
    basis = serializers.CharField(help_text="growth: points; spend: minor units")
    total = serializers.IntegerField()
    missing = serializers.IntegerField()


class QuoteAnswerSerializer(serializers.Serializer[Any]):
    points = serializers.IntegerField(help_text="Points to spend that the basket earns.")
    awards = AwardSerializer(many=True)
    progress = ProgressSerializer(allow_null=True)
    rises = serializers.BooleanField()


class SaleAnswerSerializer(QuoteAnswerSerializer):
    sale = serializers.IntegerField()
    member = serializers.CharField()
    is_repeat = serializers.BooleanField(help_text="The receipt was recorded before; nothing was awarded again.")
    balances = serializers.DictField(child=serializers.IntegerField())


class OutcomeSerializer(serializers.Serializer[Any]):
    sale = serializers.IntegerField(allow_null=True)
    points = serializers.IntegerField()
    is_repeat = serializers.BooleanField()
    error = serializers.DictField(allow_null=True)


class SalesAnswerSerializer(serializers.Serializer[Any]):
    recorded = serializers.IntegerField()
    refused = serializers.IntegerField()
    results = OutcomeSerializer(many=True, help_text="In the order sent.")


class Sales(APIView):
    """Record one sale: its points, growth, tier and messages, in one transaction."""

    @extend_schema(request=SaleSerializer, responses={201: SaleAnswerSerializer}, parameters=[KEY])
    def post(self, request: Request) -> Response:
        key, now, till = key_of(request), timezone.now(), till_of(request)
        asked = read_sale(request.data, key=key, now=now)
        store = store_of(request)

        def answer() -> tuple[int, dict[str, Any]]:
            member = find_buyer(kind=asked.identity_kind, value=asked.identity)
            recorded = record_sale(member=member, store=store, till=till, receipt=asked.receipt, now=now)
            return 201, {"member": member.number, **words_of_sale(recorded)}

        return answer_till(request, answer)


class BulkSales(APIView):
    """Record up to 1,000 sales; one result each. A refused sale leaves the others alone."""

    @extend_schema(request=SalesSerializer, responses={200: SalesAnswerSerializer}, parameters=[KEY])
    def post(self, request: Request) -> Response:
        key, now, till = key_of(request), timezone.now(), till_of(request)
        rows = mapping(request.data, "body").get("sales")
        if not isinstance(rows, list) or not 1 <= len(rows) <= MOST_SALES:
            raise TooManySales(limit=MOST_SALES)
        asked = [read_or_refuse(row, key=f"{key}:{place}"[-200:], now=now) for place, row in enumerate(rows)]

        def answer() -> tuple[int, dict[str, Any]]:
            outcomes = record_asked(asked, store=till.store_id, till=till.pk, now=now)
            return 200, words_of_outcomes(outcomes)

        return answer_till(request, answer)


class Quotes(APIView):
    """What a basket would earn if it were sold now. Writes nothing."""

    @extend_schema(request=SaleSerializer, responses={200: QuoteAnswerSerializer})
    def post(self, request: Request) -> Response:
        now = timezone.now()
        asked = read_sale(request.data, key="quote", now=now)
        member = find_buyer(kind=asked.identity_kind, value=asked.identity)
        return Response(words_of_quote(quote(member=member, receipt=asked.receipt, now=now)))


def read_or_refuse(row: Any, *, key: str, now: Any) -> SaleAsked | Refusal:
    """A row of many as read, or why it cannot be."""
    try:
        return read_sale(row, key=key, now=now)
    except Refusal as refusal:
        return refusal


def record_asked(asked: list[SaleAsked | Refusal], *, store: int, till: int, now: Any) -> list[Outcome]:
    """Record what could be read; one outcome for each row."""
    readable = [each for each in asked if isinstance(each, SaleAsked)]
    members = find_members(wanted=[(each.identity_kind, each.identity) for each in readable])
    found = iter(members)
    outcomes: list[Outcome | None] = []
    sales: list[Bought] = []
    for each in asked:
        member = next(found) if isinstance(each, SaleAsked) else None
        if isinstance(each, Refusal):
            outcomes.append(Outcome(refusal=each))
        elif member is None:
            outcomes.append(Outcome(refusal=UnknownMember()))
        else:
            outcomes.append(None)
            sales.append(Bought(member, store, till, each.receipt))
    recorded = iter(record_sales(sales=sales, now=now))
    return [next(recorded) if outcome is None else outcome for outcome in outcomes]


def words_of_step(step: Step | None) -> dict[str, str] | None:
    """A tier as the API says it."""
    return None if step is None else {"code": step.code, "name_zh": step.name_zh, "name_en": step.name_en}


def words_of_progress(progress: Progress | None) -> dict[str, Any] | None:
    """Where a member stands, as the API says it."""
    if progress is None:
        return None
    return {
        "tier": words_of_step(progress.step),
        "next_tier": words_of_step(progress.next_step),
        "basis": progress.basis,
        "total": progress.total,
        "missing": progress.missing,
    }


def words_of_award(award: Earned) -> dict[str, Any]:
    """An award and its reasons, as the API says them."""
    return {
        "rule": award.version.rule_code,
        "version": award.version.number,
        "kind": award.version.kind_code,
        "points": award.points,
        "multiplier": award.multiplier,
        "active_from": award.activates_at,
        "expires_at": award.expires_at,
    }


def words_of_quote(quoted: Quote | Recorded) -> dict[str, Any]:
    """What a basket earns, as the API says it."""
    points = sum(each.points for each in quoted.awards if each.version.kind_code == "points")
    return {
        "points": points,
        "awards": [words_of_award(award) for award in quoted.awards],
        "progress": words_of_progress(quoted.progress),
        "rises": quoted.is_rise,
    }


def words_of_sale(recorded: Recorded) -> dict[str, Any]:
    """A recorded sale, as the API says it."""
    return {
        "sale": recorded.sale,
        "is_repeat": recorded.is_repeat,
        "balances": recorded.balances,
        **words_of_quote(recorded),
    }


def words_of_outcomes(outcomes: list[Outcome]) -> dict[str, Any]:
    """The results of many sales, as the API says them."""
    results = [
        {
            "sale": each.sale,
            "points": each.points,
            "is_repeat": each.is_repeat,
            "error": {"code": each.refusal.code, "detail": str(each.refusal)} if each.refusal else None,
        }
        for each in outcomes
    ]
    refused = sum(1 for each in outcomes if each.refusal)
    return {"recorded": len(outcomes) - refused, "refused": refused, "results": results}


urlpatterns = [
    path("sales", Sales.as_view(), name="api-sales"),
    path("sales/bulk", BulkSales.as_view(), name="api-bulk-sales"),
    path("quotes", Quotes.as_view(), name="api-quotes"),
]
