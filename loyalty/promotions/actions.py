"""Verbs: change a promotion by a new version, set what points pay; reads: the pricebook, what was given."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from loyalty.conditions.goods import chooser
from loyalty.conditions.tree import compiled
from loyalty.ledger.models import PointKind, Programme
from loyalty.ledger.rules import NotSpendable
from loyalty.limits.actions import give_back, take
from loyalty.limits.rules import Given, Usage
from loyalty.pricing.rules import Offer, PayRate, Pricebook
from loyalty.promotions.models import Applied, PayTerms, Promotion, PromotionVersion, Undone
from loyalty.promotions.rules import PAYING, TermsInPast, check_whole, counted, lint_offers, read_offer
from loyalty.promotions.sql import GIVEN, USAGE
from loyalty.rulebook.actions import known_codes
from loyalty.rulebook.rules import Finding, VersionInPast
from members.kit.arrays import integers
from members.purchases.models import Return
from members.stores.models import User

FIELDS = (
    "id", "promotion_id", "promotion__code", "promotion__name_zh", "promotion__name_en", "number", "valid_from",
    "is_on", "effect", "amount", "is_per_piece", "percent", "most", "rounding", "buys", "gets", "sets", "conditions",
    "lines", "got_lines", "limits", "budget_id", "priority", "group", "stops", "combines",
)  # fmt: skip
RATE = ("valid_from", "is_on", "kind_id", "points", "worth", "least", "step", "most_share")
LIMITS = FIELDS.index("limits")


@lru_cache(maxsize=4)
def pricebook_of(revision: UUID) -> Pricebook:
    """Promotions and what points pay, read once for each revision of the programme: triggers renew it."""
    rows = PromotionVersion.objects.order_by("valid_from", "number").values_list(*FIELDS)
    offers = tuple(ready(row) for row in rows)
    rates = tuple(PayRate(*row) for row in PayTerms.objects.order_by("valid_from", "pk").values_list(*RATE))
    return Pricebook(revision, offers, rates, sorted({offer.valid_from for offer in offers}))


def pricebook() -> Pricebook:
    """The pricebook as it stands."""
    return pricebook_of(Programme.objects.values_list("revision", flat=True).get())


def ready(row: tuple[Any, ...]) -> Offer:
    """A version with its conditions compiled."""
    said = dict(zip(FIELDS, row, strict=True))
    checks = (
        compiled(said["conditions"]),
        chooser(said["lines"]) if said["lines"] else None,
        chooser(said["got_lines"]) if said["got_lines"] else None,
    )
    return Offer(*(*row[:LIMITS], counted(said["limits"]), *row[LIMITS + 1 :], *checks))


def drafted(version: PromotionVersion) -> Offer:
    """A version that is not kept yet, as the sums would see it. Its `id` is 0."""
    row = []
    for field in FIELDS:
        value: Any = version
        for step in field.split("__"):
            value = getattr(value, step, None)
        row.append(value)
    return ready((0, *row[1:]))


def usage_of(*, member: int, promotions: Iterable[int], since: datetime | None) -> Usage:
    """What limited promotions took off for a member since a moment. Asks nothing when there are none."""
    wanted, usage = sorted(promotions), Usage()
    if not wanted:
        return usage
    with connection.cursor() as cursor:
        cursor.execute(USAGE, {"member": member, "promotions": integers(wanted), "since": since})
        for promotion, at, off in cursor.fetchall():
            usage.add(Given(promotion, at, off))
    return usage


@dataclass(frozen=True, slots=True)
class Total:
    """How often a promotion was applied, and the minor units that it took off; what returns undid is left out."""

    times: int = 0
    off: int = 0


def given_by(promotions: Sequence[int]) -> dict[int, Total]:
    """What promotions gave so far, by their ids."""
    with connection.cursor() as cursor:
        cursor.execute(GIVEN, (integers(promotions),))
        return {promotion: Total(times, int(off)) for promotion, times, off in cursor.fetchall()}


def findings(*, at: datetime, draft: Offer | None = None) -> list[Finding]:
    """What the linter says of the promotions in force at a moment, with a draft in the place of its own version."""
    offers = list(pricebook().in_force(at))
    if draft is not None:
        offers = [offer for offer in offers if offer.rule != draft.rule] + ([draft] if draft.is_on else [])
        offers.sort(key=lambda each: (each.priority, each.rule))
    return lint_offers(offers, known=known_codes(offers), today=timezone.localdate(at))


@transaction.atomic
def change_promotion(*, promotion: Promotion, now: datetime, by: User | None, **says: Any) -> PromotionVersion:
    """Say from now on (or from `valid_from`) something else: a new version, what was said stays.

    Raises VersionInPast when it would begin before the version it follows, and what `read_offer` refuses.
    """
    last = PromotionVersion.objects.select_for_update().filter(promotion=promotion).order_by("-number").first()
    valid_from = says.pop("valid_from", None) or now
    if last is not None and valid_from < last.valid_from:
        raise VersionInPast(since=last.valid_from.isoformat())
    number = last.number + 1 if last else 1
    return PromotionVersion.objects.create(
        promotion=promotion, number=number, valid_from=valid_from, created_by=by, **read_offer(says)
    )


@transaction.atomic
def switch_off(*, promotion: Promotion, now: datetime, by: User | None) -> PromotionVersion | None:
    """End a promotion now: a version that is off. One that is off already, or says nothing, stays as it is."""
    last = PromotionVersion.objects.select_for_update().filter(promotion=promotion).order_by("-number").first()
    if last is None or not last.is_on:
        return last
    says = {name: getattr(last, name) for name in SAID} | {"is_on": False, "valid_from": max(now, last.valid_from)}
    return change_promotion(promotion=promotion, now=now, by=by, **says)


SAID = (
    "effect", "amount", "is_per_piece", "percent", "most", "rounding", "buys", "gets", "sets", "conditions", "lines",
    "got_lines", "limits", "budget", "priority", "group", "stops", "combines",
)  # fmt: skip


@transaction.atomic
def set_pay_terms(*, kind: PointKind, now: datetime, by: User | None, **says: Any) -> PayTerms:
    """Say what points pay from now on (or from `valid_from`): so many `points` are `worth` so many minor units.

    `least` points at once, in steps of `step`, at most `most_share` percent of a sale; `is_on` false ends it.
    Raises BadNumber, NotSpendable, and TermsInPast when they would begin before those that they follow.
    """
    Programme.objects.select_for_update().get()
    valid_from = says.pop("valid_from", None) or now
    if not kind.is_spendable:
        raise NotSpendable
    check_whole(says, PAYING)
    last = PayTerms.objects.order_by("-valid_from", "-pk").first()
    if last is not None and valid_from < last.valid_from:
        raise TermsInPast(since=last.valid_from.isoformat())
    return PayTerms.objects.create(kind=kind, valid_from=valid_from, created_by=by, **says)


def undo(*, applied: Applied, goods_return: Return, until: int, store: int) -> None:
    """Undo what a promotion took off, up to `until` minor units in all: limits and budget have it again."""
    due = until - applied.returned
    if due <= 0:
        return
    Applied.objects.filter(member=applied.member_id, pk=applied.pk).update(returned=F("returned") + due)
    if applied.version.budget_id is not None:
        give_back(budget=applied.version.budget_id, store=store, amount=due)
    Undone.objects.create(member_id=applied.member_id, goods_return=goods_return, applied=applied, off=due)


def redo(*, goods_return: Return, store: int) -> None:
    """Undo what `undo` did, for a return that is cancelled; a budget bears it again where there is some left."""
    rows = Undone.objects.filter(member=goods_return.member_id, goods_return=goods_return)
    for row in rows.select_related("applied__version").order_by("applied_id"):
        Applied.objects.filter(member=row.member_id, pk=row.applied_id).update(returned=F("returned") - row.off)
        budget = row.applied.version.budget_id
        if budget is not None:
            take(budget=budget, store=store, amount=row.off, hint=row.member_id)
