"""The form with which staff give a tier."""

from datetime import datetime, time
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from loyalty.grants.actions import give_tier
from loyalty.tiers.models import Grant, Tier
from members.kit.names import named
from members.kit.refusals import Refusal
from members.profiles.models import Member
from members.stores.models import User


class TierChoice(forms.ModelChoiceField[Any]):
    """Tiers by the names that the reader reads, with their ladder."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{named(obj.ladder)}: {named(obj)}"


class GrantForm(forms.ModelForm[Any]):
    """Who gets which tier until when, and why. Saving it gives the tier."""

    reader: User

    number = forms.CharField(label=_("member number"), max_length=20, widget=UnfoldAdminTextInputWidget)
    last_day = forms.DateField(label=_("last day"), widget=UnfoldAdminDateWidget)
    reason = forms.CharField(label=_("reason"), max_length=200, widget=UnfoldAdminTextInputWidget)
    tier = TierChoice(
        label=_("tier"),
        queryset=Tier.objects.select_related("ladder").order_by("ladder__position", "threshold"),
        widget=UnfoldAdminSelectWidget,
    )

    class Meta:
        model = Grant
        fields = ("tier",)

    def clean_number(self) -> Member:
        """The member with this number, of a store where the reader works."""
        number = "".join(self.cleaned_data["number"].split())
        member = Member.objects.visible_to(self.reader).filter(number=number).first()
        if member is None:
            raise forms.ValidationError(_("Nobody in your stores has this number."))
        return member

    def clean(self) -> dict[str, Any]:
        """Give the tier; what the verb refuses is an error of the form."""
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            now = timezone.now()
            until = timezone.make_aware(datetime.combine(said["last_day"], time.max), timezone.get_default_timezone())
            try:
                self.instance = give_tier(
                    member=said["number"], ladder=said["tier"].ladder, tier=said["tier"], until=until,
                    reason=said["reason"], actor=f"staff:{self.reader.pk}", key=f"staff:{now.isoformat()}", now=now,
                )  # fmt: skip
            except Refusal as refusal:
                raise forms.ValidationError(str(refusal)) from refusal
        return said

    def _post_clean(self) -> None:
        """The verb has written it already."""

    def save(self, commit: bool = True) -> Grant:
        """What the verb wrote."""
        given: Grant = self.instance
        return given

    def save_m2m(self) -> None:
        """There is nothing beside it."""
