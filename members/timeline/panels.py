"""What the rooms below show in the list: joining, consents, sales, returns, notes. Imported when the floor is ready."""

from collections.abc import Iterable, Sequence

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.consents.models import ConsentChange
from members.history.models import Change
from members.history.panels import Speaker
from members.kit.money import format_money
from members.kit.names import named
from members.notes.models import Note
from members.profiles.models import Member
from members.purchases.models import Return, Sale
from members.tags.models import Tagging
from members.timeline.rules import Shown, Source, register


def joining(member: Member) -> QuerySet[Member]:
    """The member's own row, and those of whom was merged into them."""
    own = Member.objects.filter(pk=member.pk)
    return (own | Member.objects.merged_into(member)).select_related("home_store")


def show_joining(rows: Sequence[Member], member: Member) -> Iterable[Shown]:
    for row in rows:
        words = _("Became a member") if row.pk == member.pk else _("Became a member as %(number)s")
        more = f"{named(row.home_store)} · {row.get_source_display()}"
        yield Shown(words % {"number": row.number}, more, tone="good")


def show_sales(rows: Sequence[Sale], member: Member) -> Iterable[Shown]:
    for sale in rows:
        more = " · ".join([named(sale.store), sale.get_channel_display(), sale.receipt])
        url = reverse("admin:members_sale_change", args=[sale.pk])
        yield Shown(_("Purchase"), more, url, format_money(sale.amount))


def show_returns(rows: Sequence[Return], member: Member) -> Iterable[Shown]:
    for each in rows:
        more = " · ".join([named(each.store), each.get_state_display(), each.receipt])
        url = reverse("admin:members_return_change", args=[each.pk])
        tone = "" if each.state == Return.State.DONE else "warn"
        yield Shown(_("Goods came back"), more, url, format_money(-each.amount) if each.amount else "", tone)


def show_notes(rows: Sequence[Note], member: Member) -> Iterable[Shown]:
    for note in rows:
        by = note.written_by.username if note.written_by else ""
        more = " · ".join(filter(None, [by, state_of(note)]))
        url = reverse("admin:members_note_change", args=[note.pk])
        yield Shown(note.words or _("A note that was withdrawn"), more, url, tone="warn" if note.is_open else "")


def state_of(note: Note) -> str:
    """What is or was to be done; empty for a plain note."""
    if note.is_open and note.due_on is not None:
        return _("to be done by %(day)s") % {"day": date_format(note.due_on)}
    if note.done_at is not None:
        return _("done by %(by)s") % {"by": note.done_by.username if note.done_by else "—"}
    return ""


register(
    Source(
        "joining",
        gettext_lazy("Joining"),
        "person_add",
        "members.view_member",
        joining,
        show_joining,
        at="enrolled_at",
        on_page=False,
    )
)
register(
    Source(
        "sale",
        gettext_lazy("Purchases"),
        "receipt_long",
        "members.view_sale",
        lambda member: Sale.objects.of(member).select_related("store"),
        show_sales,
    )
)
register(
    Source(
        "return",
        gettext_lazy("Returns"),
        "assignment_return",
        "members.view_return",
        lambda member: Return.objects.of(member).select_related("store"),
        show_returns,
    )
)


def show_consents(rows: Sequence[ConsentChange], member: Member) -> Iterable[Shown]:
    for change in rows:
        about = " · ".join(filter(None, [change.get_purpose_display(), change.get_channel_display()]))
        words = _("Yes to %(about)s") if change.is_given else _("No to %(about)s")
        tone = "good" if change.is_given else "warn"
        yield Shown(words % {"about": about}, change.get_source_display(), tone=tone)


register(
    Source(
        "consent",
        gettext_lazy("Consents"),
        "verified_user",
        "members.view_consentchange",
        ConsentChange.objects.of_family,
        show_consents,
        on_page=False,
    )
)
register(
    Source(
        "note",
        gettext_lazy("Notes and tasks"),
        "sticky_note_2",
        "members.view_note",
        lambda member: Note.objects.of(member).select_related("written_by", "done_by"),
        show_notes,
        at="written_at",
    )
)


def show_changes(rows: Sequence[Change], member: Member) -> Iterable[Shown]:
    """Each change with who did it; of somebody who was merged under their number."""
    speaker = Speaker(rows)
    numbers = dict(Member.objects.merged_into(member).values_list("pk", "number")) if rows else {}
    for change in rows:
        by = change.by.username if change.by else ""
        more = [str(change.get_door_display()), by, numbers.get(change.member_id, "")]
        words = _("%(field)s changed: %(change)s")
        said = words % {"field": speaker.title(change), "change": speaker.words(change)}
        yield Shown(said, " · ".join(filter(None, more)))


register(
    Source(
        "change",
        gettext_lazy("Changes of the profile"),
        "edit_note",
        "members.view_change",
        lambda member: Change.objects.of_family(member).open_to_all().select_related("by"),
        show_changes,
        at="changed_at",
        on_page=False,
    )
)


def show_tags(rows: Sequence[Tagging], member: Member) -> Iterable[Shown]:
    for each in rows:
        until = _("until %(day)s") % {"day": date_format(each.until)} if each.until and not each.ended_at else ""
        ended = _("ended on %(day)s") % {"day": date_format(each.ended_at)} if each.ended_at else ""
        by = each.by.username if each.by else ""
        more = " · ".join(filter(None, [by, each.why, until, ended]))
        yield Shown(_("Tag “%(tag)s”") % {"tag": named(each.tag)}, more)


register(
    Source(
        "tag",
        gettext_lazy("Tags"),
        "label",
        "members.view_tagging",
        lambda member: Tagging.objects.of_family(member).select_related("tag", "by"),
        show_tags,
        at="since",
        on_page=False,
    )
)
