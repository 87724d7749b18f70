"""What was bought: products, categories, brands, how much and how many."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty.conditions.case import BadCondition, Bound, Case, Clause, Goods, Test, codes, listed, number
from members.kit.money import LARGEST_AMOUNT, format_money
from members.purchases.rules import MOST_PIECES

FIELDS: Mapping[str, Callable[[Goods], str]] = {
    "product": attrgetter("sku"),  # faster than a function of ours
    "category": attrgetter("category"),
    "brand": attrgetter("brand"),
}


def any_line(field: str) -> Any:
    """Makes checks that a line has one of the codes."""
    value_of = FIELDS[field]

    def holds(wants: list[str]) -> Any:
        wanted = frozenset(wants)
        return lambda case: not wanted.isdisjoint(map(value_of, case.lines))

    return holds


def line_in_sql(field: str, wants: list[str], bound: Bound) -> str:
    """Whether a line `l` in the database has one of the codes."""
    codes = f"{bound(wants)}::text[]"
    if field == "product":
        return f"l.sku = ANY ({codes})"
    return f"l.sku = ANY (ARRAY(SELECT sku FROM members_product WHERE {field} = ANY ({codes})))"


def any_line_in_sql(field: str) -> Clause:
    """Makes clauses that a line of the sale has one of the codes."""
    exists = "EXISTS (SELECT FROM members_saleline l WHERE l.sale_id = s.id AND {})"
    return lambda wants, bound: exists.format(line_in_sql(field, wants, bound))


def pieces_in_sql(wants: int, bound: Bound) -> str:
    """Whether the lines hold so many pieces."""
    pieces = "(SELECT coalesce(sum(l.quantity), 0) FROM members_saleline l WHERE l.sale_id = s.id)"
    return f"{pieces} >= {bound(wants)}"


def pieces(case: Case) -> int:
    """How many pieces the lines hold."""
    return sum(line.quantity for line in case.lines)


def read_lines(value: Any) -> dict[str, list[str]]:
    """Which lines a rule looks at: products, categories and brands that count, and those with `not_` that do not."""
    known = {*FIELDS, *(f"not_{name}" for name in FIELDS)}
    if not isinstance(value, dict) or not set(value) <= known:
        raise BadCondition(test="lines", expected=", ".join(sorted(known)))
    return {name: codes(name, wanted) for name, wanted in value.items()}


def chooser(wants: Mapping[str, list[str]]) -> Callable[[Goods], bool]:
    """Whether a line counts: in one of the lists if there are any, and in none of those that begin with `not_`."""
    counts = [(FIELDS[name], frozenset(values)) for name, values in wants.items() if name in FIELDS]
    barred = [(FIELDS[name[4:]], frozenset(values)) for name, values in wants.items() if name not in FIELDS]

    def chosen(line: Goods) -> bool:
        for value_of, values in barred:  # plain loops: this is asked of every line by every rule
            if value_of(line) in values:
                return False
        for value_of, values in counts:
            if value_of(line) in values:
                return True
        return not counts

    return chosen


def chosen_in_sql(wants: Mapping[str, list[str]], bound: Bound) -> str:
    """Whether a line `l` in the database counts: what `chooser` says."""
    if not wants:
        return "true"
    counts = [line_in_sql(name, values, bound) for name, values in wants.items() if name in FIELDS]
    barred = [f"NOT {line_in_sql(name[4:], values, bound)}" for name, values in wants.items() if name not in FIELDS]
    either = [f"({' OR '.join(counts)})"] if counts else []
    return f"({' AND '.join(either + barred)})"


def words_of_lines(wants: Mapping[str, list[str]]) -> str:
    """Which lines count, in words."""
    said = [GOODS[name].says(values) for name, values in wants.items() if name in FIELDS]
    barred = [GOODS[name[4:]].says(values) for name, values in wants.items() if name not in FIELDS]
    return listed(said + [_("not: %(what)s") % {"what": each} for each in barred])


GOODS = {
    "min_amount": Test(
        gettext_lazy("amount at least"),
        number(1, LARGEST_AMOUNT),
        lambda wants: lambda case: case.amount >= wants,
        lambda wants: _("from %(amount)s up") % {"amount": format_money(wants)},
        lambda wants, bound: f"s.amount >= {bound(wants)}",
        lambda wants, case: wants - case.amount,
    ),
    "min_quantity": Test(
        gettext_lazy("pieces at least"),
        number(1, MOST_PIECES),
        lambda wants: lambda case: pieces(case) >= wants,
        lambda wants: _("from %(pieces)s pieces up") % {"pieces": wants},
        pieces_in_sql,
        lambda wants, case: wants - pieces(case),
    ),
    "product": Test(
        gettext_lazy("products"),
        codes,
        any_line("product"),
        lambda wants: _("products %(products)s") % {"products": listed(wants)},
        any_line_in_sql("product"),
    ),
    "category": Test(
        gettext_lazy("categories"),
        codes,
        any_line("category"),
        lambda wants: _("categories %(categories)s") % {"categories": listed(wants)},
        any_line_in_sql("category"),
    ),
    "brand": Test(
        gettext_lazy("brands"),
        codes,
        any_line("brand"),
        lambda wants: _("brands %(brands)s") % {"brands": listed(wants)},
        any_line_in_sql("brand"),
    ),
}
