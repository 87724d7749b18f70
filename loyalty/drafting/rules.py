"""Between what people type and what a version says: lists, windows, attributes, trees as text. Pure."""

import re
from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from json import dumps
from typing import Any

import yaml
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from loyalty.limits.rules import PERIODS
from loyalty.rulebook.rules import read_list
from members.kit.refusals import Malformed, Refusal

DASH = re.compile(r"\s*[-–—~～至]\s*")
LONGEST_TEXT = 20_000  # of conditions as text
COUNTED = ("times", "points")  # what limits count by period
PLAIN = ("per_sale", "cooldown_hours")  # limits that are one number


class UnreadableText(Malformed):
    """The text of conditions is no YAML."""

    code = "unreadable_text"
    sentence = _("This text cannot be read: look at line %(line)s.")


class PresetExists(Refusal):
    """The same was set up before; a second click must not double it again."""

    code = "preset_exists"
    sentence = _("There is a rule of this name that begins on that day already.")


class UnreadableDraft(Refusal):
    """What a draft names is gone, or it was written down in another way."""

    code = "unreadable_draft"
    sentence = _("This draft cannot be read any more. Say the rule anew.")


class Reader(yaml.SafeLoader):
    """Reads only texts, whole numbers, true and false: 18:00 stays a time, and a day stays a day."""

    yaml_implicit_resolvers: dict[str, Any] = {}


for first in "-0123456789":
    Reader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^(?:0|-?[1-9][0-9]*)$"), [first])
Reader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def read_text(text: str) -> Any:
    """Conditions written as YAML. Raises UnreadableText, also for texts that repeat themselves by reference."""
    try:
        if len(text) > LONGEST_TEXT or any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise UnreadableText(line=1)
        return yaml.load(text, Reader) or {}  # noqa: S506 a safe loader, with fewer kinds of values
    except yaml.MarkedYAMLError as error:
        raise UnreadableText(line=error.problem_mark.line + 1 if error.problem_mark else 1) from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise UnreadableText(line=1) from None


def text_of(tree: Mapping[str, Any]) -> str:
    """Conditions as YAML, as `read_text` reads them."""
    return yaml.safe_dump(dict(tree), allow_unicode=True, sort_keys=False) if tree else ""


def simple(tree: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """How a tree joins its tests (all or any), and what each wants; None for a tree that a flat form cannot show."""
    if not tree:
        return "all", {}
    ((name, wants),) = tree.items()
    tests: dict[str, Any] = {}
    for part in wants if name in ("all", "any") else [tree]:
        ((test, wanted),) = part.items()
        if test in ("all", "any", "not") or test in tests:
            return None
        tests[test] = wanted
    return ("any" if name == "any" else "all"), tests


def joined(together: str, tests: Mapping[str, Any]) -> dict[str, Any]:
    """The tree of tests that all hold, or of which any holds."""
    return {together: [{test: wants} for test, wants in tests.items()]} if tests else {}


def read_whole(text: str) -> list[int | str]:
    """`8, 18`; what is no whole number stays as it was typed, to be refused by whoever knows what is wanted."""
    return [int(part) if part.isascii() and part.isdigit() and len(part) < 10 else part for part in read_list(text)]


def read_windows(text: str) -> list[list[str]]:
    """`18:00-22:00, 10:00-12:00` with dashes of any kind."""
    return [DASH.split(part) for part in read_list(text)]


def say_windows(windows: list[list[str]]) -> str:
    """Windows as `read_windows` reads them."""
    return ", ".join("-".join(window) for window in windows)


def read_pairs(text: str) -> dict[str, list[str]]:
    """`wrap: yes, no`, one attribute a line."""
    pairs = {}
    for line in filter(str.strip, text.splitlines()):
        name, _colon, values = line.replace("：", ":").partition(":")
        pairs[name.strip()] = read_list(values)
    return pairs


def say_pairs(pairs: Mapping[str, list[str]]) -> str:
    """Attributes as `read_pairs` reads them."""
    return "\n".join(f"{name}: {', '.join(values)}" for name, values in pairs.items())


def limits_from(said: Mapping[str, Any]) -> dict[str, Any]:
    """Limits out of fields such as `times_day` and `per_sale`; those that are empty limit nothing."""
    limits: dict[str, Any] = {}
    for name in COUNTED:
        most = {period: said[f"{name}_{period}"] for period in PERIODS if said.get(f"{name}_{period}")}
        if most:
            limits[name] = most
    return limits | {name: said[name] for name in PLAIN if said.get(name)}


def limits_as_fields(limits: Mapping[str, Any]) -> dict[str, int]:
    """What `limits_from` would read back."""
    fields = {f"{name}_{period}": most for name in COUNTED for period, most in limits.get(name, {}).items()}
    return fields | {name: limits[name] for name in PLAIN if name in limits}


def digest(said: Mapping[str, Any]) -> str:
    """Tells whether what is confirmed is what was shown."""
    return sha256(dumps(said, default=str, sort_keys=True).encode()).hexdigest()


def preset_code(name: str, first: date) -> str:
    """The code of a preset's rule and budget: the same preset twice has the same."""
    return f"{slugify(name)[:30].strip('-') or 'more'}-{first:%Y%m%d}"
