"""Which earning rules ask for a segment, for the segment's page. Imported when the floor is ready."""

from collections.abc import Iterable

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from loyalty.conditions.tree import nodes
from loyalty.rulebook.models import EarningRule
from loyalty.rulebook.rules import version_at
from members.kit.names import named
from members.segments.models import Segment
from members.segments.panels import Use, register_use


def rules_asking(segment: Segment) -> Iterable[Use]:
    """Rules that ask for it now, or will."""
    for rule in EarningRule.objects.prefetch_related("versions").order_by("code"):
        if asks_for(segment, rule.versions.all()):
            yield Use(_("Earning rule"), named(rule), reverse("admin:loyalty_earningrule_change", args=[rule.pk]))


def asks_for(segment: Segment, versions: Iterable[object]) -> bool:
    """Whether what is said now, or what is still to come, names a segment."""
    now = timezone.now()
    standing = version_at(versions, now)
    shown = [each for each in versions if each == standing or each.valid_from > now]  # type: ignore[attr-defined]
    return any(
        test == "segment" and segment.code in wants
        for version in shown
        for test, wants in nodes(version.conditions)  # type: ignore[attr-defined]
    )


register_use(rules_asking)
