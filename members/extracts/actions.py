"""Verbs: write a list of members into a file, at once or by a worker, with what its reader may see."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from tempfile import NamedTemporaryFile
from typing import Any
from uuid import uuid4

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext, gettext_lazy

from members.extracts.models import Extract
from members.kit import uploads
from members.kit.names import named
from members.kit.refusals import Malformed, Refusal
from members.kit.sheets import MOST_ROWS, write_sheet
from members.kit.tables import write_rows
from members.profiles.actions import SEES_CONTACTS
from members.profiles.models import CustomField, Identity, Member
from members.profiles.rules import mask
from members.stores.models import User

AT_ONCE = 5_000  # members; longer lists are written by a worker
PORTION = 2_000  # members read from the database together
KEPT = timedelta(days=3)
EXPORTS = "members.export_member"
RUN_EXTRACT = "members.tasks.run_extract"
_ = gettext_lazy


class EmptyList(Malformed):
    code = "empty_list"
    sentence = _("Nobody is on this list.")


class ListTooLong(Refusal):
    code = "list_too_long"
    sentence = _("The list has more than %(most)s members. Narrow it down.")


class UnknownFormat(Malformed):
    code = "unknown_format"
    sentence = _("There is no format %(text)s.")


class Cancelled(Exception):
    """Somebody stopped it."""


def read_format(text: str) -> str:
    """The format again. Raises UnknownFormat."""
    if text not in Extract.Format.values:
        raise UnknownFormat(text=text[:10])
    return text


# Who wants to know whose contacts somebody takes away in full, before they are written; rooms above add themselves.
TAKEN: list[Callable[[list[int], User], None]] = []


@dataclass(frozen=True)
class Column:
    """A further column of lists: its name, and what stands in it for some members. Contacts are for who sees them."""

    title: Promise
    values: Callable[[Sequence[int]], Mapping[int, str]]
    is_contact: bool = False


MORE: list[Column] = []  # rooms above add theirs


def is_short(members: QuerySet[Any]) -> bool:
    """Whether the list is written while its reader waits."""
    return len(members.order_by().values_list("pk", flat=True)[: AT_ONCE + 1]) <= AT_ONCE


@transaction.atomic
def ask(*, members: QuerySet[Any], name: str, format: str, by: User) -> Extract:
    """Have a worker write the list as it stands now. Raises UnknownFormat, EmptyList or ListTooLong."""
    wanted = list(members.order_by("-pk").values_list("pk", flat=True)[: MOST_ROWS + 1])
    if not wanted:
        raise EmptyList
    if len(wanted) > MOST_ROWS:
        raise ListTooLong(most=f"{MOST_ROWS:,}")
    made = Extract.objects.create(
        name=name[:200], format=read_format(format), wanted=wanted, total=len(wanted), created_by=by,
        language=get_language() or "zh-hans",
    )  # fmt: skip
    transaction.on_commit(lambda: uploads.hand_out(task=RUN_EXTRACT, work=made.pk))
    return made


def rows_for(members: Iterable[int], user: User) -> Iterator[list[str]]:
    """The columns' names and a row for each member whom this person may see, contacts as they may see them."""
    fields = list(CustomField.objects.seen_by(user))
    yield [
        gettext("member number"), gettext("name"), gettext("birthday"), gettext("language"), gettext("home store"),
        gettext("enrolled at"), *(str(kind.label) for kind in Identity.Kind), *(named(each) for each in fields),
        *(str(column.title) for column in MORE),
    ]  # fmt: skip
    whole = user.has_perm(SEES_CONTACTS)
    for portion in portions(members):
        seen = Member.objects.visible_to(user).filter(pk__in=portion).select_related("home_store")
        found = list(seen.prefetch_related("identities").order_by("-pk"))
        for note in TAKEN if whole else ():
            note([member.pk for member in found], user)
        ids = [member.pk for member in found]
        more = [column.values(ids) if whole or not column.is_contact else {} for column in MORE]
        for member in found:
            yield [*row_of(member, fields, whole=whole), *(values.get(member.pk, "") for values in more)]


def portions(members: Iterable[int]) -> Iterator[list[int]]:
    """The ids in portions."""
    portion: list[int] = []
    for member in members:
        portion.append(member)
        if len(portion) == PORTION:
            yield portion
            portion = []
    if portion:
        yield portion


def row_of(member: Member, fields: Iterable[CustomField], *, whole: bool) -> list[str]:
    """One member. Of several phones the first is told, for a file has one column of them."""
    found: dict[str, str] = {}
    for identity in sorted(member.identities.all(), key=lambda each: each.pk):
        found.setdefault(identity.kind, identity.value if whole else mask(identity.kind, identity.value))
    return [
        member.number,
        member.name,
        member.birth_on.isoformat() if member.birth_on else "",
        str(member.get_language_display()),
        named(member.home_store),
        timezone.localtime(member.enrolled_at).strftime("%Y-%m-%d %H:%M:%S"),
        *(found.get(kind, "") for kind in Identity.Kind.values),
        *(spoken(member.custom.get(each.code)) for each in fields),
    ]


def spoken(value: Any) -> str:
    """The value of a further field, as an import reads it."""
    if value is None:
        return ""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def write_now(*, extract: Extract) -> Extract:
    """Write the file from the beginning; a stopped one begins again, and nobody sees half of it."""
    with translation.override(extract.language), NamedTemporaryFile("w+b", suffix=f".{extract.format}") as scratch:
        rows = counted(rows_for(extract.wanted, extract.created_by), extract)
        try:
            if extract.format == Extract.Format.XLSX:
                write_sheet(rows, scratch)
            else:
                scratch.writelines(line.encode() for line in write_rows(rows))
        except Cancelled:
            extract.refresh_from_db()
            return extract
        scratch.flush()
        scratch.seek(0)
        name = default_storage.save(f"extracts/{uuid4().hex}", File(scratch))
    finish(extract=extract, name=name)
    return extract


@transaction.atomic
def finish(*, extract: Extract, name: str) -> None:
    """Give the file to whoever asked, unless they stopped it meanwhile."""
    fresh = Extract.objects.select_for_update().get(pk=extract.pk)
    if fresh.status == Extract.Status.CANCELLED:
        default_storage.delete(name)
        extract.refresh_from_db()
        return
    uploads.close(work=extract, status=Extract.Status.DONE, file=name, wanted=[])


def counted(rows: Iterator[list[str]], extract: Extract) -> Iterator[list[str]]:
    """The rows, while the page is told how many there have been. Raises Cancelled once somebody stopped it."""
    for number, row in enumerate(rows):
        if number and number % PORTION == 0:
            going_on = Extract.objects.filter(pk=extract.pk, finished_at=None)
            if not going_on.update(written=number, leased_until=timezone.now() + uploads.LEASE):
                raise Cancelled
        yield row
    Extract.objects.filter(pk=extract.pk, finished_at=None).update(written=extract.total)


def forget(*, now: datetime, most: int = 50) -> int:
    """Remove files of more than three days ago; how many."""
    old = Extract.objects.filter(finished_at__lt=now - KEPT).exclude(file="", wanted=[])
    gone = list(old.order_by("pk")[:most])
    for extract in gone:
        if extract.file:
            extract.file.delete(save=False)
        Extract.objects.filter(pk=extract.pk).update(file="", wanted=[])
    return len(gone)
