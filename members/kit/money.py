"""Money: whole minor units with an ISO 4217 currency; decimals exist only at the doors."""

from decimal import Decimal, InvalidOperation

from babel.numbers import format_currency, get_currency_precision
from django.conf import settings
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Malformed, Refusal

LARGEST_AMOUNT = 10**12  # minor units: ten thousand million yuan; more is a slip of the finger


class UnknownCurrency(Refusal):
    """The currency is not the one this shop counts in."""

    code = "unknown_currency"
    sentence = _("This shop counts in %(ours)s, not in %(theirs)s.")
    status = 400


class BadAmount(Malformed):
    """The amount is not a number of money that a sale can have."""

    code = "bad_amount"
    sentence = _("%(amount)s is not an amount of money: give a number from 0 up, such as 12.50.")


def minor_units(text: str, *, currency: str) -> int:
    """Read "12.50" as 1250 (JPY "1250" as 1250). Raises BadAmount for anything else, also for too many decimals."""
    try:
        amount = Decimal(text.strip()).scaleb(get_currency_precision(currency))
        whole = int(amount)
    except (InvalidOperation, ValueError, OverflowError):
        raise BadAmount(amount=text[:40]) from None
    if amount != whole or not 0 <= whole <= LARGEST_AMOUNT:
        raise BadAmount(amount=text[:40])
    return whole


def decimal_amount(units: int, *, currency: str) -> Decimal:
    """1250 minor units of CNY as Decimal("12.50")."""
    return Decimal(units).scaleb(-get_currency_precision(currency))


def format_money(units: int, currency: str | None = None) -> str:
    """1250 minor units as the reader of the page writes them, for example ¥12.50."""
    currency = currency or settings.SHOP_CURRENCY
    locale = to_locale(get_language() or settings.LANGUAGE_CODE)
    return str(format_currency(decimal_amount(units, currency=currency), currency, locale=locale))


def our_currency(code: str) -> str:
    """The code again if the shop counts in it. Raises UnknownCurrency."""
    if code != settings.SHOP_CURRENCY:
        raise UnknownCurrency(ours=settings.SHOP_CURRENCY, theirs=code[:10])
    return code
