"""SCADA to farm panel: each kind of bad record on a small farm, and the real farm against its own turbines."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.frames.panel import Panel
from cblcast.frames.schema import DataError, DataWarning
from cblcast.io.scada import FLAGS, FlagRules, farm_panel, flag_turbines, own_power_curves
from cblcast.physics.power_curve import PowerCurve

CURVE = PowerCurve(np.array([0.0, 3.0, 12.0, 25.0]), np.array([0.0, 0.0, 1000.0, 1000.0]), np.ones(4), np.ones(4))
TIMES = pd.date_range("2020-01-01", periods=48, freq="10min", tz="UTC").as_unit("us")


def farm(**changes):
    """Two turbines of 1 MW on their curve in a wind that rises from 4 to 13 m/s."""
    speed = np.linspace(4.0, 13.0, len(TIMES))
    frame = pd.concat(
        {
            name: pd.DataFrame(
                {
                    "observed_kw": CURVE(speed),
                    "wind_speed_nacelle_ms": speed,
                    "temp_air_c": 5.0,
                    "wind_dir_nacelle_deg": 0.0,
                },
                index=TIMES,
            )
            for name in ("A", "B")
        }
    )
    frame.index.names = ["site_id", "time"]
    for column, values in changes.items():
        for turbine, rows, value in values:
            frame.loc[(turbine, TIMES[rows]), column] = value
    return Panel(frame, pd.DataFrame({"tz": "UTC", "rated_kw": 1000.0}, index=pd.Index(["A", "B"], name="site_id")))


def raised(flags, turbine):
    own = flags.loc[turbine]
    return {flag: np.flatnonzero(own[flag]).tolist() for flag in FLAGS if own[flag].any()}


def test_a_sound_farm_raises_no_flag():
    flags = flag_turbines(farm(), CURVE)
    assert list(flags.columns) == list(FLAGS)
    assert not flags.to_numpy().any()


@pytest.mark.parametrize(("changes", "expected"), [
    ({"observed_kw": [("A", slice(3, 5), np.nan)]}, {"missing": [3, 4]}),
    ({"observed_kw": [("A", slice(40, 41), 1200.0)]}, {"above_rated": [40]}),
    ({"observed_kw": [("A", slice(3, 4), -80.0)]}, {"below_standby": [3]}),
    ({"observed_kw": [("A", slice(30, 33), -5.0)]}, {"stopped": [30, 31, 32]}),
    ({"observed_kw": [("A", slice(40, 45), 400.0)]}, {"curtailed": [40, 41, 42, 43, 44]}),
    ({"observed_kw": [("A", slice(40, 45), 400.0)], "temp_air_c": [("A", slice(40, 45), -1.0)]}, {"icing": [40, 41, 42, 43, 44]}),
    ({"observed_kw": [("A", slice(40, 42), 400.0)]}, {}),  # two intervals are a gust, not a limit
    ({"wind_speed_nacelle_ms": [("A", slice(10, 17), 6.0)]}, {"stuck": [11, 12, 13, 14, 15, 16]}),
    ({"wind_speed_nacelle_ms": [("A", slice(10, 17), 0.0)]}, {}),  # a calm may last
])  # fmt: skip
def test_each_kind_of_bad_record_is_named(changes, expected):
    flags = flag_turbines(farm(**changes), CURVE)
    found = raised(flags, "A")
    if "stuck" in expected:
        found = {"stuck": found["stuck"]}
    assert found == expected
    assert raised(flags, "B") == {}


def test_standby_consumption_is_no_fault():
    quiet = farm(observed_kw=[("A", slice(0, 2), -8.0)])
    assert not flag_turbines(quiet, CURVE)["below_standby"].any()
    assert farm_panel(quiet, "farm").data["observed_kw"].iloc[0] == pytest.approx(-8.0 + CURVE(4.0))


def test_the_farm_is_the_sum_of_its_turbines():
    whole = farm_panel(farm(), "farm", per_turbine=True)
    assert whole.sites.loc["farm", "rated_kw"] == 2000.0
    np.testing.assert_allclose(whole.data["observed_kw"], 2 * CURVE(np.linspace(4, 13, 48)))
    assert set(whole.data.columns) >= {"turbine_A_kw", "turbine_B_ms", "reporting_kw", "wind_dir_nacelle_deg"}


def test_a_turbine_missing_for_weeks_leaves_the_farm_standing():
    gone = farm(observed_kw=[("B", slice(None), np.nan)])
    assert farm_panel(gone, "farm").data["observed_kw"].isna().all()  # by default all must report
    scaled = farm_panel(gone, "farm", min_turbines=1).data
    np.testing.assert_allclose(scaled["observed_kw"], 2 * CURVE(np.linspace(4, 13, 48)))
    assert (scaled["reporting_kw"] == 1000.0).all()


def test_impossible_power_is_taken_as_not_measured_and_said():
    bad = farm(observed_kw=[("A", slice(40, 41), 1200.0), ("A", slice(3, 4), -80.0)])
    with pytest.warns(DataWarning, match=r"2 records of power above rated or below standby .* turbine 'A' \(2\)"):
        made = farm_panel(bad, "farm")
    assert np.flatnonzero(made.data["observed_kw"].isna()).tolist() == [3, 40]


def test_a_stuck_anemometer_does_not_enter_the_mean():
    with pytest.warns(DataWarning, match="stuck anemometer"):
        made = farm_panel(farm(wind_speed_nacelle_ms=[("A", slice(10, 17), 20.0)]), "farm")
    assert np.isnan(made.data["wind_speed_nacelle_ms"].iloc[14])  # one of two is less than three quarters


def test_directions_are_averaged_on_the_circle():
    made = farm_panel(farm(wind_dir_nacelle_deg=[("A", slice(None), 350.0), ("B", slice(None), 10.0)]), "farm")
    np.testing.assert_allclose(made.data["wind_dir_nacelle_deg"], 0.0)


def test_what_is_missing_is_named():
    scada = farm()
    with pytest.raises(DataError, match="turbine 'A' has no rated power"):
        flag_turbines(Panel(scada.data, scada.sites.drop(columns="rated_kw")), CURVE)
    with pytest.raises(DataError, match="lacks the column 'wind_speed_nacelle_ms'"):
        flag_turbines(Panel(scada.data.drop(columns="wind_speed_nacelle_ms"), scada.sites), CURVE)
    with pytest.raises(DataError, match="min_turbines=3: the farm has 2 turbines"):
        farm_panel(scada, "farm", min_turbines=3)


def test_the_bundled_turbines_make_the_bundled_farm():
    turbines, whole = datasets.load("la_haute_borne_turbines"), datasets.load("la_haute_borne")
    cut = turbines.data.index.get_level_values("time") < pd.Timestamp("2014-03-01", tz="UTC")
    made = farm_panel(
        Panel(turbines.data[cut], turbines.sites), "la_haute_borne", rules=FlagRules(stuck_intervals=10_000)
    )
    given = whole.data["observed_kw"].reindex(made.data.index)
    both = made.data["observed_kw"].notna() & given.notna()
    assert both.mean() > 0.95
    # Turbines are kept to 0.1 kW and the farm too: four roundings
    assert (made.data["observed_kw"] - given)[both].abs().max() < 0.3
    assert made.sites.loc["la_haute_borne", "rated_kw"] == 8200.0


def test_a_curtailed_half_does_not_bend_the_curve_that_finds_it():
    turbines = datasets.load("la_haute_borne_turbines").select(["R80711"])
    time = turbines.data.index.get_level_values("time")
    quarter = turbines.data[(time >= "2014-01-01") & (time < "2014-04-01")].copy()
    free = own_power_curves(Panel(quarter, turbines.sites))["R80711"]
    low = quarter.copy()
    spell = slice(3000, 7000)
    before = low["observed_kw"].to_numpy(np.float64)
    after = np.where(before > 0, 0.6 * before, before)[spell].astype(np.float32)
    low.iloc[spell, low.columns.get_loc("observed_kw")] = after
    laid = Panel(low, turbines.sites)
    at = np.arange(5.0, 11.0)
    np.testing.assert_allclose(own_power_curves(laid)["R80711"](at), free(at), atol=0.02 * 2050)
    hit = np.zeros(len(low), dtype=bool)
    hit[spell] = (before > 0.03 * 2050)[spell]
    flags = flag_turbines(laid)
    assert flags["curtailed"].to_numpy()[hit].mean() > 0.9
    assert flags["curtailed"].to_numpy()[: spell.start].mean() < 0.02


def test_min_turbines_holds_for_the_wind_too():
    blind = farm(wind_speed_nacelle_ms=[("B", slice(None), np.nan)], observed_kw=[("B", slice(None), np.nan)])
    assert farm_panel(blind, "farm").data["wind_speed_nacelle_ms"].isna().all()
    made = farm_panel(blind, "farm", min_turbines=1).data
    np.testing.assert_allclose(made["wind_speed_nacelle_ms"], np.linspace(4.0, 13.0, 48))
