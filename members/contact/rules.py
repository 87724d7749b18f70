"""What can be preferred: no database, no clock."""

from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Malformed

LONGEST_PAUSE = 366  # days
MOST_A_MONTH = 31
ZONES = (
    "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Tokyo", "Asia/Singapore", "Australia/Sydney",
    "Europe/London", "Europe/Berlin", "America/New_York", "America/Los_Angeles",
)  # fmt: skip


class BadPreference(Malformed):
    """Not something that can be chosen."""

    code = "bad_preference"
    sentence = _("%(what)s cannot be chosen.")
