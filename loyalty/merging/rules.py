"""What a merge refuses, and which rows of a member go over."""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Malformed, Refusal

UNDO_DAYS = 30


class SameMember(Refusal):
    """A merge takes two."""

    code = "same_member"
    sentence = _("This is the same member. Choose another one.")


class AlreadyMerged(Refusal):
    """One of the two lives on in somebody else."""

    code = "already_merged"
    sentence = _("Member %(number)s was merged already.")


class HasMerged(Refusal):
    """A chain of merges could not be undone link by link."""

    code = "has_merged"
    sentence = _("Others were merged into %(number)s. Merge the other way round, so that %(number)s stays.")


class OutOfScope(Refusal):
    """Both must be members whom the person sees."""

    code = "out_of_scope"
    sentence = _("You may merge members of your own stores only.")


class OpenHolds(Refusal):
    """A basket waits at a till."""

    code = "open_holds"
    sentence = _("Points of %(number)s are held for an open basket. Wait until it is paid or let go.")


class InHousehold(Refusal):
    """The others at the table count on who sits there."""

    code = "in_household"
    sentence = _("%(number)s belongs to a household. Leave it first, or merge the other way round.")


class SameReceipt(Refusal):
    """Both have the receipt, and only one of them can be right."""

    code = "same_receipt"
    sentence = _("Both have receipt %(receipt)s of one store. Take it back from one of them first.")


class NoReason(Malformed):
    """Somebody will ask."""

    code = "no_merge_reason"
    sentence = _("Say why these two are one person.")


class MergeKeyReused(Refusal):
    """The key names another merge."""

    code = "key_reused"
    sentence = _("This key was used before, for another merge.")


class TooLate(Refusal):
    """The days of grace are over."""

    code = "undo_too_late"
    sentence = _("A merge can be undone for 30 days. This one is older.")


class AlreadyUndone(Refusal):
    """Once is enough."""

    code = "already_undone"
    sentence = _("This merge was undone already.")


class MergeChanged(Refusal):
    """What was shown is not what would happen now."""

    code = "merge_changed"
    sentence = _("Something changed since the preview. Look at it once more.")


@dataclass(frozen=True, slots=True)
class Moves:
    """Rows that go over. `unique` are the columns that, with the member, stand once: such a twin stays behind.

    `only` narrows to some of the rows, in SQL over the table's alias r; `follows` names the column by which rows
    written later hang on rows that went over, and go back with them.
    """

    table: str
    unique: tuple[str, ...] = ()
    only: str = "true"
    follows: tuple[str, str] = ("", "")  # a column of this table, and the table to which it leads


# Each model with a member stands either here or in STAYS; a test looks.
MOVES = (
    Moves("members_sale"),
    Moves("members_saleline"),
    Moves("members_return", follows=("sale_id", "members_sale")),
    Moves("members_note", unique=("key",)),
    Moves("members_returnline", follows=("goods_return_id", "members_return")),
    *(
        Moves(table, only=f"NOT EXISTS (SELECT FROM {table} p WHERE p.member_id = %(survivor)s AND p.id <> r.id)")
        for table in ("members_person", "members_address", "members_advising", "members_photo")  # one a member
    ),
    Moves(
        "members_tagging",
        only="r.ended_at IS NOT NULL OR NOT EXISTS (SELECT FROM members_tagging p WHERE p.member_id = %(survivor)s"
        " AND p.tag_id = r.tag_id AND p.ended_at IS NULL AND p.id <> r.id)",
    ),
    Moves("members_listmember", unique=("member_list_id",)),
    Moves("loyalty_event", unique=("code", "key")),
    Moves("loyalty_award", only="r.sale_id IS NOT NULL OR r.event_id = ANY (%(events)s::bigint[])"),
    Moves("loyalty_judgement", only="r.sale_id IS NOT NULL OR r.event_id = ANY (%(events)s::bigint[])"),
    Moves("loyalty_takenback", follows=("award_id", "loyalty_award")),
    Moves("loyalty_checkout"),
    Moves("loyalty_applied"),
    Moves("loyalty_undone", follows=("applied_id", "loyalty_applied")),
    Moves("loyalty_paidback", follows=("goods_return_id", "members_return")),
    Moves("loyalty_grant", unique=("ladder_id", "key")),
    Moves("loyalty_treat", unique=("ladder_id", "kind", "occasion")),
    Moves("loyalty_gift", unique=("key",), only="r.receiver <> %(survivor)s"),
    Moves("loyalty_correction", unique=("key",), only="r.status = 'waiting'"),
)
STAYS = {
    "loyalty_account": "closed, what it held goes over by movements",
    "loyalty_movement": "never changed",
    "loyalty_lot": "emptied; another in its place at the survivor",
    "loyalty_lotuse": "belongs to its movement",
    "loyalty_inherited": "copied with the account",
    "loyalty_difference": "says what was found in one account",
    "loyalty_standing": "the better of two is taken over, this one waits for an undoing",
    "loyalty_tierchange": "history of who stood where",
    "loyalty_seat": "who sits in a household leaves it first",
    "loyalty_invitation": "asked of somebody who can ask for a new one",
    "loyalty_draw": "names the movements from which it was taken",
    "loyalty_hold": "over, or the merge is refused",
    "loyalty_budgethold": "lapses by itself",
    "loyalty_heldpart": "lapses with its hold",
    "loyalty_move": "what a what-if found at its time",
    "loyalty_swing": "what a backtest found at its time",
    "loyalty_merge": "of the survivor; who has merged others stays",
    "loyalty_mark": "kept by the night, which leaves out who was merged",
    "loyalty_likeness": "was about two, who are one now",
    "members_occurrence": "was told under the number of its time",
    "members_origin": "says how that number came",
    "members_fullness": "kept by the night, which leaves out who was merged",
    "members_memberscore": "kept by the night, which leaves out who was merged",
    "members_cellmonth": "kept by the night, which leaves out who was merged",
    "members_identity": "moved by the profiles' own verb",
    "members_membership": "the night sees who is in a segment",
    "members_audiencemember": "what was frozen at its time",
    "members_message": "handed over by the messages' own verb",
    "members_consent": "joined by the consents' own verb: any no is a no",
    "members_consentchange": "a proof is never changed",
    "members_guardian": "spoke for this child, and speaks no more",
    "members_optin": "waits for a link that is dead now",
    "members_change": "never rewritten, and read with the survivor's",
    "members_look": "says who looked at that number",
    "members_erasure": "was asked for that number",
    "members_privacystep": "was done with that number",
    "members_preference": "of somebody who has chosen otherwise",
}
