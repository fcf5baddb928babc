"""Meter files of every shape, read on the days on which clocks change."""

import gzip
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cblcast.frames.schema import DataError, DataWarning
from cblcast.io.tabular import read_panel


def kw(panel) -> np.ndarray:
    return panel.data["observed_kw"].to_numpy()


def utc_times(panel) -> list[str]:
    return panel.data.index.get_level_values("time").strftime("%m-%dT%H:%M").tolist()


def long_csv(path: Path, times: list[str], values: list[object], header: str = "time,load_kw") -> Path:
    path.write_text(
        "\n".join([header, *(f"{t},{v}" for t, v in zip(times, values, strict=True))]) + "\n", encoding="utf-8"
    )
    return path


def walls(start: str, stop: str, step: str, tz: str) -> pd.DatetimeIndex:
    return pd.date_range(pd.Timestamp(start, tz=tz), pd.Timestamp(stop, tz=tz), freq=step, inclusive="left")


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet"])
@pytest.mark.parametrize("layout", ["long", "wide"])
def test_one_table_reads_the_same_from_every_file(tmp_path: Path, suffix: str, layout: str) -> None:
    times = pd.date_range("2019-06-01", periods=24, freq="60min")
    wide = pd.DataFrame({"time": times, "007": np.arange(24.0), "b": 100 + np.arange(24.0)})
    table = wide if layout == "wide" else wide.melt("time", var_name="site_id", value_name="observed_kw")
    path = tmp_path / f"meters.{suffix}"
    if suffix == "parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False)
    panel = read_panel(path, tz="Europe/Rome")
    assert panel.site_ids.tolist() == ["007", "b"]
    np.testing.assert_array_equal(kw(panel), np.r_[np.arange(24.0), 100 + np.arange(24.0)])
    assert utc_times(panel)[0] == "05-31T22:00"
    assert panel.data.index.equals(read_panel(table, tz="Europe/Rome").data.index)


def test_a_lone_site_is_named_after_its_file_and_weather_stays_weather(tmp_path: Path) -> None:
    path = tmp_path / "town_hall.csv"
    path.write_text("Timestamp,Power (kW),temp_air_c\n2019-06-01 00:00,1,20\n2019-06-01 01:00,2,21\n", encoding="utf-8")
    panel = read_panel(path, tz="Europe/Rome")
    assert panel.site_ids.tolist() == ["town_hall"]
    assert panel.data["temp_air_c"].tolist() == [20.0, 21.0]


def test_wide_weather_serves_all_sites() -> None:
    table = pd.DataFrame(
        {"time": ["2019-06-01 00:00", "2019-06-01 01:00"], "x": [1.0, 2.0], "y": [3.0, 4.0], "temp_air_c": [9.0, 8.0]}
    )
    panel = read_panel(table, tz="UTC")
    assert panel.site_ids.tolist() == ["x", "y"]
    assert panel.data["temp_air_c"].tolist() == [9.0, 8.0, 9.0, 8.0]


def test_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("time;load_kw\n2019-06-01 00:00;1,5\n2019-06-01 01:00;2,25\n", encoding="utf-8")
    assert kw(read_panel(path, tz="Europe/Rome")).tolist() == [1.5, 2.25]


@pytest.mark.parametrize(
    ("unit", "step", "expected"),
    [("kWh", "15min", 4.0), ("Wh", "30min", 0.002), ("MWh", "60min", 1000.0), ("W", "15min", 0.001)],
)
def test_energies_per_interval_become_mean_kw(unit: str, step: str, expected: float) -> None:
    table = pd.DataFrame({"time": pd.date_range("2019-06-01", periods=4, freq=step), "value": 1.0})
    assert kw(read_panel(table, tz="UTC", unit=unit)).tolist() == pytest.approx([expected] * 4)
    named = table.rename(columns={"value": f"load_{unit.lower()}"})
    assert kw(read_panel(named, tz="UTC")).tolist() == pytest.approx([expected] * 4)


def test_a_unit_that_contradicts_the_name_is_warned_of_with_the_factor() -> None:
    table = pd.DataFrame({"time": pd.date_range("2019-06-01", periods=4, freq="15min"), "load_kwh": 1.0})
    with pytest.warns(
        DataWarning,
        match=r"'load_kwh' is read as kW, but its name says kWh: at intervals of 15 min that is a factor of 4",
    ):
        panel = read_panel(table, tz="UTC", unit="kW")
    assert kw(panel).tolist() == [1.0] * 4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_panel(
            table.assign(time=pd.date_range("2019-06-01", periods=4, freq="60min")), tz="UTC", unit="kW"
        )  # no factor, no word


def test_kwh_given_as_kw_shows_beside_the_rated_power() -> None:
    load = 50 + 50 * np.sin(np.arange(192) / 96 * 2 * np.pi)
    table = pd.DataFrame({"time": pd.date_range("2019-06-01", periods=192, freq="15min"), "value": load})
    sites = pd.DataFrame({"site_id": ["site"], "tz": ["UTC"], "rated_kw": [400.0]})
    with pytest.warns(
        DataWarning, match=r"site 'site' peaks at 100 kW, 0.25 times its rated 400 kW, just the factor of 15 min"
    ):
        read_panel(table, sites=sites)
    with pytest.warns(DataWarning, match="0.25 times"):
        read_panel(table, sites=sites, step="60min")
    assert kw(read_panel(table, sites=sites, unit="kWh")).max() == pytest.approx(400.0)


def test_kwh_given_as_kw_shows_beside_a_register() -> None:
    table = pd.DataFrame(
        {"time": pd.date_range("2019-06-01", periods=4, freq="30min"), "power_kw": 3.0, "meter_kwh": 3.0}
    )
    with pytest.warns(DataWarning, match="equals the column 'meter_kwh'"):
        read_panel(table, tz="UTC")
    assert kw(read_panel(table.assign(meter_kwh=1.5), tz="UTC")).tolist() == [3.0] * 4


@pytest.mark.parametrize("tz", ["Europe/Madrid", "America/Los_Angeles", "Asia/Kolkata", "Australia/Lord_Howe"])
@pytest.mark.parametrize("step", ["15min", "30min", "60min"])
def test_a_year_on_the_wall_clock_finds_its_instants(tz: str, step: str) -> None:
    if tz == "Australia/Lord_Howe" and step == "60min":
        step = "30min"  # an hourly clock cannot show a half-hour shift
    times = pd.date_range("2019-01-01", "2020-01-01", freq=step, tz=tz, inclusive="left")
    truth = times.tz_convert("UTC").as_unit("us")
    table = pd.DataFrame({"time": times.tz_localize(None).astype(str), "load_kw": np.arange(float(len(times)))})
    panel = read_panel(table, tz=tz)
    assert panel.data.index.get_level_values("time").equals(truth.rename("time"))
    np.testing.assert_array_equal(kw(panel), np.arange(float(len(times))))
    turned = read_panel(table[::-1].reset_index(drop=True), tz=tz)  # newest first
    np.testing.assert_array_equal(kw(turned), kw(panel))


def test_autumn_rows_sorted_by_the_clock_and_a_single_showing() -> None:
    times = walls("2019-10-27 00:00", "2019-10-27 06:00", "30min", "Europe/Madrid")
    table = pd.DataFrame({"time": times.tz_localize(None), "load_kw": np.arange(14.0)}).sort_values(
        "time", kind="stable"
    )
    np.testing.assert_array_equal(kw(read_panel(table.reset_index(drop=True), tz="Europe/Madrid")), np.arange(14.0))
    once = table.drop_duplicates("time")
    values = kw(read_panel(once.reset_index(drop=True), tz="Europe/Madrid"))
    np.testing.assert_array_equal(values, [0, 1, 2, 3, 4, 5, np.nan, np.nan, 8, 9, 10, 11, 12, 13])
    other = table.assign(load_kw=table["load_kw"] + 100)
    with pytest.raises(DataError, match="more than twice"):
        read_panel(pd.concat([table, other]).reset_index(drop=True), tz="Europe/Madrid")
    copied = read_panel(pd.concat([table, table]).reset_index(drop=True), tz="Europe/Madrid")  # the same file twice
    np.testing.assert_array_equal(kw(copied), np.arange(14.0))


def test_the_skipped_hour_is_dropped_and_its_readings_are_counted() -> None:
    table = pd.DataFrame({"time": pd.date_range("2019-03-31", periods=6, freq="60min"), "load_kw": np.arange(6.0)})
    with pytest.warns(DataWarning, match="1 readings at times that the spring clock change skips"):
        panel = read_panel(table, tz="Europe/Madrid")
    assert kw(panel).tolist() == [0.0, 1.0, 3.0, 4.0, 5.0]
    table.loc[2, "load_kw"] = np.nan  # an empty cell is no loss
    assert len(read_panel(table, tz="Europe/Madrid").data) == 5
    table.loc[2, "load_kw"] = 2.0
    assert kw(read_panel(table, tz="Europe/Madrid", clock="Etc/GMT-1")).tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize("day", ["2019-03-31", "2019-10-27", "2019-06-01"])
@pytest.mark.parametrize("written", ["instant", "clock"])
def test_labels_at_the_end_move_to_the_start(day: str, written: str) -> None:
    tz = "Europe/Madrid"
    start = pd.date_range(
        pd.Timestamp(day, tz=tz), pd.Timestamp(day, tz=tz) + pd.DateOffset(days=1), freq="60min", inclusive="left"
    )
    hour = pd.Timedelta("1h")
    end = (start + hour).tz_localize(None) if written == "instant" else start.tz_localize(None) + hour
    panel = read_panel(pd.DataFrame({"time": end, "load_kw": np.arange(float(len(start)))}), tz=tz, label="end")
    assert panel.data.index.get_level_values("time").equals(start.tz_convert("UTC").as_unit("us").rename("time"))
    np.testing.assert_array_equal(kw(panel), np.arange(float(len(start))))


def test_midnight_as_24_oclock(tmp_path: Path) -> None:
    path = long_csv(tmp_path / "m.csv", ["2019-06-01 23:00", "2019-06-01 24:00"], [1, 2])
    assert utc_times(read_panel(path, tz="UTC", label="end")) == ["06-01T22:00", "06-01T23:00"]


def test_mixed_offsets_are_instants(tmp_path: Path) -> None:
    path = long_csv(
        tmp_path / "m.csv", ["2019-10-27T02:00+02:00", "2019-10-27T02:00+01:00", "2019-10-27T02:00Z"], [1, 2, 3]
    )
    assert utc_times(read_panel(path, tz="Europe/Madrid")) == ["10-27T00:00", "10-27T01:00", "10-27T02:00"]


def test_each_site_is_read_on_its_own_clock() -> None:
    table = pd.DataFrame({"time": ["2019-06-01 00:00", "2019-06-01 01:00"], "rome": [1.0, 2.0], "delhi": [3.0, 4.0]})
    panel = read_panel(table, sites={"rome": "Europe/Rome", "delhi": {"tz": "Asia/Kolkata", "country": "IN"}})
    assert utc_times(panel) == ["05-31T18:30", "05-31T19:30", "05-31T22:00", "05-31T23:00"]
    assert panel.sites["country"].fillna("").tolist() == ["IN", ""]


def test_coarser_steps_average_what_was_metered_and_join_a_change_of_step() -> None:
    quarter = pd.date_range("2019-06-01", periods=8, freq="15min")
    hour = pd.date_range("2019-06-01 02:00", periods=3, freq="60min")
    table = pd.DataFrame({"time": quarter.append(hour), "kwh": [1, 2, 3, 4, 1, np.nan, np.nan, np.nan, 20, 21, 22.0]})
    panel = read_panel(table, tz="UTC", step="1h")
    np.testing.assert_allclose(
        kw(panel), [10.0, np.nan, 20.0, 21.0, 22.0]
    )  # the second hour is metered for a quarter only
    with pytest.raises(DataError, match="longer than step"):
        read_panel(table.iloc[8:], tz="UTC", step="15min")


def test_half_hour_zones_average_over_their_own_hours() -> None:
    table = pd.DataFrame(
        {"time": pd.date_range("2019-06-01 10:00", periods=4, freq="30min"), "load_kw": [1.0, 3.0, 5.0, 7.0]}
    )
    panel = read_panel(table, tz="Asia/Kolkata", step="60min")
    assert utc_times(panel) == ["06-01T04:30", "06-01T05:30"]
    assert kw(panel).tolist() == [2.0, 6.0]


def test_duplicates_are_named_or_joined(tmp_path: Path) -> None:
    path = long_csv(
        tmp_path / "m.csv",
        ["2019-06-01 00:00", "2019-06-01 01:00", "2019-06-01 01:00", "2019-06-01 02:00"],
        [1, 2, 4, 5],
    )
    with pytest.raises(
        DataError,
        match=r"line 4 of m.csv gives site 'm' the time 2019-06-01 01:00:00\+00:00 a second time \(1 duplicates",
    ):
        read_panel(path, tz="UTC")
    assert kw(read_panel(path, tz="UTC", on_duplicates="mean")).tolist() == [1.0, 3.0, 5.0]
    assert kw(read_panel(path, tz="UTC", on_duplicates="first")).tolist() == [1.0, 2.0, 5.0]


def test_weather_is_interpolated_or_averaged_but_not_invented() -> None:
    load = pd.DataFrame({"time": pd.date_range("2019-06-01", periods=9, freq="30min"), "load_kw": 1.0})
    hourly = pd.DataFrame(
        {"time": pd.date_range("2019-06-01", periods=5, freq="60min"), "temp_air_c": [0.0, 2.0, np.nan, 6.0, 8.0]}
    )
    panel = read_panel(load, tz="UTC", weather=hourly)
    np.testing.assert_allclose(panel.data["temp_air_c"], [0, 1, 2, np.nan, np.nan, np.nan, 6, 7, 8])
    fine = pd.DataFrame({"time": pd.date_range("2019-06-01", periods=6, freq="10min"), "temp_air_c": np.arange(6.0)})
    np.testing.assert_allclose(read_panel(load, tz="UTC", weather=fine).data["temp_air_c"], [1.0, 4.0] + [np.nan] * 7)


def test_weather_may_differ_by_site() -> None:
    load = pd.DataFrame({"time": pd.date_range("2019-06-01", periods=2, freq="60min"), "x": 1.0, "y": 1.0})
    weather = pd.DataFrame({"site_id": ["y", "y"], "time": load["time"], "t": [5.0, 6.0]})
    panel = read_panel(load, tz="UTC", weather=weather, columns={"t": "temp_air_c"})
    np.testing.assert_array_equal(panel.data["temp_air_c"], [np.nan, np.nan, 5.0, 6.0])


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        ("time,load_kw\n2019-06-01 00:00,1\n2019-06-01 01:00,2\n", {"tz": None}, "time zone of site 'm' is unknown"),
        ("time,load_kw\n2019-06-01 00:00,1\n2019-06-01 01:00,2\n", {"tz": "Rome"}, "'Rome' is no IANA time zone"),
        ("time,load_kw\n2019-06-01 00:00,1\n01/06/2019 01:00,2\n", {}, "line 3 of m.csv: the time '01/06/2019 01:00' cannot be read"),
        ("time,load_kw\n2019-06-01 00:00,1\n2019-06-01T01:00Z,2\n", {}, "line 3 of m.csv: .* differs from the rows before"),
        ("time,load_kw\n2019-06-01 00:00,1\n,2\n", {}, "line 3 of m.csv has no time"),
        ("time,load_kw\n2019-06-01 00:00,1\n2019-06-01 01:00,oops\n", {}, "line 3 of m.csv: 'load_kw' is 'oops', not a number"),
        ("time,load_kw\n2019-06-01 00:00,\n2019-06-01 01:00,\n", {}, "site 'm' of m.csv was never metered"),
        ("time,load_kw\n", {}, "has a header but no rows"),
        ("", {}, "empty or has no header"),
        ("when,load_kw\n2019-06-01,1\n", {}, "m.csv has no time column"),
        ("time,load_kw,power_kw\n2019-06-01 00:00,1,2\n2019-06-01 01:00,1,2\n", {}, "could be any of 'load_kw', 'power_kw'"),
        ("time,load_kw\n2019-06-01 00:00,1\n2019-06-01 01:00,2\n", {"columns": {"lod_kw": "observed_kw"}}, "did you mean 'load_kw'"),
        ("time,load_kw\n2019-06-01 00:00,1\n2019-06-01 01:00,2\n", {"unit": "kVA"}, "unknown unit 'kVA'"),
        ("time,load_kw\n2019-06-01 00:00,1\n2019-06-01 01:00,2\n", {"label": "middle"}, "'start' or 'end'"),
        ("time,load_kw\n2019-06-01 00:00,1\n2019-06-01 01:00,2\n", {"step": "hourly"}, "step 'hourly' is no length of time"),
        ("time,load_kw\n2019-06-01 00:00,1\n2019-06-01 01:00,2\n", {"sites": {"n": "UTC"}}, "say nothing of 1 sites"),
        ("time,site_id,load_kw\n2019-06-01 00:00,,1\n2019-06-01 01:00,a,2\n", {}, "line 2 of m.csv has no site_id"),
        ("time,site_id,load_kw\n2019-06-01 00:00,a,1\n2019-06-01 01:00,a,2\n", {"layout": "wide"}, "is not wide"),
        ("time,site_id,load_kw,tz\n2019-06-01 00:00,a,1,UTC\n2019-06-01 01:00,a,2,Asia/Tokyo\n", {}, "site 'a' more than one tz"),
    ],
)  # fmt: skip
def test_bad_files_get_one_sentence(tmp_path: Path, text: str, options: dict[str, object], sentence: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=sentence) as caught:
        read_panel(path, **{"tz": "UTC", **options})
    assert "\n" not in str(caught.value)


def test_day_first_times_need_a_format(tmp_path: Path) -> None:
    path = long_csv(tmp_path / "m.csv", ["01/06/2019 00:00", "01/06/2019 01:00"], [1, 2])
    assert utc_times(read_panel(path, tz="UTC", time_format="%d/%m/%Y %H:%M")) == ["06-01T00:00", "06-01T01:00"]


def test_missing_broken_and_foreign_files_are_named(tmp_path: Path) -> None:
    long_csv(tmp_path / "meters.csv", ["2019-06-01 00:00"], [1])
    with pytest.raises(DataError, match=r"no meter file .*metrs.csv: did you mean 'meters.csv'"):
        read_panel(tmp_path / "metrs.csv", tz="UTC")
    (tmp_path / "m.xls").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"neither CSV nor Parquet nor Excel by its suffix: save it as \.xlsx or CSV"):
        read_panel(tmp_path / "m.xls", tz="UTC")
    (tmp_path / "m.xlsx").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"m\.xlsx cannot be read as xlsx"):
        read_panel(tmp_path / "m.xlsx", tz="UTC")
    (tmp_path / "m.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(DataError, match=r"m\.parquet cannot be read as parquet"):
        read_panel(tmp_path / "m.parquet", tz="UTC")
    (tmp_path / "m.csv.gz").write_bytes(gzip.compress(b"time,load_kw\n2019-06-01 00:00,1\n" * 50)[:-20])
    with pytest.raises(DataError, match=r"m\.csv\.gz cannot be read"):
        read_panel(tmp_path / "m.csv.gz", tz="UTC")
    (tmp_path / "latin.csv").write_bytes("time,Größe_kw\n2019-06-01 00:00,1\n".encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8"):
        read_panel(tmp_path / "latin.csv", tz="UTC")


def test_text_columns_are_left_out_with_a_word() -> None:
    table = pd.DataFrame(
        {"time": pd.date_range("2019-06-01", periods=2, freq="60min"), "load_kw": 1.0, "quality": ["ok", "bad"]}
    )
    with pytest.warns(DataWarning, match="text columns 'quality' are left out"):
        assert read_panel(table, tz="UTC").data.columns.tolist() == ["observed_kw"]
