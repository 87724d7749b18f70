"""What is asked of a person: the same of the member in the portal and of staff in the admin."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members.people.models import Person
from members.people.rules import LONGEST_PART, LONGEST_TEXT

REFUSED = {
    "bad_gender": "gender",
    "half_birthday": "calendar",
    "no_such_day": "birth_day",
    "no_such_month": "lunar_year",
    "bad_birthday": "lunar_year",
}  # which field a refusal speaks of
MONTHS = [("", "—"), *((number, str(number)) for number in range(1, 13))]
DAYS = [("", "—"), *((number, str(number)) for number in range(1, 32))]


class PersonForm(forms.Form):
    """All of it may be left empty."""

    family_name = forms.CharField(label=_("Family name"), max_length=LONGEST_PART, required=False)
    given_name = forms.CharField(label=_("Given name"), max_length=LONGEST_PART, required=False)
    gender = forms.ChoiceField(label=_("Gender"), choices=Person.Gender.choices, required=False)
    calendar = forms.ChoiceField(
        label=_("When is the birthday kept?"),
        choices=Person.Calendar.choices,
        required=False,
        help_text=_("A lunar birthday moves from year to year; the year of birth may stay unsaid."),
    )
    birth_month = forms.TypedChoiceField(label=_("Month"), choices=MONTHS, coerce=int, empty_value=None, required=False)
    birth_day = forms.TypedChoiceField(label=_("Day"), choices=DAYS, coerce=int, empty_value=None, required=False)
    lunar_year = forms.IntegerField(
        label=_("Lunar year of birth"),
        required=False,
        min_value=1850,
        max_value=2150,
        help_text=_("Only if it may be known: it also sets the date of birth."),
    )
    is_leap = forms.BooleanField(label=_("It was a leap month"), required=False)
    occupation = forms.CharField(label=_("Occupation"), max_length=LONGEST_TEXT, required=False)
    interests = forms.CharField(label=_("Interests"), max_length=LONGEST_TEXT, required=False)

    def __init__(self, *args: Any, person: Person, **kwargs: Any) -> None:
        names = [name for name in self.base_fields if name not in ("lunar_year", "is_leap")]
        kwargs["initial"] = {name: getattr(person, name) for name in names}
        super().__init__(*args, **kwargs)

    def refuse(self, refusal: Any) -> None:
        """Show a refusal at the field of which it speaks."""
        self.add_error(REFUSED.get(refusal.code), str(refusal))
