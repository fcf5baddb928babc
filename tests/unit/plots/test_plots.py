"""Each plot draws on the axes it is given, says what it shows with units, and refuses what it cannot show."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import cblcast
from cblcast import plots
from cblcast.errors import DataError
from cblcast.forecast.backtest import BacktestResult
from cblcast.frames.panel import Panel
from cblcast.plots.errors import error_table
from cblcast.plots.event import chosen_event
from cblcast.plots.style import figure_of


@pytest.fixture
def ax():
    return Figure().subplots()


@pytest.fixture(scope="module")
def panel() -> Panel:
    time = pd.date_range("2019-03-01", "2019-03-20", freq="60min", tz="Europe/Rome", inclusive="left").tz_convert("UTC")
    local = time.tz_convert("Europe/Rome")
    load = 100 + 10 * np.sin(local.hour / 24 * 2 * np.pi)
    index = pd.MultiIndex.from_product([["a"], time.as_unit("us")], names=["site_id", "time"])
    data = pd.DataFrame(
        {
            "observed_kw": load,
            "temp_air_c": local.hour.to_numpy(dtype=float),
            "wind_speed_nacelle_ms": local.hour / 2.0,
        },
        index=index,
    )
    return Panel(data, pd.DataFrame({"tz": ["Europe/Rome"]}, index=pd.Index(["a"], name="site_id")))


@pytest.fixture(scope="module")
def scored(panel: Panel) -> pd.DataFrame:
    """Two methods at 17:00-20:00 of three days, of which the middle one is over by 1, 2 and 3 kW on the days."""
    rows = []
    for day, error in ((4, 1.0), (5, 2.0), (6, 3.0)):
        origin = pd.Timestamp(f"2019-03-0{day} 17:00", tz="Europe/Rome").tz_convert("UTC").as_unit("us")
        for hour in range(3):
            at = origin + pd.Timedelta(hours=hour)
            load = panel.data.loc[("a", at), "observed_kw"]
            for method, sign in (("over", 1), ("under", -1)):
                rows.append(("a", origin, at, method, load, load + sign * error, load - 2.5, load + 2.5))
    names = ["site_id", "origin", "time", "method", "observed_kw", "predicted_kw", "lower_kw", "upper_kw"]
    return pd.DataFrame(rows, columns=names).assign(fold="test").set_index(["site_id", "origin", "time"])


@pytest.fixture
def board() -> pd.DataFrame:
    return pd.DataFrame(
        {"nrmse": [5.0, 4.0, np.nan], "mpe": [1.0, -1.0, np.nan]}, index=pd.Index(["b", "a", "none"], name="method")
    )


def test_the_face_offers_them():
    assert cblcast.plots is plots
    assert set(plots.__all__) <= set(dir(plots))


def test_the_leaderboard_is_sorted_and_says_who_is_best(board, ax):
    assert plots.leaderboard(board, ax=ax) is ax
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    assert ax.get_xlabel() == "nRMSE [%] (2 of 3 methods)"
    assert ax.get_title(loc="left") == "a has the smallest nRMSE"
    with pytest.raises(DataError, match="no column 'nmse'"):
        plots.leaderboard(board, "nmse", ax=ax)


def test_a_bias_is_best_nearest_zero(board, ax):
    plots.leaderboard(board.assign(mpe=[0.5, -3.0, np.nan]), "mpe", ax=ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["b", "a"]
    assert ax.get_title(loc="left") == "b has the MPE nearest zero"


def test_bias_stands_against_spread(board, ax):
    plots.bias_and_spread(board, ax=ax)
    assert ax.get_xlabel() == "bias: MPE [%], > 0 overestimates"
    assert [text.get_text() for text in ax.texts] == ["a", "b"]


@pytest.mark.parametrize(("which", "day"), [("best", 4), ("median", 5), ("worst", 6)])
def test_an_event_is_chosen_by_its_error(scored, panel, which, day, ax):
    own = scored[scored["method"] == "over"]
    site, origin = chosen_event(own, which)
    assert (site, origin.day) == ("a", day)
    plots.event(own, panel, which, ax=ax)
    assert ax.get_ylabel() == "mean power [kW]"
    assert ax.get_xlabel() == "local time (Europe/Rome)"
    assert f"2019-03-0{day}; the event of {which} error" in ax.get_title(loc="left")
    labels = ax.get_legend_handles_labels()[1]
    assert labels == ["event", "metered", "over", "limits"]


def test_several_methods_are_drawn_one_by_one(scored, panel, ax):
    with pytest.raises(DataError, match="holds 2 methods: choose one"):
        plots.event(scored, panel, ax=ax)
    with pytest.raises(DataError, match="no event of site 'b'"):
        plots.event(scored[scored["method"] == "over"], panel, ("b", pd.Timestamp("2019-03-04", tz="UTC")), ax=ax)


@pytest.mark.parametrize("by", ["hour", "weekday", "month", "temperature"])
def test_errors_by_group_are_those_of_the_rows(scored, panel, by, ax):
    own = scored[scored["method"] == "over"]
    table = error_table(own, panel, by)
    assert int(table["rows"].sum()) == len(own)
    assert (table["mpe"] > 0).all()
    np.testing.assert_allclose(table["mpe"], table["mape"])
    load = own["observed_kw"].mean()
    total = (table["mape"] * table["rows"] / table["rows"].sum()).sum()
    assert total == pytest.approx(200.0 / load, rel=0.02)  # 2 kW on average
    plots.error_by(own, panel, by, ax=ax)
    assert ax.get_ylabel() == "% of mean load"


def test_hours_are_local(scored, panel):
    assert error_table(scored[scored["method"] == "over"], panel).index.tolist() == [17, 18, 19]


def test_an_unknown_group_is_told(scored, panel, ax):
    with pytest.raises(DataError, match="not by 'hours': did you mean 'hour'"):
        plots.error_by(scored[scored["method"] == "over"], panel, "hours", ax=ax)


def test_error_by_lead_is_one_line_a_method(scored, ax):
    plots.error_by_lead(scored, 100.0, ax=ax)
    assert [line.get_label() for line in ax.lines] == ["over", "under"]
    assert ax.lines[0].get_xdata().tolist() == [60, 120, 180]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), np.sqrt((1 + 4 + 9) / 3))  # kW of 100 kW
    assert ax.get_ylabel() == "nRMSE [% of rated power]"


def test_a_fan_shows_the_newest_forecast_with_its_quantiles(scored, panel, ax):
    over = scored[scored["method"] == "over"]
    whole = over.assign(q05_kw=over["predicted_kw"] - 4, q25_kw=over["predicted_kw"] - 1, q50_kw=over["predicted_kw"])
    whole = whole.assign(q75_kw=over["predicted_kw"] + 1, q95_kw=over["predicted_kw"] + 4)
    plots.forecast_fan(whole, panel, ax=ax)
    assert ax.get_title(loc="left") == "a: forecast of 2019-03-06 17:00"
    assert [label.get_text() for label in ax.get_legend().get_texts()] == [
        "middle 90 %", "middle 50 %", "measured", "over"
    ]  # fmt: skip
    with pytest.raises(DataError, match="neither quantiles nor limits"):
        plots.forecast_fan(over.assign(lower_kw=np.nan), panel, ax=ax)
    with pytest.raises(DataError, match="no forecast of site 'b'"):
        plots.forecast_fan(over, panel, ("b", pd.Timestamp("2019-03-06 16:00Z")), ax=ax)


def test_a_fan_takes_a_nowcast_that_was_just_issued(scored, panel, ax):
    issued = scored[scored["method"] == "over"].drop(columns=["method", "observed_kw"]).reset_index()
    plots.forecast_fan(issued.rename(columns={"predicted_kw": "nowcast_kw"}), panel, ax=ax)
    assert "limits" in [label.get_text() for label in ax.get_legend().get_texts()]


def test_coverage_is_the_share_within_the_limits(scored, ax):
    plots.coverage(scored, 0.9, ax=ax)
    points = [line for line in ax.lines if line.get_marker() == "o"]
    assert [point.get_xdata()[0] for point in points] == [100.0, 100.0]
    with pytest.raises(DataError, match="no row has limits"):
        plots.coverage(scored.assign(lower_kw=np.nan), ax=ax)


def test_a_meter_is_a_picture_of_days_and_hours(panel, ax):
    plots.heatmap(panel, ax=ax)
    assert ax.images[0].get_array().shape == (24, 19)
    assert ax.get_title(loc="left") == "a: 100.0 % metered"


def test_a_power_curve_has_bins(panel, ax):
    plots.power_curve(panel, ax=ax)
    assert ax.get_xlabel() == "wind speed [m/s]"
    with pytest.raises(DataError, match="no column 'wind'"):
        plots.power_curve(panel, "wind", ax=ax)


def test_a_search_shows_its_trials(ax):
    trials = pd.DataFrame({"state": ["complete", "pruned", "complete"], "value": [5.0, 6.0, 4.0]})
    plots.tuning_history(trials, 5.5, "nRMSE [%]", ax=ax)
    assert ax.get_title(loc="left") == "3 trials, 2 carried to the end"
    assert ax.get_ylabel().startswith("nRMSE [%]")
    least = next(line for line in ax.lines if line.get_label() == "least so far")
    assert least.get_ydata().tolist() == [5.0, 4.0]
    plots.tuning_importance({"estimator__x": 0.7, "mode": 0.3}, ax=Figure().subplots())
    with pytest.raises(DataError, match="no parameter has an importance"):
        plots.tuning_importance({}, ax=ax)


def test_a_backtest_offers_its_plots(scored, panel, ax):
    result = BacktestResult(scored, pd.DataFrame())
    assert result.plot.event(panel, "over", ax=ax) is ax
    assert result.plot.coverage(0.9, ax=Figure().subplots()).get_xlabel().startswith("observations")
    with pytest.raises(DataError, match="no method 'ovr' was scored: did you mean 'over'"):
        result.plot.error_by(panel, method="ovr", ax=ax)


def test_a_figure_for_a_file_leaves_pyplot_alone(board, tmp_path):
    figure = figure_of(plots.leaderboard, board)
    figure.savefig(tmp_path / "board.png")
    assert (tmp_path / "board.png").read_bytes().startswith(b"\x89PNG")
