"""The tills' door to reasons."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from loyalty.earning.models import Event
from loyalty.reasons.actions import why_of_event, why_of_sale
from loyalty.reasons.rules import Gave, Missed, Price
from members.purchases.models import Sale
from members.stores.api import store_of


class RuleSerializer(serializers.Serializer[Any]):
    rule = serializers.CharField()
    version = serializers.IntegerField()
    name_zh = serializers.CharField()
    name_en = serializers.CharField()


class GaveSerializer(RuleSerializer):
    kind = serializers.CharField()
    points = serializers.IntegerField()
    returned = serializers.IntegerField(help_text="Points that returns took back.")
    words = serializers.CharField(help_text="Why, in the language of the request.")


class MissedSerializer(RuleSerializer):
    reason = serializers.CharField(help_text="The condition or limit: store, min_amount, times_day, beaten …")
    words = serializers.CharField(help_text="Why not, in the language of the request.")


class TookOffSerializer(serializers.Serializer[Any]):
    promotion = serializers.CharField()
    version = serializers.IntegerField()
    name_zh = serializers.CharField()
    name_en = serializers.CharField()
    off = serializers.IntegerField(help_text="Minor units taken off.")
    returned = serializers.IntegerField(help_text="Minor units of it that returns undid.")
    words = serializers.CharField(help_text="Why, in the language of the request.")


class UnofferedSerializer(serializers.Serializer[Any]):
    promotion = serializers.CharField()
    version = serializers.IntegerField()
    name_zh = serializers.CharField()
    name_en = serializers.CharField()
    reason = serializers.CharField(help_text="The condition or limit, or: beaten, stopped, alone, pieces, budget …")
    words = serializers.CharField(help_text="Why not, in the language of the request.")


class WhyPriceSerializer(serializers.Serializer[Any]):
    price = serializers.IntegerField()
    taken_off = serializers.IntegerField()
    points = serializers.IntegerField(help_text="Points that paid a part.")
    by_points = serializers.IntegerField(help_text="What they paid, in minor units.")
    offers = TookOffSerializer(many=True)
    unfired = UnofferedSerializer(many=True)


class WhySerializer(serializers.Serializer[Any]):
    sale = serializers.IntegerField()
    price = WhyPriceSerializer(allow_null=True)
    awards = GaveSerializer(many=True)
    unfired = MissedSerializer(many=True)


class SaleWhy(APIView):
    """Why a sale of this store earned what it earned, and which rules gave nothing for which reason."""

    @extend_schema(responses=WhySerializer)
    def get(self, request: Request, sale: int) -> Response:
        found = Sale.objects.filter(pk=sale, store=store_of(request)).first() if sale < 2**63 else None
        if found is None:
            raise NotFound
        why = why_of_sale(found)
        return Response(
            {
                "sale": found.pk,
                "price": words_of_price(why.price),
                "awards": [words_of_gave(each) for each in why.gave],
                "unfired": [words_of_missed(each) for each in why.missed],
            }
        )


class EventWhySerializer(serializers.Serializer[Any]):
    event = serializers.IntegerField()
    awards = GaveSerializer(many=True)
    unfired = MissedSerializer(many=True)


class EventWhy(APIView):
    """Why an event of this store earned what it earned, and which rules gave nothing for which reason."""

    @extend_schema(responses=EventWhySerializer)
    def get(self, request: Request, event: int) -> Response:
        found = Event.objects.filter(pk=event, store=store_of(request)).first() if event < 2**63 else None
        if found is None:
            raise NotFound
        why = why_of_event(found)
        return Response(
            {
                "event": found.pk,
                "awards": [words_of_gave(each) for each in why.gave],
                "unfired": [words_of_missed(each) for each in why.missed],
            }
        )


def words_of_rule(version: Any) -> dict[str, Any]:
    """A rule as the API names it."""
    rule = version.rule
    return {"rule": rule.code, "version": version.number, "name_zh": rule.name_zh, "name_en": rule.name_en}


def words_of_price(price: Price | None) -> dict[str, Any] | None:
    """How a sale came to its price, as the API says it."""
    if price is None:
        return None
    return {
        "price": price.checkout.price,
        "taken_off": price.checkout.taken_off,
        "points": price.checkout.points,
        "by_points": price.checkout.by_points,
        "offers": [
            {
                **words_of_promotion(each.applied.version),
                "off": each.applied.off,
                "returned": each.applied.returned,
                "words": each.words,
            }
            for each in price.took
        ],
        "unfired": [
            {**words_of_promotion(each.version), "reason": each.reason, "words": each.words} for each in price.missed
        ],
    }


def words_of_promotion(version: Any) -> dict[str, Any]:
    """A promotion as the API names it."""
    said = version.promotion
    return {"promotion": said.code, "version": version.number, "name_zh": said.name_zh, "name_en": said.name_en}


def words_of_gave(gave: Gave) -> dict[str, Any]:
    """An award and its reason, as the API says them."""
    award = gave.award
    return {
        **words_of_rule(award.version),
        "kind": award.version.kind.code,
        "points": award.points,
        "returned": award.returned,
        "words": gave.words,
    }


def words_of_missed(missed: Missed) -> dict[str, Any]:
    """A rule that gave nothing and why, as the API says them."""
    return {**words_of_rule(missed.version), "reason": missed.reason, "words": missed.words}


urlpatterns = [
    path("sales/<int:sale>/why", SaleWhy.as_view(), name="api-sale-why"),
    path("events/<int:event>/why", EventWhy.as_view(), name="api-event-why"),
]
