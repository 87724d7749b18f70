"""Where a sale was made, by what means it was paid, and what else the till said of it."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty.conditions.case import BadCondition, Bound, Test, any_of_codes, codes, listed
from members.purchases.models import Channel, Tender


def read_attribute(test: str, value: Any) -> dict[str, list[str]]:
    """`{"gift_wrap": ["yes"]}`: attributes of the sale, each with the values that will do."""
    if not isinstance(value, dict) or not value:
        raise BadCondition(test=test, expected=gettext_lazy("attributes, each with its values"))
    return {str(name): codes(test, wanted) for name, wanted in value.items()}


def has_attributes(wants: dict[str, list[str]]) -> Any:
    """Every attribute has one of its values."""
    wanted = {name: frozenset(values) for name, values in wants.items()}
    return lambda case: all(str(case.attributes.get(name, "")) in values for name, values in wanted.items())


def attributes_in_sql(wants: dict[str, list[str]], bound: Bound) -> str:
    """The same of a sale in the database."""
    parts = [
        f"coalesce(s.attributes ->> {bound(name)}::text, '') = ANY ({bound(values)}::text[])"
        for name, values in wants.items()
    ]
    return f"({' AND '.join(parts)})"


def stores_in_sql(wants: list[str], bound: Bound) -> str:
    """Whether the sale was made in one of the stores."""
    return f"s.store_id = ANY (ARRAY(SELECT id FROM members_store WHERE code = ANY ({bound(wants)}::text[])))"


def one_of(field: str) -> Any:
    """Makes checks that a field of the case is one of the codes."""

    def holds(wants: list[str]) -> Any:
        wanted = frozenset(wants)
        if field == "store":
            return lambda case: case.store in wanted
        if field == "channel":
            return lambda case: case.channel in wanted
        return lambda case: case.tender in wanted

    return holds


def from_choices(choices: Any) -> Any:
    """Reads codes that must be among the choices."""

    def read(test: str, value: Any) -> list[str]:
        wanted = codes(test, value)
        if not set(wanted) <= set(choices.values):
            raise BadCondition(test=test, expected=", ".join(choices.values))
        return wanted

    return read


def labels(choices: Any, wants: list[str]) -> str:
    """Codes as their labels."""
    return listed([choices(each).label for each in wants])


PLACES = {
    "store": Test(
        gettext_lazy("stores"),
        codes,
        one_of("store"),
        lambda wants: _("in the stores %(stores)s") % {"stores": listed(wants)},
        stores_in_sql,
    ),
    "channel": Test(
        gettext_lazy("channels"),
        from_choices(Channel),
        one_of("channel"),
        lambda wants: _("bought by %(channels)s") % {"channels": labels(Channel, wants)},
        any_of_codes("s.channel"),
    ),
    "tender": Test(
        gettext_lazy("means of payment"),
        from_choices(Tender),
        one_of("tender"),
        lambda wants: _("paid by %(tenders)s") % {"tenders": labels(Tender, wants)},
        any_of_codes("s.tender"),
    ),
    "attribute": Test(
        gettext_lazy("attributes of the sale"),
        read_attribute,
        has_attributes,
        lambda wants: listed([f"{name}: {listed(values)}" for name, values in wants.items()]),
        attributes_in_sql,
    ),
}
