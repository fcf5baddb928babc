import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cblcast.errors import DataError, DataWarning
from cblcast.value.bargaining import Terms, agree, best_of, share_surplus, threshold_subsidy, two_stage
from cblcast.value.cash_flow import VehicleCosts, annuity_factor, present_value

MONEY = st.floats(1e3, 1e6)


def test_the_papers_surplus_cost():
    assert VehicleCosts().surplus_usd() == pytest.approx(6654.25, abs=0.005)
    assert VehicleCosts(battery_year=25).surplus_usd() == pytest.approx(6654.25 - 6000 / 1.2**10, abs=0.005)


def test_an_annuity_is_the_sum_of_its_payments():
    by_hand = present_value(np.ones(20), np.arange(1, 21), 0.2)
    assert annuity_factor(0.2, 20) == pytest.approx(by_hand)


@pytest.mark.parametrize("rate", [0.0, -0.1, float("nan"), float("inf")])
def test_a_discount_rate_is_above_0(rate):
    for call in (
        lambda: annuity_factor(rate, 20),
        lambda: present_value(1.0, 1.0, rate),
        lambda: VehicleCosts(discount_rate=rate).surplus_usd(),
    ):
        with pytest.raises(DataError, match="discount rate"):
            call()


def test_the_papers_price_of_an_hour():
    """189 $ a year, 920 $ a vehicle and 45 $ an hour are one number in three units."""
    deal = agree(2 * 920.0 * 100 - 654.25 * 100, 0.0, 100, 654.25)  # P* / N = (saving / N + s) / 2 = 920
    assert deal.payment_per_vehicle_usd == pytest.approx(920)
    assert deal.price_usd_per_year == pytest.approx(188.9, abs=0.1)
    assert deal.price_usd_per_hour == pytest.approx(45.0, abs=0.1)


@given(MONEY, st.floats(0, 1), st.integers(1, 500), st.floats(1, 5000), st.floats(0, 1))
def test_payoffs_add_up_and_power_divides_them(without, share, vehicles, surplus, power):
    cost = without * share
    deal = agree(without, cost, vehicles, surplus, Terms(owners_power=power))
    gain = without - cost - vehicles * surplus
    assert deal.deal == (gain > 0)
    if not deal.deal:
        assert "not defined" in deal.statement
        assert np.isnan(deal.price_usd_per_hour)
        return
    assert deal.operator_gain_usd + deal.owners_gain_usd == pytest.approx(gain)
    assert deal.owners_gain_usd == pytest.approx(power * gain, abs=1e-6)
    assert deal.payment_usd == pytest.approx(deal.owners_gain_usd + vehicles * surplus)
    if power == 0.5:
        assert deal.payment_usd == pytest.approx((without - cost + vehicles * surplus) / 2)  # equation 4


@given(st.integers(0, 2**32 - 1), st.floats(100, 3000), st.sampled_from([0.3, 0.5, 0.8]))
def test_two_stages_find_what_both_at_once_find(seed, surplus, power):
    rng = np.random.default_rng(seed)
    vehicles = np.arange(0, 41)
    cost = 5e4 * np.exp(-vehicles / rng.uniform(5, 40)) + np.r_[0, rng.uniform(0, 500, 40)]
    cost[0] = 5e4
    terms = Terms(owners_power=power)
    staged = two_stage(cost, vehicles, surplus, terms)
    # Simultaneously: every pair of vehicles and payment, from a fifth below to a fifth above what leaves either side nothing.
    gain = cost[0] - cost - vehicles * surplus
    count, part = (axis.ravel() for axis in np.meshgrid(vehicles, np.linspace(-0.2, 1.2, 1401), indexing="ij"))
    payment = count * surplus + part * np.abs(gain[count])
    at = best_of(np.c_[cost[0] - cost[count] - payment, payment - count * surplus], [0.0, 0.0], [1 - power, power])
    if not staged.deal:
        assert at is None
        return
    assert at is not None
    assert count[at] == staged.vehicles
    assert payment[at] == pytest.approx(staged.payment_usd)


def test_disagreement_points_move_the_deal():
    plain = agree(1000.0, 0.0, 1, 200.0)
    offered = agree(1000.0, 0.0, 1, 200.0, Terms(owners_fallback_usd=300.0))
    assert (plain.owners_gain_usd, offered.owners_gain_usd) == pytest.approx((400, 550))
    assert not agree(1000.0, 0.0, 1, 200.0, Terms(operator_fallback_usd=900.0)).deal


def test_no_gain_is_no_deal():
    deal = agree(1000.0, 900.0, 10, 200.0)
    assert not deal.deal
    assert "No deal: 10 vehicles save 100 $, but cost 2000 $ more" in deal.statement
    assert not agree(1000.0, 1000.0, 0, 200.0).deal


def test_a_subsidy_above_the_surplus_is_said():
    with pytest.warns(DataWarning, match=r"exceeds the surplus cost by 50\.00"):
        deal = agree(1000.0, 400.0, 10, -50.0)
    assert deal.payment_usd == pytest.approx((600 - 500) / 2)


def test_the_threshold_in_closed_form():
    assert threshold_subsidy(VehicleCosts().surplus_usd(), 0.7, 3.0, 800.0) == pytest.approx(4974.25, abs=0.005)


def test_a_linear_frontier_is_shared_equally():
    assert share_surplus(100.0, [0.0, 0.0]).tolist() == [50, 50]
    assert share_surplus(100.0, [10.0, 30.0, 0.0]).tolist() == pytest.approx([30, 50, 20])
    assert share_surplus(100.0, [0.0, 0.0], [1, 3]).tolist() == [25, 75]
    assert np.isnan(share_surplus(5.0, [4.0, 3.0])).all()
    grid = np.linspace(0, 100, 101)
    assert best_of(np.c_[grid, 100 - grid], [0, 0]) == 50
    assert best_of([[1.0, 1.0]], [2.0, 0.0]) is None


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: Terms(owners_power=1.5), "between 0 and 1"),
        (lambda: Terms(availability=0.0), r"\(0, 1\]"),
        (lambda: agree(float("nan"), 0, 1, 1), "numbers"),
        (lambda: two_stage([1.0, 2.0], [1, 2], 1.0), "no vehicles among them"),
        (lambda: two_stage([np.inf, 2.0], [0, 2], 1.0), "without vehicles is reliable"),
        (lambda: share_surplus(1.0, [0, 0], [1, 2, 3]), "one number"),
        (lambda: annuity_factor(0.1, 0), "years above 0"),
        (lambda: present_value(1.0, -1.0, 0.1), "0 or later"),
    ],
)
def test_bad_terms(call, says):
    with pytest.raises(DataError, match=says):
        call()


def test_what_is_no_bargain():
    nan = float("nan")
    for wrong in (
        lambda: share_surplus(nan, [0, 0]),
        lambda: share_surplus(10, [nan, 0]),
        lambda: best_of([1, 2], [0, 0]),
        lambda: best_of([[1, 2], [2, 1]], [0, 0], [0, 0]),
        lambda: best_of([[1, 2], [2, 1]], [0, 0], [-1, 2]),
        lambda: best_of([[nan, 2], [2, 1]], [0, 0]),
        lambda: Terms(discount_rate=0),
        lambda: Terms(years=nan),
        lambda: Terms(operator_fallback_usd=nan),
        lambda: threshold_subsidy(6654.25, 70, 3, 800),
        lambda: threshold_subsidy(nan, 0.7, 3, 800),
        lambda: VehicleCosts(price_gap_usd=nan).surplus_usd(),
    ):
        with pytest.raises(DataError):
            wrong()


def test_the_annuity_of_a_tiny_rate_is_the_number_of_years():
    assert annuity_factor(1e-18, 20) == pytest.approx(20)
