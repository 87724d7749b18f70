"""Several questions about the same rows, answered in one pass over them: each a measure of its own in one grouping.

A `Q` that a measure makes remembers its pass; `joined` puts the passes of a group of clauses together, as somebody
would who writes the statement by hand. Whoever has no rows at all is known beforehand: `of_none`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import Expression, Q, QuerySet

from members.kit.traits import Asking

Holds = Callable[[Sequence[str]], Q]


@dataclass(frozen=True)
class Rows:
    """Rows of members that traits ask about, and what narrows them down."""

    base: Callable[[], QuerySet[Any]]
    condition: Callable[[Mapping[str, Any]], Q]

    def __call__(self, said: Mapping[str, Any], _asking: Asking) -> QuerySet[Any]:
        return self.base().filter(self.condition(said))


@dataclass(frozen=True)
class Pass:
    """One way through rows: measures, and what must hold of them by their names."""

    rows: Rows
    moment: str
    asking: Asking
    measures: tuple[Expression, ...]
    holds: Holds
    of_none: bool  # whether it holds for whoever has no rows
    since: datetime | None  # nothing before counts

    def opposite(self) -> "Pass":
        """True where this is false."""
        holds = self.holds
        return self.with_(self.measures, lambda names: ~holds(names), not self.of_none, self.since)

    def with_(self, measures: tuple[Expression, ...], holds: Holds, of_none: bool, since: datetime | None) -> "Pass":
        return Pass(self.rows, self.moment, self.asking, measures, holds, of_none, since)

    def members(self) -> tuple[QuerySet[Any], bool]:
        """Rows whose members are those for whom it holds; or, with True, those for whom it does not."""
        found = self.asking.of(self.rows.base()).filter(**{f"{self.moment}__lte": self.asking.now})
        if self.since is not None:
            found = found.filter(**{f"{self.moment}__gte": self.since})
        names = [f"measured_{number}" for number in range(len(self.measures))]
        grouped = found.order_by().values("member").annotate(**dict(zip(names, self.measures, strict=True)))
        holds = self.holds(names)
        return grouped.filter(~holds if self.of_none else holds), self.of_none


def join(parts: Sequence[Pass], *, is_any: bool) -> Pass:
    """All of them, or one of them, in one pass."""
    bounds = [0]
    for part in parts:
        bounds.append(bounds[-1] + len(part.measures))

    def holds(names: Sequence[str]) -> Q:
        each = (part.holds(names[start:end]) for part, start, end in zip(parts, bounds, bounds[1:], strict=False))
        return reduce(or_ if is_any else and_, each)

    none = [part.of_none for part in parts]
    moments = [part.since for part in parts]
    since = None if None in moments else min(each for each in moments if each is not None)
    measures = tuple(measure for part in parts for measure in part.measures)
    return parts[0].with_(measures, holds, any(none) if is_any else all(none), since)


def remembered_pass(answer: Q) -> Pass | None:
    """The pass of which a `Q` was made."""
    return getattr(answer, "made_of", None)


def remember(answer: Q, made_of: Pass) -> Q:
    """The `Q`, with the pass of which it is made."""
    answer.made_of = made_of  # type: ignore[attr-defined]
    return answer


def joined(answers: Iterable[Q], *, is_any: bool, ask: Callable[[Pass], Q]) -> Q:
    """The clauses of a group as one `Q`: those about the same rows in one pass, which `ask` turns into a `Q`."""
    alone: list[Q] = []
    passes: dict[tuple[int, str], list[tuple[Q, Pass]]] = {}
    for answer in answers:
        made_of = remembered_pass(answer)
        if made_of is None:
            alone.append(answer)
        else:
            passes.setdefault((id(made_of.rows.base), made_of.moment), []).append((answer, made_of))
    whole: list[Q] = []
    for together in passes.values():
        if len(together) == 1:
            whole.append(together[0][0])
        else:
            one = join([made_of for _answer, made_of in together], is_any=is_any)
            whole.append(remember(ask(one), one))
    parts = alone + whole
    return parts[0] if len(parts) == 1 else reduce(or_ if is_any else and_, parts)
