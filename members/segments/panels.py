"""What pages show of segments: in which a member is and why, what asks for one, sizes over time, what drifts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from members.kit.charts import Chart, Series, day_labels
from members.kit.traits import Asking
from members.profiles.models import Member
from members.segments import sql
from members.segments.actions import what_is_known
from members.segments.models import Membership, Segment, SegmentSize, SegmentVersion
from members.segments.rules import Known, at_place, words_of

SHOWN = 60  # refreshes in a chart


@dataclass(frozen=True)
class Stay:
    """A member's time in a segment, and what let them in, in words."""

    segment: Segment
    since: datetime
    until: datetime | None
    words: str


def stays_of(member: Member) -> list[Stay]:
    """The segments in which a member is, the latest first, each with the clause that let them in."""
    rows = Membership.objects.open().of([member.pk]).select_related("segment").order_by("-since", "-pk")
    memberships = list(rows)
    if not memberships:
        return []
    versions = SegmentVersion.objects.filter(segment__in=[each.segment_id for each in memberships])
    trees = {(each.segment_id, each.number): each.says["tree"] for each in versions}
    known = what_is_known()
    return [Stay(each.segment, each.since, each.until, clause_words(each, trees, known)) for each in memberships]


def clause_words(membership: Membership, trees: Mapping[tuple[int, int], Any], known: Known) -> str:
    """What let a member in, in words."""
    tree = trees.get((membership.segment_id, membership.version), {})
    node = at_place(tree, membership.clause)
    return words_of(node if node is not None else tree, known)


@dataclass(frozen=True)
class Clause:
    """One clause of a tree, whether it holds for a member, and how deep it lies."""

    words: str
    holds: bool
    depth: int


def why(*, tree: Mapping[str, Any], member: Member, now: datetime) -> list[Clause]:
    """Every clause of a tree with whether it holds for a member at this moment, all in one query."""
    known = what_is_known()
    asking = Asking(now, member.pk, member.pk)
    lines = list(lines_of(tree, known, 0))
    held = sql.held_of(member.pk, [sql.as_q(node, known, asking) for node, _words, _depth in lines])
    return [Clause(words, holds, depth) for (_node, words, depth), holds in zip(lines, held, strict=True)]


def lines_of(node: Mapping[str, Any], known: Known, depth: int) -> Iterable[tuple[Mapping[str, Any], str, int]]:
    """A tree line by line: groups, and below each what is in it."""
    for name, words in (("all", _("all of these")), ("any", _("one of these"))):
        if name in node:
            yield node, str(words), depth
            for each in node[name]:
                yield from lines_of(each, known, depth + 1)
            return
    if "not" in node and ("all" in node["not"] or "any" in node["not"]):
        yield node, str(_("not this")), depth
        yield from lines_of(node["not"], known, depth + 1)
        return
    yield node, words_of(node, known), depth


@dataclass(frozen=True)
class Use:
    """Something that asks for a segment: what it is, its name, and the page where it stands."""

    what: str
    name: str
    link: str


USES: list[Callable[[Segment], Iterable[Use]]] = []


def register_use(uses: Callable[[Segment], Iterable[Use]]) -> None:
    """Let a room say what of it asks for a segment: rules, tiers, campaigns."""
    USES.append(uses)


def uses_of(segment: Segment) -> list[Use]:
    """All that asks for a segment."""
    return [use for each in USES for use in each(segment)]


def size_chart(segment: Segment) -> Chart | None:
    """How many were in a segment at each of its last refreshes; None before the second."""
    sizes = list(SegmentSize.objects.filter(segment=segment).newest_first()[:SHOWN])[::-1]
    if len(sizes) < 2:
        return None
    words = [
        _("%(size)s (+%(entered)s, −%(left)s; %(milliseconds)s ms)")
        % {
            "size": f"{each.size:,}",
            "entered": f"{each.entered:,}",
            "left": f"{each.left:,}",
            "milliseconds": f"{each.milliseconds:,}",
        }
        for each in sizes
    ]
    return Chart(
        code="segment-size",
        title=_("Size over time"),
        labels=day_labels([localdate(each.as_of) for each in sizes]),
        series=[
            Series(_("members"), [each.size for each in sizes], "var(--color-primary-600)", words=words),
        ],
        size=sizes[-1].size,
        counted=_("members"),
        as_of=sizes[-1].as_of,
        first=_("day"),
    )


def drifting() -> list[SegmentSize]:
    """Live segments of which the last refresh found a size far from the one before."""
    last = SegmentSize.objects.newest_first().order_by("segment", "-as_of", "-pk").distinct("segment")
    found = SegmentSize.objects.filter(pk__in=last.values("pk"), drifts=True, segment__is_live=True)
    return list(found.select_related("segment").order_by("segment__code"))
