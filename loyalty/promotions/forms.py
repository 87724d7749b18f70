"""The form in which staff say a promotion's version, and the one for what points pay."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.widgets import INPUT_CLASSES, UnfoldAdminTextInputWidget

from loyalty.drafting.forms import LINES, SPARSE, SayingForm
from loyalty.drafting.rules import simple, text_of
from loyalty.limits.models import Budget
from loyalty.limits.rules import LONGEST_COOLDOWN, MOST, PERIODS
from loyalty.promotions.models import PayTerms, Promotion, PromotionVersion
from loyalty.promotions.rules import MOST_PIECES, WHOLE_PRICE, read_offer
from loyalty.rulebook.forms import chosen, listed, money, thing, tick, whole

OTHERS = {f"got_{name}": f"lines_{name}" for name in SPARSE}  # the fields of what is got, by those of what is bought
MATTERS = {  # what each effect looks at
    "amount_off": ("amount", "is_per_piece", "most"),
    "percent_off": ("percent", "rounding", "most"),
    "buy_get": ("buys", "gets", "percent", "sets", "rounding", "most"),
}
NEEDED = {"amount_off": ("amount",), "percent_off": ("percent",), "buy_get": ("buys", "gets", "percent")}
ALWAYS = ("is_on", "effect", "budget", "priority", "group", "stops", "combines")
GROUPS = (
    ("when", _("When it begins"), ("valid_from", "is_on")),
    (
        "gives",
        _("What it takes off"),
        ("effect", "amount", "is_per_piece", "buys", "gets", "percent", "rounding", "sets", "most"),
    ),
    ("bought", _("Which goods count"), tuple(f"lines_{name}" for name in SPARSE)),
    ("got", _("Which goods are got for less (empty: the same)"), tuple(OTHERS)),
    (
        "conditions",
        _("Who, where and when"),
        ("together", "store", "tier", "segment", "channel", "tender", "weekday", "hours", "first_day", "last_day",
         "member_day", "min_amount", "min_quantity", "product", "category", "brand", "first_purchase", "nth_purchase",
         "every_purchases", "birthday_month", "attribute", "as_text", "tree"),
    ),
    (
        "limits",
        _("Limits of one member"),
        (*(f"{name}_{period}" for name in ("times", "amount") for period in PERIODS), "cooldown_hours"),
    ),
    ("company", _("Beside other promotions"), ("combines", "priority", "group", "stops")),
    ("budget", _("Budget"), ("budget",)),
)  # fmt: skip


class PromotionForm(SayingForm):
    """What a promotion says from a moment on."""

    is_on = tick(_("is on"), help_text=_("Without the tick it takes nothing off from then on."))
    effect = chosen(_("gives"), PromotionVersion.Effect.choices)
    amount = money(label=_("amount off"), help_text=_("For example 5 or 12.50"))
    is_per_piece = tick(_("off each piece"))
    buys = whole(1, MOST_PIECES, label=_("buy so many pieces"))
    gets = whole(1, MOST_PIECES, label=_("get so many for less"))
    percent = whole(1, WHOLE_PRICE, label=_("percent off"), help_text=_("100 is free"))
    rounding = chosen(_("rounding"), PromotionVersion.Rounding.choices)
    sets = whole(1, MOST, label=_("at most so often in a sale"))
    most = money(label=_("at most so much off a sale"))
    combines = tick(_("combines with others"), help_text=_("Without the tick it holds alone, where it takes more off."))

    shown = GROUPS
    at_field = {
        "nothing_chosen": "lines_product",
        "budget_for_points": "budget",
        "bad_percent": "percent",
        "version_in_past": "valid_from",
    }
    read = staticmethod(read_offer)

    def __init__(
        self,
        data: Any = None,
        *,
        promotion: Promotion,
        last: PromotionVersion | None,
        start: PromotionVersion | None = None,
    ) -> None:
        begin = start or last or PromotionVersion(promotion=promotion)
        super().__init__(data, initial=fields_of(begin), start=begin, last=last)
        budgets = Budget.objects.filter(is_for_prices=True).order_by("pk")
        self.fields["budget"] = thing(budgets, _("budget"), required=False, empty_label=_("none"))
        for name in SPARSE:
            self.fields[f"lines_{name}"] = listed(label=LINES[name])
            self.fields[f"got_{name}"] = listed(label=LINES[name])
        for period, words in PERIODS.items():
            self.fields[f"times_{period}"] = whole(1, MOST, label=_("times %(period)s") % {"period": words})
            self.fields[f"amount_{period}"] = money(label=_("taken off %(period)s") % {"period": words})
        self.fields["cooldown_hours"] = whole(1, LONGEST_COOLDOWN, label=_("hours until the next time"))

    def needed(self, said: Mapping[str, Any]) -> list[str]:
        """What the chosen effect needs."""
        return list(NEEDED.get(said.get("effect", ""), ()))

    def saying(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """What the fields say, as the verb takes it; fields that do not matter are left out."""
        effect = said.get("effect", "")
        says = {name: said[name] for name in (*ALWAYS, *MATTERS.get(effect, ())) if said.get(name) is not None}
        got = {name.removeprefix("got_"): said[name] for name in OTHERS if said.get(name)}
        return says | {
            "valid_from": said.get("valid_from"),
            "conditions": self.conditions(said),
            "lines": {name: said[f"lines_{name}"] for name in SPARSE if said.get(f"lines_{name}")},
            "got_lines": got if effect == "buy_get" else {},
            "limits": limits_from(said),
            "budget": said.get("budget"),
        }


def limits_from(said: Mapping[str, Any]) -> dict[str, Any]:
    """Limits out of fields such as `times_day` and `amount_month`; those that are empty limit nothing."""
    limits: dict[str, Any] = {}
    for name in ("times", "amount"):
        most = {period: said[f"{name}_{period}"] for period in PERIODS if said.get(f"{name}_{period}")}
        if most:
            limits[name] = most
    return limits | ({"cooldown_hours": said["cooldown_hours"]} if said.get("cooldown_hours") else {})


def fields_of(version: PromotionVersion) -> dict[str, Any]:
    """What a form shows that begins from what a version says."""
    names = {name for matters in MATTERS.values() for name in matters} | set(ALWAYS) - {"budget"}
    flat = simple(version.conditions)
    together, tests = flat or ("all", {})
    dates = tests.get("dates", {})
    limits = {
        f"{name}_{period}": most
        for name in ("times", "amount")
        for period, most in version.limits.get(name, {}).items()
    }
    return {
        **{name: getattr(version, name) for name in names},
        **tests,
        **limits,
        **{f"lines_{name}": codes for name, codes in version.lines.items()},
        **{f"got_{name}": codes for name, codes in version.got_lines.items()},
        "cooldown_hours": version.limits.get("cooldown_hours"),
        "budget": version.budget_id,
        "together": together,
        "first_day": dates.get("from"),
        "last_day": dates.get("to"),
        "as_text": flat is None,
        "tree": text_of(version.conditions),
    }


class PayTermsForm(forms.ModelForm[PayTerms]):
    """What points pay; without a moment from now on."""

    worth = money(
        label=capfirst(_("pay so much")),
        required=True,
        help_text=_("For example 1.00"),
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
    )
    valid_from = forms.DateTimeField(
        label=capfirst(_("valid from")),
        required=False,
        widget=forms.DateTimeInput(
            format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local", "class": " ".join(INPUT_CLASSES)}
        ),
        help_text=_("Empty: from now on."),
    )

    class Meta:
        model = PayTerms
        fields = ("is_on", "kind", "points", "worth", "least", "step", "most_share", "valid_from")
