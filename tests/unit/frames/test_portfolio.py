"""A portfolio is the sum of its sites, by a slow sum, and what it cannot be is told."""

import numpy as np
import pandas as pd
import pytest

from cblcast.errors import DataError
from cblcast.frames.panel import Panel
from cblcast.frames.portfolio import with_portfolio

TIMES = pd.date_range("2024-01-01", periods=6, freq="h", tz="UTC").as_unit("us")


def farms(**sites):
    index = pd.MultiIndex.from_product([["a", "b"], TIMES], names=["site_id", "time"])
    data = pd.DataFrame(
        {
            "observed_kw": np.r_[np.arange(6.0), 10 * np.arange(6.0)],
            "wind_speed_ms": np.r_[np.full(6, 4.0), np.full(6, 8.0)],
            "wind_dir_deg": np.r_[np.full(6, 350.0), np.full(6, 10.0)],
        },
        index=index,
    )
    data.loc[("b", TIMES[2]), "observed_kw"] = np.nan
    table = {"tz": "Europe/Paris", "country": "FR", "rated_kw": [1000.0, 3000.0], "lat": [1.0, 2.0], **sites}
    return Panel(data, pd.DataFrame(table, index=pd.Index(["a", "b"], name="site_id")))


def test_the_further_site_is_the_sum_of_all():
    made = with_portfolio(farms(), "all")
    assert list(made.site_ids) == ["a", "all", "b"]
    own = made.data.loc["all"]
    slow = [made.data.loc[("a", t), "observed_kw"] + made.data.loc[("b", t), "observed_kw"] for t in TIMES]
    np.testing.assert_array_equal(own["observed_kw"], slow)
    assert np.isnan(own["observed_kw"].iloc[2])
    np.testing.assert_allclose(own["wind_speed_ms"], 0.25 * 4 + 0.75 * 8)
    np.testing.assert_allclose(own["wind_dir_deg"], 0.0, atol=1e-9)
    site = made.sites.loc["all"]
    assert (site["rated_kw"], site["tz"], site["country"]) == (4000.0, "Europe/Paris", "FR")
    assert np.isnan(site["lat"])
    pd.testing.assert_frame_equal(made.data.loc[["a", "b"]], farms().data, check_names=False)


def test_without_rated_power_all_sites_count_alike():
    one = farms()
    made = with_portfolio(Panel(one.data, one.sites.drop(columns="rated_kw")), "all")
    np.testing.assert_allclose(made.data.loc["all", "wind_speed_ms"], 6.0)


def test_what_cannot_be_a_portfolio_is_told():
    with pytest.raises(DataError, match="would be one site, 'a'"):
        with_portfolio(farms().select(["a"]), "all")
    with pytest.raises(DataError, match="cannot be called 'b'"):
        with_portfolio(farms(), "b")
    with pytest.raises(DataError, match="zones Europe/Paris and Europe/Rome"):
        with_portfolio(farms(tz=["Europe/Paris", "Europe/Rome"]), "all")
