"""The tills' door to holds: set points aside, spend them, set them free."""

from collections.abc import Callable
from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from loyalty.holds.actions import capture_hold, hold_in, place_hold, release_budgets, release_hold
from loyalty.holds.models import BudgetHold, Hold
from loyalty.holds.rules import MOST_MINUTES, USUAL_MINUTES
from loyalty.ledger.models import Account, PointKind
from loyalty.ledger.rules import MOST_POINTS
from members.profiles.actions import find_buyer
from members.stores.api import KEY, answer_till, key_of, store_of, till_of


class HolderSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(["number", "phone", "email", "card", "wechat"])
    value = serializers.CharField(max_length=254)


class HoldSerializer(serializers.Serializer[Any]):
    member = HolderSerializer()
    points = serializers.IntegerField(min_value=1, max_value=MOST_POINTS)
    point_kind = serializers.SlugRelatedField("code", queryset=PointKind.objects.all(), required=False)
    minutes = serializers.IntegerField(min_value=1, max_value=MOST_MINUTES, default=USUAL_MINUTES)


class CaptureSerializer(serializers.Serializer[Any]):
    points = serializers.IntegerField(
        min_value=1, max_value=MOST_POINTS, required=False, help_text="Without it, all. The rest is set free."
    )


class HoldAnswerSerializer(serializers.Serializer[Any]):
    hold = serializers.IntegerField()
    status = serializers.ChoiceField(Hold.Status.choices)
    points = serializers.IntegerField()
    captured = serializers.IntegerField()
    held_until = serializers.DateTimeField()
    active = serializers.IntegerField(help_text="The member's points to spend, after this.")
    held = serializers.IntegerField(help_text="The member's points that are set aside, after this.")


class BudgetHoldAnswerSerializer(serializers.Serializer[Any]):
    hold = serializers.CharField()
    status = serializers.ChoiceField(BudgetHold.Status.choices)
    held_until = serializers.DateTimeField()


class Holds(APIView):
    """Set points aside for an open basket: 15 minutes unless you say otherwise, a day at most."""

    @extend_schema(request=HoldSerializer, responses={201: HoldAnswerSerializer}, parameters=[KEY])
    def post(self, request: Request) -> Response:
        key, till, now = key_of(request), till_of(request), timezone.now()
        asked = read(HoldSerializer(data=request.data))

        def answer() -> tuple[int, dict[str, Any]]:
            hold = place_hold(
                member=find_buyer(**asked["member"]),
                kind=asked.get("point_kind") or PointKind.objects.get(code="points"),
                points=asked["points"],
                store=store_of(request),
                till=till,
                key=f"till:{till.pk}:{key}",
                now=now,
                minutes=asked["minutes"],
            )
            return 201, words_of_hold(hold)

        return answer_till(request, answer)


class Capture(APIView):
    """Spend what a hold of this store set aside, all or part."""

    @extend_schema(request=CaptureSerializer, responses={200: HoldAnswerSerializer}, parameters=[KEY])
    def post(self, request: Request, number: int) -> Response:
        key_of(request)
        asked, now = read(CaptureSerializer(data=request.data)), timezone.now()
        return finish(request, number, lambda hold: capture_hold(hold=hold, points=asked.get("points"), now=now))


class Release(APIView):
    """Set free what a hold of this store set aside."""

    @extend_schema(request=None, responses={200: HoldAnswerSerializer}, parameters=[KEY])
    def post(self, request: Request, number: int) -> Response:
        key_of(request)
        now = timezone.now()
        return finish(request, number, lambda hold: release_hold(hold=hold, now=now))


class ReleaseBudgets(APIView):
    """Set free what a hold of this store keeps of budgets for a quoted basket: `hold` of the quote, b and a number."""

    @extend_schema(request=None, responses={200: BudgetHoldAnswerSerializer}, parameters=[KEY])
    def post(self, request: Request, number: int) -> Response:
        key_of(request)
        now, store = timezone.now(), store_of(request)

        def answer() -> tuple[int, dict[str, Any]]:
            hold = release_budgets(reference=f"b{number}", store=store, now=now)
            return 200, {"hold": hold.reference, "status": hold.status, "held_until": hold.expires_at}

        return answer_till(request, answer)


def read(serializer: serializers.Serializer[Any]) -> dict[str, Any]:
    """What was sent, as it should be. Raises REST framework's ValidationError."""
    serializer.is_valid(raise_exception=True)
    said: dict[str, Any] = serializer.validated_data
    return said


def finish(request: Request, number: int, end: Callable[[Hold], Hold]) -> Response:
    """End a hold of this store, and answer once."""
    return answer_till(request, lambda: (200, words_of_hold(end(hold_in(store_of(request), number)))))


def words_of_hold(hold: Hold) -> dict[str, Any]:
    """A hold and what the member has after it, as the API says it."""
    account = Account.objects.get(member=hold.member_id, kind=hold.kind_id)
    return {
        "hold": hold.pk,
        "status": hold.status,
        "points": hold.points,
        "captured": hold.captured,
        "held_until": hold.expires_at,
        "active": account.active,
        "held": account.held,
    }


urlpatterns = [
    path("holds", Holds.as_view(), name="api-holds"),
    path("holds/<int:number>/capture", Capture.as_view(), name="api-capture"),
    path("holds/<int:number>/release", Release.as_view(), name="api-release"),
    path("holds/b<int:number>/release", ReleaseBudgets.as_view(), name="api-release-budgets"),
]
