"""Verbs: take goods back, show beforehand what that would do, cancel it, exchange, match what came too early."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from loyalty.checkout.actions import sell
from loyalty.checkout.rules import Asked
from loyalty.earning.actions import Recorded
from loyalty.earning.models import Award
from loyalty.judging.actions import rejudge
from loyalty.ledger.actions import claw_back, undo_claw_back
from loyalty.ledger.models import Account, Movement
from loyalty.ledger.rules import DebtLimitReached
from loyalty.limits.actions import give_back, take
from loyalty.refunds.actions import redo_price, restored_by, undo_price
from loyalty.returns.models import TakenBack
from loyalty.returns.rules import (
    Back,
    Basket,
    Bought,
    LineAsked,
    LinesNeeded,
    MoreThanPaid,
    NotCancellable,
    Outcome,
    PreviewChanged,
    ReturnAsked,
    ReturnBeforeSale,
    ReturnReused,
    Taken,
    backs_of,
    check_asked,
    due_back,
    undone,
)
from members.kit.actions import digest_of
from members.kit.refusals import Refusal
from members.profiles.models import Member
from members.purchases.models import Return, ReturnLine, Sale, SaleLine
from members.purchases.rules import CLOCKS_DIFFER, Receipt, SaleInFuture
from members.stores.models import Store, Till


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a return: done, or waiting for its sale. `token` stands for the outcome, for who confirms it."""

    goods_return: int
    state: str
    is_repeat: bool
    outcome: Outcome | None
    token: str


@dataclass(frozen=True, slots=True)
class Counter:
    """Where goods come back, and who takes them: the store, its till or a person, and the store of the sale."""

    store: Store
    sale_store: Store
    till: Till | None = None
    actor: str = ""


@transaction.atomic
def record_return(*, member: Member, at: Counter, asked: ReturnAsked, now: datetime, token: str | None = None) -> Made:
    """Take goods back: points of every award in the proportion in which they were given, spent points restored.

    From pending first, then active, then into debt, never below its limit; budgets and limits get back what was
    theirs, and the tier is looked at again. The same receipt again changes nothing. A return that comes before its
    sale is kept and waits. With the `token` of a preview it happens as shown, or PreviewChanged is raised.
    Raises also NothingReturned, UnknownLine, MoreThanBought, MoreThanPaid, LinesNeeded, ReturnReused,
    ReturnBeforeSale, SaleInFuture.
    """
    check_asked(asked)
    if asked.happened_at > now + CLOCKS_DIFFER:
        raise SaleInFuture(at=asked.happened_at.isoformat())
    Member.objects.select_for_update(no_key=True).get(pk=member.pk)
    known = Return.objects.filter(member=member, store=at.store, receipt=asked.receipt).first()
    if known is not None:
        return repeated(known, at=at, asked=asked)
    sale = Sale.objects.filter(member=member, store=at.sale_store, receipt=asked.sale_receipt).first()
    made = Return(
        member=member,
        store=at.store,
        till=at.till,
        receipt=asked.receipt,
        sale_store=at.sale_store,
        sale_receipt=asked.sale_receipt,
        asked=asked.content,
        happened_at=asked.happened_at,
        actor=at.actor[:60],
        state=Return.State.WAITING,
    )
    if sale is None:
        made.save()
        return Made(made.pk, made.state, False, None, "")
    outcome = carry_out(made, sale, now=now)
    seen = token_of(outcome)
    if token is not None and token != seen:
        raise PreviewChanged
    return Made(made.pk, made.state, False, outcome, seen)


def preview_return(*, member: Member, at: Counter, asked: ReturnAsked, now: datetime) -> Made:
    """All that `record_return` would do, by doing it and taking it back; its refusals are the same."""
    with transaction.atomic():
        made = record_return(member=member, at=at, asked=asked, now=now)
        transaction.set_rollback(True)
    return made


def token_of(outcome: Outcome) -> str:
    """Stands for an outcome: another outcome has another."""
    return digest_of(outcome.facts)[:32]


def repeated(known: Return, *, at: Counter, asked: ReturnAsked) -> Made:
    """The answer to a return that was recorded before. Raises ReturnReused when it said something else."""
    same = known.sale_store_id == at.sale_store.pk and known.sale_receipt == asked.sale_receipt
    if not same or known.asked != asked.content:
        raise ReturnReused(receipt=known.receipt)
    if known.state != Return.State.DONE:
        return Made(known.pk, known.state, True, None, "")
    outcome = outcome_of(known)
    return Made(known.pk, known.state, True, outcome, token_of(outcome))


def carry_out(made: Return, sale: Sale, *, now: datetime) -> Outcome:
    """Do what a return means for its sale. The caller has locked the member."""
    if made.happened_at < sale.happened_at - CLOCKS_DIFFER:
        raise ReturnBeforeSale
    backs = give_goods_back(made, sale)
    basket = basket_of(sale)
    cause = {"member": made.member, "now": now, "reason": "return", "actor": made.actor}
    awards = Award.objects.filter(sale=sale, points__gt=0).select_related("version__kind", "version__rule")
    for award in awards.order_by("pk"):
        take_back(made, award, part_of(award, basket), sale=sale, cause=cause)
    undo_price(goods_return=made, sale=sale, undone=lambda off_by_line: undone(off_by_line, basket), cause=cause)
    before = tier_of(made.member)
    rejudge(member=made.member, now=now, reason="return", note=made.receipt, actor=made.actor)
    return outcome_of(made, backs=backs, tiers=(before, tier_of(made.member)))


def give_goods_back(made: Return, sale: Sale) -> list[Back]:
    """Write what came back, line by line or as an amount, and count it on the sale."""
    lines = [LineAsked(*each) for each in made.asked["lines"]]
    bought = bought_of(sale)
    if bought and not lines:
        raise LinesNeeded
    backs = backs_of(bought, lines)
    made.amount = sum(back.amount for back in backs) if bought else made.asked["amount"]
    if made.amount > sale.amount - sale.returned_amount:
        raise MoreThanPaid(left=sale.amount - sale.returned_amount, asked=made.amount)
    made.sale, made.state = sale, Return.State.DONE
    made.save()
    ReturnLine.objects.bulk_create(
        ReturnLine(
            goods_return=made, member=made.member, line_id=each.line.id, quantity=each.quantity, amount=each.amount
        )
        for each in backs
    )
    count_back(sale, backs, amount=made.amount, sign=1)
    return backs


def count_back(sale: Sale, backs: Sequence[Back], *, amount: int, sign: int) -> None:
    """Count goods as come back (sign 1), or as gone out again (-1)."""
    for back in sorted(backs, key=lambda each: each.line.id):
        SaleLine.objects.filter(pk=back.line.id).update(
            returned_quantity=F("returned_quantity") + sign * back.quantity,
            returned_amount=F("returned_amount") + sign * back.amount,
        )
    Sale.objects.filter(pk=sale.pk).update(returned_amount=F("returned_amount") + sign * amount)
    sale.refresh_from_db(fields=["returned_amount"])


def bought_of(sale: Sale) -> list[Bought]:
    """The lines of a sale with what came back of them."""
    rows = sale.lines.order_by("position").values_list(
        "pk", "position", "sku", "name", "quantity", "amount", "discount", "returned_quantity", "returned_amount"
    )
    return [Bought(*row) for row in rows]


def basket_of(sale: Sale) -> Basket:
    """A sale with all that came back by now."""
    return Basket(sale.amount, sale.discount, sale.returned_amount, bought_of(sale))


def part_of(award: Award, basket: Basket) -> Fraction:
    """Which part of what an award looked at came back by now."""
    return basket.part(only=award.why.get("lines"), is_full=award.version.basis == "full")


def key_of(award: Award) -> str:
    """The key of an award's movement."""
    return f"sale:{award.sale_id}:{award.version_id}"


def take_back(made: Return, award: Award, part: Fraction, *, sale: Sale, cause: Mapping[str, Any]) -> None:
    """Take back what an award gave for the part that came back, and give its budget back what was reserved for it."""
    due = due_back(award.points, part) - award.returned
    if due <= 0:
        return
    freed = award.reserved * due // (award.points - award.returned)
    try:
        posting = claw_back(
            earned=key_of(award), points=due, kind=award.version.kind, key=f"return:{made.pk}:{award.pk}", **cause
        )
        taken = posting.points
    except DebtLimitReached:
        taken = 0
    Award.objects.filter(pk=award.pk).update(returned=F("returned") + due, reserved=F("reserved") - freed)
    if freed and award.version.budget_id is not None:
        give_back(budget=award.version.budget_id, store=sale.store_id, amount=freed)
    TakenBack.objects.create(
        member=made.member, goods_return=made, award=award, points=due, taken=min(taken, due), freed=freed
    )


def tier_of(member: Member) -> str | None:
    """The code of the tier on the main ladder, as it stands."""
    standing = member.standings.select_related("tier").order_by("ladder__position", "ladder_id").first()
    return standing.tier.code if standing and standing.tier else None


def outcome_of(
    made: Return, *, backs: Sequence[Back] | None = None, tiers: tuple[str | None, str | None] = (None, None)
) -> Outcome:
    """What a return did, from what it wrote."""
    lines = made.lines.select_related("line").order_by("line__position")
    taken = TakenBack.objects.filter(goods_return=made).select_related("award__version__rule", "award__version__kind")
    restored = restored_by(made)
    balances = dict(Account.objects.of(made.member).values_list("kind__code", "active"))
    return Outcome(
        amount=made.amount,
        lines=[
            {"line": each.line.position, "sku": each.line.sku, "name": each.line.name, "quantity": each.quantity,
             "amount": each.amount}
            for each in lines
        ],
        by_points=sum(made.paid_back.values_list("amount", flat=True)),
        awards=[taken_of(each) for each in taken.order_by("award_id")],
        restored=sum(each.points for each in restored),
        restored_until=[lot for each in restored for lot in lots_of(each)],
        balances=balances,
        debt=max(-balances.get("points", 0), 0),
        tier_before=tiers[0],
        tier_after=tiers[1],
    )  # fmt: skip


def taken_of(row: TakenBack) -> Taken:
    """One award's part of an outcome."""
    version = row.award.version
    return Taken(
        row.award_id, version.rule.code, version.rule.name_zh, version.rule.name_en, version.kind.code, row.points,
        row.taken,
    )  # fmt: skip


def lots_of(restored: Movement) -> list[tuple[int, datetime | None]]:
    """To which expiry restored points came back: so many points until when."""
    new = {lot.expires_at: lot.points for lot in restored.lots.all()}
    into = restored.uses.select_related("lot").order_by("lot__expires_at", "lot_id")
    if new:
        return [(points, until) for until, points in new.items()]
    return [(-use.points, use.lot.expires_at) for use in into]


@transaction.atomic
def cancel_return(*, goods_return: Return, now: datetime, actor: str = "") -> Return:
    """Undo a return as if it had not been: points, budgets, tier. Raises NotCancellable; restored points are spent
    again, and NotEnoughPoints is raised, with nothing changed, when they are gone."""
    Member.objects.select_for_update(no_key=True).get(pk=goods_return.member_id)
    made = Return.objects.select_for_update(of=("self",)).select_related("sale", "member").get(pk=goods_return.pk)
    if made.state != Return.State.DONE or made.sale is None:
        raise NotCancellable
    cause = {"member": made.member, "now": now, "reason": "return_cancelled", "actor": actor}
    for row in made.taken.select_related("award__version__kind").order_by("award_id"):
        put_again(made, row, cause=cause)
    redo_price(goods_return=made, sale=made.sale, cause=cause)
    backs = [Back(bought, each.quantity, each.amount) for each, bought in lines_of(made, made.sale)]
    count_back(made.sale, backs, amount=made.amount, sign=-1)
    made.state, made.cancelled_at = Return.State.CANCELLED, now
    made.save(update_fields=["state", "cancelled_at"])
    rejudge(member=made.member, now=now, reason="return", note=made.receipt, actor=actor)
    return made


def lines_of(made: Return, sale: Sale) -> list[tuple[ReturnLine, Bought]]:
    """The return's lines beside those of the sale."""
    bought = {each.id: each for each in bought_of(sale)}
    return [(each, bought[each.line_id]) for each in made.lines.order_by("line_id")]


def put_again(made: Return, row: TakenBack, *, cause: Mapping[str, Any]) -> None:
    """Give an award again what the return took, and take its budget's part again where there is some left."""
    award, clawed = row.award, f"return:{made.pk}:{row.award_id}"
    if Movement.objects.of_family(made.member).filter(key=clawed).exists():
        undo_claw_back(clawed=clawed, kind=award.version.kind, key=f"un{clawed}", **cause)
    taken = 0
    if row.freed and award.version.budget_id is not None and made.sale is not None:
        taken = take(budget=award.version.budget_id, store=made.sale.store_id, amount=row.freed, hint=made.member_id)
    Award.objects.filter(pk=award.pk).update(returned=F("returned") - row.points, reserved=F("reserved") + taken)


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What an exchange did: the return and the sale."""

    returned: Made
    recorded: Recorded
    price: Mapping[str, Any]  # what tills are told of the sale's price, where they asked for it


@transaction.atomic
def exchange(
    *, member: Member, at: Counter, asked: ReturnAsked, receipt: Receipt, now: datetime, price: Asked | None = None
) -> Exchanged:
    """Take goods back and sell others, both or neither. Raises what either verb raises."""
    returned = record_return(member=member, at=at, asked=asked, now=now)
    sold = sell(member=member, store=at.store, till=at.till, receipt=receipt, asked=price, now=now)
    return Exchanged(returned, sold.recorded, sold.answer)


def match_waiting(*, now: datetime, most: int = 200) -> int:
    """Carry out returns whose sale has come by now; how many. One that its sale cannot bear is refused, with words."""
    sales = Sale.objects.filter(
        member=OuterRef("member"), store=OuterRef("sale_store"), receipt=OuterRef("sale_receipt")
    )
    waiting = Return.objects.waiting().filter(Exists(sales)).order_by("pk").values_list("pk", flat=True)[:most]
    return sum(1 for pk in list(waiting) if match(pk, now=now))


def match(pk: int, *, now: datetime) -> bool:
    """Carry out one waiting return, all or nothing; False when another worker has, or when it is refused."""
    with transaction.atomic():
        member = Return.objects.values_list("member_id", flat=True).get(pk=pk)
        Member.objects.select_for_update(no_key=True).get(pk=member)
        made = Return.objects.waiting().select_related("member").filter(pk=pk).first()
        if made is None:
            return False
        sale = Sale.objects.get(member=member, store=made.sale_store, receipt=made.sale_receipt)
        try:
            with transaction.atomic():
                carry_out(made, sale, now=now)
        except Refusal as refusal:
            refused = {"state": Return.State.REFUSED, "refusal": str(refusal)[:300], "sale": sale}
            Return.objects.filter(pk=pk).update(**refused)
            return False
    return True
