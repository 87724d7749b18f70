"""The tills' door to returns: preview, take back, cancel, exchange."""

from typing import Any

from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from loyalty.checkout.api import BasketSerializer, SoldSerializer
from loyalty.checkout.forms import read_asked
from loyalty.earning.api import WhoSerializer, words_of_sale
from loyalty.earning.forms import mapping, read_sale, text
from loyalty.returns.actions import Counter, Made, cancel_return, exchange, preview_return, record_return
from loyalty.returns.forms import AskedByTill, read_return
from loyalty.returns.rules import Outcome
from members.kit.refusals import Refusal
from members.profiles.actions import find_buyer
from members.profiles.models import Member
from members.purchases.models import Return
from members.stores.api import KEY, answer_till, key_of, store_of, till_of
from members.stores.models import Store


class UnknownStore(Refusal):
    code = "unknown_store"
    sentence = _("There is no store with the code %(code)s.")
    status = 404


class UnknownReturn(Refusal):
    """Not there, or not of this till's store."""

    code = "unknown_return"
    sentence = _("This store knows no such return.")
    status = 404


class ReturnLineSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField(required=False, help_text="The place on the receipt, from 1; or say the SKU.")
    sku = serializers.CharField(max_length=60, required=False)
    quantity = serializers.IntegerField(min_value=1, required=False, help_text="Without it, 1.")
    amount = serializers.IntegerField(min_value=0, required=False, help_text="Without it, its share of what was paid.")


class ReturnSerializer(serializers.Serializer[Any]):
    member = WhoSerializer()
    receipt = serializers.CharField(max_length=200, required=False, help_text="Without it, the idempotency key.")
    sale_receipt = serializers.CharField(max_length=200)
    sale_store = serializers.CharField(required=False, help_text="The code of the store of the sale, if another.")
    happened_at = serializers.DateTimeField(required=False, help_text="Without it, now.")
    lines = ReturnLineSerializer(many=True, required=False)
    amount = serializers.IntegerField(required=False, help_text="For sales without lines, minor units.")
    token = serializers.CharField(required=False, help_text="Of a preview: do just that, or refuse.")


class TakenSerializer(serializers.Serializer[Any]):
    rule = serializers.CharField()
    kind = serializers.CharField()
    points = serializers.IntegerField(help_text="Due back.")
    taken = serializers.IntegerField(help_text="As far as the debt limit allowed.")


class BackSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    sku = serializers.CharField()
    name = serializers.CharField()
    quantity = serializers.IntegerField()
    amount = serializers.IntegerField()


class RestoredSerializer(serializers.Serializer[Any]):
    points = serializers.IntegerField()
    expires_at = serializers.DateTimeField(allow_null=True)


class ReturnAnswerSerializer(serializers.Serializer[Any]):
    goods_return = serializers.IntegerField(allow_null=True)
    state = serializers.ChoiceField(Return.State.choices)
    is_repeat = serializers.BooleanField()
    amount = serializers.IntegerField(required=False)
    by_points = serializers.IntegerField(required=False, help_text="The part of the amount that goes back as points.")
    money = serializers.IntegerField(required=False, help_text="The part of the amount to be given back in money.")
    lines = BackSerializer(many=True, required=False)
    taken = TakenSerializer(many=True, required=False)
    restored = RestoredSerializer(many=True, required=False)
    balances = serializers.DictField(child=serializers.IntegerField(), required=False)
    debt = serializers.IntegerField(required=False)
    tier_before = serializers.CharField(allow_null=True, required=False)
    tier_after = serializers.CharField(allow_null=True, required=False)
    token = serializers.CharField(required=False)


class ExchangeSerializer(serializers.Serializer[Any]):
    returned = ReturnSerializer()
    sale = BasketSerializer()


class ExchangeAnswerSerializer(serializers.Serializer[Any]):
    returned = ReturnAnswerSerializer()
    sale = SoldSerializer()


class PreviewReturns(APIView):
    """What a return would do: money and points line by line, debt, tier. Writes nothing."""

    @extend_schema(request=ReturnSerializer, responses={200: ReturnAnswerSerializer})
    def post(self, request: Request) -> Response:
        now = timezone.now()
        asked = read_return(request.data, key=f"preview:{now.timestamp()}", now=now)
        made = preview_return(member=member_of(asked), at=counter_of(request, asked), asked=asked.asked, now=now)
        return Response(words_of_return(made) | {"goods_return": None})


class Returns(APIView):
    """Take goods back; with the token of a preview it happens as shown, or is refused."""

    @extend_schema(request=ReturnSerializer, responses={201: ReturnAnswerSerializer}, parameters=[KEY])
    def post(self, request: Request) -> Response:
        key, now = key_of(request), timezone.now()
        asked = read_return(request.data, key=key, now=now)
        token = text(mapping(request.data, "body"), "token", longest=64, otherwise="") or None
        at = counter_of(request, asked)

        def answer() -> tuple[int, dict[str, Any]]:
            made = record_return(member=member_of(asked), at=at, asked=asked.asked, now=now, token=token)
            return 201, words_of_return(made)

        return answer_till(request, answer)


class CancelReturn(APIView):
    """Undo a return of this store, as if it had not been."""

    @extend_schema(request=None, responses={200: ReturnAnswerSerializer}, parameters=[KEY])
    def post(self, request: Request, number: int) -> Response:
        key_of(request)
        now, till = timezone.now(), till_of(request)

        def answer() -> tuple[int, dict[str, Any]]:
            made = Return.objects.filter(pk=number, store=till.store_id).first()
            if made is None:
                raise UnknownReturn
            cancelled = cancel_return(goods_return=made, now=now, actor=f"till:{till.pk}")
            return 200, {"goods_return": cancelled.pk, "state": cancelled.state, "is_repeat": False}

        return answer_till(request, answer)


class Exchanges(APIView):
    """Take goods back and sell others in one transaction."""

    @extend_schema(request=ExchangeSerializer, responses={201: ExchangeAnswerSerializer}, parameters=[KEY])
    def post(self, request: Request) -> Response:
        key, now = key_of(request), timezone.now()
        body = mapping(request.data, "body")
        asked = read_return(body.get("returned"), key=f"{key}:return"[-200:], now=now)
        sale = read_sale(body.get("sale"), key=key, now=now)
        price = read_asked(body.get("sale"))
        at = counter_of(request, asked)

        def answer() -> tuple[int, dict[str, Any]]:
            member = member_of(asked)
            done = exchange(member=member, at=at, asked=asked.asked, receipt=sale.receipt, now=now, price=price)
            sold = {"member": member.number, **words_of_sale(done.recorded), **done.price}
            return 201, {"returned": words_of_return(done.returned), "sale": sold}

        return answer_till(request, answer)


def member_of(asked: AskedByTill) -> Member:
    """Whose return it is. Raises UnknownMember."""
    return find_buyer(kind=asked.identity_kind, value=asked.identity)


def counter_of(request: Request, asked: AskedByTill) -> Counter:
    """The till's store, and that of the sale. Raises UnknownStore."""
    till, store = till_of(request), store_of(request)
    sold_in = store
    if asked.sale_store:
        found = Store.objects.filter(code=asked.sale_store).first()
        if found is None:
            raise UnknownStore(code=asked.sale_store)
        sold_in = found
    return Counter(store, sold_in, till, f"till:{till.pk}")


def words_of_return(made: Made) -> dict[str, Any]:
    """A return, as the API says it."""
    said: dict[str, Any] = {"goods_return": made.goods_return, "state": made.state, "is_repeat": made.is_repeat}
    return said if made.outcome is None else said | words_of_outcome(made.outcome) | {"token": made.token}


def words_of_outcome(outcome: Outcome) -> dict[str, Any]:
    """What a return does, as the API says it."""
    return {
        "amount": outcome.amount,
        "by_points": outcome.by_points,
        "money": outcome.money,
        "lines": list(outcome.lines),
        "taken": [
            {"rule": each.rule, "kind": each.kind, "points": each.points, "taken": each.taken}
            for each in outcome.awards
        ],
        "restored": [{"points": points, "expires_at": until} for points, until in outcome.restored_until],
        "balances": dict(outcome.balances),
        "debt": outcome.debt,
        "tier_before": outcome.tier_before,
        "tier_after": outcome.tier_after,
    }


urlpatterns = [
    path("returns", Returns.as_view(), name="api-returns"),
    path("returns/preview", PreviewReturns.as_view(), name="api-preview-returns"),
    path("returns/<int:number>/cancel", CancelReturn.as_view(), name="api-cancel-return"),
    path("exchanges", Exchanges.as_view(), name="api-exchanges"),
]
