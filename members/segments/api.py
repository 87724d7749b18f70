"""The tills' door to segments, and to members by traits. Sizes and members are the store's own."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.http import Http404
from django.urls import path
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from members.kit.filters import MOST, may_filter, read_filters
from members.kit.rates import count
from members.kit.refusals import Malformed
from members.kit.traits import Trait, all_traits, choices_asked_once
from members.profiles import api as profiles
from members.profiles.actions import find_member
from members.profiles.rules import mask_name
from members.segments.actions import members_by, segments_of
from members.segments.models import Membership, Segment
from members.stores.api import TillThrottle, store_of, till_of

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


class FoundSerializer(serializers.Serializer[Any]):
    number = serializers.CharField()
    name = serializers.CharField(help_text="Masked, for example 王*.")
    language = serializers.CharField()
    enrolled_at = serializers.DateTimeField()


class FoundMembersSerializer(serializers.Serializer[Any]):
    members = FoundSerializer(many=True)
    next = serializers.IntegerField(allow_null=True, help_text="What to send as `after` for the next page.")


class ParameterSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    title = serializers.CharField()
    is_required = serializers.BooleanField()


class TraitSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.CharField(help_text="number, money (minor units), date, moment, choice, many or yes_no.")
    operators = serializers.DictField(
        child=serializers.CharField(), help_text="By code, what each compares with: none, number, numbers, day, …"
    )
    parameters = ParameterSerializer(many=True)


class TraitsSerializer(serializers.Serializer[Any]):
    traits = TraitSerializer(many=True)


class AskedSerializer(PageSerializer):
    page_size = serializers.IntegerField(min_value=1, max_value=200, required=False, default=50)


class UnknownFilter(Malformed):
    """Something in the query string is no filter."""

    code = "unknown_filter"
    sentence = _("“%(name)s” is no filter. Filters are written as trait.operator=value.")


class FilterThrottle(BaseThrottle):
    """So many questions by traits a till and minute: each may read a lot."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        if request.method != "GET" or {"kind", "value"} & set(request.query_params) or request.auth is None:
            return True
        asked = count(what="filter", who=str(till_of(request).pk), seconds=60)
        return asked <= settings.TILL_FILTERS_A_MINUTE

    def wait(self) -> float:
        return 60.0


class Members(profiles.Members):
    """Enrol a member, find one by an identity, or list those of the till's store who are as traits say."""

    throttle_classes = [TillThrottle, FilterThrottle]

    @extend_schema(
        operation_id="members_find",
        description=(
            "With `kind` and `value`: the one member with this identity. Without them: the members who are at home in "
            "the till's store and of whom all filters hold, by when they came, a page at a time.\n\n"
            "A filter is `trait.operator=value`, such as `spend.at_least=50000`; `trait.parameter=value` narrows the "
            "trait down, such as `spend.days=90`; several values are parted by commas, such as "
            f"`language.one_of=en,zh-hans`. `/api/v1/traits` lists traits, operators and parameters. At most {MOST} "
            "operators at once; what takes longer than 5 seconds is refused as `filters_take_too_long`."
        ),
        responses={
            200: PolymorphicProxySerializer(
                component_name="OneMemberOrMany",
                serializers=[profiles.MemberSerializer, FoundMembersSerializer],
                resource_type_field_name=None,
            )
        },
        parameters=[
            OpenApiParameter("kind", str, enum=profiles.KINDS),
            OpenApiParameter("value", str),
            OpenApiParameter(
                "filters",
                {"type": "object", "additionalProperties": {"type": "string"}},
                description="Each `trait.operator` or `trait.parameter` is a name of its own in the query string.",
                style="form",
                explode=True,
            ),
            OpenApiParameter("after", int, description="The `next` of the answer before."),
            OpenApiParameter("page_size", int, description="1 to 200; 50 unless told."),
        ],
    )
    def get(self, request: Request) -> Response:
        if {"kind", "value"} & set(request.query_params):
            return super().get(request)
        asked = AskedSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        after, size = asked.validated_data["after"], asked.validated_data["page_size"]
        known = choices_asked_once(all_traits())
        tests = read_filters(known, filters_in(request.query_params))
        found = members_by(
            tests=tests, traits=known, store=store_of(request), after=after, limit=size + 1, now=timezone.now()
        )
        shown = [
            {
                "number": member.number,
                "name": mask_name(member.name),
                "language": member.language,
                "enrolled_at": member.enrolled_at,
            }
            for member in found[:size]
        ]
        return Response({"members": shown, "next": found[size - 1].pk if len(found) > size else None})


def filters_in(said: MultiValueDict[str, str]) -> Mapping[str, str]:
    """What filters by traits. Raises UnknownFilter for a name that is none, or that stands there twice."""
    for name in said:
        if ("." not in name and name not in ("after", "page_size")) or len(said.getlist(name)) > 1:
            raise UnknownFilter(name=name[:40])
    return {name: str(said[name]) for name in said}


class Traits(APIView):
    """What members may be asked for: traits, how each is compared, what narrows it down."""

    @extend_schema(responses={200: TraitsSerializer})
    def get(self, request: Request) -> Response:
        return Response({"traits": [shown_trait(trait) for trait in all_traits().values() if may_filter(trait)]})


def shown_trait(trait: Trait) -> dict[str, Any]:
    """A trait as the schema says it."""
    return {
        "code": trait.code,
        "title": str(trait.title),
        "kind": trait.kind.value,
        "operators": {code: way.shape.value for code, way in trait.compared_by.items()},
        "parameters": [
            {"code": each.code, "title": str(each.title), "is_required": each.is_required} for each in trait.parameters
        ],
    }


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
    path("members", Members.as_view(), name="api_members"),
    path("traits", Traits.as_view(), name="api_traits"),
    path("segments", Segments.as_view(), name="api_segments"),
    path("segments/<slug:code>/members", SegmentMembers.as_view(), name="api_segment_members"),
    path("members/<str:number>/segments", MemberSegments.as_view(), name="api_member_segments"),
]
