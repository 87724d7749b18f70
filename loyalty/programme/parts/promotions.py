"""Promotions."""

from django.utils.translation import gettext_lazy as _

from loyalty.programme.parts.fields import Fields
from loyalty.programme.parts.part import Part
from loyalty.programme.parts.versions import Versioned
from loyalty.promotions.actions import change_promotion
from loyalty.promotions.models import Promotion, PromotionVersion
from loyalty.promotions.rules import read_offer

PROMOTIONS = Versioned(
    Fields(Promotion, "name_zh", "name_en", "words_zh", "words_en"),
    Fields(
        PromotionVersion, "is_on", "effect", "amount", "is_per_piece", "percent", "most", "rounding", "buys", "gets",
        "sets", "conditions", "lines", "got_lines", "limits", "budget", "priority", "group", "stops", "combines",
    ),
    "promotion",
    read_offer,
    change_promotion,
)  # fmt: skip

PART = Part("promotions", _("promotions"), PROMOTIONS.stands, PROMOTIONS.write)
