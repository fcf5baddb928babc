"""Weather features by hand on a small panel, and what they refuse."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cblcast.features.nwp import Nwp
from cblcast.features.nwp_error import NwpError, _share_table, expected_share
from cblcast.features.power_deficit import PowerDeficit
from cblcast.frames.panel import Panel, panel_of
from cblcast.frames.rolling import lead_minutes, rolling_origins
from cblcast.frames.schema import DataError, StudyError
from cblcast.physics.power_curve import published_power_curve

MEASURED = "wind_speed_nacelle_ms"


@pytest.fixture
def farm():
    n = 60
    times = pd.date_range("2020-01-01", periods=n, freq="10min", tz="UTC").as_unit("us")
    hours = np.arange(n) / 6
    made = panel_of(pd.DataFrame({
        "site_id": "farm", "time": times, "observed_kw": 100.0 * hours, MEASURED: 5.0 + hours, "wind_dir_nacelle_deg": 5.0,
        "wind_u_100m_ms": 0.0, "wind_v_100m_ms": -(6.0 + hours),
        "wind_speed_100m_ms": 6.0 + hours, "wind_speed_10m_ms": 4.0 + hours, "temp_air_2m_k": 280.0,
        "temp_air_10m_k": 279.0}))  # fmt: skip
    forecast = {"wind_[us]*_10*m_ms": "forecast", "wind_v_100m_ms": "forecast", "temp_*": "reanalysis"}
    return Panel(made.data, made.sites.assign(rated_kw=2000.0)).declare(forecast)


@pytest.fixture
def cases(farm):
    return rolling_origins(farm, [10, 60], first="2020-01-01 04:00", last="2020-01-01 06:00")


def test_columns_of_table_2(farm, cases):
    found = Nwp(("wind_u_100m_ms", "wind_speed_100m_ms"), cubed=("wind_speed_100m_ms",),
                shear=(("wind_speed_100m_ms", "wind_speed_10m_ms"),),
                difference=(("temp_air_10m_k", "temp_air_2m_k"),), lead=True)(farm, cases)  # fmt: skip
    hours = np.asarray(
        (cases.index.get_level_values("time") - pd.Timestamp("2020-01-01", tz="UTC")) / pd.Timedelta("1h")
    )
    np.testing.assert_allclose(found["wind_speed_100m_ms"], 6 + hours)
    np.testing.assert_allclose(found["wind_speed_100m_ms_cubed"], (6 + hours) ** 3)
    np.testing.assert_allclose(found["shear_wind_speed_100m_ms_wind_speed_10m_ms"], 2.0)
    np.testing.assert_allclose(found["difference_temp_air_10m_k_temp_air_2m_k"], -1.0)
    np.testing.assert_array_equal(found["lead_min"], lead_minutes(cases, farm.step))
    assert set(found["lead_min"]) == {10.0, 60.0}


def test_the_path_is_counted_from_the_origin(farm, cases):
    found = Nwp((), path=("wind_speed_10m_ms",), hours=(-1.0, 0.5))(farm, cases)
    origin = np.asarray(
        (cases.index.get_level_values("origin") - pd.Timestamp("2020-01-01", tz="UTC")) / pd.Timedelta("1h")
    )
    np.testing.assert_allclose(found["wind_speed_10m_ms_at_-1h"], 3 + origin)
    np.testing.assert_allclose(found["wind_speed_10m_ms_at_0.5h"], 4.5 + origin)


def test_the_paper_s_added_variable_is_measured_at_the_origin_minus_forecast_for_the_interval(farm, cases):
    found = NwpError("wind_speed_100m_ms", MEASURED, means=(6,))(farm, cases)
    time, origin = (np.asarray((cases.index.get_level_values(level) - pd.Timestamp("2020-01-01", tz="UTC")) / pd.Timedelta("1h"))
                    for level in ("time", "origin"))  # fmt: skip
    np.testing.assert_allclose(found["observed_minus_nwp_ms"], 5 + origin - 1 / 6 - (6 + time))
    np.testing.assert_allclose(found["speed_error_ago_1"], -1.0)
    np.testing.assert_allclose(found["speed_error_mean_6"], -1.0)
    share = expected_share("MM92/2050", 1.5, 6 + time)
    np.testing.assert_allclose(found["nwp_power"], share)
    np.testing.assert_allclose(found["observed_minus_nwp"], 100 * (origin - 1 / 6) / 2000 - share)


def test_direction_errors_wrap_at_360(farm, cases):
    # Forecast from north (0°), measured from 5°: a turn of +5°, also when the measured is 355°
    options = {"u": "wind_u_100m_ms", "v": "wind_v_100m_ms", "measured_direction": "wind_dir_nacelle_deg"}
    found = NwpError("wind_speed_100m_ms", MEASURED, **options)(farm, cases)
    np.testing.assert_allclose(found["turn_sin"], np.sin(np.radians(5)))
    west = replace(farm, data=farm.data.assign(wind_dir_nacelle_deg=355.0))
    np.testing.assert_allclose(
        NwpError("wind_speed_100m_ms", MEASURED, **options)(west, cases)["turn_sin"], -np.sin(np.radians(5))
    )


def test_the_deficit_is_curve_minus_power(farm, cases):
    found = PowerDeficit((("observed_kw", MEASURED, 2000.0),), ago=(1,))(farm, cases)
    origin = np.asarray(
        (cases.index.get_level_values("origin") - pd.Timestamp("2020-01-01", tz="UTC")) / pd.Timedelta("1h")
    )
    expected = expected_share("MM92/2050", 0.0, 5 + origin - 1 / 6) - 100 * (origin - 1 / 6) / 2000
    np.testing.assert_allclose(found["deficit_observed_kw_ago_1"], expected)


def test_a_share_of_rated_power_ends_at_one():
    curve = published_power_curve("MM92/2050")
    share = expected_share("MM92/2050", 0.0, np.array([0.0, 8.0, 14.0, np.nan]))
    np.testing.assert_allclose(share, [0.0, curve(8.0) / curve.power.max(), curve(14.0) / curve.power.max(), np.nan])
    assert expected_share("MM92/2050", 1.5, np.array([8.0]))[0] != share[1]


@pytest.mark.parametrize("sd", [0.0, 1.5])
def test_the_share_of_an_even_grid_is_that_of_the_search(sd):
    grid, share, _ = _share_table("MM92/2050", sd)
    odd = [np.nan, -3.0, -0.0, 40.0, 41.0, 1e9, np.inf, -np.inf]
    speed = np.r_[np.random.default_rng(0).gamma(3, 3, 5000), grid, np.nextafter(grid, -9), np.nextafter(grid, 99), odd]
    slow = np.where(np.isfinite(speed), np.interp(np.nan_to_num(speed), grid, share), np.nan)
    np.testing.assert_array_equal(expected_share("MM92/2050", sd, speed), slow)


@pytest.mark.parametrize("name", [MEASURED, "observed_kw", "wind_dir_nacelle_deg"])
def test_what_nobody_declared_is_no_forecast(farm, cases, name):
    with pytest.raises(
        DataError, match=r"counts as measured at the site, since nobody said otherwise, and not known ahead"
    ):
        Nwp((name,))(farm, cases)


def test_a_measured_wind_is_refused_whatever_it_is_called(farm, cases):
    # A look ahead that a guard by names let pass: the measured wind under the name of a forecast
    spy = replace(farm, data=farm.data.assign(ecmwf_wind_speed_100m_ms=farm.data[MEASURED]))
    for builder in (Nwp(("ecmwf_wind_speed_100m_ms",)), NwpError("ecmwf_wind_speed_100m_ms")):
        with pytest.raises(DataError, match="counts as measured"):
            builder(spy, cases)
    told = spy.declare({"ecmwf_*": "measured"})
    with pytest.raises(DataError, match=r"is measured at the site and not known ahead.*declare"):
        Nwp(("ecmwf_wind_speed_100m_ms",))(told, cases)


def test_what_is_missing_is_named(farm, cases):
    with pytest.raises(DataError, match="no rated power"):
        NwpError("wind_speed_100m_ms")(replace(farm, sites=farm.sites.drop(columns="rated_kw")), cases)
    with pytest.raises(StudyError, match="needs measured_speed and the forecast's u and v"):
        NwpError("wind_speed_100m_ms", MEASURED, measured_direction="wind_dir_nacelle_deg")(farm, cases)
    with pytest.raises(DataError, match="no column 'wind_speed_80m_ms'"):
        Nwp(("wind_speed_80m_ms",))(farm, cases)


def test_builders_name_the_columns_they_read(farm, cases):
    builders = (Nwp(("wind_speed_10m_ms",), difference=(("temp_air_10m_k", "temp_air_2m_k"),)),
                NwpError("wind_speed_10m_ms", MEASURED), PowerDeficit((("observed_kw", MEASURED, 2000.0),)))  # fmt: skip
    for builder in builders:
        kept = replace(farm, data=farm.data[["observed_kw", *builder.reads_columns()]])
        pd.testing.assert_frame_equal(builder(kept, cases), builder(farm, cases))
