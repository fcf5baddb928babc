"""Prices from files: clocks, products, gaps, and the days on which portals go wrong."""

import numpy as np
import pandas as pd
import pytest

from cblcast.frames.schema import DataError, DataWarning, StudyError
from cblcast.io.price_products import price_gaps, product_minutes, to_products
from cblcast.io.prices import read_prices


def hourly(first: str, hours: int, zone: str | None = None) -> pd.DataFrame:
    times = pd.date_range(first, periods=hours, freq="h", tz=zone)
    return pd.DataFrame({"time": times, "price": np.arange(float(hours))})


def test_negative_prices_and_a_wall_clock():
    frame = pd.DataFrame({"time": ["2015-01-01 00:00", "2015-01-01 01:00"], "price": [-20.5, 3.0]})
    read = read_prices(frame, clock="Europe/Paris")
    assert read.index[0] == pd.Timestamp("2014-12-31 23:00", tz="UTC")
    assert read["price"].tolist() == [-20.5, 3.0]
    assert read.attrs["step_min"] == 60


def test_real_days_of_a_clock_change_have_23_and_25_hours():
    frame = hourly("2015-03-28", 24 * 3 - 1, "Europe/Paris")
    frame["time"] = frame["time"].dt.tz_localize(None)
    read = read_prices(frame, clock="Europe/Paris")
    assert (np.diff(read.index) == np.timedelta64(1, "h")).all()
    autumn = hourly("2015-10-24", 24 * 3 + 1, "Europe/Paris")
    autumn["time"] = autumn["time"].dt.tz_localize(None)
    assert (np.diff(read_prices(autumn, clock="Europe/Paris").index) == np.timedelta64(1, "h")).all()


def test_flattened_days_lose_the_filler_and_double_the_autumn_hour():
    spring, autumn = hourly("2015-03-28", 72), hourly("2015-10-24", 72)
    with pytest.warns(DataWarning, match=r"1 fillers of the hour"):
        read = read_prices(spring, clock="Europe/Paris", days="flattened")
    assert len(read) == 71
    assert (np.diff(read.index) == np.timedelta64(1, "h")).all()
    assert 26.0 not in read["price"].to_numpy()  # 02:00 of the second day
    with pytest.warns(DataWarning, match=r"double hour of autumn"):
        read = read_prices(autumn, clock="Europe/Paris", days="flattened")
    assert len(read) == 73
    assert (read["price"] == 26.0).sum() == 2
    assert (np.diff(read.index) == np.timedelta64(1, "h")).all()


def test_flattened_days_must_be_said():
    with pytest.raises(DataError, match=r"days='flattened'"):
        read_prices(hourly("2015-03-28", 72), clock="Europe/Paris")
    with pytest.raises(DataError, match=r"double hour of 2015-10-25 once"):
        read_prices(hourly("2015-10-24", 72), clock="Europe/Paris")
    with pytest.raises(StudyError, match=r"'real' or 'flattened'"):
        read_prices(hourly("2015-10-24", 3), clock="UTC", days="odd")
    with pytest.raises(DataError, match=r"name the clock"):
        read_prices(hourly("2015-10-24", 3))


def belgium(values_of_double_hour: list[float]) -> pd.DataFrame:
    """The Belgian day-ahead prices of 2025-10-26 around the clock change, 15 min (EnergieID/entsoe-py, issue 468)."""
    times = pd.date_range("2025-10-25T23:00Z", periods=16, freq="15min").tz_convert("Europe/Brussels")
    after = [61.12, 10.0, 1.71, 1.2] if values_of_double_hour[0] == 0 else [22.11, 1.09, 0.67, -0.79]
    prices = [50.0, 40.0, 35.0, 30.0, *values_of_double_hour, *after, 5.0, 4.0, 3.0, 2.0]
    return pd.DataFrame({"time": [t.isoformat() for t in times], "price": prices})


def test_a_series_that_slips_an_hour_behind_the_double_hour_is_refused():
    with pytest.raises(DataError, match=r"2025-10-26T02:00:00\+02:00.*filler.*slips an hour"):
        read_prices(belgium([0.0, 0.0, 0.0, 0.0]), zone="Europe/Brussels")
    good = read_prices(belgium([61.12, 10.0, 1.71, 1.2]), zone="Europe/Brussels")
    assert good["price"].iloc[4] == 61.12
    trusted = read_prices(belgium([0.0] * 4), zone="Europe/Brussels", trust_clock_changes=True)
    assert (trusted["price"].iloc[4:8] == 0).all()


def test_a_clock_that_jumps_over_the_second_showing_is_refused():
    frame = belgium([61.12, 10.0, 1.71, 1.2])
    with pytest.raises(DataError, match=r"no price|once"):
        read_prices(frame.drop(index=range(8, 12)), zone="Europe/Brussels")


def test_offsets_of_another_zone_are_refused():
    frame = pd.DataFrame({"time": [f"2015-07-01T{h:02d}:00:00+01:00" for h in range(5)], "price": 1.0})
    with pytest.raises(DataError, match=r"offset that Europe/Paris does not have"):
        read_prices(frame, zone="Europe/Paris")
    assert len(read_prices(frame, zone="Europe/London")) == 5


def test_overlapping_products_are_refused():
    twice = pd.concat([hourly("2015-01-01", 4, "UTC"), hourly("2015-01-01", 2, "UTC")])
    with pytest.raises(DataError, match=r"second time.*products overlap"):
        read_prices(twice)
    hours = pd.date_range("2015-01-01", periods=48, freq="h", tz="UTC")
    mixed = hours.union(hours[:8] + pd.Timedelta("30min"))
    with pytest.raises(DataError, match=r"mixes products of 30 min"):
        product_minutes(mixed.as_unit("us").asi8[[0, 1, 2, 3, 4, 10, 11, 12, 13, 14, 15, 20, 21, 22]])
    with pytest.raises(DataError, match=r"7 min apart"):
        product_minutes(np.array([0, 7 * 60_000_000]))


def test_a_change_of_product_length_and_holes_are_no_overlap():
    hours = pd.date_range("2025-09-30", periods=24, freq="h", tz="UTC")
    quarters = pd.date_range("2025-10-01", periods=96, freq="15min", tz="UTC")
    assert product_minutes(hours.append(quarters).as_unit("us").asi8) == 15
    assert product_minutes(hours.delete([3, 4, 9]).as_unit("us").asi8) == 60


def test_gaps_are_listed():
    frame = hourly("2015-01-01", 10, "UTC")
    frame.loc[3, "price"] = np.nan
    gaps = price_gaps(read_prices(frame.drop(index=[6, 7])))
    assert gaps["n_products"].tolist() == [1, 2]
    assert gaps["start"].iloc[1] == pd.Timestamp("2015-01-01 06:00", tz="UTC")
    assert gaps["stop"].iloc[1] == pd.Timestamp("2015-01-01 08:00", tz="UTC")


def test_to_products_holds_longer_and_averages_shorter_prices():
    hour = read_prices(hourly("2015-01-01", 3, "UTC"))
    times = pd.date_range("2015-01-01", periods=8, freq="30min", tz="UTC", unit="us")
    held = to_products(hour, times, 30)["price"]
    assert held.tolist()[:6] == [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]
    assert held.isna().tolist()[6:] == [True, True]
    quarter = read_prices(
        pd.DataFrame({"time": pd.date_range("2015-01-01", periods=8, freq="15min", tz="UTC"), "price": np.arange(8.0)})
    )
    mean = to_products(quarter, times[:5:2], 60)["price"]
    assert mean.tolist()[:2] == [1.5, 5.5]
    assert np.isnan(mean.iloc[2])


def test_rows_columns_and_values_that_are_not_there(tmp_path):
    frame = pd.DataFrame({"zone": ["FR", "BE"], "time": ["2015-01-01T00:00Z"] * 2, "price": [1.0, 2.0]})
    assert read_prices(frame, only={"zone": "BE"})["price"].tolist() == [2.0]
    with pytest.raises(DataError, match=r"no row with zone 'DE'"):
        read_prices(frame, only={"zone": "DE"})
    with pytest.raises(DataError, match=r"no column 'area'"):
        read_prices(frame, only={"area": "DE"})
    with pytest.raises(DataError, match=r"no price column 'prise'.*'price'"):
        read_prices(frame, columns=["prise"], only={"zone": "BE"})
    path = tmp_path / "prices.csv"
    path.write_text("time,price\n2015-01-01T00:00Z,12\n2015-01-01T01:00Z,abc\n")
    with pytest.raises(DataError, match=r"line 3 of prices.csv.*'abc', not a number"):
        read_prices(path, columns=["price"])
    path.write_text("time,price\n2015-01-01T00:00Z,12\n2015-01-01T01:00Z,inf\n")
    with pytest.raises(DataError, match=r"is inf"):
        read_prices(path, columns=["price"])


def test_the_trend_of_a_system_becomes_a_sign():
    times = pd.date_range("2015-01-01", periods=4, freq="h", tz="UTC")
    frame = pd.DataFrame({"time": times, "trend": ["up", "down", "none", None]})
    read = read_prices(frame, columns=["trend"])["trend"]
    np.testing.assert_array_equal(read, [1, -1, 0, np.nan])
    with pytest.raises(DataError, match=r"the trend is 'sideways'"):
        read_prices(frame.assign(trend="sideways"), columns=["trend"])


def test_a_trend_has_no_mean():
    times = pd.date_range("2015-01-01", periods=4, freq="30min", tz="UTC", unit="us")
    table = read_prices(
        pd.DataFrame({"time": times, "trend": ["up", "down", "none", "up"]}), columns={"trend": "trend"}
    )
    assert to_products(table, times, 30)["trend"].tolist() == [1, -1, 0, 1]
    with pytest.raises(DataError, match="no mean over 60 min"):
        to_products(table, times[::2], 60)


def test_a_price_column_with_a_slip_is_not_lost():
    times = pd.date_range("2015-01-01", periods=3, freq="h", tz="UTC")
    table = pd.DataFrame(
        {"time": times, "day_ahead_per_mwh": 40.0, "intraday_per_mwh": ["41", "n/a?", "43"], "zone": "FR"}
    )
    with pytest.raises(DataError, match=r"row 1 of .*'intraday_per_mwh' is 'n/a\?'"):
        read_prices(table)
    assert list(read_prices(table.assign(intraday_per_mwh=["41", None, "43"])).columns) == [
        "day_ahead_per_mwh",
        "intraday_per_mwh",
    ]
    for names in ({"a": "price", "b": "price"}, {"a": "time"}):
        with pytest.raises(StudyError, match="name each price once"):
            read_prices(pd.DataFrame({"time": times, "a": 1.0, "b": 2.0}), columns=names)


def test_hours_that_become_quarter_hours_hold_for_their_parts():
    """Europe's day-ahead market on 2025-10-01."""
    hours = pd.date_range("2025-09-30T10:00", "2025-09-30T21:00", freq="h", tz="UTC")
    quarters = pd.date_range("2025-09-30T22:00", periods=40, freq="15min", tz="UTC")
    table = pd.DataFrame({"time": hours.append(quarters), "price": np.arange(52.0)})
    with pytest.warns(DataWarning, match="12 longer ones hold their price"):
        read = read_prices(table, zone="Europe/Brussels")
    assert len(read) == 12 * 4 + 40
    assert read["price"].iloc[:48].tolist() == np.repeat(np.arange(12.0), 4).tolist()
    assert price_gaps(read).empty
    later = pd.date_range(quarters[-1] + pd.Timedelta("15min"), periods=12, freq="h")
    back = pd.DataFrame({"time": quarters.append(later), "price": np.arange(52.0)})
    with pytest.warns(DataWarning, match="12 longer ones hold"):
        assert read_prices(back)["price"].iloc[40:].tolist() == np.repeat(np.arange(40.0, 52.0), 4).tolist()
    holes = table.iloc[12:].drop(index=[20, 21, 30])
    assert len(read_prices(holes)) == 37
