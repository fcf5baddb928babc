"""What events are paid: by hand, and against a slow settlement in fractions."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.frames.schema import DataError, StudyError
from cblcast.value.contract import Contract
from cblcast.value.payments import payments


def events(*starts, hours=2, payee="s", **more):
    start = pd.DatetimeIndex(starts, tz="UTC")
    table = pd.DataFrame({"program": "a", "payee": payee, "start": start, "stop": start + pd.Timedelta(hours=hours)})
    return table.assign(month=start.strftime("%Y-%m"), **more)


TWO = events("2024-03-20 17:00", "2024-03-21 17:00")


def lines(*by_event, price=0.2):
    """Hourly kWh of each event."""
    rows = [(k, 100 * k + h, 1.0, kwh) for k, hours in enumerate(by_event) for h, kwh in enumerate(hours)]
    return pd.DataFrame(rows, columns=["event", "hour", "hours", "delivered_kwh"]).assign(price=price)


def test_payment_is_energy_and_capacity_less_the_penalty():
    # Committed 10 kW over 2 h is 20 kWh, of which 10 % may be missing: 18. Delivered 20 and 8: short 0 and 10 kWh.
    # Capacity 3 EUR per kW and month × 10 kW over two events of one month: 15 each.
    contract = Contract(capacity_price_per_kw_month=3, committed_kw=10, penalty_per_kwh=0.5, tolerance=0.1)
    paid = payments(TWO, lines([10, 10], [4, 4]), contract)
    assert paid["shortfall_kwh"].tolist() == [0.0, 10.0]
    assert paid["capacity_payment"].tolist() == [Decimal("15.00")] * 2
    assert paid["payment"].tolist() == [Decimal("19.00"), Decimal("11.60")]
    assert paid["performance"].tolist() == [1.0, 0.4]


def test_the_commitment_of_an_event_overrides_that_of_the_contract():
    contract = Contract(committed_kw=10, penalty_per_kwh=1)
    paid = payments(TWO.assign(committed_kw=[np.nan, 4.0]), lines([10, 10], [4, 4]), contract)
    assert paid["shortfall_kwh"].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("kw", [-50.0, np.inf, -np.inf])
def test_a_commitment_is_finite_and_not_below_zero(kw):
    with pytest.raises(DataError, match=r"committed_kw of 's' is -?(50|inf) kW at 2024-03-20.*0 kW or more"):
        payments(TWO.assign(committed_kw=kw), lines([1], [1]), Contract())


def test_a_commitment_is_asked_for_only_where_it_is_paid_or_charged():
    free = payments(TWO, lines([5], [5]), Contract())
    assert free["payment"].tolist() == [Decimal("1.00")] * 2
    assert free["shortfall_kwh"].tolist() == [0.0, 0.0]
    for contract in (Contract(capacity_price_per_kw_month=1), Contract(penalty_per_kwh=1)):
        with pytest.raises(StudyError, match="'s' has no commitment at 2024-03-20"):
            payments(TWO, lines([5], [5]), contract)
    with pytest.raises(StudyError, match="'s' has no commitment at 2024-03-21"):
        payments(TWO.assign(committed_kw=[2.0, np.nan]), lines([5], [5]), Contract(penalty_per_kwh=1))


def test_150_0_0_kw_against_50_committed_is_a_shortfall_by_the_hour_and_none_by_the_event():
    one = events("2024-03-20 17:00", hours=3)
    contract = Contract(committed_kw=50, penalty_per_kwh=2, capacity_price_per_kw_month=3, performance="proportional")
    by_event = payments(one, lines([150, 0, 0]), contract)
    assert by_event["shortfall_kwh"].tolist() == [0.0]
    assert by_event["capacity_payment"].tolist() == [Decimal("150.00")]
    by_hour = payments(one, lines([150, 0, 0]), contract.model_copy(update={"basis": "hour"}))
    assert by_hour["shortfall_kwh"].tolist() == [100.0]
    assert by_hour["penalty"].tolist() == [Decimal("200.00")]
    assert by_hour["capacity_payment"].tolist() == [Decimal("50.00")]
    assert by_hour["performance"].tolist() == [1.0]  # the mean of 3, 0 and 0


def test_the_share_of_an_event_that_was_not_settled_is_not_paid_to_the_others():
    # Two of three events of a month were settled: 300 EUR are 100 each, and the third 100 stay unpaid.
    called = TWO.assign(place_called=[0, 2], n_called=3)
    paid = payments(called, lines([1], [1]), Contract(capacity_price_per_kw_month=3, committed_kw=100))
    assert paid["capacity_payment"].tolist() == [Decimal("100.00")] * 2


def test_what_does_not_divide_is_shared_to_the_cent():
    three = events("2024-03-20 17:00", "2024-03-21 17:00", "2024-03-22 17:00")
    paid = payments(three, lines([1], [1], [1]), Contract(capacity_price_per_kw_month=1, committed_kw=100))
    assert paid["capacity_payment"].tolist() == [Decimal("33.33"), Decimal("33.34"), Decimal("33.33")]
    assert paid["capacity_payment"].sum() == Decimal("100.00")


def test_steps_of_performance_and_derating():
    contract = Contract(
        capacity_price_per_kw_month=10, committed_kw=10, derating_factor=0.5, performance={0: 0, 0.5: 0.25, 0.9: 1}
    )
    months = events("2024-01-20 17:00", "2024-02-21 17:00", "2024-03-22 17:00", "2024-04-22 17:00")
    paid = payments(months, lines([4.9, 4.9], [5, 5], [9, 9], [-2, 1]), contract)
    assert paid["capacity_kw"].tolist() == [5.0] * 4
    assert paid["capacity_payment"].tolist() == [Decimal(each) for each in ("0.00", "12.50", "50.00", "0.00")]


def test_a_test_limits_the_capacity_from_then_on():
    contract = Contract(capacity_price_per_kw_month=1, committed_kw=100, tested_capacity=True)
    months = events("2024-01-20 17:00", "2024-02-21 17:00", "2024-03-22 17:00", test=[False, True, False])
    paid = payments(months, lines([100, 100], [80, 60], [100, 100]), contract)
    assert paid["capacity_kw"].tolist() == [100.0, 70.0, 70.0]
    assert paid["capacity_payment"].tolist() == [Decimal(each) for each in ("100.00", "70.00", "70.00")]


def test_negative_energy_is_charged_or_unpaid_by_interval_or_by_event():
    # A baseline without any response errs to both sides: by interval the errors above zero are paid for nothing.
    noise, response = [6.0, -5.0], [6.0, -5.0, 4.0]
    one = events("2024-03-20 17:00", "2024-03-21 17:00")
    paid = {
        how: payments(one, lines([-6.0, 5.0], response, price=1.0), Contract(negative=how))
        for how in ("charged", "unpaid", "unpaid_per_event")
    }
    assert [each["energy_payment"].tolist() for each in paid.values()] == [
        [Decimal("-1.00"), Decimal("5.00")],
        [Decimal("5.00"), Decimal("10.00")],
        [Decimal("0.00"), Decimal("5.00")],
    ]
    assert paid["unpaid_per_event"]["unpaid_negative_kwh"].tolist() == [-1.0, 0.0]
    assert paid["unpaid"]["unpaid_negative_kwh"].tolist() == [-6.0, -5.0]
    assert sum(noise) > 0


@pytest.mark.parametrize(
    ("rounding", "kwh", "paid"),
    [
        ("half_up", 0.125, "0.13"), ("half_even", 0.125, "0.12"), ("down", 0.129, "0.12"),
        ("half_up", -0.125, "-0.13"), ("half_even", -0.125, "-0.12"), ("down", -0.129, "-0.12"),
    ],
)  # fmt: skip
def test_money_is_rounded_as_the_contract_says(rounding, kwh, paid):
    told = payments(events("2024-03-20 17:00"), lines([kwh], price=1.0), Contract(rounding=rounding))
    assert str(told["energy_payment"].iloc[0]) == paid


def test_energy_is_rounded_by_interval_before_it_is_paid():
    contract = Contract(energy_decimals=0, decimals=3)
    told = payments(events("2024-03-20 17:00"), lines([2.5, 1.4, -2.5], price=0.1), contract)
    assert told["settled_kwh"].tolist() == [1.0]  # 3 + 1 - 3
    assert str(told["payment"].iloc[0]) == "0.100"


PRICES = [0.1, 0.25, -0.07, 0.333]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-5000, 5000), st.sampled_from(PRICES)), min_size=1, max_size=12))
def test_energy_payments_are_those_of_fractions(rows):
    table = pd.DataFrame({"event": 0, "hour": range(len(rows)), "hours": 1.0})
    table["delivered_kwh"], table["price"] = [kwh / 1000 for kwh, _ in rows], [price for _, price in rows]
    told = payments(events("2024-03-20 17:00"), table, Contract(energy_decimals=3))
    slow = sum(Fraction(kwh, 1000) * Fraction(str(price)) for kwh, price in rows)
    cents = Decimal(slow.numerator) / Decimal(slow.denominator)
    assert told["energy_payment"].iloc[0] == cents.quantize(Decimal("0.01"), ROUND_HALF_UP)


@pytest.mark.parametrize("basis", ["event", "hour"])
def test_leaving_after_the_first_hour_frees_from_no_commitment(basis):
    # 10 kW over 2 h is 20 kWh; the only line is of the first hour: 10 kWh short, half of the capacity is paid.
    contract = Contract(
        basis=basis, committed_kw=10, penalty_per_kwh=0.5, capacity_price_per_kw_month=3, performance="proportional"
    )
    paid = payments(TWO, lines([10], [10, 10]), contract)
    assert paid["shortfall_kwh"].tolist() == [10.0, 0.0]
    assert paid["penalty"].tolist() == [Decimal("5.00"), Decimal("0.00")]
    assert paid["performance"].tolist() == [0.5, 1.0]
    assert paid["capacity_payment"].tolist() == [Decimal("7.50"), Decimal("15.00")]
