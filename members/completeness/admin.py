"""The staff's door to fullness: which parts of a profile count, and when members are reminded."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from members.completeness.actions import names_of
from members.completeness.models import FullnessRule, ProfilePart
from members.completeness.rules import CUSTOM, PARTS
from members.kit.admin import Kept
from members.kit.names import named
from members.profiles.models import CustomField


def part_choices() -> list[tuple[str, str]]:
    """What is of every profile, and the shop's further fields."""
    own = [(code, str(part.title)) for code, part in PARTS.items()]
    return own + [(CUSTOM + each.code, named(each)) for each in CustomField.objects.in_use()]


class PartForm(forms.ModelForm[ProfilePart]):
    code = forms.ChoiceField(label=_("part"), choices=part_choices, widget=UnfoldAdminSelectWidget)

    class Meta:
        model = ProfilePart
        fields = ("code", "weight", "months")


@admin.register(ProfilePart)
class ProfilePartDesk(Kept):
    """What counts towards a whole profile. What does not count any more is deleted."""

    form = PartForm
    list_display = ("part", "weight", "months")
    ordering = ("-weight", "code")
    fields = ("code", "weight", "months")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.has_change_permission(request, obj))

    @display(description=_("part"))
    def part(self, row: ProfilePart) -> str:
        found = names_of([row.code])
        return found[row.code].title if row.code in found else row.code


@admin.register(FullnessRule)
class FullnessRuleDesk(Kept):
    """One row."""

    list_display = ("pk", "is_on", "months")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
