"""The machinery: one answer a key, ticks claimed once, ranges that cover, chunks that one worker holds."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from members.kit.actions import KeyReused, answer_once, claim_chunk, claim_tick, finish_chunk, plan_chunks
from members.kit.models import Chunk, IdempotentAnswer, Tick
from members.kit.ranges import id_ranges
from members.kit.refusals import Refusal
from tests.factories import NOW, StoreFactory
from tests.races import all_at_once

LEASE = timedelta(minutes=5)


def ask(key="k1", asked=None, said=None, scope="till:1"):
    """Answer with `said`, and write a tick as the effect of having answered."""

    def answer():
        Tick.objects.create(name="effect", slot=f"{scope} {key}")
        return 201, said or {"points": 12}

    return answer_once(scope=scope, key=key, asked=asked or {"amount": 1200}, answer=answer)


@pytest.mark.django_db
def test_the_same_key_and_content_gets_the_same_answer_and_one_effect():
    first = ask(said={"z": 1, "a": {"when": NOW}})

    second = ask(said={"something": "else"})

    assert (first.status, first.replayed) == (201, False)
    assert (second.status, second.replayed) == (201, True)
    assert list(second.body.items()) == list(first.body.items())
    assert Tick.objects.count() == 1


@pytest.mark.django_db
def test_the_order_of_what_was_asked_does_not_count():
    ask(asked={"amount": 1200, "receipt": "A1"})

    assert ask(asked={"receipt": "A1", "amount": 1200}).replayed


@pytest.mark.django_db
def test_the_same_key_with_other_content_is_refused_and_changes_nothing():
    first = ask(asked={"amount": 1200})

    with pytest.raises(KeyReused):
        ask(asked={"amount": 1201})

    assert Tick.objects.count() == 1
    assert IdempotentAnswer.objects.get().body == first.body


@pytest.mark.django_db
def test_the_same_key_of_two_tills_is_two_keys():
    ask(scope="till:1", asked={"amount": 1})

    assert not ask(scope="till:2", asked={"amount": 2}).replayed
    assert IdempotentAnswer.objects.count() == 2


@pytest.mark.django_db
def test_a_refusal_is_not_kept_and_the_key_may_be_tried_again():
    def refuse():
        Tick.objects.create(name="effect", slot="refused")
        raise Refusal

    with pytest.raises(Refusal):
        answer_once(scope="till:1", key="k1", asked={"amount": 1200}, answer=refuse)

    assert not IdempotentAnswer.objects.exists()
    assert not Tick.objects.exists()
    assert not ask().replayed


@pytest.mark.django_db
def test_answering_takes_two_statements_and_a_transaction(django_assert_num_queries):
    with django_assert_num_queries(4) as queries:
        answer_once(scope="till:1", key="k1", asked={}, answer=lambda: (200, {}))

    words = [query["sql"].split()[0] for query in queries]
    assert words == ["SAVEPOINT", "INSERT", "UPDATE", "RELEASE"]


@pytest.mark.django_db(transaction=True)
def test_fifty_requests_with_one_key_at_the_same_moment_are_one():
    answers = all_at_once(lambda _number: ask(), 50)

    assert Tick.objects.count() == 1
    assert IdempotentAnswer.objects.count() == 1
    assert {(answer.status, answer.body["points"]) for answer in answers} == {(201, 12)}
    assert sum(answer.replayed for answer in answers) == 49


@pytest.mark.django_db(transaction=True)
def test_a_tick_is_claimed_by_one_of_many_beats():
    claims = all_at_once(lambda _number: claim_tick(name="night", slot="2026-03-09"), 8)

    assert sorted(claims) == [False] * 7 + [True]


@pytest.mark.django_db(transaction=True)
def test_a_tick_whose_beat_died_before_planning_may_be_claimed_again():
    with transaction.atomic():
        claim_tick(name="night", slot="2026-03-09")
        transaction.set_rollback(True)

    assert claim_tick(name="night", slot="2026-03-09")


@pytest.mark.django_db
def test_ranges_cover_every_row_once_and_step_over_gaps():
    stores = [StoreFactory.create() for _ in range(7)]
    far = StoreFactory.create(pk=stores[-1].pk + 10**9)

    ranges = list(id_ranges(type(far), size=3))

    covered = [sum(first <= store.pk <= last for first, last in ranges) for store in [*stores, far]]
    assert covered == [1] * 8
    assert len(ranges) == 4
    assert ranges[-1] == (far.pk, far.pk)


@pytest.mark.django_db
def test_there_are_no_ranges_of_nothing():
    assert list(id_ranges(Tick, size=10)) == []


@pytest.mark.django_db
def test_planning_twice_leaves_the_first_plan():
    first = plan_chunks(name="settle", slot="2026-03-09", as_of=NOW, ranges=[(1, 5), (6, 10)])

    second = plan_chunks(name="settle", slot="2026-03-09", as_of=NOW, ranges=[(3, 12)])

    assert second == first
    assert list(Chunk.objects.order_by("pk").values_list("first_id", "last_id")) == [(1, 5), (6, 10)]


@pytest.mark.django_db
def test_a_chunk_has_one_holder_until_its_lease_runs_out():
    [chunk_id] = plan_chunks(name="settle", slot="2026-03-09", as_of=NOW, ranges=[(1, 5)])

    dead = claim_chunk(chunk_id=chunk_id, now=NOW, lease=LEASE)
    meanwhile = claim_chunk(chunk_id=chunk_id, now=NOW + LEASE, lease=LEASE)
    heir = claim_chunk(chunk_id=chunk_id, now=NOW + 2 * LEASE, lease=LEASE)

    assert meanwhile is None
    assert (dead.attempts, heir.attempts) == (1, 2)
    assert not finish_chunk(chunk=dead, now=NOW + 2 * LEASE, outcome={"lots": 1})
    assert finish_chunk(chunk=heir, now=NOW + 2 * LEASE, outcome={"lots": 7})
    assert Chunk.objects.get().outcome == {"lots": 7}
    assert claim_chunk(chunk_id=chunk_id, now=NOW + 9 * LEASE, lease=LEASE) is None


@pytest.mark.django_db(transaction=True)
def test_eight_workers_at_once_get_one_chunk_once():
    [chunk_id] = plan_chunks(name="settle", slot="2026-03-09", as_of=NOW, ranges=[(1, 5)])
    now = datetime.now(UTC)

    claims = all_at_once(lambda _number: claim_chunk(chunk_id=chunk_id, now=now, lease=LEASE), 8)

    assert sum(claim is not None for claim in claims) == 1
