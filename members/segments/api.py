"""The tills' door to segments: which there are, and in which a member is. Sizes and members are the store's own."""

from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import Http404
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from members.profiles.actions import find_member
from members.profiles.rules import mask_name
from members.segments.actions import segments_of
from members.segments.models import Membership, Segment
from members.stores.api import store_of

PAGE = 100


class SegmentSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    name_zh = serializers.CharField()
    name_en = serializers.CharField()
    is_live = serializers.BooleanField(help_text="Whether every night brings it up to date.")
    members = serializers.IntegerField(help_text="Members in it now who are at home in the till's store.")


class SegmentsSerializer(serializers.Serializer[Any]):
    segments = SegmentSerializer(many=True)


class InSegmentSerializer(serializers.Serializer[Any]):
    number = serializers.CharField()
    name = serializers.CharField(help_text="Masked, for example 王*.")
    since = serializers.DateTimeField()


class SegmentMembersSerializer(serializers.Serializer[Any]):
    members = InSegmentSerializer(many=True)
    next = serializers.IntegerField(allow_null=True, help_text="What to send as `after` for the next hundred.")


class OfMemberSerializer(serializers.Serializer[Any]):
    segments = serializers.ListField(child=serializers.CharField(), help_text="Codes.")


class PageSerializer(serializers.Serializer[Any]):
    after = serializers.IntegerField(min_value=0, max_value=2**62, required=False, default=0)


class Segments(APIView):
    """The segments that say something, by code."""

    @extend_schema(responses={200: SegmentsSerializer})
    def get(self, request: Request) -> Response:
        here = Q(memberships__until=None, memberships__member__home_store=store_of(request).pk)
        here &= Q(memberships__member__merged_into=None)
        rows = Segment.objects.filter(version__gt=0).annotate(members=Count("memberships", filter=here)).by_name()
        names = ("code", "name_zh", "name_en", "is_live", "members")
        return Response({"segments": list(rows.values(*names))})


class SegmentMembers(APIView):
    """Members of the till's store who are in a segment, a hundred at a time."""

    @extend_schema(
        responses={200: SegmentMembersSerializer},
        parameters=[OpenApiParameter("after", int, description="The `next` of the answer before.")],
    )
    def get(self, request: Request, code: str) -> Response:
        asked = PageSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        segment = Segment.objects.filter(code=code).first()
        if segment is None:
            raise Http404
        rows = list(
            in_store(segment, store_of(request).pk).filter(member__gt=asked.validated_data["after"])[: PAGE + 1]
        )
        shown = [
            {"number": row.member.number, "name": mask_name(row.member.name), "since": row.since} for row in rows[:PAGE]
        ]
        return Response({"members": shown, "next": rows[PAGE - 1].member_id if len(rows) > PAGE else None})


def in_store(segment: Segment, store: int) -> QuerySet[Membership]:
    """Who of a store is in it now, by member id."""
    here = Membership.objects.open().filter(segment=segment, member__home_store=store, member__merged_into=None)
    return here.select_related("member").order_by("member")


class MemberSegments(APIView):
    """The segments in which a member is now."""

    @extend_schema(responses={200: OfMemberSerializer})
    def get(self, request: Request, number: str) -> Response:
        member = find_member(kind="number", value=number)
        return Response({"segments": sorted(segments_of([member.pk], timezone.now())[member.pk])})


urlpatterns = [
    path("segments", Segments.as_view(), name="api_segments"),
    path("segments/<slug:code>/members", SegmentMembers.as_view(), name="api_segment_members"),
    path("members/<str:number>/segments", MemberSegments.as_view(), name="api_member_segments"),
]
