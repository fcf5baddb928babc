"""Numbers of the bargaining paper (Manjil), and the chain from wind to price on bundled measured data."""

from pathlib import Path

import pytest

from cblcast.config.microgrid import MicrogridStudy
from cblcast.simulate.island import Fleet
from cblcast.sizing.designs import observed_threshold_usd, priced_designs, reliable_designs
from cblcast.value.cash_flow import VehicleCosts
from cblcast.workflow.island_year import island_year, study_islands
from cblcast.workflow.microgrid import read_microgrid, sizing_problem

STUDY = Path(__file__).parents[2] / "experiments" / "microgrid_v2g" / "manjil.yaml"


def test_surplus_cost_of_a_vehicle():
    assert VehicleCosts().surplus_usd() == pytest.approx(6654.25, abs=0.005)  # section 4: "about $6654"


def test_defaults_are_the_papers():
    fleet = Fleet()
    assert (fleet.battery_kwh, fleet.power_kw, fleet.availability) == (12, 3, 0.7)
    assert fleet.charge_efficiency == fleet.discharge_efficiency == 0.95
    study: MicrogridStudy = read_microgrid(STUDY)
    assert (study.island.hours, study.island.step_min, study.island.per_month * 12) == (6, 10, 48)
    assert study.economics.diesel_usd_per_kw == 800
    assert study.sizing.subsidies_usd == (0, 5000, 5500, 6000)


@pytest.fixture(scope="module")
def priced():
    study = read_microgrid(STUDY)
    study = study.model_copy(update={"island": study.island.model_copy(update={"scenarios": "all"})})
    year, _ = island_year(study)
    drawn, _ = study_islands(study, year)
    problem = sizing_problem(study, drawn.islands)
    reliable = reliable_designs(problem, 30.0, 20)
    return priced_designs(
        problem, reliable, (0.0, 5000.0, 5500.0, 6000.0), study.economics.terms(0.7)
    ), observed_threshold_usd(reliable, problem.surplus_usd)


def test_no_vehicle_without_subsidy_and_about_45_dollars_with_6000(priced):
    table, threshold = priced
    assert 4900 <= threshold <= 5300  # the paper: "any subsidy less than $5000 … would not encourage"
    assert table.at[0.0, "vehicles"] == 0
    assert table.at[5500.0, "vehicles"] > 0
    assert 40 <= table.at[6000.0, "price_usd_per_hour"] <= 50  # the paper: "about $45 for one-hour availability"
    assert table.at[6000.0, "operator_gain_usd"] == pytest.approx(table.at[6000.0, "owners_gain_usd"])
    assert table.at[6000.0, "diesel_kw"] < 20  # "a low capacity of diesel generator"
