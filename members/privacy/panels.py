"""What this floor holds about a member, and all holdings told: why each is kept and where it comes from."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from members.extracts.actions import TAKEN
from members.history.panels import changes_told
from members.kit.names import named
from members.messaging.actions import write_messages
from members.messaging.models import Message
from members.photos.actions import photos_told
from members.privacy.actions import forget_files, note_taken
from members.privacy.rules import ERASERS, HOLDINGS, Holding, Origin, leave_out, register
from members.profiles.models import Member

NEEDED = _("Your membership needs it.")
LAW = _("The law asks us to be able to show it.")
INTEREST = _("It helps us to serve you; say no to profiling, and it goes.")
BOOKS = _("Kept in the books, without your name once you leave.")
HELD = (
    "id",
    "member",
    "key",
    "created_at",
    "digest",
    "merged_into",
    "user",
    "leased_until",
    "attempts",
)  # our machinery


def letters(members: list[int]) -> list[dict[str, Any]]:
    """Messages in the words in which they were written."""
    mine = Message.objects.filter(member__in=members).select_related("member").newest_first()
    return [
        {
            "when": message.due_at,
            "channel": message.channel,
            "purpose": message.purpose,
            "address": message.address,
            "subject": words[0] if words else "",
            "text": words[1] if words else "",
            "status": message.status,
            "reason": message.reason,
            "read_at": message.read_at,
        }
        for message, words in write_messages(mine)
    ]


register(
    Holding("members.Member", _("Profile"), NEEDED, Origin.STATED, path="pk", unsaid=("erased_at",)),
    Holding("members.Person", _("About you"), NEEDED, Origin.STATED, goes=True),
    Holding("members.Change", _("How your profile changed"), LAW, Origin.OBSERVED, rows=changes_told),
    Holding("members.Identity", _("How you are found"), NEEDED, Origin.STATED),
    Holding("members.User", _("Your account for these pages"), NEEDED, Origin.STATED, unsaid=(
        "password", "is_superuser", "is_staff", "is_active", "sees_all_stores", "first_name", "last_name", "email",
    )),
    Holding("members.Address", _("Where you live"), NEEDED, Origin.STATED, goes=True),
    Holding("members.Advising", _("Who of us looks after you"), NEEDED, Origin.OBSERVED, goes=True),
    Holding("members.Photo", _("Your photo"), NEEDED, Origin.STATED, rows=photos_told),
    Holding("members.Origin", _("How you came to us"), NEEDED, Origin.OBSERVED, goes=True, unsaid=("friend",)),
    Holding("members.Preference", _("How you want to be written to"), NEEDED, Origin.STATED),
    Holding("members.Consent", _("What you allow"), LAW, Origin.STATED, unsaid=("change",)),
    Holding("members.ConsentChange", _("When you allowed or refused what"), LAW, Origin.STATED),
    Holding("members.Guardian", _("Who speaks for you"), LAW, Origin.STATED),
    Holding("members.OptIn", _("Links mailed to prove your address"), LAW, Origin.OBSERVED, unsaid=("identity",)),
    Holding("members.Sale", _("What you bought"), BOOKS, Origin.OBSERVED, unsaid=("till",), blank={"attributes": {}}),
    Holding("members.SaleLine", _("Lines of what you bought"), BOOKS, Origin.OBSERVED),
    Holding("members.Return", _("What you brought back"), BOOKS, Origin.OBSERVED, unsaid=("till", "actor")),
    Holding("members.ReturnLine", _("Lines of what you brought back"), BOOKS, Origin.OBSERVED),
    Holding(
        "members.Note", _("What staff noted down"), NEEDED, Origin.OBSERVED, goes=True,
        unsaid=("written_by", "done_by"),
    ),
    Holding(
        "members.Tagging", _("Tags that staff put on you"), INTEREST, Origin.OBSERVED, goes=True,
        unsaid=("by", "ended_by"),
    ),
    Holding(
        "members.Membership", _("Groups in which we see you"), INTEREST, Origin.INFERRED, goes=True,
        unsaid=("version", "clause"),
    ),
    Holding(
        "members.Occurrence", _("What we told other systems of ours"), NEEDED, Origin.OBSERVED, goes=True,
        unsaid=("identifier", "shared_at"),
    ),
    Holding("members.ListMember", _("Lists on which you stand"), INTEREST, Origin.OBSERVED, goes=True),
    Holding("members.AudienceMember", _("Groups kept for a message"), INTEREST, Origin.INFERRED, goes=True),
    Holding("members.MemberScore", _("What we work out from your purchases"), INTEREST, Origin.INFERRED, goes=True),
    Holding("members.Fullness", _("How whole your profile is"), NEEDED, Origin.INFERRED, goes=True),
    Holding("members.CellMonth", _("How that was, month by month"), INTEREST, Origin.INFERRED, goes=True),
    Holding("members.Message", _("What we wrote to you"), NEEDED, Origin.OBSERVED, rows=letters),
    Holding(
        "members.Look", _("Who looked at your contacts"), LAW, Origin.OBSERVED, blank={"why": "erased"}
    ),
    Holding("members.Erasure", _("Whether you are to be erased"), LAW, Origin.STATED, blank={"reason": ""}),
    Holding("members.PrivacyStep", _("What was done with your data"), LAW, Origin.OBSERVED),
)  # fmt: skip
ERASERS.append(forget_files)
TAKEN.append(note_taken)
leave_out(
    admin_LogEntry="what staff did; what names a member is taken out when they are erased",
    account_EmailAddress="we do not use it: a member's addresses are identities",
    members_Goal="what the shop wants to reach; it leads to who answers for it",
    members_StoreStaff="where staff work",
    members_User_groups="roles of staff",
    members_User_user_permissions="roles of staff",
)


@dataclass(frozen=True)
class Told:
    """One table about one member."""

    model: str
    name: Any
    why: Any
    origin: str
    columns: dict[str, str]  # what each is called
    rows: list[dict[str, Any]]


def told(member: Member) -> list[Told]:
    """Everything that is held about a member and those who were merged into them, table by table; empty ones too."""
    members = Member.objects.family_of(member)
    return [tell(holding, members) for holding in HOLDINGS.values()]


def tell(holding: Holding, members: list[int]) -> Told:
    """One table's rows."""
    if holding.rows is not None:
        rows = holding.rows(members)
        columns = {name: name.replace("_", " ") for name in rows[0]} if rows else {}
    else:
        model = apps.get_model(holding.model)
        fields = fields_of(holding, model)
        found = model._base_manager.filter(**{f"{holding.path}__in": members}).order_by("pk")
        related = [field.name for field in fields if field.is_relation]
        rows = [
            {field.name: value_of(row, field) for field in fields}
            for row in (found.select_related(*related) if related else found)
        ]
        columns = {field.name: str(getattr(field, "verbose_name", field.name)) for field in fields}
    return Told(holding.model, holding.name, holding.why, holding.origin, columns, rows)


def fields_of(holding: Holding, model: type[models.Model]) -> list[Any]:
    """The columns that say something to the member."""
    return [each for each in model._meta.concrete_fields if each.name not in HELD and each.name not in holding.unsaid]


def value_of(row: models.Model, field: Any) -> Any:
    """A value as people and programs can read it: choices and what is named elsewhere by their words."""
    value = getattr(row, field.attname)
    if field.choices:
        return str(getattr(row, f"get_{field.name}_display")())
    if not field.is_relation or value is None:
        return value
    thing = getattr(row, field.name)
    for name in ("name_zh", "username", "code", "receipt"):
        if hasattr(thing, name):
            return named(thing) if name == "name_zh" else getattr(thing, name)
    return value


def summary(member: Member) -> list[dict[str, Any]]:
    """What is held, by where it comes from, with how many rows and why: what the privacy centre shows."""
    members = Member.objects.family_of(member)
    found = [(holding, count_of(holding, members)) for holding in HOLDINGS.values()]
    titles = {
        Origin.STATED: _("What you told us"),
        Origin.OBSERVED: _("What happened with us"),
        Origin.INFERRED: _("What we worked out from it"),
    }
    return [
        {"title": title, "rows": [(each, count) for each, count in found if each.origin == origin and count]}
        for origin, title in titles.items()
    ]


def count_of(holding: Holding, members: list[int]) -> int:
    """How many rows of a table are about these members."""
    return int(apps.get_model(holding.model)._base_manager.filter(**{f"{holding.path}__in": members}).count())


def document(member: Member, tables: Iterable[Told], now: datetime) -> dict[str, Any]:
    """All of it as one thing, for a file of JSON."""
    return {
        "shop": settings.SHOP_NAME,
        "member": member.number,
        "made_at": now,
        "tables": [
            {
                "table": each.model,
                "name": str(each.name),
                "why": str(each.why),
                "origin": each.origin,
                "columns": each.columns,
                "rows": each.rows,
            }
            for each in tables
        ],
    }
