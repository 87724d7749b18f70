"""What pages show of segments: the editor, in which a member is and why, what asks for one, sizes, what drifts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from members.kit.admin import stores_seen
from members.kit.charts import Chart, Series, day_labels, remembered
from members.kit.names import named
from members.kit.traits import Asking, Deed, Kind, Operator, Shape, Trait
from members.profiles.models import Member
from members.segments import sql
from members.segments.actions import what_is_known
from members.segments.forms import DEEPEST_GROUP, SIDES, Node, parameter_texts
from members.segments.models import Membership, Segment, SegmentSize, SegmentVersion
from members.segments.rules import Known, at_place, segments_in, words_of

SHOWN = 60  # refreshes in a chart


@dataclass(frozen=True)
class Stay:
    """A member's time in a segment, and what let them in, in words."""

    segment: Segment
    since: datetime
    until: datetime | None
    words: str


def stay_in(segment: Segment, member: Member, known: Known) -> Stay | None:
    """The member's latest time in a segment, with the clause that let them in; None for who never was."""
    rows = Membership.objects.of([member.pk]).filter(segment=segment)
    latest = rows.order_by("-since", "-pk").first()
    if latest is None:
        return None
    said = SegmentVersion.objects.filter(segment=segment, number=latest.version).first()
    tree = said.says["tree"] if said else {}
    node = at_place(tree, latest.clause)
    return Stay(segment, latest.since, latest.until, words_of(node if node is not None else tree, known))


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


def other_segments(segment: Segment) -> Iterable[Use]:
    """Segments whose trees name this one."""
    for other in Segment.objects.exclude(pk=segment.pk).by_name():
        if segment.code in segments_in(other.says["tree"]):
            yield Use(_("Segment"), named(other), reverse("admin:members_segment_change", args=[other.pk]))


register_use(other_segments)


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


def drift_badge(request: HttpRequest) -> str:
    """How many segments jumped, for the side bar of those who see all stores; nothing when none did."""
    if stores_seen(request) is not None:
        return ""
    count = remembered("panel:drifting", lambda: len(drifting()))
    return str(count) if count else ""


Picks = list[tuple[str, str, bool]]  # code, words, whether it is chosen


def shown_node(node: Node, known: Known, path: str = "r") -> dict[str, Any]:
    """A node of the editor as its template needs it."""
    shown: dict[str, Any] = {"path": path, "node": node, "kind": node.kind, "is_root": path == "r"}
    match node.kind:
        case "test":
            return shown | shown_test(node, known)
        case "segment":
            return shown | {"segments": picks(known.names.items(), node.said.get("segment", []))}
        case "list":
            names = [(str(number), name) for number, name in known.lists.items()]
            return shown | {"lists": picks(names, node.said.get("list", []))}
        case "did":
            return shown | shown_did(node, known)
    below = [shown_node(each, known, f"{path}-{number}") for number, each in enumerate(node.children)]
    return shown | {"children": below, "count": len(below), "takes_groups": path.count("-") < DEEPEST_GROUP - 1}


def picks(choices: Iterable[tuple[str, Any]], chosen: Sequence[str]) -> Picks:
    """Choices with those that are chosen."""
    return [(code, str(words), code in chosen) for code, words in choices]


def grouped(things: Iterable[Trait | Deed], chosen: str) -> list[tuple[str, Picks]]:
    """Traits or deeds by their group."""
    groups: dict[str, Picks] = {}
    for each in sorted(things, key=lambda thing: thing.group.position):
        groups.setdefault(str(each.group.title), []).append((each.code, str(each.title), each.code == chosen))
    return list(groups.items())


def shown_test(node: Node, known: Known) -> dict[str, Any]:
    """The menus and fields of a test."""
    shown: dict[str, Any] = {"traits": grouped(known.traits.values(), node.one("trait"))}
    trait = known.traits.get(node.one("trait"))
    if trait is None:
        return shown | {"gone": node.one("trait")}
    operator = trait.compared_by.get(node.one("is")) or next(iter(trait.compared_by.values()))
    ways = [(each.code, each.words) for each in trait.compared_by.values()]
    values = [*node.said.get("value", []), ""]
    field: dict[str, Any] = {"shape": str(operator.shape), "value": values[0], "value2": node.one("value2")}
    field |= {"unit": unit_of(trait, operator), "typed": "date" if operator.shape in DAYS else "text"}
    if operator.shape in NUMBERS:
        field |= {"typed": "number", "step": "1" if operator.shape == Shape.AGO else "any"}
    if operator.shape == Shape.CODES and trait.choices is not None:
        field["choices"] = picks(trait.choices(), values)
    shown |= {"operators": picks(ways, [operator.code]), "field": field, "title": trait.title}
    return shown | {"parameters": shown_parameters(node, trait, "")}


DAYS = (Shape.DAY, Shape.DAYS)
NUMBERS = (Shape.NUMBER, Shape.NUMBERS, Shape.AGO)


def unit_of(trait: Trait, operator: Operator) -> str:
    """What stands behind a number."""
    if operator.shape == Shape.AGO:
        return _("days")
    if trait.kind == Kind.MONEY and operator.shape in NUMBERS:
        return str(settings.SHOP_CURRENCY)
    return str(trait.unit)


def shown_parameters(node: Node, thing: Trait | Deed, side: str) -> list[dict[str, Any]]:
    """What narrows a trait or deed down."""
    shown = []
    for parameter in thing.parameters:
        texts = parameter_texts(node, parameter, side)
        field: dict[str, Any] = {"name": f"{side}p-{parameter.code}", "title": parameter.title, "value": ""}
        if parameter.choices is not None:
            field |= {"choices": picks(parameter.choices(), texts), "is_one": parameter.is_one}
        else:
            field |= {"value": ", ".join(texts), "typed": "text" if parameter.is_text else "number"}
        shown.append(field | {"is_used": bool([text for text in texts if text.strip()])})
    return shown


def shown_did(node: Node, known: Known) -> dict[str, Any]:
    """The menus and fields of "did this but not that"."""
    sides = []
    for name in SIDES:
        deed = known.deeds.get(node.one(name))
        parameters = shown_parameters(node, deed, f"{name}.") if deed else []
        sides.append({"name": name, "deeds": grouped(known.deeds.values(), node.one(name)), "parameters": parameters})
    return {"sides": sides, "days": node.one("days") or "30", "when": node.one("when") or "after"}
