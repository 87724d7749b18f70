"""Changes of profiles in words: fields by their names, values as people read them."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from members.addresses.rules import country_names
from members.advisers.actions import name_of
from members.history.models import Change
from members.kit.names import named
from members.people.models import Person
from members.profiles.models import CustomField, Identity, Member
from members.stores.models import Store, User

CUSTOM = "custom."
FIELDS: dict[str, str | Promise] = {
    "name": _("name"),
    "birth_on": _("birthday"),
    "language": _("language"),
    "home_store": _("home store"),
    **{kind.value: kind.label for kind in Identity.Kind},
    "family_name": _("family name"),
    "given_name": _("given name"),
    "gender": _("gender"),
    "occupation": _("occupation"),
    "interests": _("interests"),
    "calendar": _("birthday kept by"),
    "birth_month": _("month of the birthday"),
    "birth_day": _("day of the birthday"),
    "country": _("country"),
    "province": _("province"),
    "city": _("city"),
    "district": _("district"),
    "street": _("street and house"),
    "postcode": _("postcode"),
    "adviser_id": _("adviser"),
}
CHOICES: dict[str, dict[Any, Any]] = {
    "language": dict(Member._meta.get_field("language").flatchoices),
    "gender": dict(Person.Gender.choices),
    "calendar": dict(Person.Calendar.choices),
}
ANSWERS = {"true": _("yes"), "false": _("no")}


class Speaker:
    """Says changes in words; reads what it needs for that once."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self.changes = list(changes)
        fields = {each.field for each in self.changes}
        codes = [each.removeprefix(CUSTOM) for each in fields if each.startswith(CUSTOM)]
        self.further = {each.code: each for each in CustomField.objects.filter(code__in=codes)} if codes else {}
        self.staff = {str(each.pk): name_of(each) for each in staff_of(self.changes)}
        self.stores = {str(each.pk): named(each) for each in Store.objects.all()} if "home_store" in fields else {}

    def title(self, change: Change) -> str:
        """What the field is called; a further field that is gone by its code."""
        code = change.field.removeprefix(CUSTOM)
        if change.field.startswith(CUSTOM):
            return named(self.further[code]) if code in self.further else code
        return str(FIELDS.get(change.field, change.field))

    def value(self, change: Change, text: str) -> str:
        """A value as people read it."""
        if text == "":
            return "—"
        field = self.further.get(change.field.removeprefix(CUSTOM)) if change.field.startswith(CUSTOM) else None
        if field is not None and field.kind == CustomField.Kind.YES_NO:
            return str(ANSWERS.get(text, text))
        named_elsewhere = {"home_store": self.stores, "adviser_id": self.staff}.get(change.field)
        if named_elsewhere is not None:
            return named_elsewhere.get(text, text)
        if change.field == "birth_on" or (field is not None and field.kind == CustomField.Kind.DATE):
            day = parse_date(text)
            return date_format(day) if day else text
        if change.field == "country":
            return country_names(get_language() or "").get(text, text)
        return str(CHOICES.get(change.field, {}).get(text, text))

    def words(self, change: Change) -> str:
        """From what to what."""
        return f"{self.value(change, change.before)} → {self.value(change, change.after)}"


def staff_of(changes: Iterable[Change]) -> Iterable[User]:
    """Who is named in changes of the adviser."""
    said = [text for each in changes if each.field == "adviser_id" for text in (each.before, each.after) if text]
    return User.objects.filter(pk__in=said) if said else []


def changes_told(members: Sequence[int]) -> list[dict[str, Any]]:
    """The changes of these members as the privacy centre tells them."""
    speaker = Speaker(Change.objects.filter(member__in=members).newest_first())
    return [
        {
            "when": change.changed_at,
            "field": speaker.title(change),
            "before": speaker.value(change, change.before),
            "after": speaker.value(change, change.after),
            "by": str(change.get_door_display()),
        }
        for change in speaker.changes
    ]
