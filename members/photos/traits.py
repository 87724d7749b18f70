"""What segments may ask of photos: whether there is one."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from members.kit.measures import of_having
from members.kit.traits import Asking, Kind, Trait, register
from members.photos.models import Photo
from members.profiles.traits import PROFILE


def photos(_parameters: Mapping[str, Any], _asking: Asking) -> QuerySet[Photo]:
    return Photo.objects.all()


register(Trait("has_photo", PROFILE, _("has a photo"), Kind.YES_NO, of_having(photos)))
