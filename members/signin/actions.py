"""Verbs: send a code to an address, accept it once, open the member's account.

Codes live in the cache (Redis), never in the database or the session: a digest under the address, so that a new code
kills the old one, and a count of tries under the code's handle, so that a hundred tries at once are a hundred tries.
Known and unknown addresses take the same way; only who holds the right code learns which it was.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy as _

from members.kit.rates import count
from members.kit.refusals import Refusal
from members.messaging.actions import send_sign_in_code
from members.profiles.actions import UnknownMember, enrol, find_member, verify_identity
from members.profiles.models import Identity, Member
from members.stores.models import Store, User

CODE_LIVES = 600  # seconds
WRONG_TRIES = 5


class TooManyCodes(Refusal):
    """So many codes were asked for, by everybody together, that somebody is playing."""

    code = "too_many_codes"
    sentence = _("Too many codes were asked for. Please wait a while and try again.")
    status = 429


class WrongCode(Refusal):
    """Not these digits. The code still stands."""

    code = "wrong_code"
    sentence = _("That is not the code we sent. Please look at the newest message.")


class DeadCode(Refusal):
    """Used, replaced, too old, or guessed at too often."""

    code = "dead_code"
    sentence = _("This code can no longer be used. Please ask for a new one.")


class NotThisWay(Refusal):
    """Staff sign in with a password, and closed accounts do not sign in at all."""

    code = "not_this_way"
    sentence = _("This account cannot sign in with a code. Staff sign in on the staff page.")


@dataclass(frozen=True)
class Address:
    """A phone in E.164 or an e-mail in lower case, as `normalise` leaves it."""

    kind: str
    value: str

    @property
    def slot(self) -> str:
        """Where the address's one code stands. The address itself is not readable there."""
        return f"sign-in:{self.kind}:{salted_hmac('sign-in', self.value).hexdigest()}"


def send_code(*, address: Address, now: datetime) -> tuple[str, str]:
    """Send a new code, which kills the old one. Returns its handle for the session and its digits for the demo."""
    if count(what="codes", who="everybody", seconds=3600) > settings.SIGN_IN_CODES_AN_HOUR:
        raise TooManyCodes
    handle, digits = secrets.token_urlsafe(16), f"{secrets.randbelow(10**6):06}"
    cache.set(tries_of(handle), 0, CODE_LIVES)
    cache.set(address.slot, {"handle": handle, "digest": digest_of(handle, digits)}, CODE_LIVES)
    member = member_at(address)
    channel = "email" if address.kind == Identity.Kind.EMAIL else "sms"
    send_sign_in_code(member=member, channel=channel, address=address.value, code=digits, now=now)
    return handle, digits


def use_code(*, address: Address, handle: str, digits: str) -> None:
    """Accept the code once. Raises WrongCode, or DeadCode at the fifth wrong try and ever after."""
    try:
        tries = cache.incr(tries_of(handle))  # atomic, and before anything is compared
    except ValueError:
        raise DeadCode from None
    sent = cache.get(address.slot)
    if tries > WRONG_TRIES or sent is None or sent["handle"] != handle:
        raise DeadCode
    if not constant_time_compare(sent["digest"], digest_of(handle, digits)):
        raise WrongCode if tries < WRONG_TRIES else DeadCode
    if not cache.delete(address.slot):  # somebody used it in this very moment
        raise DeadCode


def member_at(address: Address) -> Member | None:
    """Whose address this is, if anybody's."""
    try:
        return find_member(kind=address.kind, value=address.value)
    except UnknownMember:
        return None


def join(*, address: Address, name: str, store: Store, language: str, now: datetime) -> Member:
    """Enrol whoever proved this address; or find whom a till enrolled under it a moment ago. Raises BadName."""
    member = member_at(address)
    if member is not None:
        return member
    return enrol(
        name=name,
        identities={address.kind: address.value},
        store=store,
        source=Member.Source.PORTAL,
        language=language,
        now=now,
    )


@transaction.atomic
def open_account(*, member: Member, address: Address, now: datetime) -> User:
    """The account by which the holder of this proved address signs in, made the first time.

    Raises NotThisWay for staff and closed accounts, and then changes nothing.
    """
    member = Member.objects.select_for_update(of=["self"]).select_related("user").get(pk=member.pk)
    user = member.user
    if user is None:
        user = User(username=f"member-{member.number}", date_joined=now)
        user.set_unusable_password()
        user.save()
        member.user = user
        member.save(update_fields=["user"])
    if user.is_staff or user.is_superuser or not user.is_active:
        raise NotThisWay
    verify_identity(member=member, kind=address.kind, value=address.value, now=now)
    return user


def tries_of(handle: str) -> str:
    return f"sign-in-tries:{handle}"


def digest_of(handle: str, digits: str) -> str:
    """Six digits alone could be looked up in a table; with the handle and our secret they cannot."""
    return salted_hmac("sign-in-code", f"{handle}:{digits}", algorithm="sha256").hexdigest()
