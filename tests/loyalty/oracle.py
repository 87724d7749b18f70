"""A plain model of the ledger: what it promises, in lists and loops, to hold the database against.

Written from the docstrings and the design, not from the SQL. Every verb settles what is due, looks for its key,
decides, and only then writes; a refusal leaves nothing behind but what was due anyway.
"""

from bisect import bisect_left
from calendar import monthrange
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

NEVER = datetime.max.replace(tzinfo=UTC)
EMPTY = (0, 0, 0)


class Refused(Exception):
    """A no, with the code that the ledger's refusal carries."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Lot:
    """A credit with its own life."""

    number: int
    origin: str  # the key of the movement that gave it
    points: int
    remaining: int
    is_active: bool
    activates_at: datetime
    expires_at: datetime | None
    held: int = 0
    idle_months: int | None = None
    replaces: int | None = None  # the number of the lot in whose place this one came

    @property
    def ends_at(self) -> datetime:
        return self.expires_at or NEVER


@dataclass
class Movement:
    """Points that moved, the balances after, and which lots they left or came back to."""

    kind: str
    source: str
    target: str
    points: int
    key: str
    cause: str
    happened_at: datetime
    after: tuple[int, int, int]  # pending, active, held
    uses: dict[int, int] = field(default_factory=dict)
    other: str = ""  # whose account a transfer came from or went to
    asked: int | None = None  # of a claw-back: what it was asked for, and how much of it had lapsed
    lapsed: int = 0


def months_later(moment: datetime, months: int) -> datetime:
    """The same day so many months later; a missing day falls to the month's last."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))


Done = tuple[Movement, bool]  # what a verb did or had done, and whether it had


class Account:
    """A member's holding of one kind of points."""

    def __init__(self, name: str, *, debt_limit: int, least_life: timedelta) -> None:
        self.name = name
        self.debt_limit = debt_limit
        self.least_life = least_life
        self.buckets = {"pending": 0, "active": 0, "held": 0}
        self.lots: list[Lot] = []
        self.movements: list[Movement] = []
        self.keys: dict[str, Movement] = {}

    @property
    def balances(self) -> tuple[int, int, int]:
        return self.buckets["pending"], self.buckets["active"], self.buckets["held"]

    @property
    def debt(self) -> int:
        return max(-self.buckets["active"], 0)

    def as_of(self, moment: datetime) -> tuple[int, int, int]:
        """The balances just before a moment. Settle first, or what is due is missing."""
        place = bisect_left(self.movements, moment, key=lambda each: each.happened_at)
        return self.movements[place - 1].after if place else EMPTY

    def totals(self) -> Counter[tuple[str, str, str]]:
        """Points by kind, source and target of the movements."""
        found: Counter[tuple[str, str, str]] = Counter()
        for each in self.movements:
            found[each.kind, each.source, each.target] += each.points
        return found

    # Movements and lots

    def move(
        self, kind: str, source: str, target: str, points: int, key: str, at: datetime, cause: str = ""
    ) -> Movement:
        for bucket, change in ((source, -points), (target, points)):
            if bucket in self.buckets:
                self.buckets[bucket] += change
        movement = Movement(kind, source, target, points, key, cause, at, self.balances)
        self.movements.append(movement)
        self.keys[key] = movement
        return movement

    def open_lot(
        self,
        origin: str,
        points: int,
        remaining: int,
        starts: datetime,
        ends: datetime | None,
        now: datetime,
        **more: int | None,
    ) -> None:
        self.lots.append(Lot(len(self.lots), origin, points, remaining, starts <= now, starts, ends, **more))

    def stir(self, now: datetime) -> None:
        """Somebody earned or spent: what lapses by idle months has all of them before it again."""
        for lot in self.lots:
            if lot.idle_months and lot.remaining:
                lot.expires_at = max(lot.ends_at, months_later(now, lot.idle_months))

    def due(self, now: datetime) -> Iterator[tuple[datetime, str, int]]:
        """What has to happen by now with what is left in each lot: it becomes active, or else it expires."""
        for lot in self.lots:
            moment, what = (lot.ends_at, "expire") if lot.is_active else (lot.activates_at, "activate")
            if lot.remaining and moment <= now:
                yield moment, what, lot.number

    def settle(self, now: datetime) -> None:
        """Let everything due happen, each at its own moment, in the order of time."""
        while soonest := min(self.due(now), default=None):
            moment, what, number = soonest
            lot, debt = self.lots[number], self.debt
            if what == "activate":
                self.move(what, "pending", "active", lot.remaining, f"activate:{number}", moment)
                lot.is_active = True
                lot.remaining -= min(lot.remaining, debt)
            else:
                movement = self.move(what, "active", "programme", lot.remaining, f"expire:{number}", moment)
                movement.uses[number] = lot.remaining
                lot.remaining = 0

    def known(self, key: str, **content: Any) -> Movement | None:
        """The movement that has this key. Refuses when it says anything else."""
        movement = self.keys.get(key)
        if movement and any(getattr(movement, name) != value for name, value in content.items()):
            raise Refused("key_reused")
        return movement

    # Verbs

    def credit(
        self,
        kind: str,
        points: int,
        key: str,
        now: datetime,
        starts: datetime | None = None,
        ends: datetime | None = None,
        idle: int | None = None,
    ) -> Done:
        self.settle(now)
        if known := self.known(key, kind=kind, source="programme", points=points):
            return known, True
        starts, debt = starts or now, self.debt
        target = "pending" if starts > now else "active"
        movement = self.move(kind, "programme", target, points, key, now)
        repaid = min(points, debt) if target == "active" else 0
        if idle:
            ends = months_later(max(starts, now), idle)
        self.open_lot(key, points, points - repaid, starts, ends, now, idle_months=idle)
        if kind == "earn":
            self.stir(now)
        return movement, False

    def debit(self, kind: str, points: int, key: str, now: datetime, target: str = "programme") -> Done:
        self.settle(now)
        if known := self.known(key, kind=kind, source="active", points=points):
            return known, True
        if points > self.buckets["active"]:
            raise Refused("not_enough_points")
        movement = self.move(kind, "active", target, points, key, now)
        self.take(movement, points)
        if kind == "spend":
            self.stir(now)
        return movement, False

    def take(self, movement: Movement, points: int) -> None:
        """Out of the lots of what the movement undoes, then out of those that would expire soonest."""
        lots, own = [lot for lot in self.lots if lot.is_active and lot.remaining], self.family(movement.cause)
        for lot in sorted(lots, key=lambda lot: (lot.number not in own, lot.ends_at, lot.number)):
            part = min(lot.remaining, points)
            points -= part
            lot.remaining -= part
            lot.held += part if movement.target == "held" else 0
            if part:
                movement.uses[lot.number] = part

    def family(self, origin: str) -> set[int]:
        """The numbers of an earning's own lot and of those that came in its place."""
        own = {lot.number for lot in self.lots if origin and lot.origin == origin and lot.replaces is None}
        return own | {lot.number for lot in self.lots if lot.replaces in own}

    def earn(
        self,
        *,
        points: int,
        key: str,
        now: datetime,
        activates_at: datetime | None,
        expires_at: datetime | None,
        idle_months: int | None = None,
    ) -> Done:
        return self.credit("earn", points, key, now, activates_at, expires_at, idle_months)

    def activate(self, *, earned: str, key: str, now: datetime, expires_at: datetime | None = None) -> Done:
        self.settle(now)
        if known := self.known(key, kind="activate", cause=earned):
            return known, True
        lot = self.own_lot(earned, "earn")
        if lot.is_active or not lot.remaining:
            raise Refused("not_pending")
        debt = self.debt
        movement = self.move("activate", "pending", "active", lot.remaining, key, now, earned)
        lot.is_active, lot.activates_at = True, now
        lot.remaining -= min(lot.remaining, debt)
        lot.expires_at = months_later(now, lot.idle_months) if lot.idle_months else expires_at or lot.expires_at
        return movement, False

    def own_lot(self, origin: str, *kinds: str) -> Lot:
        """The lot of an earning. Refuses when there is no such earning."""
        cause = self.keys.get(origin)
        if cause is None or cause.kind not in kinds or cause.source != "programme":
            raise Refused("unknown_cause")
        return next(lot for lot in self.lots if lot.origin == origin)

    def bring_in(self, *, points: int, key: str, now: datetime, expires_at: datetime | None) -> Done:
        return self.credit("import", points, key, now, None, expires_at)

    def redeem(self, *, points: int, key: str, now: datetime) -> Done:
        return self.debit("spend", points, key, now)

    def adjust(self, *, points: int, key: str, now: datetime, reason: str) -> Done:
        assert reason
        return self.credit("adjust", points, key, now) if points > 0 else self.debit("adjust", -points, key, now)

    def hold(self, *, points: int, key: str, now: datetime) -> Done:
        return self.debit("hold", points, key, now, target="held")

    def capture(self, *, held: str, points: int | None, key: str, now: datetime) -> Done:
        return self.follow(("spend", "held", "programme"), "hold", held, points, key, now)

    def release(self, *, held: str, points: int | None, key: str, now: datetime) -> Done:
        return self.follow(("release", "held", "active"), "hold", held, points, key, now)

    def restore(self, *, spent: str, points: int | None, key: str, now: datetime) -> Done:
        return self.follow(("restore", "programme", "active"), "spend", spent, points, key, now)

    def follow(
        self, step: tuple[str, str, str], follows: str, after: str, points: int | None, key: str, now: datetime
    ) -> Done:
        self.settle(now)
        kind, source, target = step
        content = {"kind": kind, "source": source, "cause": after} | ({} if points is None else {"points": points})
        if known := self.known(key, **content):
            return known, True
        cause = self.keys.get(after)
        if cause is None or cause.kind != follows:
            raise Refused("unknown_cause")
        still_open = self.still_open(cause)
        asked = still_open.total() if points is None else points
        if not 0 < asked <= still_open.total():
            raise Refused("more_than_open")
        debt = self.debt
        movement = self.move(kind, source, target, asked, key, now, after)
        self.give_back(movement, still_open, asked - min(asked, debt), asked)
        if kind == "spend":
            self.stir(now)
        return movement, False

    def still_open(self, cause: Movement) -> Counter[int]:
        """What a movement took out of each lot, less what followed it already."""
        left = Counter(cause.uses)
        for each in self.movements:
            if each.cause == cause.key:
                left.subtract(each.uses)
        return +left

    def give_back(self, movement: Movement, still_open: Counter[int], kept: int, left: int) -> None:
        """Used up: the soonest-expiring lots first. Given back: those that live longest first; the others repay."""
        comes_back = movement.target == "active"
        lots = sorted(
            (self.lots[number] for number in sorted(still_open)), key=lambda lot: lot.ends_at, reverse=comes_back
        )
        for lot in lots:
            part = min(still_open[lot.number], left)
            if not part:
                break
            left -= part
            movement.uses[lot.number] = part
            lot.held -= part if movement.source == "held" else 0
            if comes_back and (mine := min(part, kept)):
                kept -= mine
                self.revive(lot, mine, movement)

    def revive(self, lot: Lot, points: int, movement: Movement) -> None:
        """Back into the lot; into a new one with the least life where it died when held, or soon would when spent."""
        now = movement.happened_at
        least = now + self.least_life
        if lot.ends_at > now and (movement.source == "held" or lot.ends_at >= least):
            lot.remaining += points
        else:
            self.replace(lot, points, movement, least)

    def replace(self, lot: Lot, points: int, movement: Movement, ends: datetime | None) -> None:
        """A new lot in the place of an old one."""
        now, root = movement.happened_at, lot.number if lot.replaces is None else lot.replaces
        self.open_lot(movement.key, points, points, now, ends, now, idle_months=lot.idle_months, replaces=root)

    def claw_back(self, *, earned: str, points: int, key: str, now: datetime) -> Done:
        return self.claw(earned, points, key, now)

    def cancel_pending(self, *, earned: str, key: str, now: datetime) -> Done:
        return self.claw(earned, None, key, now)

    def claw(self, earned: str, asked: int | None, key: str, now: datetime) -> Done:
        """From what is pending of it, else what is left of it, then others, then debt; what lapsed is back already."""
        self.settle(now)
        content = {"kind": "claw_back", "cause": earned} | ({} if asked is None else {"asked": asked})
        if known := self.known(key, **content):
            return known, True
        lot = self.own_lot(earned, "earn", "import", "adjust")
        waits = lot.remaining > 0 and not lot.is_active
        if asked is None and not waits:
            raise Refused("not_pending")
        asked = lot.remaining if asked is None else asked
        earlier = [each for each in self.movements if each.cause == earned and each.kind == "claw_back"]
        earlier = [each for each in earlier if not self.undone(each)]
        if asked > lot.points - sum(each.points + each.lapsed for each in earlier):
            raise Refused("more_than_open")
        if waits:
            lot.remaining -= asked
            movement = self.move("claw_back", "pending", "programme", asked, key, now, earned)
            movement.uses[lot.number], movement.asked = asked, asked
            return movement, False
        lapsed = min(asked, self.lapsed_of(earned) - sum(each.lapsed for each in earlier))
        points = min(asked - lapsed, max(self.buckets["active"] + self.debt_limit, 0))
        if points + lapsed == 0:
            raise Refused("debt_limit_reached")
        movement = self.move("claw_back", "active", "programme", points, key, now, earned)
        movement.asked, movement.lapsed = asked, lapsed
        self.take(movement, points)
        return movement, False

    def lapsed_of(self, earned: str) -> int:
        """How many points of an earning have lapsed."""
        lots = self.family(earned)
        ends = [each.uses for each in self.movements if each.kind == "expire"]
        return sum(points for uses in ends for number, points in uses.items() if number in lots)

    def undone(self, movement: Movement) -> bool:
        return any(each.cause == movement.key for each in self.movements)

    def undo_claw_back(self, *, clawed: str, key: str, now: datetime) -> Done:
        self.settle(now)
        if known := self.known(key, kind="restore", cause=clawed):
            return known, True
        cause = self.keys.get(clawed)
        if cause is None or cause.kind != "claw_back":
            raise Refused("unknown_cause")
        if self.undone(cause):
            raise Refused("already_undone")
        lot, debt = self.own_lot(cause.cause, "earn", "import", "adjust"), self.debt
        if cause.source == "pending" and not lot.is_active:
            if lot.activates_at > now:
                lot.remaining += cause.points
                movement = self.move("restore", "programme", "pending", cause.points, key, now, clawed)
                movement.uses[lot.number] = cause.points
                return movement, False
            lot.is_active = True
        movement = self.move("restore", "programme", "active", cause.points, key, now, clawed)
        kept, from_lots = cause.points - min(cause.points, debt), sum(cause.uses.values())
        self.give_back(movement, Counter(cause.uses), min(kept, from_lots), from_lots)
        if kept > from_lots:  # had become debt, and was repaid since
            ends = None if lot.expires_at is None else max(lot.expires_at, now + self.least_life)
            self.replace(lot, kept - from_lots, movement, ends)
        return movement, False

    def write_off(self, *, points: int, key: str, now: datetime, actor: str, approver: str) -> Done:
        if not (actor and approver) or actor == approver:
            raise Refused("same_person")
        with all_or_nothing(self):
            self.settle(now)
            known = self.keys.get(key)
            if points > self.debt and not (known and known.kind == "write_off"):
                raise Refused("more_than_open")
            return self.credit("write_off", points, key, now)

    def receive(self, given: Movement, giver: "Account", now: datetime) -> Done:
        """The giver's lots live on here, each with its own expiry; debt is repaid first."""
        self.settle(now)
        if given.key in self.keys:
            raise Refused("key_reused")
        debt = self.debt
        movement = self.move("transfer", "programme", "active", given.points, given.key, now)
        movement.other = giver.name
        for lot in sorted((giver.lots[number] for number in sorted(given.uses)), key=lambda lot: lot.ends_at):
            points = given.uses[lot.number]
            repaid = min(points, debt)
            debt -= repaid
            self.open_lot(given.key, points, points - repaid, now, lot.expires_at, now, idle_months=lot.idle_months)
        return movement, False


@contextmanager
def all_or_nothing(*accounts: Account) -> Iterator[None]:
    """A transaction: a refusal puts everything back, what was due included."""
    before = [deepcopy(vars(account)) for account in accounts]
    try:
        yield
    except Refused:
        for account, state in zip(accounts, before, strict=True):
            vars(account).update(state)
        raise


def transfer(*, giver: Account, receiver: Account, points: int, key: str, now: datetime) -> tuple[Done, Done]:
    """Both sides of a transfer, under one key."""
    if giver is receiver:
        raise Refused("same_person")
    with all_or_nothing(giver, receiver):
        given, is_replay = giver.debit("transfer", points, key, now)
        if not is_replay:
            given.other = receiver.name
            return (given, False), receiver.receive(given, giver, now)
        taken = receiver.keys.get(key)
        if taken is None or given.other != receiver.name:
            raise Refused("key_reused")
        return (given, True), (taken, True)
