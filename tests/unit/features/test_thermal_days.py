"""Filtered temperature and reference days, against slow obvious loops."""

import numpy as np
import pandas as pd
import pytest

from cblcast.errors import StudyError
from cblcast.features.reference_days import ReferenceDays
from cblcast.features.thermal_days import ThermalDays, filtered_temperature
from cblcast.frames.cases import View, make_cases
from cblcast.frames.events import Event
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED


@pytest.fixture(scope="module")
def panel():
    """Two sites across the clock change of 2019-10-27, one with gaps in its temperature."""
    times = pd.date_range("2019-10-01", "2019-11-10", freq="h", tz="UTC", inclusive="left").as_unit("us")
    index = pd.MultiIndex.from_product([["a", "b"], times], names=["site_id", "time"])
    rng = np.random.default_rng(0)
    data = pd.DataFrame({OBSERVED: rng.gamma(5, 2, len(index)), "temp_air_c": rng.normal(10, 4, len(index))}, index)
    data.loc[("b", times[30:34]), "temp_air_c"] = np.nan
    sites = pd.DataFrame({"tz": "Europe/Rome", "country": "IT"}, index=pd.Index(["a", "b"], name="site_id"))
    return Panel(data, sites)


def events():
    days = ("2019-10-25", "2019-10-28", "2019-11-05")
    starts = [pd.Timestamp(f"{day} 16:00", tz="UTC") for day in days]
    return [Event(site, start, start + pd.Timedelta(hours=3)) for site in ("a", "b") for start in starts]


@pytest.mark.parametrize("tau", [0.0, 3.0, 48.0])
def test_the_filter_is_the_recursion(panel, tau):
    found = filtered_temperature(panel, "temp_air_c", tau)
    keeps = np.exp(-1 / tau) if tau else 0.0
    for number, site in enumerate(("a", "b")):
        own = panel.data["temp_air_c"].loc[site].interpolate().to_numpy()
        state, slow = own[:24].mean(), []
        for value in own:
            state = keeps * state + (1 - keeps) * value
            slow.append(state)
        np.testing.assert_allclose(found[number * len(own) : (number + 1) * len(own)], slow, rtol=1e-9)


def test_reference_days_are_those_of_the_rules_and_their_hours_those_of_the_wall(panel):
    cases = make_cases(panel, events(), View.settlement())
    found = ThermalDays(days=4, time_constants_h=(0.0, 6.0))(panel, cases)
    plain = ReferenceDays(days=4)(panel, cases)
    for k in range(1, 5):
        np.testing.assert_allclose(found[f"thermal_kw_{k:02d}"], plain[f"ref_kw_{k:02d}"])
        np.testing.assert_allclose(found[f"thermal_age_days_{k:02d}"], plain[f"ref_age_days_{k:02d}"])
    raw = panel.data["temp_air_c"]
    for (site, _, time), row in found.iterrows():
        assert row["thermal_0h_c"] == pytest.approx(raw[(site, time)])
        wall = time.tz_convert("Europe/Rome").tz_localize(None)
        for k in range(1, 5):
            then = wall - pd.Timedelta(days=row[f"thermal_age_days_{k:02d}"])
            assert row[f"thermal_0h_c_{k:02d}"] == pytest.approx(
                raw[(site, then.tz_localize("Europe/Rome").tz_convert("UTC"))], rel=1e-6
            )
            assert row[f"thermal_day_{k:02d}"] == then.day_of_week


def test_a_holiday_is_a_sunday(panel):
    start = pd.Timestamp("2019-11-01 10:00", tz="UTC")  # All Saints, a Friday
    cases = make_cases(panel, [Event("a", start, start + pd.Timedelta(hours=1))], View.settlement())
    assert ThermalDays()(panel, cases)["thermal_day"].tolist() == [6.0]


def test_a_site_without_a_temperature_has_none(panel):
    data = panel.data.copy()
    data.loc["b", "temp_air_c"] = np.nan
    blind = Panel(data, panel.sites)
    found = ThermalDays()(blind, make_cases(blind, events(), View.settlement()))
    assert found.loc["b", "thermal_6h_c"].isna().all()
    assert found.loc["b", "thermal_kw_01"].notna().all()
    assert found.loc["a", "thermal_6h_c"].notna().all()


@pytest.mark.parametrize(
    "params", [{"time_constants_h": ()}, {"time_constants_h": (-1.0,)}, {"days": 0}, {"temperature": OBSERVED}]
)
def test_what_makes_no_feature_is_refused(params):
    with pytest.raises(StudyError):
        ThermalDays(**params)


def test_why_there_is_no_history_is_told(panel):
    cases = make_cases(panel, events()[:1], View.settlement())
    assert "days qualified in 60 days of look-back" in ThermalDays().why_absent(panel, cases)[0]
