"""A ladder written down as it was said, so that what was tried can be read when its draft has moved on. Pure."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from loyalty.tiers.rules import Ask, Climb, Measure, Step


def kept_climb(climb: Climb) -> dict[str, Any]:
    """A ladder as JSON keeps it."""
    return asdict(climb)


def read_climb(kept: Mapping[str, Any]) -> Climb:
    """What `kept_climb` wrote down."""
    return Climb(**{**kept, "steps": tuple(map(read_step, kept["steps"]))})


def read_step(kept: Mapping[str, Any]) -> Step:
    """A step of it."""
    asks = (Ask(Measure(**ask["measure"]), ask["threshold"], ask["keep"]) for ask in kept["asks"])
    return Step(**{**kept, "asks": tuple(asks)})
