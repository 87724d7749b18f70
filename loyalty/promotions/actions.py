"""Verbs: change a promotion by a new version, set what points pay; reads: the pricebook, what was given."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import get_language

from loyalty.conditions.case import Case, Goods
from loyalty.conditions.goods import chooser
from loyalty.conditions.tree import compiled
from loyalty.drafting.rules import UnreadableDraft, digest
from loyalty.ledger.models import PointKind, Programme
from loyalty.ledger.rules import NotSpendable
from loyalty.limits.actions import give_back, take
from loyalty.limits.models import Budget
from loyalty.limits.rules import Given, Usage
from loyalty.pricing.rules import Offer, PayRate, Pricebook, price
from loyalty.promotions.models import Applied, PayTerms, Promotion, PromotionDraft, PromotionVersion, Undone
from loyalty.promotions.rules import (
    PAYING,
    TermsInPast,
    When,
    check_whole,
    counted,
    is_for,
    lint_offers,
    read_offer,
    version_shown,
    when,
    words_of_promotion,
)
from loyalty.promotions.sql import USAGE
from loyalty.rulebook.actions import known_codes, names_of
from loyalty.rulebook.rules import Finding, VersionInPast, wants_of
from members.kit.arrays import integers
from members.kit.refusals import Refusal
from members.profiles.models import Member
from members.purchases.models import Return, SaleLine
from members.segments.actions import segments_of
from members.stores.models import User

FIELDS = (
    "id", "promotion_id", "promotion__code", "promotion__name_zh", "promotion__name_en", "number", "valid_from",
    "is_on", "effect", "amount", "is_per_piece", "percent", "most", "rounding", "buys", "gets", "sets", "conditions",
    "lines", "got_lines", "limits", "budget_id", "priority", "group", "stops", "combines",
)  # fmt: skip
RATE = ("valid_from", "is_on", "kind_id", "points", "worth", "least", "step", "most_share")
LATELY = 300  # lines looked at for an example
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
class OnOffer:
    """A promotion as a member reads of it: its own words if it has some, and what it says."""

    promotion: Promotion
    words: str
    says: str
    when: When


def offers_for(member: Member, now: datetime) -> list[OnOffer]:
    """Promotions that run or are to come and that this member could have, those that end soonest first."""
    all_of = Promotion.objects.prefetch_related("versions").order_by("pk")
    shown = [(each, version_shown(each.versions.all(), now), when(each.versions.all(), now)) for each in all_of]
    shown = [each for each in shown if each[2].state in ("running", "coming")]
    if not shown:
        return []
    tiers = set(member.standings.filter(tier__isnull=False).values_list("tier__code", flat=True))
    stores = set(member.sales.order_by().values_list("store__code", flat=True).distinct())
    stores |= {member.home_store.code} if member.home_store else set()
    segments = segments_of([member.pk], now).get(member.pk, set())
    found = [each for each in shown if is_for(each[1], tiers=tiers, stores=stores, segments=segments)]
    found.sort(key=lambda each: (each[2].state != "running", each[2].last or date.max))
    names = names_of([said for _promotion, said, _runs in found])
    return [
        OnOffer(promotion, words_shown(promotion), words_of_promotion(said, names, is_for_staff=False), runs)
        for promotion, said, runs in found
    ]


def words_shown(promotion: Promotion) -> str:
    """What marketing wrote for members, in the reader's language."""
    is_english = (get_language() or "").startswith("en")
    words = (promotion.words_en, promotion.words_zh) if is_english else (promotion.words_zh, promotion.words_en)
    return words[0] or words[1]


@dataclass(frozen=True, slots=True)
class Example:
    """What a promotion would do to a basket out of what the shop sells: (name, pieces, price, taken off) by line."""

    lines: Sequence[tuple[str, int, int, int]]
    price: int
    off: int


def example_of(offer: Offer) -> Example | None:
    """A basket out of what was sold lately, with what the promotion would take off if its conditions held.

    None where nothing was sold that it could count.
    """
    goods, names = recent_goods(offer)
    least = max(wants_of(offer.conditions, "min_amount"), default=0)
    total = sum(line.amount for line in goods)
    if not total:
        return None
    times = -(-least // total) or 1
    goods = [replace(line, quantity=line.quantity * times, amount=line.amount * times) for line in goods]
    case = Case(at=timezone.localtime(), amount=total * times, lines=tuple(goods))
    free = replace(offer, check=lambda _case: None, limits={}, budget=None)
    priced = price([free], case, usage=Usage(), rooms={})
    lines = [(names[line.sku], line.quantity, line.amount, priced.off_line(line.position)) for line in goods]
    return Example(lines, case.amount, priced.off)


def recent_goods(offer: Offer) -> tuple[list[Goods], dict[str, str]]:
    """Up to two products that count, up to two to get, and one that does neither, at what they sold for lately."""
    chosen: list[SaleLine] = []
    room = [2, 2, 1]
    for line in recent_lines():
        kind = 0 if is_in(offer.chosen, line) else 1 if offer.got is not None and is_in(offer.got, line) else 2
        if room[kind]:
            room[kind] -= 1
            chosen.append(line)
    pieces = offer.buys + offer.gets if offer.effect == "buy_get" else 1
    goods = [
        goods_of(line, place, pieces if is_in(offer.chosen, line) or (offer.got and is_in(offer.got, line)) else 1)
        for place, line in enumerate(chosen, start=1)
    ]
    return goods, {line.sku: line.name or line.sku for line in chosen}


def recent_lines() -> Iterable[SaleLine]:
    """The latest line of each product among the last that were sold."""
    recent = SaleLine.objects.filter(product__isnull=False, amount__gt=0).select_related("product")
    return {line.sku: line for line in recent.order_by("-pk")[:LATELY]}.values()


def goods_of(line: SaleLine, place: int, pieces: int) -> Goods:
    """A line as conditions see it, at the price of a piece before discounts."""
    category, brand = (line.product.category, line.product.brand) if line.product else ("", "")
    amount = (line.amount + line.discount) // line.quantity * pieces
    return Goods(place, line.sku, category, brand, pieces, amount)


def is_in(choice: Callable[[Goods], bool] | None, line: SaleLine) -> bool:
    """Whether a line is one of those chosen; without a choice all are."""
    return choice is None or choice(goods_of(line, 0, 1))


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
def keep_promotion(*, promotion: Promotion, by: User | None, **says: Any) -> PromotionDraft:
    """Keep what a version would say as a draft; the same again is the same draft. Raises what `read_offer` refuses.

    When it would begin is not kept: that is said when it is let stand.
    """
    said = read_offer({name: value for name, value in says.items() if name != "valid_from"})
    said["budget"] = getattr(said.get("budget"), "pk", None)
    draft, _new = PromotionDraft.objects.get_or_create(
        promotion=promotion, digest=digest(said), defaults={"says": said, "created_by": by}
    )
    return draft


def version_kept(draft: PromotionDraft, *, at: datetime) -> PromotionVersion:
    """The version that a draft would be from a moment on; it stands nowhere. Raises UnreadableDraft."""
    said = dict(draft.says)
    try:
        said["budget"] = Budget.objects.get(pk=said["budget"]) if said["budget"] else None
        return PromotionVersion(promotion=draft.promotion, number=0, valid_from=at, **read_offer(said))
    except (Refusal, KeyError, TypeError, ValueError, Budget.DoesNotExist):
        raise UnreadableDraft from None


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
    freed = applied.reserved * due // (applied.off - applied.returned)
    Applied.objects.filter(member=applied.member_id, pk=applied.pk).update(
        returned=F("returned") + due, reserved=F("reserved") - freed
    )
    if freed and applied.version.budget_id is not None:
        give_back(budget=applied.version.budget_id, store=store, amount=freed)
    Undone.objects.create(member_id=applied.member_id, goods_return=goods_return, applied=applied, off=due)


def redo(*, goods_return: Return, store: int) -> None:
    """Undo what `undo` did, for a return that is cancelled; a budget bears it again where there is some left."""
    rows = Undone.objects.filter(member=goods_return.member_id, goods_return=goods_return)
    for row in rows.select_related("applied__version").order_by("applied_id"):
        budget, taken = row.applied.version.budget_id, 0
        if budget is not None:
            taken = take(budget=budget, store=store, amount=row.off, hint=row.member_id)
        Applied.objects.filter(member=row.member_id, pk=row.applied_id).update(
            returned=F("returned") - row.off, reserved=F("reserved") + taken
        )
