"""The tills' door to scores: what a member of the till's own store amounts to, as the last night found it."""

from typing import Any

from django.urls import path
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from members.kit.refusals import Refusal
from members.profiles.actions import UnknownMember, find_member
from members.scores.models import MemberScore
from members.scores.rules import Cell, Risk
from members.stores.api import store_of

SHOWN = (
    "sales", "spend", "first_on", "last_on", "interval_days", "category", "recency", "frequency", "monetary", "cell",
    "risk", "alive", "expected_sales", "expected_value", "decile", "engagement", "next_on",
)  # fmt: skip


class NotScored(Refusal):
    """The member is newer than the last night of scores."""

    code = "not_scored"
    sentence = _("This member has no scores yet: they come with the night.")
    status = 404


class ScoresSerializer(serializers.Serializer[Any]):
    number = serializers.CharField()
    sales = serializers.IntegerField()
    spend = serializers.IntegerField(help_text="Minor units, less what came back.")
    first_on = serializers.DateField(allow_null=True)
    last_on = serializers.DateField(allow_null=True)
    interval_days = serializers.IntegerField(allow_null=True, help_text="Average days between purchases.")
    category = serializers.CharField(help_text="What is bought most, or empty.")
    store = serializers.CharField(allow_null=True, help_text="The preferred store's code.")
    recency = serializers.IntegerField(allow_null=True, help_text="1 to 5; empty before the first purchase.")
    frequency = serializers.IntegerField(allow_null=True, help_text="1 to 5.")
    monetary = serializers.IntegerField(allow_null=True, help_text="1 to 5.")
    cell = serializers.CharField(help_text=f"RFM cell: {', '.join(Cell.values)}.")
    risk = serializers.CharField(help_text=f"Churn risk: {', '.join(Risk.values)}; empty where unknown.")
    alive = serializers.IntegerField(allow_null=True, help_text="How likely still a customer, percent.")
    expected_sales = serializers.FloatField(allow_null=True, help_text="Purchases expected within a year.")
    expected_value = serializers.IntegerField(allow_null=True, help_text="Worth within a year, minor units.")
    decile = serializers.IntegerField(allow_null=True, help_text="1 to 10; 10 is worth most.")
    engagement = serializers.IntegerField(help_text="0 to 100.")
    next_on = serializers.DateField(allow_null=True, help_text="When the next purchase is expected.")


class MemberScores(APIView):
    """What a member's purchases amount to. A member of another store is unknown here."""

    @extend_schema(responses={200: ScoresSerializer})
    def get(self, request: Request, number: str) -> Response:
        member = find_member(kind="number", value=number)
        if member.home_store_id != store_of(request).pk:
            raise UnknownMember
        score = MemberScore.objects.select_related("store").filter(member=member).first()
        if score is None:
            raise NotScored
        shown = {name: getattr(score, name) for name in SHOWN}
        return Response({"number": member.number, **shown, "store": score.store.code if score.store else None})


urlpatterns = [path("members/<str:number>/scores", MemberScores.as_view(), name="api_member_scores")]
