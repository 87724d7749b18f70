"""Which tag, and why."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members.kit.names import named
from members.stores.models import User
from members.tags.models import Tag
from members.tags.rules import LONGEST_WHY


class TagField(forms.ModelChoiceField):  # type: ignore[type-arg]  # Django has no classes with brackets
    """Tags by their names, with how long they last."""

    def label_from_instance(self, obj: Tag) -> str:
        if obj.days is None:
            return named(obj)
        return str(_("%(tag)s (for %(days)s days)") % {"tag": named(obj), "days": obj.days})


class TagForm(forms.Form):
    """One of the tags that the reader may set."""

    tag = TagField(label=_("Tag"), queryset=Tag.objects.none())
    why = forms.CharField(label=_("Why"), max_length=LONGEST_WHY, required=False)

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["tag"]
        field.queryset = Tag.objects.settable_by(by).in_order()

    def refuse(self, refusal: Any) -> None:
        self.add_error("why" if refusal.code == "why_too_long" else "tag", str(refusal))
