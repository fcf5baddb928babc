"""Cohorts: the notebook's cut once more as the notebook writes it, matching against brute force, balance by hand."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from cblcast.cohorts import balance_table, cut_to_pv_share, nearest_neighbours
from cblcast.errors import DataError, StudyError


def homes(seed: int, n_austin: int = 80, n_ithaca: int = 30) -> pd.DataFrame:
    """Homes as the metadata reader gives them, drawn at random: what is tested is the procedure."""
    rng = np.random.default_rng(seed)
    n = n_austin + n_ithaca
    return pd.DataFrame(
        {
            "active_record": rng.random(n) < 0.9,
            "city": ["Austin"] * n_austin + ["Ithaca"] * n_ithaca,
            "building_type": np.where(rng.random(n) < 0.8, "Single-Family Home 001 (Master)", "Apartment"),
            "pv": rng.random(n) < np.where(np.arange(n) < n_austin, 0.8, 0.6),
            "total_square_footage": np.where(rng.random(n) < 0.2, np.nan, rng.integers(8, 40, n) * 100.0),
            "egauge_1min_data_availability": rng.integers(80, 101, n).astype(float),
            "egauge_1min_min_time_local": pd.Timestamp("2018-01-01"),
            "egauge_1min_max_time_local": pd.Timestamp("2021-01-01"),
        },
        index=pd.Index([str(100 + i) for i in range(n)], name="dataid"),
    )


def as_the_notebook_does(meta: pd.DataFrame) -> list[str]:
    """Cells 3 and 4 of the notebook, line by line, on its own types: 'yes' or nothing, text or numbers."""
    df = meta.copy()
    df["pv"] = df["pv"].map({True: "yes", False: np.nan})
    df = df.loc[df.active_record & (df.egauge_1min_data_availability >= 90)]
    df = df.loc[(df.city == "Austin") | (df.city == "Ithaca")]
    df = df.loc[(df.egauge_1min_min_time_local <= "2019-07-01") & (df.egauge_1min_max_time_local >= "2020-08-01")]
    for city in ("Austin", "Ithaca"):
        median = np.median(df.loc[df.city == city].total_square_footage.dropna().to_list())
        df.loc[(df.city == city) & df.total_square_footage.isna(), "total_square_footage"] = median
    df = df.loc[df.building_type == "Single-Family Home 001 (Master)"]
    middle = np.median(df.loc[df.city == "Ithaca"].total_square_footage.dropna().to_list())
    df["abs_diff_vec"] = [np.abs(middle - x) for x in df["total_square_footage"].to_list()]
    ithaca = df.loc[df.city == "Ithaca", "pv"].value_counts().iloc[0] / len(df.loc[df.city == "Ithaca"])
    austin = df.loc[df.city == "Austin", "pv"].value_counts().iloc[0] / len(df.loc[df.city == "Austin"])
    while ithaca <= austin:
        df = df.drop(df.loc[(df.pv == "yes") & (df.city == "Austin"), "abs_diff_vec"].idxmax())
        austin = df.loc[df.city == "Austin", "pv"].value_counts().iloc[0] / len(df.loc[df.city == "Austin"])
    return df.index.to_list()


@pytest.mark.parametrize("seed", [0, 1, 3, 4, 5, 6, 7, 8])  # with 2 no PV home would be left, and the notebook stops
def test_the_cut_is_the_notebooks(seed):
    meta = homes(seed)
    untouched = meta.copy(deep=True)
    kept = cut_to_pv_share(meta)
    assert kept.index.to_list() == as_the_notebook_does(meta)
    pd.testing.assert_frame_equal(meta, untouched)
    shares = kept.groupby("city")["pv"].mean()
    assert shares["Austin"] < shares["Ithaca"]


def test_a_cut_that_cannot_be_made_is_told():
    meta = homes(1)
    with pytest.raises(DataError, match="no home of Boston is left: the metadata has none"):
        cut_to_pv_share(meta, target="Boston")
    with pytest.raises(DataError, match="no home of Ithaca has PV"):
        cut_to_pv_share(meta.assign(pv=meta["pv"] & (meta["city"] == "Austin")))
    with pytest.raises(DataError, match="all homes of Austin have PV"):
        cut_to_pv_share(meta.assign(pv=True))
    with pytest.raises(DataError, match="none of its 30 homes is active"):
        cut_to_pv_share(meta.assign(egauge_1min_data_availability=10.0))


def test_matching_is_the_least_total_distance_of_all_there_are():
    rng = np.random.default_rng(3)
    for _ in range(20):
        ours = pd.DataFrame({"area": rng.normal(size=4), "pv": rng.random(4) < 0.5})
        pool = pd.DataFrame({"area": rng.normal(size=6), "pv": rng.random(6) < 0.5}, index=list("abcdef"))
        found = nearest_neighbours(ours, pool, ["area"], caliper=None, exact=())
        spread = np.concatenate([ours["area"], pool["area"]]).std()
        apart = np.abs(ours["area"].to_numpy()[:, None] - pool["area"].to_numpy()) / spread
        best = min(apart[np.arange(4), list(chosen)].sum() for chosen in permutations(range(6), 4))
        assert found.pairs["distance"].sum() == pytest.approx(best)
        assert found.pairs["partner"].is_unique


def test_as_many_are_matched_as_the_caliper_lets():
    """Home 0 could take the only partner of home 1, and has another within the caliper."""
    ours = pd.DataFrame({"area": [1.0, 0.0, 9.0, np.nan]})
    pool = pd.DataFrame({"area": [0.9, 1.6, -40.0, 40.0]}, index=list("abcd"))
    found = nearest_neighbours(ours, pool, ["area"], caliper=0.05)
    assert found.pairs.set_index("home")["partner"].to_dict() == {0: "b", 1: "a"}
    assert found.unmatched["reason"].to_dict() == {
        2: "no partner within the caliper that another home does not need more",
        3: "a covariate is missing",
    }
    assert list(found.after.columns) == list(found.before.columns)


def test_equal_columns_stay_equal_and_nobody_is_matched_in_vain():
    ours = pd.DataFrame({"area": [1.0, 2.0], "pv": [True, False]})
    pool = pd.DataFrame({"area": [1.1, 2.1], "pv": [False, True]}, index=["x", "y"])
    found = nearest_neighbours(ours, pool, ["area"], caliper=None, exact=["pv"])
    assert found.pairs.set_index("home")["partner"].to_dict() == {0: "y", 1: "x"}
    with pytest.raises(DataError, match=r"no home has a partner within 0\.01"):
        nearest_neighbours(ours, pool, ["area"], caliper=0.01, exact=["pv"])
    for wrong in (0, -1.0, float("nan"), "wide"):
        with pytest.raises(StudyError, match="caliper is a positive number"):
            nearest_neighbours(ours, pool, ["area"], caliper=wrong)
    with pytest.raises(DataError, match=r"'area' of homes is str|'area' of homes is object"):
        nearest_neighbours(ours.assign(area=["small", "large"]), pool, ["area"])


def test_balance_by_hand():
    """Two groups of three: means 2 and 4, variances 1 and 4."""
    table = balance_table(pd.DataFrame({"x": [1, 2, 3]}), pd.DataFrame({"x": [2.0, 4.0, 6.0]}), ["x"])
    row = table.loc["x"]
    assert (row["mean_first"], row["mean_second"]) == (2, 4)
    assert row["difference"] == pytest.approx(-2 / np.sqrt(2.5))
    assert row["variance_ratio"] == pytest.approx(0.25)
    assert not row["balanced"]
    same = balance_table(pd.DataFrame({"x": [5, 5]}), pd.DataFrame({"x": [5, np.nan]}), ["x"]).loc["x"]
    assert same["difference"] == 0
    assert (same["missing_first"], same["missing_second"]) == (0, 1)
    with pytest.raises(DataError, match="the second group has no rows"):
        balance_table(pd.DataFrame({"x": [1.0]}), pd.DataFrame({"x": []}), ["x"])


def test_a_home_is_not_its_own_partner():
    homes = pd.DataFrame({"area": [100.0, 120.0]}, index=["a", "b"])
    with pytest.raises(DataError, match="home 'b' stands in both groups"):
        nearest_neighbours(homes, homes.iloc[1:], ["area"])
