"""Programs that are no mean of days: demands, a level, the lesser of two; and RTE's gate."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.eligibility import certify
from cblcast.eligibility.gates import gate_of, loosest_gate
from cblcast.errors import DataError, StudyError
from cblcast.frames.panel import Panel
from cblcast.programs import explain, load_program
from cblcast.programs.model import Program
from cblcast.settlement import settle
from cblcast.value.contract import Contract


@pytest.fixture(scope="module")
def quarters():
    """A building in Turin by quarter hours."""
    whole = datasets.load("turin")
    return Panel(whole.data.loc[pd.IndexSlice[:, "2019-05-15":"2019-07-20"], ["observed_kw"]], whole.sites)


def event(panel, day="2019-07-16", start="14:00", stop="16:00"):
    return placebo_events(panel, start, stop, first=day, last=day, days="all", labels=("any",))


def test_taipower_pays_the_mean_of_five_largest_demands_less_the_largest_of_the_event(quarters):
    own = event(quarters)
    told = settle(quarters, own, ["taipower_demand_bidding"], Contract(energy_price=2.0), keep_intervals=True)
    row = told.events.iloc[0]
    load = quarters.data["observed_kw"].droplevel(0).tz_convert("Europe/Rome").between_time("14:00", "15:45")
    daily = load.groupby(load.index.date).max()
    days = [day for day in daily.index if pd.Timestamp(day).day_of_week < 5 and day < own["start"].iloc[0].date()]
    baseline = daily.loc[days[-5:]].mean()
    largest = daily.loc[own["start"].iloc[0].date()]
    assert row["baseline_kwh"] == pytest.approx(2 * baseline, rel=1e-5)
    assert row["metered_kwh"] == pytest.approx(2 * largest, rel=1e-5)
    assert row["delivered_kw"] == pytest.approx(baseline - largest, rel=1e-4)
    assert float(row["payment"]) == pytest.approx(2.0 * 2 * (baseline - largest), abs=0.01)
    assert "metered_kwh is the largest 15-minute demand times the hours" in row["remarks"]
    assert np.ptp(told.intervals["metered_kw"]) == 0
    assert "means over 15 minutes, are compared" in explain(load_program("taipower_demand_bidding"))


def test_readings_coarser_than_a_demand_are_told():
    whole = datasets.load("cambridge_sme").select(["b1"])
    hourly = Panel(whole.data.loc[pd.IndexSlice[:, "2019-05-01":"2019-06-30"], ["observed_kw"]], whole.sites)
    told = settle(hourly, event(hourly, "2019-06-12"), ["taipower_demand_bidding"]).events.iloc[0]
    assert "readings of 60 minutes stand for the demands" in told["remarks"]


def test_limits_of_demands_are_those_of_demands(quarters):
    told = settle(quarters, event(quarters), ["taipower_demand_bidding"], coverage=0.8).events.iloc[0]
    assert told["lower_kwh"] < told["upper_kwh"]


def test_demands_belong_to_days():
    evidence = {"selection": {"source": "a test", "as_of": "2026-11", "confidence": "own"}}
    with pytest.raises(ValueError, match="demand_minutes belongs to the family 'days', not to 'declared'"):
        Program(name="a", title="", family="declared", demand_minutes=15, evidence=evidence)


def test_pjm_levels_come_from_the_sites(quarters):
    own = event(quarters)
    peak = Panel(quarters.data, quarters.sites.assign(plc_kw=300.0))
    fsl, gld, plain = (settle(peak, own, [name]).events.iloc[0] for name in ("pjm_fsl", "pjm_gld", "pjm_economic"))
    assert fsl["baseline_kwh"] == pytest.approx(600)
    assert gld["baseline_kwh"] <= 600
    high = Panel(quarters.data, quarters.sites.assign(plc_kw=1e6))
    assert settle(high, own, ["pjm_gld"]).events["baseline_kwh"].iloc[0] == pytest.approx(plain["baseline_kwh"])
    low = Panel(quarters.data, quarters.sites.assign(plc_kw=10.0))
    assert settle(low, own, ["pjm_gld"]).events["delivered_kwh"].iloc[0] < 0
    with pytest.raises(DataError, match="no column 'plc_kw', which this rule needs"):
        settle(quarters, own, ["pjm_fsl"])


def test_what_rests_on_memory_is_never_official():
    for name in ("taipower_demand_bidding", "pjm_fsl", "pjm_gld", "rte_nebef_forecast"):
        program = load_program(name)
        assert not program.official, name
        assert program.confidence == "M", name


def test_rtes_gate_holds_forecasts_to_their_absolute_error_and_their_centring(quarters):
    gate = gate_of("rte_forecast")
    assert gate.broken(99.0, 15.0, 35.0) == []
    assert gate.broken(1.0, -15.1, 35.1) == ["bias -15.1 % exceeds 15 %", "mean absolute error 35.1 % exceeds 35 %"]
    assert load_program("rte_nebef_forecast").eligibility == "rte_forecast"
    assert loosest_gate().name == "kpx"
    days = placebo_events(quarters, "14:00", "16:00", first="2019-06-17", last="2019-07-12")
    load = quarters.data["observed_kw"]
    for share, admissible in ((1.1, True), (1.2, False), (0.84, False)):
        said = Panel(quarters.data.assign(declared_kw=load * share), quarters.sites)
        told = certify(said, days, ["rte_nebef_forecast"]).iloc[0]
        assert told["admissible"] == admissible, share
        assert told["mae_pct"] == pytest.approx(100 * abs(share - 1), rel=1e-4)
        assert told["gate"] == "rte_forecast"
    swinging = load * np.where(np.arange(len(load)) % 2, 1.4, 0.6)
    told = certify(
        Panel(quarters.data.assign(declared_kw=swinging), quarters.sites), days, ["rte_nebef_forecast"]
    ).iloc[0]
    assert told["reasons"].startswith("mean absolute error 40")
    with pytest.raises(StudyError, match="did you mean 'rte_forecast'"):
        gate_of("rte_forcast")
