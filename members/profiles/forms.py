"""What members may change about themselves."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from members.kit.names import named, worded
from members.profiles.models import CustomField, Member
from members.profiles.rules import LONGEST_FIELD

FURTHER = "further_"  # before the code of a further field, in the names of form fields
THEMES = ("light", "dark")
REFUSED = {"bad_name": "name", "bad_birthday": "birth_on"}  # which field a refusal speaks of


class ProfileForm(forms.Form):
    """Name, birthday, and what the shop asks. What may not be changed by the member is not a field here."""

    name = forms.CharField(
        label=_("Name"), max_length=100, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    birth_on = forms.DateField(
        label=_("Birthday"),
        required=False,
        help_text=_("So that we can wish you well on the day."),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "autocomplete": "bday"}),
    )

    def __init__(self, *args: Any, member: Member, **kwargs: Any) -> None:
        kwargs["initial"] = {"name": member.name, "birth_on": member.birth_on}
        super().__init__(*args, **kwargs)
        for field in CustomField.objects.shown_to_members().filter(is_asked=True):
            self.fields[FURTHER + field.code] = further_field(field, PLAIN)
            self.initial[FURTHER + field.code] = initial_of(member.custom.get(field.code))

    @property
    def changes(self) -> dict[str, Any]:
        """What was typed, as the verb takes it."""
        said = self.cleaned_data
        return {name: said[name] for name in ("name", "birth_on")} | {"custom": further_of(said)}

    def refuse(self, refusal: Any) -> None:
        """Show a refusal at the field of which it speaks."""
        name = FURTHER + str(refusal.facts.get("field", ""))
        self.add_error(name if name in self.fields else REFUSED.get(refusal.code), str(refusal))


PLAIN: dict[str, Any] = {
    CustomField.Kind.TEXT: forms.TextInput,
    CustomField.Kind.NUMBER: forms.TextInput(attrs={"inputmode": "decimal"}),
    CustomField.Kind.DATE: forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    CustomField.Kind.CHOICE: forms.Select,
    CustomField.Kind.YES_NO: forms.Select,
}


def further_field(field: CustomField, widgets: Mapping[str, Any]) -> forms.Field:
    """The form field for one of the shop's further fields, drawn by the widget for its kind."""
    said: dict[str, Any] = {
        "label": named(field),
        "required": field.is_required,
        "help_text": worded(field, "help"),
        "widget": widgets[field.kind],
    }
    match field.kind:
        case CustomField.Kind.NUMBER:
            return forms.DecimalField(**said)
        case CustomField.Kind.DATE:
            return forms.DateField(**said)
        case CustomField.Kind.CHOICE:
            return forms.ChoiceField(choices=[("", "—"), *((each, each) for each in field.choices)], **said)
        case CustomField.Kind.YES_NO:
            return forms.ChoiceField(choices=[("", "—"), ("true", _("yes")), ("false", _("no"))], **said)
        case _text:
            return forms.CharField(max_length=LONGEST_FIELD, **said)


def initial_of(value: Any) -> Any:
    """A kept value as a form shows it."""
    return str(value).lower() if isinstance(value, bool) else value


def further_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """The values of further fields by their codes, out of what a form was told."""
    return {name.removeprefix(FURTHER): value for name, value in said.items() if name.startswith(FURTHER)}


class CustomFieldForm(forms.ModelForm[CustomField]):
    """A further field; its choices are typed a line each."""

    choices = forms.CharField(
        label=_("choices"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=_("One a line, for fields of the kind “choice”."),
    )

    class Meta:
        model = CustomField
        exclude = ()  # noqa: DJ006 - the desk names them

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["choices"] = "\n".join(self.instance.choices)

    def clean_choices(self) -> list[str]:
        """The lines, each once. A choice that members have made stays."""
        lines = dict.fromkeys(line.strip() for line in self.cleaned_data["choices"].splitlines())
        said = [line for line in lines if line]
        if any(len(line) > LONGEST_FIELD for line in said):
            raise forms.ValidationError(_("A choice has at most %(most)s characters.") % {"most": LONGEST_FIELD})
        for gone in set(self.instance.choices) - set(said):
            if Member.objects.filter(custom__contains={self.instance.code: gone}).exists():
                words = _("Members have chosen “%(choice)s”. Keep it, or archive the field.")
                raise forms.ValidationError(words % {"choice": gone}, code="choice_in_use")
        return said

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        kind = said.get("kind") or self.instance.kind
        if kind == CustomField.Kind.CHOICE and "choices" in said and not said["choices"]:
            self.add_error("choices", _("Say what there is to choose from."))
        if said.get("is_asked") and not said.get("is_shown"):
            self.add_error("is_asked", _("What members fill in they also see."))
        return said
