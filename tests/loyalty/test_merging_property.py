"""Any story of two members, merged and parted at any time: no point comes or goes by it, and the books stay right."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty.ledger.actions import claw_back, earn, hold, prove_range, redeem, release, restore, settle_range
from loyalty.ledger.models import Account, Movement
from loyalty.merging.actions import undo_merge
from loyalty.merging.models import Merge
from members.kit.refusals import Refusal
from members.profiles.models import Member
from members.stores.models import User
from tests.factories import NOW
from tests.loyalty.bookkeeping import EVERYTHING, by
from tests.loyalty.test_merging import everything_of, merged, owner, store, twin, wang  # noqa: F401

pytestmark = pytest.mark.django_db
steps = st.lists(
    st.tuples(
        st.sampled_from(["earn", "earn", "spend", "wait", "hold", "claw", "restore", "merge", "undo", "both"]),
        st.integers(0, 1),
        st.integers(1, 40),
        st.sampled_from([None, 12, 36, 120, 480]),
    ),
    max_size=25,
)


class Story:
    """Two members and what happens to them; the sum of their points is counted beside the books."""

    def __init__(self, members: tuple[Member, Member], manager: User) -> None:
        self.members, self.manager = members, manager
        self.now, self.total, self.number = NOW, 0, 0
        self.merge: Merge | None = None
        self.earned: list[str] = []
        self.spent: list[str] = []

    def who(self, place: int) -> Member:
        return Member.objects.get(pk=self.members[place].merged_into or self.members[place].pk)

    def cause(self, place: int, key: str = "") -> dict[str, Any]:
        self.number += 1
        for member in self.members:
            member.refresh_from_db()
        return by(self.who(place), key or f"k{self.number}", self.now)

    def tell(self, what: str, place: int, points: int, life: int | None) -> None:
        cause = self.cause(place)
        try:
            getattr(self, what)(cause, place, points, life)
        except Refusal:
            return

    def earn(self, cause: dict[str, Any], place: int, points: int, life: int | None) -> None:
        ends = self.now + timedelta(hours=life) if life else None
        starts = self.now + timedelta(hours=points % 3 * 5)
        self.total += earn(points=points, activates_at=starts, expires_at=ends, **cause).points
        self.earned.append(cause["key"])

    def spend(self, cause: dict[str, Any], place: int, points: int, life: int | None) -> None:
        self.total -= redeem(points=points, **cause).points
        self.spent.append(cause["key"])

    def claw(self, cause: dict[str, Any], place: int, points: int, life: int | None) -> None:
        if self.earned:
            key = self.earned[points % len(self.earned)]
            self.total -= claw_back(earned=key, points=points, **cause).points

    def restore(self, cause: dict[str, Any], place: int, points: int, life: int | None) -> None:
        if self.spent:
            self.total += restore(spent=self.spent[points % len(self.spent)], points=points, **cause).points

    def hold(self, cause: dict[str, Any], place: int, points: int, life: int | None) -> None:
        key = f"hold{self.number}"
        hold(points=points, **cause | {"key": key})
        release(held=key, **cause)

    def wait(self, cause: dict[str, Any], place: int, points: int, life: int | None) -> None:
        self.now += timedelta(hours=points * 3)
        settle_range(**EVERYTHING, now=self.now)

    def join(self, cause: dict[str, Any], place: int, points: int, life: int | None) -> None:
        ours, theirs = self.members[place], self.members[1 - place]
        self.merge = merged(ours, theirs, self.manager, key=f"m{self.number}", now=self.now)

    def undo(self, cause: dict[str, Any], place: int, points: int, life: int | None) -> None:
        if self.merge is not None:
            undo_merge(merge=self.merge, by=self.manager, now=self.now)
            self.merge = None

    def both(self, cause: dict[str, Any], place: int, points: int, life: int | None) -> None:
        """Merged and parted with nothing between: as if it had not been."""
        if self.merge is None:
            settle_range(**EVERYTHING, now=self.now)
            before = everything_of(*self.members)
            self.join(cause, place, points, life)
            self.undo(cause, place, points, life)
            assert everything_of(*self.members) == before

    def lapsed(self) -> int:
        return sum(Movement.objects.filter(kind="expire").values_list("points", flat=True))

    def check(self) -> None:
        assert prove_range(**EVERYTHING, now=self.now) == 0
        accounts = Account.objects.filter(kind__code="points").values_list("pending", "active", "held")
        assert sum(map(sum, accounts)) == self.total - self.lapsed()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(told=steps)
def test_whatever_happens_no_point_comes_or_goes_by_a_merge(fresh, points, wang, twin, owner, told):  # noqa: F811
    with fresh():
        story = Story((Member.objects.get(pk=wang.pk), Member.objects.get(pk=twin.pk)), owner)
        for what, place, count, life in told:
            story.tell("join" if what == "merge" else what, place, count, life)
            story.check()
