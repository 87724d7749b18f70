"""The tills' door to many sales at once."""

from typing import Any

from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from loyalty.batches.actions import Outcome, record_sales
from loyalty.checkout.forms import asks_price
from loyalty.earning.api import SaleSerializer
from loyalty.earning.forms import SaleAsked, mapping, read_sale
from members.kit.refusals import Malformed, Refusal
from members.profiles.actions import UnknownMember, find_members
from members.purchases.actions import Bought
from members.stores.api import KEY, answer_till, key_of, till_of

MOST_SALES = 1_000


class TooManySales(Malformed):
    code = "too_many_sales"
    sentence = _("Send from 1 to %(limit)s sales at a time.")


class PricedAlone(Refusal):
    """Prices depend on the sales before them, so they are made one by one."""

    code = "priced_alone"
    sentence = _("Promotions and paying with points go through sales sent one by one: %(fields)s.")


class SalesSerializer(serializers.Serializer[Any]):
    sales = serializers.ListField(child=SaleSerializer(), min_length=1, max_length=MOST_SALES)


class OutcomeSerializer(serializers.Serializer[Any]):
    sale = serializers.IntegerField(allow_null=True)
    points = serializers.IntegerField()
    is_repeat = serializers.BooleanField()
    error = serializers.DictField(allow_null=True)


class SalesAnswerSerializer(serializers.Serializer[Any]):
    recorded = serializers.IntegerField()
    refused = serializers.IntegerField()
    results = OutcomeSerializer(many=True, help_text="In the order sent.")


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


def read_or_refuse(row: Any, *, key: str, now: Any) -> SaleAsked | Refusal:
    """A row of many as read, or why it cannot be."""
    try:
        fields = asks_price(row)
        if fields:
            raise PricedAlone(fields=", ".join(fields))
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


urlpatterns = [path("sales/bulk", BulkSales.as_view(), name="api-bulk-sales")]
