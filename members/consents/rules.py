"""What consents refuse, and the age below which a guardian speaks: no database, no clock."""

from datetime import date

from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Malformed, Refusal

ANY = ""  # the channel of what is no message: profiling
ERASED = "erased"  # what stands where a word was personal; the trigger on proofs lets nothing else in
LONGEST_PROOF = 200


class NothingToConsent(Malformed):
    """There is no such thing to say yes or no to."""

    code = "nothing_to_consent"
    sentence = _("Nobody is asked about this. What your membership needs is always sent.")


class OwnNo(Refusal):
    """The member said no in person; staff cannot turn that round."""

    code = "own_no"
    sentence = _("The member said no to this in person. Only they can say yes again.")


class ProofMissing(Malformed):
    """A yes that somebody else writes down needs something to show for it."""

    code = "proof_missing"
    sentence = _("Say how the member agreed, for example the number of the signed slip.")


class GuardianNeeded(Refusal):
    """The member is a child."""

    code = "guardian_needed"
    sentence = _("This member is under %(age)s. A parent or guardian must agree in a store first.")


class NotAChild(Refusal):
    """Nobody speaks for an adult, or for somebody whose age is not known."""

    code = "not_a_child"
    sentence = _("By the birthday that we know, this member needs no guardian.")


class AddressUnproved(Refusal):
    """A yes to e-mail counts once its holder followed the link in a mail."""

    code = "address_unproved"
    sentence = _("We first have to know that this e-mail address is the member's: they get a mail with a link.")


class NoAddress(Refusal):
    """There is no e-mail address to send to."""

    code = "no_address"
    sentence = _("There is no e-mail address to which we could send.")


class DeadLink(Refusal):
    """Used, too old, or no longer of this address."""

    code = "dead_link"
    sentence = _("This link can no longer be used. Nothing was changed.")


class ConsentKeyReused(Refusal):
    """The key was used before, for something else."""

    code = "consent_key_reused"
    sentence = _("This key was used before for another consent.")


class WordingEmpty(Malformed):
    """Both languages need words."""

    code = "wording_empty"
    sentence = _("Write the words in both languages.")


class MemberRestricted(Refusal):
    """Nothing is done with the data of this member."""

    code = "member_restricted"
    sentence = _("The data of this member are kept and not used, as they asked. Lift that first.")


def is_child(birth_on: date | None, today: date, age: int) -> bool:
    """Whether somebody is known to be younger than this; who does not say a birthday is taken for an adult."""
    if birth_on is None:
        return False
    years = today.year - birth_on.year - ((today.month, today.day) < (birth_on.month, birth_on.day))
    return years < age
