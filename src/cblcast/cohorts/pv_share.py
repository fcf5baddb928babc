"""The cohort of the duck-curve notebook: the larger city loses PV homes until its share of PV is below the smaller one's."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.errors import DataError, nearest

SINGLE_FAMILY = "Single-Family Home 001 (Master)"


def cut_to_pv_share(
    homes: pd.DataFrame,
    *,
    target: str = "Ithaca",
    pool: str = "Austin",
    first: str = "2019-07-01",
    last: str = "2020-08-01",
    least_availability_pct: float = 90.0,
    building_type: str = SINGLE_FAMILY,
) -> pd.DataFrame:
    """Homes of two cities as the duck-curve notebook chooses them; `homes` stays as it is.

    Parameters
    ----------
    homes : DataFrame, index dataid
        As :func:`cblcast.io.pecan_street.read_metadata` gives it.
    target, pool : str
        Values of ``city``: the smaller cohort, which stays, and the larger, which is cut.
    first, last : str
        The span (local clock) that 1-min data of a home must cover.
    least_availability_pct : float
        Of 1-min data in that home's own span.
    building_type : str

    Returns
    -------
    DataFrame
        The homes kept, with ``size_gap_sqft``: distance of their floor area from the median of `target`.

    Raises
    ------
    DataError
        A column that is missing, no home left of a city, or no PV share that can be met.

    Notes
    -----
    Duck-curve notebook, cells 3 and 4, in its order: active homes of the two cities with data; the span; missing floor areas
    filled with the city's median, over all building types; then single-family homes; then, while the share of PV in `target`
    is not above that of `pool`, the PV home of `pool` whose size is furthest from the median of `target` goes. The notebook
    removes them from the frame it goes on using; here it is a copy.
    """
    needed = (
        "active_record", "city", "building_type", "pv", "total_square_footage", "egauge_1min_data_availability",
        "egauge_1min_min_time_local", "egauge_1min_max_time_local",
    )  # fmt: skip
    for name in needed:
        if name not in homes.columns:
            raise DataError(f"the metadata has no column {name!r}: {nearest(name, map(str, homes.columns))}")
    kept = homes[
        homes["active_record"].to_numpy(dtype=bool)
        & (homes["egauge_1min_data_availability"].to_numpy() >= least_availability_pct)
        & homes["city"].isin([target, pool]).to_numpy()
        & (homes["egauge_1min_min_time_local"] <= pd.Timestamp(first)).to_numpy()
        & (homes["egauge_1min_max_time_local"] >= pd.Timestamp(last)).to_numpy()
    ].copy()
    area = kept["total_square_footage"].astype(np.float64)
    kept["total_square_footage"] = area.fillna(area.groupby(kept["city"]).transform("median"))
    kept = kept[kept["building_type"] == building_type]
    in_target, has_pv = kept["city"].to_numpy() == target, kept["pv"].to_numpy(dtype=bool)
    for city, there in ((target, in_target), (pool, ~in_target)):
        if not there.any():
            raise DataError(f"no home of {city} is left: {_why(homes, city, first, last)}")
    gap = (kept["total_square_footage"] - kept.loc[in_target, "total_square_footage"].median()).abs()
    kept["size_gap_sqft"] = gap
    return kept.drop(index=_pv_homes_to_go(gap, in_target, has_pv, target, pool))


def _pv_homes_to_go(gap: pd.Series, in_target: np.ndarray, has_pv: np.ndarray, target: str, pool: str) -> list[object]:
    share = has_pv[in_target].mean()
    if share == 0:
        raise DataError(
            f"no home of {target} has PV, so no share of PV in {pool} lies below its: match home by home instead"
        )
    # The largest gap first, and of equal ones the first in the file, as idxmax takes them.
    order = gap[~in_target & has_pv].sort_values(ascending=False, kind="stable").index
    n, n_pv = int((~in_target).sum()), int((~in_target & has_pv).sum())
    gone = 0
    while share <= (n_pv - gone) / (n - gone):
        gone += 1
        if gone == n:
            raise DataError(f"all homes of {pool} have PV, so none would be left: match home by home instead")
    return list(order[:gone])


def _why(homes: pd.DataFrame, city: str, first: str, last: str) -> str:
    there = int((homes["city"] == city).sum())
    if not there:
        return f"the metadata has none; known are {', '.join(map(str, homes['city'].dropna().unique()[:10]))}"
    return (
        f"none of its {there} homes is active, with enough 1-min data from {first} to {last}, and of that building type"
    )
