"""Tables and series of a valuation: by case, week, month and stage, and how often the traded energy is large."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.schema import SITE, DataError
from cblcast.value.market import Market
from cblcast.value.wind_market import NONE, PERFECT, Valuation, stage_income

_WEEK_US = 7 * 86_400_000_000
STAGES = ("day_ahead", "intraday", "imbalance")


def income_table(found: Valuation) -> pd.DataFrame:
    """Income of each case, by stage and in all [currency], gain over no nowcast per week and MW, and its weekly risk.

    Returns
    -------
    DataFrame, index (method, gate_min)
        ``day_ahead_…``, ``intraday_…``, ``imbalance_…``, ``income_…`` (the currency in lower case), ``gain_…_per_mw_week``
        and its standard error over weeks (``gain_se``), ``gain_pct`` of the income without nowcast, ``worst_weeks_…``:
        mean income of the worst 5 % of weeks per MW.
    """
    unit = found.currency.lower()
    table = pd.DataFrame(index=found.cases)
    for stage in STAGES:
        table[f"{stage}_{unit}"] = getattr(found.stages, stage).sum(axis=1)
    total = found.stages.total
    table[f"income_{unit}"] = total.sum(axis=1)
    rows = []
    for number, (_, gate) in enumerate(found.cases):
        gain = total[number] - total[found.row(NONE, gate)]
        weekly = weekly_sums(found, gain) / found.rated_mw
        base = total[found.row(NONE, gate)].sum()
        rows.append(
            (
                gain.sum() / found.rated_mw / found.weeks,
                standard_error(weekly),
                100 * gain.sum() / base if base else np.nan,
                worst_weeks(weekly_sums(found, total[number]) / found.rated_mw),
            )
        )
    names = [f"gain_{unit}_per_mw_week", "gain_se", "gain_pct", f"worst_weeks_{unit}_per_mw"]
    return table.join(pd.DataFrame(rows, index=found.cases, columns=names))


def weekly_sums(found: Valuation, values: np.ndarray) -> np.ndarray:
    """Sums of a series over whole weeks from the first product on; a week with less than half its products is left out."""
    us = found.times.as_unit("us").asi8
    week = (us - us.min()) // _WEEK_US
    count = np.bincount(week)
    full = 7 * 24 * 60 / found.product_min * found.products.get_level_values(SITE).nunique()
    return np.bincount(week, values)[count >= full / 2]


def standard_error(weekly: np.ndarray) -> float:
    """Standard error of a weekly mean, weeks taken as independent; NaN for fewer than two weeks."""
    return float(np.std(weekly, ddof=1) / np.sqrt(len(weekly))) if len(weekly) > 1 else float("nan")


def worst_weeks(weekly: np.ndarray, share: float = 0.05) -> float:
    """Mean of the worst `share` of weeks (conditional value at risk), at least one week; NaN without any."""
    if len(weekly) == 0:
        return float("nan")
    return float(np.sort(weekly)[: max(1, round(share * len(weekly)))].mean())


def exceedance(found: Valuation, stage: str, share: float = 0.2) -> pd.DataFrame:
    """How often the energy of a stage is large, % of products: tables 3 (``intraday``) and 4 (``imbalance``) of the paper.

    Returns
    -------
    DataFrame, index (method, gate_min)
        ``below_minus_share``, ``below_zero``, ``above_zero``, ``above_share`` [%]; the share is of the site's installed capacity.
    """
    if stage not in ("intraday", "imbalance"):
        raise DataError(f"exceedance is told of 'intraday' or 'imbalance' energy, not {stage!r}")
    energy = getattr(found.stages, f"{stage}_mwh")
    rated = found.rated_by_site.reindex(found.products.get_level_values(SITE)).to_numpy(dtype=np.float64)
    limit = share * rated * found.product_min / 60
    tiny = 1e-9
    shares = {
        "below_minus_share": energy < -limit,
        "below_zero": energy < -tiny,
        "above_zero": energy > tiny,
        "above_share": energy > limit,
    }
    return pd.DataFrame({name: 100 * found_at.mean(axis=1) for name, found_at in shares.items()}, index=found.cases)


def monthly(found: Valuation, values: np.ndarray, zone: str = "UTC") -> pd.DataFrame:
    """Daily sums of a series, averaged over each month, with quartiles: figures 3, 8 and 9 of the paper.

    Returns
    -------
    DataFrame, index month (Period)
        ``mean``, ``q25``, ``q75`` per day and ``n_days``.
    """
    local = found.times.tz_convert(zone).tz_localize(None)
    daily = pd.Series(values, index=local).groupby(local.normalize()).sum()
    by_month = daily.groupby(daily.index.to_period("M"))
    return pd.DataFrame(
        {
            "mean": by_month.mean(),
            "q25": by_month.quantile(0.25),
            "q75": by_month.quantile(0.75),
            "n_days": by_month.size(),
        }
    )


def netting(
    output_mwh: pd.DataFrame, bids_mwh: pd.DataFrame, positions_mwh: pd.DataFrame, market: Market, gate_min: int
) -> dict[str, float]:
    """What an aggregator gains by trading and settling several farms as one.

    Parameters
    ----------
    output_mwh, bids_mwh, positions_mwh : DataFrame, index time, one column a farm [MWh]
    market : Market
    gate_min : int

    Returns
    -------
    dict
        ``alone`` and ``together`` [currency], ``worth`` = together − alone, ``imbalance_worth`` (that of the settlement
        alone), ``n_products``. Never negative where the short price is at or above the long price and the buying price
        at or above the selling price.
    """
    farms = list(output_mwh.columns)
    for what, frame in (("bids", bids_mwh), ("positions", positions_mwh)):
        if len(set(farms)) < len(farms) or sorted(map(str, frame.columns)) != sorted(map(str, farms)):
            raise DataError(
                f"netting needs output, bids and positions of the same farms, one column each: output has {farms}, {what} have "
                f"{list(frame.columns)}"
            )
    times = output_mwh.index.intersection(bids_mwh.index).intersection(positions_mwh.index)
    here = market.at(pd.DatetimeIndex(times))
    sell, buy = here.intraday(gate_min)
    q, bid, now = (
        frame.loc[times, farms].to_numpy(dtype=np.float64) for frame in (output_mwh, bids_mwh, positions_mwh)
    )
    prices = (here.day_ahead, here.long, here.short, sell, buy)
    keep = np.isfinite(np.column_stack([q, bid, now, *prices])).all(axis=1)
    if not keep.any():
        raise DataError(
            "no product has prices and every farm's numbers, so netting has no worth to tell: check the spans"
        )
    day_ahead, long, short, sell, buy = (price[keep] for price in prices)
    terms = {"day_ahead": day_ahead, "sell": sell, "buy": buy, "long": long, "short": short}
    column = {name: price[:, None] for name, price in terms.items()}
    alone = stage_income(bid[keep], now[keep], q[keep], **column)
    together = stage_income(bid[keep].sum(1), now[keep].sum(1), q[keep].sum(1), **terms)
    return {
        "alone": float(alone.total.sum()),
        "together": float(together.total.sum()),
        "worth": float(together.total.sum() - alone.total.sum()),
        "imbalance_worth": float(together.imbalance.sum() - alone.imbalance.sum()),
        "n_products": float(keep.sum()),
    }


def best_case(table: pd.DataFrame, gate_min: int) -> str:
    """The nowcast with the largest income at a gate."""
    income = next(column for column in table.columns if column.startswith("income_"))
    here = table.xs(gate_min, level="gate_min").drop(index=[NONE, PERFECT])
    return str(here[income].idxmax())
