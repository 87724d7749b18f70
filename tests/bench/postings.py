"""One posting: earn and redeem beside bare functions, the careful ORM way, and django-hordak."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from loyalty.ledger.actions import earn, redeem
from loyalty.ledger.models import Account, Lot, Movement, PointKind
from members.profiles.models import Member
from tests.bench.ground import ROUNDS, in_processes, kind_id, pgbench, run_sql
from tests.bench.table import Line, Measured, in_turns

EARN = "\\set m random({first}, {last})\nSELECT bare_earn(:m, {kind}, 1, gen_random_uuid()::text);"
REDEEM = "\\set m random({first}, {last})\nSELECT bare_redeem(:m, {kind}, 1, gen_random_uuid()::text);"
GOALS = {1: 0.70, 2: 0.70, 8: 0.45}


def postings() -> Iterator[Line]:
    """Single postings over many members, with 1, 2 and 8 processes."""
    first, last = run_sql("SELECT min(id), max(id) FROM members_member")[0]
    points = PointKind.objects.get(code="points")
    now = timezone.now()

    def one_earn(_number: int) -> None:
        member = Member(pk=random.randint(first, last))
        earn(member=member, kind=points, points=1, key=str(uuid4()), now=now)

    def one_redeem(_number: int) -> None:
        member = Member(pk=random.randint(first, last))
        redeem(member=member, kind=points, points=1, key=str(uuid4()), now=now)

    place = {"first": first, "last": last, "kind": points.pk}
    for name, ours, script in (("earn", one_earn, EARN), ("redeem", one_redeem, REDEEM)):
        for processes, goal in GOALS.items():
            measured = in_turns(
                ROUNDS,
                lambda ours=ours, processes=processes: in_processes(ours, processes),
                lambda script=script, processes=processes: pgbench(script.format(**place), clients=processes),
            )
            yield Line(f"{name}(), {processes} processes, to bare function", *measured, goal)
    yield Line(
        "earn(), 1 process, to the careful ORM way",
        *in_turns(
            ROUNDS,
            lambda: in_processes(one_earn, 1),
            lambda: in_processes(lambda _n: orm_earn(random.randint(first, last), points.pk), 1),
        ),
        5,
    )


@transaction.atomic
def orm_earn(member: int, kind: int) -> None:
    """Lock, check, save, create: what careful code without a function does."""
    key = str(uuid4())
    account = Account.objects.select_for_update().get(member_id=member, kind_id=kind)
    if Movement.objects.filter(account=account, key=key).exists():
        return
    account.active += 1
    account.save()
    now = timezone.now()
    movement = Movement.objects.create(
        member_id=member, account=account, kind="earn", source="programme", target="active", points=1,
        pending_after=account.pending, active_after=account.active, held_after=account.held, key=key, happened_at=now,
    )  # fmt: skip
    Lot.objects.create(
        member_id=member, account=account, origin=movement, points=1, remaining=1, is_active=True, activates_at=now
    )


def hot_member() -> Iterator[Line]:
    """One member whom everybody posts to."""
    member = run_sql("SELECT min(id) FROM members_member")[0][0]
    points = PointKind.objects.get(code="points")
    now = timezone.now()

    def one(_number: int) -> None:
        earn(member=Member(pk=member), kind=points, points=1, key=str(uuid4()), now=now)

    script = EARN.format(first=member, last=member, kind=points.pk)
    for processes in (8, 32):
        measured = in_turns(
            ROUNDS,
            lambda processes=processes: in_processes(one, processes),
            lambda processes=processes: pgbench(script, clients=processes),
        )
        yield Line(f"earn(), one hot member, {processes} processes", *measured, 0.7)


def flat(small: Measured, large: Measured) -> Line:
    """The cost of a posting with many members beside that with few."""
    return Line("earn(), 1 process, most members to 10,000", large, small, 0.8)


def earn_rate() -> Measured:
    """Postings a second of one process over whatever members there are."""
    first, last = run_sql("SELECT min(id), max(id) FROM members_member")[0]
    points = PointKind.objects.get(pk=kind_id("points"))
    now = timezone.now()

    def one(_number: int) -> None:
        earn(member=Member(pk=random.randint(first, last)), kind=points, points=1, key=str(uuid4()), now=now)

    return Measured([in_processes(one, 1) for _round in range(ROUNDS)])


def peer() -> float | None:
    """django-hordak's transfer_to, in a process and a database schema of its own; None where it is not installed."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.hordak_peer"], capture_output=True, text=True, env=os.environ.copy()
    )
    return float(done.stdout.strip().splitlines()[-1]) if done.returncode == 0 else None
