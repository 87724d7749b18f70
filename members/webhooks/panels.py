"""What the first page says of endpoints; and where the room hears of changed profiles."""

from members.profiles.actions import CHANGED
from members.webhooks.actions import tell_changed_profile
from members.webhooks.models import Endpoint

CHANGED.append(tell_changed_profile)


def endpoints_off() -> list[Endpoint]:
    """Those that were switched off because nobody answered."""
    return list(Endpoint.objects.exclude(off_reason="").order_by("-off_at"))
