"""BG/NBD and Gamma-Gamma on the CDNOW sample give what was published; the night writes what they say."""

import csv
import gzip
from datetime import timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from members.forecast.rules import (
    LEAST_BUYERS,
    Histories,
    NotFitted,
    Rates,
    Values,
    alive,
    lacks_of,
    log_likelihood,
    purchases,
    rates_of,
    values_of,
    worth,
)
from members.kit.windows import start_of_day
from members.profiles.models import Member
from members.scores.actions import choose_models, cut, cut_values, rank_range, score_range, sum_up
from members.scores.models import MemberScore, ScoreNight
from tests.factories import NOW, StoreFactory
from tests.members.shops import below, cuts_of

NIGHT = start_of_day(NOW)
TODAY = timezone.localdate(NOW)
PUBLISHED = Rates(0.243, 4.414, 0.793, 2.426)  # Fader, Hardie and Lee 2005
FEW_STEPS = {"first": 0, "last": 2**62, "as_of": NIGHT}


@cache
def cdnow():
    """Repeats, day of the last one, days since the first purchase, cents of all repeats."""
    with gzip.open(Path(__file__).parent / "cdnow.csv.gz", "rt") as file:
        rows = list(csv.reader(file))[2:]
    return np.array(rows, dtype=float).T


def histories(repeats, last, age):
    return Histories(repeats, last / 7, age / 7, np.ones_like(repeats))


def one(value):
    return np.array([float(value)])


def test_bg_nbd_gives_the_published_parameters():
    repeats, last, age, _cents = cdnow()

    rates = rates_of(histories(repeats, last, age))

    assert len(repeats) == 2_357
    assert (round(rates.r, 3), round(rates.alpha, 3), round(rates.a, 3), round(rates.b, 3)) == (
        0.243, 4.414, 0.793, 2.426,
    )  # fmt: skip
    assert round(float(log_likelihood(rates, histories(repeats, last, age)).sum()), 1) == -9582.4


def test_the_published_forecast_comes_out():
    expected = purchases(PUBLISHED, repeats=one(2), last=one(30.43), age=one(38.86), weeks=39)

    assert expected[0] == pytest.approx(1.226, abs=0.0005)


def test_gamma_gamma_gives_the_published_parameters():
    repeats, _last, _age, cents = cdnow()
    mean = np.where(repeats > 0, cents / np.maximum(repeats, 1) / 100, 0)

    values = values_of(repeats=repeats, mean=mean, alike=np.ones_like(repeats))

    assert int((repeats > 0).sum()) == 946
    assert (round(values.p, 2), round(values.q, 2), round(values.v, 2)) == (6.25, 3.74, 15.44)


def test_members_who_are_alike_count_together():
    repeats, last, age, _cents = cdnow()
    groups, alike = np.unique(np.stack([repeats, last, age], axis=1), axis=0, return_counts=True)
    grouped = Histories(groups[:, 0], groups[:, 1] / 7, groups[:, 2] / 7, alike.astype(float))

    together, apart = rates_of(grouped), rates_of(histories(repeats, last, age))

    for name in ("r", "alpha", "a", "b"):
        assert getattr(together, name) == pytest.approx(getattr(apart, name), rel=1e-3)


def test_the_models_find_the_parameters_that_made_the_data():
    chance = np.random.default_rng(7)
    true = Rates(0.8, 6.0, 0.9, 3.0)
    count, weeks = 8_000, 78.0
    rate, leaves = chance.gamma(true.r, 1 / true.alpha, count), chance.beta(true.a, true.b, count)
    repeats, last = np.zeros(count), np.zeros(count)
    for place in range(count):
        at = 0.0
        while (at := at + chance.exponential(1 / rate[place])) < weeks:
            repeats[place] += 1
            last[place] = at
            if chance.random() < leaves[place]:
                break

    found = rates_of(Histories(repeats, last, np.full(count, weeks), np.ones(count)))
    ahead = purchases(found, repeats=repeats, last=last, age=np.full(count, weeks), weeks=52)

    assert (found.r, found.alpha, found.a, found.b) == pytest.approx((0.8, 6.0, 0.9, 3.0), rel=0.25)
    assert ahead.sum() == pytest.approx(
        purchases(true, repeats=repeats, last=last, age=np.full(count, weeks), weeks=52).sum(), rel=0.1
    )


@given(
    repeats=st.integers(0, 3_000), share=st.floats(0, 1), age=st.floats(1, 520), weeks=st.floats(0.1, 260),
    a=st.floats(0.05, 5), r=st.floats(0.05, 5),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_forecasts_are_numbers_within_reason_for_every_history(repeats, share, age, weeks, a, r):
    rates = Rates(r, 4.0, a, 2.5)
    past = {"repeats": one(repeats), "last": one(share * age if repeats else 0), "age": one(age)}

    still, ahead = alive(rates, **past)[0], purchases(rates, weeks=weeks, **past)[0]
    further = purchases(rates, weeks=weeks * 2, **past)[0]

    assert 0 <= still <= 1
    assert 0 <= ahead <= (r + repeats) / (4.0 + age) * weeks * 1.001 + 1e-6  # nobody buys more than their rate
    assert further >= ahead * (1 - 1e-6) - 1e-6


def test_a_hole_in_the_formula_is_filled_by_its_neighbours():
    past = {"repeats": one(3), "last": one(20), "age": one(30), "weeks": 52}
    at, near = (purchases(Rates(0.5, 5, a, 2), **past)[0] for a in (1.0, 1.001))

    assert at == pytest.approx(near, rel=1e-3)


def test_who_bought_often_is_worth_their_own_mean_and_who_bought_once_that_of_all():
    values = Values(6.25, 3.74, 15.44)

    often, once = worth(values, repeats=one(500), mean=one(90))[0], worth(values, repeats=one(0), mean=one(0))[0]

    assert often == pytest.approx(90, rel=0.01)
    assert once == pytest.approx(6.25 * 15.44 / 2.74)


def test_what_is_missing_is_said():
    lacks = lacks_of(buyers=10, repeaters=60, weeks=3)

    assert [(lack.what, lack.have, lack.need) for lack in lacks] == [("buyers", 10, LEAST_BUYERS), ("weeks", 3, 26)]


@pytest.mark.parametrize("repeats", [np.zeros(300), np.full(300, 5.0)])
def test_data_without_a_shape_are_refused_rather_than_believed(repeats):
    mean = np.where(repeats > 0, 100.0, 0.0)

    with pytest.raises(NotFitted):
        rates_of(histories(np.zeros(300), np.zeros(300), np.full(300, 200.0)))
    with pytest.raises(NotFitted):
        values_of(repeats=repeats, mean=mean, alike=np.ones(300))


@pytest.fixture
def crowd(db):
    """Members with the figures of the CDNOW sample, as a night would have found them."""
    store = StoreFactory.create()
    rows = cdnow().T.astype(int).tolist()
    members = Member.objects.bulk_create(
        Member(number=f"{place}", home_store=store, source="import", enrolled_at=NOW - timedelta(days=age), custom={})
        for place, (_repeats, _last, age, _cents) in enumerate(rows)
    )
    MemberScore.objects.bulk_create(
        MemberScore(
            member=member, sales=repeats + 1, days_bought=repeats + 1, spend=cents + 1_500, first_spend=1_500,
            first_on=TODAY - timedelta(days=age), last_on=TODAY - timedelta(days=age - last),
            recent_sales=repeats + 1, recent_spend=cents + 1_500,
        )
        for member, (repeats, last, age, cents) in zip(members, rows, strict=True)
    )  # fmt: skip
    return members


def test_the_night_fits_forecasts_and_ranks_by_value(crowd):
    cut(as_of=NIGHT)
    choose_models(as_of=NIGHT)
    score_range(**FEW_STEPS)
    cut_values(as_of=NIGHT)
    rank_range(**FEW_STEPS)
    sum_up(as_of=NIGHT)

    model = ScoreNight.objects.get().model
    assert {name: round(value, 3) for name, value in model["rates"].items()} == {
        "r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426,
    }  # fmt: skip
    assert round(model["values"]["p"], 2) == 6.25
    rows = list(MemberScore.objects.order_by("pk"))
    values = [row.expected_value for row in rows]
    cuts = cuts_of(values, 10)
    assert [row.decile for row in rows] == [1 + below(cuts, value) for value in values]
    assert {row.alive for row in rows if row.days_bought == 1} == {None}
    for row in rows[:200]:
        if row.alive is not None:
            assert row.risk == ("low" if row.alive >= 67 else "middle" if row.alive >= 34 else "high")
    best = max(rows, key=lambda row: row.expected_value)
    assert best.decile == 10


def test_a_fit_is_used_for_a_week_and_then_made_anew(crowd):
    def model_at(days):
        cut(as_of=NIGHT + timedelta(days=days))
        choose_models(as_of=NIGHT + timedelta(days=days))
        sum_up(as_of=NIGHT + timedelta(days=days))
        return ScoreNight.objects.get(day=TODAY + timedelta(days=days)).model

    first = model_at(0)
    MemberScore.objects.filter(pk=crowd[0].pk).update(days_bought=30, sales=30)

    same, later = model_at(6), model_at(7)

    assert same == first
    assert later["fitted_on"] == (TODAY + timedelta(days=7)).isoformat()
