"""What a member chooses about messages: by what, about what, how often, until when not."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from members.consents.models import ASKED, Channel, Purpose, Wording
from members.consents.rules import ANY
from members.contact.models import Preference, Topic
from members.contact.rules import LONGEST_PAUSE, MOST_A_MONTH, ZONES
from members.kit.names import named
from members.preferences.actions import Pair, answers_of, channels_of
from members.profiles.models import Member

CITIES = {
    "Asia/Shanghai": _("China (Beijing time)"),
    "Asia/Hong_Kong": _("Hong Kong"),
    "Asia/Taipei": _("Taipei"),
    "Asia/Tokyo": _("Tokyo"),
    "Asia/Singapore": _("Singapore"),
    "Australia/Sydney": _("Sydney"),
    "Europe/London": _("London"),
    "Europe/Berlin": _("Berlin, Paris"),
    "America/New_York": _("New York"),
    "America/Los_Angeles": _("Los Angeles"),
}


class AnswersForm(forms.Form):
    """A tick for each purpose and channel, each with the words that a yes agrees to."""

    def __init__(self, *args: Any, member: Member, with_profiling: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stands = answers_of(member)
        self.channels = channels_of(member)
        for purpose in ASKED:
            for channel in self.channels:
                self.add(purpose, channel, Channel(channel).label)
        if with_profiling:
            self.add(Purpose.PROFILING, ANY, _("Choose for me by what I buy"))

    def add(self, purpose: str, channel: str, label: Any) -> None:
        """One tick."""
        initial = self.stands[(str(purpose), str(channel))]
        self.fields[f"{purpose}-{channel}"] = forms.BooleanField(label=label, required=False, initial=initial)

    @property
    def wanted(self) -> dict[Pair, bool]:
        """What the ticks say."""
        pairs = (name.partition("-") for name in self.fields if "-" in name)
        return {(purpose, channel): self.cleaned_data[f"{purpose}-{channel}"] for purpose, _dash, channel in pairs}

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The ticks by purpose, with the newest words."""
        newest = {each.purpose: each for each in Wording.objects.order_by("version")}
        purposes = dict.fromkeys(name.partition("-")[0] for name in self.fields if "-" in name)
        return [
            {
                "purpose": purpose,
                "name": NAMES[purpose],
                "wording": newest.get(purpose),
                "ticks": [self[name] for name in self.fields if name.startswith(f"{purpose}-")],
            }
            for purpose in purposes
        ]


NAMES = {
    "care": _("Greetings"),
    "marketing": _("News and offers"),
    "survey": _("Questions to you"),
    "profiling": _("Recommendations"),
}


class PreferenceForm(AnswersForm):
    """The whole page: ticks, topics, how often, a pause, and where the member lives."""

    topics = forms.MultipleChoiceField(label=_("What about"), required=False, widget=forms.CheckboxSelectMultiple)
    most_a_month = forms.TypedChoiceField(label=_("How often"), required=False, coerce=int, empty_value=None)
    paused_until = forms.DateField(
        label=_("No messages until"),
        required=False,
        help_text=_("Only what your membership needs is sent until that day."),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )
    time_zone = forms.ChoiceField(
        label=_("Where you are"), required=False, help_text=_("So that nothing rings at night.")
    )

    def __init__(self, *args: Any, member: Member, **kwargs: Any) -> None:
        super().__init__(*args, member=member, **kwargs)
        chosen = Preference.objects.filter(member=member).first() or Preference(member=member)
        offered = list(Topic.objects.offered())
        self.offered = {topic.code for topic in offered}
        self.kept = [code for code in chosen.unwanted if code not in self.offered]
        self.fields["topics"].choices = [(topic.code, named(topic)) for topic in offered]  # type: ignore[attr-defined]
        self.initial["topics"] = [topic.code for topic in offered if topic.code not in chosen.unwanted]
        often = sorted({1, 2, 4, 8, MOST_A_MONTH} | ({chosen.most_a_month} if chosen.most_a_month else set()))
        self.fields["most_a_month"].choices = [  # type: ignore[attr-defined]
            ("", _("As the shop thinks right")),
            *((each, _("At most %(number)s a month") % {"number": each}) for each in often),
        ]
        self.initial["most_a_month"] = chosen.most_a_month
        today = timezone.localdate()
        self.initial["paused_until"] = chosen.paused_until if (chosen.paused_until or today) > today else None
        widget = self.fields["paused_until"].widget
        widget.attrs |= {"min": str(today), "max": str(today + timedelta(days=LONGEST_PAUSE))}
        self.fields["time_zone"].choices = [  # type: ignore[attr-defined]
            ("", _("Where the shop is")),
            *((zone, CITIES[zone]) for zone in ZONES),
        ]
        self.initial["time_zone"] = chosen.time_zone

    @property
    def choices(self) -> dict[str, Any]:
        """How often and about what, as the verb takes it."""
        said = self.cleaned_data
        return {
            "unwanted": [*self.kept, *sorted(self.offered - set(said["topics"]))],
            "most_a_month": said["most_a_month"],
            "paused_until": said["paused_until"],
            "time_zone": said["time_zone"],
        }
