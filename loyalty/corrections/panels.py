"""What the side bar says of corrections."""

from typing import cast

from django.http import HttpRequest

from loyalty.corrections.models import Correction
from members.stores.models import User

COUNTED = 99


def waiting_badge(request: HttpRequest) -> str:
    """How many corrections wait for this person; nothing when none does."""
    waiting = len(Correction.objects.waiting_for(cast(User, request.user)).values_list("pk")[: COUNTED + 1])
    return "" if not waiting else f"{waiting}" if waiting <= COUNTED else f"{COUNTED}+"
