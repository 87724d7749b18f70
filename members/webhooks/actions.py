"""Verbs: keep endpoints and their secrets, note what happened, tell the endpoints, tell them again."""

import json
import random
import secrets
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from members.kit.outside import BadAddress, Reply, Resolve, Unreachable, post, read_url, resolve_name
from members.kit.refusals import Malformed, Refusal
from members.profiles.models import Identity, Member
from members.webhooks import sql
from members.webhooks.models import Delivery, Endpoint, Occurrence, Reading
from members.webhooks.rules import (
    FAILING_AT_MOST,
    FORMER_LIVES,
    GONE,
    HAPPENINGS,
    PING,
    SECRET_BYTES,
    asked_to_wait,
    headers_of,
    is_success,
    secret_of,
    wait_after,
)

LEASE = timedelta(minutes=10)
A_BATCH = 10  # deliveries an endpoint
SHARED_AT_ONCE = 5_000
DOWN_RESTS = timedelta(minutes=1)  # an endpoint that gave no answer
KEPT = timedelta(days=90)
FORGOTTEN_AT_ONCE = 5_000


class UnknownHappening(Malformed):
    """No room tells of this."""

    code = "unknown_happening"
    sentence = _("Nothing called “%(what)s” is told to other systems.")


class StillUnderWay(Refusal):
    """The delivery is not settled yet."""

    code = "still_under_way"
    sentence = _("This is under way still. Only what was delivered or given up can be sent again.")


def allows_loopback() -> bool:
    """Whether addresses on this very machine may be called: in the demo and in tests."""
    return bool(settings.WEBHOOKS_LOOPBACK)


def check_endpoint(*, address: str, events: Sequence[str]) -> None:
    """Raises BadAddress or UnknownHappening."""
    read_url(address, allow_loopback=allows_loopback())
    unknown = [code for code in events if code not in HAPPENINGS]
    if unknown:
        raise UnknownHappening(what=unknown[0][:40])


def keep_endpoint(*, endpoint: Endpoint) -> str:
    """Keep what was said about an endpoint; its secret when it is new, which nobody is shown again, or else "".

    Switched on, it begins anew. Raises BadAddress or UnknownHappening.
    """
    check_endpoint(address=endpoint.address, events=endpoint.events)
    is_new = endpoint.pk is None
    if is_new:
        endpoint.secret = new_secret()
    if endpoint.is_on:
        endpoint.off_reason, endpoint.off_at, endpoint.failing_since, endpoint.resting_until = "", None, None, None
    endpoint.save()
    return endpoint.secret if is_new else ""


def new_secret() -> str:
    """A secret of 32 random bytes."""
    return secret_of(secrets.token_bytes(SECRET_BYTES))


@transaction.atomic
def replace_secret(*, endpoint: Endpoint, now: datetime) -> str:
    """A new secret; the one before signs beside it for another day, so that nothing is lost while the other changes."""
    here = Endpoint.objects.select_for_update().get(pk=endpoint.pk)
    here.former_secret, here.former_until, here.secret = here.secret, now + FORMER_LIVES, new_secret()
    here.save(update_fields=["secret", "former_secret", "former_until"])
    return here.secret


def secrets_of(endpoint: Endpoint, now: datetime) -> list[str]:
    """The secrets that sign at this moment, the newest first."""
    is_between = endpoint.former_until is not None and now < endpoint.former_until
    return [endpoint.secret, endpoint.former_secret] if is_between else [endpoint.secret]


def tell(*, member: Member, code: str, key: str, now: datetime, **facts: Any) -> bool:
    """Note that something happened, with what caused it, if an endpoint wants to know: one statement."""
    return bool(sql.tell(member=member.pk, code=code, key=f"{code}:{key}", facts=facts, now=now))


def tell_changed_profile(*, member: Member, fields: Sequence[str], now: datetime) -> None:
    """What changed is told by name; the values are to be asked for."""
    tell(member=member, code="member.updated", key=secrets.token_hex(8), now=now, fields=sorted(fields))


def sweep() -> int:
    """Find what happened and is not written down yet, for endpoints that want to know; how much was found.

    What happened before some endpoint wanted to know stays untold, and nothing is told twice.
    """
    wanted = {
        code for events in Endpoint.objects.filter(is_on=True).values_list("events", flat=True) for code in events
    }
    swept = {code: each for code, each in HAPPENINGS.items() if each.table and code in wanted}
    Reading.objects.exclude(code__in=swept).delete()
    return sum(sweep_one(code) for code in sorted(swept))


@transaction.atomic
def sweep_one(code: str) -> int:
    """One kind of happening; 0 while another sweep is at it."""
    happening = HAPPENINGS[code]
    reading = Reading.objects.select_for_update(skip_locked=True).filter(code=code).first()
    if reading is None:
        sql.begin_reading(happening)
        return 0
    found, marks = sql.read_on(happening, reading)
    if marks:
        Reading.objects.filter(pk=reading.pk).update(**marks)
    return found


def share(*, now: datetime) -> int:
    """Hand what happened to the endpoints that want it; how much."""
    total = 0
    while shared := sql.share(now=now, limit=SHARED_AT_ONCE):
        total += shared
    return total


def deliver_due(*, now: datetime, limit: int = A_BATCH, resolve: Resolve = resolve_name) -> int:
    """Claim deliveries that are due, so many an endpoint, and call; how many were claimed.

    A worker that dies here leaves at most one delivery that the other side may have: it is sent again by the same id.
    """
    began = time.monotonic()
    ids = sql.claim(now=now, until=now + LEASE, limit=limit)
    rows = Delivery.objects.filter(pk__in=ids).select_related("endpoint", "occurrence__member")
    down: set[int] = set()
    for delivery in rows.order_by("due_at", "pk"):
        moment = now + timedelta(seconds=time.monotonic() - began)
        if delivery.endpoint_id in down:
            put_back(delivery)
        elif not deliver_one(delivery, now=moment, resolve=resolve):
            down.add(delivery.endpoint_id)
    return len(ids)


def put_back(delivery: Delivery) -> None:
    """Untried, for later."""
    held = Delivery.objects.held(until=delivery.leased_until).filter(pk=delivery.pk)
    held.update(status=Delivery.Status.QUEUED, leased_until=None)


def deliver_one(delivery: Delivery, *, now: datetime, resolve: Resolve = resolve_name) -> bool:
    """Call, and note what came of it. False when the endpoint should be left alone for now."""
    held = Delivery.objects.held(until=delivery.leased_until).filter(pk=delivery.pk)
    if not held.update(tried_at=now, attempts=F("attempts") + 1):
        return True  # the lease ran out, and the delivery is somebody else's
    delivery.attempts += 1
    endpoint, body = delivery.endpoint, body_of(delivery)
    headers = headers_of(
        secrets_of(endpoint, now),
        identifier=delivery.occurrence.identifier,
        moment=int(now.timestamp()),
        body=body,
    )
    try:
        reply = post(endpoint.address, body=body, headers=headers, allow_loopback=allows_loopback(), resolve=resolve)
    except BadAddress as refusal:
        return note_failure(delivery, None, problem=refusal.code, now=now)
    except Unreachable as problem:
        return note_failure(delivery, None, problem=str(problem), now=now)
    if is_success(reply.status):
        return note_success(delivery, reply, now=now)
    return note_failure(delivery, reply, problem="", now=now)


def body_of(delivery: Delivery) -> bytes:
    """What is told, as JSON: what happened, when, and the facts; contacts only to whom they were promised."""
    happened = delivery.occurrence
    data: dict[str, Any] = dict(happened.facts)
    if happened.member is not None:
        data["member"] = happened.member.number
        if delivery.endpoint.has_contacts:
            identities = Identity.objects.filter(member=happened.member).order_by("kind", "pk")
            data["contacts"] = list(identities.values("kind", "value"))
    said = {"type": happened.code, "timestamp": happened.happened_at.isoformat(), "data": data}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def note_success(delivery: Delivery, reply: Reply, *, now: datetime) -> bool:
    settle(delivery, reply, status=Delivery.Status.DELIVERED, finished_at=now)
    Endpoint.objects.filter(pk=delivery.endpoint_id).exclude(failing_since=None).update(failing_since=None)
    return True


def note_failure(delivery: Delivery, reply: Reply | None, *, problem: str, now: datetime) -> bool:
    """Queue it for later or give it up, and see how the endpoint does. False when it should be left alone for now."""
    endpoint = Endpoint.objects.filter(pk=delivery.endpoint_id)
    endpoint.filter(failing_since=None).update(failing_since=now)
    if reply is not None and reply.status == GONE:
        settle(delivery, reply, status=Delivery.Status.FAILED, finished_at=now, problem=problem)
        switch_off(endpoint=delivery.endpoint, reason=Endpoint.Reason.GONE, now=now)
        return False
    rest = asked_to_wait(reply.headers.get("retry-after", ""), now) if reply else DOWN_RESTS
    wait = wait_after(delivery.attempts, luck=random.random())  # noqa: S311 - spreads calls, guards nothing
    if wait is None:
        settle(delivery, reply, status=Delivery.Status.FAILED, finished_at=now, problem=problem)
    else:
        due = now + max(wait, rest)
        settle(delivery, reply, status=Delivery.Status.QUEUED, due_at=due, problem=problem)
    if rest:
        endpoint.update(resting_until=now + rest)
    if endpoint.filter(failing_since__lte=now - FAILING_AT_MOST).exists():
        switch_off(endpoint=delivery.endpoint, reason=Endpoint.Reason.FAILING, now=now)
        return False
    return not rest


def settle(delivery: Delivery, reply: Reply | None, *, problem: str = "", **more: Any) -> None:
    """Note what became of a delivery that we hold."""
    held = Delivery.objects.held(until=delivery.leased_until).filter(pk=delivery.pk)
    held.update(
        leased_until=None,
        answered=reply.status if reply else None,
        answer=reply.body if reply else "",
        problem=problem[:200],
        **more,
    )


def switch_off(*, endpoint: Endpoint, reason: str, now: datetime) -> bool:
    """Tell it nothing more until somebody switches it on; what waits goes on waiting. Once only."""
    on = Endpoint.objects.filter(pk=endpoint.pk, is_on=True)
    return bool(on.update(is_on=False, off_reason=reason, off_at=now))


def send_again(*, delivery: Delivery, now: datetime) -> None:
    """Queue what was delivered or given up once more, by the same id. Raises StillUnderWay."""
    if not requeue(Q(pk=delivery.pk), now=now):
        raise StillUnderWay


def send_failed_again(*, endpoint: Endpoint, since: datetime, now: datetime) -> int:
    """Queue all that was given up since a moment once more; how many."""
    failed = Q(endpoint=endpoint, status=Delivery.Status.FAILED, finished_at__gte=since)
    return requeue(failed, now=now)


def requeue(which: Q, *, now: datetime) -> int:
    settled = Delivery.objects.filter(which, finished_at__isnull=False)
    return settled.update(status=Delivery.Status.QUEUED, attempts=0, due_at=now, finished_at=None)


def try_endpoint(*, endpoint: Endpoint, now: datetime, resolve: Resolve = resolve_name) -> Delivery:
    """Call an endpoint at once to see whether it answers, also one that is off. What came of it stands in the row."""
    with transaction.atomic():
        happened = Occurrence.objects.create(
            code=PING,
            key=secrets.token_hex(8),
            identifier=f"msg_{secrets.token_hex(16)}",
            happened_at=now,
            shared_at=now,
        )
        delivery = Delivery.objects.create(
            endpoint=endpoint,
            occurrence=happened,
            status=Delivery.Status.SENDING,
            leased_until=now + LEASE,
            due_at=now,
        )
    deliver_one(delivery, now=now, resolve=resolve)
    Delivery.objects.filter(pk=delivery.pk, status=Delivery.Status.QUEUED).update(
        status=Delivery.Status.FAILED, finished_at=now
    )  # whoever tests wants to know now, and tries again
    return Delivery.objects.get(pk=delivery.pk)


def forget(*, now: datetime) -> int:
    """Let go of what happened 90 days ago and is not under way any more; how much."""
    under_way = Delivery.objects.filter(occurrence=OuterRef("pk"), finished_at=None)
    old = Occurrence.objects.filter(~Exists(under_way), created_at__lt=now - KEPT)
    ids = list(old.order_by("created_at").values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])
    Delivery.objects.filter(occurrence__in=ids).delete()
    return Occurrence.objects.filter(pk__in=ids).delete()[0]
