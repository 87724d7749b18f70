"""What segments may ask of origins: by which code members came, or whether a friend brought them."""

from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from members.kit.names import named
from members.kit.traits import Asking, Kind, Question, Trait, register
from members.origins.models import JoinCode, Origin
from members.profiles.traits import PROFILE


def join_code(question: Question, _asking: Asking) -> Q:
    """By which code the member came."""
    theirs = Origin.objects.filter(member=OuterRef("pk"))
    if question.operator in ("known", "unknown"):
        found = Q(Exists(theirs.filter(code__isnull=False)))
        return found if question.operator == "known" else ~found
    found = Q(Exists(theirs.filter(code__code__in=question.value)))
    return found if question.operator == "one_of" else ~found


def code_choices() -> list[tuple[str, Any]]:
    """All codes, for who came by an old one came by it all the same."""
    return [(each.code, named(each)) for each in JoinCode.objects.order_by("-is_on", "code")]


def by_friend(question: Question, _asking: Asking) -> Q:
    """Whether another member's link brought them."""
    found = Q(Exists(Origin.objects.filter(member=OuterRef("pk"), friend__isnull=False)))
    return found if question.operator == "yes" else ~found


register(
    Trait("join_code", PROFILE, _("came by the code"), Kind.CHOICE, join_code, code_choices),
    Trait("by_friend", PROFILE, _("was brought by a friend"), Kind.YES_NO, by_friend),
)
