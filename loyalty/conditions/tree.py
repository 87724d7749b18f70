"""A tree of conditions: all, any and not over tests.

A node is a mapping with one key: `all` and `any` hold a list of nodes, `not` one node, and every other key is a test
with what it wants, such as `{"store": ["SH1"]}` or `{"hours": [["18:00", "22:00"]]}`. The empty tree always holds.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty.conditions.case import BadCondition, Bound, Case, Check, Miss, Test
from loyalty.conditions.goods import GOODS
from loyalty.conditions.people import PEOPLE
from loyalty.conditions.places import PLACES
from loyalty.conditions.times import TIMES

TESTS: Mapping[str, Test] = {**PLACES, **TIMES, **PEOPLE, **GOODS}  # cheap ones first
DEEPEST = 6  # trees within trees
WIDEST = 200  # nodes in one tree


def read_tree(tree: Any) -> dict[str, Any]:
    """The tree with every test as it is kept. Raises BadCondition, EmptyWindow or OverlappingWindows."""
    if tree == {}:
        return {}
    read = read_node(tree, DEEPEST)
    if sum(1 for _node in nodes(read)) > WIDEST:
        raise BadCondition(test="all", expected=gettext_lazy("at most %(most)s conditions") % {"most": WIDEST})
    return read


def read_node(node: Any, depth: int) -> dict[str, Any]:
    """One node and all under it."""
    if not isinstance(node, dict) or len(node) != 1 or depth == 0:
        raise BadCondition(test="all", expected=gettext_lazy("one key a node, and not too deep"))
    ((name, wants),) = node.items()
    if name in ("all", "any"):
        if not isinstance(wants, list) or not wants:
            raise BadCondition(test=name, expected=gettext_lazy("a list of conditions"))
        return {name: [read_node(each, depth - 1) for each in wants]}
    if name == "not":
        return {name: read_node(wants, depth - 1)}
    if name not in TESTS:
        raise BadCondition(test=str(name)[:40], expected=", ".join(TESTS))
    return {name: TESTS[name].read(name, wants)}


def nodes(tree: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every node of a tree that was read, itself first."""
    for name, wants in tree.items():
        yield name, wants
        for inner in {"all": wants, "any": wants, "not": [wants]}.get(name, []):
            yield from nodes(inner)


def compiled(tree: Mapping[str, Any]) -> Check:
    """A tree that was read, as one function: None where a case fulfils it, else the first miss."""
    if not tree:
        return lambda case: None
    ((name, wants),) = tree.items()
    if name == "all":
        return all_of([compiled(each) for each in sorted(wants, key=cost)])
    if name == "any":
        return any_of([compiled(each) for each in wants])
    if name == "not":
        return opposite(compiled(wants), wants)
    return TESTS[name].build(name, wants)


def in_sql(tree: Mapping[str, Any], bound: Bound) -> str:
    """A tree that was read, as a clause over a sale in the database: what `compiled` says, sale by sale."""
    if not tree:
        return "true"
    ((name, wants),) = tree.items()
    if name in ("all", "any"):
        parts = [in_sql(each, bound) for each in sorted(wants, key=cost)]
        return f"({(' AND ' if name == 'all' else ' OR ').join(parts)})"
    if name == "not":
        return f"NOT {in_sql(wants, bound)}"
    return f"({TESTS[name].sql(wants, bound)})"


def cost(node: Mapping[str, Any]) -> int:
    """Cheap tests are asked first: what looks at lines comes late, trees last."""
    (name,) = node
    return list(TESTS).index(name) if name in TESTS else len(TESTS)


def all_of(checks: Sequence[Check]) -> Check:
    """Holds when every one holds; else the first miss."""

    def holds(case: Case) -> Miss | None:
        for each in checks:
            miss = each(case)
            if miss is not None:
                return miss
        return None

    return holds


def any_of(checks: Sequence[Check]) -> Check:
    """Holds when one holds; of several misses one that can be counted tells most."""

    def holds(case: Case) -> Miss | None:
        misses: list[Miss] = []
        for each in checks:
            miss = each(case)
            if miss is None:
                return None
            misses.append(miss)
        return next((miss for miss in misses if miss.missing), misses[0])

    return holds


def opposite(inner: Check, wants: Mapping[str, Any]) -> Check:
    """Holds when the other does not."""
    miss = Miss("not", wants)
    return lambda case: miss if inner(case) is None else None


def misses_of(tree: Mapping[str, Any], case: Case) -> list[Miss]:
    """All that keeps the uppermost `all` from holding; what a quote needs to say how near it was."""
    if not tree:
        return []
    parts = tree.get("all", [tree])
    return [miss for each in parts if (miss := compiled(each)(case)) is not None]


def words_of(tree: Mapping[str, Any]) -> str:
    """A tree that was read, as people would say it; empty for the tree that always holds."""
    if not tree:
        return ""
    ((name, wants),) = tree.items()
    if name == "all":
        return _("; ").join(words_of(each) for each in wants)
    if name == "any":
        return _("(%(either)s)") % {"either": _(" or ").join(words_of(each) for each in wants)}
    if name == "not":
        return _("not: %(what)s") % {"what": words_of(wants)}
    return TESTS[name].says(wants)


def renamed(tree: Mapping[str, Any], names: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """The tree with the names that people know in the place of codes: to be said, never to be judged."""
    if not tree:
        return {}
    ((name, wants),) = tree.items()
    if name in ("all", "any"):
        return {name: [renamed(each, names) for each in wants]}
    if name == "not":
        return {name: renamed(wants, names)}
    known = names.get(name)
    return {name: [known.get(code, code) for code in wants]} if known else {name: wants}


def without(tree: Mapping[str, Any], test: str) -> dict[str, Any]:
    """The tree as it is told to those who need not know of a test: to be said, never to be judged."""
    if not tree:
        return {}
    ((name, wants),) = tree.items()
    if name in ("all", "any"):
        left = [part for each in wants if (part := without(each, test))]
        return {name: left} if left else {}
    if name == "not":
        left_of = without(wants, test)
        return {name: left_of} if left_of else {}
    return {} if name == test else dict(tree)


def words_of_miss(miss: Miss) -> str:
    """What was wanted and not there."""
    return words_of({miss.test: miss.wants})


def uses(tree: Mapping[str, Any], *names: str) -> bool:
    """Whether a tree asks for one of these tests."""
    return any(name in names for name, _wants in nodes(tree))
