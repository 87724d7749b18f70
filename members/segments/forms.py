"""The editor's draft of a segment: fields of a page, nodes that are added, wrapped and removed, and the tree they say.

Every node has a path: "r" is the outermost group, "r-0" the first in it; a field's name is the path, a dot, its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextareaWidget

from members.kit.money import decimal_amount, minor_units
from members.kit.refusals import Malformed, Refusal
from members.kit.tables import UnreadableFile, rows_of
from members.kit.traits import Deed, Kind, Operator, Parameter, Shape, Trait
from members.segments.models import MemberList
from members.segments.rules import BadTree, Known, read_node

GROUPS = ("all", "any")
LEAVES = ("test", "segment", "list", "did")
MOST_NODES = 80  # on one page
DEEPEST_GROUP = 6
SIDES = ("did", "but_not")
LONGEST_PASTE = 1_000_000  # characters
LARGEST_LIST = 5_000_000  # bytes
NOT_FIELDS = ("kind", "n")


class PageIsFull(Malformed):
    """Somebody adds more than a page can hold."""

    code = "page_is_full"
    sentence = _("A page holds at most %(most)s conditions, %(deepest)s groups deep. Make a segment of a part of them.")


@dataclass
class Node:
    """A node as it is typed. `said` are the texts of its fields."""

    kind: str
    is_not: bool = False
    children: list["Node"] = field(default_factory=list)
    said: dict[str, list[str]] = field(default_factory=dict)
    error: str = ""

    def one(self, name: str) -> str:
        """The text of a field that has one."""
        return (self.said.get(name) or [""])[-1].strip()

    @property
    def is_group(self) -> bool:
        return self.kind in GROUPS


def empty() -> Node:
    """What a new segment's page shows: one group, with one test to fill in."""
    return Node("all", children=[Node("test")])


def read_draft(posted: QueryDict) -> Node:
    """The nodes of a page. Raises PageIsFull for more than a page shows."""
    fields: dict[str, dict[str, list[str]]] = {}
    for name, texts in posted.lists():
        path, dot, own = name.partition(".")
        if dot and (path == "r" or path.startswith("r-")):
            fields.setdefault(path, {})[own] = [str(text) for text in texts]
    if len(fields) > MOST_NODES:
        raise too_full()
    return read_typed("r", fields, 1) or empty()


def settle(node: Node, known: Known) -> None:
    """Tests whose trait was changed are compared by its first operator, and their old value is gone."""
    trait = known.traits.get(node.one("trait"))
    if node.kind == "test" and trait is not None and node.one("is") not in trait.compared_by:
        node.said = {"trait": [trait.code], "is": [next(iter(trait.compared_by))]}
    for each in node.children:
        settle(each, known)


def too_full() -> PageIsFull:
    return PageIsFull(most=MOST_NODES, deepest=DEEPEST_GROUP)


def read_typed(path: str, fields: Mapping[str, dict[str, list[str]]], depth: int) -> Node | None:
    """One node of the page, and those in it that are there."""
    said = fields.get(path)
    if said is None:
        return None
    if depth > DEEPEST_GROUP + 1:
        raise too_full()
    kind = (said.get("kind") or [""])[-1]
    if kind not in GROUPS + LEAVES:
        raise BadTree(what=kind[:20])
    node = Node(kind, "not" in said, said={name: texts for name, texts in said.items() if name not in NOT_FIELDS})
    count = (said.get("n") or ["0"])[-1]
    for number in range(min(int(count), MOST_NODES) if count.isdecimal() and len(count) < 4 else 0):
        child = read_typed(f"{path}-{number}", fields, depth + 1)
        if child is not None:
            node.children.append(child)
    return node


def apply(draft: Node, order: str) -> None:
    """What a button asks for: "add-test:r-0", "wrap:r-0-1", "remove:r-1". What is none changes nothing."""
    what, _colon, path = order.partition(":")
    found = find(draft, path)
    if found is None:
        return
    node, parent, number = found
    if what.startswith("add-") and node.is_group:
        add(draft, node, what.removeprefix("add-"), path)
    elif what == "wrap" and parent is not None:
        if path.count("-") >= DEEPEST_GROUP - height(node):
            raise too_full()
        parent.children[number] = Node("any" if parent.kind == "all" else "all", children=[node])
    elif what == "remove" and parent is not None:
        del parent.children[number]


def add(draft: Node, group: Node, what: str, path: str) -> None:
    """Another node at the end of a group."""
    if what not in (*LEAVES, "group"):
        return
    if count(draft) >= MOST_NODES or (what == "group" and path.count("-") >= DEEPEST_GROUP - 1):
        raise too_full()
    if what == "group":
        group.children.append(Node("any" if group.kind == "all" else "all", children=[Node("test")]))
    else:
        group.children.append(Node(what))


def count(node: Node) -> int:
    return 1 + sum(count(each) for each in node.children)


def height(node: Node) -> int:
    """How many groups lie in each other from here on."""
    return int(node.is_group) + max((height(each) for each in node.children), default=0)


def find(draft: Node, path: str) -> tuple[Node, Node | None, int] | None:
    """A node by its path, its group, and its place there."""
    steps = path.split("-")
    if steps[0] != "r":
        return None
    node, parent, number = draft, None, 0
    for step in steps[1:]:
        if not step.isdecimal() or len(step) > 3 or int(step) >= len(node.children):
            return None
        parent, number = node, int(step)
        node = parent.children[number]
    return node, parent, number


def tree_of(draft: Node, known: Known) -> dict[str, Any] | None:
    """The tree that a page says, read; None when a node cannot be used, and then its `error` says why."""
    if not draft.children:
        return {}
    return node_of(draft, known)


def node_of(node: Node, known: Known) -> dict[str, Any] | None:
    """One node of the tree."""
    if node.is_group:
        parts = [node_of(each, known) for each in node.children]
        if not parts:
            node.error = str(_("A group needs at least one condition."))
        whole: dict[str, Any] | None = None if not parts or None in parts else {node.kind: parts}
    else:
        whole = leaf_of(node, known)
    return {"not": whole} if node.is_not and whole is not None else whole


def leaf_of(node: Node, known: Known) -> dict[str, Any] | None:
    """A leaf, read; what refuses it stands beside it."""
    if not node.one(node.kind if node.kind != "test" else "trait"):
        node.error = str(_("Choose something here."))
        return None
    try:
        return read_node(LEAF[node.kind](node, known), known)
    except Refusal as refusal:
        node.error = str(refusal)
        return None


def be_patient(node: Node) -> None:
    """Somebody is still typing: what was not begun is not called wrong."""
    if node.is_group or not any(node.one(name) for name in BEGUN[node.kind]):
        node.error = ""
    for each in node.children:
        be_patient(each)


BEGUN = {"test": ("value", "value2"), "segment": ("segment",), "list": ("list",), "did": ("but_not",)}


def typed_test(node: Node, known: Known) -> dict[str, Any]:
    """What the fields of a test say, as JSON; what is no number stays a text, and is refused as one."""
    trait = known.traits.get(node.one("trait"))
    said: dict[str, Any] = {"trait": node.one("trait"), "is": node.one("is")}
    operator = trait.compared_by.get(node.one("is")) if trait else None
    if trait is None or operator is None:
        return said
    if operator.shape != Shape.NONE:
        said["value"] = typed_value(node, trait, operator)
    return said | {"with": typed_parameters(node, trait, "")}


def typed_value(node: Node, trait: Trait, operator: Operator) -> Any:
    """The value fields as JSON."""
    match operator.shape:
        case Shape.NUMBER:
            return number_of(node.one("value"), trait)
        case Shape.NUMBERS:
            return [number_of(node.one(name), trait) for name in ("value", "value2")]
        case Shape.AGO:
            return number_of(node.one("value"), None)
        case Shape.DAYS:
            return [node.one("value"), node.one("value2")]
        case Shape.CODES:
            return codes_of(node.said.get("value", []), has_choices=trait.choices is not None)
    return node.one("value")


def number_of(text: str, trait: Trait | None) -> Any:
    """A typed number; money in minor units. What is none stays as it is."""
    if trait is not None and trait.kind == Kind.MONEY:
        try:
            return minor_units(text, currency=settings.SHOP_CURRENCY)
        except Refusal:
            return text
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if not number.is_finite() or abs(number) > Decimal(10) ** 15:
        return text
    return int(number) if number == number.to_integral_value() else float(number)


def codes_of(texts: list[str], *, has_choices: bool) -> list[str]:
    """Ticked codes; or typed ones, with commas or spaces between them."""
    if has_choices:
        return [text for text in texts if text]
    return [code for text in texts for code in text.replace("，", ",").replace(",", " ").split()]


def typed_parameters(node: Node, thing: Trait | Deed, side: str) -> dict[str, Any]:
    """Parameters that were filled in."""
    found = {}
    for parameter in thing.parameters:
        texts = [text for text in node.said.get(f"{side}p-{parameter.code}", []) if text.strip()]
        if texts and (parameter.choices is not None or parameter.is_text):
            found[parameter.code] = codes_of(texts, has_choices=parameter.choices is not None)
        elif texts:
            found[parameter.code] = number_of(texts[-1].strip(), None)
    return found


def typed_did(node: Node, known: Known) -> dict[str, Any]:
    said: dict[str, Any] = {"days": number_of(node.one("days"), None), "when": node.one("when") or "after"}
    for side in SIDES:
        deed = known.deeds.get(node.one(side))
        said[side] = {"deed": node.one(side)} | ({"with": typed_parameters(node, deed, f"{side}.")} if deed else {})
    return said


LEAF: Mapping[str, Any] = {
    "test": typed_test,
    "segment": lambda node, _known: {"segment": node.one("segment")},
    "list": lambda node, _known: {"list": number_of(node.one("list"), None)},
    "did": typed_did,
}


def draft_of(tree: Mapping[str, Any], known: Known) -> Node:
    """The page of a tree that was read."""
    if not tree:
        return empty()
    node = typed_of(tree, known)
    return node if node.is_group and not node.is_not else Node("all", children=[node])


def typed_of(tree: Mapping[str, Any], known: Known) -> Node:
    """One node as its fields would be filled in."""
    if "not" in tree:
        node = typed_of(tree["not"], known)
        node.is_not = not node.is_not
        return node
    for kind in GROUPS:
        if kind in tree:
            return Node(kind, children=[typed_of(each, known) for each in tree[kind]])
    for kind in ("segment", "list"):
        if kind in tree:
            return Node(kind, said={kind: [str(tree[kind])]})
    if "did" in tree:
        said = {"days": [str(tree["days"])], "when": [tree["when"]]}
        for side in SIDES:
            said |= {side: [tree[side]["deed"]]} | texts_of(tree[side].get("with", {}), f"{side}.")
        return Node("did", said=said)
    return Node("test", said=texts_of_test(tree, known))


def texts_of_test(tree: Mapping[str, Any], known: Known) -> dict[str, list[str]]:
    """The fields of a test."""
    said = {"trait": [tree["trait"]], "is": [tree["is"]]} | texts_of(tree.get("with", {}), "")
    trait, value = known.traits.get(tree["trait"]), tree.get("value")
    if trait is None or value is None:
        return said
    shape = trait.compared_by[tree["is"]].shape
    if shape == Shape.CODES:
        values = [str(each) for each in value]
        return said | {"value": values if trait.choices is not None else [", ".join(values)]}
    pair = value if shape in (Shape.NUMBERS, Shape.DAYS) else [value]
    is_money = trait.kind == Kind.MONEY
    texts = [f"{decimal_amount(each, currency=settings.SHOP_CURRENCY):f}" if is_money else str(each) for each in pair]
    return said | {name: [text] for name, text in zip(("value", "value2"), texts, strict=False)}


def texts_of(parameters: Mapping[str, Any], side: str) -> dict[str, list[str]]:
    """The fields of parameters."""
    return {
        f"{side}p-{code}": [str(each) for each in value] if isinstance(value, list) else [str(value)]
        for code, value in parameters.items()
    }


def parameter_texts(node: Node, parameter: Parameter, side: str) -> list[str]:
    """What stands in a parameter's field; the default where nothing was typed yet."""
    texts = node.said.get(f"{side}p-{parameter.code}")
    if texts is not None or not parameter.default:
        return texts or []
    default = parameter.default() if callable(parameter.default) else parameter.default
    return [str(each) for each in default] if isinstance(default, list) else [str(default)]


class ListForm(forms.ModelForm[MemberList]):
    """A name, and members by whatever finds them: pasted, or the first column of a file."""

    pasted = forms.CharField(
        label=_("phones, e-mails, cards or member numbers"),
        required=False,
        max_length=LONGEST_PASTE,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}),
        help_text=_("One a line, as they come out of a spreadsheet."),
    )
    file = forms.FileField(
        label=_("or a file"),
        required=False,
        widget=UnfoldAdminFileFieldWidget,
        help_text=_("CSV in UTF-8 or GBK; its first column is read."),
    )

    class Meta:
        model = MemberList
        fields = ("name",)

    def clean(self) -> dict[str, Any]:
        """The texts of both, each line once."""
        said = super().clean() or self.cleaned_data
        texts = [line.strip() for line in (said.get("pasted") or "").splitlines()]
        if said.get("file"):
            try:
                if said["file"].size > LARGEST_LIST:
                    raise UnreadableFile
                with rows_of(said["file"].file) as rows:
                    texts += [row[0].strip() for _line, row in rows if row]
            except Refusal as refusal:
                raise forms.ValidationError(str(refusal), code=refusal.code) from None
        said["texts"] = list(dict.fromkeys(filter(None, texts)))
        if not said["texts"]:
            raise forms.ValidationError(_("Paste at least one phone, or choose a file."), code="empty_list")
        return said


class ListNameForm(forms.ModelForm[MemberList]):
    """A list's name; who stands on it stays."""

    class Meta:
        model = MemberList
        fields = ("name",)
