import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.errors import DataError
from cblcast.simulate.island import Fleet, Islands, energy_not_supplied
from cblcast.simulate.island_forecasts import by_nowcast, by_persistence, by_season_and_hour, known_perfectly
from cblcast.simulate.receding_horizon import Prices, operate_by_plan, plan_island
from cblcast.simulate.scheduled_island import operate_by_rule


def some_islands(seed=0, scenarios=4, steps=9):
    rng = np.random.default_rng(seed)
    one = rng.uniform(0, 660, (scenarios, steps, 1))
    return Islands(np.repeat(one, 2, axis=2), rng.uniform(300, 1000, (scenarios, steps)), 1 / 6)


@settings(max_examples=25)
@given(st.integers(0, 1000), st.floats(0, 900), st.integers(0, 500), st.sampled_from(["units", "curtail"]))
def test_with_the_wind_known_the_scheduled_rule_is_the_rule(seed, diesel, vehicles, cut):
    case = some_islands(seed)
    fleet = Fleet(initial_charge=0.8)
    wind = case.turbine_kw.sum(axis=2)
    known = operate_by_rule(case, wind, diesel, vehicles, fleet, cut)
    assert known.unserved_kwh == pytest.approx(energy_not_supplied(case, diesel, vehicles, fleet, cut), abs=1e-6)


def test_expecting_too_much_wind_loses_load_and_too_little_burns_diesel():
    case = some_islands()
    wind, fleet = case.turbine_kw.sum(axis=2), Fleet()
    right, high, low = (operate_by_rule(case, wind * k, 1200.0, 0, fleet, "curtail") for k in (1.0, 1.3, 0.0))
    assert high.unserved_kwh.sum() > right.unserved_kwh.sum() == pytest.approx(0)
    assert low.diesel_kwh.sum() > right.diesel_kwh.sum()
    assert low.unserved_kwh.sum() == pytest.approx(0)
    with pytest.raises(DataError, match="expected_kw"):
        operate_by_rule(case, wind[:, :3], 0.0, 0, fleet)


def test_what_each_operator_knows():
    wind = np.array([[10.0, 20.0, 30.0]])
    assert known_perfectly(wind)[0, 1].tolist()[1:] == [20, 30]
    assert np.isnan(known_perfectly(wind)[0, 1, 0])
    held = by_persistence(wind, np.array([5.0]))
    assert held[0, 0].tolist() == [5, 5, 5]
    assert held[0, 2, 2] == 20
    year = pd.Series(1.0, pd.date_range("2014-01-01", "2015-01-01", freq="10min", tz="UTC"))
    assert by_season_and_hour(year, pd.DatetimeIndex(["2015-03-01 23:50"], tz="UTC"), 3)[0, 0].tolist() == [1, 1, 1]


def test_a_nowcast_and_what_lies_beyond_it():
    starts = pd.DatetimeIndex(["2015-03-01 12:00"], tz="UTC")
    step = pd.Timedelta("10min")
    rows = {(starts[0] + o * step, starts[0] + (o + h) * step): 100.0 * o + h for o in range(3) for h in range(2)}
    predicted = pd.Series(rows.values(), pd.MultiIndex.from_tuples(rows))
    found, beyond = by_nowcast(predicted, starts, 3, np.full((1, 3, 3), -1.0))
    assert found[0, 0].tolist() == [0, 1, -1]
    assert found[0, 1].tolist()[1:] == [100, 101]
    assert beyond == 1
    with pytest.raises(DataError, match="no nowcast"):
        by_nowcast(predicted, starts + pd.Timedelta("1h"), 3, np.full((1, 3, 3), -1.0))


def test_a_plan_with_the_wind_known_is_never_worse_than_the_rule():
    case, fleet, prices = some_islands(3), Fleet(initial_charge=0.6), Prices()
    wind = case.turbine_kw.sum(axis=2)

    def worth(done):
        refill = prices.refill * (0.6 * 0.7 * 100 * 12 - done.last_energy_kwh) / fleet.charge_efficiency
        return prices.unserved * done.unserved_kwh + prices.diesel * done.diesel_kwh + refill

    plan = operate_by_plan(case, known_perfectly(wind), 300.0, 100, fleet, prices)
    rule = operate_by_rule(case, wind, 300.0, 100, fleet, "curtail")
    assert (worth(plan) <= worth(rule) + 1e-6).all()
    # Under curtailment the rule keeps all it can in reserve: no plan loses less load.
    assert plan.unserved_kwh.sum() == pytest.approx(rule.unserved_kwh.sum(), rel=1e-6)


def test_a_plan_balances_and_gives_nothing_for_free():
    plan = plan_island(np.full(4, 500.0), np.full(4, 100.0), 300.0, 400.0, 840.0, 210.0, Fleet(), 1 / 6)
    diesel, wind, charge, discharge, unserved, energy = plan
    assert diesel + wind + discharge + unserved == pytest.approx(500 + charge)
    assert energy == pytest.approx(400 + np.cumsum(0.95 * charge - discharge / 0.95) / 6)
    with pytest.raises(DataError, match="dearer than diesel"):
        Prices(unserved=0.1, diesel=0.3)
    with pytest.raises(DataError, match="forecast_kw"):
        operate_by_plan(some_islands(), np.zeros((4, 9)), 1.0, 1, Fleet())
