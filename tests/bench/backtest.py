"""A draft with three conditions tried on all sales beside the bare aggregate: the points of each member."""

import multiprocessing
from collections.abc import Iterator
from datetime import timedelta

from django.db import connection, connections, transaction
from django.utils import timezone

from loyalty.backtest.actions import ask_backtest, close_backtest, try_range
from loyalty.backtest.models import Backtest, Swing
from loyalty.backtest.rules import Whom
from loyalty.drafting.actions import keep_draft
from loyalty.ledger.models import PointKind
from loyalty.rulebook.models import EarningRule
from members.kit.charts import start_of
from members.kit.models import Chunk
from members.kit.ranges import plan_afresh
from tests.bench.ground import ROUNDS, run_sql, timed
from tests.bench.table import Line, in_turns

WORKERS = 2
STORES = [f"seed-{n}" for n in range(8)]
BARE = """
SELECT s.member_id, sum(s.amount / 100), count(*)
  FROM members_sale s
 WHERE s.happened_at >= %(since)s AND s.happened_at < %(until)s
   AND s.store_id = ANY (ARRAY(SELECT id FROM members_store WHERE code = ANY (%(stores)s)))
   AND extract(isodow FROM s.happened_at AT TIME ZONE 'Asia/Shanghai')::int = ANY ('{1,2,3,4,5,6}')
   AND s.amount >= 2000
 GROUP BY s.member_id
"""


def backtests() -> Iterator[Line | str]:
    """One point a yuan in eight of ten stores, on six days of the week, from 20 yuan up, over two years."""
    rule = EarningRule.objects.create(code="bench", name_zh="回测", name_en="Bench")
    conditions = {"all": [{"store": STORES}, {"weekday": [1, 2, 3, 4, 5, 6]}, {"min_amount": 2_000}]}
    kind = PointKind.objects.get(code="points")
    draft = keep_draft(rule=rule, by=None, kind=kind, points=1, per_amount=100, conditions=conditions)
    today = timezone.localdate()
    made = ask_backtest(
        draft=draft, first=today - timedelta(days=735), last=today, whom=Whom(), by=None, now=timezone.now()
    )
    ours, bare = in_turns(ROUNDS, lambda: 1 / timed(lambda: try_all(made)), lambda: 1 / timed(lambda: aggregate(made)))
    yield Line("backtest over all sales, time to bare SQL", ours, bare, 3, True)
    close_backtest(backtest=made.pk, now=timezone.now())
    made.refresh_from_db()
    assert made.result
    sales, members = made.result["totals"]["sales"], Swing.objects.count()
    yield f"    ours {1 / ours.middle:.1f} s, bare SQL {1 / bare.middle:.1f} s, {sales:,} sales, {members:,} members"


def try_all(made: Backtest) -> None:
    """What two workers do with the chunks, from the beginning each time; the bare aggregate has the server's own."""
    run_sql("TRUNCATE loyalty_swing")
    chunks = list(Chunk.objects.filter(slot=made.slot).order_by("pk").values_list("pk", flat=True))
    connections.close_all()
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=try_some, args=(made.pk, chunks[n::WORKERS])) for n in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0


def try_some(backtest: int, chunks: list[int]) -> None:
    """What one of them does."""
    for chunk in Chunk.objects.filter(pk__in=chunks).order_by("pk"):
        with transaction.atomic():
            plan_afresh()
            outcome = try_range(backtest=backtest, first=chunk.first_id, last=chunk.last_id)
            Chunk.objects.filter(pk=chunk.pk).update(outcome=outcome, finished_at=timezone.now())


def aggregate(made: Backtest) -> None:
    """The yardstick."""
    values = {
        "since": start_of(made.first_on), "until": start_of(made.last_on + timedelta(days=1)), "stores": STORES,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(BARE, values)
        cursor.fetchall()
