"""The tills' door to households: what a member's household has, and a spending out of it."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from loyalty.ledger.models import PointKind
from loyalty.ledger.rules import MOST_POINTS
from loyalty.pooling.actions import pool_of, spend_together
from members.profiles.actions import find_member
from members.profiles.rules import mask_name
from members.stores.api import KEY, answer_till, key_of, till_of


class HolderOfPoolSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="Masked, for example 王*.")
    active = serializers.IntegerField()
    gives = serializers.BooleanField(help_text="Whether the others may draw on these points.")
    is_head = serializers.BooleanField()


class PoolSerializer(serializers.Serializer[Any]):
    together = serializers.IntegerField(help_text="The member's own points and those of the others who give.")
    may_draw = serializers.IntegerField(help_text="How many of the others' the member may still draw this month.")
    members = HolderOfPoolSerializer(many=True)


class SpenderSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(["number", "phone", "email", "card", "wechat"])
    value = serializers.CharField(max_length=254)


class SpendTogetherSerializer(serializers.Serializer[Any]):
    member = SpenderSerializer()
    points = serializers.IntegerField(min_value=1, max_value=MOST_POINTS)
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class SpentTogetherSerializer(serializers.Serializer[Any]):
    points = serializers.IntegerField()
    own = serializers.IntegerField(help_text="Of these the member's own.")
    drawn = serializers.IntegerField(help_text="Of these the others'.")


class HouseholdOf(APIView):
    """The household of a member: who, and how many points each holds for it, as of now."""

    @extend_schema(responses={200: PoolSerializer})
    def get(self, request: Request, number: str) -> Response:
        kind = PointKind.objects.get(code="points")
        pool = pool_of(member=find_member(kind="number", value=number), kind=kind, now=timezone.now())
        members = [
            {
                "name": mask_name(each.seat.member.name),
                "active": each.active,
                "gives": each.seat.gives,
                "is_head": each.is_head,
            }
            for each in pool.holders
        ]
        return Response({"together": pool.together, "may_draw": pool.may_draw, "members": members})


class SpendTogether(APIView):
    """Spend a member's points, and what is missing out of the household's."""

    @extend_schema(request=SpendTogetherSerializer, responses={201: SpentTogetherSerializer}, parameters=[KEY])
    def post(self, request: Request) -> Response:
        key, till, now = key_of(request), till_of(request), timezone.now()
        asked = SpendTogetherSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        said: dict[str, Any] = asked.validated_data

        def answer() -> tuple[int, dict[str, Any]]:
            member = find_member(**said["member"])
            spent = spend_together(
                member=member,
                kind=PointKind.objects.get(code="points"),
                points=said["points"],
                key=f"till:{till.pk}:{key}",
                now=now,
                reason=said["reason"],
                actor=f"till:{till.pk}",
            )
            own = spent.parts.get(member.pk, 0)
            return 201, {"points": spent.points, "own": own, "drawn": spent.points - own}

        return answer_till(request, answer)


urlpatterns = [
    path("members/<str:number>/household", HouseholdOf.as_view(), name="api-household"),
    path("household-spendings", SpendTogether.as_view(), name="api-spend-together"),
]
