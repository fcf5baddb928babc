"""A study trained with forecast runs, and a nowcast that is issued from run files: ERA5 of the bundled farm laid out as six-hourly runs."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from cblcast import datasets
from cblcast.cli import app
from cblcast.config import make_study
from cblcast.errors import StudyError
from cblcast.forecast.forecaster import Forecaster
from cblcast.workflow import serving
from cblcast.workflow.given_forecasts import given_runs
from cblcast.workflow.studies import run_study

ORIGIN = pd.Timestamp("2014-02-20T12:00Z")
NAMES = {"Run": "issue_time", "ws": "wind_speed_100m_kmh"}
PRODUCT = {"product": "ec", "file": "runs.csv", "delay_h": 3, "columns": NAMES}
pytestmark = pytest.mark.filterwarnings("ignore:line. [0-9]+ estimates lay below standby:cblcast.errors.DataWarning")


def document(product):
    return {
        "study": "desk",
        "data": {"panel": "meter.csv", "site_table": "sites.csv", "forecasts": product},
        "events": {"every_min": 180, "horizon_min": 60},
        "train": ["2014-01-02", "2014-02-10"], "test": ["2014-02-11", "2014-02-24"], "scale": "rated_kw", "metrics": ["nrmse"],
        "features": {
            "lags": {"ago": [1, 2]},
            "nwp": {"columns": ["ec_wind_speed_100m_ms", "ec_run_age_h"], "path": ["ec_wind_speed_100m_ms"], "hours": [-1, 1]},
            "nwp_error": {"speed": "ec_wind_speed_100m_ms", "ago": [1, 3]},
        },
        "methods": [{"name": "line", "estimator": "ByLead", "of": "Ridge"}],
    }  # fmt: skip


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Files of a study and of its desk, and what the study found."""
    where = tmp_path_factory.mktemp("desk")
    whole = datasets.load("la_haute_borne").data["observed_kw"].astype(np.float64)
    time = whole.index.get_level_values("time")
    meter = whole[(time >= "2014-01-01") & (time < "2014-02-26")].reset_index()
    meter.to_csv(where / "meter.csv", index=False)
    meter[meter["time"] < ORIGIN].to_csv(where / "latest.csv", index=False)
    sites = {"site_id": ["la_haute_borne"], "tz": "Europe/Paris", "rated_kw": 8200.0}
    pd.DataFrame(sites).to_csv(where / "sites.csv", index=False)
    wind = datasets.load_reanalysis("era5")["wind_speed_100m_ms"].astype(np.float64) * 3.6
    wind = wind["2013-12-31":"2014-02-26"]
    wind = wind.rename("ws").rename_axis("valid_time")
    table = pd.concat([wind[at : at + pd.Timedelta("24h")].reset_index().assign(Run=at) for at in wind.index[::6]])
    table.to_csv(where / "runs.csv", index=False)
    for name, until in (("now", ORIGIN), ("old", ORIGIN - pd.Timedelta("8h")), ("dead", ORIGIN - pd.Timedelta("40h"))):
        table[table["Run"] <= until].to_csv(where / f"{name}.csv", index=False)
    table[table["Run"] > ORIGIN].to_csv(where / "later.csv", index=False)
    return where, run_study(make_study(document(PRODUCT), "desk.yaml", where)).backtest


@pytest.fixture
def score(desk, tmp_path, monkeypatch):
    """The command, asking the model as it was saved."""
    where, found = desk
    found.forecasters["line"].save(tmp_path / "model")
    monkeypatch.setattr(serving.tracking, "load_forecaster", lambda model, uri=None: Forecaster.load(tmp_path / "model"))  # fmt: skip

    def asked(*given):
        words = ["score", "--model", "models:/desk@champion", "--data", str(where / "latest.csv"), "--origin", "data"]
        for product, name in given:
            words += ["--forecasts", f"{product}={where / name}"]
        ran = CliRunner().invoke(app, [*words, "--json"])
        if isinstance(ran.exception, Exception) and not isinstance(ran.exception, SystemExit):
            raise ran.exception
        return ran.exit_code, json.loads(ran.stdout)

    return asked


def test_the_desk_gives_what_the_backtest_gave_and_knows_how_its_runs_are_read(desk, score):
    # A wrong delay, unit or column name would each change the numbers: none of them is given again.
    code, told = score(("ec", "now.csv"))
    assert (code, told["missing"]) == (0, [])
    judged = desk[1].scored.xs(ORIGIN, level="origin")["predicted_kw"]
    assert [row["lead_min"] for row in told["rows"]] == [10, 20, 30, 40, 50, 60]
    np.testing.assert_allclose([row["nowcast_kw"] for row in told["rows"]], judged, rtol=1e-9)


def test_a_run_that_should_be_there_is_told(desk, score):
    code, told = score(("ec", "old.csv"))
    assert code == 3
    assert told["missing"] == [
        "1 run of ec is missing: the newest that had arrived by 2014-02-20 12:00:00+00:00 was issued at 2014-02-20 00:00:00+00:00, "
        "and there was one every 6 h, 3 h after its issue, in training"
    ]
    code, told = score(("ec", "dead.csv"))
    assert code == 3
    assert told["missing"][0].startswith("6 runs of ec are missing")
    assert told["missing"][1].startswith("nwp of site 'la_haute_borne' lacks ec_wind_speed_100m_ms")


def test_runs_after_the_origin_are_not_seen(desk, score):
    assert score(("ec", "now.csv"), ("ec", "later.csv")) == score(("ec", "now.csv"))
    code, told = score(("ec", "later.csv"))
    assert code == 3
    assert told["missing"][0].startswith(
        "no run of ec had arrived by 2014-02-20 12:00:00+00:00: the first of the file arrives at"
    )


def test_products_that_are_lacking_or_strange_are_refused(score):
    with pytest.raises(StudyError, match="with forecast runs of ec, which were not given: add --forecasts ec=FILE"):
        score()
    with pytest.raises(StudyError, match="reads no forecasts of 'ecm': did you mean 'ec'"):
        score(("ec", "now.csv"), ("ecm", "now.csv"))


@pytest.mark.parametrize(("text", "sentence"), [
    ("ec", "'ec' has no value: write PRODUCT=FILE"),
    ("=runs.csv", "has no value: write PRODUCT=FILE"),
    ("ec=runs.csv,delay_h", "'delay_h' has no value"),
    ("ec=runs.csv,delay_h=soon", "delay_h is a number of hours, not 'soon'"),
    ("ec=runs.csv,delay=3", "unknown option 'delay' of the forecasts ec: did you mean 'delay_h'"),
    ("ec=runs.csv,delay_h=999", "delay_h is 0 to 240 hours"),
    ("ec=runs.csv,delay_h=nan", "delay_h is a number of hours, not 'nan'"),
])  # fmt: skip
def test_a_text_that_names_no_product_is_refused(desk, text, sentence):
    with pytest.raises(StudyError, match=sentence):
        given_runs(desk[1].forecasters["line"], [text])


def test_options_that_are_given_stand_over_those_of_the_training(desk, score):
    where, found = desk
    (runs,) = given_runs(found.forecasters["line"], [f"ec={where / 'now.csv'},delay_h=0,members=1,values=means,stamp=end"])  # fmt: skip
    assert (runs.arrived_us == runs.issued_us).all()
    assert runs.read_as["members"] == "1"
    assert runs.read_as["columns"] == NAMES
    with pytest.raises(StudyError, match="two values of one option of ec"):
        given_runs(found.forecasters["line"], ["ec=a.csv,delay_h=0", "ec=b.csv,delay_h=1"])
