"""The ledger against a plain model of it: random stories, told one by one, set-based, and to the oracle.

Every member has a twin. What happens to one happens to the other, but the twin's earnings come in batches and the
nights go over the twin's accounts. After every step the database and the oracle agree; whenever the books are closed,
the movements of the twins are the same, in the same order, and so is what each held at any moment before.
"""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from loyalty.ledger import actions
from loyalty.ledger.actions import Credit, earn_many, lock_accounts, prove_range, settle_member, settle_range
from loyalty.ledger.models import Account, Lot, LotUse, Movement, PointKind
from members.kit.refusals import Refusal
from members.profiles.models import Member
from tests.factories import NOW, MemberFactory
from tests.loyalty import oracle

pytestmark = pytest.mark.django_db

STORIES = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
Cast = tuple[list[Member], list[Member], list[PointKind]]
SLOTS = ((0, 0), (1, 0), (0, 1))  # which member's account of which kind

givers = st.sampled_from([0, 1])
slots = st.integers(0, len(SLOTS) - 1)
points = st.integers(1, 60)
few = st.integers(1, 30)
some_or_all = st.none() | st.integers(1, 10)
picks = st.integers(0, 9)
hours = st.sampled_from([1, 12, 24, 24, 72, 240])
waits = st.sampled_from([-24, 0, 0, 12, 24, 72])
lives = st.sampled_from([None, 12, 24, 72, 240, 480])
idles = st.sampled_from([None, None, None, 1, 2])


@pytest.fixture
def cast() -> Cast:
    """Members, their twins, a kind of points with debt and three days of least life, one without and with one day."""
    points = PointKind.objects.get(code="points")
    points.debt_limit, points.restored_life_days = 40, 3
    points.save()
    stamps = PointKind.objects.create(code="stamps", name_zh="印花", name_en="Stamps", restored_life_days=1)
    names = ("王芳", "李强", "王芬", "李刚")
    wang, li, wang_fen, li_gang = (MemberFactory.create(name=name) for name in names)
    return [wang, li], [wang_fen, li_gang], [points, stamps]


class Side:
    """Members in the database, and what the oracle says of them."""

    def __init__(self, members: list[Member], kinds: list[PointKind]) -> None:
        self.holders = [(members[member], kinds[kind]) for member, kind in SLOTS]
        self.members = members
        self.oracle = [
            oracle.Account(str(who.pk), debt_limit=kind.debt_limit, least_life=timedelta(days=kind.restored_life_days))
            for who, kind in self.holders
        ]
        for kind in kinds:
            lock_accounts(members=members, kind=kind)
        found = {(each.member_id, each.kind_id): each.pk for each in Account.objects.filter(member__in=members)}
        self.accounts = [found[member.pk, kind.pk] for member, kind in self.holders]


def totals(accounts: list[oracle.Account]) -> Counter[tuple[str, str, str]]:
    """Points by kind, source and target, over several accounts."""
    return sum((account.totals() for account in accounts), Counter())


def outcome(verb: Callable[[], Any]) -> Any:
    """The refusal's code, or points, balances and whether it is a replay; of the database's answer or the oracle's."""
    try:
        return told(verb())
    except (Refusal, oracle.Refused) as refusal:
        return refusal.code


def told(answer: Any) -> Any:
    match answer:
        case actions.Posting():
            return answer.points, answer.pending, answer.active, answer.held, answer.is_replay
        case (oracle.Movement() as movement, is_replay):
            return movement.points, *movement.after, is_replay
        case (one, other):
            return told(one), told(other)


class Books(RuleBasedStateMachine):
    """One story."""

    def __init__(self, cast: Cast) -> None:
        super().__init__()
        self.story = transaction.atomic()
        self.story.__enter__()
        self.now = NOW
        members, twins, kinds = cast
        self.one, self.twin = Side(members, kinds), Side(twins, kinds)
        self.sides = (self.one, self.twin)
        self.waiting: list[tuple[int, dict[str, Any]]] = []  # the twin's earnings, not yet posted
        self.calls: list[tuple[str, int, dict[str, Any]]] = []
        self.steps = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.story.__exit__(None, None, None)

    # Telling

    def next_key(self) -> str:
        self.steps += 1
        return f"k{self.steps}"

    def do(self, verb: str, slot: int, **said: Any) -> None:
        """Let it happen on both sides; earnings wait for the next batch on the twin's."""
        self.calls.append((verb, slot, said))
        if verb == "earn":
            said = self.dated(**said)
            self.perform(self.one, verb, slot, **said)
            self.waiting.append((slot, said))
            return
        if verb == "transfer":
            self.pass_on(slot, **said)
            return
        if verb == "bring_in":
            said = self.dated(waits=0, **said)
            del said["activates_at"]
        self.post_batch()
        for side in self.sides:
            self.perform(side, verb, slot, **{"now": self.now, **said})

    def dated(self, *, waits: int, lives: int | None, idle: int | None = None, **said: Any) -> dict[str, Any]:
        if idle is not None:
            return self.dated(waits=waits, lives=None, **said) | {"idle_months": idle}
        starts = self.now + timedelta(hours=waits)
        ends = None if lives is None else max(starts, self.now) + timedelta(hours=lives)
        return {"now": self.now, "activates_at": starts, "expires_at": ends, **said}

    def perform(self, side: Side, verb: str, slot: int, **said: Any) -> None:
        member, kind = side.holders[slot]
        wanted = outcome(lambda: getattr(side.oracle[slot], verb)(**said))
        assert outcome(lambda: getattr(actions, verb)(member=member, kind=kind, **said)) == wanted

    def pass_on(self, slot: int, *, to: int, **said: Any) -> None:
        self.post_batch()
        for side in self.sides:
            (giver, kind), (receiver, _kind) = side.holders[slot], side.holders[to]
            who = {"giver": side.oracle[slot], "receiver": side.oracle[to]}
            wanted = outcome(lambda who=who: oracle.transfer(**who, now=self.now, **said))
            found = outcome(
                lambda giver=giver, receiver=receiver, kind=kind: actions.transfer(
                    giver=giver, receiver=receiver, kind=kind, now=self.now, **said
                )
            )
            assert found == wanted

    def post_batch(self) -> None:
        """The twin's earnings since the last time, in one statement."""
        batch, self.waiting = self.waiting, []
        credits, wanted = [], []
        for slot, said in batch:
            member, kind = self.twin.holders[slot]
            credits.append(Credit(member=member.pk, kind=kind.pk, **said))
            answer = outcome(lambda slot=slot, said=said: self.twin.oracle[slot].earn(**said))
            wanted.append((answer, None, None) if isinstance(answer, str) else (None, answer[2], answer[4]))
        posted = earn_many(credits=credits)
        found = [(each.refusal, None, None) if each.refusal else (None, each.active, each.is_replay) for each in posted]
        assert found == wanted

    def found(self, *kinds: str) -> list[tuple[int, oracle.Movement]]:
        """Earlier movements of such kinds, that somebody asked for, the newest last."""
        movements = [(slot, each) for slot, model in enumerate(self.one.oracle) for each in model.movements]
        asked = [(slot, each) for slot, each in movements if each.kind in kinds and each.key.startswith("k")]
        return sorted(asked, key=lambda found: found[1].happened_at)

    # What may happen

    @rule(hours=hours)
    def time_goes_by(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(slot=slots, points=points, waits=waits, lives=lives, idle=idles)
    def earn(self, slot: int, points: int, waits: int, lives: int | None, idle: int | None = None) -> None:
        self.do("earn", slot, key=self.next_key(), points=points, waits=waits, lives=lives, idle=idle)

    @rule(each=st.lists(st.tuples(slots, points, waits, lives, idles), min_size=2, max_size=5))
    def earn_often(self, each: list[tuple[int, int, int, int | None, int | None]]) -> None:
        for slot, points, waits, lives, idle in each:
            self.earn(slot=slot, points=points, waits=waits, lives=lives, idle=idle)

    @precondition(lambda self: self.found("earn"))
    @rule(verb=st.sampled_from(["activate", "cancel_pending"]), pick=picks)
    def the_event_comes_or_does_not(self, verb: str, pick: int) -> None:
        waiting = [found for found in self.found("earn") if found[1].target == "pending"] or self.found("earn")
        slot, movement = waiting[-1 - pick % len(waiting)]
        self.do(verb, slot, key=self.next_key(), earned=movement.key)

    @rule(slot=slots, points=points, lives=lives)
    def bring_in(self, slot: int, points: int, lives: int | None) -> None:
        self.do("bring_in", slot, key=self.next_key(), points=points, lives=lives)

    @rule(verb=st.sampled_from(["redeem", "hold"]), slot=slots, points=few)
    def spend(self, verb: str, slot: int, points: int) -> None:
        self.do(verb, slot, key=self.next_key(), points=points)

    @precondition(lambda self: any(account.buckets["active"] > 0 for account in self.one.oracle))
    @rule(verb=st.sampled_from(["redeem", "hold"]), pick=picks, leave=st.integers(0, 3))
    def spend_nearly_all(self, verb: str, pick: int, leave: int) -> None:
        rich = [slot for slot, account in enumerate(self.one.oracle) if account.buckets["active"] > 0]
        slot = rich[pick % len(rich)]
        self.do(verb, slot, key=self.next_key(), points=max(self.one.oracle[slot].buckets["active"] - leave, 1))

    @rule(slot=slots, points=few, sign=st.sampled_from([-1, 1]))
    def adjust(self, slot: int, points: int, sign: int) -> None:
        self.do("adjust", slot, key=self.next_key(), points=sign * points, reason="counted again")

    @precondition(lambda self: self.found("hold"))
    @rule(verb=st.sampled_from(["capture", "release"]), points=some_or_all, pick=picks)
    def finish_hold(self, verb: str, points: int | None, pick: int) -> None:
        holds = self.found("hold")
        slot, movement = holds[-1 - pick % len(holds)]
        self.do(verb, slot, key=self.next_key(), points=points, held=movement.key)

    @precondition(lambda self: self.found("spend"))
    @rule(points=some_or_all, pick=picks)
    def restore(self, points: int | None, pick: int) -> None:
        spends = self.found("spend")
        slot, movement = spends[-1 - pick % len(spends)]
        self.do("restore", slot, key=self.next_key(), points=points, spent=movement.key)

    @precondition(lambda self: self.found("earn", "import"))
    @rule(points=some_or_all, pick=picks, spends_first=st.booleans())
    def claw_back(self, points: int | None, pick: int, spends_first: bool) -> None:
        """Part of an earning, or all of it, now and then of a member who spent everything just before."""
        earnings = self.found("earn", "import")
        slot, movement = earnings[-1 - pick % len(earnings)]
        active = self.one.oracle[slot].buckets["active"]
        if spends_first and active > 0:
            self.do("redeem", slot, key=self.next_key(), points=active)
        self.do("claw_back", slot, key=self.next_key(), points=points or movement.points, earned=movement.key)

    @precondition(lambda self: self.found("claw_back"))
    @rule(pick=picks)
    def undo_claw_back(self, pick: int) -> None:
        clawed = self.found("claw_back")
        slot, movement = clawed[-1 - pick % len(clawed)]
        self.do("undo_claw_back", slot, key=self.next_key(), clawed=movement.key)

    @precondition(lambda self: any(account.debt for account in self.one.oracle))
    @rule(points=few, approver=st.sampled_from(["boss", "boss", "boss", "clerk"]))
    def write_off(self, points: int, approver: str) -> None:
        slot = max(range(len(SLOTS)), key=lambda slot: self.one.oracle[slot].debt)
        self.do("write_off", slot, key=self.next_key(), points=points, actor="clerk", approver=approver)

    @rule(giver=givers, points=few, is_own=st.sampled_from([0, 0, 0, 1]))
    def transfer(self, giver: int, points: int, is_own: int) -> None:
        self.do("transfer", giver, to=giver if is_own else 1 - giver, key=self.next_key(), points=points)

    @rule(slot=slots, points=points, waits=st.sampled_from([0, 24]), part=st.integers(1, 60), undoes=st.booleans())
    def give_back_late(self, slot: int, points: int, waits: int, part: int, undoes: bool) -> None:
        """Earn what lives for two days, spend some of it, give the purchase back when the rest has lapsed."""
        bought, returned = self.next_key(), self.next_key()
        self.do("earn", slot, key=bought, points=points, waits=waits, lives=48)
        self.now += timedelta(hours=waits)
        if part < self.one.oracle[slot].buckets["active"]:
            self.do("redeem", slot, key=self.next_key(), points=part)
        self.now += timedelta(hours=48)
        for key in (returned, self.next_key()):
            self.do("claw_back", slot, key=key, points=max(points // 2, 1), earned=bought)
        if undoes:
            self.do("undo_claw_back", slot, key=self.next_key(), clawed=returned)

    @rule(
        slot=givers,
        points=points,
        waits=st.sampled_from([0, 12, 24]),
        lives=lives,
        gift=st.sampled_from([0, 0, 9, 50]),
    )
    def fall_into_debt(self, slot: int, points: int, waits: int, lives: int | None, gift: int) -> None:
        """Earn, with more on the way, spend it all, and give the purchase back; a friend may help out."""
        bought = self.next_key()
        self.do("earn", slot, key=bought, points=points, waits=0, lives=None)
        if waits > 0:
            self.earn(slot=slot, points=points, waits=waits, lives=lives)
        if (active := self.one.oracle[slot].buckets["active"]) > 0:
            self.do("redeem", slot, key=self.next_key(), points=active)
        self.do("claw_back", slot, key=self.next_key(), points=points, earned=bought)
        if gift:
            self.do("transfer", 1 - slot, to=slot, key=self.next_key(), points=gift)

    @rule(pick=picks, more=st.sampled_from([-1, 0, 0, 0, 1]))
    def say_it_again(self, pick: int, more: int) -> None:
        """The same key once more: with the same content, or with other points."""
        if self.calls:
            verb, slot, said = self.calls[-1 - pick % len(self.calls)]
            changed = (
                {}
                if not more or not said.get("points") or said["points"] == -more
                else {"points": said["points"] + more}
            )
            self.do(verb, slot, **(said | changed))

    @precondition(lambda self: self.calls)
    @rule(
        pick=picks,
        verb=st.sampled_from(["earn", "redeem", "adjust", "release", "claw_back", "restore", "transfer"]),
        other=picks,
    )
    def say_something_else(self, pick: int, verb: str, other: int) -> None:
        """An earlier key for another verb, or for another cause."""
        _verb, slot, said = self.calls[-1 - pick % len(self.calls)]
        cause = self.calls[-1 - other % len(self.calls)][2]["key"]
        points = abs(said.get("points") or 1)
        more: dict[str, Any] = {
            "earn": {"waits": 0, "lives": None},
            "adjust": {"reason": "counted again", "points": -said["points"] if said.get("points") else 1},
            "release": {"held": cause},
            "claw_back": {"earned": cause},
            "restore": {"spent": cause},
            "transfer": {"to": 1 - slot},
        }.get(verb, {})
        if verb != "transfer" or slot < 2:
            self.do(verb, slot, **{"key": said["key"], "points": points, **more})

    @rule()
    def a_night_passes(self) -> None:
        """The twins' accounts are settled as a range, and a second time without effect."""
        self.post_batch()
        before = totals(self.twin.oracle)
        for account in self.twin.oracle:
            account.settle(self.now)
        due = totals(self.twin.oracle) - before

        first = settle_range(first=min(self.twin.accounts), last=max(self.twin.accounts), now=self.now)
        again = settle_range(first=min(self.twin.accounts), last=max(self.twin.accounts), now=self.now)

        assert first.activated == due["activate", "pending", "active"]
        assert first.expired == due["expire", "active", "programme"]
        assert (again.accounts, again.activated, again.expired) == (0, 0, 0)

    @rule(looks=st.lists(st.integers(0, 40 * 24), min_size=2, max_size=2))
    def the_books_are_closed(self, looks: list[int]) -> None:
        """Everything due is settled on both sides; then the twins' books are the same, line by line."""
        self.a_night_passes()
        for member in self.one.members:
            settle_member(member=member, now=self.now)
        for account in self.one.oracle:
            account.settle(self.now)

        for slot in range(len(SLOTS)):
            assert self.lines(self.one, slot) == self.lines(self.twin, slot) == self.lines_of_oracle(slot)
            for side in self.sides:
                member, kind = side.holders[slot]
                for moment in (NOW + timedelta(hours=look) for look in looks):
                    found = Movement.objects.of(member).of_kind(kind).until(moment).balances()
                    assert (found.pending, found.active, found.held) == side.oracle[slot].as_of(moment)

    def lines(self, side: Side, slot: int) -> list[tuple[Any, ...]]:
        """The movements of an account in the order in which they were written, with the lots that they used."""
        account = side.accounts[slot]
        known = Lot.objects.filter(account=account).order_by("pk")
        numbers = {pk: number for number, pk in enumerate(known.values_list("pk", flat=True))}
        uses: dict[int, dict[int, int]] = {}
        for movement, lot, points in LotUse.objects.filter(lot__account=account).values_list(
            "movement", "lot", "points"
        ):
            uses.setdefault(movement, {})[numbers[lot]] = abs(points)
        columns = ("kind", "source", "target", "points", "pending_after", "active_after", "held_after", "happened_at")
        rows = Movement.objects.filter(account=account).order_by("pk").values_list("pk", *columns)
        return [(*row, uses.get(pk, {}) if row[0] != "activate" else {}) for pk, *row in rows]

    def lines_of_oracle(self, slot: int) -> list[tuple[Any, ...]]:
        return [
            (each.kind, each.source, each.target, each.points, *each.after, each.happened_at, each.uses)
            for each in self.one.oracle[slot].movements
        ]

    # What always holds

    @invariant()
    def the_database_agrees_with_the_oracle(self) -> None:
        ids = [account for side in self.sides for account in side.accounts]
        models = [account for side in self.sides for account in side.oracle]
        balances = {
            row[0]: row[1:] for row in Account.objects.filter(pk__in=ids).values_list("pk", "pending", "active", "held")
        }
        lots: dict[int, Counter[Any]] = {pk: Counter() for pk in ids}
        sums = {pk: [0, 0, 0] for pk in ids}
        for pk, *lot in Lot.objects.filter(account__in=ids).values_list(
            "account", "points", "remaining", "held", "is_active", "activates_at", "expires_at", "idle_months"
        ):
            lots[pk][tuple(lot)] += 1
            sums[pk][1 if lot[3] else 0] += lot[1]
            sums[pk][2] += lot[2]
        for pk, model in zip(ids, models, strict=True):
            assert balances[pk] == model.balances
            assert lots[pk] == Counter(
                (
                    lot.points,
                    lot.remaining,
                    lot.held,
                    lot.is_active,
                    lot.activates_at,
                    lot.expires_at,
                    lot.idle_months,
                )
                for lot in model.lots
            )
            pending, active, held = balances[pk]
            assert [pending, max(active, 0), held] == sums[pk]

    @invariant()
    def the_programme_foots_and_the_proof_finds_nothing(self) -> None:
        ids = [account for side in self.sides for account in side.accounts]
        rows = Movement.objects.filter(account__in=ids).values_list("kind", "source", "target").annotate(Sum("points"))
        found = +Counter({row[:3]: row[3] for row in rows})  # what took nothing adds up to nothing
        assert found == totals(self.one.oracle) + totals(self.twin.oracle)
        issued = sum(n for (_kind, source, _target), n in found.items() if source == "programme")
        returned = sum(n for (_kind, _source, target), n in found.items() if target == "programme")
        assert issued - returned == sum(sum(account.balances) for side in self.sides for account in side.oracle)
        assert prove_range(first=min(ids), last=max(ids), now=self.now) == 0


def test_random_stories_come_to_the_same_one_by_one_set_based_and_in_plain_python(cast):
    run_state_machine_as_test(lambda: Books(cast), settings=STORIES)
