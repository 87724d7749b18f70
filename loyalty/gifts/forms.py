"""What a member says who gives points."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from loyalty.gifts.models import LONGEST_NOTE
from loyalty.ledger.models import PointKind
from loyalty.ledger.rules import MOST_POINTS
from members.kit.names import named

FIELD_OF = {  # which field a refusal speaks of
    "unknown_member": "to", "bad_phone": "to", "bad_identity": "to", "bad_email": "to", "gift_to_oneself": "to",
    "gift_too_small": "points", "gift_too_large": "points", "gift_day_full": "points", "gift_month_full": "points",
    "not_enough_points": "points",
}  # fmt: skip


class GiftForm(forms.Form):
    """To whom, how many of which kind, and a word with it."""

    to = forms.CharField(
        label=_("To whom"),
        max_length=60,
        help_text=_("Their phone or member number"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    points = forms.IntegerField(label=_("How many"), min_value=1, max_value=MOST_POINTS)
    kind = forms.ChoiceField(label=_("Kind of points"))
    note = forms.CharField(label=_("A word with it"), max_length=LONGEST_NOTE, required=False)
    key = forms.CharField(widget=forms.HiddenInput, max_length=40)

    def __init__(self, *args: Any, kinds: list[PointKind], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kinds = {kind.code: kind for kind in kinds}
        field = self.fields["kind"]
        field.choices = [(kind.code, named(kind)) for kind in kinds]  # type: ignore[attr-defined]
        if len(kinds) == 1:
            field.widget, self.initial["kind"] = forms.HiddenInput(), kinds[0].code

    def clean_kind(self) -> PointKind:
        return self.kinds[self.cleaned_data["kind"]]
