"""Who is to look after a member."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members.advisers.actions import advisers_for, name_of
from members.profiles.models import Member
from members.stores.models import User


class StaffField(forms.ModelChoiceField):  # type: ignore[type-arg]  # Django has no classes with brackets
    """Staff by their names."""

    def label_from_instance(self, obj: User) -> str:
        return f"{name_of(obj)} ({obj.username})" if obj.first_name else obj.username


class AdviserForm(forms.Form):
    """One of those who work in the member's store."""

    adviser = StaffField(label=_("Adviser"), queryset=User.objects.none(), required=False, empty_label=_("nobody"))

    def __init__(self, *args: Any, member: Member, adviser: User | None, **kwargs: Any) -> None:
        is_with_us = adviser is not None and adviser.is_active
        kwargs["initial"] = {"adviser": adviser.pk if adviser is not None and is_with_us else None}
        super().__init__(*args, **kwargs)
        field: Any = self.fields["adviser"]
        field.queryset = advisers_for(member.home_store_id)

    def refuse(self, refusal: Any) -> None:
        self.add_error("adviser", str(refusal))
