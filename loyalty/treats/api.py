"""The tills' door to treats: what waits for the member at the counter, and that it was handed over."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from loyalty.treats.actions import hand_over, waiting_for
from loyalty.treats.models import Treat
from members.profiles.actions import find_member
from members.stores.api import KEY, answer_till, store_of, till_of

LARGEST_ID = 2**63 - 1


class TreatSerializer(serializers.Serializer[Any]):
    treat = serializers.IntegerField()
    kind = serializers.CharField(help_text="birthday, joining, monthly")
    occasion = serializers.CharField(help_text="The month, the year of the birthday, or the tier and day of joining.")
    tier = serializers.CharField(help_text="The code of the tier that gave it.")
    words_zh = serializers.CharField()
    words_en = serializers.CharField()
    last_on = serializers.DateField(help_text="The last of the shop's days on which it is handed over.")
    handed_at = serializers.DateTimeField(allow_null=True)


class MemberTreats(APIView):
    """What waits to be handed over to a member, the soonest to lapse first."""

    @extend_schema(responses=TreatSerializer(many=True))
    def get(self, request: Request, number: str) -> Response:
        member = find_member(kind="number", value=number)
        return Response([words_of_treat(treat) for treat in waiting_for(member, timezone.now())])


class HandOver(APIView):
    """Note that a treat was handed over to the member. 409 already_handed_over, treat_lapsed; 404 unknown_treat."""

    @extend_schema(request=None, responses={200: TreatSerializer}, parameters=[KEY])
    def post(self, request: Request, number: str, treat: int) -> Response:
        till, store, now = till_of(request), store_of(request), timezone.now()

        def answer() -> tuple[int, dict[str, Any]]:
            member = find_member(kind="number", value=number)
            handed = hand_over(treat=min(treat, LARGEST_ID), member=member, now=now, till=till, store=store)
            return 200, words_of_treat(handed)

        return answer_till(request, answer)


def words_of_treat(treat: Treat) -> dict[str, Any]:
    """A treat as the API says it."""
    return {
        "treat": treat.pk,
        "kind": treat.kind,
        "occasion": treat.occasion,
        "tier": treat.tier.code,
        "words_zh": treat.words_zh,
        "words_en": treat.words_en,
        "last_on": treat.last_on.isoformat() if treat.last_on else None,
        "handed_at": treat.handed_at.isoformat() if treat.handed_at else None,
    }


urlpatterns = [
    path("members/<str:number>/treats", MemberTreats.as_view(), name="api-treats"),
    path("members/<str:number>/treats/<int:treat>/handed-over", HandOver.as_view(), name="api-hand-over"),
]
