"""Another system beside the demo shop: an endpoint that nobody switched on yet, and what it was told before."""

from datetime import datetime, timedelta

from members.profiles.models import Member
from members.webhooks.actions import keep_endpoint, switch_off
from members.webhooks.models import Delivery, Endpoint, Occurrence

TOLD = [
    ("points.moved", {"kind": "earn", "account": "points", "points": 36}, 204, "delivered", 1, ""),
    ("member.enrolled", {"source": "till", "language": "zh-hans"}, 200, "delivered", 1, '{"ok": true}'),
    ("tier.changed", {"before": "silver", "after": "gold", "reason": "sale"}, 200, "delivered", 3, '{"ok": true}'),
    ("points.moved", {"kind": "spend", "account": "points", "points": 120}, 502, "failed", 10, "Bad gateway"),
    ("member.updated", {"fields": ["name"]}, None, "failed", 10, ""),
]


def open_outward(*, now: datetime) -> None:
    """Two endpoints: one that is off, with a log, and one that was switched off after days of failure."""
    mini = Endpoint(
        name="小程序 mini-program",
        address="https://mini.example.com/regulars/hook",
        events=["member.enrolled", "points.moved", "tier.changed"],
        is_on=False,
    )
    keep_endpoint(endpoint=mini)
    for number, (code, facts, answered, status, attempts, words) in enumerate(TOLD):
        at = now - timedelta(hours=7 * number + 2)
        happened = Occurrence.objects.create(
            member=Member.objects.order_by("-pk")[number],
            code=code,
            key=f"demo:{number}",
            identifier=f"msg_demo{number}",
            facts=facts,
            happened_at=at,
            shared_at=at,
        )
        Delivery.objects.create(
            endpoint=mini, occurrence=happened, status=status, attempts=attempts, due_at=at, tried_at=at,
            finished_at=at, answered=answered, answer=words, problem="" if answered else "late",
        )  # fmt: skip
    books = Endpoint(
        name="财务系统 books", address="https://books.example.com/hook", events=["points.moved"], is_on=True
    )
    keep_endpoint(endpoint=books)
    Endpoint.objects.filter(pk=books.pk).update(failing_since=now - timedelta(days=6))
    switch_off(endpoint=books, reason=Endpoint.Reason.FAILING, now=now - timedelta(days=1))
