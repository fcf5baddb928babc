"""What delivered energy is paid."""

import numpy as np
import pandas as pd
import pytest

from cblcast.frames.schema import DataError, StudyError
from cblcast.value.contract import Contract, interval_prices, payments, read_contract

HOURS = pd.date_range("2024-03-20 16:00", periods=3, freq="h", tz="UTC")
ROME = np.array(["Europe/Rome"] * 3)


def settled(delivered, **more):
    start = pd.DatetimeIndex(["2024-03-20 17:00", "2024-03-21 17:00"], tz="UTC")
    return pd.DataFrame(
        {
            "program": "a",
            "site_id": "s",
            "start": start,
            "stop": start + pd.Timedelta("2h"),
            "delivered_kwh": delivered,
            **more,
        }
    )


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


def test_payment_is_energy_and_capacity_less_the_penalty():
    # Committed 10 kW over 2 h is 20 kWh, of which 10 % may be missing: 18. Delivered 20 and 8: short 0 and 10 kWh.
    # Capacity 3 EUR per kW and month × 10 kW over two events of one month: 15 each.
    contract = Contract(capacity_price_per_kw_month=3, committed_kw=10, penalty_per_kwh=0.5, tolerance=0.1)
    paid = payments(settled([20.0, 8.0]), np.array([4.0, 1.6]), np.zeros(2), contract)
    assert paid["shortfall_kwh"].tolist() == pytest.approx([0.0, 10.0])
    assert paid["capacity_payment"].tolist() == [15.0, 15.0]
    assert paid["payment"].tolist() == pytest.approx([4 + 15, 1.6 + 15 - 5])


def test_the_commitment_of_an_event_overrides_that_of_the_contract():
    contract = Contract(committed_kw=10, penalty_per_kwh=1)
    paid = payments(settled([20.0, 8.0], committed_kw=[np.nan, 4.0]), np.zeros(2), np.zeros(2), contract)
    assert paid["shortfall_kwh"].tolist() == [0.0, 0.0]


def test_a_penalty_without_a_commitment_is_refused():
    with pytest.raises(StudyError, match="site 's' has no commitment"):
        payments(settled([1.0, 1.0]), np.zeros(2), np.zeros(2), Contract(penalty_per_kwh=1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("energy_prise: 0.2", "no key 'energy_prise': did you mean 'energy_price'"),
        ("energy_price: {25: 0.2}", "keyed 0 to 23"),
        ("tolerance: 1.5", "tolerance"),
        ("[1, 2]", "holds no contract"),
        ("a: [", "line 2 is not valid YAML"),
    ],
)
def test_a_wrong_contract_file_says_what_is_wrong(tmp_path, text, message):
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(StudyError, match=message):
        read_contract(tmp_path / "c.yaml")


def test_a_contract_file_is_read(tmp_path):
    (tmp_path / "c.yaml").write_text("name: peak\ncurrency: GBP\nenergy_price: {17: 0.1}\nnegative: unpaid\n")
    contract = read_contract(tmp_path / "c.yaml")
    assert (contract.name, contract.energy_price, contract.negative) == ("peak", {17: 0.1}, "unpaid")
    with pytest.raises(StudyError, match="there is no contract file"):
        read_contract(tmp_path / "absent.yaml")


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


def test_capacity_is_shared_by_the_events_of_one_month_of_one_site_and_program():
    start = pd.DatetimeIndex(["2024-03-20 17:00", "2024-03-21 17:00", "2024-04-01 17:00"], tz="UTC")
    one = pd.DataFrame({"program": "a", "site_id": "s", "start": start, "stop": start + pd.Timedelta("90min")})
    events = pd.concat([one, one.assign(site_id="t").iloc[:1], one.assign(program="b").iloc[:1]], ignore_index=True)
    events["delivered_kwh"] = [15.0, 12.0, -3.0, 14.0, 0.0]
    contract = Contract(capacity_price_per_kw_month=3, committed_kw=10, penalty_per_kwh=2, tolerance=0.2)
    paid = payments(events, np.arange(5.0), -np.ones(5), contract)
    assert paid["capacity_payment"].tolist() == [15.0, 15.0, 30.0, 30.0, 30.0]
    # 10 kW over an hour and a half are 15 kWh, of which 12 must be there.
    assert paid["shortfall_kwh"].tolist() == pytest.approx([0, 0, 15, 0, 12])
    assert paid["penalty"].tolist() == pytest.approx([0, 0, 30, 0, 24])
    assert paid["payment"].tolist() == pytest.approx([0 + 15, 1 + 15, 2 + 30 - 30, 3 + 30, 4 + 30 - 24])
    assert paid["unpaid_negative_kwh"].tolist() == [-1.0] * 5


def test_a_commitment_is_asked_for_only_where_it_is_paid_or_charged():
    events = settled([1.0, 1.0])
    free = payments(events, np.ones(2), np.zeros(2), Contract())
    assert free["payment"].tolist() == [1.0, 1.0]
    assert free["shortfall_kwh"].tolist() == [0.0, 0.0]
    for contract in (Contract(capacity_price_per_kw_month=1), Contract(penalty_per_kwh=1)):
        with pytest.raises(StudyError, match="has no commitment"):
            payments(events, np.ones(2), np.zeros(2), contract)
    only_one = settled([1.0, 1.0], committed_kw=[2.0, np.nan])
    with pytest.raises(StudyError, match="has no commitment"):
        payments(only_one, np.ones(2), np.zeros(2), Contract(penalty_per_kwh=1))


def test_the_defaults_pay_nothing_and_the_terms_have_limits():
    contract = Contract()
    assert (contract.name, contract.currency, contract.negative) == ("contract", "EUR", "charged")
    assert (contract.energy_price, contract.capacity_price_per_kw_month, contract.penalty_per_kwh) == (0, 0, 0)
    assert (contract.tolerance, contract.committed_kw) == (0, None)
    at_the_limits = Contract(capacity_price_per_kw_month=0.5, committed_kw=0.5, penalty_per_kwh=0.5, tolerance=0.99)
    assert at_the_limits.committed_kw == 0.5
    for wrong in (
        {"capacity_price_per_kw_month": -0.5},
        {"committed_kw": 0},
        {"penalty_per_kwh": -0.5},
        {"tolerance": 1},
        {"tolerance": -0.1},
    ):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Contract(**wrong)


def test_a_file_that_names_several_wrong_terms_tells_the_first(tmp_path):
    (tmp_path / "c.yaml").write_text("tolerance: 2\npenalty_per_kwh: -1\n")
    with pytest.raises(StudyError, match=r"c\.yaml: penalty_per_kwh: Input should be greater"):
        read_contract(tmp_path / "c.yaml")
    (tmp_path / "d.yaml").write_text("a: [\n")
    with pytest.raises(
        StudyError, match=r"^d\.yaml, line 2 is not valid YAML \(did not find expected node content\): mend that line$"
    ):
        read_contract(tmp_path / "d.yaml")


def test_the_first_of_several_gaps_is_named(tmp_path):
    with pytest.raises(StudyError, match="no price for 18:00-19:00"):
        interval_prices(Contract(energy_price={17: 0.1}), HOURS, ROME)
    two = settled([1.0, 1.0]).assign(site_id=["s", "t"])
    with pytest.raises(StudyError, match="site 's' has no commitment"):
        payments(two, np.ones(2), np.zeros(2), Contract(penalty_per_kwh=1))
    (tmp_path / "c.yaml").write_text("energy_price: [0.1]\n")
    with pytest.raises(StudyError, match=r"c\.yaml: energy_price: "):
        read_contract(tmp_path / "c.yaml")


def test_hourly_prices_hold_to_the_last_microsecond_and_no_longer_than_the_shortest_step():
    series, utc = Contract(energy_price="series"), np.array(["UTC"])
    hourly = prices_at(("2024-03-20 16:00", 1.0), ("2024-03-20 17:00", 2.0))
    assert interval_prices(series, pd.DatetimeIndex(["2024-03-20 17:59:59.999999"], tz="UTC"), utc, hourly) == [2.0]
    gap = prices_at(("2024-03-20 16:00", 1.0), ("2024-03-20 18:00", 2.0), ("2024-03-20 18:15", 3.0))
    with pytest.raises(DataError, match="no price at 2024-03-20 16:30:00"):
        interval_prices(series, pd.DatetimeIndex(["2024-03-20 16:30"], tz="UTC"), utc, gap)
