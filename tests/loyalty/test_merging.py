"""Two members who are one person: what goes over, what a later return finds, and how they are parted again."""

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps

from loyalty.deeds.actions import report_enrolments
from loyalty.earning.models import Award, Event
from loyalty.holds.actions import place_hold, release_hold
from loyalty.judging.actions import standings_of
from loyalty.ledger.actions import activate, claw_back, earn, hold, prove_range, redeem, release, restore, settle_range
from loyalty.ledger.models import Account, Inherited, Lot, Movement, PointKind
from loyalty.ledger.rules import WHEN_TOLD
from loyalty.liability.actions import take_range
from loyalty.liability.models import LiabilityDay
from loyalty.merging.actions import merge_members, preview_merge, undo_merge
from loyalty.merging.models import Merge
from loyalty.merging.rules import (
    MOVES,
    STAYS,
    AlreadyMerged,
    AlreadyUndone,
    HasMerged,
    MergeChanged,
    MergeKeyReused,
    NoReason,
    OpenHolds,
    OutOfScope,
    SameMember,
    SameReceipt,
    TooLate,
)
from loyalty.returns.actions import cancel_return
from loyalty.tiers.actions import progress_of
from members.kit.refusals import Refusal
from members.messaging.actions import queue_message
from members.messaging.models import Message
from members.people.actions import describe
from members.people.models import Person
from members.profiles.actions import MemberMerged, find_buyer, find_member, find_members, update_profile
from members.profiles.models import Identity, Member
from members.profiles.rules import BadChoice
from members.purchases.models import Return, Sale
from members.stores.models import Store, User
from tests.factories import NOW, MemberFactory, StoreFactory, UserFactory
from tests.loyalty.bookkeeping import EVERYTHING, by, holds
from tests.loyalty.ladders import buy, grow, night, tier_of, way_of
from tests.loyalty.test_conformance import of
from tests.loyalty.test_returns import back
from tests.loyalty.test_rules_on_sales import LONG_AGO, receipt, record, rule
from tests.races import all_at_once

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def store() -> Store:
    return StoreFactory.create(code="SH")


@pytest.fixture
def wang(points: PointKind, store: Store) -> Member:
    return MemberFactory.create(name="王芳", phone="13800000001", home_store=store, now=LONG_AGO)


@pytest.fixture
def twin(points: PointKind, store: Store) -> Member:
    """The same person, enrolled again."""
    return MemberFactory.create(name="王方", phone="13900000002", card="CARD2", home_store=store, now=LONG_AGO)


@pytest.fixture
def owner() -> User:
    return UserFactory.create(username="owner", is_superuser=True)


def merged(survivor: Member, duplicate: Member, owner: User, **more: Any) -> Merge:
    said = {"choices": {}, "by": owner, "reason": "same person", "key": "m1", "now": NOW} | more
    return merge_members(survivor=survivor, duplicate=duplicate, **said)


def open_lots(member: Member) -> list[tuple[Any, ...]]:
    rows = Lot.objects.filter(member=member, remaining__gt=0).order_by("expires_at", "remaining", "pk")
    return list(rows.values_list("remaining", "is_active", "activates_at", "expires_at", "idle_months"))


def balances(member: Member) -> list[tuple[Any, ...]]:
    accounts = Account.objects.of(member).order_by("kind")
    return list(accounts.values_list("kind__code", "pending", "active", "held", "is_closed"))


def everything_of(*members: Member) -> list[Any]:
    """All that a merge and its undoing must leave as it was."""
    return [
        [
            [each for each in balances(each) if any(each[1:])],
            open_lots(each),
            standings_of(each),
            sorted(Sale.objects.of(each).values_list("pk", flat=True)),
            sorted(Award.objects.filter(member=each).values_list("pk", flat=True)),
            sorted(Identity.objects.filter(member=each).values_list("pk", flat=True)),
            list(Member.objects.filter(pk=each.pk).values("name", "birth_on", "custom", "enrolled_at", "merged_into")),
            progress_of(each, NOW),
        ]
        for each in members
    ]


def has_proof() -> bool:
    return prove_range(**EVERYTHING, now=NOW) == 0


def owed() -> int:
    """The liability in points."""
    LiabilityDay.objects.all().delete()
    take_range(first=0, last=2**62, day=NOW.date())
    return sum(day.open - day.debt for day in LiabilityDay.objects.all())


def test_points_go_over_lot_by_lot_with_their_dates_and_nothing_is_earned(wang, twin, owner):
    earn(points=10, expires_at=NOW + 20 * DAY, **by(wang, "own"))
    earn(points=30, expires_at=NOW + 9 * DAY, **by(twin, "soon"))
    earn(points=40, activates_at=NOW + 3 * DAY, expires_at=NOW + 30 * DAY, **by(twin, "waits"))
    before = owed()

    merged(wang, twin, owner)

    assert (holds(wang).pending, holds(wang).active) == (40, 40)
    assert [(left, (at - NOW).days) for left, _on, _from, at, _idle in open_lots(wang)] == [(30, 9), (10, 20), (40, 30)]
    assert holds(twin) == type(holds(twin))(0, 0, 0)
    assert owed() == before
    assert has_proof()
    assert set(Movement.objects.of(twin).values_list("kind", flat=True)) == {"earn", "transfer"}
    settle_range(**EVERYTHING, now=NOW + 10 * DAY)
    assert (holds(wang).pending, holds(wang).active) == (0, 50)
    assert has_proof()


def test_debt_goes_over_and_is_repaid(wang, twin, owner):
    earn(points=20, **by(twin, "sale"))
    redeem(points=20, **by(twin, "gone"))
    claw_back(earned="sale", points=20, **by(twin, "back"))
    earn(points=50, **by(wang, "own"))

    merged(wang, twin, owner)

    assert holds(wang).active == 30
    assert holds(twin).active == 0
    assert has_proof()


def test_a_survivor_in_debt_is_helped_by_what_comes(wang, twin, owner):
    earn(points=20, **by(wang, "sale"))
    redeem(points=20, **by(wang, "gone"))
    claw_back(earned="sale", points=20, **by(wang, "back"))
    earn(points=50, expires_at=NOW + DAY, **by(twin, "own"))
    before = everything_of(wang, twin)

    merge = merged(wang, twin, owner)

    assert holds(wang).active == 30
    assert has_proof()
    undo_merge(merge=merge, by=owner, now=NOW)
    assert everything_of(wang, twin) == before
    assert has_proof()


def test_whatever_found_the_duplicate_finds_the_survivor(wang, twin, owner):
    merged(wang, twin, owner)

    assert find_member(kind="phone", value="139 0000 0002") == wang
    assert find_member(kind="card", value="CARD2") == wang
    assert find_member(kind="number", value=twin.number) == wang
    assert find_buyer(kind="number", value=twin.number) == wang
    assert find_members(wanted=[("number", twin.number), ("card", "CARD2")]) == [wang.pk, wang.pk]
    assert list(Member.objects.visible_to(owner).search(twin.number)) == [wang]
    assert list(Member.objects.visible_to(owner).search("13900000002")) == [wang]


def test_the_duplicate_is_hidden_and_neither_edited_nor_given_points(wang, twin, owner):
    merged(wang, twin, owner)

    assert twin not in Member.objects.visible_to(owner)
    with pytest.raises(MemberMerged):
        update_profile(member=twin, now=NOW, name="other")
    assert Account.objects.of(twin).filter(is_closed=True).count() == PointKind.objects.count()


@pytest.mark.django_db(transaction=True)
def test_the_database_lets_nobody_post_to_a_closed_account(wang, twin, owner):
    merged(wang, twin, owner)

    with pytest.raises(Exception, match="account_closed_is_empty"):
        earn(points=1, **by(twin, "late"))

    assert has_proof()


def test_fields_are_chosen_one_by_one_and_an_empty_one_is_filled(wang, twin, owner):
    update_profile(member=twin, now=NOW, birth_on=NOW.date().replace(year=1990))

    merged(wang, twin, owner, choices={"name": "duplicate"})

    fresh = Member.objects.get(pk=wang.pk)
    assert (fresh.name, fresh.birth_on.year) == ("王方", 1990)


def test_what_both_said_of_themselves_is_chosen_too_and_given_back(wang, twin, owner):
    describe(member=wang, now=NOW, gender="female", occupation="teacher")
    describe(member=twin, now=NOW, occupation="cook", interests="tea", calendar="lunar", birth_month=8, birth_day=15)

    preview = preview_merge(survivor=wang, duplicate=twin, by=owner, now=NOW)
    assert preview.choices["person.interests"] == "duplicate"  # the other is empty
    merge = merged(wang, twin, owner, choices={"person.occupation": "duplicate"})

    person = Person.objects.get(member=wang)
    assert (person.gender, person.occupation, person.interests) == ("female", "cook", "tea")
    assert (person.calendar, person.birth_month, person.birth_day) == ("lunar", 8, 15)
    describe(member=wang, now=NOW, interests="coffee")
    undo_merge(merge=merge, by=owner, now=NOW)
    person = Person.objects.get(member=wang)
    assert (person.gender, person.occupation, person.interests) == ("female", "teacher", "coffee")
    assert (person.calendar, person.birth_month) == ("", None)
    assert Person.objects.get(member=twin).occupation == "cook"


def test_a_choice_that_is_none_changes_nothing(wang, twin, owner):
    before = everything_of(wang, twin)

    with pytest.raises(BadChoice):
        merged(wang, twin, owner, choices={"password": "duplicate"})

    assert everything_of(wang, twin) == before


def test_a_sale_of_the_duplicate_comes_back_and_hits_the_survivor_once(wang, twin, owner, store):
    record(twin, store, receipt("S1"))
    redeem(points=80, **by(twin, "tea"))
    merged(wang, twin, owner)
    earn(points=500, **by(wang, "own"))

    back(wang, store, of("R1", "S1", 10_000))
    back(wang, store, of("R1", "S1", 10_000))

    assert holds(wang).active == 500 + 20 - 100
    assert has_proof()
    assert Award.objects.filter(member=wang).count() == 2


def test_a_sale_in_parts_before_and_after_the_merge_takes_each_part_once(wang, twin, owner, store):
    record(twin, store, receipt("S1"))
    back(twin, store, of("R1", "S1", 4_000))
    merged(wang, twin, owner)

    made = back(wang, store, of("R2", "S1", 6_000))

    assert holds(wang).active == 0
    cancel_return(goods_return=Return.objects.get(pk=made.goods_return), now=NOW + 4 * DAY)
    assert holds(wang).active == 60
    assert has_proof()


def test_a_return_from_before_the_merge_is_cancelled_after_it(wang, twin, owner, store):
    record(twin, store, receipt("S1"))
    made = back(twin, store, of("R1", "S1", 4_000))
    merged(wang, twin, owner, now=NOW + 4 * DAY)

    cancel_return(goods_return=Return.objects.get(pk=made.goods_return), now=NOW + 5 * DAY)

    assert holds(wang).active == 100
    assert has_proof()
    back(wang, store, of("R2", "S1", 10_000))
    assert holds(wang).active == 0
    assert has_proof()


def test_points_that_lapsed_with_the_duplicate_are_not_taken_a_second_time(wang, twin, owner):
    earn(points=100, expires_at=NOW + DAY, **by(twin, "sale"))
    redeem(points=30, **by(twin, "tea"))
    earn(points=500, **by(wang, "own"))
    merged(wang, twin, owner, now=NOW + 2 * DAY)

    taken = claw_back(earned="sale", points=100, **by(wang, "back", NOW + 2 * DAY))

    assert taken.points == 30
    assert holds(wang).active == 470
    assert has_proof()


def test_points_that_the_duplicate_spent_are_given_back_to_the_survivor(wang, twin, owner):
    earn(points=100, expires_at=NOW + 90 * DAY, **by(twin, "sale"))
    redeem(points=60, **by(twin, "tea"))
    merged(wang, twin, owner)

    restore(spent="tea", points=25, **by(wang, "sorry"))
    restore(spent="tea", **by(wang, "all of it"))

    assert holds(wang).active == 100
    assert [(left, (at - NOW).days) for left, *_dates, at, _idle in open_lots(wang)] == [(40, 90), (60, 90)]
    assert has_proof()


def test_what_waits_for_an_event_is_activated_at_the_survivor(wang, twin, owner):
    earn(points=40, activates_at=NOW + 99 * DAY, **by(twin, "deed"))
    merged(wang, twin, owner)

    activate(earned="deed", **by(wang, "it came", NOW + DAY))

    assert (holds(wang).pending, holds(wang).active) == (0, 40)
    assert has_proof()


def test_points_that_wait_for_no_day_are_found_by_their_earning_and_are_as_old_as_it(wang, twin, owner):
    earn(points=40, activates_at=WHEN_TOLD, **by(twin, "event:1:9", NOW - 5 * DAY))

    merge = merged(wang, twin, owner)

    lot = Lot.objects.select_related("origin").get(member=wang, remaining=40)
    assert (lot.origin.key, lot.origin.happened_at) == ("event:1:9", NOW - 5 * DAY)
    assert holds(wang).pending == 40
    assert has_proof()
    undo_merge(merge=merge, by=owner, now=NOW)
    assert (holds(wang).pending, holds(twin).pending) == (0, 40)
    assert has_proof()


def test_the_night_reports_no_enrolment_of_who_was_merged(wang, store, owner):
    late = MemberFactory.create(name="王方", home_store=store, now=NOW - DAY)
    Event.objects.create(member=wang, code="enrolment", key="enrolment", happened_at=LONG_AGO)
    rule("welcome", trigger="enrolment", effect="fixed", points=50)
    merged(wang, late, owner)

    assert report_enrolments(now=NOW) == 0
    assert not Event.objects.filter(member=late).exists()


def test_the_tier_is_judged_by_both_histories_each_at_its_own_moments(wang, twin, owner):
    grow(wang, 600, NOW - 40 * DAY)
    grow(twin, 500, NOW - 350 * DAY)
    night(NOW - DAY)
    assert tier_of(wang) is None

    merged(wang, twin, owner)

    assert tier_of(wang) == "silver"
    assert way_of(wang) == [("member", "silver", "merge")]
    assert progress_of(wang, NOW).total == 1_100
    assert progress_of(wang, NOW + 30 * DAY).total == 600  # the duplicate's has left the window


def test_a_better_standing_is_taken_over(wang, twin, owner):
    buy(twin, 6_000_00, NOW - DAY)
    buy(wang, 10_00, NOW - 2 * DAY)
    tier = tier_of(twin)

    merged(wang, twin, owner)

    assert tier_of(wang) == tier


def test_limits_follow(wang, twin, owner, store):
    rule("bonus", effect="fixed", points=30, limits={"times": {"ever": 1}})
    record(twin, store, receipt("S1"))
    merged(wang, twin, owner)

    recorded = record(wang, store, receipt("S2"))

    assert "bonus" not in {each.version.rule_code for each in recorded.awards if each.points}


def test_messages_for_the_duplicate_go_to_the_survivor_but_not_twice(wang, twin, owner):
    for member, key in ((twin, "both"), (wang, "both"), (twin, "only")):
        queue_message(member=member, template="x", key=key, now=NOW, context={}, channels=["sms"])

    merged(wang, twin, owner)

    assert sorted(Message.objects.of(wang).values_list("key", "status")) == [("both", "queued"), ("only", "queued")]
    assert list(Message.objects.of(twin).values_list("status", "reason")) == [("suppressed", "merged")]


def test_the_same_key_is_the_same_merge_and_another_pair_is_refused(wang, twin, owner, store):
    other = MemberFactory.create(home_store=store)
    first = merged(wang, twin, owner)

    assert merged(wang, twin, owner) == first
    with pytest.raises(MergeKeyReused):
        merged(wang, other, owner)
    assert Merge.objects.count() == 1


def test_a_preview_tells_all_and_changes_nothing(wang, twin, owner):
    earn(points=30, **by(twin, "own"))
    before = everything_of(wang, twin)

    seen = preview_merge(survivor=wang, duplicate=twin, by=owner, now=NOW)

    assert everything_of(wang, twin) == before
    assert not Merge.objects.exists()
    assert seen.outcome["balances"]["points"] == {"survivor": [0, 0, 0], "duplicate": [0, 30, 0]}
    assert seen.outcome["balances_after"]["points"] == {"after": [0, 30, 0]}
    assert seen.outcome["counts"]["members_identity"] == 2
    assert (seen.ours["name"], seen.theirs["name"], seen.choices["name"]) == ("王芳", "王方", "survivor")
    assert merged(wang, twin, owner, token=seen.token)


def test_what_changed_since_the_preview_must_be_seen_again(wang, twin, owner):
    seen = preview_merge(survivor=wang, duplicate=twin, by=owner, now=NOW)
    earn(points=30, **by(twin, "own"))
    before = everything_of(wang, twin)

    with pytest.raises(MergeChanged):
        merged(wang, twin, owner, token=seen.token)

    assert everything_of(wang, twin) == before


def refuses(no: type[Refusal], wang: Member, twin: Member, owner: User, **more: Any) -> None:
    before = everything_of(wang, twin)
    count = Merge.objects.count()
    with pytest.raises(no):
        merged(wang, twin, owner, **{"key": "m2"} | more)
    assert everything_of(wang, twin) == before
    assert Merge.objects.count() == count


def test_a_member_is_not_merged_with_themselves_nor_without_a_reason(wang, twin, owner):
    refuses(SameMember, wang, wang, owner)
    refuses(NoReason, wang, twin, owner, reason=" ")


def test_neither_twice_nor_in_a_chain_nor_in_a_circle(wang, twin, owner, store):
    third = MemberFactory.create(home_store=store)
    merged(wang, twin, owner)

    refuses(AlreadyMerged, wang, twin, owner)
    refuses(AlreadyMerged, twin, wang, owner)
    refuses(AlreadyMerged, third, twin, owner)
    refuses(HasMerged, third, wang, owner)


def test_not_while_a_basket_is_open(wang, twin, owner, store, points):
    earn(points=30, **by(twin, "own"))
    basket = place_hold(member=twin, kind=points, points=10, store=store, till=None, key="b", now=NOW)

    refuses(OpenHolds, wang, twin, owner)

    release_hold(hold=basket, now=NOW)
    assert merged(wang, twin, owner, key="m2")


def test_not_when_both_have_the_same_receipt(wang, twin, owner, store):
    record(twin, store, receipt("S1"))
    record(wang, store, receipt("S1"))

    refuses(SameReceipt, wang, twin, owner)


def test_only_members_whom_one_sees(wang, twin, owner, store):
    elsewhere = MemberFactory.create(home_store=StoreFactory.create(code="BJ"))
    manager = UserFactory.create(username="manager", role="manager", stores=[store])

    refuses(OutOfScope, wang, elsewhere, owner, by=manager)
    assert merged(wang, twin, owner, by=manager, key="m2")


def test_merged_and_parted_at_once_all_is_as_it_was(wang, twin, owner, store):
    record(wang, store, receipt("S1"))
    record(twin, store, receipt("S2"))
    grow(twin, 900, NOW - 30 * DAY)
    earn(points=40, activates_at=NOW + 3 * DAY, expires_at=NOW + 30 * DAY, **by(twin, "waits"))
    redeem(points=7, **by(twin, "tea"))
    before = everything_of(wang, twin)

    merge = merged(wang, twin, owner)
    undo_merge(merge=merge, by=owner, now=NOW)

    assert everything_of(wang, twin) == before
    assert has_proof()
    assert find_member(kind="number", value=twin.number) == twin
    assert sum(Inherited.objects.filter(member=twin).values_list("points", flat=True)) == 0
    assert merged(wang, twin, owner, key="again")
    assert has_proof()


def test_what_came_since_stays_and_what_was_spent_since_is_borne_by_the_lots_it_came_from(wang, twin, owner, store):
    earn(points=100, expires_at=NOW + 50 * DAY, **by(wang, "own"))
    earn(points=100, expires_at=NOW + 10 * DAY, **by(twin, "soon"))
    earn(points=100, expires_at=NOW + 90 * DAY, **by(twin, "late"))
    merge = merged(wang, twin, owner)
    redeem(points=150, **by(wang, "tea"))
    record(wang, store, receipt("S9"))

    undo_merge(merge=merge, by=owner, now=NOW + DAY)

    assert holds(wang).active == 50 + 100
    assert holds(twin).active == 100
    assert Sale.objects.get(receipt="S9").member == wang
    assert has_proof()


def test_a_sale_that_came_back_since_goes_back_with_its_return(wang, twin, owner, store):
    record(twin, store, receipt("S1"))
    merge = merged(wang, twin, owner)
    back(wang, store, of("R1", "S1", 4_000))

    undo_merge(merge=merge, by=owner, now=NOW + 4 * DAY)

    assert Return.objects.get().member == twin
    assert holds(twin).active == 60
    back(twin, store, of("R2", "S1", 6_000))
    assert (holds(twin).active, holds(wang).active) == (0, 0)
    assert has_proof()


def test_an_edit_since_stays_when_parted(wang, twin, owner):
    merge = merged(wang, twin, owner, choices={"name": "duplicate"})
    update_profile(member=Member.objects.get(pk=wang.pk), now=NOW, name="王芳芳")

    undo_merge(merge=merge, by=owner, now=NOW)

    assert Member.objects.get(pk=wang.pk).name == "王芳芳"


def test_parted_neither_late_nor_twice_nor_while_a_basket_is_open(wang, twin, owner):
    earn(points=30, **by(twin, "own"))
    merge = merged(wang, twin, owner)
    hold(points=10, **by(wang, "basket"))
    before = everything_of(wang, twin)

    with pytest.raises(OpenHolds):
        undo_merge(merge=merge, by=owner, now=NOW)
    with pytest.raises(TooLate):
        undo_merge(merge=merge, by=owner, now=NOW + 30 * DAY)

    assert everything_of(wang, twin) == before
    release(held="basket", **by(wang, "let go"))
    undo_merge(merge=merge, by=owner, now=NOW)
    with pytest.raises(AlreadyUndone):
        undo_merge(merge=merge, by=owner, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_each_into_the_other_at_once_neither_waits_for_ever_nor_do_both_win(wang, twin, owner):
    earn(points=30, **by(wang, "own"))
    earn(points=40, **by(twin, "own"))
    pairs = [(wang, twin), (twin, wang)] * 3

    done = all_at_once(lambda n: merged(*pairs[n], owner, key=f"m{n}"), len(pairs))

    assert sum(1 for each in done if isinstance(each, Merge)) == 1
    assert sum(1 for each in done if isinstance(each, AlreadyMerged)) == len(pairs) - 1
    assert sum(Account.objects.filter(kind__code="points").values_list("active", flat=True)) == 70
    assert has_proof()


@pytest.mark.django_db(transaction=True)
def test_sales_and_spending_during_a_merge_are_lost_for_nobody(wang, twin, owner, store):
    earn(points=100, **by(twin, "own"))

    def work(number: int) -> Any:
        if number == 0:
            return merged(wang, twin, owner)
        if number % 2:
            return record(find_buyer(kind="card", value="CARD2"), store, receipt(f"S{number}"))
        return redeem(points=10, **by(find_buyer(kind="card", value="CARD2"), f"tea{number}"))

    done = all_at_once(work, 7)

    spent = sum(each.points for each in done if hasattr(each, "movement"))
    sold = [n for n, each in enumerate(done) if hasattr(each, "sale")]
    assert isinstance(done[0], Merge)
    assert Sale.objects.filter(receipt__in=[f"S{n}" for n in sold]).count() == len(sold)
    assert (
        sum(Account.objects.filter(kind__code="points").values_list("active", flat=True))
        == 100 + 100 * len(sold) - spent
    )
    assert has_proof()


def test_every_table_of_members_says_whether_it_goes_over():
    moved = {each.table for each in MOVES}
    of_members = {
        model._meta.db_table
        for app in ("members", "loyalty")
        for model in apps.get_app_config(app).get_models()
        if any(field.name == "member" for field in model._meta.concrete_fields)
    }

    assert of_members == moved | set(STAYS)
    assert not moved & set(STAYS)
