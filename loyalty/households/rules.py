"""What households refuse, and how a spending is shared."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Malformed, Refusal

NEVER = datetime.max.replace(tzinfo=UTC)


class HouseholdsOff(Refusal):
    """The shop has none."""

    code = "households_off"
    sentence = _("There are no households here.")


class NoHousehold(Refusal):
    """The member belongs to none."""

    code = "no_household"
    sentence = _("You belong to no household.")
    status = 404


class AlreadyInHousehold(Refusal):
    """One household a member."""

    code = "already_in_household"
    sentence = _("This member belongs to a household already.")


class HouseholdFull(Refusal):
    """All places are taken."""

    code = "household_full"
    sentence = _("A household has at most %(most)s members.")


class NotTheHead(Refusal):
    """Only the head decides that."""

    code = "not_the_head"
    sentence = _("Only the head of the household can do this.")


class HeadMustHandOver(Refusal):
    """Somebody has to be the head."""

    code = "head_must_hand_over"
    sentence = _("You are the head. Hand over to somebody first, or dissolve the household.")


class NotInHousehold(Refusal):
    """The other does not sit at this table."""

    code = "not_in_household"
    sentence = _("This member does not belong to your household.")


class NoInvitation(Refusal):
    """There is none for this member, or it is too old or was answered."""

    code = "no_invitation"
    sentence = _("There is no open invitation for you. Ask for a new one.")


class JoinedTooSoon(Refusal):
    """Between two households lie some days."""

    code = "joined_too_soon"
    sentence = _("A member can join another household %(days)s days after leaving one.")


class DrawTooLarge(Refusal):
    """More than this member may draw from the others this month."""

    code = "draw_too_large"
    sentence = _("%(left)s more points may be drawn from the others this month.")


class SeatReasonMissing(Malformed):
    """Staff say why."""

    code = "seat_reason_missing"
    sentence = _("Say why this member is put into the household.")


class DrawKeyReused(Refusal):
    """The key names another spending."""

    code = "key_reused"
    sentence = _("This key was used before, for something else.")


@dataclass(frozen=True, slots=True)
class OpenLot:
    """What is left of a lot, whose it is, and until when."""

    member: int
    lot: int
    points: int
    expires_at: datetime | None


def shares(lots: Iterable[OpenLot], points: int) -> dict[int, int]:
    """How many of these points each member gives: the soonest-expiring lots of all of them first."""
    found: dict[int, int] = {}
    for lot in sorted(lots, key=lambda each: (each.expires_at or NEVER, each.lot)):
        part = min(lot.points, points)
        if part:
            found[lot.member] = found.get(lot.member, 0) + part
            points -= part
    return found
