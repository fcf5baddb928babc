"""The bundled samples hold what data/README.md says; counts were taken from the originals by data/prepare.py."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.frames.schema import DataError

BUNDLED = [d.name for d in datasets.list_datasets() if d.bundled]
EXTERNAL = [d.name for d in datasets.list_datasets() if not d.bundled]


@pytest.fixture(scope="module")
def turin():
    return datasets.load("turin")


@pytest.mark.parametrize(
    ("name", "sites", "rows", "minutes", "not_metered"),
    [
        ("turin", 1, 35_039, 15, 46),  # 42 in interpolated runs, 4 in the repeated hour
        ("cambridge_sme", 12, 12 * 35_064, 60, 18_455),
        ("la_haute_borne", 1, 105_120, 10, 1_373),  # a farm without one turbine is not metered
        ("la_haute_borne_turbines", 4, 4 * 105_120, 10, 2_569),
        ("fontana_homes", 15, 15 * 8_760, 60, 15),  # the second hour of autumn at each home
        ("sydney_home", 1, 17_568, 30, 4),
    ],
)
def test_describe(name, sites, rows, minutes, not_metered):
    told = datasets.describe(name)
    assert (told["sites"], told["rows"]) == (sites, rows)
    assert (told["step_minutes"], told["not_metered"]) == (minutes, not_metered)
    assert told["licence"]
    assert told["credit"]
    assert told["particulars"]


def test_turin_switches_on_at_six_on_the_wall_clock_all_year(turin):
    # The evidence for "labels are interval ends": 06:00 local is the steepest quarter hour in winter and in summer.
    observed = turin.data["observed_kw"].droplevel("site_id").tz_convert("Europe/Rome")
    rise = observed.diff()[lambda s: (s.index.day_of_week < 5) & (s.index.hour < 9)]
    steepest = rise.groupby([rise.index.month, rise.index.strftime("%H:%M")]).mean().unstack().idxmax(axis=1)
    assert set(steepest) == {"06:00"}


def test_turin_rests_on_its_patron_saint(turin):
    observed = turin.data["observed_kw"].droplevel("site_id").tz_convert("Europe/Rome")
    assert observed["2019-06-24"].mean() < 0.6 * observed["2019-06-17"].mean()
    assert turin.sites.loc["turin_building", "subdivision"] == "TO"


def test_turin_has_a_short_and_a_long_day(turin):
    observed = turin.data["observed_kw"].droplevel("site_id").tz_convert("Europe/Rome")
    assert len(observed["2019-03-31"]) == 92
    assert len(observed["2019-10-27"]) == 100
    doubled = observed["2019-10-27"].between_time("02:00", "02:45")
    assert doubled.isna().tolist() == [False] * 4 + [True] * 4
    assert turin.data["temp_air_c"].notna().all()


def test_farm_is_the_sum_of_its_turbines():
    farm = datasets.load("la_haute_borne").data["observed_kw"].droplevel("site_id")
    turbines = datasets.load("la_haute_borne_turbines").data["observed_kw"].unstack("site_id").sum(axis=1, min_count=4)
    both = farm.notna() & turbines.notna()
    assert both.sum() == farm.notna().sum() == turbines.notna().sum()
    # Each turbine is rounded to 0.1 kW, and so is the farm: 4 × 0.05 + 0.05 at most.
    assert np.abs(farm[both] - turbines[both]).max() <= 0.2501


def test_farm_clock_is_utc():
    # As the origin labels it, the best lag against ERA5 is one hour in winter and two in summer (data/README.md).
    wind = datasets.load("la_haute_borne").data["wind_speed_nacelle_ms"].droplevel("site_id")
    era5 = datasets.load_reanalysis("era5")["wind_speed_100m_ms"]
    hourly = wind.rolling("60min", center=True).mean().reindex(era5.index)
    for season in (hourly.index.month.isin([12, 1, 2]), hourly.index.month.isin([6, 7, 8])):
        match = {lag: hourly[season].corr(era5.shift(lag)[season]) for lag in (-2, -1, 0, 1, 2)}
        assert max(match, key=match.get) == 0


def test_reanalyses_keep_their_own_hours():
    assert set(datasets.load_reanalysis("era5").index.minute) == {0}
    assert set(datasets.load_reanalysis("merra2").index.minute) == {30}
    with pytest.raises(DataError, match="did you mean 'era5'"):
        datasets.load_reanalysis("era")


def test_a_wrong_name_is_answered_with_the_nearest():
    with pytest.raises(DataError, match="did you mean 'turin'"):
        datasets.load("torin")


@pytest.mark.parametrize("name", EXTERNAL)
def test_absent_data_say_where_they_are_to_be_had(name, monkeypatch, tmp_path):
    monkeypatch.delenv(datasets.ENVIRONMENT_VARIABLE, raising=False)
    with pytest.raises(DataError, match="CBLCAST_DATA_DIR is not set: get it from"):
        datasets.load(name)
    monkeypatch.setenv(datasets.ENVIRONMENT_VARIABLE, str(tmp_path))
    with pytest.raises(DataError, match=r"lacks load/.*get it from"):
        datasets.load(name)


def test_homes_are_read_from_the_named_folder(monkeypatch, tmp_path):
    # The layout that data/README.md asks for, filled with four half-hours of bundled power.
    (tmp_path / "load").mkdir()
    kwh = datasets.load("turin").data["observed_kw"].to_numpy()[:4] / 2
    times = pd.date_range("2013-01-01", periods=4, freq="30min", unit="us", name="timestamp_gmt")
    pd.DataFrame({"MAC000002": kwh}, index=times).to_parquet(tmp_path / "load" / "lcl_homes_30min_2013.parquet")
    (tmp_path / "load" / "lcl_homes_meta.csv").write_text("LCLid,stdorToU,Acorn_grouped\nMAC000002,ToU,Affluent\n")
    pd.DataFrame({"timestamp_utc": ["2013-01-01 00:00:00", "2013-01-01 01:00:00"], "temp_c": [7.0, 8.0]}).to_csv(
        tmp_path / "load" / "bedford_weather_hourly_2013.csv.gz", index=False
    )
    monkeypatch.setenv(datasets.ENVIRONMENT_VARIABLE, str(tmp_path))
    homes = datasets.load("lcl_homes")
    np.testing.assert_allclose(homes.data["observed_kw"], 2 * kwh)  # kWh per half-hour → kW
    assert homes.data["temp_air_c"].tolist() == [7.0, 7.5, 8.0, 8.0]
    assert homes.sites.loc["MAC000002", "tariff_group"] == "ToU"


def test_bundled_files_are_small_and_there():
    assert BUNDLED == [
        "turin",
        "cambridge_sme",
        "la_haute_borne",
        "la_haute_borne_turbines",
        "fontana_homes",
        "sydney_home",
    ]
    assert all(d.available for d in datasets.list_datasets() if d.bundled)
