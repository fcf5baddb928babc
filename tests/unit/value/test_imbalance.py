"""Rules of imbalance prices, by hand."""

import numpy as np
import pytest

from cblcast.frames.schema import DataError
from cblcast.value.imbalance import french_two_price, nordic_two_price, single_price, turkish_dual_price


def test_french_rule_by_hand():
    trend = [1, 1, -1, -1, 0, np.nan]
    up, down, spot = [50.0, 30.0, 60.0, 60.0, 60.0, 60.0], [20.0, 20.0, 27.0, 50.0, 10.0, 10.0], [40.0] * 6
    long, short = french_two_price(trend, up, down, spot, k=0.08)
    np.testing.assert_allclose(long, [40, 40, 25, 40, 40, np.nan])
    np.testing.assert_allclose(short, [54, 40, 40, 40, 40, np.nan])


def test_k_never_softens_a_negative_price():
    long, short = french_two_price([-1, 1], [0.0, -10.8], [-10.0, 0.0], [5.0, -20.0], k=0.08)
    np.testing.assert_allclose(long, [-10.8, -20.0])
    np.testing.assert_allclose(short, [5.0, -10.0])


def test_short_never_pays_less_than_long_gets():
    rng = np.random.default_rng(0)
    trend = rng.choice([1, -1, 0], 500)
    up, down, spot = rng.normal(30, 40, (3, 500))
    for long, short in (
        french_two_price(trend, up, down, spot, 0.08),
        nordic_two_price(spot, np.where(up > 40, up, np.nan), np.where(down < 10, down, np.nan)),
        turkish_dual_price(np.abs(spot), np.abs(up)),
        single_price(spot),
    ):
        assert (short >= long).all()


def test_nordic_and_turkish_by_hand():
    long, short = nordic_two_price([30.0, 30.0, 30.0, np.nan], [45.0, np.nan, 25.0, 1.0], [np.nan, 10.0, 35.0, 1.0])
    np.testing.assert_allclose(long, [30, 10, 30, np.nan])
    np.testing.assert_allclose(short, [45, 30, 30, np.nan])
    # 2024-01-01 00:00 and 01:00, Turkish market: prices as published
    long, short = turkish_dual_price([1299.98, 1299.98], [560.0, 1299.98])
    np.testing.assert_allclose(long, [543.2, 1260.98], atol=0.005)
    np.testing.assert_allclose(short, [1338.98, 1338.98], atol=0.005)


def test_a_surcharge_below_zero():
    with pytest.raises(DataError, match="0 or more"):
        french_two_price([1], [1.0], [1.0], [1.0], k=-0.1)


def test_a_mean_of_trends_is_no_trend():
    with pytest.raises(DataError, match=r"a trend is 0.5.*average its prices, not its inputs"):
        french_two_price([1, 0.5], [60, 60], [20, 20], [40, 40])
