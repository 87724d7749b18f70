"""What segments may ask of tags: which stand on a member, put on when."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from members.kit.measures import of_many
from members.kit.names import named
from members.kit.traits import Asking, Kind, Parameter, Trait, register
from members.profiles.traits import PROFILE
from members.tags.models import Tag, Tagging


def standing(_parameters: Mapping[str, Any], asking: Asking) -> QuerySet[Tagging]:
    """Tags that stand, or stood, at the moment that is asked about."""
    return Tagging.objects.standing(asking.now).filter(since__lte=asking.now)


def tag_choices() -> list[tuple[str, Any]]:
    """Those in use first."""
    tags = Tag.objects.order_by("is_archived", "position", "code")
    return [
        (tag.code, _("%(tag)s (archived)") % {"tag": named(tag)} if tag.is_archived else named(tag)) for tag in tags
    ]


register(
    Trait(
        "tag",
        PROFILE,
        _("tag"),
        Kind.MANY,
        of_many(standing, "tag__code", "since"),
        choices=tag_choices,
        parameters=(Parameter("days", _("put on in the last days")),),
    )
)
