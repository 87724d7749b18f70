"""What a sale must be like: pure checks, each with its own no."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy as _

from members.kit.money import LARGEST_AMOUNT, BadAmount, our_currency
from members.kit.refusals import Malformed, Refusal

MOST_LINES = 500
MOST_PIECES = 100_000
CLOCKS_DIFFER = timedelta(minutes=10)  # a till's clock may run ahead by this much


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a receipt: pieces, and minor units after discounts."""

    sku: str
    name: str
    quantity: int
    amount: int
    discount: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a till says about one sale, amounts in minor units, the moment aware."""

    receipt: str
    happened_at: datetime
    currency: str
    amount: int
    discount: int = 0
    tender: str = "other"
    lines: Sequence[Line] = ()
    channel: str = "till"
    attributes: Mapping[str, str] = field(default_factory=dict)


class SaleInFuture(Refusal):
    """The till's clock is ahead."""

    code = "sale_in_future"
    sentence = _("The sale is dated %(at)s, which has not come yet. Check the till's clock.")
    status = 400


class SaleBeforeEnrolment(Refusal):
    """It happened before the member joined."""

    code = "sale_before_enrolment"
    sentence = _("The sale is dated before the member joined, and earns nothing.")


class LinesDoNotAddUp(Malformed):
    code = "lines_do_not_add_up"
    sentence = _("The lines add up to %(lines)s, the sale to %(amount)s.")


class TooManyLines(Malformed):
    code = "too_many_lines"
    sentence = _("A sale has at most %(limit)s lines.")


class BadQuantity(Malformed):
    code = "bad_quantity"
    sentence = _("%(quantity)s pieces cannot be sold: give a whole number from 1 to 100,000.")


class ReceiptReused(Refusal):
    """The store sent this receipt for this member before, with other content."""

    code = "receipt_reused"
    sentence = _("Receipt %(receipt)s was sent before, with other content.")


def check_receipt(receipt: Receipt, *, now: datetime) -> None:
    """Raises the fitting refusal unless the receipt can be a sale by now."""
    our_currency(receipt.currency)
    for amount in (receipt.amount, receipt.discount):
        check_amount(amount)
    if receipt.happened_at > now + CLOCKS_DIFFER:
        raise SaleInFuture(at=receipt.happened_at.isoformat())
    check_lines(receipt)


def check_lines(receipt: Receipt) -> None:
    """Raises unless the lines are few enough, sane, and add up to the sale."""
    if not receipt.lines:
        return
    if len(receipt.lines) > MOST_LINES:
        raise TooManyLines(limit=MOST_LINES)
    for line in receipt.lines:
        if not 1 <= line.quantity <= MOST_PIECES:
            raise BadQuantity(quantity=line.quantity)
        check_amount(line.amount)
        check_amount(line.discount)
    total = sum(line.amount for line in receipt.lines)
    if total != receipt.amount:
        raise LinesDoNotAddUp(lines=total, amount=receipt.amount)


def check_amount(units: int) -> None:
    """Raises BadAmount unless it is money that a sale can be worth, in minor units."""
    if type(units) is not int or not 0 <= units <= LARGEST_AMOUNT:
        raise BadAmount(amount=str(units)[:40])
