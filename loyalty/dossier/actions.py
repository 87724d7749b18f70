"""Verbs: what stands in the way of an erasure, and forgetting what is personal in this floor's tables and files."""

import re
from datetime import datetime

from django.core.files.storage import default_storage
from django.db.models import F, Q, Value
from django.db.models.functions import Least

from loyalty.corrections.models import Correction
from loyalty.dossier import sql
from loyalty.duplicates.models import Likeness, Mark
from loyalty.gifts.models import Gift
from loyalty.holds.models import BudgetHold, Hold
from loyalty.households.actions import hand_over, leave, seat_of
from loyalty.households.models import Draw, Household, Invitation, Seat
from loyalty.imports.models import BadRow, SaleImport
from loyalty.ledger.models import Account
from loyalty.merging.models import Merge
from loyalty.tiers.models import Grant
from members.kit.ranges import id_ranges
from members.privacy.rules import ERASED, OpenOrder, Person
from members.profiles.models import Member

RANGE = 50_000
ENCODINGS = ("utf-8", "gb18030")  # in which files of sales come


def check_nothing_open(members: list[int]) -> None:
    """Raises OpenOrder while points or budgets are set aside for a basket of theirs."""
    is_held = Account.objects.filter(member__in=members, held__gt=0).exists()
    holds = Hold.objects.open().filter(member__in=members).exists()
    if is_held or holds or BudgetHold.objects.open().filter(member__in=members).exists():
        raise OpenOrder


def forget_here(person: Person, now: datetime) -> None:
    """What names the person in this floor: notes, reasons, numbers; they leave their household, and nothing waits."""
    leave_households(person.members, now)
    Correction.objects.waiting().filter(member__in=person.members).update(status="withdrawn", decided_at=now)
    near = forget_gifts(person)
    near |= forget_merges(person, now)
    for column in ("reason", "reference"):
        Grant.objects.filter(member__in=person.members).exclude(**{column: ""}).update(**{column: ERASED})
    Seat.objects.filter(member__in=person.members).exclude(reason="").update(reason=ERASED)
    forget_likenesses(person.members)
    sql.forget_reasons(near=sorted(near), numbers=list(person.numbers))
    forget_imports(person)


def forget_likenesses(members: list[int]) -> None:
    """That they may be somebody else, on either side, and by what that was seen."""
    Likeness.objects.filter(Q(member__in=members) | Q(other__in=members)).delete()
    Mark.objects.filter(member__in=members).delete()


def leave_households(members: list[int], now: datetime) -> None:
    """Stand up from the table; a head hands over to who sits there longest. Open invitations are answered with no."""
    for member in Member.objects.filter(pk__in=members).order_by("pk"):
        seat = seat_of(member)
        if seat is None:
            continue
        others = Seat.objects.current().filter(household=seat.household).exclude(pk=seat.pk).select_related("member")
        heir = others.order_by("joined_at", "pk").first()
        if heir is not None and seat.household.head == member.pk:
            hand_over(head=member, heir=heir.member)
        leave(member=member, now=now)
    waiting = Invitation.objects.filter(member__in=members, answered_at=None)
    waiting.update(answered_at=now, is_accepted=False)


def forget_gifts(person: Person) -> set[int]:
    """Words of gifts, and the number of who got them; the ids of all who gave to them or got from them."""
    gifts = Gift.objects.filter(Q(member__in=person.members) | Q(receiver__in=person.members))
    draws = Draw.objects.filter(Q(member__in=person.members) | Q(drawer__in=person.members))
    asked = Invitation.objects.filter(household__in=Household.objects.filter(head__in=person.members))
    near = set(person.members)
    for pair in [*gifts.values_list("member", "receiver"), *draws.values_list("member", "drawer")]:
        near |= set(pair)
    near |= set(asked.values_list("member", flat=True))
    keys = [f"gift:{pk}" for pk in gifts.values_list("pk", flat=True)]
    keys += [f"draw:{pk}" for pk in draws.values_list("pk", flat=True)]
    keys += [f"household:{pk}" for pk in asked.values_list("household", flat=True)]
    sql.forget_mentions(near=sorted(near), keys=keys)
    gifts.update(note="")
    for old, new in person.numbers.items():
        gifts.filter(receiver_number=old).update(receiver_number=new)
    return near


def forget_merges(person: Person, now: datetime) -> set[int]:
    """Why somebody was merged, and what the profiles were; it cannot be undone any more. The ids of both."""
    merges = Merge.objects.filter(Q(member__in=person.members) | Q(duplicate__in=person.members))
    near = {each for pair in merges.values_list("member", "duplicate") for each in pair}
    for old, new in person.numbers.items():
        merges.filter(duplicate_number=old).update(duplicate_number=new)
    merges.update(reason=ERASED, profile={}, undo_until=Least(F("undo_until"), Value(now)))
    return near


def forget_imports(person: Person) -> None:
    """Rows that could not be taken in and name the person, and the files of finished imports that do."""
    for first, last in id_ranges(BadRow, size=RANGE):
        sql.forget_cells(first=first, last=last, digits=person.digits, words=person.words, whole=person.all_words)
    for done in SaleImport.objects.exclude(file="").filter(finished_at__isnull=False).order_by("pk"):
        if names_somebody(str(done.file.name), person):
            forget_file(done)


def names_somebody(name: str, person: Person) -> bool:
    """Whether a file holds a phone, however it is written, or a word, in any of the encodings that we read."""
    if not default_storage.exists(name):
        return False
    digits = [each.encode() for each in person.digits]
    parts = {re.escape(word.lower().encode(code)) for word in person.words for code in ENCODINGS}
    cells = {re.escape(word.lower().encode(code)) for word in person.all_words for code in ENCODINGS}
    shown = re.compile(
        b"|".join([*sorted(parts), b'(?:^|[,;\t"])(?:' + b"|".join(sorted(cells)) + b')(?:[,;\t"\r\n]|$)'])
    )
    with default_storage.open(name, "rb") as raw:
        for line in raw:
            bare = re.sub(rb"[^0-9\n,;\t]", b"", line)
            if any(each in bare for each in digits) or shown.search(line.lower()):
                return True
    return False


def forget_file(done: SaleImport) -> None:
    """Let go of the file of an import; its counts stay."""
    done.file.delete(save=False)
    SaleImport.objects.filter(pk=done.pk).update(file="")


def let_go_of_imports(first: int, last: int, before: datetime, now: datetime) -> int:
    """Files and bad rows of imports that were over before a moment; how many rows and files."""
    gone = 0
    old = SaleImport.objects.filter(pk__range=(first, last), finished_at__lt=before).exclude(file="")
    for done in old.order_by("pk"):
        forget_file(done)
        gone += 1
    return gone + sql.let_go_of_rows(first=first, last=last, before=before)
