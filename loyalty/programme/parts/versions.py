"""Things whose saying stands in versions: the file has the newest, another saying is a new version, the old stay."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from loyalty.programme.parts.fields import Fields, moment
from loyalty.programme.parts.part import Turn
from loyalty.programme.rules import Things, mapping, within


@dataclass(frozen=True, slots=True)
class Versioned:
    """A kind of such things: its own fields, those of its versions, how these are read, and the verb of a new one."""

    things: Fields
    versions: Fields
    link: str  # from a version to its thing
    read: Callable[[Mapping[str, Any]], dict[str, Any]]
    change: Callable[..., Any]

    def stands(self) -> Things:
        """Every thing that says something, by code."""
        code = f"{self.link}__code"
        newest = self.versions.model._default_manager.order_by(code, "-number").distinct(code).select_related(self.link)
        return {
            getattr(version, self.link).code: self.things.said(getattr(version, self.link))
            | self.versions.said(version)
            for version in newest
        }

    def write(self, code: str, says: Any, turn: Turn) -> None:
        """A thing as the file says it, from now on or from `valid_from`."""
        entries = mapping(says)
        own = self.things.read(entries, more=(*self.versions.names, "valid_from"))
        values = self.versions.read(entries, more=(*self.things.names, "valid_from"))
        thing: Any = self.things.model._default_manager.filter(code=code).first() or self.things.model(code=code)
        if thing.pk is None or any(getattr(thing, name) != value for name, value in own.items()):
            self.things.put(thing, own)
        saying = self.read(values)
        last = thing.versions.order_by("-number").first()
        if last is not None and all(getattr(last, name) == saying[name] for name in self.versions.names):
            return
        version = self.versions.model(**{self.link: thing}, **saying)
        version.clean_fields(exclude=[self.link, "number", "valid_from"])
        with within("valid_from"):
            starts = moment(entries["valid_from"]) if entries.get("valid_from") else None
        self.change(**{self.link: thing}, now=turn.now, by=turn.by, valid_from=starts, **values)
