"""The tills' door to events."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from loyalty.deeds.actions import Reported, report_event
from loyalty.deeds.forms import read_event
from loyalty.earning.api import AwardSerializer, WhoSerializer, words_of_award
from loyalty.earning.rules import points_in
from members.profiles.actions import find_buyer
from members.stores.api import KEY, answer_till, key_of, store_of


class EventSerializer(serializers.Serializer[Any]):
    member = WhoSerializer()
    code = serializers.CharField(max_length=40, help_text="review, survey, referral, check_in, share, …")
    key = serializers.CharField(max_length=100, required=False, help_text="What caused it. Without it, the header's.")
    happened_at = serializers.DateTimeField(required=False, help_text="Without it, now.")
    facts = serializers.DictField(child=serializers.CharField(max_length=200), required=False)


class EventAnswerSerializer(serializers.Serializer[Any]):
    event = serializers.IntegerField()
    is_repeat = serializers.BooleanField()
    points = serializers.IntegerField()
    awards = AwardSerializer(many=True)
    balances = serializers.DictField(child=serializers.IntegerField())


class Events(APIView):
    """Report that a member did something that is no sale; the rules about it award points, once for each key."""

    @extend_schema(request=EventSerializer, responses={201: EventAnswerSerializer}, parameters=[KEY])
    def post(self, request: Request) -> Response:
        key, now = key_of(request), timezone.now()
        asked = read_event(request.data, key=key, now=now, store=store_of(request))

        def answer() -> tuple[int, dict[str, Any]]:
            member = find_buyer(kind=asked.identity_kind, value=asked.identity)
            reported = report_event(member=member, happening=asked.happening, now=now)
            return 201, {"member": member.number, **words_of_event(reported)}

        return answer_till(request, answer)


def words_of_event(reported: Reported) -> dict[str, Any]:
    """A reported event, as the API says it."""
    return {
        "event": reported.event,
        "is_repeat": reported.is_repeat,
        "points": points_in(reported.awards),
        "awards": [words_of_award(award) for award in reported.awards],
        "balances": reported.balances,
    }


urlpatterns = [path("events", Events.as_view(), name="api-events")]
