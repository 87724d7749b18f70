"""The index, triangles and heat tables; groups beside all others; goods that go together; a member's portrait."""

import random
from collections import Counter
from datetime import date, timedelta
from itertools import permutations

import numpy as np
import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from members.goals.rules import Sums
from members.insight.panels import cells_page, cohorts_page, overview
from members.insight.rules import SHADES, age_at, averages, heat, index_of, shade, triangle
from members.kit.charts import Scope
from members.kit.windows import start_of_day
from members.portraits.actions import count_pairs, portrait_of, suggestions_for
from members.portraits.models import Pair
from members.portraits.panels import group_page, member_page
from members.portraits.rules import Sample, Together, chi_square, holm, welch
from members.profiles.models import Member
from members.purchases.models import Product, Sale, SaleLine
from members.scores.actions import cut, figure_range, score_everybody
from members.scores.models import MemberScore, Tally
from tests.factories import NOW, MemberFactory, StoreFactory
from tests.members.shops import open_shop

pytestmark = pytest.mark.django_db
NIGHT = start_of_day(NOW)
TODAY = timezone.localdate(NOW)
EVERYWHERE = Scope(None)


def test_the_index_is_the_mean_of_three_shares():
    index = index_of(Sums(TODAY, members=200, buyers=100, repeaters=60, active=50, before=40, stayed=30))

    assert (index.activity, index.repurchase, index.retention) == (50, 60, 75)
    assert index.value == pytest.approx((50 + 60 + 75) / 3)


def test_an_index_without_buyers_is_unknown_and_without_a_past_stands_on_two_shares():
    assert index_of(Sums(TODAY, 5, 0, 0, 0, 0, 0)).value is None
    assert index_of(Sums(TODAY, 5, 4, 1, 3, 0, 0)).value == (75 + 25) / 2


@given(st.floats(0, 1_000), st.floats(0, 1_000))
def test_shades_go_from_none_to_the_darkest(part, whole):
    found = shade(part, whole)

    assert 0 <= found <= SHADES
    assert (found == 0) == (whole <= 0 or part <= 0 or min(part / whole, 1) * SHADES * 100 < 1)


def test_a_heat_table_adds_up_and_keeps_its_empty_places():
    rows = heat({("a", "x"): (3, 30), ("b", "y"): (1, 5)}, [("a", "A"), ("b", "B")], ["x", "y"], by_row=False)

    assert [[spot.count for spot in row.spots] for row in rows] == [[3, 0], [0, 1]]
    assert [row.total for row in rows] == [3, 1]
    assert rows[0].spots[0].percent == 75


def test_a_triangle_shows_no_month_that_a_cohort_has_not_reached():
    found = {("2026-01", "size"): (10, 0), ("2026-01", "000"): (5, 1), ("2026-01", "002"): (2, 1),
             ("2026-03", "size"): (4, 0), ("2026-03", "000"): (4, 1)}  # fmt: skip

    ages, rows = triangle(found, last=(2026, 3), newest=24)

    assert ages == [0, 1, 2]
    assert [[spot.count for spot in row.spots] for row in rows] == [[5, 0, 2], [4, None, None]]
    assert averages(rows, ages) == [pytest.approx(9 * 100 / 14), 0, 20]
    assert age_at("2024-12", (2026, 3)) == 15
    assert triangle({}, last=(2026, 3), newest=24) == ([], [])


def test_welch_agrees_with_scipy_on_the_numbers_themselves():
    chance = np.random.default_rng(3)
    one, two = chance.normal(5, 2, 40), chance.normal(6, 4, 70)

    found = welch(
        Sample(len(one), float(one.mean()), float(one.var(ddof=1))),
        Sample(len(two), float(two.mean()), float(two.var(ddof=1))),
    )

    told = ttest_ind(one, two, equal_var=False)
    interval = told.confidence_interval(0.95)
    assert found.p == pytest.approx(told.pvalue)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_tests_say_nothing_of_too_few_or_of_all_alike():
    assert not welch(Sample(9, 1, 1), Sample(50, 2, 1)).is_known
    assert not welch(Sample(50, 1, 0), Sample(50, 2, 0)).is_known
    assert not chi_square([9], [90]).is_known
    assert not chi_square([40, 0], [90, 0]).is_known
    assert not chi_square([0, 0], [0, 0]).is_known


def test_chi_square_sees_a_difference_and_none_where_there_is_none():
    assert chi_square([50, 50], [50, 150]).p < 0.001
    assert chi_square([20, 60], [40, 120]).p == pytest.approx(1)
    assert chi_square([50, 50, 1, 1, 1], [50, 150, 1, 0, 1]).is_known


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8), st.data())
def test_chi_square_takes_whatever_there_is(group, data):
    others = data.draw(st.lists(st.integers(0, 400), min_size=len(group), max_size=len(group)))

    found = chi_square(group, others)

    assert found.p is None or 0 <= found.p <= 1


def test_holm_raises_chances_by_how_many_were_looked_at():
    assert holm({"a": 0.01, "b": 0.02, "c": 0.4, "d": None}) == {"a": 0.03, "b": 0.04, "c": 0.4, "d": None}


def test_lift_says_how_many_times_as_often():
    together = Together(baskets=100, with_product=20, with_other=10, both=6)

    assert together.lift == pytest.approx(3)
    assert together.percent == 30
    assert Together(0, 0, 0, 0).lift == 0


def basket(member, products, *, days_ago, receipt):
    """A sale of one piece of each."""
    sale = Sale.objects.create(
        member=member, store=member.home_store, receipt=receipt, happened_at=NIGHT - timedelta(days=days_ago),
        currency="CNY", amount=100 * len(products),
    )  # fmt: skip
    SaleLine.objects.bulk_create(
        SaleLine(sale=sale, member=member, position=place, product=product, quantity=1, amount=100)
        for place, product in enumerate(products)
    )
    return sale


@pytest.fixture
def goods(db):
    return [Product.objects.create(sku=f"P{n}", name=f"goods {n}", category="tea") for n in range(6)]


@pytest.mark.parametrize("seed", range(3))
def test_pairs_equal_a_count_in_plain_python(goods, seed):
    chance, member = random.Random(seed), MemberFactory.create(now=NOW - timedelta(days=400))
    baskets = []
    for number in range(150):
        first = chance.choice(goods)
        more = [goods[1]] if first == goods[0] and chance.random() < 0.8 else []
        chosen = list({first, *more, *chance.sample(goods, chance.randrange(2))})
        days_ago = chance.choice((1, 30, 400))
        basket(member, chosen, days_ago=days_ago, receipt=str(number))
        if days_ago < 182:
            baskets.append({product.pk for product in chosen})

    count_pairs(as_of=NIGHT)

    single = Counter(pk for each in baskets for pk in each)
    both = Counter(pair for each in baskets for pair in permutations(each, 2))
    wanted = {
        pair: (len(baskets), single[pair[0]], single[pair[1]], count)
        for pair, count in both.items()
        if count >= 10 and count * len(baskets) / (single[pair[0]] * single[pair[1]]) >= 1.2
    }
    found = {
        (pair.product_id, pair.other_id): (pair.baskets, pair.with_product, pair.with_other, pair.together)
        for pair in Pair.objects.all()
    }
    assert found == wanted
    assert (goods[0].pk, goods[1].pk) in found


def test_a_suggestion_goes_with_what_was_bought_and_was_not_bought_lately(goods):
    crowd = MemberFactory.create(now=NOW - timedelta(days=400))
    for number in range(12):
        basket(crowd, goods[:2], days_ago=10, receipt=f"a{number}")
        basket(crowd, goods[2:4], days_ago=10, receipt=f"b{number}")
    fan, full = (MemberFactory.create(home_store=crowd.home_store, now=NOW - timedelta(days=400)) for _ in range(2))
    basket(fan, goods[:1], days_ago=3, receipt="c")
    basket(full, goods[:2], days_ago=3, receipt="d")
    count_pairs(as_of=NIGHT)

    found = suggestions_for(fan, NOW)

    assert [(pair.product, pair.other) for pair in found] == [(goods[0], goods[1])]
    assert found[0].together == 13
    assert suggestions_for(full, NOW) == []


def test_counting_pairs_twice_changes_nothing(goods):
    member = MemberFactory.create(now=NOW - timedelta(days=400))
    for number in range(12):
        basket(member, goods[:2], days_ago=10, receipt=f"a{number}")
        basket(member, goods[3:4], days_ago=10, receipt=f"b{number}")

    assert count_pairs(as_of=NIGHT) == count_pairs(as_of=NIGHT) == 2


def test_a_group_is_set_beside_the_others_with_tests(db):
    open_shop(members=80, now=NOW, chance=random.Random(5))
    score_everybody(as_of=NIGHT)
    good = Member.objects.filter(score__monetary__gte=4)

    found = portrait_of(good, Member.objects.current())

    rows = list(MemberScore.objects.all())
    inside = [row.recent_spend for row in rows if (row.monetary or 0) >= 4]
    outside = [row.recent_spend for row in rows if (row.monetary or 0) < 4]
    spend = next(amount for amount in found.amounts if amount.code == "recent_spend")
    told = ttest_ind(inside, outside, equal_var=False)
    assert (found.size, found.others) == (len(inside), len(outside))
    assert spend.group.mean == pytest.approx(np.mean(inside))
    assert spend.group_median == pytest.approx(np.median(inside))
    assert spend.difference.p == pytest.approx(told.pvalue)
    assert spend.differs
    language = next(share for share in found.shares if share.code == "language")
    assert not language.difference.is_known
    assert "cell" not in {share.code for share in portrait_of(good, Member.objects.current(), but=["cell"]).shares}


def test_a_group_of_few_says_that_nothing_can_be_said(db):
    open_shop(members=8, now=NOW, chance=random.Random(5))
    score_everybody(as_of=NIGHT)
    first = Member.objects.order_by("pk")[:1].get()

    page = group_page(Member.objects.filter(pk=first.pk), Member.objects.current())

    assert page["is_few"]
    assert not [amount for amount in page["found"].amounts if amount.differs]


def test_a_group_may_be_any_queryset_also_an_ordered_or_an_empty_one(db):
    open_shop(members=20, now=NOW, chance=random.Random(5))
    score_everybody(as_of=NIGHT)

    assert portrait_of(Member.objects.none(), Member.objects.current()).size == 0
    assert portrait_of(Member.objects.order_by("name"), Member.objects.current()).others == 0


def test_pages_before_the_first_night_are_empty_and_not_wrong(db):
    member = MemberFactory.create()

    assert overview(EVERYWHERE, NOW) == cells_page(EVERYWHERE, "") == cohorts_page(EVERYWHERE) == {}
    assert member_page(member, NOW) == {"member": member}
    assert group_page(Member.objects.all(), Member.objects.all()) == {}


def test_pages_add_up_only_the_stores_in_view(db):
    open_shop(members=30, now=NOW, chance=random.Random(9))
    empty = StoreFactory.create(code="empty")
    score_everybody(as_of=NIGHT)
    stores = sorted(set(Member.objects.values_list("home_store", flat=True)))
    some = Scope((stores[0],))

    page, part = overview(EVERYWHERE, NOW), overview(some, NOW)

    assert page["sums"].members == 30
    assert part["sums"].members == Member.objects.filter(home_store=stores[0]).count()
    assert part["charts"][0].size == part["sums"].members
    assert cells_page(some, "")["total"] == part["sums"].members
    assert cohorts_page(some)["total"] == part["sums"].members
    assert overview(Scope((empty.pk,)), NOW)["is_nobody"]


def test_tables_of_a_month_keep_only_its_last_night(db):
    open_shop(members=10, now=NOW, chance=random.Random(2))
    nights = [NIGHT - timedelta(days=days) for days in (40, 20, 2, 0)]
    for night in nights:
        score_everybody(as_of=night)

    kept = set(Tally.objects.filter(name="cell").values_list("taken_on", flat=True))

    assert kept == {date(2026, 1, 28), date(2026, 2, 17), date(2026, 3, 9)}
    assert set(Tally.objects.filter(name="cohort").values_list("taken_on", flat=True)) == {TODAY}


def test_a_portrait_of_a_member_says_what_it_stands_on(db):
    pasts = open_shop(members=15, now=NOW, chance=random.Random(4))
    score_everybody(as_of=NIGHT)
    most = max(pasts, key=lambda past: len(past.sales))

    page = member_page(most.member, NOW)

    assert page["score"].sales == len(most.sales)
    assert sum(given for _weight, given in page["parts"]) == pytest.approx(page["score"].engagement, abs=0.51)
    assert page["chart"].size == len([sale for sale in most.sales])
    assert sum(percent for *_row, percent in page["affinity"]) == pytest.approx(100)
    assert page["year"] is None


def test_a_night_that_is_counted_again_shows_its_first_tables_until_the_new_ones_are_whole(db):
    open_shop(members=10, now=NOW, chance=random.Random(3))
    for night in (NIGHT - timedelta(days=1), NIGHT):
        score_everybody(as_of=night)
    shown = cells_page(EVERYWHERE, "")
    assert shown["total"] == 10

    figure_range(first=0, last=2**62, as_of=NIGHT)
    cut(as_of=NIGHT)

    now_shown = cells_page(EVERYWHERE, "")
    assert (now_shown["night"].day, now_shown["rows"]) == (TODAY, shown["rows"])
