"""What the rooms below find worth knowing: a birthday, how long ago the last visit was, tasks. Imported when ready."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from members.advisers.actions import adviser_of, name_of
from members.counter.rules import Cue, register
from members.notes.models import Note
from members.people.actions import birthday_after
from members.profiles.models import Member
from members.purchases.models import Sale

BIRTHDAY_SOON = 7  # days
LONG_AWAY = timedelta(days=120)


def birthday(member: Member, now: datetime) -> Iterator[Cue]:
    """A birthday today or within a week."""
    today = timezone.localdate(now)
    coming = birthday_after(member, today)
    if coming is None:
        return
    days = (coming - today).days
    if days == 0:
        yield Cue(75, _("Birthday today"), _("Happy birthday. How lovely that you came in today."), "good", "cake")
    elif days <= BIRTHDAY_SOON:
        words = ngettext("Birthday tomorrow", "Birthday in %(days)s days", days) % {"days": days}
        yield Cue(55, words, _("Your birthday is coming up. May we put something aside for you?"), "good", "cake")


def visits(member: Member, now: datetime) -> Iterator[Cue]:
    """A first visit, or one after a long time."""
    last = Sale.objects.of(member).filter(happened_at__lte=now).newest_first().first()
    if last is None:
        yield Cue(45, _("Has not bought anything yet"), _("Welcome. May I show you around?"), "", "waving_hand")
    elif now - last.happened_at > LONG_AWAY:
        days = (now - last.happened_at).days
        words = _("Last purchase %(days)s days ago") % {"days": days}
        yield Cue(50, words, _("We have not seen you for a while. It is good to have you back."), "warn", "schedule")


def tasks(member: Member, now: datetime) -> Iterator[Cue]:
    """What colleagues left to be done."""
    today = timezone.localdate(now)
    for note in Note.objects.of(member).open_tasks().order_by("due_on", "pk")[:3]:
        due_on = note.due_on or today
        is_late = due_on <= today
        words = _("%(task)s, by %(day)s") % {"task": note.words, "day": date_format(due_on)}
        url = reverse("admin:members_note_change", args=[note.pk])
        yield Cue(80 if is_late else 40, words, "", "warn" if is_late else "", "task_alt", url)


def adviser(member: Member, now: datetime) -> Iterator[Cue]:
    """Who looks after the member, or that they left."""
    found = adviser_of(member)
    if found is None or found.adviser is None:
        return
    url = reverse("admin:member_adviser", args=[member.pk])
    if found.is_vacant:
        words = _("The adviser, %(name)s, has left")
        yield Cue(48, words % {"name": name_of(found.adviser)}, "", "warn", "support_agent", url)
    else:
        yield Cue(35, _("Adviser: %(name)s") % {"name": name_of(found.adviser)}, "", "", "support_agent", url)


register("adviser", "members.view_member", adviser)
register("birthday", "members.view_member", birthday)
register("visits", "members.view_sale", visits)
register("tasks", "members.view_note", tasks)
