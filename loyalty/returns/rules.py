"""What a return is worth: which part of a sale it is, and which part of every award. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Malformed, Refusal

MOST_LINES = 500


class NothingReturned(Malformed):
    code = "nothing_returned"
    sentence = _("A return names lines with quantities, or an amount above zero.")


class UnknownLine(Refusal):
    """The sale has no such line."""

    code = "unknown_line"
    sentence = _("The sale has no line “%(line)s”.")


class MoreThanBought(Refusal):
    """Only what was bought, and has not come back yet, can come back."""

    code = "more_than_bought"
    sentence = _("Of line “%(line)s” only %(left)s can still come back, not %(asked)s.")


class MoreThanPaid(Refusal):
    code = "more_than_paid"
    sentence = _("Only %(left)s of this can still be given back, not %(asked)s.")


class LinesNeeded(Refusal):
    """A sale with lines comes back by lines, because rules look at lines."""

    code = "lines_needed"
    sentence = _("This sale has lines: say which of them come back.")


class ReturnReused(Refusal):
    code = "return_reused"
    sentence = _("Return %(receipt)s was sent before, with other content.")


class ReturnBeforeSale(Refusal):
    """Nothing comes back before it was bought."""

    code = "return_before_sale"
    sentence = _("The return is dated before its sale.")


class PreviewChanged(Refusal):
    """What the preview promised is not what would happen now."""

    code = "preview_changed"
    sentence = _("Since the preview something has changed: look at it again.")


class NotCancellable(Refusal):
    code = "not_cancellable"
    sentence = _("Only a return that was made, and not cancelled yet, can be cancelled.")


@dataclass(frozen=True, slots=True)
class LineAsked:
    """A line that comes back, by its place from 1 or its SKU; without an amount its share of what was paid."""

    line: int | str
    quantity: int
    amount: int | None = None


@dataclass(frozen=True, slots=True)
class ReturnAsked:
    """What a till says about a return: its own receipt, that of the sale and where it was, and what comes back.

    `amount` is in minor units, for sales without lines.
    """

    receipt: str
    sale_receipt: str
    happened_at: datetime
    lines: Sequence[LineAsked] = ()
    amount: int | None = None

    @property
    def content(self) -> dict[str, Any]:
        """Lines and amount as they are kept."""
        lines = [[each.line, each.quantity, each.amount] for each in self.lines]
        return {"lines": lines, "amount": self.amount}


def check_asked(asked: ReturnAsked) -> None:
    """Raises NothingReturned unless something above zero comes back."""
    wrong = any(type(each.quantity) is not int or each.quantity < 1 for each in asked.lines)
    amounts = [each.amount for each in asked.lines if each.amount is not None]
    wrong = wrong or any(type(each) is not int or each < 0 for each in amounts) or len(asked.lines) > MOST_LINES
    if not asked.lines:
        wrong = type(asked.amount) is not int or asked.amount < 1
    if wrong or (asked.lines and asked.amount is not None):
        raise NothingReturned


@dataclass(frozen=True, slots=True)
class Bought:
    """A line of the sale: what was bought, and what of it came back before. Amounts are minor units."""

    id: int
    position: int
    sku: str
    name: str
    quantity: int
    amount: int
    discount: int
    returned_quantity: int
    returned_amount: int


@dataclass(frozen=True, slots=True)
class Back:
    """How much of a line comes back now."""

    line: Bought
    quantity: int
    amount: int


def backs_of(lines: Sequence[Bought], asked: Sequence[LineAsked]) -> list[Back]:
    """What comes back, line by line. Raises UnknownLine, MoreThanBought, MoreThanPaid."""
    found: dict[int, Back] = {}
    for each in asked:
        line = line_named(lines, each.line, taken=found)
        left = line.quantity - line.returned_quantity
        if each.quantity > left:
            raise MoreThanBought(line=each.line, left=left, asked=each.quantity)
        amount = each.amount if each.amount is not None else share_of(line, each.quantity)
        if amount > line.amount - line.returned_amount:
            raise MoreThanPaid(left=line.amount - line.returned_amount, asked=amount)
        found[line.id] = Back(line, each.quantity, amount)
    return list(found.values())


def line_named(lines: Sequence[Bought], name: int | str, *, taken: Mapping[int, Back]) -> Bought:
    """The line at a place, or the first with a SKU that was not named yet and has pieces left."""
    fitting = [line for line in lines if (line.position == name if isinstance(name, int) else line.sku == name)]
    if not fitting or all(line.id in taken for line in fitting):
        raise UnknownLine(line=name)
    free = [line for line in fitting if line.id not in taken]
    return next((line for line in free if line.returned_quantity < line.quantity), free[0])


def share_of(line: Bought, quantity: int) -> int:
    """What was paid for so many more pieces: shares of one line add up to the line whatever the order."""
    until = line.returned_quantity + quantity
    if until == line.quantity:
        return line.amount - line.returned_amount
    return max(min(line.amount * until // line.quantity, line.amount) - line.returned_amount, 0)


@dataclass(frozen=True, slots=True)
class Basket:
    """A sale with all that came back by now, this return included: line by place, or the sale as a whole."""

    amount: int
    discount: int
    returned_amount: int
    lines: Sequence[Bought] = ()

    def part(self, *, only: Sequence[int] | None, is_full: bool) -> Fraction:
        """Which part of what an award looked at came back: from 0 to 1, by the amounts it counted."""
        if not self.lines:
            return Fraction(self.returned_amount, self.amount) if self.amount else Fraction(1)
        chosen = [line for line in self.lines if only is None or line.position in only]
        weights = [line.amount + (line.discount if is_full else 0) for line in chosen]
        if not sum(weights):  # free things come back by the piece
            weights = [line.quantity for line in chosen]
        came = sum((weight * came_back(line) for weight, line in zip(weights, chosen, strict=True)), Fraction(0))
        return came / sum(weights) if sum(weights) else Fraction(0)


def came_back(line: Bought) -> Fraction:
    """The part of a line that came back: by money where it cost some, else by pieces."""
    if line.amount:
        return Fraction(line.returned_amount, line.amount)
    return Fraction(line.returned_quantity, line.quantity)


def undone(off_by_line: Mapping[str, int], basket: Basket) -> int:
    """The minor units of a promotion that are undone by now, line by line; "0" is a sale without lines."""
    if not basket.lines:
        part = Fraction(basket.returned_amount, basket.amount) if basket.amount else Fraction(1)
        return sum(due_back(off, part) for off in off_by_line.values())
    parts = {str(line.position): came_back(line) for line in basket.lines}
    return sum(due_back(off, parts[place]) for place, off in off_by_line.items())


def due_back(points: int, part: Fraction) -> int:
    """The points of an award that are back once this part of its sale is: whole points, never more than the part."""
    return points * part.numerator // part.denominator


@dataclass(frozen=True, slots=True)
class Taken:
    """What a return does to one award: points due back, points that could be taken, where from."""

    award: int
    rule: str
    name_zh: str
    name_en: str
    kind: str
    points: int
    taken: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a return does, or would do: money and points by line, balances after it, tier before and after."""

    amount: int
    lines: Sequence[Mapping[str, Any]]
    awards: Sequence[Taken]
    by_points: int = 0  # the part of the amount that goes back as points
    restored: int = 0
    restored_until: Sequence[tuple[int, datetime | None]] = ()
    balances: Mapping[str, int] = field(default_factory=dict)
    debt: int = 0
    tier_before: str | None = None
    tier_after: str | None = None

    @property
    def money(self) -> int:
        """Minor units to be given back in money."""
        return self.amount - self.by_points

    @property
    def facts(self) -> dict[str, Any]:
        """What who confirms has to know: everything but ids and the moment."""
        return {
            "amount": self.amount,
            "by_points": self.by_points,
            "lines": list(self.lines),
            "awards": [[each.rule, each.kind, each.points, each.taken] for each in self.awards],
            "restored": self.restored,
            "balances": dict(self.balances),
            "tiers": [self.tier_before, self.tier_after],
        }
