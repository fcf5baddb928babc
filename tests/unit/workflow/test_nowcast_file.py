"""A nowcast from a file that ends at the origin, as the command line issues it: weather beside it, what is missing, exit codes."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from cblcast import datasets
from cblcast.cli import app
from cblcast.errors import StudyError
from cblcast.estimators.learners.regression import Ridge
from cblcast.estimators.wrappers.by_lead import ByLead
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.panel import Panel
from cblcast.frames.rolling import Horizon, rolling_origins
from cblcast.io.nwp import attach
from cblcast.workflow import serving

FEATURES = {
    "lags": {"columns": ("observed_kw",), "ago": (1, 2)},
    "nwp": {"columns": ("era5_wind_speed_100m_ms",)},
}
SINCE, ORIGIN = pd.Timestamp("2014-02-18T00:00Z"), pd.Timestamp("2014-02-20T12:00Z")


@pytest.fixture(scope="module")
def farm():
    whole = attach(datasets.load("la_haute_borne"), datasets.load_reanalysis("era5"), "era5_")
    time = whole.data.index.get_level_values("time")
    kept = whole.data.loc[(time >= "2014-01-01") & (time < "2014-03-01"), ["observed_kw", "era5_wind_speed_100m_ms"]]
    return Panel(kept.astype(np.float64), whole.sites).declare({"era5_*": "reanalysis"})


@pytest.fixture
def folder(farm, tmp_path, monkeypatch):
    made = Forecaster(ByLead(Ridge()), FEATURES, name="desk", horizon=Horizon(30))
    made.fit(farm, rolling_origins(farm, [10, 20, 30], every_min=120, last="2014-02-15"))
    monkeypatch.setattr(serving.tracking, "load_forecaster", lambda model, uri=None: made)
    rows = farm.data.loc["la_haute_borne"].loc[SINCE : ORIGIN + pd.Timedelta(hours=3)].reset_index()
    rows.insert(0, "site_id", "la_haute_borne")
    before = rows["time"] < ORIGIN
    rows.assign(observed_kw=rows["observed_kw"].where(before)).to_csv(tmp_path / "ahead.csv", index=False)
    rows[before].to_csv(tmp_path / "bare.csv", index=False)
    rows.loc[before, ["site_id", "time", "observed_kw"]].to_csv(tmp_path / "power.csv", index=False)
    rows[["time", "era5_wind_speed_100m_ms"]].to_csv(tmp_path / "weather.csv", index=False)
    return tmp_path


def score(folder, name, *more):
    ran = CliRunner().invoke(
        app, ["score", "--model", "models:/desk@champion", "--data", str(folder / name), *more, "--json"]
    )
    if isinstance(ran.exception, Exception) and not isinstance(ran.exception, SystemExit):
        raise ran.exception
    return ran.exit_code, json.loads(ran.stdout)


def test_rows_for_the_horizon_are_made_and_weather_may_stand_in_either_file(folder, farm):
    code, ahead = score(folder, "ahead.csv", "--origin", "data")
    assert (code, ahead["missing"]) == (0, [])
    assert [row["lead_min"] for row in ahead["rows"]] == [10, 20, 30]
    assert ahead["rows"][0]["time"].startswith("2014-02-20T12:00:00")
    code, beside = score(folder, "power.csv", "--origin", "2014-02-20T13:00", "--weather", str(folder / "weather.csv"))
    assert code == 0
    for one, other in zip(ahead["rows"], beside["rows"], strict=True):
        assert one["nowcast_kw"] == pytest.approx(other["nowcast_kw"])
    code, written = score(folder, "ahead.csv", "--origin", "data", "--out", str(folder / "out.csv"))
    assert (code, written["rows"]) == (0, 3)
    assert pd.read_csv(folder / "out.csv")["nowcast_kw"].tolist() == pytest.approx(
        [row["nowcast_kw"] for row in ahead["rows"]]
    )


def test_the_terminal_tells_times_of_the_sites_clock(folder):
    (folder / "sites.csv").write_text("site_id,tz,rated_kw\nla_haute_borne,Europe/Paris,8200\n", encoding="utf-8")
    model = ["--model", "models:/desk@champion", "--data", str(folder / "ahead.csv"), "--origin", "data"]
    told = CliRunner().invoke(app, ["score", *model, "--sites", str(folder / "sites.csv")]).stdout
    assert "Nowcast issued at 2014-02-20 13:00 Europe/Paris" in told
    assert "2014-02-20 13:20     30" in told
    assert "UTC" not in told
    assert "lower" not in told  # of a method without limits


def test_a_missing_forecast_is_told_and_the_exit_code_says_so(folder):
    code, told = score(folder, "bare.csv", "--origin", "data", "--out", str(folder / "out.csv"))
    assert code == 3
    assert told["missing"] == [
        "nwp of site 'la_haute_borne' lacks era5_wind_speed_100m_ms (1 of 1 columns) for 3 of 3 intervals, the first at "
        "2014-02-20 12:00:00+00:00"
    ]
    assert (folder / "out.csv").exists()


def test_events_and_an_origin_exclude_each_other(folder):
    for more in ((), ("--origin", "now", "--events", str(folder / "ahead.csv"))):
        with pytest.raises(StudyError, match="give either --events FILE, whose baselines are wanted, or --origin now"):
            score(folder, "ahead.csv", *more)
