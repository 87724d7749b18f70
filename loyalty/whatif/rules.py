"""What a draft must be, and the matrix of who moves from where to where."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Refusal


class StaleDraft(Refusal):
    """A draft is published onto the ladder from which it was drawn, or not at all."""

    code = "stale_draft"
    sentence = _("The ladder was changed after this draft was drawn. Draw a new one.")


class NotMeasured(Refusal):
    """Nobody publishes what nobody has looked at."""

    code = "not_measured"
    sentence = _("Run the what-if on the draft as it is now, and read it, before you publish.")


class DraftClosed(Refusal):
    """What is published is not published again."""

    code = "draft_closed"
    sentence = _("This draft is no longer open.")


class TierLeftOut(Refusal):
    """Members may stand on every tier that there is."""

    code = "tier_left_out"
    sentence = _("Every tier of the ladder must be in the draft; %(tier)s is not.")


class UnknownTierOfBenefit(Refusal):
    """A benefit belongs to a tier of its draft."""

    code = "unknown_tier_of_benefit"
    sentence = _("There is no tier %(tier)s in this draft for the benefit to belong to.")


@dataclass(frozen=True, slots=True)
class Label:
    """A tier as the matrix names it; without a code: no tier."""

    code: str
    name_zh: str
    name_en: str
    colour: str = "#857B6D"
    multiplier: int = 100


@dataclass(frozen=True, slots=True)
class Cell:
    """Members who go from one tier to another: how many, percent of the row, which way, points a year more."""

    count: int
    percent: float
    way: str  # up, down, same
    points: int

    @property
    def shade(self) -> int:
        """How strong its colour is, from 0 to 4."""
        return 0 if not self.count else 1 + sum(self.percent >= step for step in (5, 20, 50))


@dataclass(frozen=True, slots=True)
class Row:
    """Where the members of one tier go."""

    label: Label
    cells: list[Cell]
    total: int


@dataclass(frozen=True, slots=True)
class Matrix:
    """From where (rows) to where (columns), with what it costs."""

    columns: list[Label]
    rows: list[Row]
    totals: list[int]
    members: int
    up: int
    down: int
    open_down: int  # of those who fall, whose tier has no end: they would fall tonight
    points: int

    @property
    def moved(self) -> int:
        return self.up + self.down

    @property
    def stay(self) -> int:
        return self.members - self.moved


Counted = tuple[int, int, int, int, int]  # place before, place after, members, points, of them without an end


def matrix(before: Sequence[Label], after: Sequence[Label], counted: Iterable[Counted]) -> Matrix:
    """Add up what the chunks counted. Places begin at 1; place 0 is no tier, shown only where somebody has none."""
    sums: dict[tuple[int, int], list[int]] = {}
    for was, becomes, *numbers in counted:
        sums[was, becomes] = [a + b for a, b in zip(sums.get((was, becomes), [0, 0, 0]), numbers, strict=True)]
    place_of = {label.code: place for place, label in enumerate(after, 1)}
    ranks = [0, *(place_of.get(label.code, 0) for label in before)]
    nobody = Label("", "无等级", "No tier")
    places = [place for place in range(len(before) + 1) if place or any(was == 0 for was, _becomes in sums)]
    targets = [place for place in range(len(after) + 1) if place or any(becomes == 0 for _was, becomes in sums)]
    rows = []
    for was in places:
        total = sum(numbers[0] for (source, _becomes), numbers in sums.items() if source == was)
        cells = [cell(sums.get((was, becomes), [0, 0, 0]), total, becomes - ranks[was]) for becomes in targets]
        rows.append(Row(before[was - 1] if was else nobody, cells, total))
    return Matrix(
        columns=[after[place - 1] if place else nobody for place in targets],
        rows=rows,
        totals=[sum(row.cells[n].count for row in rows) for n in range(len(targets))],
        members=sum(row.total for row in rows),
        up=sum(each.count for row in rows for each in row.cells if each.way == "up"),
        down=sum(each.count for row in rows for each in row.cells if each.way == "down"),
        open_down=sum(n[2] for (was, becomes), n in sums.items() if becomes < ranks[was]),
        points=sum(numbers[1] for numbers in sums.values()),
    )


def cell(numbers: Sequence[int], total: int, steps: int) -> Cell:
    """One cell of the matrix."""
    way = "up" if steps > 0 else "down" if steps < 0 else "same"
    return Cell(numbers[0], numbers[0] * 100 / total if total else 0.0, way, numbers[1])
