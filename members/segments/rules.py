"""What a segment may say: a tree that is read, measured, walked and said in words; no database, no clock.

A node is one of: {"all": [...]}, {"any": [...]}, {"not": node}, a test {"trait", "is", "value", "with"},
{"segment": code}, {"list": id}, or {"did": {"deed", "with"}, "but_not": {...}, "days": 30, "when": "after"}.
The empty tree is everybody. Kept as {"shape": "segment/1", "tree": tree}.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from members.kit.questions import read_parameters, read_test, shown, words_of_parameters, words_of_test
from members.kit.refusals import Malformed, Refusal
from members.kit.traits import Deed, Trait

SHAPE = "segment/1"
DEEPEST = 24  # nodes within nodes
WIDEST = 200  # nodes in one tree
LARGEST = 1_000  # nodes with those of the segments that it names
LONGEST_JSON = 200_000  # characters
MOST_DAYS = 3_650
LEAST_DRIFT = 5  # members
WHENS = ("after", "same")


class BadTree(Malformed):
    """Something in a tree is none of the nodes there are."""

    code = "bad_segment"
    sentence = gettext_lazy("This cannot stand in a segment: %(what)s.")


class TreeTooDeep(Malformed):
    code = "segment_too_deep"
    sentence = gettext_lazy("Groups may lie in each other at most %(most)s deep.")


class TreeTooLarge(Malformed):
    code = "segment_too_large"
    sentence = gettext_lazy("A segment may have at most %(most)s conditions, with those of the segments in it.")


class UnknownSegment(Malformed):
    code = "unknown_segment"
    sentence = gettext_lazy("There is no segment “%(segment)s”.")


class UnknownList(Malformed):
    code = "unknown_list"
    sentence = gettext_lazy("There is no list of members with the number %(number)s.")


class UnknownDeed(Malformed):
    code = "unknown_deed"
    sentence = gettext_lazy("Nobody tells us whether members did “%(deed)s”.")


class SegmentInItself(Refusal):
    """Segments that name each other in a circle."""

    code = "segment_in_itself"
    sentence = gettext_lazy("The segment would stand in itself: %(way)s.")


def everybody() -> dict[str, Any]:
    """What a new segment says."""
    return {"shape": SHAPE, "tree": {}}


@dataclass(frozen=True)
class Known:
    """What trees may name. `segments` are trees by code."""

    traits: Mapping[str, Trait]
    deeds: Mapping[str, Deed] = field(default_factory=dict)
    segments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    lists: Mapping[int, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)  # of segments, in the reader's language


def tree_of_text(text: str) -> Any:
    """JSON as Python has it. Raises TreeTooLarge, TreeTooDeep or BadTree, always at once."""
    if len(text) > LONGEST_JSON:
        raise TreeTooLarge(most=WIDEST)
    try:
        return json.loads(text)
    except RecursionError:
        raise TreeTooDeep(most=DEEPEST) from None
    except ValueError:
        raise BadTree(what=gettext_lazy("this is no JSON")) from None


def inner(node: Any) -> list[Any]:
    """The nodes within a node, read or not."""
    if not isinstance(node, Mapping):
        return []
    within = node.get("all", node.get("any"))
    if isinstance(within, list):
        return within
    return [node["not"]] if "not" in node else []


def nodes(tree: Any) -> Iterator[tuple[Any, int]]:
    """Every node with its depth from 1, without recursion: trees from outside may be of any depth."""
    waiting = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting.extend((each, depth + 1) for each in inner(node))


def measure(tree: Any) -> None:
    """Raises TreeTooDeep or TreeTooLarge, at the first node too many."""
    for count, (node, depth) in enumerate(nodes(tree), 1):
        if depth > DEEPEST:
            raise TreeTooDeep(most=DEEPEST)
        if count > WIDEST or len(inner(node)) > WIDEST:
            raise TreeTooLarge(most=WIDEST)


def read_tree(tree: Any, known: Known) -> dict[str, Any]:
    """The tree as it is kept, every value checked. Raises a Malformed that says what is wrong."""
    measure(tree)
    return {} if tree == {} else read_node(tree, known)


def read_node(node: Any, known: Known) -> dict[str, Any]:
    """One node and all within it."""
    if not isinstance(node, dict):
        raise BadTree(what=shown(node))
    for name, reader in READERS.items():
        if name in node:
            read: dict[str, Any] = reader(node, known)
            return read
    raise BadTree(what=shown(", ".join(map(str, list(node)[:3]))) or gettext_lazy("nothing"))


def only(node: Mapping[str, Any], *names: str) -> None:
    """Raises BadTree for what does not belong into a node."""
    extra = [each for each in node if each not in names]
    if extra:
        raise BadTree(what=shown(extra[0]))


def read_group(name: str) -> Any:
    """Reads "all" or "any"."""

    def read(node: dict[str, Any], known: Known) -> dict[str, Any]:
        only(node, name)
        within = node[name]
        if not isinstance(within, list) or not within:
            raise BadTree(what=gettext_lazy("a group without conditions"))
        return {name: [read_node(each, known) for each in within]}

    return read


def read_not(node: dict[str, Any], known: Known) -> dict[str, Any]:
    only(node, "not")
    return {"not": read_node(node["not"], known)}


def read_trait(node: dict[str, Any], known: Known) -> dict[str, Any]:
    only(node, "trait", "is", "value", "with")
    return read_test(known.traits, node)


def read_segment(node: dict[str, Any], known: Known) -> dict[str, Any]:
    only(node, "segment")
    code = node["segment"]
    if not isinstance(code, str) or code not in known.segments:
        raise UnknownSegment(segment=shown(code))
    return {"segment": code}


def read_list(node: dict[str, Any], known: Known) -> dict[str, Any]:
    only(node, "list")
    number = node["list"]
    if type(number) is not int or number not in known.lists:
        raise UnknownList(number=shown(number))
    return {"list": number}


def read_did(node: dict[str, Any], known: Known) -> dict[str, Any]:
    """Did this, but not that within so many days: after it, or both in the last days."""
    only(node, "did", "but_not", "days", "when")
    days, when = node.get("days"), node.get("when", "after")
    if type(days) is not int or not 1 <= days <= MOST_DAYS:
        raise BadTree(what=gettext_lazy("a number of days from 1 to 3,650 is missing"))
    if when not in WHENS:
        raise BadTree(what=shown(when))
    read = {"did": read_deed(node["did"], known), "but_not": read_deed(node.get("but_not"), known)}
    return {**read, "days": days, "when": when}


def read_deed(said: Any, known: Known) -> dict[str, Any]:
    """What was done, with what narrows it."""
    if not isinstance(said, dict):
        raise UnknownDeed(deed=shown(said))
    only(said, "deed", "with")
    code = said.get("deed")
    deed = known.deeds.get(code) if isinstance(code, str) else None
    if deed is None:
        raise UnknownDeed(deed=shown(code))
    parameters = read_parameters(deed, said.get("with", {}))
    return {"deed": deed.code} | ({"with": parameters} if parameters else {})


READERS: Mapping[str, Any] = {
    "all": read_group("all"),
    "any": read_group("any"),
    "not": read_not,
    "trait": read_trait,
    "segment": read_segment,
    "list": read_list,
    "did": read_did,
}


def segments_in(tree: Mapping[str, Any]) -> list[str]:
    """The segments that a tree names itself."""
    return list(dict.fromkeys(node["segment"] for node, _depth in nodes(tree) if "segment" in node))


def check_circles(code: str, tree: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> None:
    """Raises SegmentInItself when the tree leads back to its segment, TreeTooLarge when all of it is too much."""
    trees = {**others, code: tree}
    waiting: list[tuple[str, ...]] = [(code,)]
    count = 0
    while waiting:
        way = waiting.pop()
        here = trees.get(way[-1], {})
        count += sum(1 for _node in nodes(here))
        if count > LARGEST:
            raise TreeTooLarge(most=LARGEST)
        for name in (node["segment"] for node, _depth in nodes(here) if "segment" in node):
            if name in way:
                raise SegmentInItself(way=" → ".join((*way, name)))
            waiting.append((*way, name))


def alternatives(tree: Mapping[str, Any], place: str = "") -> list[tuple[str, Mapping[str, Any]]]:
    """The clauses of which one lets a member in: those of the first "any" that is not within another; else the whole.

    Each with its place: "1.0" is the first node of the second.
    """
    found = first_any(tree, place)
    return found if found is not None else [("", tree)]


def first_any(tree: Mapping[str, Any], place: str) -> list[tuple[str, Mapping[str, Any]]] | None:
    def under(number: int) -> str:
        return f"{place}.{number}" if place else str(number)

    if "any" in tree:
        return [(under(number), node) for number, node in enumerate(tree["any"])]
    for number, node in enumerate(tree.get("all", [])):
        found = first_any(node, under(number))
        if found is not None:
            return found
    return None


def at_place(tree: Mapping[str, Any], place: str) -> Mapping[str, Any] | None:
    """The node at a place; None where the tree has none."""
    node: Any = tree
    for number in filter(None, place.split(".")):
        within = inner(node)
        if not number.isdecimal() or int(number) >= len(within):
            return None
        node = within[int(number)]
    return node if isinstance(node, Mapping) else None


def is_drift(*, before: int, after: int, percent: int) -> bool:
    """Whether a size moved by more than a share of what it was. A handful of members is no drift."""
    moved = abs(after - before)
    return moved >= LEAST_DRIFT and moved * 100 > before * percent


def words_of(tree: Mapping[str, Any], known: Known, *, is_inner: bool = False) -> str:
    """A tree that was read, as people would say it; groups within others stand in brackets."""
    if not tree:
        return _("everybody")
    if "all" in tree:
        joint = pgettext("conditions", " and ") if is_inner else _("; ")
        words = joint.join(words_of(each, known, is_inner=True) for each in tree["all"])
        return _("(%(either)s)") % {"either": words} if is_inner and len(tree["all"]) > 1 else words
    if "any" in tree:
        words = _(" or ").join(words_of(each, known, is_inner=True) for each in tree["any"])
        return _("(%(either)s)") % {"either": words} if len(tree["any"]) > 1 and is_inner else words
    if "not" in tree:
        return _("not: %(what)s") % {"what": words_of(tree["not"], known, is_inner=True)}
    return words_of_leaf(tree, known)


def words_of_leaf(tree: Mapping[str, Any], known: Known) -> str:
    """What holds no nodes of its own, in words."""
    if "segment" in tree:
        return _("in the segment “%(segment)s”") % {"segment": known.names.get(tree["segment"], tree["segment"])}
    if "list" in tree:
        return _("on the list “%(list)s”") % {"list": known.lists.get(tree["list"], tree["list"])}
    if "did" in tree:
        return words_of_did(tree, known)
    return words_of_test(known.traits, tree)


def words_of_did(node: Mapping[str, Any], known: Known) -> str:
    """Did this, but not that."""
    said = {
        "did": words_of_deed(node["did"], known),
        "other": words_of_deed(node["but_not"], known),
        "days": node["days"],
    }
    if node["when"] == "same":
        return _("in the last %(days)s days %(did)s, but not: %(other)s") % said
    return _("%(did)s, but not within %(days)s days after that: %(other)s") % said


def words_of_deed(said: Mapping[str, Any], known: Known) -> str:
    deed = known.deeds.get(said["deed"])
    if deed is None:
        return str(said["deed"])
    return f"{deed.title}{words_of_parameters(deed, said.get('with', {}))}"
