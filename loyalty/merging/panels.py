"""A merge in rows that people can read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.forms import BoundField, Form
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from loyalty.ledger.models import PointKind
from loyalty.merging.actions import Preview
from loyalty.merging.models import Merge
from loyalty.tiers.models import Ladder, Tier
from members.kit.names import named
from members.people.models import Person
from members.profiles.models import CustomField, Member
from members.stores.models import Store, User
from members.timeline.rules import Shown, Source, register

FIELDS = {
    "name": _("Name"),
    "birth_on": _("birthday"),
    "language": _("language"),
    "home_store": _("home store"),
    "person.family_name": _("family name"),
    "person.given_name": _("given name"),
    "person.gender": _("gender"),
    "person.occupation": _("occupation"),
    "person.interests": _("interests"),
    "person.birthday": _("birthday kept by"),
}
COUNTED = {  # what is said of the rows that go over
    "members_identity": _("ways to be found"),
    "members_sale": _("sales"),
    "members_return": _("returns"),
    "loyalty_event": _("events"),
    "loyalty_grant": _("given tiers"),
    "loyalty_treat": _("treats"),
    "loyalty_correction": _("corrections that wait"),
    "members_message": _("messages"),
    "suppressed": _("messages not sent twice"),
}


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field of both profiles, and whose value is kept. `is_same`: there is nothing to choose."""

    label: Any
    ours: str
    theirs: str
    field: BoundField
    side: str
    is_same: bool


def field_rows(preview: Preview, form: Form, reader: User) -> list[FieldRow]:
    """Both profiles side by side; what the reader may not see is chosen as usual."""
    further = {f"custom.{each.code}": named(each) for each in CustomField.objects.seen_by(reader)}
    labels = FIELDS | further
    rows = []
    for name, side in preview.choices.items():
        if name not in labels:
            continue
        ours, theirs = preview.ours.get(name), preview.theirs.get(name)
        rows.append(
            FieldRow(
                label=labels[name],
                ours=as_words(name, ours),
                theirs=as_words(name, theirs),
                field=form[f"choice_{name}"],
                side=side,
                is_same=(ours or None) == (theirs or None),
            )
        )
    return rows


def as_words(name: str, value: Any) -> str:
    """A value as the reader reads it."""
    if value in (None, ""):
        return "—"
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if name == "home_store":
        return named(Store.objects.filter(pk=value).first())
    if name == "person.gender":
        return str(Person.Gender(value).label)
    if name == "person.birthday":
        return f"{Person.Calendar(value[0]).label} {value[1]}-{value[2]}"
    if name == "language":
        return str(dict(Member._meta.get_field("language").flatchoices).get(value, value))
    return str(value)


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """One kind of points: pending, active and held of both before, and of the survivor after."""

    kind: PointKind
    ours: list[int]
    theirs: list[int]
    after: list[int]


def balance_rows(outcome: Mapping[str, Any]) -> list[BalanceRow]:
    """The balances before and after, of kinds of which anybody has some."""
    before, after = outcome.get("balances", {}), outcome.get("balances_after", {})
    rows = [
        BalanceRow(kind, before[kind.code]["survivor"], before[kind.code]["duplicate"], after[kind.code]["after"])
        for kind in PointKind.objects.order_by("pk")
        if kind.code in before and kind.code in after
    ]
    return [row for row in rows if any(row.ours) or any(row.theirs)]


def tier_rows(outcome: Mapping[str, Any]) -> list[tuple[Ladder, list[Tier | None]]]:
    """The tiers of both before, and of the survivor after, by ladder."""
    said = outcome.get("tiers", {})
    tiers = Tier.objects.in_bulk([pk for row in said.values() for pk in row if pk])
    ladders = Ladder.objects.main_first().filter(pk__in=[int(pk) for pk in said])
    return [(ladder, [tiers.get(pk) if pk else None for pk in said[str(ladder.pk)]]) for ladder in ladders]


def counted(outcome: Mapping[str, Any]) -> list[tuple[Any, int]]:
    """How many rows of what go over."""
    counts = outcome.get("counts", {})
    return [(words, counts[table]) for table, words in COUNTED.items() if counts.get(table)]


def show_merges(rows: Sequence[Merge], member: Member) -> Iterable[Shown]:
    """Merges as lines of a member's time."""
    for merge in rows:
        words = (
            gettext("%(number)s was merged into this member")
            if merge.undone_at is None
            else gettext("%(number)s was merged into this member, and parted again")
        )
        url = reverse("admin:loyalty_merge_change", args=[merge.pk])
        yield Shown(words % {"number": merge.duplicate_number}, merge.reason, url)


register(
    Source(
        "merge",
        _("Merges"),
        "call_merge",
        "loyalty.view_merge",
        Merge.objects.of,
        show_merges,
        at="merged_at",
        on_page=False,
    )
)
