"""The tills' door to reasons."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from loyalty.reasons.actions import why_of_sale
from loyalty.reasons.rules import Gave, Missed
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


class WhySerializer(serializers.Serializer[Any]):
    sale = serializers.IntegerField()
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
                "awards": [words_of_gave(each) for each in why.gave],
                "unfired": [words_of_missed(each) for each in why.missed],
            }
        )


def words_of_rule(version: Any) -> dict[str, Any]:
    """A rule as the API names it."""
    rule = version.rule
    return {"rule": rule.code, "version": version.number, "name_zh": rule.name_zh, "name_en": rule.name_en}


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


urlpatterns = [path("sales/<int:sale>/why", SaleWhy.as_view(), name="api-sale-why")]
