"""The tills' door to members: enrol one, find one. Contacts are masked: a till shows what its customer sees."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from members.profiles.actions import enrol, find_member
from members.profiles.models import Identity, Member
from members.profiles.rules import LONGEST_NAME, mask, mask_name
from members.stores.api import KEY, answer_till, store_of

KINDS = ["phone", "email", "card", "wechat", "number"]
LANGUAGES = ["zh-hans", "en"]


class IdentitiesSerializer(serializers.Serializer[Any]):
    phone = serializers.CharField(max_length=254, required=False)
    email = serializers.CharField(max_length=254, required=False)
    card = serializers.CharField(max_length=254, required=False)
    wechat = serializers.CharField(max_length=254, required=False)


class EnrolSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=LONGEST_NAME, required=False, default="", allow_blank=True)
    identities = IdentitiesSerializer(help_text="At least one.")
    language = serializers.ChoiceField(LANGUAGES, required=False, default="zh-hans")
    birth_on = serializers.DateField(required=False, allow_null=True, default=None)
    custom = serializers.DictField(required=False, help_text="The shop's further fields, by code.")


class FindSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(KINDS)
    value = serializers.CharField(max_length=254)


class MaskedIdentitySerializer(serializers.Serializer[Any]):
    kind = serializers.CharField()
    value = serializers.CharField(help_text="Masked, for example 138****5678.")
    is_verified = serializers.BooleanField()


class MemberSerializer(serializers.Serializer[Any]):
    number = serializers.CharField()
    name = serializers.CharField(help_text="Masked, for example 王*.")
    language = serializers.CharField()
    home_store = serializers.CharField(help_text="The store's code.")
    enrolled_at = serializers.DateTimeField()
    identities = MaskedIdentitySerializer(many=True)


class Members(APIView):
    """Enrol a member, or find one by an identity in whatever way it is written. Segments add what lists them."""

    @extend_schema(request=EnrolSerializer, responses={201: MemberSerializer}, parameters=[KEY])
    def post(self, request: Request) -> Response:
        asked = EnrolSerializer(data=request.data)
        asked.is_valid(raise_exception=True)

        def answer() -> tuple[int, dict[str, Any]]:
            member = enrol(
                store=store_of(request), source=Member.Source.TILL, now=timezone.now(), **asked.validated_data
            )
            return 201, shown_to_tills(member)

        return answer_till(request, answer)

    @extend_schema(
        operation_id="members_find",
        responses={200: MemberSerializer},
        parameters=[
            OpenApiParameter("kind", str, required=True, enum=KINDS),
            OpenApiParameter("value", str, required=True),
        ],
    )
    def get(self, request: Request) -> Response:
        asked = FindSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        return Response(shown_to_tills(find_member(**asked.validated_data)))


class OneMember(APIView):
    """The member with this number, as the card shows it."""

    @extend_schema(responses={200: MemberSerializer})
    def get(self, request: Request, number: str) -> Response:
        return Response(shown_to_tills(find_member(kind="number", value=number)))


def shown_to_tills(member: Member) -> dict[str, Any]:
    """A member as every till of the shop may see them."""
    identities = [
        {
            "kind": identity.kind,
            "value": mask(identity.kind, identity.value),
            "is_verified": identity.verified_at is not None,
        }
        for identity in Identity.objects.filter(member=member).order_by("kind", "pk")
    ]
    return {
        "number": member.number,
        "name": mask_name(member.name),
        "language": member.language,
        "home_store": member.home_store.code,
        "enrolled_at": member.enrolled_at,
        "identities": identities,
    }


urlpatterns = [path("members/<str:number>", OneMember.as_view(), name="api_member")]
