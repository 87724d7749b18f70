"""The parts of a profile that can count: what fills them, what makes them fresh, where members fill them in."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

CUSTOM = "custom."


@dataclass(frozen=True, slots=True)
class Part:
    """Something of a profile. `filled` is SQL over the joins of `sql.STATE`; `fields` are those of its history."""

    title: str | Promise
    filled: str
    fields: tuple[str, ...]
    page: str = ""  # the name of the members' page where it is filled in; empty: in a store


OF_KIND = "EXISTS (SELECT FROM members_identity i WHERE i.member_id = m.id AND i.kind = '{kind}')"
PARTS = {
    "name": Part(_("name"), "m.name <> ''", ("name", "family_name", "given_name"), "me"),
    "birthday": Part(
        _("birthday"),
        "m.birth_on IS NOT NULL OR coalesce(p.calendar, '') <> ''",
        ("birth_on", "calendar", "birth_month", "birth_day"),
        "about_me",
    ),
    "gender": Part(_("gender"), "coalesce(p.gender, '') <> ''", ("gender",), "about_me"),
    "occupation": Part(_("occupation"), "coalesce(p.occupation, '') <> ''", ("occupation",), "about_me"),
    "interests": Part(_("interests"), "coalesce(p.interests, '') <> ''", ("interests",), "about_me"),
    "phone": Part(_("phone"), OF_KIND.format(kind="phone"), ("phone",)),
    "email": Part(_("e-mail"), OF_KIND.format(kind="email"), ("email",)),
    "address": Part(
        _("address"),
        "coalesce(a.city, '') <> ''",
        ("country", "province", "city", "district", "street", "postcode"),
        "my_address",
    ),
    "photo": Part(_("photo"), "ph.id IS NOT NULL", (), "change_photo"),
}
