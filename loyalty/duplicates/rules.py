"""How alike two members must be, what each likeness weighs, and what the desk refuses. Points out of a hundred."""

from collections.abc import Iterable
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Refusal

LEAST = 50  # points from which two members are shown
STRONG, LIKELY = 80, 60
MOST_ALIKE = 50  # members with one mark; what more of them share says nothing, such as a birthday nobody asked for
SHORTEST_NUMBER = 8  # digits by which a phone and a card may be the same number
ALIKE = 0.65  # of the parts of two names, counted twice over all of both (Dice 1945), so many are the same


class Reason(StrEnum):
    """What is alike, or speaks against it."""

    NUMBER = "number"
    EMAIL = "email"
    HANDLE = "handle"
    NAME_BIRTHDAY = "name_birthday"
    NAME_DAY = "name_day"
    NAME_DIGITS = "name_digits"
    ALIKE_BIRTHDAY = "alike_birthday"
    DIGITS = "digits"
    STORE = "store"
    OTHER_BIRTHDAY = "other_birthday"


WORDS: dict[Reason, Promise] = {
    Reason.NUMBER: _("one number, once as a phone and once as a card"),
    Reason.EMAIL: _("one e-mail, written differently"),
    Reason.HANDLE: _("one WeChat or card, written differently"),
    Reason.NAME_BIRTHDAY: _("same name, same birthday"),
    Reason.NAME_DAY: _("same name, same day of birth"),
    Reason.NAME_DIGITS: _("same name, phones that end alike"),
    Reason.ALIKE_BIRTHDAY: _("names alike, same birthday"),
    Reason.DIGITS: _("phones that end alike"),
    Reason.STORE: _("same home store"),
    Reason.OTHER_BIRTHDAY: _("but other birthdays"),
}
POINTS: dict[Reason, int] = {  # the weightiest of the first counts whole, each further one a little
    Reason.NUMBER: 90,
    Reason.EMAIL: 85,
    Reason.HANDLE: 85,
    Reason.NAME_BIRTHDAY: 80,
    Reason.NAME_DAY: 65,
    Reason.NAME_DIGITS: 60,
    Reason.ALIKE_BIRTHDAY: 45,
    Reason.DIGITS: 20,
    Reason.STORE: 5,
    Reason.OTHER_BIRTHDAY: -35,
}
ASIDE = (Reason.DIGITS, Reason.STORE, Reason.OTHER_BIRTHDAY)  # these say something only beside another
FURTHER = 5  # what each further likeness adds
MOST = 99  # nobody but a person is sure


def score_of(reasons: Iterable[Reason]) -> int:
    """Points for what is alike: the weightiest, a little for each further one, and what stands aside."""
    found = set(reasons)
    main = sorted((POINTS[each] for each in found if each not in ASIDE), reverse=True)
    if not main:
        return 0
    aside = sum(POINTS[each] for each in found if each in ASIDE)
    return max(0, min(MOST, main[0] + FURTHER * (len(main) - 1) + aside))


def strength_of(score: int) -> str:
    """strong, likely, possible."""
    return "strong" if score >= STRONG else "likely" if score >= LIKELY else "possible"


def words_of(reasons: Iterable[str]) -> str:
    """The reasons in the reader's words, the weightiest first."""
    known = sorted((Reason(each) for each in reasons if each in set(Reason)), key=lambda each: -POINTS[each])
    return " · ".join(str(WORDS[each]) for each in known)


class NotBoth(Refusal):
    """Who decides about two sees two."""

    code = "not_both"
    sentence = _("You may decide about members of your own stores only.")


class AlreadyDecided(Refusal):
    """Somebody was faster."""

    code = "already_decided"
    sentence = _("Somebody has decided this already: they are different people.")


class NotDecided(Refusal):
    """Nothing to take back."""

    code = "not_decided"
    sentence = _("Nobody has decided about these two.")
