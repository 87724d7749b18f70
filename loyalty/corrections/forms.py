"""What a person asks for at the desk."""

from typing import Any, ClassVar
from uuid import uuid4

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from loyalty.corrections.actions import ask_correction, ask_write_off
from loyalty.corrections.models import Correction, CorrectionReason
from loyalty.ledger.models import PointKind
from loyalty.ledger.rules import MOST_POINTS
from members.kit.names import named
from members.kit.refusals import Refusal
from members.profiles.models import Member
from members.stores.models import User

WAYS = [("give", _("give points")), ("take", _("take points")), ("forgive", _("forgive debt"))]


class CorrectionForm(forms.ModelForm[Correction]):
    """Whose points, how many which way, and why. The key makes a second click harmless."""

    reader: ClassVar[User]
    number = forms.CharField(label=_("member number"), widget=UnfoldAdminTextInputWidget)
    way = forms.ChoiceField(label=_("what"), choices=WAYS, widget=UnfoldAdminSelectWidget)
    amount = forms.IntegerField(
        label=_("points"), min_value=1, max_value=MOST_POINTS, widget=UnfoldAdminIntegerFieldWidget
    )
    once = forms.CharField(widget=forms.HiddenInput)

    class Meta:
        model = Correction
        fields = ("kind", "reason", "note")
        help_texts = {
            "reason": _("The member reads it in the statement."),
            "note": _("For staff only: what happened, and who was asked."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds, reasons = self.fields["kind"], self.fields["reason"]
        kinds.queryset = PointKind.objects.order_by("pk")  # type: ignore[attr-defined]
        reasons.queryset = CorrectionReason.objects.filter(is_on=True).order_by("pk")  # type: ignore[attr-defined]
        for field in (kinds, reasons):
            field.label_from_instance = named  # type: ignore[attr-defined]
            field.empty_label = None  # type: ignore[attr-defined]
        self.fields["once"].initial = uuid4().hex

    def clean_number(self) -> Member:
        number = self.cleaned_data["number"].strip()
        member = Member.objects.visible_to(self.reader).filter(number=number).first()
        if member is None:
            raise forms.ValidationError(_("None of your members has this number."), code="unknown_member")
        return member

    def clean(self) -> dict[str, Any]:
        """Ask right here, so that a refusal stands beside the form."""
        said = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                self.asked = self.ask(said)
            except Refusal as refusal:
                raise forms.ValidationError(str(refusal), code=refusal.code) from None
        return said

    def ask(self, said: dict[str, Any]) -> Correction:
        """What the verb made of it."""
        verb = ask_write_off if said["way"] == "forgive" else ask_correction
        return verb(
            member=said["number"],
            kind=said["kind"],
            points=-said["amount"] if said["way"] == "take" else said["amount"],
            reason=said["reason"],
            note=said["note"],
            by=self.reader,
            key=said["once"],
            now=timezone.now(),
        )

    def save(self, commit: bool = True) -> Correction:
        return self.asked

    def save_m2m(self) -> None:
        """There is nothing of the kind."""
