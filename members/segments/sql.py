"""Segments as queries: a tree as one `Q`, the statement that refreshes who is in, the one that freezes them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, CharField, Q, QuerySet, Value, When

from members.consents.models import personalised
from members.kit.measures import among, did_but_not, everybody
from members.kit.measures import as_q as pass_as_q
from members.kit.passes import joined, remember, remembered_pass
from members.kit.questions import question_of, shown
from members.kit.traits import Asking
from members.profiles.models import Member
from members.segments.models import ListMember
from members.segments.rules import Known, UnknownDeed, UnknownSegment, alternatives

ROOM = "256MB"  # for the sets of members that clauses of a tree make; without it they would be searched one by one


def as_q(tree: Mapping[str, Any], known: Known, asking: Asking) -> Q:
    """A tree that was read as one condition over Member, with the segments in it as they stand.

    Raises UnknownTrait, UnknownDeed or UnknownSegment for what was there once and is gone.
    """
    if not tree:
        return everybody()
    for group in ("all", "any"):
        if group in tree:
            parts = [as_q(each, known, asking) for each in tree[group]]
            return joined(parts, is_any=group == "any", ask=pass_as_q)
    if "not" in tree:
        return opposite(as_q(tree["not"], known, asking))
    return leaf_as_q(tree, known, asking)


def opposite(answer: Q) -> Q:
    """The other members; what is asked of rows stays one pass over them."""
    made_of = remembered_pass(answer)
    return ~answer if made_of is None else remember(~answer, made_of.opposite())


def leaf_as_q(tree: Mapping[str, Any], known: Known, asking: Asking) -> Q:
    """What holds no nodes of its own: a test, a segment, a list, a "did this but not that"."""
    if "segment" in tree:
        if tree["segment"] not in known.segments:
            raise UnknownSegment(segment=shown(tree["segment"]))
        return as_q(known.segments[tree["segment"]], known, asking)
    if "list" in tree:
        return among(asking.of(ListMember.objects.filter(member_list=tree["list"])))
    if "did" in tree:
        return did_as_q(tree, known, asking)
    trait, question = question_of(known.traits, tree)
    return trait.answer(question, asking)


def did_as_q(node: Mapping[str, Any], known: Known, asking: Asking) -> Q:
    """Did this, but not that: after it (when so many days are over), or both in the last days."""
    (did, did_at), (other, other_at) = (deeds_of(node[side], known, asking) for side in ("did", "but_not"))
    since = asking.days_back(node["days"])
    if node["when"] == "same":
        did, other = did.filter(**{f"{did_at}__gte": since}), other.filter(**{f"{other_at}__gte": since})
        return among(did) & ~among(other)
    return did_but_not(did.filter(**{f"{did_at}__lt": since}), did_at, other, other_at, node["days"])


def deeds_of(said: Mapping[str, Any], known: Known, asking: Asking) -> tuple[QuerySet[Any], str]:
    """What was done until now, and the column of when."""
    deed = known.deeds.get(said["deed"])
    if deed is None:
        raise UnknownDeed(deed=shown(said["deed"]))
    rows = asking.of(deed.rows(said.get("with", {}), asking))
    return rows.filter(**{f"{deed.moment}__lte": asking.now}), deed.moment


def members_as(tree: Mapping[str, Any], known: Known, asking: Asking) -> QuerySet[Member]:
    """The members who are as the tree says, in the range that is asked about.

    Who refused profiling is in no segment: nobody chooses them by what they are and do.
    """
    members = personalised(Member.objects.order_by(), at=asking.now)
    if asking.first is not None:
        members = members.filter(pk__range=(asking.first, asking.last))
    return members.filter(as_q(tree, known, asking))


@contextmanager
def room_for_sets(seconds: float = 0) -> Iterator[None]:
    """A transaction in which the server may keep whole sets of members in memory; with a limit of time if asked."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL work_mem = '{ROOM}'")
        if seconds:
            cursor.execute(f"SET LOCAL statement_timeout = {round(seconds * 1000)}")
        yield
        if seconds:
            cursor.execute("SET LOCAL statement_timeout = 0")


def with_clause(tree: Mapping[str, Any], known: Known, asking: Asking) -> QuerySet[Any]:
    """Ids of the members with the place of the clause that lets them in."""
    ways = alternatives(tree)
    members = members_as(tree, known, asking)
    if len(ways) < 2:
        clause: Any = Value(ways[0][0], output_field=CharField())
    else:
        whens = [When(as_q(node, known, asking), then=Value(place)) for place, node in ways]
        clause = Case(*whens, default=Value(""), output_field=CharField())
    return members.annotate(let_in_by=clause).values_list("pk", "let_in_by")


REFRESH = """
WITH found(id, let_in_by) AS MATERIALIZED ({found}), gone AS (
    UPDATE members_membership SET until = %s
     WHERE segment_id = %s AND until IS NULL AND member_id BETWEEN %s AND %s
       AND NOT EXISTS (SELECT FROM found WHERE found.id = member_id)
    RETURNING 1
), entered AS (
    INSERT INTO members_membership (member_id, segment_id, since, version, clause)
    SELECT found.id, %s, %s, %s, found.let_in_by FROM found
     WHERE NOT EXISTS (SELECT FROM members_membership m
                        WHERE m.segment_id = %s AND m.until IS NULL AND m.member_id = found.id)
        ON CONFLICT (segment_id, member_id) WHERE until IS NULL DO NOTHING
    RETURNING 1
)
SELECT (SELECT count(*) FROM found), (SELECT count(*) FROM entered), (SELECT count(*) FROM gone)
"""


@dataclass(frozen=True)
class Found:
    """What a refresh of a range found: who is in, who came, who went."""

    size: int
    entered: int
    left: int


def refresh(*, segment: int, version: int, found: QuerySet[Any], first: int, last: int, now: datetime) -> Found:
    """Write who came into a segment and who went out of it, in a range of member ids, in one statement."""
    inner, values = found.query.sql_with_params()
    statement = REFRESH.format(found=inner)
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, now, segment, first, last, segment, now, version, segment])
        return Found(*cursor.fetchone())


FREEZE = "INSERT INTO members_audiencemember (audience_id, member_id) SELECT %s, found.id FROM ({found}) found(id)"


def freeze(*, audience: int, found: QuerySet[Any]) -> int:
    """Write down the members found; how many."""
    inner, values = found.values_list("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(FREEZE.format(found=inner), [audience, *values])
        return int(cursor.rowcount)


def held_of(member: int, clauses: Sequence[Q]) -> list[bool]:
    """Which of the clauses hold for one member, in one query."""
    names = {
        f"clause_{number}": Case(When(each, then=Value(1)), default=Value(0)) for number, each in enumerate(clauses)
    }
    row = Member.objects.filter(pk=member).annotate(**names).values_list(*names).first()
    return [bool(each) for each in row or ()]
