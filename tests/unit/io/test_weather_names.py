"""Weather and customers in one wide table: told apart by names, units and neighbours; what fits both is asked about."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cblcast.frames.schema import DataError, DataWarning
from cblcast.io.tabular import read_panel
from cblcast.io.units import unit_in_name
from cblcast.io.weather_names import Column, classify

C, W, F, N, U = Column.CUSTOMER, Column.WEATHER, Column.CALENDAR, Column.OTHER, Column.UNCLEAR


@pytest.mark.parametrize(
    "expected",
    [
        {"a_kw": C, "b_w": C, "c_kwh": C, "rain": W, "holiday": F, "solar_radiation": W},
        {"site_a": C, "site_b": C, "site_c": C, "site_f": C, "site_k": C},
        {"building_c": C, "building_f": C},
        {"house_n": C, "house_e": C, "house_s": C, "house_w": C},
        {"store_pa": C, "store_ny": C, "store_ms": C},
        {"attic_c": U, "hall": C},
        {"house_w": U, "hospital": C},
        {"hvac_w": C, "chiller_kw": C},
        {
            "temp_air_c": W,
            "ghi_wm2": W,
            "relative_humidity_pct": W,
            "wind_speed_10m_ms": W,
            "wind_dir_nacelle_deg": W,
            "air_density_50m_kgm3": W,
        },
        {"turbine_R1_kw": C, "turbine_R1_ms": W, "era5_wind_u_50m_ms": W, "temp_skin_k": W, "pressure_surface_pa": W},
        {
            "Außentemperatur [°C]": W,
            "Globalstrahlung (W/m²)": W,
            "Niederschlag": W,
            "Windgeschwindigkeit [m/s]": W,
            "Feuchte %": W,
            "Luftdruck [hPa]": W,
        },
        {"Température extérieure": W, "Vitesse du vent": W, "Pluie": W, "Humidité relative": W, "Jour férié": F},
        {"Temperatura": W, "Velocidad del viento": W, "Precipitación": W, "Humedad": W, "Festivo": F},
        {"Temperatura esterna": W, "Velocità del vento": W, "Radiazione solare": W, "Umidità": W, "Festività": F},
        {"Temperatura do ar": W, "Velocidade do vento": W, "Chuva": W, "Umidade": W, "Feriado": F},
        {"solar": U, "wind": U, "pv": C, "solar_kw": C, "wind_mw": C},
        {"Wind Street 4": C, "Solar House": C, "Rainbow": C, "Templeton": C, "Cloud Ltd": U, "temp_building": U},
        {"Blindleistung [kvar]": N, "cost_eur": N, "gas_m3": N, "office": C},
        {"outdoor temp": W, "temp": W, "t2m": W, "GHI": W, "dew point": W, "cloud cover": W},
    ],
    ids=lambda expected: ", ".join(list(expected)[:3]),
)
def test_each_column_by_its_name_and_company(expected: dict[str, Column]) -> None:
    assert classify(expected) == expected


def wide(**columns: float) -> pd.DataFrame:
    return pd.DataFrame({"time": pd.date_range("2024-01-01", periods=8, freq="15min"), **columns})


def test_every_wide_column_has_its_own_unit() -> None:
    panel = read_panel(wide(hvac_w=2000.0, chiller_kw=30.0, lights_kwh=0.25, plant_mwh=0.001), tz="UTC")
    assert panel.data["observed_kw"].groupby(level=0).first().to_dict() == {
        "chiller_kw": 30.0,
        "hvac_w": 2.0,
        "lights_kwh": 1.0,
        "plant_mwh": 4.0,
    }


def test_weather_and_flags_are_no_customers() -> None:
    panel = read_panel(wide(office=1.0, rain=0.5, holiday=1.0, solar_radiation=100.0), tz="UTC")
    assert panel.site_ids.tolist() == ["office"]
    assert panel.data.columns.tolist() == ["observed_kw", "rain", "holiday", "solar_radiation"]


def test_sites_may_end_in_letters_that_are_units_elsewhere() -> None:
    panel = read_panel(wide(house_a=1.0, house_c=2.0, house_w=3.0), tz="UTC")
    assert panel.data["observed_kw"].groupby(level=0).first().to_dict() == {
        "house_a": 1.0,
        "house_c": 2.0,
        "house_w": 3.0,
    }


@pytest.mark.parametrize(
    ("ours", "sites", "columns"), [("attic_c_kw", ["attic_c_kw", "hall"], []), ("temp_air_c", ["hall"], ["temp_air_c"])]
)
def test_what_is_unclear_is_asked_and_can_be_said(ours: str, sites: list[str], columns: list[str]) -> None:
    with pytest.raises(DataError, match="'attic_c' may be a customer or weather: say which by its name"):
        read_panel(wide(attic_c=20.0, hall=5.0), tz="UTC")
    panel = read_panel(wide(attic_c=20.0, hall=5.0), tz="UTC", columns={"attic_c": ours})
    assert panel.site_ids.tolist() == sites
    assert panel.data.columns[1:].tolist() == columns


def test_reactive_power_and_money_are_left_out_with_a_word() -> None:
    with pytest.warns(DataWarning, match="'q_kvar', 'cost_eur' are no powers or energies"):
        panel = read_panel(wide(office=1.0, q_kvar=5.0, cost_eur=2.0), tz="UTC")
    assert panel.site_ids.tolist() == ["office"]


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("load_kwh", "kWh"),
        ("Power (kW)", "kW"),
        ("kWh/15min", "kWh"),
        ("Energy [kWh] total", "kWh"),
        ("kWh per interval", "kWh"),
        ("Verbrauch in kWh", "kWh"),
        ("kWh/h", "kW"),
        ("Consumption (kWh per half hour)", "kWh"),
        ("Erzeugung_MW", "MW"),
        ("E_GWh", "GWh"),
        ("ghi_wm2", None),
        ("GHI (W/m2)", None),
        ("show", None),
        ("kw", "kW"),
    ],
)
def test_units_in_names(name: str, unit: str | None) -> None:
    found = unit_in_name(name)
    assert (found.name if found else None) == unit


def test_a_true_flag_beside_the_load_is_one() -> None:
    table = pd.DataFrame(
        {"time": pd.date_range("2024-01-01", periods=3, freq="60min"), "load_kw": 1.0, "holiday": [True, False, True]}
    )
    np.testing.assert_array_equal(read_panel(table, tz="UTC").data["holiday"], [1.0, 0.0, 1.0])


@pytest.mark.parametrize(
    "values",
    [[True, False, True], pd.date_range("2024", periods=3), pd.to_timedelta([1, 2, 3], unit="h"), [b"1", b"2", b"3"]],
)
def test_a_load_of_another_type_is_refused(values: object) -> None:
    table = pd.DataFrame({"time": pd.date_range("2024-01-01", periods=3, freq="60min"), "load_kw": values})
    with pytest.raises(DataError, match="'load_kw' of the meter frame holds"):
        read_panel(table, tz="UTC")
