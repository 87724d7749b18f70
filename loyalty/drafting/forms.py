"""The form in which staff say a rule version, and the short one of the preset."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from loyalty.conditions.times import WEEKDAYS
from loyalty.conditions.tree import TESTS, read_tree, words_of
from loyalty.drafting.rules import (
    COUNTED,
    PLAIN,
    digest,
    joined,
    limits_as_fields,
    limits_from,
    read_pairs,
    read_text,
    read_whole,
    read_windows,
    say_pairs,
    say_windows,
    simple,
    text_of,
)
from loyalty.ledger.models import PointKind
from loyalty.limits.models import Budget
from loyalty.limits.rules import LONGEST_COOLDOWN, MOST, PERIODS
from loyalty.reckoning.rules import SALE
from loyalty.rulebook.forms import (
    Typed,
    chosen,
    factor,
    listed,
    money,
    names_with,
    one_day,
    several,
    text_area,
    text_box,
    thing,
    tick,
    whole,
)
from loyalty.rulebook.models import EarningRule, RuleVersion
from loyalty.rulebook.rules import EVENTS, VersionInPast, read_saying
from loyalty.tiers.models import Tier
from members.kit.refusals import Refusal
from members.purchases.models import Channel, Tender
from members.segments.models import Segment
from members.stores.models import Store

OTHER = "other"  # an event that the list does not name
SPARSE = ("product", "category", "brand", "not_product", "not_category", "not_brand")
LIVES = {"months": "expires_after_months", "day": "expires_on", "idle": "idle_months"}
MATTERS = {  # what each effect looks at
    "per_amount": ("points", "per_amount", "rounding", "basis", "counts_paid_by_points", "uses_tier_multiplier"),
    "fixed": ("points",),
    "multiply": ("percent", "stacking", "rounding"),
}
NEEDED = {"per_amount": ("points", "per_amount"), "fixed": ("points",), "multiply": ("percent",)}
ALWAYS = ("is_on", "kind", "effect", "budget", "priority", "group", "stops", "waits", "pending_days", "waits_for")
AT_FIELD = {  # where a refusal of the whole is shown
    "no_amount": "effect",
    "event_missing": "waits_for",
    "bad_multiplier": "percent",
    "version_in_past": "valid_from",
}
GROUPS = (
    ("when", _("When it begins"), ("valid_from", "is_on")),
    ("about", _("What it is about"), ("about", "other_event")),
    (
        "gives",
        _("What it gives"),
        ("kind", "effect", "points", "per_amount", "percent", "stacking", "rounding", "basis", "uses_tier_multiplier",
         "counts_paid_by_points"),
    ),
    (
        "conditions",
        _("Who, where and when"),
        ("together", "store", "tier", "segment", "channel", "tender", "weekday", "hours", "first_day", "last_day",
         "member_day", "min_amount", "min_quantity", "product", "category", "brand", "first_purchase", "nth_purchase",
         "every_purchases", "birthday_month", "attribute", "as_text", "tree"),
    ),
    ("lines", _("Which lines count"), tuple(f"lines_{name}" for name in SPARSE)),
    ("limits", _("Limits of one member"), (*(f"{n}_{p}" for n in COUNTED for p in PERIODS), *PLAIN)),
    ("company", _("Beside other rules"), ("priority", "group", "stops")),
    (
        "life",
        _("When points become active and how long they last"),
        ("waits", "pending_days", "waits_for", "lives", "expires_after_months", "idle_months", "expires_on",
         "expires_rounding"),
    ),
    ("budget", _("Budget"), ("budget",)),
)  # fmt: skip


class SayingForm(forms.Form):
    """What a version says of when, for whom and where. `said` is what its verb takes; `is_confirmed` that it was shown.

    Those that follow say their own fields, how these are grouped, and how a verb reads what they say.
    """

    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    valid_from = forms.DateTimeField(
        label=_("valid from"),
        required=False,
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local", "class": "box"}),
        help_text=_("Empty: from now on."),
    )
    is_on = tick(_("is on"), help_text=_("Without the tick the rule gives nothing from then on."))
    together = chosen(_("holds when"), [("all", _("all of these hold")), ("any", _("any of these holds"))])
    channel = several(_("channels"), Channel.choices)
    tender = several(_("means of payment"), Tender.choices)
    weekday = several(_("weekdays"), list(enumerate(WEEKDAYS, start=1)), coerce=int)
    hours = Typed(read_windows, say_windows, label=_("hours"), help_text=_("18:00-22:00; past midnight as two windows"))
    first_day = one_day(_("first day"))
    last_day = one_day(_("last day"))
    member_day = Typed(
        read_whole,
        lambda days: ", ".join(map(str, days)),
        label=_("days of the month"),
        help_text=_("For example 8, 18"),
    )
    min_amount = money(label=_("amount at least"))
    min_quantity = whole(1, 100_000, label=_("pieces at least"))
    product = listed(label=_("products"), help_text=_("SKUs with commas"))
    category = listed(label=_("categories"))
    brand = listed(label=_("brands"))
    first_purchase = tick(_("first purchase"))
    nth_purchase = Typed(read_whole, lambda days: ", ".join(map(str, days)), label=_("purchase number"))
    every_purchases = whole(2, 100_000, label=_("every so many purchases"))
    birthday_month = tick(_("birthday month"))
    attribute = Typed(
        read_pairs, say_pairs, label=_("attributes of the sale"), widget=text_area(2), help_text=_("wrap: yes, no")
    )
    as_text = tick(_("say the conditions as text (for experts)"))
    tree = forms.CharField(label=_("conditions (YAML)"), required=False, widget=text_area(10), strip=False)
    priority = whole(0, 32_767, label=_("priority (small first)"))
    group = forms.SlugField(label=_("group of which the best wins"), max_length=40, required=False, widget=text_box())
    stops = tick(_("stops those after it"))

    shown: tuple[tuple[str, Any, tuple[str, ...]], ...] = ()  # groups of fields: code, title, names
    at_field: Mapping[str, str] = {}  # where a refusal of the whole is shown
    read: Callable[[Mapping[str, Any]], dict[str, Any]]

    def __init__(self, data: Any = None, *, initial: dict[str, Any], start: Any, last: Any) -> None:
        super().__init__(data, initial=initial)
        self.start, self.last = start, last
        self.said: dict[str, Any] = {}
        stores, tiers, segments = (self.initial.get(name, []) for name in ("store", "tier", "segment"))
        self.fields["store"] = several(_("stores"), names_with(Store.objects.order_by("code"), stores))
        self.fields["tier"] = several(
            _("tiers"), names_with(Tier.objects.of_main_ladder().order_by("threshold"), tiers)
        )
        self.fields["segment"] = several(
            _("segments"),
            names_with(Segment.objects.live().by_name(), segments),
            help_text=_("Who was in one of them when it happened, as the last night found out."),
        )

    def needed(self, said: Mapping[str, Any]) -> list[str]:
        """Fields that what was chosen cannot do without."""
        raise NotImplementedError

    def saying(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """What the fields say, as the verb takes it; fields that do not matter are left out."""
        raise NotImplementedError

    @property
    def groups(self) -> Iterator[tuple[str, Any, list[forms.BoundField]]]:
        """The fields as the page shows them."""
        for code, title, names in self.shown:
            yield code, title, [self[name] for name in names]

    @property
    def is_deep(self) -> bool:
        """Whether the version to begin from says more than the fields can show."""
        return simple(self.start.conditions) is None

    @property
    def deep_words(self) -> str:
        """The conditions of that version in words."""
        return words_of(self.start.conditions)

    @property
    def is_confirmed(self) -> bool:
        """Whether just this was shown before."""
        return bool(self.data.get("confirm")) and self.cleaned_data.get("seen") == self.digest

    @property
    def digest(self) -> str:
        """Of what would be kept."""
        return digest({name: getattr(value, "pk", value) for name, value in self.said.items()})

    def clean(self) -> dict[str, Any]:
        """Everything is read here as the verb reads it, so that each refusal stands at its field."""
        said = super().clean() or self.cleaned_data
        for name in self.needed(said):
            if said.get(name) in (None, "") and name not in self.errors:
                self.add_error(name, forms.ValidationError(_("This is needed here."), code="required"))
        self.said = self.saying(said)
        self.follow_the_last(said.get("valid_from"))
        if not self.errors:
            try:
                self.said = type(self).read(self.said)
            except Refusal as refusal:
                self.refuse(refusal)
        return said

    def refuse(self, refusal: Refusal) -> None:
        """Show a refusal at the field that it is about."""
        self.add_error(self.at_field.get(refusal.code), forms.ValidationError(str(refusal), code=refusal.code))

    def follow_the_last(self, valid_from: datetime | None) -> None:
        """Versions follow one another in time."""
        if self.last is not None and (valid_from or timezone.now()) < self.last.valid_from:
            since = f"{timezone.localtime(self.last.valid_from):%Y-%m-%d %H:%M}"
            self.refuse(VersionInPast(since=since))

    def conditions(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """The tree, out of the text or out of the fields; what cannot be used is refused at its field."""
        try:
            if said.get("as_text"):
                return read_tree(read_text(said.get("tree") or ""))
            tests = {name: said[name] for name in TESTS if said.get(name)}
            dates = {"from": said.get("first_day"), "to": said.get("last_day")}
            if any(dates.values()):
                tests["dates"] = {name: day.isoformat() for name, day in dates.items() if day}
        except Refusal as refusal:
            self.add_error("tree", forms.ValidationError(str(refusal), code=refusal.code))
            return {}
        return joined(said.get("together") or "all", self.read_tests(tests))

    def read_tests(self, tests: Mapping[str, Any]) -> dict[str, Any]:
        """Each test as it is kept."""
        read = {}
        for name, wants in tests.items():
            try:
                read[name] = TESTS[name].read(name, wants)
            except Refusal as refusal:
                field = "last_day" if name == "dates" else name
                self.add_error(field, forms.ValidationError(str(refusal), code=refusal.code))
        return read


class VersionForm(SayingForm):
    """What an earning rule says from a moment on."""

    about = chosen(_("about"), [(SALE, _("a sale")), *EVENTS.items(), (OTHER, _("another event"))])
    other_event = forms.SlugField(label=_("code of the event"), max_length=40, required=False, widget=text_box())
    effect = chosen(_("gives"), RuleVersion.Effect.choices)
    points = whole(1, 1_000_000, label=_("points"))
    per_amount = money(label=_("for each (money spent)"), help_text=_("For example 1 or 12.50"))
    percent = factor(label=_("times"), help_text=_("2 doubles; up to 10"))
    stacking = chosen(_("with other multipliers"), RuleVersion.Stacking.choices)
    rounding = chosen(_("rounding"), RuleVersion.Rounding.choices)
    basis = chosen(_("counts amounts"), RuleVersion.Basis.choices)
    uses_tier_multiplier = tick(_("times the tier's multiplier"))
    counts_paid_by_points = tick(_("counts what is paid with points"))
    waits = chosen(_("pending"), RuleVersion.Waits.choices)
    pending_days = whole(0, 3_660, label=_("pending days"))
    waits_for = forms.SlugField(
        label=_("event that makes them active"), max_length=40, required=False, widget=text_box()
    )
    lives = chosen(
        _("expire"),
        [("", _("never")), ("months", _("after months")), ("day", _("after a day")),
         ("idle", _("after months without activity"))],
    )  # fmt: skip
    expires_after_months = whole(1, 240, label=_("months"))
    idle_months = whole(1, 240, label=_("months without activity"))
    expires_on = one_day(_("last day of the points"))
    expires_rounding = chosen(_("and lasts until"), [("", _("the very day")), *RuleVersion.UpTo.choices])

    shown = GROUPS
    at_field = AT_FIELD
    read = staticmethod(read_saying)

    def __init__(
        self, data: Any = None, *, rule: EarningRule, last: RuleVersion | None, start: RuleVersion | None = None
    ) -> None:
        begin = start or last or RuleVersion(rule=rule)
        super().__init__(data, initial=fields_of(begin), start=begin, last=last)
        self.fields["kind"] = thing(PointKind.objects.order_by("pk"), _("point kind"), empty_label=None)
        self.fields["budget"] = thing(
            Budget.objects.filter(is_for_prices=False).order_by("pk"),
            _("budget"),
            required=False,
            empty_label=_("none"),
        )
        for name in SPARSE:
            self.fields[f"lines_{name}"] = listed(label=LINES[name])
        for period, words in PERIODS.items():
            self.fields[f"times_{period}"] = whole(1, MOST, label=_("times %(period)s") % {"period": words})
            self.fields[f"points_{period}"] = whole(1, MOST, label=_("points %(period)s") % {"period": words})
        self.fields["per_sale"] = whole(1, MOST, label=_("points a sale"))
        self.fields["cooldown_hours"] = whole(1, LONGEST_COOLDOWN, label=_("hours until the next time"))

    def needed(self, said: Mapping[str, Any]) -> list[str]:
        """What the chosen effect, event and life need."""
        needed = [*NEEDED.get(said.get("effect", ""), ())]
        needed += ["other_event"] if said.get("about") == OTHER else []
        return needed + ([LIVES[said["lives"]]] if said.get("lives") else [])

    def saying(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """What the fields say, as the verb takes it; fields that do not matter are left out."""
        wanted = [*ALWAYS, *MATTERS.get(said.get("effect", ""), ())]
        says = {name: said[name] for name in wanted if said.get(name) is not None}
        lives = LIVES.get(said.get("lives", ""))
        if lives:
            says |= {lives: said.get(lives), "expires_rounding": said.get("expires_rounding", "")}
        return says | {
            "valid_from": said.get("valid_from"),
            "trigger": said.get("other_event", "") if said.get("about") == OTHER else said.get("about") or SALE,
            "conditions": self.conditions(said),
            "lines": {name: said[f"lines_{name}"] for name in SPARSE if said.get(f"lines_{name}")},
            "limits": limits_from(said),
            "budget": said.get("budget"),
        }


LINES = {
    "product": _("only these products"),
    "category": _("only these categories"),
    "brand": _("only these brands"),
    "not_product": _("not these products"),
    "not_category": _("not these categories"),
    "not_brand": _("not these brands"),
}


def fields_of(version: RuleVersion) -> dict[str, Any]:
    """What a form shows that begins from what a version says."""
    names = {*ALWAYS, *MATTERS["per_amount"], "percent", "stacking", *LIVES.values(), "expires_rounding"}
    shown = {name: getattr(version, name) for name in names if name not in ("kind", "budget")}
    shown |= {"kind": version.kind_id, "budget": version.budget_id}
    flat = simple(version.conditions)
    together, tests = flat or ("all", {})
    dates = tests.get("dates", {})
    is_known = version.trigger == SALE or version.trigger in EVENTS
    return {
        **shown,
        **tests,
        **limits_as_fields(version.limits),
        **{f"lines_{name}": codes for name, codes in version.lines.items()},
        "together": together,
        "first_day": dates.get("from"),
        "last_day": dates.get("to"),
        "as_text": flat is None,
        "tree": text_of(version.conditions),
        "about": version.trigger if is_known else OTHER,
        "other_event": "" if is_known else version.trigger,
        "lives": next((life for life, name in LIVES.items() if getattr(version, name)), ""),
    }


class PresetForm(forms.Form):
    """More points for some days: what a weekend in two stores needs, and no more."""

    name_zh = forms.CharField(label=_("name in Chinese"), max_length=60, widget=text_box())
    name_en = forms.CharField(label=_("name in English"), max_length=60, widget=text_box())
    first = one_day(_("first day"), required=True)
    last = one_day(_("last day"), required=True)
    percent = factor(label=_("times"), initial="2", required=True, help_text=_("2 doubles; up to 10"))
    total = whole(1, MOST, label=_("budget: at most so many points"), help_text=_("Empty: no budget."))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["stores"] = several(
            _("stores"), names_with(Store.objects.order_by("code")), help_text=_("None ticked: all of them.")
        )
        self.fields["tiers"] = several(
            _("tiers"), names_with(Tier.objects.order_by("threshold")), help_text=_("None ticked: all of them.")
        )

    def refuse(self, refusal: Refusal) -> None:
        """Show a refusal at the field that it is about."""
        at = {
            "preset_exists": "name_en",
            "budget_exists": "name_en",
            "empty_window": "last",
            "bad_multiplier": "percent",
        }
        self.add_error(at.get(refusal.code), forms.ValidationError(str(refusal), code=refusal.code))
