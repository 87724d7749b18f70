"""The tills' door to sales: record one, quote a basket; both at given prices, or less promotions and points."""

from datetime import datetime
from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from loyalty.checkout.actions import Quoted, hold_basket, quote_basket, sell
from loyalty.checkout.forms import read_asked, read_hold, read_minutes
from loyalty.checkout.rules import Asked
from loyalty.earning.api import (
    QuoteAnswerSerializer,
    SaleAnswerSerializer,
    SaleSerializer,
    words_of_quote,
    words_of_sale,
)
from loyalty.earning.forms import SaleAsked, read_sale
from loyalty.holds.rules import MOST_MINUTES
from members.profiles.actions import find_buyer
from members.stores.api import KEY, answer_till, key_of, store_of, till_of

KEY_TO_HOLD = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="Only needed with hold_minutes; as with sales."
)


class BasketSerializer(SaleSerializer):
    apply_offers = serializers.BooleanField(
        required=False, help_text="Take promotions off; amounts are then the prices before them."
    )
    pay_points = serializers.JSONField(required=False, help_text="Pay with so many points, or “max”.")
    to_pay = serializers.IntegerField(
        min_value=0, required=False, help_text="What the customer was told, in money; refused when it is not that."
    )


class HeldBasketSerializer(BasketSerializer):
    hold = serializers.CharField(
        max_length=20,
        required=False,
        allow_null=True,
        help_text="What a quote's hold kept of budgets is this sale's; what it does not need of it is free again.",
    )


class QuotedBasketSerializer(BasketSerializer):
    hold_minutes = serializers.IntegerField(
        min_value=1,
        max_value=MOST_MINUTES,
        required=False,
        allow_null=True,
        help_text="Keep what the basket would take of budgets for so long, under an Idempotency-Key. "
        "Limits of one member are not held.",
    )


class OffLineSerializer(serializers.Serializer[Any]):
    promotion = serializers.CharField()
    version = serializers.IntegerField()
    off = serializers.IntegerField()


class PricedLineSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    sku = serializers.CharField()
    price = serializers.IntegerField()
    taken_off = serializers.IntegerField()
    amount = serializers.IntegerField(help_text="What is paid of it, by points too.")
    by_points = serializers.IntegerField()
    to_pay = serializers.IntegerField()
    offers = OffLineSerializer(many=True)


class InBothSerializer(serializers.Serializer[Any]):
    zh = serializers.CharField()
    en = serializers.CharField()


class OfferSerializer(OffLineSerializer):
    name_zh = serializers.CharField()
    name_en = serializers.CharField()
    words = InBothSerializer()


class NearSerializer(serializers.Serializer[Any]):
    about = serializers.ChoiceField(["promotion", "rule"])
    code = serializers.CharField()
    name_zh = serializers.CharField()
    name_en = serializers.CharField()
    words = InBothSerializer()


class ByPointsSerializer(serializers.Serializer[Any]):
    points = serializers.IntegerField()
    amount = serializers.IntegerField()


class PriceSerializer(serializers.Serializer[Any]):
    """The price of a basket; only there where it was asked for. Minor units."""

    price = serializers.IntegerField(required=False, help_text="Before promotions.")
    taken_off = serializers.IntegerField(required=False)
    amount = serializers.IntegerField(required=False, help_text="What is paid, by points too.")
    by_points = ByPointsSerializer(required=False)
    to_pay = serializers.IntegerField(required=False, help_text="What is left to pay with money.")
    lines = PricedLineSerializer(many=True, required=False)
    offers = OfferSerializer(many=True, required=False)
    nearly = NearSerializer(many=True, required=False, help_text="What a little more would have brought.")


class QuotedSerializer(PriceSerializer, QuoteAnswerSerializer):
    hold = serializers.CharField(
        required=False, help_text="For the sale; missing where no budget has to bear anything."
    )
    held_until = serializers.DateTimeField(required=False)


class SoldSerializer(PriceSerializer, SaleAnswerSerializer):
    pass


class Sales(APIView):
    """Record one sale: its price where that is asked for, its points, growth, tier and messages, in one transaction."""

    @extend_schema(request=HeldBasketSerializer, responses={201: SoldSerializer}, parameters=[KEY])
    def post(self, request: Request) -> Response:
        key, now, till = key_of(request), timezone.now(), till_of(request)
        sale, asked = read_sale(request.data, key=key, now=now), read_asked(request.data)
        store, hold = store_of(request), read_hold(request.data)

        def answer() -> tuple[int, dict[str, Any]]:
            member = find_buyer(kind=sale.identity_kind, value=sale.identity)
            sold = sell(member=member, store=store, till=till, receipt=sale.receipt, asked=asked, now=now, hold=hold)
            return 201, {"member": member.number, **words_of_sale(sold.recorded), **sold.answer}

        return answer_till(request, answer)


class Quotes(APIView):
    """What a basket would cost and earn if it were sold now. Writes nothing, unless budgets are to be held for it."""

    @extend_schema(request=QuotedBasketSerializer, responses={200: QuotedSerializer}, parameters=[KEY_TO_HOLD])
    def post(self, request: Request) -> Response:
        now = timezone.now()
        sale, asked = read_sale(request.data, key="quote", now=now), read_asked(request.data)
        minutes = read_minutes(request.data)
        if minutes is not None:
            return hold(request, sale, asked, minutes=minutes, now=now)
        member = find_buyer(kind=sale.identity_kind, value=sale.identity)
        quoted = quote_basket(member=member, store=store_of(request), receipt=sale.receipt, asked=asked, now=now)
        return Response(words_of_quoted(quoted))


def hold(request: Request, sale: SaleAsked, asked: Asked | None, *, minutes: Any, now: datetime) -> Response:
    """Quote a basket and hold what it takes of budgets, and answer once."""
    key, till, store = key_of(request), till_of(request), store_of(request)

    def answer() -> tuple[int, dict[str, Any]]:
        member = find_buyer(kind=sale.identity_kind, value=sale.identity)
        quoted = hold_basket(
            member=member, store=store, till=till, receipt=sale.receipt, asked=asked, minutes=minutes,
            key=f"till:{till.pk}:{key}", now=now,
        )  # fmt: skip
        return 200, words_of_quoted(quoted)

    return answer_till(request, answer)


def words_of_quoted(quoted: Quoted) -> dict[str, Any]:
    """A quote, and its hold if there is one, as the API says it."""
    held = {"hold": quoted.hold.reference, "held_until": quoted.hold.expires_at} if quoted.hold else {}
    return {**words_of_quote(quoted.quote), **quoted.answer, **held}


urlpatterns = [
    path("sales", Sales.as_view(), name="api-sales"),
    path("quotes", Quotes.as_view(), name="api-quotes"),
]
