"""Links that members give to friends: no database, no clock."""

from django.core.signing import BadSignature, Signer

FRIEND = Signer(salt="join-by-friend")


def friends_token(member: int) -> str:
    """What stands in a member's own link: their id, signed, so that nobody makes up others."""
    return FRIEND.sign(str(member))


def friend_behind(token: str) -> int | None:
    """Whose link it is; None for what is none."""
    try:
        return int(FRIEND.unsign(token))
    except (BadSignature, ValueError):
        return None
