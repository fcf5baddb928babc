"""Which days are like an event's: by warmth, season and load, and only from before it."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.days.like_days import History, conditions, like_limits, likeness
from cblcast.days.local_fit import effective_days


def history(n_days=200, seed=0, units=2):
    rng = np.random.default_rng(seed)
    days = np.arange(17000, 17000 + n_days)
    warmth = 15 + 8 * np.sin(np.arange(n_days) / 30)[None] + rng.normal(0, 2, (units, n_days))
    load = 50 + rng.normal(0, 3, (units, n_days))
    error = rng.normal(0, 1, (units, n_days)) - 0.5 * np.maximum(warmth - 18, 0)
    return History(days, error, warmth, load)


def test_conditions_are_those_of_the_local_day_and_of_the_hours_before():
    panel = datasets.load("cambridge_sme").select(["b1"])
    start = pd.DatetimeIndex(["2019-06-12 16:00"], tz="UTC").as_unit("us")  # 17:00 in London
    told = conditions(panel, pd.DataFrame({"site_id": ["b1"], "start": start})).iloc[0]
    assert np.datetime64(int(told["day"]), "D") == np.datetime64("2019-06-12")
    own = panel.data.loc["b1"]
    day = own.loc["2019-06-11 23:00+00:00":"2019-06-12 22:00+00:00"]
    assert told["warmth_c"] == pytest.approx(day["temp_air_c"].mean(), abs=1e-4)
    assert told["load_kw"] == pytest.approx(
        own.loc["2019-06-12 06:00+00:00":"2019-06-12 11:00+00:00", "observed_kw"].mean()
    )


def test_without_weather_or_load_the_conditions_are_open():
    panel = datasets.load("turin")
    bare = type(panel)(panel.data[["observed_kw"]], panel.sites)
    first = pd.DatetimeIndex([panel.data.index.get_level_values("time")[4]])
    told = conditions(bare, pd.DataFrame({"site_id": ["turin_building"], "start": first})).iloc[0]
    assert np.isnan([told["warmth_c"], told["load_kw"]]).all()


def test_no_later_day_and_none_before_the_look_back_is_seen():
    known = history()
    args = (17150, np.array([25.0, 24.0]), np.array([50.0, 51.0]), 0.9)
    told = like_limits(known, *args, days_before=100)
    use = (known.days >= 17150) | (known.days < 17050)
    error = np.where(use, 1e6, known.error)
    other = like_limits(History(known.days, error, known.warmth_c, known.load_kw), *args, days_before=100)
    for name in ("low", "high", "centre", "like_days"):
        np.testing.assert_array_equal(getattr(told, name), getattr(other, name))


def test_a_hot_day_is_expected_to_err_as_hot_days_do():
    known = history(300)
    hot, mild = (like_limits(known, 17290, np.full(2, warmth), np.full(2, 50.0), 0.9).centre for warmth in (24.0, 14.0))
    assert (hot < mild - 1).all()


def test_a_day_hotter_than_any_has_few_like_it_and_wider_limits():
    known = history(300)
    usual, extreme = (like_limits(known, 17290, np.full(2, warmth), np.full(2, 50.0), 0.9) for warmth in (17.0, 40.0))
    assert not usual.few.any()
    assert extreme.few.all()
    assert (extreme.like_days < usual.like_days).all()
    assert (extreme.high - extreme.low > 1.5 * (usual.high - usual.low)).all()


def test_what_is_not_known_of_the_event_plays_no_part():
    known = history()
    blind = History(known.days, known.error, np.full_like(known.warmth_c, np.nan), known.load_kw)
    args = (17190, np.full(2, np.nan), np.full(2, 50.0), 0.9)
    for name in ("low", "high", "like_days"):
        np.testing.assert_allclose(getattr(like_limits(known, *args), name), getattr(like_limits(blind, *args), name))
    assert np.isfinite(like_limits(blind, *args).low).all()


def test_days_whose_warmth_is_not_known_are_not_like_a_day_whose_warmth_is():
    known = history()
    half = known.warmth_c.copy()
    half[:, ::2] = np.nan
    args = (17190, np.full(2, 17.0), np.full(2, 50.0), 0.9)
    some = like_limits(History(known.days, known.error, half, known.load_kw), *args)
    error = known.error.copy()
    error[:, ::2] = np.nan
    assert (some.like_days < like_limits(known, *args).like_days).all()


def test_units_do_not_see_each_other():
    known = history(units=3)
    whole = like_limits(known, 17190, np.full(3, 20.0), np.full(3, 50.0), 0.9)
    for unit in range(3):
        alone = like_limits(known.units(np.array([unit])), 17190, np.full(1, 20.0), np.full(1, 50.0), 0.9)
        assert alone.low[0] == pytest.approx(whole.low[unit])


def test_likeness_is_one_at_the_same_conditions_and_falls_with_distance():
    weight = likeness(np.array([[0.0, 1.0, 4.0, np.nan] + [0.5] * 12]))[0]
    np.testing.assert_allclose(weight[:4], [1.0, np.exp(-0.5), np.exp(-2.0), 0.0])


def test_where_few_would_count_the_scale_grows_but_the_nearest_stays_far():
    weight = likeness((np.arange(1.0, 30.0) * 3)[None] ** 2)
    assert effective_days(weight)[0] >= 10
    assert weight.max() == pytest.approx(np.exp(-4.5))


def test_no_day_at_all_is_told_as_none():
    empty = History(np.empty(0, dtype=np.int64), *(np.empty((2, 0)) for _ in range(3)))
    told = like_limits(empty, 17190, np.full(2, 20.0), np.full(2, 50.0), 0.9)
    assert np.isnan(told.low).all()
    assert told.like_days.tolist() == [0.0, 0.0]
