"""Uniform-price auctions, by hand and for any orders."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cblcast.frames.schema import DataError
from cblcast.value.auction import clear_uniform


def test_a_small_auction_by_hand():
    """Wanted 400 at 3000, offered 300 at 100, 200 at 50 and 230 at 60: 400 MW at 60."""
    cleared = clear_uniform([-400, 300, 200, 230], [3000, 100, 50, 60])
    assert (cleared.price, cleared.volume_mw) == (60.0, 400.0)
    np.testing.assert_allclose(cleared.accepted_mw, [400, 0, 200, 200])


def test_both_sides_end_together_nothing_trades_and_ties():
    assert clear_uniform([-10, 10], [50, 30]).price == 40
    assert np.isnan(clear_uniform([-10, 10], [20, 30]).price)
    tied = clear_uniform([-30, 20, 40], [50, 30, 30])
    np.testing.assert_allclose(tied.accepted_mw, [30, 10, 20])
    with pytest.raises(DataError, match="volume other than 0"):
        clear_uniform([0.0, 1.0], [1.0, 1.0])
    with pytest.raises(DataError, match="one length"):
        clear_uniform([1.0], [1.0, 2.0])


ORDERS = st.lists(st.tuples(st.integers(-50, 50).filter(bool), st.integers(-20, 60)), min_size=1, max_size=12)


@given(ORDERS, st.randoms())
def test_supply_is_demand_and_nobody_trades_against_its_limit(orders, random):
    volume, price = (np.array(x, dtype=float) for x in zip(*orders, strict=True))
    cleared = clear_uniform(volume, price)
    sells = volume > 0
    assert cleared.accepted_mw[sells].sum() == pytest.approx(cleared.accepted_mw[~sells].sum())
    assert (cleared.accepted_mw <= np.abs(volume) + 1e-9).all()
    trades = cleared.accepted_mw > 1e-9
    if trades.any():
        assert (price[trades & sells] <= cleared.price).all()
        assert (price[trades & ~sells] >= cleared.price).all()
        whole = np.abs(cleared.accepted_mw - np.abs(volume)) < 1e-9
        assert whole[sells & (price < cleared.price)].all()  # nobody who is left out would want in
        assert whole[~sells & (price > cleared.price)].all()
    shuffled = list(range(len(volume)))
    random.shuffle(shuffled)
    other = clear_uniform(volume[shuffled], price[shuffled])
    assert other.price == cleared.price or (np.isnan(other.price) and np.isnan(cleared.price))
    np.testing.assert_allclose(other.accepted_mw, cleared.accepted_mw[shuffled], atol=1e-9)


def test_rounding_of_a_sum_of_volumes_sets_no_price():
    """0.1 + 0.2 MW offered, 0.3 MW wanted: both sides end together."""
    cleared = clear_uniform([-0.3, 0.1, 0.2], [60, 50, 50])
    assert (cleared.price, cleared.volume_mw) == (55.0, pytest.approx(0.3))
