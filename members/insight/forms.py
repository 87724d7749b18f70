"""What staff say on the pages of insight: which group to look at, and how the shop scores."""

from hashlib import sha256
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from members.kit.money import decimal_amount, minor_units
from members.kit.names import named
from members.kit.refusals import Refusal
from members.profiles.models import Member
from members.scores.models import MemberScore, RfmScheme
from members.scores.rules import BadCuts, Cell, Risk, check_cuts
from members.stores.models import Store

ANY = ("", "—")
DECILES = [("high", _("the best three tenths")), ("low", _("the lowest three tenths"))]


class GroupForm(forms.Form):
    """A group by what the night found, each choice narrowing it further."""

    cell = forms.ChoiceField(label=_("RFM cell"), choices=[ANY, *Cell.choices], required=False)
    risk = forms.ChoiceField(label=_("churn risk"), choices=[ANY, *Risk.choices], required=False)
    value = forms.ChoiceField(label=_("expected value"), choices=[ANY, *DECILES], required=False)
    store = forms.ModelChoiceField(label=_("home store"), queryset=Store.objects.none(), required=False)
    category = forms.ChoiceField(label=_("top category"), required=False)
    source = forms.ChoiceField(label=_("enrolled by"), choices=[ANY, *Member.Source.choices], required=False)

    def __init__(self, *args: Any, stores: QuerySet[Store], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["store"].queryset = stores  # type: ignore[attr-defined]
        self.fields["store"].label_from_instance = named  # type: ignore[attr-defined]
        known = MemberScore.objects.exclude(category="").order_by("category").values_list("category", flat=True)
        self.fields["category"].choices = [ANY, *((name, name) for name in known.distinct())]  # type: ignore[attr-defined]

    @property
    def chosen(self) -> list[str]:
        """The traits that were chosen, by the codes of a portrait's shares."""
        return [name for name, value in getattr(self, "cleaned_data", {}).items() if value]

    @property
    def key(self) -> str:
        """Stands for the choice where something is remembered."""
        said = sorted((name, str(value)) for name, value in getattr(self, "cleaned_data", {}).items() if value)
        return sha256(repr(said).encode()).hexdigest()[:32]

    def narrow(self, members: QuerySet[Member]) -> QuerySet[Member] | None:
        """Those who are meant; None when nothing was chosen, or nothing that can be."""
        if not self.is_valid():
            return None
        said = {name: value for name, value in self.cleaned_data.items() if value}
        ways = {"cell": "score__cell", "risk": "score__risk", "store": "home_store", "category": "score__category",
                "source": "source"}  # fmt: skip
        wanted = {ways[name]: value for name, value in said.items() if name in ways}
        if said.get("value"):
            wanted |= {"score__decile__gte": 8} if said["value"] == "high" else {"score__decile__lte": 3}
        return members.filter(**wanted) if wanted else None


class SchemeForm(forms.ModelForm[RfmScheme]):
    """How the shop scores. Own cuts are four numbers, separated by commas; money in whole units."""

    days = forms.IntegerField(
        label=_("window in days"), min_value=30, max_value=3650, widget=UnfoldAdminIntegerFieldWidget
    )
    recency = forms.CharField(
        label=_("days since the last purchase"), required=False, widget=UnfoldAdminTextInputWidget,
        help_text=_("Four numbers with commas, such as 30, 60, 120, 240: up to 30 days is the best class."),
    )  # fmt: skip
    frequency = forms.CharField(
        label=_("purchases in the window"), required=False, widget=UnfoldAdminTextInputWidget,
        help_text=_("Such as 1, 3, 6, 12: up to one purchase is the lowest class."),
    )  # fmt: skip
    spend = forms.CharField(
        label=_("spend in the window"), required=False, widget=UnfoldAdminTextInputWidget,
        help_text=_("Such as 200, 500, 1000, 3000, in whole money: up to 200 is the lowest class."),
    )  # fmt: skip

    class Meta:
        model = RfmScheme
        fields = ("days", "has_own_cuts", "recency", "frequency", "spend")
        help_texts = {"has_own_cuts": _("Otherwise fifths of the members who bought, anew each night.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kept = self.instance
        self.initial["recency"] = ", ".join(str(cut) for cut in kept.recency)
        self.initial["frequency"] = ", ".join(str(cut) for cut in kept.frequency)
        amounts = [decimal_amount(cut, currency=settings.SHOP_CURRENCY) for cut in kept.spend]
        self.initial["spend"] = ", ".join(f"{amount:f}" for amount in amounts)

    def clean_recency(self) -> list[int]:
        return self.cuts_in("recency", int)

    def clean_frequency(self) -> list[int]:
        return self.cuts_in("frequency", int)

    def clean_spend(self) -> list[int]:
        return self.cuts_in("spend", lambda text: minor_units(text, currency=settings.SHOP_CURRENCY))

    def cuts_in(self, name: str, read: Any) -> list[int]:
        """The four numbers of a field. Checked only where the shop's own cuts count."""
        text = self.cleaned_data.get(name) or ""
        if not text.strip() and not self.cleaned_data.get("has_own_cuts"):
            return []
        try:
            return check_cuts([read(part.strip()) for part in text.replace("，", ",").split(",")])
        except ValueError:
            raise forms.ValidationError(str(BadCuts()), code=BadCuts.code) from None
        except Refusal as refusal:
            raise forms.ValidationError(str(refusal), code=refusal.code) from None
