"""The form in which staff say on which days and on whom a draft is tried."""

from datetime import date
from typing import Any

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from loyalty.backtest.actions import first_sale
from loyalty.backtest.rules import CODES, Whom, check_period, presets
from loyalty.conditions.tree import uses
from loyalty.promotions.models import PromotionVersion
from loyalty.rulebook.forms import names_with, one_day, several, tick
from loyalty.rulebook.models import RuleVersion
from loyalty.tiers.models import Tier
from loyalty.whatif.models import LadderDraft
from members.kit.refusals import Refusal
from members.segments.models import Segment
from members.stores.models import Store

OWN = "own"  # days that are typed
TITLES = {
    "months_1": _("last month"),
    "months_3": _("the last 3 months"),
    "months_12": _("the last 12 months"),
    "year_ago": _("the same days last year"),
}
AT_FIELD = {
    "period_empty": "last", "period_to_come": "last", "period_before_sales": "last", "period_too_long": "first",
}  # fmt: skip


class BacktestForm(forms.Form):
    """`asked` is what the verb takes."""

    period = forms.ChoiceField(label=_("sales of"), widget=forms.RadioSelect)
    first = one_day(_("first day"))
    last = one_day(_("last day"))
    moves_back = tick(_("move its own dates back a year"))

    def __init__(self, data: Any = None, *, tried: RuleVersion | PromotionVersion | LadderDraft, today: date) -> None:
        ladder = tried.ladder if isinstance(tried, LadderDraft) else None
        super().__init__(data, initial={"period": "months_12" if ladder else "months_3"})
        conditions = {} if isinstance(tried, LadderDraft) else tried.conditions
        self.today, self.presets = today, presets(today, conditions)
        self.earliest = first_sale() if ladder else None
        if ladder:
            del self.presets["year_ago"]  # a ladder has no days of its own
            self.fields["period"].label = _("on which days")
        self.asked: dict[str, Any] = {}
        shown = {code: f"{date_format(first)} – {date_format(last)}" for code, (first, last) in self.presets.items()}
        choices = [(code, f"{TITLES[code]} ({days})") for code, days in shown.items()]
        self.fields["period"].choices = [*choices, (OWN, _("other days"))]  # type: ignore[attr-defined]
        if not uses(conditions, "dates"):
            del self.fields["moves_back"]
        tiers = ladder.tiers.order_by("threshold") if ladder else Tier.objects.order_by("ladder", "threshold")
        for name, label, rows in (
            ("stores", _("only members with these home stores"), Store.objects.order_by("code")),
            ("tiers", _("only members who hold these tiers now"), tiers),
            ("segments", _("only members who are in these segments now"), Segment.objects.live().by_name()),
        ):
            self.fields[name] = several(label, names_with(rows), help_text=_("None ticked: all of them."))
        self.fields["enrolled_from"] = one_day(_("only members who joined from this day"))
        self.fields["enrolled_to"] = one_day(_("until this day"))

    def clean(self) -> dict[str, Any]:
        """The days are read here as the verb reads them, so that each refusal stands at its field."""
        said = super().clean() or self.cleaned_data
        first, last = self.presets.get(said.get("period", ""), (said.get("first"), said.get("last")))
        for name, day in (("first", first), ("last", last)):
            if day is None and name not in self.errors:
                self.add_error(name, forms.ValidationError(_("This is needed here."), code="required"))
        if self.errors or first is None or last is None:
            return said
        try:
            check_period(first=first, last=last, today=self.today, earliest=self.earliest)
        except Refusal as refusal:
            self.add_error(AT_FIELD[refusal.code], forms.ValidationError(str(refusal), code=refusal.code))
        named: dict[str, Any] = {name: tuple(said[name]) for name in CODES}
        whom = Whom(**named, enrolled_from=said.get("enrolled_from"), enrolled_to=said.get("enrolled_to"))
        moves_back = said["period"] == "year_ago" or bool(said.get("moves_back"))
        self.asked = {"first": first, "last": last, "whom": whom, "years_back": int(moves_back)}
        return said
