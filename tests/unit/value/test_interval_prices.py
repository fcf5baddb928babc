"""The price of each interval."""

import numpy as np
import pandas as pd
import pytest

from cblcast.frames.schema import DataError, StudyError
from cblcast.value.contract import Contract
from cblcast.value.interval_prices import interval_prices

HOURS = pd.date_range("2024-03-20 16:00", periods=3, freq="h", tz="UTC")
ROME = np.array(["Europe/Rome"] * 3)


def test_prices_by_local_hour():
    # 16, 17 and 18 h UTC are 17, 18 and 19 h in Rome in March (UTC+1 until the 31st).
    contract = Contract(energy_price={17: 0.1, 18: 0.2, 19: 0.3})
    assert interval_prices(contract, HOURS, ROME).tolist() == [0.1, 0.2, 0.3]


def test_an_hour_without_a_price_is_named_with_the_remedy():
    with pytest.raises(
        StudyError, match=r"no price for 19:00-20:00.*2024-03-20 19:00:00\+01:00.*add 19: to energy_price"
    ):
        interval_prices(Contract(energy_price={17: 0.1, 18: 0.2}), HOURS, ROME)


def test_a_price_series_holds_until_the_next_price():
    prices = pd.Series([10.0, 20.0], index=pd.DatetimeIndex(["2024-03-20 16:00", "2024-03-20 17:00"], tz="UTC"))
    quarter = pd.date_range("2024-03-20 16:30", periods=4, freq="15min", tz="UTC")
    found = interval_prices(Contract(energy_price="series"), quarter, np.array(["UTC"] * 4), prices)
    assert found.tolist() == [10.0, 10.0, 20.0, 20.0]
    with pytest.raises(DataError, match="no price at 2024-03-20 18:00:00"):
        interval_prices(Contract(energy_price="series"), HOURS, ROME, prices)
    with pytest.raises(StudyError, match="priced by a series, but none is given"):
        interval_prices(Contract(energy_price="series"), HOURS, ROME)


def test_an_hour_of_the_day_is_one_of_24():
    assert Contract(energy_price=dict.fromkeys(range(24), 0.1)).energy_price[23] == 0.1
    for hours in ({24: 0.1}, {-1: 0.1}, {}):
        with pytest.raises(ValueError, match="keyed 0 to 23"):
            Contract(energy_price=hours)
    late = pd.date_range("2024-03-20 22:00", periods=3, freq="h", tz="UTC")
    utc = np.array(["UTC"] * 3)
    assert interval_prices(Contract(energy_price={22: 0.1, 23: 0.2, 0: 0.3}), late, utc).tolist() == [0.1, 0.2, 0.3]
    with pytest.raises(StudyError, match=r"no price for 23:00-00:00.*add 23: to energy_price"):
        interval_prices(Contract(energy_price={22: 0.1, 0: 0.3}), late, utc)
    with pytest.raises(StudyError, match=r"no price for 00:00-01:00.*add 0: to energy_price"):
        interval_prices(Contract(energy_price={22: 0.1, 23: 0.2}), late, utc)


def test_sites_in_two_zones_pay_by_their_own_clocks():
    # 16 h UTC is 17 h in Rome, 21:30 in Kolkata: the hour that begins at 21.
    tz = np.array(["Europe/Rome", "Asia/Kolkata", "Europe/Rome"])
    contract = Contract(energy_price={17: 1.0, 19: 3.0, 22: 2.0})
    assert interval_prices(contract, HOURS, tz).tolist() == [1.0, 2.0, 3.0]


def prices_at(*rows):
    return pd.Series([price for _, price in rows], index=pd.DatetimeIndex([at for at, _ in rows], tz="UTC"))


def test_the_last_price_of_a_series_holds_as_long_as_the_others():
    series = Contract(energy_price="series")
    quarter = prices_at(("2024-03-20 16:00", 1.0), ("2024-03-20 16:15", 2.0))

    def priced(prices, *clocks):
        times = pd.DatetimeIndex([f"2024-03-20 {clock}" for clock in clocks], tz="UTC")
        return interval_prices(series, times, np.array(["UTC"] * len(times)), prices).tolist()

    assert priced(quarter, "16:00", "16:10", "16:15", "16:29:59.999999") == [1.0, 1.0, 2.0, 2.0]
    # One price alone holds for an hour.
    assert priced(quarter.iloc[:1], "16:00", "16:59:59.999999") == [1.0, 1.0]
    # Order does not matter, and what is not known is no price.
    assert priced(quarter[::-1], "16:10", "16:20") == [1.0, 2.0]
    for prices, clock in (
        (quarter, "16:30"),
        (quarter, "15:59:59"),
        (quarter.iloc[:1], "17:00"),
        (quarter.iloc[:0], "16:00"),
        (quarter.where(quarter > 1), "16:10"),
    ):
        with pytest.raises(DataError, match="no price at 2024-03-20"):
            priced(prices, clock)
    with pytest.raises(DataError, match="no price at 2024-03-20 16:30:00"):
        priced(quarter, "16:00", "16:30", "16:45")


def test_a_price_series_without_a_zone_or_with_two_prices_at_once_is_refused():
    series, utc = Contract(energy_price="series"), np.array(["UTC"] * 3)
    prices = prices_at(("2024-03-20 16:00", 1.0), ("2024-03-20 17:00", 2.0), ("2024-03-20 18:00", 2.0))
    with pytest.raises(DataError, match="without a zone"):
        interval_prices(series, HOURS, utc, prices.tz_localize(None))
    twice = pd.concat([prices, prices.iloc[1:]])
    with pytest.raises(DataError, match="two prices at 2024-03-20 17:00:00"):
        interval_prices(series, HOURS, utc, twice)


def test_the_first_of_several_gaps_is_named():
    with pytest.raises(StudyError, match="no price for 18:00-19:00"):
        interval_prices(Contract(energy_price={17: 0.1}), HOURS, ROME)


def test_hourly_prices_hold_to_the_last_microsecond_and_no_longer_than_the_shortest_step():
    series, utc = Contract(energy_price="series"), np.array(["UTC"])
    hourly = prices_at(("2024-03-20 16:00", 1.0), ("2024-03-20 17:00", 2.0))
    assert interval_prices(series, pd.DatetimeIndex(["2024-03-20 17:59:59.999999"], tz="UTC"), utc, hourly) == [2.0]
    gap = prices_at(("2024-03-20 16:00", 1.0), ("2024-03-20 18:00", 2.0), ("2024-03-20 18:15", 3.0))
    with pytest.raises(DataError, match="no price at 2024-03-20 16:30:00"):
        interval_prices(series, pd.DatetimeIndex(["2024-03-20 16:30"], tz="UTC"), utc, gap)


def test_an_infinite_price_is_refused_and_a_missing_one_is_no_price():
    series, utc = Contract(energy_price="series"), np.array(["UTC"] * 3)
    prices = prices_at(("2024-03-20 16:00", 1.0), ("2024-03-20 17:00", np.inf), ("2024-03-20 18:00", 2.0))
    with pytest.raises(DataError, match=r"infinite at 2024-03-20 17:00:00\+00:00"):
        interval_prices(series, HOURS, utc, prices)
    with pytest.raises(DataError, match="no price at 2024-03-20 17:00:00"):
        interval_prices(series, HOURS, utc, prices.where(np.isfinite(prices)))
