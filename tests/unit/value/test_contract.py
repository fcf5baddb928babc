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
        ("[1, 2]", "holds no terms"),
        ("a: [", "is no YAML"),
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
    with pytest.raises(StudyError, match="cannot be read"):
        read_contract(tmp_path / "absent.yaml")
