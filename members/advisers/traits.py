"""What segments may ask of advisers: who looks after a member."""

from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from members.advisers.actions import name_of
from members.advisers.models import Advising
from members.kit.traits import Asking, Kind, Question, Trait, register
from members.profiles.traits import PROFILE
from members.stores.models import User


def adviser(question: Question, _asking: Asking) -> Q:
    """Who looks after the member; an adviser who left is none."""
    theirs = Advising.objects.standing().filter(member=OuterRef("pk"))
    if question.operator in ("known", "unknown"):
        found = Q(Exists(theirs))
        return found if question.operator == "known" else ~found
    found = Q(Exists(theirs.filter(adviser__username__in=question.value)))
    return found if question.operator == "one_of" else ~found


def adviser_choices() -> list[tuple[str, Any]]:
    """Everybody of the staff who is with the shop."""
    staff = User.objects.filter(is_staff=True, is_active=True).order_by("first_name", "username")
    return [(user.username, name_of(user)) for user in staff]


register(Trait("adviser", PROFILE, _("adviser"), Kind.CHOICE, adviser, adviser_choices))
