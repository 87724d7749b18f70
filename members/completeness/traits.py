"""What segments may ask of fullness: how whole a profile is, and whether something is old."""

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from members.completeness.models import Fullness
from members.kit.measures import NUMBERED
from members.kit.traits import Asking, Kind, Question, Trait, register
from members.profiles.traits import PROFILE


def completeness(question: Question, _asking: Asking) -> Q:
    """As the night or the last change left it; a profile of which nothing is known yet is not compared."""
    theirs = Fullness.objects.filter(member=OuterRef("pk"))
    return Q(Exists(theirs.filter(NUMBERED[question.operator]("percent", question.value))))


def stale(question: Question, _asking: Asking) -> Q:
    """Whether a part was not confirmed for longer than the shop wants."""
    found = Q(Exists(Fullness.objects.filter(member=OuterRef("pk"), stale__len__gt=0)))
    return found if question.operator == "yes" else ~found


register(
    Trait("completeness", PROFILE, _("profile complete"), Kind.NUMBER, completeness, unit=_("%")),
    Trait("stale", PROFILE, _("has something to confirm in the profile"), Kind.YES_NO, stale),
)
