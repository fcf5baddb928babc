"""Other markets: two Turkish farms of 2024 with their own schedules, Belgian quarter-hours, Irish intraday auctions.

The Belgian and Irish prices are set beside La Haute Borne's output of 2015 at the same date and hour of another year: real
prices, real wind, but not of one another, so nothing of what ties a farm's error to its system's imbalance is in there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from french_market import data_dir

from cblcast.frames.schema import SITE, TIME
from cblcast.io.price_products import price_gaps, to_products
from cblcast.io.prices import read_prices
from cblcast.value.market import Market, make_market
from cblcast.value.wind_market import value_wind
from cblcast.value.wind_tables import income_table, netting

GATE = 60


def turkey() -> dict[str, Any]:
    """Schedules of the day ahead, output and dual imbalance prices of two farms; nowcasts learned January to June, judged after.

    An hour is traded an hour before it begins, when the last whole hour is two back. ``schedule + last error`` moves the schedule
    by the share of its last error that least squares finds in the first half-year. No intraday price is given: the day-ahead
    price ± 2 % stands in.
    """
    path = data_dir() / "market" / "tr_epias_two_farms_hourly_2024.parquet"
    names = {"day_ahead_try_mwh": "day_ahead_per_mwh", "system_marginal_try_mwh": "system_per_mwh"}
    frame = pd.read_parquet(path)
    prices = read_prices(path, columns=names, only={"farm": "EBER"}, clock="Europe/Istanbul")
    published = read_prices(
        path, columns=["imb_pos_try_mwh", "imb_neg_try_mwh"], only={"farm": "EBER"}, clock="Europe/Istanbul"
    )
    spot = prices["day_ahead_per_mwh"]
    market = make_market(
        prices.assign(intraday_sell_per_mwh=0.98 * spot, intraday_buy_per_mwh=1.02 * spot),
        "turkish",
        60,
        currency="TRY",
    )
    rule_error = max(
        np.abs(market.long - published["imb_pos_try_mwh"]).max(),
        np.abs(market.short - published["imb_neg_try_mwh"]).max(),
    )
    tables, wide = {}, {}
    rated = frame.groupby("farm")["production_mwh"].max().clip(lower=frame.groupby("farm")["schedule_mwh"].max())
    cut = pd.Timestamp("2024-07-01", tz="Europe/Istanbul")
    for name, one in frame.groupby("farm"):
        index = pd.MultiIndex.from_arrays([[name] * len(one), prices.index], names=[SITE, TIME])
        bid, output = (pd.Series(one[c].to_numpy(np.float64), index=index) for c in ("schedule_mwh", "production_mwh"))
        error = (output - bid).shift(2)
        past = (prices.index < cut) & error.notna().to_numpy()
        share = float((error * (output - bid))[past].sum() / (error**2)[past].sum())
        now = pd.DataFrame(
            {
                ("persistence", GATE): output.shift(2),
                ("schedule + last error", GATE): (bid + share * error).clip(0, rated[name]),
            }
        )
        now.columns = now.columns.set_names(["method", "gate_min"])
        later = prices.index >= cut
        found = value_wind(output[later], bid[later], now[later], market, float(rated[name]))
        tables[name] = income_table(found).droplevel("gate_min").assign(share_of_last_error=share)
        wide[name] = (
            output[later].droplevel(0),
            bid[later].droplevel(0),
            now["schedule + last error", GATE][later].droplevel(0),
        )
    parts = [pd.DataFrame({name: series[k] for name, series in wide.items()}) for k in range(3)]
    net = {
        case: netting(parts[0], parts[1], parts[k], market, GATE)
        for case, k in (("schedules", 1), ("schedule + last error", 2))
    }
    return {
        "income": pd.concat(tables, names=["farm"]),
        "netting": pd.DataFrame(net).T,
        "rule_error_try": float(rule_error),
    }


def _moved(farm: Any, first: str, product_min: int) -> tuple[pd.Series, pd.Series, pd.DataFrame]:
    """La Haute Borne's half-hours of 2015 moved by whole weeks into the span from `first` on, and split into quarter-hours if asked."""
    days = (pd.Timestamp(first, tz="UTC") - pd.Timestamp("2015-01-01", tz="UTC")).days // 7 * 7
    output, bids = farm.output, farm.bids("fitted curve", 0)
    now = farm.nowcasts[
        [c for c in farm.nowcasts.columns if c[0] in ("persistence", "LR_obs (paper)", "blend") and c[1] == GATE]
    ]

    def move(frame: Any) -> Any:
        moved = frame.copy()
        site, time = moved.index.get_level_values(SITE), moved.index.get_level_values(TIME)
        parts = 30 // product_min
        pieces = []
        for part in range(parts):
            piece = moved / parts
            piece.index = pd.MultiIndex.from_arrays(
                [site, time + pd.Timedelta(days=days, minutes=part * product_min)], names=[SITE, TIME]
            )
            pieces.append(piece)
        return pd.concat(pieces).sort_index()

    return move(output), move(bids), move(now)


def belgium(farm: Any) -> dict[str, Any]:
    """Quarter-hours, one imbalance price: a half-hour's energy held flat through its two quarters."""
    names = {"day_ahead_eur_mwh": "day_ahead_per_mwh", "imbalance_eur_mwh": "imbalance_per_mwh"}
    prices = read_prices(
        data_dir() / "market" / "be_day_ahead_imbalance_15min_2024_2025.parquet", columns=names, zone="Europe/Brussels"
    )
    spot = prices["day_ahead_per_mwh"]
    market = make_market(prices.assign(intraday_per_mwh=spot), "single_price", 15)
    found = value_wind(*_moved(farm, "2024-06-06", 15), market, 8.2)
    gaps = price_gaps(prices)
    return {
        "income": income_table(found).droplevel("gate_min"),
        "left_out": found.left_out,
        "gaps": gaps.groupby("column")["n_products"].agg(["size", "sum"]),
    }


def ireland(farm: Any) -> dict[str, Any]:
    """Half-hours; the last auction before delivery is the intraday price, and imbalance costs that ∓ a penalty, scanned."""
    names = {"day_ahead": "day_ahead_per_mwh", "ida1": "ida1", "ida2": "ida2", "ida3": "ida3"}
    prices = read_prices(data_dir() / "market" / "ie_sem_day_ahead_ida_2025_2026.parquet", columns=names)
    last = prices["ida3"].fillna(prices["ida2"]).fillna(prices["ida1"])
    rows = {}
    output, bids, now = _moved(farm, "2025-07-03", 30)
    times = prices.index
    at = to_products(prices.assign(last=last), times, 30)
    for penalty in (0.0, 5.0, 10.0, 20.0):
        middle = at["last"].to_numpy()
        market = Market(
            times, at["day_ahead_per_mwh"].to_numpy(), middle - penalty, middle + penalty, middle, middle, 30
        )
        table = income_table(value_wind(output, bids, now, market, 8.2)).droplevel("gate_min")
        rows[penalty] = table["gain_eur_per_mw_week"]
    moves = {
        f"sd of {b} − {a}": float((prices[b] - prices[a]).std())
        for a, b in (("day_ahead_per_mwh", "ida1"), ("ida1", "ida2"), ("ida2", "ida3"))
    }
    return {
        "gain_by_penalty": pd.DataFrame(rows).T.rename_axis("penalty_eur"),
        "moves": pd.Series(moves),
        "half_hours": int(at["last"].notna().sum()),
    }
