"""What the peers are handed hides what an event hides, and the judge counts whole events of both sides alone."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cblcast.frames.panel import Panel

FOLDER = Path(__file__).parents[2] / "benchmarks"
HOUR = pd.Timedelta(hours=1)


@pytest.fixture
def module(monkeypatch):
    """A module of a benchmark, as its script imports it, forgotten afterwards."""
    before = set(sys.modules)

    def load(folder: str, name: str):
        monkeypatch.syspath_prepend(str(FOLDER / folder))
        return importlib.import_module(name)

    yield load
    for name in set(sys.modules) - before:
        if str(FOLDER) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def panel() -> Panel:
    """Two sites, 40 days around the change of the clock at the end of March, each load another number."""
    time = pd.date_range("2019-03-01", periods=40 * 24, freq="h", tz="UTC").as_unit("us")
    index = pd.MultiIndex.from_product([["a", "b"], time], names=["site_id", "time"])
    data = pd.DataFrame({"observed_kw": 1.0 + np.arange(len(index)), "temp_air_c": 10.0}, index=index)
    sites = pd.DataFrame(
        {"tz": "Europe/London", "country": "GB", "subdivision": ""}, index=pd.Index(["a", "b"], name="site_id")
    )
    return Panel(data, sites)


@pytest.fixture
def events() -> pd.DataFrame:
    """17:00-20:00 by London's clock, before and after it changes."""
    start = pd.to_datetime(["2019-03-28 17:00", "2019-04-03 16:00", "2019-04-04 16:00"], utc=True).as_unit("us")
    table = pd.DataFrame({"site_id": ["a", "a", "b"], "start": start})
    return table.assign(stop=table["start"] + 3 * HOUR)


@pytest.fixture
def handed(module, panel, events, tmp_path):
    module("peers", "handed").hand_over(panel, events, tmp_path, ("2019-03-01", "2019-03-27"))
    return {file.stem: pd.read_parquet(file) for file in tmp_path.glob("*.parquet")}


@pytest.mark.parametrize("view", ["real_time", "settlement"])
def test_an_event_hides_its_load_and_before_it_begins_all_that_comes_later(handed, panel, events, view):
    seen = handed[f"seen_{view}"]
    assert seen.groupby(["site_id", "origin"])["asked"].sum().tolist() == [3, 3, 3]
    assert seen.loc[seen["asked"], "observed_kw"].isna().all()
    shown = seen[seen["observed_kw"].notna()]
    true = panel.data["observed_kw"].reindex(pd.MultiIndex.from_frame(shown[["site_id", "time"]]))
    np.testing.assert_array_equal(shown["observed_kw"], true)
    since = (shown["time"] - shown["origin"]) / HOUR
    assert set(since[since >= 0]) == (set() if view == "real_time" else {3.0, 4.0, 5.0, 6.0})
    assert seen.loc[seen["asked"], "hour"].tolist() == [17, 18, 19] * 3


def test_the_evening_that_settlement_sees_is_the_next_one_and_never_the_load_itself(handed, panel):
    load = panel.data["observed_kw"]
    for name, frame in (("train", handed["train"]), ("seen_settlement", handed["seen_settlement"])):
        known = frame.dropna(subset=["evening_1_kw"])
        assert len(known) > 0.8 * len(frame), name
        for row in known.iloc[:: max(len(known) // 60, 1)].itertuples():
            later = load.loc[row.site_id].loc[row.time + HOUR :]
            at_eight = later[later.index.tz_convert("Europe/London").hour == 20].iloc[0]
            assert row.evening_1_kw == at_eight, (name, row.site_id, row.time)
    assert handed["train"]["time"].max() < pd.Timestamp("2019-03-28", tz="UTC")
    assert "observed_kw" not in handed["weather"]


def test_the_judge_counts_events_that_were_answered_whole(module, panel, tmp_path):
    judge = module("peers", "judge")
    time = pd.date_range("2019-03-28 17:00", periods=3, freq="h", tz="UTC")
    rows = pd.DataFrame({"site_id": "a", "origin": time[0], "time": time, "method": "m", "view": "real_time"})
    load = panel.data["observed_kw"].loc["a"].loc[time].to_numpy()
    told = pd.concat(
        [rows.assign(predicted_kw=1.1 * load), rows.assign(method="half", predicted_kw=[1.0, np.nan, 1.0])]
    )
    told.to_parquet(tmp_path / "answers_m.parquet")
    said = judge.answers_of(tmp_path, panel)
    assert said["method"].unique().tolist() == ["m"]
    errors = judge.mean_errors(said)
    assert errors["mpe_pct"] == pytest.approx(10.0)
    assert errors["nrmse_pct"] == pytest.approx(100 * np.sqrt(np.mean((0.1 * load) ** 2)) / load.mean())


def test_a_peer_that_needs_a_python_that_is_not_there_is_told(module):
    environments = module("peers", "environments")
    with pytest.raises(environments.NotInstalled, match=r"needs Python 3\.90 or newer"):
        environments.interpreter((3, 90))


def test_a_hundred_million_on_paper_by_hand(module):
    paper = module("on_paper", "run")
    # 1e8 meters x 0.36 ms = 36,000 core-s = 10 core-h of work, 20 at half of the time; 64 cores: 18.75 min; 1 EUR
    cost = paper.cost_of(0.36e-3, 45, 1e8, paper.Prices(efficiency=0.5), 2.0)
    assert (cost.core_hours, cost.wall_minutes, cost.read_gb, cost.eur) == pytest.approx((20.0, 18.75, 216.0, 1.0))
