"""The error that turns a reanalysis into a forecast has the size and the memory that it is said to have."""

import numpy as np
import pandas as pd
import pytest

from cblcast.frames.schema import DataError
from cblcast.simulate.nwp_error import ar1, raise_nwp_error


def test_ar1_has_its_deviation_and_its_memory():
    series = ar1(200_000, 2.0, 0.89, np.random.default_rng(0))
    assert series.std() == pytest.approx(2.0, rel=0.02)
    assert np.corrcoef(series[:-1], series[1:])[0, 1] == pytest.approx(0.89, abs=0.01)
    assert np.corrcoef(series[:-3], series[3:])[0, 1] == pytest.approx(0.89**3, abs=0.02)
    with pytest.raises(DataError, match="0 <= phi < 1"):
        ar1(10, 1.0, 1.0, np.random.default_rng(0))


def test_all_products_get_the_same_error_in_their_shares():
    hours = pd.date_range("2020-01-01", periods=5000, freq="h", tz="UTC")
    era = pd.DataFrame({"u": 6.0, "v": 0.0, "speed": 6.0}, index=hours)
    low = pd.DataFrame({"u10": 3.0, "v10": 0.0}, index=hours)
    wrong = raise_nwp_error(
        {"era": era, "low": low}, {"era": [("u", "v", "speed", 1.0)], "low": [("u10", "v10", None, 0.5)]}, 6.0
    )
    error = wrong["era"]["u"] - 6.0
    assert error.std() == pytest.approx(0.15 * 6.0, rel=0.1)
    np.testing.assert_allclose(wrong["low"]["u10"] - 3.0, 0.5 * error)
    np.testing.assert_allclose(wrong["era"]["speed"], np.hypot(wrong["era"]["u"], wrong["era"]["v"]))
    assert abs(np.corrcoef(error, wrong["era"]["v"])[0, 1]) < 0.1
    assert (era["u"] == 6.0).all(), "the original stays as it is"
