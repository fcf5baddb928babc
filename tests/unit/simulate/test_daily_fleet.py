import numpy as np
import pandas as pd
import pytest

from cblcast.errors import DataError
from cblcast.simulate.daily_fleet import DailyUse, plan_month, plan_year, yearly_bill
from cblcast.simulate.island import Fleet, Islands
from cblcast.simulate.year_with_islands import year_with_islands

FLEET = Fleet(initial_charge=0.8)


@pytest.fixture(scope="module")
def prices():
    index = pd.date_range("2015-01-01", "2015-03-01", freq="h", inclusive="left", tz="Europe/Paris")
    return pd.Series(0.04 + 0.02 * np.sin(2 * np.pi * (index.hour - 12) / 24), index)


def loads(n):
    return 600 + 200 * np.sin(2 * np.pi * (np.arange(n) - 10) / 24)


def test_a_plan_keeps_every_limit(prices):
    use = DailyUse(connection_kw=1000, demand_charge_per_kw_month=5)
    plan = plan_year(prices, loads(len(prices)), 100, FLEET, use)
    flow = plan["import_kw"] - plan["export_kw"] - plan["charge_kw"] + plan["discharge_kw"]
    assert flow.to_numpy() == pytest.approx(loads(len(prices)), abs=1e-5)
    assert plan[["import_kw", "export_kw"]].max().max() <= 1000 + 1e-6
    before = np.r_[0.8 * 1200, plan["energy_kwh"].to_numpy()[:-1]]
    change = 0.95 * plan["charge_kw"] - plan["discharge_kw"] / 0.95 - plan["driving_kwh"]
    assert plan["energy_kwh"].to_numpy() == pytest.approx(
        before + change.to_numpy(), abs=1e-5
    )  # across midnight and the month
    assert plan["energy_kwh"].between(0.5 * 1200 - 1e-6, 1200 + 1e-6).all()
    days = len(prices) / 24
    assert plan["driving_kwh"].sum() == pytest.approx(100 * 15 * 0.18 * days, rel=1e-6)


def test_the_connection_holds_in_both_directions(prices):
    free = pd.Series(np.where(np.arange(len(prices)) % 24 < 12, -0.1, 0.3), prices.index)
    plan = plan_year(free, np.zeros(len(prices)), 1000, FLEET, DailyUse(connection_kw=150, reserve=0.0, km_per_day=1))
    assert plan["import_kw"].max() == pytest.approx(150)
    assert plan["export_kw"].max() == pytest.approx(150)
    assert (
        np.minimum(plan["import_kw"], plan["export_kw"]) < 1e-5
    ).all()  # not both at once, though prices are negative


def test_discharging_earns_and_wear_restrains_it(prices):
    load = loads(len(prices))
    totals = {}
    for name, use in {
        "charged only": DailyUse(discharge=False),
        "both ways": DailyUse(),
        "worn": DailyUse(wear_per_kwh=0.01),
        "worn out": DailyUse(wear_per_kwh=1.0),
    }.items():
        totals[name] = yearly_bill(plan_year(prices, load, 100, FLEET, use), prices, use)
    assert totals["both ways"]["total"] < totals["charged only"]["total"]
    assert totals["worn"]["throughput_kwh"] < totals["both ways"]["throughput_kwh"]
    assert totals["worn out"]["throughput_kwh"] == pytest.approx(0, abs=1e-6)
    assert totals["worn out"]["total"] == pytest.approx(totals["charged only"]["total"])


def test_peaks_are_shaved(prices):
    load = loads(len(prices))
    plain, shaved = (
        plan_year(prices, load, 100, FLEET, DailyUse(demand_charge_per_kw_month=charge))["import_kw"].max()
        for charge in (0, 20)
    )
    assert shaved < load.max() < plain


def test_charge_passes_through_an_island_and_nothing_is_free(prices):
    starts = pd.DatetimeIndex(["2015-01-10 05:00", "2015-01-20 18:00", "2015-02-03 00:00"], tz="Europe/Paris")
    case = Islands(np.zeros((3, 36, 2)), np.full((3, 36), 100.0), 1 / 6)
    year = year_with_islands(prices, loads(len(prices)), case, starts, 0.0, 100, FLEET, DailyUse())
    charge = year.charge_kwh
    assert charge.notna().all()
    for k, start in enumerate(starts):
        before, after = charge[start - pd.Timedelta("1h")], charge[start + pd.Timedelta("5h")]
        assert year.handed_over_kwh[k] == pytest.approx(0.7 * before)
        assert before - after == pytest.approx(year.handed_over_kwh[k] - year.taken_back_kwh[k])
        delivered = (year.traces[k]["discharge_kw"].sum()) / 6
        assert year.handed_over_kwh[k] - year.taken_back_kwh[k] == pytest.approx(delivered / 0.95)
    # The first hour after an island starts from what the island left: at most what the chargers can add.
    later = starts[0] + pd.Timedelta("6h")
    assert charge[later] - charge[later - pd.Timedelta("1h")] <= 100 * 3 * 0.95 + 1e-6
    assert len(year.plan) == len(prices) - 18


def test_what_cannot_be_planned(prices):
    with pytest.raises(DataError, match="raise the limit"):
        plan_month(prices, np.full(len(prices), 900.0), 10, FLEET, DailyUse(connection_kw=500), 50.0)
    holes = prices.where(prices.index.hour != 3)
    with pytest.raises(DataError, match="fill the gaps"):
        plan_month(holes, loads(len(prices)), 10, FLEET, DailyUse(), 50.0)
    with pytest.raises(DataError, match="24 hours"):
        DailyUse(plugged=(0.5,))
    with pytest.raises(DataError, match="reserve"):
        DailyUse(reserve=1.0)
    case = Islands(np.zeros((1, 36, 2)), np.full((1, 36), 100.0), 1 / 6)
    late = pd.DatetimeIndex(["2015-01-10 05:10"], tz="Europe/Paris")
    with pytest.raises(DataError, match="whole hours"):
        year_with_islands(prices, loads(len(prices)), case, late, 0, 1, FLEET, DailyUse())


def test_an_emptied_fleet_is_charged_back_to_its_reserve(prices):
    """As fast as the chargers allow: the next outage may come tomorrow."""
    load, use = np.zeros(len(prices)), DailyUse(reserve=0.8)
    plan = plan_year(prices, load, 100, FLEET, use, energy_kwh=0.0)
    charge = plan["energy_kwh"].to_numpy()
    assert (charge[12:] >= 0.8 * 1200 - 1e-6).all()
    narrow = plan_year(prices, load + 80, 100, FLEET, DailyUse(reserve=0.8, connection_kw=100), energy_kwh=600.0)
    before = np.r_[600.0, narrow["energy_kwh"].to_numpy()[:-1]]
    below = narrow["energy_kwh"].to_numpy() < 0.8 * 1200 - 1e-6
    assert below.any()
    assert narrow["import_kw"].to_numpy()[below & (before < 0.8 * 1200 - 1e-6)] == pytest.approx(100.0)


def test_islands_that_do_not_fit_the_year(prices):
    case = Islands(np.zeros((1, 36, 2)), np.full((1, 36), 100.0), 1 / 6)
    with pytest.raises(DataError, match="beyond the last price"):
        year_with_islands(prices, loads(len(prices)), case, prices.index[[-3]], 0, 1, FLEET, DailyUse())
    coarse = Islands(np.zeros((1, 9, 2)), np.full((1, 9), 100.0), 2 / 3)
    with pytest.raises(DataError, match="divide an hour"):
        year_with_islands(prices, loads(len(prices)), coarse, prices.index[[24]], 0, 1, FLEET, DailyUse())
