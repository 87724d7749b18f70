"""What cannot be given."""

from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Refusal


class UntilInPast(Refusal):
    """A tier is given for days to come."""

    code = "until_in_past"
    sentence = _("A tier is given until a day to come. Choose a later one.")


class TierOfAnotherLadder(Refusal):
    """A tier stands on one ladder."""

    code = "tier_of_another_ladder"
    sentence = _("This tier belongs to another ladder.")


class NotForSale(Refusal):
    """A tier without a price cannot be bought that way."""

    code = "tier_not_for_sale"
    sentence = _("This tier has no such price, so it cannot be bought.")


class PaymentMissing(Refusal):
    """A tier is sold for a payment that can be found again."""

    code = "payment_missing"
    sentence = _("Say by which payment the tier was sold.")


class GrantOver(Refusal):
    """What is over cannot be taken back."""

    code = "grant_over"
    sentence = _("This was over or taken back already.")
