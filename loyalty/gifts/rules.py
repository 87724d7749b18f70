"""What a gift refuses."""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Refusal


class GiftsOff(Refusal):
    """The programme does not let these points be given."""

    code = "gifts_off"
    sentence = _("Points of this kind cannot be given to somebody else.")


class GiftToOneself(Refusal):
    """A gift takes two."""

    code = "gift_to_oneself"
    sentence = _("That is you. Give to somebody else.")


class GiftTooSmall(Refusal):
    """Below the least."""

    code = "gift_too_small"
    sentence = _("At least %(least)s points are given at once.")


class GiftTooLarge(Refusal):
    """Above the most."""

    code = "gift_too_large"
    sentence = _("At most %(most)s points are given at once.")


class GiftDayFull(Refusal):
    """Today's share is used up."""

    code = "gift_day_full"
    sentence = _("You can give %(left)s more points today.")


class GiftMonthFull(Refusal):
    """This month's share is used up."""

    code = "gift_month_full"
    sentence = _("You can give %(left)s more points this month.")


class GiftTooEarly(Refusal):
    """Newcomers wait."""

    code = "gift_too_early"
    sentence = _("Points can be given %(days)s days after joining.")


class GiftKeyReused(Refusal):
    """The key names another gift."""

    code = "key_reused"
    sentence = _("This key was used before, for another gift.")


class TooManyGiftTries(Refusal):
    """Nobody looks through the members by giving to them."""

    code = "too_many_tries"
    sentence = _("Too many tries. Please wait an hour.")
    status = 429


@dataclass(frozen=True, slots=True)
class Terms:
    """What may be given of a kind."""

    least: int
    most: int
    most_a_day: int
    most_a_month: int


def check_gift(terms: Terms, *, points: int, today: int, this_month: int) -> None:
    """Raises the fitting refusal unless so many points may be given after those of today and of this month."""
    if points < terms.least:
        raise GiftTooSmall(least=f"{terms.least:,}")
    if points > terms.most:
        raise GiftTooLarge(most=f"{terms.most:,}")
    if today + points > terms.most_a_day:
        raise GiftDayFull(left=f"{max(terms.most_a_day - today, 0):,}")
    if this_month + points > terms.most_a_month:
        raise GiftMonthFull(left=f"{max(terms.most_a_month - this_month, 0):,}")
