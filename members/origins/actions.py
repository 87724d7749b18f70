"""Verbs: read what somebody came by, write it down once they are a member."""

from datetime import datetime

from members.origins.models import JoinCode, Origin
from members.origins.rules import friend_behind
from members.profiles.models import Member
from members.stores.models import Store


def code_behind(text: str) -> JoinCode | None:
    """The code in use that a link names."""
    return JoinCode.objects.in_use().select_related("store").filter(code=text).first()


def store_behind(text: str) -> Store | None:
    """The open store to which a link belongs."""
    code = code_behind(text)
    return code.store if code is not None and code.store is not None and code.store.is_open else None


def note_origin(*, member: Member, came_by: str, now: datetime) -> Origin | None:
    """Write down by what somebody came who became a member at this moment. The first one stands.

    Whoever was a member already, nobody's code, and one's own link leave nothing.
    """
    if member.enrolled_at != now or not came_by:
        return None
    code, friend = code_behind(came_by), friend_behind(came_by)
    if code is None and not Member.objects.current().filter(pk=friend or 0).exclude(pk=member.pk).exists():
        return None
    said = {"code": code, "friend": None if code is not None else friend, "came_at": now}
    return Origin.objects.get_or_create(member=member, defaults=said)[0]
