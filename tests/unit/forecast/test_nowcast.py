"""Nowcasts issued from data that end at the origin, on the bundled farm: beside the backtest, beside the last reading, bad input."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.estimators.rules.persistence import Persistence
from cblcast.estimators.wrappers.lead_intervals import LeadIntervals
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.long_frame import score_frame
from cblcast.forecast.nowcast import issue_nowcast
from cblcast.frames.panel import Panel
from cblcast.frames.rolling import Horizon, rolling_origins
from cblcast.frames.schema import DataError, DataWarning, StudyError, quantile_levels

ORIGIN = pd.Timestamp("2014-03-20T12:00Z")


@pytest.fixture(scope="module")
def farm():
    whole = datasets.load("la_haute_borne")
    time = whole.data.index.get_level_values("time")
    return Panel(whole.data[(time >= "2014-01-01") & (time < "2014-04-01")].astype(np.float64), whole.sites)


def until(farm, end, **columns):
    data = farm.data[farm.data.index.get_level_values("time") < end].assign(**columns)
    return Panel(data, farm.sites)


@pytest.fixture(scope="module")
def trained(farm):
    made = Forecaster(LeadIntervals(Persistence(), bins=4), name="desk", horizon=Horizon(60))
    cases = rolling_origins(farm, range(10, 70, 10), every_min=60, last="2014-03-15")
    return made.fit(farm, cases)


def test_an_issued_nowcast_is_that_of_the_backtest(farm, trained):
    issued = issue_nowcast(trained, until(farm, ORIGIN), "data")
    cases = rolling_origins(farm, range(10, 70, 10), first="2014-03-20", last="2014-03-21")
    judged = trained.predict(farm, cases.xs(ORIGIN, level="origin", drop_level=False))
    assert issued.missing == []
    assert list(issued.rows["lead_min"]) == [10, 20, 30, 40, 50, 60]
    assert list(issued.rows["time"]) == list(judged.index.get_level_values("time"))
    for mine, theirs in (("nowcast_kw", "predicted_kw"), ("lower_kw", "lower_kw"), ("upper_kw", "upper_kw")):
        np.testing.assert_allclose(issued.rows[mine], judged[theirs])
    assert issued.rows["reason"].isna().all()
    assert quantile_levels(issued.rows.columns) == {"q10_kw": 0.1, "q50_kw": 0.5, "q90_kw": 0.9}


def test_what_was_measured_after_the_origin_is_never_seen(farm, trained):
    late = np.asarray(farm.data.index.get_level_values("time") >= ORIGIN)
    garbage = {name: farm.data[name].where(~late, 1e4) for name in farm.data.columns}
    one, other = (
        issue_nowcast(trained, panel, ORIGIN) for panel in (farm, Panel(farm.data.assign(**garbage), farm.sites))
    )
    pd.testing.assert_frame_equal(one.rows, other.rows)


def test_silence_before_the_origin_is_told(farm, trained):
    panel = until(farm, ORIGIN)
    issued = issue_nowcast(trained, panel, ORIGIN + pd.Timedelta(minutes=30))
    assert issued.missing[0] == (
        "the last measurements of site 'la_haute_borne' are missing: its power is known until 2014-03-20 12:00:00+00:00, "
        "30 min before the origin"
    )
    assert (issued.rows["nowcast_kw"] == panel.data["observed_kw"].iloc[-1]).all()  # lags hold a value for an hour
    issued = issue_nowcast(trained, panel, ORIGIN + pd.Timedelta(hours=2))
    assert issued.rows["nowcast_kw"].isna().all()
    assert (
        "lags of site 'la_haute_borne' lacks observed_kw_ago_1 (1 of 1 columns) for 6 of 6"
        in issued.rows["reason"].iloc[0]
    )
    with pytest.raises(DataError, match=r"48 h before the origin .* give newer data, or name an origin"):
        issue_nowcast(trained, panel, ORIGIN + pd.Timedelta(hours=48))
    with pytest.raises(DataError, match="give newer data"):
        issue_nowcast(trained, panel, "now")
    with pytest.raises(DataError, match="has no measurement before the origin"):
        issue_nowcast(trained, panel, "2014-01-01T00:00Z")


def test_a_naive_origin_is_on_the_clock_of_the_sites(farm, trained):
    issued = issue_nowcast(trained, farm, "2014-03-20 13:04")  # winter time, between two readings
    assert set(issued.rows["origin"]) == {ORIGIN}
    with pytest.raises(DataError, match="twice or never"):
        issue_nowcast(trained, farm, "2014-03-30 02:30")
    with pytest.raises(DataError, match="is no time: give now, data, or a time"):
        issue_nowcast(trained, farm, "tomorrow-ish")


def test_another_step_and_what_is_no_nowcast_are_refused(farm, trained):
    hourly = farm.data.groupby(["site_id", pd.Grouper(level="time", freq="h")]).mean()
    with pytest.raises(DataError, match=r"a step of 60 min, the model was trained on 10 min"):
        issue_nowcast(trained, Panel(hourly, farm.sites), "data")
    with pytest.raises(StudyError, match="Persistence is no nowcast"):
        issue_nowcast(Forecaster(Persistence()), farm, "data")
    with pytest.raises(StudyError, match="was not trained: trained are"):
        issue_nowcast(trained, farm, ORIGIN, Horizon(90))


def test_limits_stay_within_standby_and_rated(farm, trained):
    targets = farm.data["observed_kw"].loc["la_haute_borne"].loc["2014-01-01T00:10Z":"2014-03-14T23:50Z"]
    assert trained.sites.loc["la_haute_borne", "standby_kw"] == targets.min()
    rows = trained.predict(farm, rolling_origins(farm, [10, 60], every_min=60, first="2014-03-15"))
    standby = trained.sites.loc["la_haute_borne", "standby_kw"]
    assert rows[["lower_kw", "upper_kw", "q50_kw"]].min().min() >= standby
    assert rows.max().max() <= 8200


def test_estimates_beyond_rated_power_are_set_to_it_and_told(farm):
    class Wild(Persistence):
        def predict(self, X):
            return 2 * super().predict(X)

    cases = rolling_origins(farm, [10], every_min=60)
    made = Forecaster(Wild(), horizon=Horizon.of_leads([10]), name="wild").fit(farm, cases)
    last = made.matrix(farm, cases)["observed_kw_ago_1"].to_numpy()
    with pytest.warns(
        DataWarning, match=r"wild: [0-9]+ estimates lay below standby and [0-9]+ above rated power, of 21"
    ):
        told = made.predict(farm, cases)["predicted_kw"]
    np.testing.assert_allclose(told, np.clip(2 * last, made.sites["standby_kw"].iloc[0], 8200))


def test_the_saved_model_issues_the_same_and_answers_a_frame_that_ends_at_the_origin(farm, trained, tmp_path):
    trained.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model")
    assert loaded.horizon == Horizon(60, None, 10.0)
    panel = until(farm, ORIGIN)
    expected = issue_nowcast(trained, panel, "data").rows
    pd.testing.assert_frame_equal(issue_nowcast(loaded, panel, "data").rows, expected)
    frame = panel.data.iloc[-200:].reset_index()
    pd.testing.assert_frame_equal(score_frame(loaded, frame), expected)
    pd.testing.assert_frame_equal(score_frame(loaded, frame.assign(estimate=0)), expected)
    with pytest.warns(DataWarning, match="30 min before the origin"):
        later = score_frame(loaded, frame.assign(origin="2014-03-20T12:30:00Z"))
    assert later["time"].iloc[0] == pd.Timestamp("2014-03-20T12:30Z")
    with pytest.raises(DataError, match="more than one time"):
        score_frame(loaded, frame.assign(origin=frame["time"].astype(str)))
