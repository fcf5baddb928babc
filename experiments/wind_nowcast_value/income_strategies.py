"""Strategies with the intervals of the blend, with simulated quotes and with simulated books; and figure 6."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from forecasts import KEPT, LEVELS
from french_market import GATES_MIN, PRODUCT_MIN, K, data_dir, french_prices, quoted_market

from cblcast.frames.schema import TIME
from cblcast.simulate.orders import (
    IntradayModel,
    movement_from_auctions,
    simulate_orders,
    simulate_quotes,
    starting_middles,
)
from cblcast.value.market import make_market
from cblcast.value.order_stream import order_stream
from cblcast.value.products import nowcast_energy
from cblcast.value.replay import replay
from cblcast.value.strategies import along_ladder, at_once, in_steps, newsvendor, newsvendor_targets
from cblcast.value.strategy_report import expected_spreads, strategy_table

RATED_MW = 8.2
FIGURE_6 = IntradayModel()  # the German book of the paper: sold at 31, bought at 33 EUR
FRENCH = IntradayModel(level=None, pass_through=1.0)  # the same spreads and movements around the French day-ahead price
SEED = 10


def irish_movement() -> pd.Series:
    """Movement of a price towards delivery by the Irish intraday auctions, as a share of the mean price.

    IDA1 closes at 17:30 of the day before for 23:00 on, IDA2 at 08:00 for 11:00 on, IDA3 at 14:00 for 17:00 on (Irish time); the
    nearest product is three hours off, so the value at 30 minutes is extrapolated.
    """
    prices = pd.read_parquet(data_dir() / "market" / "ie_sem_day_ahead_ida_2025_2026.parquet").set_index("time_utc")
    local = prices.index.tz_convert("Europe/Dublin")
    hour = local.hour + local.minute / 60
    held = {"ida1": np.where(hour >= 23, hour - 17.5, hour + 6.5), "ida2": hour - 8.0, "ida3": hour - 14.0}
    changes = np.concatenate([(prices[name] - prices["day_ahead"]).to_numpy(np.float64) for name in held])
    minutes = 60 * np.concatenate(list(held.values()))
    level = float(prices["day_ahead"].mean())
    far, near = movement_from_auctions(changes, minutes)
    told = {"180 min": far / level, "30 min (extrapolated)": near / level}
    model = {"figure 6, 180 min": FIGURE_6.sd_far / 32.0, "figure 6, 30 min": FIGURE_6.sd_near / 32.0}
    return pd.Series({**told, **model}, name="share of the mean price")


def figure_6(prices: pd.DataFrame) -> dict[str, Any]:
    """Standard deviation of the simulated best prices over the year, by gate, beside what the paper's text says."""
    hourly = prices["day_ahead_per_mwh"].to_numpy().reshape(-1, 2).mean(axis=1)
    minutes = np.array([180.0, 150, 120, 90, 60, 45, 30])
    rows = []
    for seed in range(4):
        sell, buy = simulate_quotes(starting_middles(hourly, FIGURE_6), minutes, FIGURE_6, np.random.default_rng(seed))
        rows.append(np.column_stack([sell.std(axis=0), buy.std(axis=0), sell.mean(axis=0), buy.mean(axis=0)]))
    names = ["sell_sd_eur", "buy_sd_eur", "sell_mean_eur", "buy_mean_eur"]
    table = pd.DataFrame(np.mean(rows, axis=0), index=pd.Index(minutes, name="minutes_before"), columns=names)
    return {"quotes": table, "books": _books_of_a_year(prices.index[::2], hourly), "irish_auctions": irish_movement()}


def _books_of_a_year(hours: pd.DatetimeIndex, hourly: np.ndarray, every: int = 5) -> pd.DataFrame:
    """The same from whole books, order by order, of every fifth hour of the year."""
    book = replay(order_stream(simulate_orders(hours[::every], hourly[::every], FIGURE_6, seed=SEED)), GATES_MIN)
    by_gate = book.quotes.groupby(level="minutes_before")
    table = by_gate[["bid_per_mwh", "ask_per_mwh"]].std().set_axis(["sell_sd_eur", "buy_sd_eur"], axis=1)
    spread = (book.quotes["ask_per_mwh"] - book.quotes["bid_per_mwh"]).groupby(level="minutes_before").mean()
    return table.assign(spread_eur=spread, bid_depth_mw=by_gate["bid_depth_mw"].mean(), events=book.counts["events"])


def blend_quantiles(gate: int, index: pd.MultiIndex) -> np.ndarray:
    """Quantiles of the half-hour's energy [MWh], shape (n, levels): means of the quantiles of its three intervals.

    That takes their errors as moving together, which over ten minutes they nearly do.
    """
    kept = pd.read_parquet(KEPT / "blend_quantiles.parquet")
    names = list(kept.columns)
    made = np.full((len(index), len(names)), np.nan)
    for number, name in enumerate(names):
        frame = kept[[name]].rename(columns={name: "predicted_kw"}).assign(method="blend", observed_kw=0.0)
        made[:, number] = nowcast_energy(frame, PRODUCT_MIN, [gate], 0)["blend", gate].reindex(index).to_numpy()
    return made


def _expected(middle: np.ndarray, times: pd.DatetimeIndex) -> tuple[np.ndarray, np.ndarray]:
    """Long and short prices as a trader may expect them: 2014's spreads by hour around a price that is known.

    Around the intraday price the newsvendor only weighs the spreads. Around the day-ahead price it also bets against every move
    of the intraday price, which pays in this model alone, where such a move says nothing of the imbalance price to come.
    """
    past = french_prices(2014)
    old = make_market(past.assign(intraday_per_mwh=past["day_ahead_per_mwh"]), "french", PRODUCT_MIN, k=K)
    below, above = expected_spreads(old.times, old.day_ahead, old.long, old.short, "Europe/Paris")
    hour = times.tz_convert("Europe/Paris").hour
    return middle - below[hour], middle + above[hour]


def strategies_by_quote(farm: Any) -> dict[str, Any]:
    """Strategies of three nowcasts with quotes that depend on the gate; products that all of them have."""
    made = {"french level": _by_quote(farm, FRENCH), "german level": _by_quote(farm, FIGURE_6)}
    return {
        **{level: table for level, (table, _) in made.items()},
        "half_hour_coverage_pct": made["french level"][1],
        "n_products": made["french level"][0].attrs["n_products"],
    }


def _by_quote(farm: Any, model: IntradayModel) -> tuple[pd.DataFrame, float]:
    market = quoted_market(farm.prices, model, SEED)
    names = ("persistence", "LR_obs (paper)", "blend")
    now = farm.nowcasts[[c for c in farm.nowcasts.columns if c[0] in names]].dropna()
    quantiles = {gate: blend_quantiles(gate, now.index) for gate in GATES_MIN}
    known = np.logical_and.reduce([np.isfinite(q).all(axis=1) for q in quantiles.values()])
    now, quantiles = now[known], {gate: q[known] for gate, q in quantiles.items()}
    times = pd.DatetimeIndex(now.index.get_level_values(TIME))
    here = market.at(times)
    bid, output = (s.reindex(now.index).to_numpy() for s in (farm.bids("fitted curve", 0), farm.output))
    gates = sorted(GATES_MIN, reverse=True)
    quotes = {gate: here.intraday(gate) for gate in gates}
    made = {f"perfect at {gate} min": at_once(bid, output, *quotes[gate]) for gate in GATES_MIN}
    for gate in GATES_MIN:
        sell, buy = quotes[gate]
        for name in names:
            made[f"{name} at {gate} min"] = at_once(bid, now[name, gate].to_numpy(), sell, buy)
        for what, middle in (("newsvendor", (sell + buy) / 2), ("betting newsvendor", here.day_ahead)):
            long, short = _expected(middle, times)
            made[f"{what} at {gate} min"] = newsvendor(
                bid, LEVELS, quantiles[gate], sell=sell, buy=buy, long=long, short=short, ceiling=RATED_MW / 2
            )
    steps = np.array([now["blend", gate].to_numpy() for gate in gates])
    sells, buys = (np.array([quotes[gate][side] for gate in gates]) for side in (0, 1))
    made["blend in four equal steps"] = in_steps(bid, steps, sells, buys)
    made["blend followed at every gate"] = in_steps(bid, steps, sells, buys, shares=[1, 1, 1, 1])
    table = strategy_table(
        made,
        times,
        bid_mwh=bid,
        output_mwh=output,
        day_ahead=here.day_ahead,
        long=here.long,
        short=here.short,
        rated_mw=RATED_MW,
        product_min=PRODUCT_MIN,
    )
    low, high = (quantiles[30][:, LEVELS.index(level)] for level in (0.1, 0.9))
    good = np.isfinite(output)
    return table, float(100 * ((output >= low) & (output <= high))[good].mean())


def strategies_in_books(
    farm: Any, weeks: tuple[str, ...] = ("2015-01-12", "2015-04-13", "2015-07-13", "2015-10-12")
) -> dict[str, Any]:
    """The same trades walked through simulated books, four weeks of hourly products, for farms of 1 to 100 times the size."""
    first, *others = (pd.date_range(week, periods=168, freq="h", tz="UTC", unit="us") for week in weeks)
    hours = first.append(others)
    known = farm.prices["day_ahead_per_mwh"].reindex(hours).to_numpy()
    stream = order_stream(simulate_orders(hours, known, FRENCH, seed=SEED))
    book = replay(stream, [30])
    site = farm.nowcasts.index.get_level_values("site_id")[0]
    index = pd.MultiIndex.from_product([[site], hours], names=["site_id", TIME])
    # An hour is traded 30 min before it begins: leads 40 to 90, of which the nowcasts hold 40 to 60 and 70 to 90.
    parts = [(30, 0), (60, 30)]
    hourly = {
        name: sum(
            farm.nowcasts[name, gate]
            .reindex(index.set_levels(hours + pd.Timedelta(minutes=after), level=TIME))
            .to_numpy()
            for gate, after in parts
        )
        for name in ("blend", "LR_obs (paper)")
    }
    quantiles = sum(
        blend_quantiles(gate, index.set_levels(hours + pd.Timedelta(minutes=after), level=TIME))
        for gate, after in parts
    )

    def hour_sum(series: pd.Series) -> np.ndarray:
        return sum(
            series.reindex(index.set_levels(hours + pd.Timedelta(minutes=m), level=TIME)).to_numpy() for m in (0, 30)
        )

    bid, output = hour_sum(farm.bids("fitted curve", 0)), hour_sum(farm.output)
    market = quoted_market(farm.prices, FRENCH, SEED)
    halves = [market.at(hours + pd.Timedelta(minutes=m)) for m in (0, 30)]
    day_ahead, long, short = (
        np.mean([getattr(h, name) for h in halves], axis=0) for name in ("day_ahead", "long", "short")
    )
    low, high = _expected(book.prices[:, :, 0].mean(axis=1), hours)
    rows = {}
    for size in (1, 10, 30, 100):
        made = {
            f"{name}, best price": at_once(size * bid, size * now, book.prices[:, 0, 0], book.prices[:, 1, 0])
            for name, now in hourly.items()
        }
        made |= {
            f"{name}, through the book": along_ladder(size * bid, size * now, book.prices, book.volumes, 60)
            for name, now in hourly.items()
        }
        targets = newsvendor_targets(LEVELS, size * quantiles, book.prices, low, high, size * RATED_MW)
        targets = np.where(np.isfinite(quantiles).all(axis=1)[:, None, None], targets, np.nan)
        made["newsvendor, through the book"] = along_ladder(size * bid, targets, book.prices, book.volumes, 60)
        table = strategy_table(
            made,
            hours,
            bid_mwh=size * bid,
            output_mwh=size * output,
            day_ahead=day_ahead,
            long=long,
            short=short,
            rated_mw=size * RATED_MW,
            product_min=60,
        )
        rows[size] = table["gain_eur_per_mw_week"]
    quotes = book.quotes.groupby(level="minutes_before").mean()
    return {
        "gain_eur_per_mw_week": pd.DataFrame(rows).rename_axis(columns="size"),
        "quotes": quotes,
        "counts": book.counts,
    }
