"""How the API reads a sale and says what it earned."""

from typing import Any

from rest_framework import serializers

from loyalty.earning.actions import Quote, Recorded
from loyalty.earning.rules import points_in
from loyalty.reckoning.rules import Earned
from loyalty.tiers.rules import Progress, Step
from members.purchases.models import Channel, Tender


class WhoSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(["number", "phone", "email", "card", "wechat"])
    value = serializers.CharField(max_length=254)


class LineSerializer(serializers.Serializer[Any]):
    sku = serializers.CharField(max_length=60, required=False)
    name = serializers.CharField(max_length=200, required=False)
    quantity = serializers.IntegerField(min_value=1, max_value=100_000, required=False)
    amount = serializers.IntegerField(min_value=0, help_text="Minor units, discounts taken off.")
    discount = serializers.IntegerField(min_value=0, required=False)


class SaleSerializer(serializers.Serializer[Any]):
    member = WhoSerializer()
    receipt = serializers.CharField(max_length=200, required=False, help_text="Without it, the idempotency key.")
    happened_at = serializers.DateTimeField(required=False, help_text="Without it, now.")
    currency = serializers.CharField(max_length=3, required=False)
    amount = serializers.IntegerField(min_value=0, help_text="What was paid, in minor units.")
    discount = serializers.IntegerField(min_value=0, required=False)
    tender = serializers.ChoiceField(Tender.choices, required=False)
    channel = serializers.ChoiceField(Channel.choices, required=False, help_text="Without it, till.")
    attributes = serializers.DictField(
        child=serializers.CharField(max_length=200), required=False, help_text="What else the till knows of the sale."
    )
    lines = LineSerializer(many=True, required=False)


class AwardSerializer(serializers.Serializer[Any]):
    rule = serializers.CharField()
    version = serializers.IntegerField()
    kind = serializers.CharField()
    points = serializers.IntegerField()
    multiplier = serializers.IntegerField(help_text="Percent.")
    active_from = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)


class TierSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    name_zh = serializers.CharField()
    name_en = serializers.CharField()


class ProgressSerializer(serializers.Serializer[Any]):
    tier = TierSerializer(allow_null=True)
    next_tier = TierSerializer(allow_null=True)
    basis = serializers.CharField(help_text="growth: points; spend: minor units")
    total = serializers.IntegerField()
    missing = serializers.IntegerField()


class QuoteAnswerSerializer(serializers.Serializer[Any]):
    points = serializers.IntegerField(help_text="Points to spend that the basket earns.")
    awards = AwardSerializer(many=True)
    progress = ProgressSerializer(allow_null=True)
    rises = serializers.BooleanField()


class SaleAnswerSerializer(QuoteAnswerSerializer):
    sale = serializers.IntegerField()
    member = serializers.CharField()
    is_repeat = serializers.BooleanField(help_text="The receipt was recorded before; nothing was awarded again.")
    balances = serializers.DictField(child=serializers.IntegerField())


def words_of_step(step: Step | None) -> dict[str, str] | None:
    """A tier as the API says it."""
    return None if step is None else {"code": step.code, "name_zh": step.name_zh, "name_en": step.name_en}


def words_of_progress(progress: Progress | None) -> dict[str, Any] | None:
    """Where a member stands, as the API says it."""
    if progress is None:
        return None
    return {
        "tier": words_of_step(progress.step),
        "next_tier": words_of_step(progress.next_step),
        "basis": progress.basis,
        "total": progress.total,
        "missing": progress.missing,
    }


def words_of_award(award: Earned) -> dict[str, Any]:
    """An award and its reasons, as the API says them."""
    return {
        "rule": award.version.rule_code,
        "version": award.version.number,
        "kind": award.version.kind_code,
        "points": award.points,
        "multiplier": award.multiplier,
        "active_from": award.activates_at,
        "expires_at": award.expires_at,
    }


def words_of_quote(quoted: Quote | Recorded) -> dict[str, Any]:
    """What a basket earns, as the API says it."""
    return {
        "points": points_in(quoted.awards),
        "awards": [words_of_award(award) for award in quoted.awards],
        "progress": words_of_progress(quoted.progress),
        "rises": quoted.is_rise,
    }


def words_of_sale(recorded: Recorded) -> dict[str, Any]:
    """A recorded sale, as the API says it."""
    return {
        "sale": recorded.sale,
        "is_repeat": recorded.is_repeat,
        "balances": recorded.balances,
        **words_of_quote(recorded),
    }
