"""A programme as text: read without traps, written to be read, and what differs between two of them. Pure."""

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, cast

import yaml
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.kit.refusals import Malformed, Refusal

FORMAT = 1
LARGEST_FILE = 1_000_000  # characters
Things = dict[str, Any]  # what one part holds, by code


class Unreadable(Malformed):
    """It is no YAML, or YAML of a kind that hides something."""

    code = "programme_unreadable"
    sentence = gettext_lazy("The file cannot be read: %(problem)s.")


class UnknownEntry(Malformed):
    code = "unknown_entry"
    sentence = gettext_lazy("“%(name)s” is not known here. Known are: %(known)s.")


class Misspelt(Malformed):
    """An entry that is not known, but nearly."""

    code = "unknown_entry"
    sentence = gettext_lazy("“%(name)s” is not known here. Is “%(meant)s” meant?")


class UnknownCode(Malformed):
    code = "unknown_code"
    sentence = gettext_lazy("There is nothing with the code “%(name)s”.")


class WrongValue(Malformed):
    code = "wrong_value"
    sentence = gettext_lazy("“%(value)s” cannot stand here: %(expected)s.")


class ProgrammeMoved(Refusal):
    """The comparison that somebody read is not what would happen now."""

    code = "programme_moved"
    sentence = gettext_lazy("The programme has changed since this file was compared with it. Compare it again.")


class ProblemsLeft(Refusal):
    code = "problems_left"
    sentence = gettext_lazy("The file has problems, so nothing of it was taken in. Mend them and hand it in again.")


class NothingDiffers(Refusal):
    code = "nothing_differs"
    sentence = gettext_lazy("The programme already is as the file says.")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something of a file cannot be taken in, and where it stands."""

    path: str
    code: str
    words: str


@dataclass(frozen=True, slots=True)
class Change:
    """One entry that differs; None where it is not there."""

    path: str
    before: Any
    after: Any


class Stuck(Exception):
    """A no from inside a file, with the way to it."""

    def __init__(self, path: tuple[str, ...], no: Refusal | ValidationError) -> None:
        self.path, self.no = path, no
        super().__init__(path)

    def problem(self) -> Problem:
        """As people read it."""
        path = ".".join(self.path)
        if isinstance(self.no, Refusal):
            return Problem(path, self.no.code, str(self.no))
        return Problem(path, "invalid", " ".join(self.no.messages))


@contextmanager
def within(*path: str) -> Iterator[None]:
    """Says where a no was said."""
    try:
        yield
    except Stuck as stuck:
        raise Stuck((*path, *stuck.path), stuck.no) from None
    except (Refusal, ValidationError) as no:
        raise Stuck(path, no) from None


class Trap(yaml.MarkedYAMLError):
    """YAML that would mean something else than it seems to."""


class Reader(yaml.SafeLoader):
    """YAML without surprises: `no` and 18:00 are texts, nothing stands twice, nothing refers to something else."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise Trap(problem=_("references (*) are not used here"), problem_mark=self.mark())
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if name in seen:
                raise Trap(problem=_("“%(name)s” stands twice") % {"name": name}, problem_mark=key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep=deep)

    def mark(self) -> Any:
        """Where it reads."""
        return cast(Any, self).peek_event().start_mark


for tag, pattern, first in (
    ("null", r"null|~|", ["n", "~", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?[0-9]+\.[0-9]+", list("-+0123456789")),
):
    Reader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"^(?:{pattern})$"), first)


def read_programme(text: str) -> dict[str, Things]:
    """What a file says, by part and code. Raises Unreadable."""
    if len(text) > LARGEST_FILE:
        raise Unreadable(problem=_("it has more than %(most)s characters") % {"most": f"{LARGEST_FILE:,}"})
    try:
        said = yaml.load(text, Loader=Reader)  # noqa: S506  (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = error.problem if isinstance(error, Trap) else _("this is not YAML")
        raise Unreadable(problem=_("line %(line)s: %(problem)s") % {"line": line, "problem": problem}) from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise Unreadable(problem=_("it is not YAML, or has what no text has")) from None
    if not isinstance(said, dict) or said.pop("regulars_programme", None) != FORMAT:
        raise Unreadable(problem=_("it does not begin with “regulars_programme: %(format)s”") % {"format": FORMAT})
    for name, part in said.items():
        if part is not None and not isinstance(part, dict):
            raise Unreadable(problem=_("“%(name)s” is no list of codes") % {"name": name})
    return {str(name): {} if part is None else part for name, part in said.items()}


class Writer(yaml.SafeDumper):
    """YAML to be read: indented, texts of several lines as such."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def as_block(writer: Any, text: str) -> Any:
    """A text, in lines where it has lines."""
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


Writer.add_representer(str, as_block)


def write_programme(parts: Mapping[str, Things], *, comment: str) -> str:
    """The file: a comment, the format, then a part after the other."""
    lines = "".join(f"# {line}\n" for line in comment.splitlines())
    blocks = [{"regulars_programme": FORMAT}, *({name: things} for name, things in parts.items())]
    dumped = (
        yaml.dump(block, Dumper=Writer, sort_keys=False, allow_unicode=True, width=120, default_flow_style=False)
        for block in blocks
    )
    return lines + "\n".join(dumped)


def differences(before: Mapping[str, Any], after: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[Change]:
    """What differs, entry by entry; what is all new or all gone is one entry."""
    for name in [*before, *(name for name in after if name not in before)]:
        was, is_now, here = before.get(name), after.get(name), (*path, name)
        if was == is_now:
            continue
        if isinstance(was, dict) and isinstance(is_now, dict):
            yield from differences(was, is_now, here)
        else:
            yield Change(".".join(here), was, is_now)


def check_known(names: Mapping[str, Any], known: Sequence[str]) -> None:
    """Raises UnknownEntry, or Misspelt when an entry is nearly one of those that are known."""
    for name in names:
        if name in known:
            continue
        near = get_close_matches(str(name), known, n=1)
        if near:
            raise Misspelt(name=str(name)[:60], meant=near[0])
        raise UnknownEntry(name=str(name)[:60], known=", ".join(known))


def mapping(value: Any) -> dict[str, Any]:
    """The value, if it is entries by texts. Raises WrongValue."""
    if not isinstance(value, dict) or any(not isinstance(name, str) for name in value):
        raise WrongValue(value=str(value)[:60], expected=_("entries by name"))
    return value
