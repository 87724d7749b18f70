"""Verbs: find who may be one person, tell two apart for good, take that back; and reads for the desk."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from loyalty.duplicates import sql
from loyalty.duplicates.models import Likeness
from loyalty.duplicates.rules import AlreadyDecided, NotBoth, NotDecided, words_of
from members.kit.models import Chunk
from members.profiles.models import Member
from members.profiles.rules import mask
from members.stores.models import User

NIGHT = "duplicates"
MOST_SHOWN = 5


@transaction.atomic
def find_alike(*, first: int, last: int, now: datetime) -> dict[str, int]:
    """Look at whom of a range of member ids something changed since the last time, and who else they may be.

    Written is only what is new: two members stand together once, whoever is looked at, and those whom somebody told
    apart are never shown again. A second time finds nothing.
    """
    changed = sql.keep_marks(first=first, last=last)
    found, gone = sql.find(changed=changed, now=now) if changed else (0, 0)
    return {"looked_at": len(changed), "found": found, "gone": gone}


def find_in_chunk(chunk: Chunk) -> dict[str, int]:
    """The night's share of it."""
    return find_alike(first=chunk.first_id, last=chunk.last_id, now=chunk.as_of)


@dataclass(frozen=True, slots=True)
class Alike:
    """Somebody who may be the member at hand, with the reasons in words; their phone is masked."""

    pk: int
    number: str
    name: str
    phone: str
    name_zh: str  # of the home store
    name_en: str
    score: int
    reasons: list[str]

    @property
    def words(self) -> str:
        """What is alike, in the reader's words."""
        return words_of(self.reasons)

    @property
    def masked_phone(self) -> str:
        """As lists show it."""
        return mask("phone", self.phone) if self.phone else ""


def alike_to(*, member: Member, user: User, most: int = MOST_SHOWN) -> list[Alike]:
    """Who may be this member, as they are this moment, of those whom the person sees; the likeliest first."""
    sees_all = user.is_superuser or user.sees_all_stores
    return [Alike(*row) for row in sql.alike_to(member=member.pk, user=user.pk, sees_all=sees_all, most=most)]


def pair_of(likeness: Likeness, user: User) -> tuple[Member, Member] | None:
    """Both members, the older first, if the person sees both."""
    seen = Member.objects.visible_to(user).select_related("home_store").prefetch_related("identities")
    found = seen.in_bulk([likeness.member_id, likeness.other])
    return (found[likeness.member_id], found[likeness.other]) if len(found) == 2 else None


@transaction.atomic
def tell_apart(*, likeness: Likeness, by: User, now: datetime) -> Likeness:
    """Note that these are two people; they are never shown again. Raises NotBoth, AlreadyDecided."""
    found = decide(likeness, by)
    if found.decided_at is not None:
        raise AlreadyDecided
    return keep(found, decided_at=now, decided_by=by)


@transaction.atomic
def ask_again(*, likeness: Likeness, by: User) -> Likeness:
    """Take back that somebody told these apart. Raises NotBoth, NotDecided."""
    found = decide(likeness, by)
    if found.decided_at is None:
        raise NotDecided
    return keep(found, decided_at=None, decided_by=None)


def decide(likeness: Likeness, by: User) -> Likeness:
    """The likeness, locked, if the person sees both."""
    found = Likeness.objects.select_for_update(of=("self",)).get(pk=likeness.pk)
    if pair_of(found, by) is None:
        raise NotBoth
    return found


def keep(likeness: Likeness, **says: Any) -> Likeness:
    """Write down what was decided."""
    for name, value in says.items():
        setattr(likeness, name, value)
    likeness.save(update_fields=list(says))
    return likeness
