"""What plots and pages draw is computed once, and is what the leaderboard and the physics say."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from cblcast import plots
from cblcast.forecast.evaluation import evaluate
from cblcast.frames.panel import Panel
from cblcast.frames.rolling import lead_minutes
from cblcast.physics.power_curve import fit_power_curve
from cblcast.plots import tables

STEP = pd.Timedelta(minutes=10)


@pytest.fixture(scope="module")
def scored() -> pd.DataFrame:
    """Two methods, six leads of a hundred issues of two farms, limits around them."""
    rng = np.random.default_rng(1)
    origins = pd.date_range("2019-01-01", periods=100, freq="3h", tz="UTC").as_unit("us")
    rows = [
        (site, origin, origin + lead * STEP, method, load, load + rng.normal(5, 40), load + rng.normal(-60, 30))
        for site in ("a", "b")
        for origin in origins
        for lead in range(6)
        for load in [rng.uniform(0, 2000)]
        for method in ("persistence", "ridge")
    ]
    names = ["site_id", "origin", "time", "method", "observed_kw", "predicted_kw", "lower_kw"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(upper_kw=frame["lower_kw"] + 120, fold="test").set_index(["site_id", "origin", "time"])


@pytest.mark.parametrize("rated", [None, pd.Series({"a": 2000.0, "b": 3000.0})])
def test_the_error_by_lead_is_that_of_the_evaluation(scored, rated):
    found = tables.error_by_lead(scored, STEP, rated)
    led = scored.assign(lead_min=lead_minutes(scored, STEP).astype(int))
    known = evaluate(led, ["method", "lead_min"], ["nrmse"], "pooled", "mean" if rated is None else rated)
    assert list(found.columns) == [10, 20, 30, 40, 50, 60]
    pd.testing.assert_series_equal(
        found.stack().sort_index(), known["nrmse"].sort_index(), check_names=False, check_index_type=False
    )


def test_bias_and_spread_make_the_error_up(scored):
    board = evaluate(scored, ["method"], ["nrmse", "mpe"])
    assert np.hypot(tables.spread(board), board["mpe"]).to_numpy() == pytest.approx(board["nrmse"].to_numpy())


def test_coverage_is_the_share_whatever_is_drawn_anew(scored):
    inside = scored["observed_kw"].between(scored["lower_kw"], scored["upper_kw"]).groupby(scored["method"]).mean()
    zones = pd.Series("Europe/Paris", index=["a", "b"])
    for found in (tables.interval_coverage(scored), tables.interval_coverage(scored, zones)):
        assert found["coverage"].to_numpy() == pytest.approx(100 * inside[found.index].to_numpy())
        assert (found["coverage_low"] < found["coverage"]).all()
        assert (found["coverage"] < found["coverage_high"]).all()


def test_a_long_event_is_not_the_worst_for_its_length():
    at = pd.date_range("2019-01-01", periods=13, freq="60min", tz="UTC").as_unit("us")
    origin = [at[0]] * 12 + [at[12]]
    index = pd.MultiIndex.from_arrays([["a"] * 13, origin, at], names=["site_id", "origin", "time"])
    own = pd.DataFrame({"observed_kw": 100.0, "predicted_kw": [110.0] * 12 + [150.0]}, index=index)
    ranked = tables.event_errors(own, 1.0)
    assert ranked["error_kwh"].tolist() == [120.0, 50.0]
    assert tables.shown_events(ranked)["worst_event"] == ("a", at[12])


def test_fewer_temperatures_than_fifths_are_groups_all_the_same(scored):
    times = scored.index.unique("time")
    index = pd.MultiIndex.from_product([["a", "b"], times], names=["site_id", "time"])
    data = pd.DataFrame({"observed_kw": 1.0, "temp_air_c": np.arange(len(index)) % 2 * 10.0}, index=index)
    panel = Panel(data, pd.DataFrame({"tz": "UTC"}, index=pd.Index(["a", "b"], name="site_id")))
    found = tables.error_by_temperature(scored[scored["method"] == "ridge"], panel)
    assert found.index.tolist() == [0.0, 10.0]
    assert int(found["rows"].sum()) == len(scored) // 2


def test_a_power_curve_is_that_of_the_physics_without_what_is_flagged():
    rng = np.random.default_rng(0)
    speed = rng.uniform(0, 20, 2000)
    power = np.clip(speed - 3, 0, 9) ** 3 + rng.normal(0, 5, 2000)
    power[::10] = 0.0  # stands still
    index = pd.MultiIndex.from_product(
        [["t1"], pd.date_range("2019-01-01", periods=2000, freq="10min", tz="UTC").as_unit("us")],
        names=["site_id", "time"],
    )
    data = pd.DataFrame({"observed_kw": power, "wind_speed_nacelle_ms": speed}, index=index)
    panel = Panel(data, pd.DataFrame({"tz": "UTC"}, index=pd.Index(["t1"], name="site_id")))
    still = pd.DataFrame({"down": np.arange(2000) % 10 == 0}, index=index)
    ax = plots.power_curve(panel, flags=still, ax=Figure().subplots())
    known = fit_power_curve(speed[~still["down"]], power[~still["down"]])
    np.testing.assert_allclose(ax.lines[0].get_ydata(), known.power)
    assert "flagged" in ax.get_legend_handles_labels()[1]
