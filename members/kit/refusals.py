"""How a rule says no: an exception with a code, a sentence people can read, and the facts behind it."""

from typing import Any, ClassVar

from django.utils.functional import Promise


class Refusal(Exception):
    """A clear no. Doors turn it into an answer; nothing was changed. Subclasses name a code and a sentence.

    The sentence is translatable and may hold named placeholders, filled from `facts`.
    """

    code: ClassVar[str] = "refused"
    sentence: ClassVar[str | Promise] = ""
    status: ClassVar[int] = 409

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        super().__init__(facts)

    def __str__(self) -> str:
        return str(self.sentence) % self.facts if self.facts else str(self.sentence)


class Malformed(Refusal):
    """What was sent cannot be read as what it should be."""

    code = "malformed"
    status = 400
