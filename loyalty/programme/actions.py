"""Verbs: write the programme as a file, compare a file with it, take a file in as a whole or not at all."""

from dataclasses import astuple, dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import transaction

from loyalty.ledger.models import Programme
from loyalty.programme.models import ProgrammeFile
from loyalty.programme.parts import budgets, kinds, ladders, paying, promotions, rules, templates
from loyalty.programme.parts import settings as of_the_whole
from loyalty.programme.parts.part import Part, Turn
from loyalty.programme.rules import (
    Change,
    NothingDiffers,
    Problem,
    ProblemsLeft,
    ProgrammeMoved,
    Stuck,
    Things,
    check_known,
    differences,
    read_programme,
    within,
    write_programme,
)
from loyalty.rulebook.actions import findings
from loyalty.rulebook.rules import Finding
from members.stores.models import User

PARTS: dict[str, Part] = {  # in the order in which one may name another
    each.PART.name: each.PART for each in (of_the_whole, kinds, budgets, ladders, rules, promotions, paying, templates)
}
COMMENT = """Amounts are minor units of {currency}. What is not said is as usual.
金额以{currency}的最小单位计；未写明的按默认值。"""  # in both languages, so that a file is the same for every reader


def programme_now() -> dict[str, Things]:
    """The programme as it stands, by part and code."""
    return {name: part.stands() for name, part in PARTS.items()}


def export_programme() -> str:
    """The programme as a file that people read: YAML, codes instead of ids, amounts in minor units."""
    return write_programme(programme_now(), comment=COMMENT.format(currency=settings.SHOP_CURRENCY))


@dataclass(slots=True)
class Outcome:
    """What a file would change, why parts of it cannot be taken in, what the linter would say, what it leaves out."""

    changes: list[Change] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def carry_out(text: str, turn: Turn) -> Outcome:
    """Make the programme what a file says, one thing after the other; what cannot be is noted and left as it was."""
    said, before, outcome = read_programme(text), programme_now(), Outcome()
    for name, things in said.items():
        try:
            with within(name):
                check_known({name: things}, list(PARTS))
        except Stuck as stuck:
            outcome.problems.append(stuck.problem())
    for name, part in PARTS.items():
        for code, says in said.get(name, {}).items():
            try:
                with transaction.atomic(), within(name, str(code)):
                    part.write(str(code), says, turn)
            except Stuck as stuck:
                outcome.problems.append(stuck.problem())
        outcome.left_out += [f"{name}.{code}" for code in before[name] if code not in said.get(name, {})]
    outcome.changes = list(differences(before, programme_now()))
    outcome.findings = findings(at=turn.now)
    return outcome


@transaction.atomic
def compare(*, text: str, now: datetime, by: User | None = None) -> Outcome:
    """What taking a file in would do; nothing is kept of it. Raises Unreadable."""
    outcome = carry_out(text, Turn(now, by))
    transaction.set_rollback(True)
    return outcome


@transaction.atomic
def hand_in(*, text: str, name: str, now: datetime, by: User | None = None) -> ProgrammeFile:
    """Keep a file with what it would change, to be read before it is taken in. Raises Unreadable."""
    outcome = compare(text=text, now=now, by=by)
    return ProgrammeFile.objects.create(
        name=name[:200],
        text=text,
        before=export_programme(),
        changes=[list(astuple(change)) for change in outcome.changes],
        problems=[list(astuple(problem)) for problem in outcome.problems],
        created_by=by,
    )


@transaction.atomic
def take_in(*, file: ProgrammeFile, now: datetime, by: User | None = None) -> ProgrammeFile:
    """Make the programme what a file says, all or nothing. A second time changes nothing.

    Raises ProblemsLeft, NothingDiffers, or ProgrammeMoved when the programme is not the one that was compared.
    """
    Programme.objects.select_for_update().get()
    held = ProgrammeFile.objects.select_for_update(of=("self",)).get(pk=file.pk)
    if held.taken_in_at is not None:
        return held
    if held.problems:
        raise ProblemsLeft
    if not held.changes:
        raise NothingDiffers
    if held.before != export_programme():
        raise ProgrammeMoved
    if carry_out(held.text, Turn(now, by)).problems:
        raise ProblemsLeft
    held.taken_in_at, held.taken_in_by = now, by
    held.save(update_fields=["taken_in_at", "taken_in_by"])
    return held
