"""The tills' door to sales: record one, quote a basket; both at given prices, or less promotions and points."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from loyalty.checkout.actions import quote_basket, sell
from loyalty.checkout.forms import read_asked
from loyalty.earning.api import (
    QuoteAnswerSerializer,
    SaleAnswerSerializer,
    SaleSerializer,
    words_of_quote,
    words_of_sale,
)
from loyalty.earning.forms import read_sale
from members.profiles.actions import find_buyer
from members.stores.api import KEY, answer_till, key_of, store_of, till_of


class BasketSerializer(SaleSerializer):
    apply_offers = serializers.BooleanField(
        required=False, help_text="Take promotions off; amounts are then the prices before them."
    )
    pay_points = serializers.JSONField(required=False, help_text="Pay with so many points, or “max”.")
    to_pay = serializers.IntegerField(
        min_value=0, required=False, help_text="What the customer was told, in money; refused when it is not that."
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
    pass


class SoldSerializer(PriceSerializer, SaleAnswerSerializer):
    pass


class Sales(APIView):
    """Record one sale: its price where that is asked for, its points, growth, tier and messages, in one transaction."""

    @extend_schema(request=BasketSerializer, responses={201: SoldSerializer}, parameters=[KEY])
    def post(self, request: Request) -> Response:
        key, now, till = key_of(request), timezone.now(), till_of(request)
        sale, asked = read_sale(request.data, key=key, now=now), read_asked(request.data)
        store = store_of(request)

        def answer() -> tuple[int, dict[str, Any]]:
            member = find_buyer(kind=sale.identity_kind, value=sale.identity)
            sold = sell(member=member, store=store, till=till, receipt=sale.receipt, asked=asked, now=now)
            return 201, {"member": member.number, **words_of_sale(sold.recorded), **sold.answer}

        return answer_till(request, answer)


class Quotes(APIView):
    """What a basket would cost and earn if it were sold now. Writes nothing."""

    @extend_schema(request=BasketSerializer, responses={200: QuotedSerializer})
    def post(self, request: Request) -> Response:
        now = timezone.now()
        sale, asked = read_sale(request.data, key="quote", now=now), read_asked(request.data)
        member = find_buyer(kind=sale.identity_kind, value=sale.identity)
        quoted = quote_basket(member=member, store=store_of(request), receipt=sale.receipt, asked=asked, now=now)
        return Response({**words_of_quote(quoted.quote), **quoted.answer})


urlpatterns = [
    path("sales", Sales.as_view(), name="api-sales"),
    path("quotes", Quotes.as_view(), name="api-quotes"),
]
