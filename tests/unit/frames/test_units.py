"""The unit of a column, told by its name."""

import pytest

from cblcast.frames.units import unit_of_column


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("observed_kw", "kw"),
        ("ref_event_kw_01", "kw"),
        ("seen_before_1_kw", "kw"),
        ("observed_kw_ago_1", "kw"),
        ("delivered_kwh", "kwh"),
        ("temp_air_c", "c"),
        ("temp_air_850hpa_k", "k"),
        ("relative_humidity_pct", "pct"),
        ("ghi_wm2", "wm2"),
        ("wind_speed_100m_ms", "ms"),
        ("pressure_surface_pa", "pa"),
        ("air_density_50m_kgm3", "kgm3"),
        ("run_age_h", "h"),
        ("eur_per_mwh", "eur_per_mwh"),
        ("capacity_eur_per_kw", "eur_per_kw"),
        ("hour", None),
        ("ref_qualified_days", None),
        ("kwh_day", "kwh"),
    ],
)
def test_a_column_says_its_unit(name, unit):
    assert unit_of_column(name) == unit
