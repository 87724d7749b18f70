"""The tills' door to tiers: what a member holds until when, and what that gives at the till."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from loyalty.benefits.actions import Plan, plans_of, words_for_tills
from loyalty.benefits.rules import Path
from loyalty.tiers.rules import Step
from members.profiles.actions import find_member


class HeldTierSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    name_zh = serializers.CharField()
    name_en = serializers.CharField()
    multiplier = serializers.IntegerField(help_text="Percent.")


class BenefitSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(
        help_text="multiplier, discount, shipping, adviser, priority, early, birthday, joining, monthly, event, returns"
    )
    value = serializers.IntegerField(
        allow_null=True, help_text="Percent, hours, days; for shipping the minor units from which it is free."
    )
    points = serializers.IntegerField(allow_null=True, help_text="Given by themselves when the gift is due.")
    words_zh = serializers.CharField()
    words_en = serializers.CharField()


class LackSerializer(serializers.Serializer[Any]):
    basis = serializers.CharField(help_text="spend (minor units), growth, purchases, months, points, segment (1 or 0)")
    have = serializers.IntegerField()
    need = serializers.IntegerField()
    missing = serializers.IntegerField()


class PathSerializer(serializers.Serializer[Any]):
    tier = HeldTierSerializer()
    needs_all = serializers.BooleanField(help_text="All of the lacks, or any one of them.")
    by = serializers.DateTimeField(allow_null=True, help_text="Before this moment.")
    lacks = LackSerializer(many=True)


class PlanSerializer(serializers.Serializer[Any]):
    ladder = serializers.CharField(help_text="The ladder's code; the main ladder comes first.")
    tier = HeldTierSerializer(allow_null=True)
    until = serializers.DateTimeField(allow_null=True, help_text="Null: judged every night.")
    held_by = serializers.CharField(help_text="earned, manual, sold, points")
    is_protected = serializers.BooleanField()
    benefits = BenefitSerializer(many=True)
    to_stay = PathSerializer(allow_null=True)
    to_rise = PathSerializer(allow_null=True)


class MemberTiers(APIView):
    """What a member holds on every ladder, until when, what it gives, and what is missing to stay and to rise."""

    @extend_schema(responses=PlanSerializer(many=True))
    def get(self, request: Request, number: str) -> Response:
        member = find_member(kind="number", value=number)
        return Response([words_of_plan(plan) for plan in plans_of(member, timezone.now())])


def words_of_plan(plan: Plan) -> dict[str, Any]:
    """A plan as the API says it."""
    return {
        "ladder": plan.climb.code,
        "tier": words_of_tier(plan.step),
        "until": plan.until,
        "held_by": plan.held_by,
        "is_protected": plan.is_protected,
        "benefits": [words_for_tills(each) for each in plan.benefits],
        "to_stay": words_of_path(plan.stay),
        "to_rise": words_of_path(plan.rise),
    }


def words_of_tier(step: Step | None) -> dict[str, Any] | None:
    """A tier as the API says it."""
    if step is None:
        return None
    return {"code": step.code, "name_zh": step.name_zh, "name_en": step.name_en, "multiplier": step.multiplier}


def words_of_path(way: Path | None) -> dict[str, Any] | None:
    """A way to a tier as the API says it."""
    if way is None:
        return None
    lacks = [
        {"basis": lack.measure.basis, "have": lack.have, "need": lack.need, "missing": lack.missing}
        for lack in way.lacks
    ]
    return {"tier": words_of_tier(way.step), "needs_all": way.needs_all, "by": way.by, "lacks": lacks}


urlpatterns = [path("members/<str:number>/tiers", MemberTiers.as_view(), name="api-tiers")]
