"""Which promotions ask for a segment, for the segment's page. Imported when the floor is ready."""

from collections.abc import Iterable

from django.urls import reverse
from django.utils.translation import gettext as _

from loyalty.promotions.models import Promotion
from loyalty.rulebook.panels import asks_for
from members.kit.names import named
from members.segments.models import Segment
from members.segments.panels import Use, register_use


def promotions_asking(segment: Segment) -> Iterable[Use]:
    """Promotions that ask for it now, or will."""
    for promotion in Promotion.objects.prefetch_related("versions").order_by("code"):
        if asks_for(segment, promotion.versions.all()):
            yield Use(_("Promotion"), named(promotion), reverse("admin:loyalty_promotion_change", args=[promotion.pk]))


register_use(promotions_asking)
