"""A study with forecast runs of two farms: read, looked up, told; what was measured is no forecast, whatever it is called."""

import logging

import numpy as np
import pandas as pd
import pytest

from cblcast.config import make_study
from cblcast.errors import DataError, DataWarning, StudyError
from cblcast.forecast.answer import as_trained
from cblcast.frames.cases import View
from cblcast.frames.sources import Origin
from cblcast.io.formats import read_meter
from cblcast.workflow.studies import run_study
from cblcast.workflow.study_data import load_panel, prepare

START = pd.Timestamp("2020-01-01", tz="UTC")
# A line of so few days promises less than standby at times, which is told.
pytestmark = pytest.mark.filterwarnings("ignore:line. [0-9]+ estimates lay below standby:cblcast.errors.DataWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Power that follows the wind, measured and, six-hourly and worse with the lead, forecast."""
    where = tmp_path_factory.mktemp("farms")
    rng = np.random.default_rng(4)
    times = pd.date_range(START, periods=24 * 24, freq="h")
    wind = {site: 8 + 4 * np.sin(np.arange(len(times) + 60) / 9 + k) for k, site in enumerate("ab")}
    meter = pd.concat([
        pd.DataFrame({"site_id": s, "time": times, "observed_kw": 10 * w[: len(times)] ** 2, "wind_speed_ms": w[: len(times)]})
        for s, w in wind.items()
    ])  # fmt: skip
    meter.to_csv(where / "meter.csv", index=False)
    runs = []
    for site, w in wind.items():
        for issue in range(0, len(times), 6):
            lead = np.arange(0, 31)
            frame = {"site_id": site, "issue_time": times[0] + pd.Timedelta(hours=issue), "lead_h": lead}
            value = w[np.minimum(issue + lead, len(w) - 1)]
            runs.append(pd.DataFrame({**frame, "wind_speed_100m_ms": value + rng.normal(0, 0.02 * (1 + lead))}))
    pd.concat(runs).to_csv(where / "runs.csv", index=False)
    pd.DataFrame({"site_id": ["a", "b"], "tz": "UTC", "rated_kw": 1500.0}).to_csv(where / "sites.csv", index=False)
    return where


def study(folder, features=None, **data):
    document = {
        "study": "farms",
        "data": {"panel": "meter.csv", "site_table": "sites.csv", "forecasts": {"product": "ec", "file": "runs.csv", "delay_h": 2}, **data},
        "events": {"every_min": 360, "horizon_min": 720, "at": "03:00"},
        "train": ["2020-01-02", "2020-01-14"], "test": ["2020-01-15", "2020-01-22"], "metrics": ["nrmse"], "scale": "rated_kw",
        "features": features or {"nwp": {"columns": ["ec_wind_speed_100m_ms"], "cubed": ["ec_wind_speed_100m_ms"]}},
        "methods": ["Persistence", {"name": "line", "estimator": "Ridge"}],
    }  # fmt: skip
    return make_study(document, "farms.yaml", folder)


def test_several_farms_with_their_own_runs_and_overlapping_nowcasts(folder):
    result = run_study(study(folder))
    assert result.leaderboard.loc["line", "nrmse"] < 0.3 * result.leaderboard.loc["Persistence", "nrmse"]
    scored = result.backtest.scored
    origins = scored.index.get_level_values("origin")
    assert set(origins.hour) == {3, 9, 15, 21}
    one = scored[scored["method"] == "line"]
    assert one.groupby(["site_id", "time"]).size().max() == 2  # at two leads
    assert set(one.index.get_level_values("site_id")) == {"a", "b"}


def test_a_file_for_each_farm_is_the_same(folder):
    runs = pd.read_csv(folder / "runs.csv")
    for site, frame in runs.groupby("site_id"):
        frame.drop(columns="site_id").to_csv(folder / f"{site}.csv", index=False)
    apart = study(folder, forecasts=[{"product": "ec", "file": {"a": "a.csv", "b": "b.csv"}, "delay_h": 2}])
    one, other = (load_panel(each).runs[0] for each in (study(folder), apart))
    np.testing.assert_array_equal(one.values["ec_wind_speed_100m_ms"], other.values["ec_wind_speed_100m_ms"])


def test_a_measured_wind_is_no_forecast_in_any_feature_of_a_nowcast(folder):
    weather = {"columns": ["wind_speed_ms"], "heating_base_c": None, "cooling_base_c": None}
    ways = (
        {"nwp": {"columns": ["wind_speed_ms"]}},
        {"weather": weather},
        {"given": {"panel_columns": ["wind_speed_ms"]}},
    )
    for features in ways:
        with pytest.raises(
            DataError, match=r"would read 'wind_speed_ms' after the origin of a nowcast, and it counts as measured"
        ):
            run_study(study(folder, features))
    declared = study(folder, {"nwp": {"columns": ["wind_speed_ms"]}}, kinds={"wind_*": "forecast"})
    assert load_panel(declared).source("wind_speed_ms").origin is Origin.FORECAST
    assert run_study(declared).leaderboard.loc["line", "nrmse"] < 20
    assert all(not each.view.perfect_weather for each in declared.forecasters().values())


def test_a_trained_model_takes_its_columns_for_what_they_were(folder):
    declared = study(folder, {"nwp": {"columns": ["wind_speed_ms"]}}, kinds={"wind_speed_ms": "forecast"})
    model = run_study(declared).backtest.forecasters["line"]
    fresh = read_meter(str(folder / "meter.csv"), sites=str(folder / "sites.csv"))
    assert as_trained(model, fresh).source("wind_speed_ms").origin is Origin.FORECAST
    assert not fresh.source("wind_speed_ms").declared
    assert as_trained(declared.forecasters()["line"], fresh) is fresh


def test_weather_that_nobody_knows_ahead_is_remarked_on(folder, caplog):
    with caplog.at_level(logging.INFO, "cblcast.io"):
        ready = study(folder, {"nwp": {"columns": ["wind_speed_ms"]}}, kinds={"wind_speed_ms": "reanalysis"})
        prepare(ready, load_panel(ready))
    assert "wind_speed_ms: a reanalysis, which knows what was measured later" in caplog.text


def test_runs_that_end_early_are_counted(folder):
    runs = pd.read_csv(folder / "runs.csv")
    runs[runs["lead_h"] <= 10].to_csv(folder / "short.csv", index=False)
    short = study(folder, forecasts={"product": "ec", "file": "short.csv"})
    with pytest.warns(
        DataWarning,
        match=r"ec: 0 of \d+ intervals take an older run.* and \d+ have no forecast, e.g. site 'a' .*issued at .* and ends at",
    ):
        run_study(short)
    runs[(runs["lead_h"] <= 10) | (runs["issue_time"].str.contains("00:00:00"))].to_csv(
        folder / "mixed.csv", index=False
    )
    with pytest.warns(
        DataWarning, match=r"ec: [1-9]\d* of \d+ intervals take an older run, since the newest that had arrived lacks"
    ):
        run_study(study(folder, forecasts={"product": "ec", "file": "mixed.csv"}))


@pytest.mark.parametrize(("data", "sentence"), [
    ({"forecasts": {"product": "ec", "file": "runs.csv", "delay": 2}}, "unknown key 'data.forecasts.0.delay': did you mean 'delay_h'"),
    ({"forecasts": {"file": "runs.csv"}}, "'data.forecasts.0.product' is missing"),
    ({"forecasts": {"product": "ec", "file": "none.csv"}}, "data.forecasts names the file 'none.csv'"),
    ({"forecasts": {"product": "ec", "file": 3}}, "a file, a list of files, or a file for each site"),
    ({"forecasts": {"product": "e c", "file": "runs.csv"}}, "named by letters, digits and underscores"),
    ({"forecasts": {"product": "ec", "file": "runs.csv", "values": "means"}}, "means need stamp"),
    ({"kinds": {"wind_speed_ms": "predicted"}}, "data.kinds.wind_speed_ms"),
])  # fmt: skip
def test_a_section_that_is_wrong_is_told(folder, data, sentence):
    with pytest.raises(StudyError, match=sentence):
        study(folder, **data)


def test_a_stray_wind_of_a_meter_file_is_left_out_and_told(folder):
    frame = pd.read_csv(folder / "meter.csv")
    frame.loc[5, "wind_speed_ms"] = 1e12
    frame.to_csv(folder / "stray.csv", index=False)
    with pytest.warns(
        DataWarning, match=r"1 values of 'wind_speed_ms' in stray.csv are no wind, e.g. 1e\+12 m/s, and are left out"
    ):
        panel = read_meter(str(folder / "stray.csv"), tz="UTC")
    assert panel.data["wind_speed_ms"].isna().sum() == 1


def test_views_of_a_nowcast():
    assert View.nowcast(1.0) == View(lead_in=1.0, perfect_weather=False)
    document = {"study": "s", "data": {"dataset": "turin"}, "events": {"start": "17:00", "stop": "18:00"}, "view": "nowcast",
                "test": ["2019-06-01", "2019-06-02"], "methods": ["High5of10"]}  # fmt: skip
    assert make_study(document).forecasters()["High5of10"].view == View.nowcast()
    with pytest.raises(StudyError, match="at: is the clock of nowcasts"):
        make_study({**document, "events": {"start": "17:00", "stop": "18:00", "at": "05"}})
