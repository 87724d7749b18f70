"""Who bought: tier, segment, how many purchases, birthday."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty.conditions.case import BadCondition, Bound, Case, Test, codes, listed, number, numbers
from members.people.rules import lunar_months

MOST_PURCHASES = 100_000
LUNAR_YEARS = (1990, 2060)  # of which past sales are asked; in others only birthdays by the sun are known


def on_tier(wants: list[str]) -> Any:
    """Whether the member stands on one of the tiers."""
    wanted = frozenset(wants)
    return lambda case: not wanted.isdisjoint(case.tiers)


def tiers_in_sql(wants: list[str], bound: Bound) -> str:
    """The same of a sale in the database."""
    ids = f"ARRAY(SELECT id FROM loyalty_tier WHERE code = ANY ({bound(wants)}::text[]))"
    return f"coalesce(t.tier = ANY ({ids}), false)"


def in_segment(wants: list[str]) -> Any:
    """Whether the member was in one of the segments."""
    wanted = frozenset(wants)
    return lambda case: not wanted.isdisjoint(case.segments)


def segments_in_sql(wants: list[str], bound: Bound) -> str:
    """The same of a sale in the database."""
    return f"""EXISTS (SELECT FROM members_membership b JOIN members_segment g ON g.id = b.segment_id
                 WHERE b.member_id = s.member_id AND g.code = ANY ({bound(wants)}::text[])
                   AND b.since <= s.happened_at AND (b.until IS NULL OR b.until > s.happened_at))"""


def yes(test: str, value: Any) -> bool:
    """Only true makes sense; the opposite is said with `not`."""
    if value is not True:
        raise BadCondition(test=test, expected=gettext_lazy("true; put it under “not” for the opposite"))
    return True


def in_birthday_month(case: Case) -> bool:
    """Whether the member's birthday is kept in the month, by the sun or by the moon."""
    return case.birthday is not None and case.birthday.is_in_month_of(case.at.date())


def birthdays_in_sql(_wants: bool, bound: Bound) -> str:
    """The same of a sale in the database: what the member said goes before the date of birth."""
    month = "extract(month FROM c.clock)"
    begins, lengths = zip(*lunar_months(*LUNAR_YEARS), strict=True)
    place = f"(extract(year FROM c.clock)::int - {LUNAR_YEARS[0]}) * 12 + p.birth_month"
    starts, sizes = f"({bound(list(begins))}::date[])", f"({bound(list(lengths))}::int[])"
    kept = " OR ".join(
        f"date_trunc('month', {starts}[{place} - {back}] + least(p.birth_day, {sizes}[{place} - {back}]) - 1)"
        f" = date_trunc('month', c.clock)"
        for back in (0, 12)
    )
    said = f"CASE p.calendar WHEN 'lunar' THEN {kept} ELSE p.birth_month = {month} END"
    return f"""coalesce((SELECT {said} FROM members_person p WHERE p.member_id = m.id AND p.calendar <> ''),
                 extract(month FROM m.birth_on) = {month}, false)"""


def among(wants: list[int]) -> Any:
    """Whether it is one of these purchases, counted from the member's first."""
    wanted = frozenset(wants)
    return lambda case: case.purchase in wanted


PEOPLE = {
    "tier": Test(
        gettext_lazy("tiers"),
        codes,
        on_tier,
        lambda wants: _("tier %(tiers)s") % {"tiers": listed(wants)},
        tiers_in_sql,
    ),
    "segment": Test(
        gettext_lazy("segments"),
        codes,
        in_segment,
        lambda wants: _("in the segment %(segments)s") % {"segments": listed(wants)},
        segments_in_sql,
    ),
    "first_purchase": Test(
        gettext_lazy("first purchase"),
        yes,
        lambda wants: lambda case: case.purchase == 1,
        lambda wants: _("on the first purchase"),
        lambda wants, bound: "n.purchase = 1",
    ),
    "nth_purchase": Test(
        gettext_lazy("these purchases"),
        numbers(1, MOST_PURCHASES),
        among,
        lambda wants: _("on purchase number %(numbers)s") % {"numbers": listed(wants)},
        lambda wants, bound: f"n.purchase = ANY ({bound(wants)}::bigint[])",
    ),
    "every_purchases": Test(
        gettext_lazy("every so many purchases"),
        number(2, MOST_PURCHASES),
        lambda wants: lambda case: case.purchase > 0 and case.purchase % wants == 0,
        lambda wants: _("on one purchase in %(number)s") % {"number": wants},
        lambda wants, bound: f"mod(n.purchase, {bound(wants)}) = 0",
    ),
    "birthday_month": Test(
        gettext_lazy("birthday month"),
        yes,
        lambda wants: in_birthday_month,
        lambda wants: _("in the birthday month"),
        birthdays_in_sql,
    ),
}
