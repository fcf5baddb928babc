"""Strategies: the newsvendor against brute force, steps and ladders by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.frames.schema import DataError
from cblcast.value.strategies import (
    along_ladder,
    at_once,
    in_steps,
    newsvendor,
    newsvendor_level,
    newsvendor_targets,
    quantile_at,
)
from cblcast.value.strategy_report import expected_spreads, strategy_table


def test_level_by_hand():
    level = newsvendor_level(
        [38.0, 30.0, 50.0, 60.0, 40.0, 41.0, 39.0], [32, 32, 32, 32, 40, 40, 40], [44, 44, 44, 44, 40, 40, 40]
    )
    np.testing.assert_allclose(level, [0.5, 0, 1, 1, 0.5, 1, 0])
    with pytest.raises(DataError, match="without bound"):
        newsvendor_level([1.0], [2.0], [1.0])


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0.0, 4.0),
    st.floats(-20, 60),
    st.floats(0, 3),
    st.floats(0, 30),
    st.floats(0.5, 30),
    st.integers(0, 1000),
)
def test_no_other_position_has_a_higher_expected_income(bid, middle, half, below, width, seed):
    """Against a fine grid of positions, with the distribution that the quantiles describe."""
    rng = np.random.default_rng(seed)
    levels = np.arange(0.05, 0.96, 0.05)
    quantiles = np.sort(rng.uniform(0.2, 3.8, len(levels)))[None]
    sell, buy, long = middle - half, middle + half, middle - below
    short = long + width
    got = newsvendor([bid], levels, quantiles, sell=[sell], buy=[buy], long=[long], short=[short], ceiling=4.0)
    outcomes = quantile_at(levels, np.repeat(quantiles, 4001, axis=0), (np.arange(4001) + 0.5) / 4001, 0.0, 4.0)

    def expected(position):
        traded = position - bid
        imbalance = outcomes - position
        return (
            traded * (sell if traded >= 0 else buy)
            + np.where(imbalance >= 0, imbalance * long, imbalance * short).mean()
        )

    best = max(expected(position) for position in np.linspace(0, 4, 161))
    assert expected(got.position_mwh[0]) >= best - 0.02


def test_steps_by_hand():
    told = in_steps([1.0], [[3.0], [2.0]], [[30.0], [40.0]], [[32.0], [42.0]])
    assert told.position_mwh[0] == pytest.approx(2.0)
    assert told.income[0] == pytest.approx(1.0 * 30 + 0.0)
    assert told.turnover_mwh[0] == pytest.approx(1.0)
    told = in_steps([1.0], [[3.0], [2.0]], [[30.0], [40.0]], [[32.0], [42.0]], shares=[1, 1])
    assert told.income[0] == pytest.approx(2 * 30 - 42)
    one = at_once([1.0], [3.0], 30.0, 32.0)
    assert (one.income[0], one.turnover_mwh[0]) == (60, 2)
    with pytest.raises(DataError, match="needs 2 shares"):
        in_steps([1.0], [[3.0], [2.0]], [[1.0]] * 2, [[1.0]] * 2, shares=[0.5])


def test_a_ladder_gives_what_it_has():
    prices = np.array([[[30.0, 28.0, np.nan], [32.0, 35.0, np.nan]]] * 3)
    volumes = np.array([[[1.0, 2.0, 0.0], [1.0, 1.0, 0.0]]] * 3)
    told = along_ladder([2.0, 2.0, 2.0], [3.0, 9.0, 1.5], prices, volumes, 60)
    assert told.position_mwh.tolist() == pytest.approx([3.0, 5.0, 1.5])
    assert told.income.tolist() == pytest.approx([30.0, 30 + 56, -16.0])
    half = along_ladder([2.0], [3.0], prices[:1], volumes[:1], 30)
    assert half.income[0] == pytest.approx(0.5 * 30 + 0.5 * 28)


def test_the_newsvendor_stops_where_the_book_gets_bad():
    levels, quantiles = [0.25, 0.5, 0.75], [[1.0, 2.0, 3.0]]
    prices = np.array([[[38.0, 35.0, 20.0], [50.0, 60.0, np.nan]]])
    volumes = np.full((1, 2, 3), 10.0)
    targets = newsvendor_targets(levels, quantiles, prices, [32.0], [44.0], 4.0)
    assert targets[0, 0].tolist() == pytest.approx([2.0, 1.0, 0.0])
    told = along_ladder([0.5], targets, prices, volumes, 60)
    assert told.position_mwh[0] == pytest.approx(2.0)
    told = along_ladder([0.5], targets, prices, np.full((1, 2, 3), 0.4), 60)
    assert told.position_mwh[0] == pytest.approx(1.0)  # 0.4 at 38, then up to 1 at 35


def test_table_and_spreads():
    rng = np.random.default_rng(0)
    n = 48 * 28
    times = pd.date_range("2015-01-01", periods=n, freq="30min", tz="UTC", unit="us")
    output = rng.uniform(0, 4, n)
    bid, spot = output + rng.normal(0, 1, n), rng.normal(40, 10, n)
    long, short = spot - 6, spot + 6
    table = strategy_table(
        {
            "perfect": at_once(bid, output, spot, spot),
            "noisy": at_once(bid, output + rng.normal(0, 0.5, n), spot, spot),
        },
        times,
        bid_mwh=bid,
        output_mwh=output,
        day_ahead=spot,
        long=long,
        short=short,
        rated_mw=8.0,
        product_min=30,
    )
    assert table.loc["perfect", "income_eur"] == pytest.approx((output * spot).sum())
    assert table.loc["none", "gain_eur_per_mw_week"] == 0
    assert table.loc["perfect", "imbalance_mwh"] == pytest.approx(0)
    assert table["gain_eur_per_mw_week"].idxmax() == "perfect"
    assert table.attrs["n_products"] == n
    below, above = expected_spreads(times, spot, long, short, "Europe/Paris")
    np.testing.assert_allclose([below, above], 6.0)
    with pytest.raises(DataError, match=r"no imbalance price is known at \d+:00"):
        expected_spreads(times[:5], spot[:5], long[:5], short[:5], "UTC")


@pytest.mark.parametrize(
    ("levels", "quantiles", "ceiling", "match"),
    [
        ([10, 50, 90], [[1.0, 2.0, 3.0]], 4.0, "ascend between 0 and 1"),
        ([0.9, 0.5, 0.1], [[1.0, 2.0, 3.0]], 4.0, "ascend between 0 and 1"),
        ([0.1, 0.9], [[1.0, 2.0, 3.0]], 4.0, "2 levels need a column"),
        ([0.1, 0.5, 0.9], [[3.0, 2.0, 1.0]], 4.0, "quantiles cross"),
        ([0.1, 0.5, 0.9], [[1.0, 2.0, 3.0]], -4.0, "ceiling of -4 MWh"),
    ],
)
def test_a_distribution_that_is_none_gives_no_volume(levels, quantiles, ceiling, match):
    with pytest.raises(DataError, match=match):
        quantile_at(levels, quantiles, [0.5], 0.0, ceiling)


def test_a_table_of_strategies_refuses_a_second_none_and_no_capacity():
    times, one = pd.date_range("2015-01-01", periods=4, freq="h", tz="UTC"), np.ones(4)
    terms = {name: one for name in ("bid_mwh", "output_mwh", "day_ahead", "long", "short")}
    made = at_once(one, 2 * one, one, one)
    for name, rated, match in (("none", 1.0, "called 'none'"), ("all", 0.0, "rated_mw is 0")):
        with pytest.raises(DataError, match=match):
            strategy_table({name: made}, times, rated_mw=rated, product_min=60, **terms)
