import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cblcast.errors import DataError
from cblcast.simulate.island import Fleet, Islands, energy_not_supplied
from cblcast.simulate.island_trace import trace_island, trace_islands
from cblcast.simulate.reliability import system_minutes


@st.composite
def islands(draw, scenarios=3, steps=8, turbines=2):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    one = rng.uniform(0, 660, (scenarios, steps, 1)) * rng.integers(0, 2, (scenarios, steps, 1))
    wind = one * rng.uniform(0.9, 1.1, (1, 1, turbines))
    solar = rng.uniform(0, 300, (scenarios, steps)) if draw(st.booleans()) else None
    share = rng.uniform(0, 1, (scenarios, steps)) if draw(st.booleans()) else None
    return Islands(wind, rng.uniform(100, 1000, (scenarios, steps)), 1 / 6, solar, share)


fleets = st.fixed_dictionaries(
    {
        "availability": st.floats(0.1, 1),
        "charge_efficiency": st.floats(0.5, 1),
        "discharge_efficiency": st.floats(0.5, 1),
        "initial_charge": st.floats(0.5, 1),
        "least_charge": st.floats(0, 0.5),
    }
).map(lambda values: Fleet(**values))
cuts = st.sampled_from(["units", "curtail"])
DESIGNS = st.tuples(st.floats(0, 1200), st.integers(0, 800))


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure
@given(islands(), fleets, cuts, DESIGNS)
def test_the_kernel_agrees_with_the_plain_loop_and_the_balance_closes(given_islands, fleet, cut, design):
    steps = trace_islands(given_islands, *design, fleet, cut)
    ens = energy_not_supplied(given_islands, design[0], design[1], fleet, cut)
    slow = steps["unserved_kw"].groupby("scenario").sum() * given_islands.step_h
    assert ens[0] == pytest.approx(slow.to_numpy(), abs=1e-6)
    sources = steps[["wind_kw", "solar_kw", "diesel_kw", "discharge_kw", "unserved_kw"]].sum(axis=1)
    assert sources.to_numpy() == pytest.approx((steps["load_kw"] + steps["charge_kw"]).to_numpy(), abs=1e-6)
    assert (steps[["wind_kw", "diesel_kw", "charge_kw", "discharge_kw", "unserved_kw"]] >= -1e-9).all().all()
    assert (steps["diesel_kw"] <= design[0] + 1e-9).all()
    assert (steps["wind_kw"] <= steps["wind_available_kw"] + 1e-9).all()
    size = fleet.availability * design[1] * fleet.battery_kwh
    assert (steps["energy_kwh"] <= size + 1e-6).all()
    assert (steps["energy_kwh"] >= size * fleet.least_charge - 1e-6).all()
    both = (steps["charge_kw"] > 1e-9) & (steps["discharge_kw"] > 1e-9)
    assert not both.any()


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure
@given(islands(), fleets, DESIGNS, st.floats(0, 300), st.integers(0, 300))
def test_more_never_supplies_less_under_curtailment(given_islands, fleet, design, more_kw, more_vehicles):
    diesel, vehicles = design
    less, more_diesel, larger_fleet = energy_not_supplied(
        given_islands,
        [diesel, diesel + more_kw, diesel],
        [vehicles, vehicles, vehicles + more_vehicles],
        fleet,
        "curtail",
    )
    assert (more_diesel <= less + 1e-6).all()
    assert (larger_fleet <= less + 1e-6).all()


def test_unit_cutting_can_break_it_by_a_step():
    """A fuller fleet absorbs less, so that a turbine trips which a poorer design keeps."""
    case = Islands(np.array([[[0, 0], [70, 70], [0, 0]]], dtype=float), np.array([[40.0, 130.0, 100.0]]), 1.0)
    fleet = Fleet(battery_kwh=30, power_kw=30, charge_efficiency=1, discharge_efficiency=1, availability=1)
    small, large = energy_not_supplied(case, [30.0, 40.0], [1, 1], fleet, "units")[:, 0]
    assert (small, large) == (40.0, 50.0)  # 10 kW more diesel lose 10 kWh more
    small, large = energy_not_supplied(case, [30.0, 40.0], [1, 1], fleet, "curtail")[:, 0]
    assert large <= small


def test_one_step_by_hand():
    # Load 500, turbines 300 + 300, empty fleet of 100 × 0.7 × 3 kW = 210 kW: both stay, 100 kW too much and 110 kW of diesel charge.
    case = Islands(np.array([[[300.0, 300.0]]]), np.array([[500.0]]), 1 / 6)
    step = trace_island(case, 0, 400.0, 100, Fleet(initial_charge=0.0)).iloc[0]
    assert (step["wind_kw"], step["diesel_kw"], step["charge_kw"]) == pytest.approx((600, 110, 210))
    # A full fleet takes nothing: one turbine is cut, diesel fills the gap.
    step = trace_island(case, 0, 400.0, 100, Fleet()).iloc[0]
    assert (step["turbines"], step["wind_kw"], step["diesel_kw"], step["unserved_kw"]) == pytest.approx(
        (1, 300, 200, 0)
    )


def test_many_designs_and_scenarios_in_blocks():
    rng = np.random.default_rng(1)
    case = Islands(rng.uniform(0, 660, (60_000, 2, 1)), rng.uniform(100, 1000, (60_000, 2)), 1 / 6)
    whole = energy_not_supplied(case, [0.0, 300.0], [100, 0], Fleet())
    some = energy_not_supplied(case.take(np.arange(50_000, 50_010)), [0.0, 300.0], [100, 0], Fleet())
    assert whole[:, 50_000:50_010] == pytest.approx(some)


def test_charge_is_handed_over():
    case = Islands(np.zeros((1, 3, 1)), np.full((1, 3), 50.0), 1 / 6)
    steps = trace_island(case, 0, 0.0, 100, Fleet(), initial_energy_kwh=20.0)
    assert steps["energy_kwh"].iloc[0] == pytest.approx(20.0 - 50 / 6 / 0.95)
    assert steps["energy_kwh"].iloc[-1] == pytest.approx(0.0)
    assert steps["unserved_kw"].sum() / 6 == pytest.approx(25.0 - 20.0 * 0.95)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"availability": 0.0}, "availability"),
        ({"availability": 70}, "per cent"),
        ({"charge_efficiency": 1.1}, "charge_efficiency"),
        ({"initial_charge": 0.2, "least_charge": 0.5}, "least_charge"),
        ({"battery_kwh": -1}, "battery_kwh"),
        ({"power_kw": float("nan")}, "power_kw"),
    ],
)
def test_impossible_fleets_are_refused(changes, says):
    with pytest.raises(DataError, match=says):
        Fleet(**changes)


def test_impossible_islands_and_designs_are_refused():
    wind, load = np.zeros((2, 3, 1)), np.ones((2, 3))
    with pytest.raises(DataError, match="missing"):
        Islands(np.full((2, 3, 1), np.nan), load, 1.0)
    with pytest.raises(DataError, match="missing or below 0"):
        Islands(wind, -load, 1.0)
    with pytest.raises(DataError, match=r"\(scenarios, steps, turbines\)"):
        Islands(np.zeros((2, 4, 1)), load, 1.0)
    with pytest.raises(DataError, match="diesel_share"):
        Islands(wind, load, 1.0, diesel_share=np.ones(3))
    with pytest.raises(DataError, match="does not advance"):
        Islands(wind, load, 0.0)
    case = Islands(wind, load, 1.0)
    with pytest.raises(DataError, match="vehicles"):
        energy_not_supplied(case, 10.0, -1, Fleet())
    with pytest.raises(DataError, match="curtail"):
        energy_not_supplied(case, 10.0, 1, Fleet(), "melt")


def test_three_conventions_of_system_minutes():
    ens = np.array([[10.0, 0.0, 20.0, 0.0]])  # mean 7.5 kWh
    assert system_minutes(ens, 1000, 5000)[0] == pytest.approx(48 * 7.5 / 1000 * 60)
    assert system_minutes(ens, 1000, 5000, "mean_event")[0] == pytest.approx(0.45)
    assert system_minutes(ens, 1000, 5000, "system_peak")[0] == pytest.approx(48 * 7.5 / 5000 * 60)
    with pytest.raises(DataError, match="did you mean 'summed'"):
        system_minutes(ens, 1000, 5000, "sumed")
    with pytest.raises(DataError, match="above 0"):
        system_minutes(ens, 0, 5000)


def test_islands_and_designs_that_are_no_arrays():
    wind, load = np.ones((2, 3, 1)), np.ones((2, 3))
    with pytest.raises(DataError, match="give an array"):
        Islands([[[1.0]]], load, 1.0)
    with pytest.raises(DataError, match="above 1"):
        Islands(wind, load, 1.0, diesel_share=np.full((2, 3), 2.0))
    for diesel, vehicles in (([1, 2], [1, 2, 3]), (["a"], [1])):
        with pytest.raises(DataError, match="one for all"):
            energy_not_supplied(Islands(wind, load, 1.0), diesel, vehicles, Fleet())
