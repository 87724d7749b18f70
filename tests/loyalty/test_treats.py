"""What tiers give on joining, each month, for a birthday: due once, made good after missed nights, handed over once."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty.benefits.models import Benefit
from loyalty.benefits.rules import LifeWithoutPoints, NotHandedOut, check_handing
from loyalty.judging.actions import rejudge
from loyalty.ledger.actions import prove_range
from loyalty.ledger.models import Account, Lot, Movement
from loyalty.merging.actions import merge_members, undo_merge
from loyalty.programme.actions import export_programme, hand_in, take_in
from loyalty.tasks import plan_night, run_chunk
from loyalty.treats.actions import begin_handing, give_due, hand_over, sweep_joined, take_back, waiting_for
from loyalty.treats.models import Treat
from loyalty.treats.rules import (
    AlreadyHandedOver,
    NotHandedOver,
    NothingToHandOver,
    State,
    TakenBackTooLate,
    TreatLapsed,
    UnknownTreat,
)
from loyalty.whatif.actions import draw, publish
from loyalty.whatif.models import LadderDraft
from members.kit.models import Chunk
from members.kit.windows import start_of_day
from members.people.actions import describe
from members.people.rules import kept_in
from members.profiles.models import Member
from members.signin.actions import Address, open_account
from tests.factories import NOW, MemberFactory, TillFactory, UserFactory
from tests.loyalty.ladders import grow, main, other_ladder, shanghai, tier
from tests.races import all_at_once
from tests.world import text_of

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
EVERYBODY = {"first": 0, "last": 2**62}
JOINED = shanghai(2025, 6, 1, 12)


@pytest.fixture(autouse=True)
def a_fixed_day():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def wang() -> Member:
    return MemberFactory.create(name="王芳", phone="13812345678", birth_on=date(1990, 3, 12), now=JOINED)


def gives(kind: str, code: str = "gold", at: datetime = NOW, **says: Any) -> Benefit:
    """A tier gives something from a moment on."""
    words = {"words_zh": "蛋糕", "words_en": "A cake"}
    made = Benefit.objects.create(tier=tier(code), kind=kind, **{"wait_days": 7} | words | says)
    begin_handing(now=at)
    return made


def night(at: datetime, runs_at: datetime | None = None) -> int:
    """The shop's night of a day: tiers are judged, then what is due is given."""
    from tests.loyalty.ladders import night as judged

    as_of = start_of_day(at)
    judged(as_of)
    return give_due(**EVERYBODY, as_of=as_of, now=runs_at or as_of + timedelta(hours=3))


def treats_of(member: Member) -> list[tuple[str, str]]:
    return list(Treat.objects.of(member).order_by("pk").values_list("kind", "occasion"))


def points_of(member: Member) -> int:
    account = Account.objects.of(member).filter(kind__code="points").first()
    return account.active if account else 0


def waiting(member: Member, **says: Any) -> Treat:
    """A cake that waits until 16 March."""
    says = {"kind": "joining", "occasion": "gold:2026-03-09", "last_on": date(2026, 3, 16)} | says
    gold = tier("gold")
    return Treat.objects.create(
        member=member, ladder=gold.ladder, tier=gold, due_at=NOW, words_zh="蛋糕", words_en="A cake", **says
    )


# Joining.


def test_who_rises_is_given_the_set_within_a_minute_and_once(wang):
    gives("joining", points=50, points_days=90, at=NOW - DAY)
    grow(wang, 6_000, NOW - timedelta(minutes=1))
    rejudge(member=wang, now=NOW, reason="sale")

    found = [
        sweep_joined(now=NOW),
        sweep_joined(now=NOW + timedelta(minutes=1)),
        night(NOW + DAY),
        night(NOW + 2 * DAY),
    ]

    assert found == [1, 0, 0, 0]
    treat = Treat.objects.of(wang).get()
    assert (treat.occasion, treat.last_on, treat.words_zh) == ("gold:2026-03-09", date(2026, 3, 16), "蛋糕")
    movement = Movement.objects.of(wang).get(key=f"treat:{treat.pk}")
    assert (movement.points, movement.reason) == (50, "joining_gift")
    assert Lot.objects.get(origin=movement).expires_at == NOW + 90 * DAY
    assert prove_range(**EVERYBODY, now=NOW) == 0


def test_a_joining_before_the_set_was_handed_out_brings_nothing(wang):
    grow(wang, 6_000, NOW - 3 * DAY)
    night(NOW - 2 * DAY)
    gives("joining", at=NOW)

    assert (sweep_joined(now=NOW), night(NOW + DAY)) == (0, 0)
    assert not Treat.objects.exists()


def test_a_joining_told_days_late_is_found_by_the_night(wang):
    gives("joining", at=NOW - 20 * DAY)
    grow(wang, 6_000, NOW - 10 * DAY)
    night(NOW - 9 * DAY, runs_at=NOW - 30 * DAY)  # a night that found nothing due yet
    Treat.objects.all().delete()

    assert sweep_joined(now=NOW) == 0
    assert night(NOW + DAY) == 1


def test_falling_to_a_tier_is_no_joining_and_coming_back_within_a_year_brings_no_second_set(wang):
    gives("joining", at=NOW)
    gives("joining", code="silver", at=NOW)
    grow(wang, 6_000, NOW)
    rejudge(member=wang, now=NOW, reason="sale")
    sweep_joined(now=NOW)
    for month in range(1, 15):
        at = shanghai(2026 + (month + 2) // 12, (month + 2) % 12 + 1, 9, 12)
        grow(wang, 10, at)
        night(at + DAY)
    assert treats_of(wang) == [("joining", "gold:2026-03-09")]  # fell to silver by the window, and no further

    grow(wang, 6_000, shanghai(2027, 5, 20, 12))
    night(shanghai(2027, 5, 21))

    assert treats_of(wang) == [("joining", "gold:2026-03-09"), ("joining", "gold:2027-05-21")]


def test_buying_and_returning_by_turns_brings_one_set(wang):
    gives("joining", at=NOW, points=100)
    for turn in range(3):
        at = NOW + turn * DAY
        grow(wang, 6_000, at)
        rejudge(member=wang, now=at, reason="sale")
        sweep_joined(now=at)
        from loyalty.ledger.actions import adjust
        from loyalty.ledger.models import PointKind

        growth = PointKind.objects.get(code="growth")
        adjust(member=wang, kind=growth, points=-6_000, key=f"back:{turn}", now=at, reason="back")
        rejudge(member=wang, now=at, reason="return")

    assert (treats_of(wang), points_of(wang)) == ([("joining", "gold:2026-03-09")], 100)
    assert waiting_for(wang, NOW).count() == 1  # what was due stays, though the tier is lost


def test_the_lowest_tier_is_joined_by_enrolling():
    lowest = main().tiers.get(threshold=0)
    Benefit.objects.create(tier=lowest, kind="joining", wait_days=30, words_zh="茶样")
    begin_handing(now=NOW)
    before = MemberFactory.create(now=NOW - DAY)
    li = MemberFactory.create(name="李强", now=NOW + timedelta(minutes=1))

    assert sweep_joined(now=NOW + timedelta(minutes=2)) == 1
    assert (treats_of(li), treats_of(before)) == ([("joining", f"{lowest.code}:2026-03-09")], [])


# Each month.


def test_each_month_of_the_shop_brings_one_gift_while_the_tier_is_held(wang):
    gives("monthly", at=shanghai(2026, 1, 31, 12), points=20, wait_days=None)
    grow(wang, 6_000, shanghai(2026, 1, 20, 12))
    for day in (shanghai(2026, 1, 31), shanghai(2026, 2, 1), shanghai(2026, 2, 2), shanghai(2026, 3, 1)):
        night(day)

    # The first midnight after it began is that of 1 February: January came before it.
    assert treats_of(wang) == [("monthly", "2026-02"), ("monthly", "2026-03")]
    assert points_of(wang) == 40
    assert {treat.state(date(2026, 3, 1)) for treat in Treat.objects.all()} == {State.POINTS}


def test_who_rises_within_a_month_is_not_given_it_twice_on_one_ladder_but_on_another(wang):
    gives("monthly", code="silver", at=JOINED)
    gives("monthly", at=JOINED)
    side = other_ladder("club", "spend", {"guest": 0})
    Benefit.objects.create(tier=side.tiers.get(), kind="monthly", wait_days=3, words_zh="票")
    begin_handing(now=JOINED)
    grow(wang, 1_500, shanghai(2026, 2, 27, 12))
    night(shanghai(2026, 3, 1))
    grow(wang, 6_000, shanghai(2026, 3, 3, 12))
    night(shanghai(2026, 3, 4))
    night(shanghai(2026, 4, 1))

    main_ones = Treat.objects.filter(ladder__code="main").order_by("occasion").values_list("occasion", "tier__code")
    assert list(main_ones) == [("2026-03", "silver"), ("2026-04", "gold")]
    assert Treat.objects.filter(ladder__code="club").count() == 4  # and two months before were made good


def test_who_lost_the_tier_at_the_turn_of_the_year_is_not_given_the_new_month():
    main(window="calendar", validity="")
    gives("monthly", at=JOINED)
    li = MemberFactory.create(now=JOINED)
    grow(li, 6_000, shanghai(2025, 12, 20, 12))
    night(shanghai(2025, 12, 21))

    night(shanghai(2026, 1, 1))

    assert treats_of(li) == [("monthly", "2025-12")]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rises=st.integers(0, 60), begins=st.integers(0, 60), nights=st.sets(st.integers(61, 150), min_size=1, max_size=20),
    twice=st.booleans(),
)  # fmt: skip
def test_whatever_nights_are_missed_no_month_comes_twice_or_from_before(fresh, rises, begins, nights, twice):
    with fresh():
        first = shanghai(2026, 1, 1, 12)
        member = MemberFactory.create(now=JOINED)
        gives("monthly", at=first + begins * DAY)
        grow(member, 6_000, first + rises * DAY)
        rejudge(member=member, now=first + rises * DAY, reason="sale")
        for day in sorted(nights):
            for _again in range(2 if twice else 1):
                night(first + day * DAY)

        got = {occasion for _kind, occasion in treats_of(member)}
        begun = (first + (max(rises, begins) + 1) * DAY).date().replace(day=1)
        expected: set[str] = set()
        for day in sorted(nights):
            month = (first + day * DAY).date().replace(day=1)
            for back in range(3):  # the month of the night, and two before
                each = (month.year * 12 + month.month - 1) - back
                if date(each // 12, each % 12 + 1, 1) >= begun:
                    expected.add(f"{each // 12}-{each % 12 + 1:02}")
        assert got == expected
        assert len(treats_of(member)) == len(got)


# Birthdays.


@pytest.mark.parametrize(
    ("born_on", "says", "day"),
    [
        (date(1990, 3, 12), {}, date(2026, 3, 12)),
        (date(1992, 2, 29), {}, date(2026, 2, 28)),
        (None, {"calendar": "solar", "birth_month": 3, "birth_day": 20}, date(2026, 3, 20)),
        (date(1990, 3, 12), {"calendar": "lunar", "birth_month": 2, "birth_day": 2}, kept_in(2026, 2, 2)),
    ],
    ids=["date of birth", "29 February", "no year", "by the moon"],
)
def test_a_birthday_brings_its_gift_once_on_its_day(born_on, says, day):
    gives("birthday", at=JOINED)
    li = MemberFactory.create(name="李强", birth_on=born_on, now=JOINED)
    if says:
        describe(member=li, now=JOINED, **says)
    grow(li, 6_000, shanghai(2025, 12, 1, 12))
    at = shanghai(day.year, day.month, day.day)

    found = [night(at - DAY), night(at), night(at + DAY), night(at + 20 * DAY)]

    assert found == [0, 1, 0, 0]
    assert Treat.objects.of(li).get().last_on == day + 7 * DAY


def test_two_birthdays_by_the_moon_in_one_of_our_years_bring_two_gifts_and_a_birthday_said_anew_none():
    gives("birthday", at=JOINED)
    Treat.objects.all().delete()
    li = MemberFactory.create(name="李强", now=JOINED)
    describe(member=li, now=JOINED, calendar="lunar", birth_month=11, birth_day=20)
    days = [kept_in(year, 11, 20) for year in (2025, 2026)]
    assert [day.year for day in days] == [2026, 2026]
    for day in days:
        grow(li, 6_000, shanghai(day.year, day.month, day.day) - 2 * DAY)
        night(shanghai(day.year, day.month, day.day))
    assert treats_of(li) == [("birthday", "2025"), ("birthday", "2026")]

    after = days[1] + 3 * DAY
    describe(member=li, now=NOW, calendar="solar", birth_month=after.month, birth_day=after.day)
    assert night(shanghai(after.year, after.month, after.day)) == 0


def test_a_birthday_in_missed_nights_is_made_good_but_not_one_before_it_was_handed_out(wang):
    grow(wang, 6_000, shanghai(2026, 3, 1, 12))
    li = MemberFactory.create(name="李强", birth_on=date(1990, 3, 8), now=JOINED)
    grow(li, 6_000, shanghai(2026, 3, 1, 12))
    night(shanghai(2026, 3, 2))
    gives("birthday", at=NOW)

    assert night(shanghai(2026, 3, 25)) == 1
    treat = Treat.objects.of(wang).get()
    assert (treat.due_at, treat.last_on) == (shanghai(2026, 3, 12), date(2026, 4, 1))
    assert not Treat.objects.of(li).exists()


def test_who_may_not_be_used_is_given_nothing(wang):
    gives("birthday", at=JOINED)
    grow(wang, 6_000, shanghai(2026, 3, 1, 12))
    night(shanghai(2026, 3, 2))
    Member.objects.filter(pk=wang.pk).update(restricted_at=NOW)

    assert night(shanghai(2026, 3, 12)) == 0


def test_the_night_gives_after_it_has_judged(wang):
    gives("birthday", at=JOINED)
    grow(wang, 6_000, shanghai(2026, 3, 11, 12))
    at = shanghai(2026, 3, 12, 4)
    with time_machine.travel(at, tick=False):
        plan_night(slot="2026-03-12", as_of=start_of_day(at))
        for chunk in Chunk.objects.filter(name="tiers"):
            run_chunk(chunk.pk)

    assert treats_of(wang) == [("birthday", "2026")]
    assert Chunk.objects.filter(name="tiers").get().outcome["treats"] == 1


# What a benefit may say.


def test_handing_out_begins_when_it_is_said_and_ends_when_it_is_not():
    said = Benefit.objects.create(tier=tier("gold"), kind="birthday", words_zh="蛋糕")
    begin_handing(now=NOW)
    said.refresh_from_db()
    assert said.handed_since is None

    Benefit.objects.update(points=10)
    begin_handing(now=NOW)
    begin_handing(now=NOW + DAY)
    said.refresh_from_db()
    assert said.handed_since == NOW

    Benefit.objects.update(points=None)
    begin_handing(now=NOW + DAY)
    said.refresh_from_db()
    assert said.handed_since is None


@pytest.mark.parametrize(
    ("kind", "says", "no"),
    [
        ("discount", {"points": 5}, NotHandedOut), ("event", {"wait_days": 5}, NotHandedOut),
        ("birthday", {"points_days": 5}, LifeWithoutPoints), ("birthday", {"points": 5, "points_days": 5}, None),
        ("monthly", {"wait_days": 5}, None), ("discount", {}, None),
    ],
)  # fmt: skip
def test_only_gifts_are_handed_out_and_the_database_knows(kind, says, no):
    said = {"points": None, "points_days": None, "wait_days": None} | says
    if no is None:
        check_handing(kind=kind, **said)
        Benefit.objects.create(tier=tier("gold"), kind=kind, value=5, **said)
        return
    with pytest.raises(no):
        check_handing(kind=kind, **said)
    with pytest.raises(IntegrityError), transaction.atomic():
        Benefit.objects.create(tier=tier("gold"), kind=kind, value=5, **said)


def test_who_writes_a_ladder_anew_keeps_since_when_its_gifts_are_handed_out():
    gives("birthday", points=10, points_days=90, at=NOW - DAY)
    text = export_programme()
    assert "wait_days: 7" in text

    file = hand_in(text=text.replace("A cake", "Two cakes"), name="next", now=NOW)
    take_in(file=file, now=NOW, by=None)
    made = Benefit.objects.get(kind="birthday")
    assert (made.words_en, made.points, made.wait_days, made.handed_since) == ("Two cakes", 10, 7, NOW - DAY)

    draft = draw(ladder=made.tier.ladder, name="next", by=None)
    draft.benefits.update(points=20)
    LadderDraft.objects.filter(pk=draft.pk).update(status=LadderDraft.Status.PUBLISHING, mode=LadderDraft.Mode.UPWARDS)
    publish(draft=draft.pk, now=NOW)
    made = Benefit.objects.get(kind="birthday")
    assert (made.points, made.handed_since) == (20, NOW - DAY)


# Handing over.


def test_it_is_handed_over_once_and_until_its_last_day(wang):
    treat, clerk = waiting(wang), UserFactory.create()
    last = shanghai(2026, 3, 16, 23, 59)
    handed = hand_over(treat=treat.pk, member=wang, by=clerk, store=wang.home_store, now=last)

    assert (handed.handed_at, handed.handed_store) == (last, wang.home_store)
    with pytest.raises(AlreadyHandedOver):
        hand_over(treat=treat.pk, member=wang, by=clerk, store=wang.home_store, now=last)


def test_what_lapsed_what_is_points_and_what_is_anothers_is_not_handed_over(wang):
    treat, clerk, li = waiting(wang), UserFactory.create(), MemberFactory.create(name="李强")
    points = waiting(wang, occasion="2026-03", kind="monthly", last_on=None, points=5)
    asked = {"by": clerk, "store": wang.home_store}
    for no, values in [
        (TreatLapsed, {"treat": treat.pk, "member": wang, "now": shanghai(2026, 3, 17)}),
        (UnknownTreat, {"treat": treat.pk, "member": li, "now": NOW}),
        (UnknownTreat, {"treat": 0, "member": wang, "now": NOW}),
        (NothingToHandOver, {"treat": points.pk, "member": wang, "now": NOW}),
    ]:
        with pytest.raises(no):
            hand_over(**asked, **values)

    assert not Treat.objects.handed().exists()
    assert treat.state(date(2026, 3, 17)) == State.LAPSED


def test_a_slip_is_undone_within_a_day_and_it_waits_again(wang):
    treat, clerk = waiting(wang), UserFactory.create()
    with pytest.raises(NotHandedOver):
        take_back(treat=treat, by=clerk, now=NOW)
    hand_over(treat=treat.pk, member=wang, by=clerk, store=wang.home_store, now=NOW)
    with pytest.raises(TakenBackTooLate):
        take_back(treat=treat, by=clerk, now=NOW + DAY)

    back = take_back(treat=treat, by=clerk, now=NOW + DAY - timedelta(seconds=1))

    assert (back.state(date(2026, 3, 10)), back.taken_back_by) == (State.WAITING, clerk)
    hand_over(treat=treat.pk, member=wang, by=clerk, store=wang.home_store, now=NOW + 2 * DAY)


@pytest.mark.django_db(transaction=True)
def test_two_clerks_at_once_hand_over_one_cake(wang):
    treat, clerk = waiting(wang), UserFactory.create()

    def ask(_place: int) -> str:
        try:
            hand_over(treat=treat.pk, member=wang, by=clerk, store=wang.home_store, now=NOW)
        except AlreadyHandedOver:
            return "no"
        return "yes"

    assert sorted(all_at_once(ask, 4)) == ["no", "no", "no", "yes"]


# The till.


@pytest.fixture
def till(wang: Member) -> Client:
    made = TillFactory.create(store=wang.home_store)
    return Client(headers={"authorization": f"Bearer {made.key}", "accept-language": "en"})


def hand(till: Client, member: Member, treat: int, key: str = "1") -> Any:
    address = f"/api/v1/members/{member.number}/treats/{treat}/handed-over"
    return till.post(address, {}, content_type="application/json", headers={"idempotency-key": key})


def test_a_till_sees_what_waits_and_hands_it_over_once(till, wang):
    treat = waiting(wang)
    waiting(wang, occasion="2026-02", kind="monthly", last_on=date(2026, 3, 8))
    address = f"/api/v1/members/{wang.number}/treats"
    assert till.get(address).json() == [
        {
            "treat": treat.pk, "kind": "joining", "occasion": "gold:2026-03-09", "tier": "gold", "words_zh": "蛋糕",
            "words_en": "A cake", "last_on": "2026-03-16", "handed_at": None,
        }
    ]  # fmt: skip

    first, again, other = hand(till, wang, treat.pk), hand(till, wang, treat.pk), hand(till, wang, treat.pk, key="2")

    assert (first.status_code, first.json()["handed_at"]) == (200, NOW.isoformat())
    assert (again.json(), again.headers["Idempotent-Replay"]) == (first.json(), "true")
    assert (other.status_code, other.json()["error"]["code"]) == (409, "already_handed_over")
    assert till.get(address).json() == []
    assert Treat.objects.get(pk=treat.pk).handed_store == wang.home_store


def test_a_till_is_refused_what_lapsed_and_what_is_not_this_members(till, wang):
    li = MemberFactory.create(name="李强")
    late = waiting(wang, last_on=date(2026, 3, 8))
    theirs = waiting(li)

    answers = [hand(till, wang, late.pk, "1"), hand(till, wang, theirs.pk, "2"), hand(till, wang, 10**18 * 50, "3")]

    assert [(each.status_code, each.json()["error"]["code"]) for each in answers] == [
        (409, "treat_lapsed"), (404, "unknown_treat"), (404, "unknown_treat"),
    ]  # fmt: skip
    assert not Treat.objects.handed().exists()


# The member, and what follows the member.


def test_the_member_reads_what_waits_until_when_and_what_they_had(wang):
    client = Client(headers={"accept-language": "en"})
    user = open_account(member=wang, address=Address("phone", "+8613812345678"), now=NOW)
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    assert "What your tier gives you will wait here" in text_of(client.get("/treats/"))
    waiting(wang)
    waiting(wang, occasion="2026-03", kind="monthly", last_on=None, points=5)

    page, home = text_of(client.get("/treats/")), text_of(client.get("/"))

    assert "A cake gift set on joining · until 16 Mar" in page
    assert "gift set each month · 9 Mar +5" in page
    assert "Waiting for you" in home


def test_a_merge_takes_treats_along_and_gives_them_back(wang):
    li = MemberFactory.create(name="王芳", home_store=wang.home_store, now=JOINED)
    twin, own, moves = waiting(li), waiting(wang), waiting(li, occasion="2026-03", kind="monthly")
    owner = UserFactory.create(is_superuser=True)
    merge = merge_members(survivor=wang, duplicate=li, choices={}, by=owner, reason="same", key="1", now=NOW)

    assert set(Treat.objects.of(wang)) == {own, moves}
    assert set(Treat.objects.of(li)) == {twin}  # one cake for one occasion

    undo_merge(merge=merge, by=owner, now=NOW)
    assert set(Treat.objects.of(li)) == {twin, moves}
