"""What privacy refuses, and the registers that rooms fill: what they hold, how they forget, what stands in the way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Malformed, Refusal

ERASED = "erased"  # stands where something had to stand
TELLING = 6  # so many characters are somebody's own, also in the middle of a text


class OpenOrder(Refusal):
    """Something is not finished with this member."""

    code = "open_order"
    sentence = _("There is an open order. Once it is paid or dropped, the data can be erased.")


class AlreadyAsked(Refusal):
    """It waits already."""

    code = "already_asked"
    sentence = _("The erasure was asked for already and waits.")


class NothingAsked(Refusal):
    """There is nothing to take back."""

    code = "nothing_asked"
    sentence = _("No erasure waits.")


class WrongWord(Malformed):
    """Typed something else than what confirms."""

    code = "wrong_word"
    sentence = _("Type “%(word)s” to confirm.")


class MemberErased(Refusal):
    """There is nobody any more."""

    code = "member_erased"
    sentence = _("The data of this member were erased.")
    status = 410


class ReasonMissing(Malformed):
    """What is written down needs a why."""

    code = "reason_missing"
    sentence = _("Say why.")


class Origin:
    """Where what we know comes from."""

    STATED = "stated"  # the member told us
    OBSERVED = "observed"  # it happened with us
    INFERRED = "inferred"  # we worked it out


@dataclass(frozen=True)
class Holding:
    """What a table holds about a member: its name, why it is kept, where it comes from, and what of it is forgotten.

    `path` leads from a row to the member. `unsaid` are columns that say nothing to the member. `blank` is what stands
    in the columns when the member is erased; with `goes` the rows go. What needs more is done by an eraser.
    """

    model: str  # the label, for example "members.Sale"
    name: Promise
    why: Promise
    origin: str
    path: str = "member"
    unsaid: tuple[str, ...] = ()
    blank: Mapping[str, Any] = field(default_factory=dict)
    goes: bool = False
    rows: "Callable[[list[int]], list[dict[str, Any]]] | None" = None  # of these members, told in its own way


@dataclass(frozen=True)
class Person:
    """By what a person could be found in our tables, for those who erase: ids of the members they were, and words.

    What is short is looked for as a whole cell only: a card "100" or a name "An" stands in many a text about others.
    """

    members: list[int]
    names: list[str]
    identities: list[tuple[str, str]]  # kind and value
    numbers: Mapping[str, str]  # the old member number by the new one in its place

    @property
    def digits(self) -> list[str]:
        """Their phones without the country's code and sign."""
        return [value.removeprefix("+86").removeprefix("+") for kind, value in self.identities if kind == "phone"]

    @property
    def all_words(self) -> list[str]:
        """Names, identities and member numbers."""
        values = [value for _kind, value in self.identities]
        return [each for each in dict.fromkeys([*values, *self.digits, *self.numbers, *self.names]) if each]

    @property
    def words(self) -> list[str]:
        """Those that mean this person wherever they stand: long ones, and names of two Chinese characters and more."""
        return [each for each in self.all_words if len(each) >= TELLING or (len(each) > 1 and not each.isascii())]


Eraser = Callable[[Person, datetime], None]
Check = Callable[[list[int]], None]  # raises a Refusal while the members must not be erased

HOLDINGS: dict[str, Holding] = {}
LEFT_OUT: dict[str, str] = {}  # models that lead to a member and are not told, with the reason
ERASERS: list[Eraser] = []
CHECKS: list[Check] = []


def register(*holdings: Holding) -> None:
    """Let the privacy centre tell of these tables, and erasures reach them."""
    HOLDINGS.update({each.model: each for each in holdings})


def leave_out(**reasons: str) -> None:
    """Tables that lead to a member and are not told: the model, with _ for the dot, and why."""
    LEFT_OUT.update({model.replace("_", ".", 1): why for model, why in reasons.items()})
