"""Verbs: mail the link that makes a yes count, end messages by their own link, take in what the centre's form says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from members.consents.actions import Said, ask_by_mail, mail_identity, say, say_no_to_all
from members.consents.models import ASKED, Channel, Consent, ConsentChange, Purpose
from members.consents.rules import ANY
from members.contact.models import ContactRule
from members.kit.rates import count
from members.kit.refusals import Refusal
from members.messaging.actions import CONFIRM_ADDRESS, message_behind, queue_message
from members.messaging.models import Message
from members.profiles.actions import living
from members.profiles.models import Identity, Member

LINKS_A_DAY = 5
Pair = tuple[str, str]  # purpose and channel


class TooManyLinks(Refusal):
    """An address that nobody confirms is left in peace."""

    code = "too_many_links"
    sentence = _("We have mailed several links today. Please look for the newest one, or try again tomorrow.")
    status = 429


@dataclass(frozen=True)
class Outcome:
    """What a form changed, and the link that was mailed, if one was."""

    changed: int
    link: str = ""


@transaction.atomic
def ask_to_confirm(*, member: Member, purposes: Iterable[str], said: Said, now: datetime) -> str:
    """Mail the link by which the holder of the address makes a yes to e-mail count; the link.

    Raises TooManyLinks, and what `ask_by_mail` raises.
    """
    if count(what="opt-in", who=str(member.pk), seconds=86_400) > LINKS_A_DAY:
        raise TooManyLinks
    asked, link = ask_by_mail(member=member, purposes=purposes, said=said, now=now)
    address = f"{settings.SITE_URL}{reverse('confirm_address', args=[link])}"
    context = {"link": address, "until": asked.expires_at.isoformat()}
    queue_message(
        member=member, template=CONFIRM_ADDRESS, key=f"opt-in:{asked.pk}", now=now, context=context, channels=("email",)
    )
    return address


def channels_of(member: Member) -> list[str]:
    """By which a member can be reached: the inbox, and what we have an address for."""
    kinds = {identity.kind for identity in member.identities.all()}
    has = {Channel.INBOX: True, Channel.EMAIL: Identity.Kind.EMAIL in kinds, Channel.SMS: Identity.Kind.PHONE in kinds}
    return [channel for channel in Channel.values if has[Channel(channel)]]


def answers_of(member: Member) -> dict[Pair, bool]:
    """Whether messages go out, by purpose and channel, as a member's answers and the shop's rules have it.

    Profiling stands under its purpose and no channel: allowed until the member says no.
    """
    said = {(each.purpose, each.channel): each.is_given for each in Consent.objects.of(member)}
    unasked = set(ContactRule.objects.filter(inbox_unasked=True).values_list("purpose", flat=True))
    answers = {
        (purpose, channel): said.get((purpose, channel), channel == Channel.INBOX and purpose in unasked)
        for purpose in ASKED
        for channel in Channel.values
    }
    return {(str(purpose), str(channel)): given for (purpose, channel), given in answers.items()} | {
        (Purpose.PROFILING.value, ANY): said.get((Purpose.PROFILING, ANY), True)
    }


@transaction.atomic
def answer(*, member: Member, wanted: Mapping[Pair, bool], said: Said, key: str, now: datetime) -> Outcome:
    """Write down what of the answers is new. A yes to an e-mail address that nobody proved is mailed a link first.

    Raises what `say` and `ask_by_mail` raise, and then nothing is changed.
    """
    stands = answers_of(member)
    identity = mail_identity(member)
    is_proved = identity is not None and identity.verified_at is not None
    changed, by_mail = 0, []
    for (purpose, channel), is_given in wanted.items():
        if stands.get((purpose, channel)) == is_given:
            continue
        if is_given and channel == Channel.EMAIL and not is_proved:
            by_mail.append(purpose)
            continue
        made = say(
            member=member, purpose=purpose, channel=channel, is_given=is_given, said=said,
            key=f"{key}:{purpose}:{channel}", now=now,
        )  # fmt: skip
        changed += made is not None
    link = ask_to_confirm(member=member, purposes=by_mail, said=said, now=now) if by_mail else ""
    return Outcome(changed, link)


def letter_behind(token: str) -> Message | None:
    """The message whose unsubscribe link this is, of a member who is still with us; None for anything else."""
    message = message_behind(token)
    if message is None or message.member is None or living(message.member).erased_at is not None:
        return None
    return message if message.purpose in ASKED else None


@transaction.atomic
def unsubscribe(*, message: Message, is_all: bool, trace: str, now: datetime) -> int:
    """No more messages of this purpose by this channel, or none but service by any; how many noes were new."""
    assert message.member is not None
    member = living(message.member)
    said = Said(source=ConsentChange.Source.LINK, trace=trace)
    key = f"link:{message.pk}:{now.isoformat()}"
    if is_all:
        return say_no_to_all(member=member, channel=None, said=said, key=key, now=now)
    made = say(
        member=member, purpose=message.purpose, channel=message.channel, is_given=False, said=said, key=key, now=now
    )
    return int(made is not None)
