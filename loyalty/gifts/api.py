"""The tills' door to gifts: a member at the counter asks to give points to another."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from loyalty.gifts.actions import give
from loyalty.gifts.models import LONGEST_NOTE
from loyalty.ledger.models import Account, PointKind
from loyalty.ledger.rules import MOST_POINTS
from members.profiles.actions import find_member
from members.stores.api import KEY, answer_till, key_of, till_of


class GiftSideSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(["number", "phone", "email", "card", "wechat"])
    value = serializers.CharField(max_length=254)


class GiftSerializer(serializers.Serializer[Any]):
    giver = GiftSideSerializer()
    receiver = GiftSideSerializer()
    points = serializers.IntegerField(min_value=1, max_value=MOST_POINTS)
    point_kind = serializers.SlugRelatedField("code", queryset=PointKind.objects.all(), required=False)
    note = serializers.CharField(max_length=LONGEST_NOTE, required=False, allow_blank=True, default="")


class GiftAnswerSerializer(serializers.Serializer[Any]):
    gift = serializers.IntegerField()
    points = serializers.IntegerField()
    active = serializers.IntegerField(help_text="The giver's points to spend, after this.")


class Gifts(APIView):
    """Give points of one member to another, on the giver's request, within the programme's limits."""

    @extend_schema(request=GiftSerializer, responses={201: GiftAnswerSerializer}, parameters=[KEY])
    def post(self, request: Request) -> Response:
        key, till, now = key_of(request), till_of(request), timezone.now()
        asked = GiftSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        said: dict[str, Any] = asked.validated_data

        def answer() -> tuple[int, dict[str, Any]]:
            gift = give(
                giver=find_member(**said["giver"]),
                receiver=find_member(**said["receiver"]),
                kind=said.get("point_kind") or PointKind.objects.get(code="points"),
                points=said["points"],
                key=f"till:{till.pk}:{key}",
                now=now,
                note=said["note"],
            )
            account = Account.objects.get(member=gift.member_id, kind=gift.kind_id)
            return 201, {"gift": gift.pk, "points": gift.points, "active": account.active}

        return answer_till(request, answer)


urlpatterns = [path("gifts", Gifts.as_view(), name="api-gifts")]
