"""The tills' door to points: balances and the statement of a member."""

import django_filters
from django.db.models import QuerySet
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from loyalty.ledger.actions import settle_member
from loyalty.ledger.models import Account, Movement
from members.profiles.actions import find_member
from members.profiles.models import Member


class BalanceSerializer(serializers.ModelSerializer[Account]):
    kind = serializers.CharField(source="kind.code")

    class Meta:
        model = Account
        fields = ["kind", "pending", "active", "held"]


class MovementSerializer(serializers.ModelSerializer[Movement]):
    point_kind = serializers.CharField(source="account.kind.code")

    class Meta:
        model = Movement
        fields = [
            "id", "point_kind", "kind", "source", "target", "points", "pending_after", "active_after", "held_after",
            "reason", "happened_at",
        ]  # fmt: skip


class MovementFilter(django_filters.FilterSet):
    point_kind = django_filters.CharFilter(field_name="account__kind__code")
    since = django_filters.IsoDateTimeFilter(field_name="happened_at", lookup_expr="gte")
    until = django_filters.IsoDateTimeFilter(field_name="happened_at", lookup_expr="lt")

    class Meta:
        model = Movement
        fields = ["kind", "point_kind", "since", "until"]


def member_with(number: str) -> Member:
    """The member with this number. Raises UnknownMember."""
    return find_member(kind="number", value=number)


class Balances(APIView):
    """A member's balances by point kind, as of now: what is due is settled first."""

    @extend_schema(responses=BalanceSerializer(many=True))
    def get(self, request: Request, number: str) -> Response:
        member = member_with(number)
        settle_member(member=member, now=timezone.now())
        accounts = Account.objects.of(member).select_related("kind").order_by("kind__pk")
        return Response(BalanceSerializer(accounts, many=True).data)


class Statement(ListAPIView[Movement]):
    """A member's movements, newest first, by cursor."""

    serializer_class = MovementSerializer
    filterset_class = MovementFilter
    queryset = Movement.objects.none()

    def get_queryset(self) -> QuerySet[Movement]:
        member = member_with(self.kwargs["number"])
        return Movement.objects.of(member).select_related("account__kind")


urlpatterns = [
    path("members/<str:number>/balances", Balances.as_view(), name="api-balances"),
    path("members/<str:number>/statement", Statement.as_view(), name="api-statement"),
]
