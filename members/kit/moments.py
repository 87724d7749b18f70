"""Moments as files write them, on the shop's clock."""

from datetime import datetime
from functools import lru_cache

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Malformed

MOMENTS = (
    "%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y%m%d",
    "%Y年%m月%d日",
)  # fmt: skip


class BadMoment(Malformed):
    code = "bad_moment"
    sentence = _("%(text)s is not a date such as 2026-11-21 or 2026-11-21 18:30.")


@lru_cache(maxsize=10_000)
def read_moment(text: str) -> datetime:
    """A moment on the shop's clock; a bare date is its midnight. Raises BadMoment."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        read = read_other_moment(text)
    if not 1970 <= read.year <= 9000:
        raise BadMoment(text=text[:40])
    return read.replace(tzinfo=timezone.get_default_timezone()) if read.tzinfo is None else read


def read_other_moment(text: str) -> datetime:
    """A moment as spreadsheets write it."""
    for form in MOMENTS:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    raise BadMoment(text=text[:40])
