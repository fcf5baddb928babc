"""The unit of a forecast wind is told by the wind that the bundled farm measured, where its mean alone would pass for m/s."""

import warnings

import numpy as np
import pytest

from cblcast import datasets
from cblcast.errors import DataWarning
from cblcast.frames.panel import Panel
from cblcast.io.forecasts import read_forecasts, with_forecasts


@pytest.fixture(scope="module")
def farm():
    whole = datasets.load("la_haute_borne")
    time = whole.data.index.get_level_values("time")
    kept = whole.data.loc[(time >= "2014-06-01") & (time < "2014-06-15"), ["observed_kw", "wind_speed_nacelle_ms"]]
    return Panel(kept.astype(np.float64), whole.sites)


def runs(factor):
    wind = datasets.load_reanalysis("era5")["wind_speed_100m_ms"].astype(np.float64)["2014-05-31":"2014-06-16"]
    table = wind.mul(factor).rename_axis("valid_time").reset_index()
    return read_forecasts(table.assign(issue_time=table["valid_time"].dt.floor("D")), "ec")


@pytest.mark.parametrize(("factor", "unit"), [(1 / 0.514444, "kn"), (3.6, "kmh")])
def test_a_factor_of_units_is_told(farm, factor, unit):
    made = with_runs_told(farm, factor)
    assert any(f"which the farm measured, as a wind in {unit} would be" in sentence for sentence in made)
    assert any(f"columns={{'wind_speed_100m_ms': 'wind_speed_100m_{unit}'}}" in sentence for sentence in made)


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.3])
def test_a_poor_forecast_is_no_other_unit(farm, factor):
    assert with_runs_told(farm, factor) == []


def test_wind_that_was_measured_lower_says_nothing(farm):
    low = Panel(farm.data.rename(columns={"wind_speed_nacelle_ms": "wind_speed_10m_ms"}), farm.sites)
    assert not any("which the farm measured" in sentence for sentence in with_runs_told(low, 1 / 0.514444))


def with_runs_told(farm, factor):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", DataWarning)
        with_forecasts(farm, runs(factor))
    return [str(one.message) for one in told]
