"""What the privacy centre tells of this floor. A room that keeps something about members takes its place here."""

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from loyalty.dossier.actions import check_nothing_open, forget_here, let_go_of_imports
from loyalty.duplicates.models import Likeness
from loyalty.imports.models import SaleImport
from members.privacy.actions import RETENTION, Retention
from members.privacy.panels import BOOKS, NEEDED
from members.privacy.rules import CHECKS, ERASERS, Holding, Origin, leave_out, register

RULES = _("So that you and we see why points came, or did not.")


def likenesses(members: list[int]) -> list[dict[str, Any]]:
    """What is alike of them and somebody else, whichever of the two they are; not who else that is."""
    rows = Likeness.objects.filter(Q(member__in=members) | Q(other__in=members)).order_by("pk")
    return [{"alike": row.words, "found_at": row.found_at, "different_people_since": row.decided_at} for row in rows]


register(
    Holding("loyalty.Account", _("Points that you have"), NEEDED, Origin.OBSERVED),
    Holding("loyalty.Movement", _("How your points moved"), BOOKS, Origin.OBSERVED, unsaid=(
        "account", "cause", "actor",
    )),
    Holding("loyalty.Lot", _("When your points lapse"), NEEDED, Origin.OBSERVED, unsaid=(
        "account", "origin", "replaces", "carries",
    )),
    Holding("loyalty.Award", _("Which rule gave you points"), RULES, Origin.OBSERVED, unsaid=("version", "why")),
    Holding("loyalty.Applied", _("What promotions took off"), BOOKS, Origin.OBSERVED, unsaid=("version", "why")),
    Holding("loyalty.Checkout", _("How your prices came about"), BOOKS, Origin.OBSERVED, unsaid=("answer", "unfired")),
    Holding("loyalty.Event", _("What you did beside buying"), NEEDED, Origin.OBSERVED, blank={"facts": {}}),
    Holding("loyalty.Standing", _("Where you stand in the tiers"), NEEDED, Origin.INFERRED),
    Holding("loyalty.TierChange", _("How your tier changed"), NEEDED, Origin.INFERRED, unsaid=("actor",), blank={
        "note": "",
    }),
    Holding("loyalty.Grant", _("Tiers that were given to you"), BOOKS, Origin.OBSERVED, unsaid=("actor",)),
    Holding("loyalty.Correction", _("Points given and taken by hand"), BOOKS, Origin.OBSERVED, unsaid=(
        "asked_by", "decided_by", "movement",
    ), blank={"note": ""}),
    Holding("loyalty.Treat", _("What your tiers gave you, and what waits for you"), NEEDED, Origin.OBSERVED, unsaid=(
        "handed_by", "handed_till", "taken_back_at", "taken_back_by",
    )),
    Holding("loyalty.Gift", _("Points that you gave away"), BOOKS, Origin.STATED, unsaid=("receiver",)),
    Holding("loyalty.Hold", _("Points set aside for orders"), NEEDED, Origin.OBSERVED, unsaid=("till",)),
    Holding("loyalty.BudgetHold", _("Prices kept for orders"), NEEDED, Origin.OBSERVED, unsaid=("till",)),
    Holding("loyalty.Seat", _("Your place in a household"), NEEDED, Origin.STATED, unsaid=("actor",)),
    Holding("loyalty.Invitation", _("Who asked you into a household"), NEEDED, Origin.OBSERVED),
    Holding("loyalty.Draw", _("Your points that your household spent"), BOOKS, Origin.OBSERVED, unsaid=("drawer",)),
    Holding("loyalty.Merge", _("That you were two members once"), BOOKS, Origin.OBSERVED, unsaid=(
        "duplicate", "profile", "moved", "standings", "outcome", "merged_by", "undone_by",
    )),
    Holding(
        "loyalty.Likeness", _("That you may stand in our book twice"), NEEDED, Origin.INFERRED, goes=True,
        rows=likenesses,
    ),
    Holding(
        "loyalty.Swing", _("What a draft of a rule or of the tiers would have given you"), RULES, Origin.INFERRED,
        goes=True,
    ),
    Holding("loyalty.Move", _("Where a draft of the tiers would have put you"), RULES, Origin.INFERRED),
)  # fmt: skip
leave_out(
    loyalty_LotUse="which lot a movement took from: told with the movements",
    loyalty_Inherited="a copy of movements that stand under a merged number, for the sums of tiers",
    loyalty_Mark="hashes of what stands in the profile, by which one person with two numbers is found",
    loyalty_Difference="what the nightly proof found wrong in an account: numbers only, for the shop's repair",
    loyalty_Judgement="ids of rules that gave nothing on a sale or an event; the statement says why in words",
    loyalty_TakenBack="the part of an award that a return took back: told with the movements",
    loyalty_Undone="the part of a promotion that a return took back: told with the returns",
    loyalty_PaidBack="the part of a return that went back as points: told with the movements",
    loyalty_HeldPart="which budget a kept price counts against: the shop's own books",
)
ERASERS.append(forget_here)
CHECKS.append(check_nothing_open)
RETENTION["imports"] = Retention(SaleImport, let_go_of_imports)
