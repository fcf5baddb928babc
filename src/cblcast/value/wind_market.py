"""What a nowcast is worth: income from three markets (day-ahead, intraday, imbalance) and the gain over having none.

Source: Dupré et al. 2020, The Economic Value of Wind Energy Nowcasting, Energies 13(20) 5266, equations 4-7. Energies in
MWh per product, prices in currency per MWh. A producer sells the bid day-ahead, moves to the position intraday (sells
what the nowcast adds, buys what it takes away) and settles output minus position as imbalance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cblcast.frames.schema import SITE, TIME, DataError
from cblcast.value.market import Market

Array = NDArray[np.float64]
NONE, PERFECT = "none", "perfect"


@dataclass(frozen=True)
class Stages:
    """Income of each stage [currency] and the energy that was traded and settled [MWh], all of one shape."""

    day_ahead: Array
    intraday: Array
    imbalance: Array
    intraday_mwh: Array
    imbalance_mwh: Array

    @property
    def total(self) -> Array:
        """Equation 4."""
        return self.day_ahead + self.intraday + self.imbalance


def stage_income(
    bid_mwh: ArrayLike,
    position_mwh: ArrayLike,
    output_mwh: ArrayLike,
    *,
    day_ahead: ArrayLike,
    sell: ArrayLike,
    buy: ArrayLike,
    long: ArrayLike,
    short: ArrayLike,
) -> Stages:
    """Income by stage, equation 5, with one price to sell at and one to buy at intraday, and two imbalance prices.

    Parameters
    ----------
    bid_mwh, position_mwh, output_mwh : array_like
        Sold day-ahead, sold in all after the intraday trade, and delivered [MWh]; broadcast against each other.
    day_ahead, sell, buy, long, short : array_like
        Prices [currency/MWh]: day-ahead, intraday best bid and best ask, imbalance of a surplus and of a deficit.

    Returns
    -------
    Stages
        NaN where something is NaN.
    """
    bid, position, output = (np.asarray(x, dtype=np.float64) for x in (bid_mwh, position_mwh, output_mwh))
    traded, imbalance = position - bid, output - position
    return Stages(
        *np.broadcast_arrays(
            bid * np.asarray(day_ahead, dtype=np.float64),
            np.where(traded >= 0, traded * np.asarray(sell), traded * np.asarray(buy)),
            np.where(imbalance >= 0, imbalance * np.asarray(long), imbalance * np.asarray(short)),
            traded,
            imbalance,
        )
    )


@dataclass(frozen=True, eq=False)
class Valuation:
    """Income of every case over the SAME products, so that cases differ by their nowcast alone.

    Attributes
    ----------
    products : MultiIndex (site_id, time)
        The products that every case could be priced for.
    cases : MultiIndex (method, gate_min)
        ``none`` trades nothing intraday, ``perfect`` knows the output; then each nowcast.
    stages : Stages
        Arrays of shape (n_cases, n_products).
    rated_by_site : Series site_id -> MW
        Installed capacity.
    product_min : int
    currency : str
    left_out : dict reason -> int
        Products that no case counts, and why; those inside the span that the frame does not hold at all among them.
    """

    products: pd.MultiIndex
    cases: pd.MultiIndex
    stages: Stages
    rated_by_site: pd.Series
    product_min: int
    currency: str
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def rated_mw(self) -> float:
        """Installed capacity of all sites together [MW]."""
        return float(self.rated_by_site.sum())

    @property
    def times(self) -> pd.DatetimeIndex:
        """Start of each product."""
        return pd.DatetimeIndex(self.products.get_level_values(TIME))

    @property
    def weeks(self) -> float:
        """How many weeks the priced products of one site make: the mean over sites, by their capacity."""
        count = pd.Series(1, index=self.products.get_level_values(SITE)).groupby(level=0).size()
        mw_products = float((count * self.rated_by_site.reindex(count.index)).sum())
        return mw_products / self.rated_mw * self.product_min / (7 * 24 * 60)

    def row(self, method: str, gate_min: int) -> int:
        """Number of a case."""
        try:
            return int(self.cases.get_loc((method, gate_min)))
        except KeyError:
            known = [f"{name} at {gate}" for name, gate in self.cases]
            raise DataError(
                f"no case {method!r} at {gate_min} min was priced: known are {', '.join(known[:24])}"
            ) from None

    def gain(self, method: str, gate_min: int, over: str = NONE) -> Array:
        """Equation 7 of each product [currency]: income of a case minus that of another at the same gate."""
        total = self.stages.total
        return total[self.row(method, gate_min)] - total[self.row(over, gate_min)]


def value_wind(
    output_mwh: pd.Series,
    bids_mwh: pd.Series,
    nowcasts_mwh: pd.DataFrame,
    market: Market,
    rated_mw: float | pd.Series,
) -> Valuation:
    """Price every nowcast, none and a perfect one, over the products that all of them have.

    Parameters
    ----------
    output_mwh, bids_mwh : Series, index (site_id, time)
        Delivered and sold day-ahead [MWh per product].
    nowcasts_mwh : DataFrame, index (site_id, time), columns (method, gate_min)
        As :func:`cblcast.value.products.nowcast_energy` makes it.
    market : Market
    rated_mw : float or Series site_id -> MW
        Installed capacity; output above it by more than 5 % is refused.

    Returns
    -------
    Valuation

    Raises
    ------
    DataError
        No product that every case has, a nowcast called ``none`` or ``perfect``, output above rated power.
    """
    taken = {NONE, PERFECT} & set(nowcasts_mwh.columns.get_level_values("method"))
    if taken:
        raise DataError(f"a nowcast is called {sorted(taken)[0]!r}, which is the name of a case of its own: rename it")
    products = nowcasts_mwh.index.union(output_mwh.index).sort_values()
    output = output_mwh.reindex(products).to_numpy(dtype=np.float64)
    bids = bids_mwh.reindex(products).to_numpy(dtype=np.float64)
    positions = nowcasts_mwh.reindex(products).to_numpy(dtype=np.float64).T
    here = market.at(pd.DatetimeIndex(products.get_level_values(TIME)))
    _refuse_above_rated(products, output, rated_mw, market.product_min)
    gates = list(dict.fromkeys(nowcasts_mwh.columns.get_level_values("gate_min")))
    keep, left_out = _common_products(output, bids, positions, here, gates)
    absent = _absent(products, market.product_min)
    if absent:
        left_out = {"not in the scored frame": absent, **left_out}
    products, output, bids, positions = products[keep], output[keep], bids[keep], positions[:, keep]
    here = market.at(pd.DatetimeIndex(products.get_level_values(TIME)))

    cases, rows, sells, buys = [], [], [], []
    wanted = [(name, gate) for gate in gates for name in (NONE, PERFECT)] + list(nowcasts_mwh.columns)
    special = {NONE: bids, PERFECT: output}
    columns = list(nowcasts_mwh.columns)
    for name, gate in wanted:
        cases.append((name, int(gate)))
        rows.append(special[name] if name in special else positions[columns.index((name, gate))])
        sell, buy = here.intraday(int(gate))
        sells.append(sell)
        buys.append(buy)
    stages = stage_income(
        bids,
        np.array(rows),
        output,
        day_ahead=here.day_ahead,
        sell=np.array(sells),
        buy=np.array(buys),
        long=here.long,
        short=here.short,
    )
    return Valuation(
        products,
        pd.MultiIndex.from_tuples(cases, names=["method", "gate_min"]),
        stages,
        _capacity(rated_mw, products),
        market.product_min,
        market.currency,
        left_out,
    )


def _absent(products: pd.MultiIndex, product_min: int) -> int:
    """Products between the first and the last of each site that no frame holds."""
    us = pd.DatetimeIndex(products.get_level_values(TIME)).as_unit("us").asi8
    spans = pd.Series(us).groupby(np.asarray(products.codes[0])).agg(["min", "max", "size"])
    return int(((spans["max"] - spans["min"]) // (product_min * 60_000_000) + 1 - spans["size"]).sum())


def _capacity(rated_mw: float | pd.Series, products: pd.MultiIndex) -> pd.Series:
    sites = products.get_level_values(SITE).unique()
    return rated_mw.reindex(sites) if isinstance(rated_mw, pd.Series) else pd.Series(float(rated_mw), index=sites)


def _refuse_above_rated(products: pd.MultiIndex, output: Array, rated_mw: float | pd.Series, product_min: int) -> None:
    sites = products.get_level_values(SITE)
    if isinstance(rated_mw, pd.Series):
        lacking = sorted(set(sites.unique()) - set(rated_mw.dropna().index))
        if lacking:
            raise DataError(f"site {lacking[0]!r} has no rated power: add it, income per MW needs it")
        rated = rated_mw.reindex(sites).to_numpy(dtype=np.float64)
    else:
        rated = np.full(len(products), float(rated_mw))
    if not ((rated > 0) & (rated < np.inf)).all():
        raise DataError(
            "a rated power is 0 MW or less, or no finite number: give the installed capacity, which income per MW needs"
        )
    mw = output * 60 / product_min
    above = mw > 1.05 * rated
    if above.any():
        k = int(np.flatnonzero(above)[0])
        raise DataError(
            f"site {sites[k]!r} produced {mw[k]:.2f} MW at {products[k][1]}, above its rated {rated[k]:.2f} MW "
            f"({int(above.sum())} products): check the units (kW, or kWh per interval) and the rated power"
        )


def _common_products(
    output: Array, bids: Array, positions: Array, market: Market, gates: Sequence[int]
) -> tuple[NDArray[np.intp], dict[str, int]]:
    """Products that every case has, and how many fall to each reason (the first that applies)."""
    traded = [np.isfinite(price) for gate in gates for price in market.intraday(gate)]
    reasons = {
        "output was not metered": np.isfinite(output),
        "no day-ahead price": np.isfinite(market.day_ahead),
        "no intraday price": np.logical_and.reduce(traded),
        "no imbalance price": np.isfinite(market.long) & np.isfinite(market.short),
        "no day-ahead bid": np.isfinite(bids),
        "a nowcast is missing": np.isfinite(positions).all(axis=0),
    }
    keep = np.ones(len(output), dtype=bool)
    left_out = {}
    for reason, good in reasons.items():
        lost = int((keep & ~good).sum())
        if lost:
            left_out[reason] = lost
        keep &= good
    if not keep.any():
        told = "; ".join(f"{reason}: {count}" for reason, count in left_out.items()) or "there is no product at all"
        raise DataError(f"no product can be priced for every case ({told}): check that the spans and the zones agree")
    return np.flatnonzero(keep), left_out
