"""How fast a year is priced and an order book is rebuilt.

    python benchmarks/markets/run.py

Processor seconds of one core. The year: 52,560 ten-minute intervals of one farm (made: money does not care whose), five nowcasts,
four balancing times. The book: simulated orders of busy and of quiet hourly
products; the slow oracle of the tests replays some of them.
Writes results.json beside this file.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pandas as pd

from cblcast.frames.schema import CASE_INDEX
from cblcast.simulate.orders import IntradayModel, simulate_orders
from cblcast.value.market import Market
from cblcast.value.order_stream import ADD, CANCEL, CHANGE, OrderStream, order_stream
from cblcast.value.products import nowcast_energy, observed_energy
from cblcast.value.replay import replay
from cblcast.value.wind_market import value_wind
from cblcast.value.wind_tables import income_table

HERE = Path(__file__).parent
GATES_MIN = (30, 60, 120, 180)
METHODS = ("persistence", "forecast", "LR_no-obs", "LR_obs", "blend")
# orders an hour near delivery, products, products that the slow book replays; tens of thousands of events make a busy hour
BOOKS = {"busy": (4800.0, 24, 1), "quiet": (240.0, 240, 6)}


def a_year() -> pd.DataFrame:
    """A scored frame: every ten-minute interval of 2015 at every gate, by five methods."""
    rng = np.random.default_rng(0)
    products = pd.date_range("2015-01-01", "2016-01-01", freq="30min", inclusive="left", tz="UTC", unit="us").asi8
    minute = 60_000_000
    time = (products[:, None] + np.array([0, 10, 20]) * minute).ravel()
    output = np.clip(2000 + np.cumsum(rng.normal(0, 150, len(time))) % 6000, 0, 8200)
    frames = []
    for gate in GATES_MIN:
        origin = np.repeat(products - gate * minute, 3)
        index = pd.MultiIndex.from_arrays(
            [
                np.full(len(time), "farm"),
                *(pd.DatetimeIndex(x.view("M8[us]")).tz_localize("UTC") for x in (origin, time)),
            ],
            names=CASE_INDEX,
        )
        for method in METHODS:
            kw = np.clip(output + rng.normal(0, 5 * gate, len(output)), 0, 8200)
            frames.append(pd.DataFrame({"observed_kw": output, "predicted_kw": kw, "method": method}, index=index))
    return pd.concat(frames).astype({"method": "category"})


def price_a_year(scored: pd.DataFrame) -> float:
    """Processor seconds from the scored frame to the table of incomes."""
    began = process_time()
    now, output = nowcast_energy(scored, 30, GATES_MIN, 0), observed_energy(scored, 30)
    times = pd.DatetimeIndex(output.index.get_level_values("time"))
    spot = 40 + 10 * np.sin(np.arange(len(times)) / 9)
    market = Market(times, spot, spot - 8, spot + 9, spot - 1, spot + 1, 30)
    table = income_table(value_wind(output, output * 0.9, now, market, 8.2))
    assert len(table) == len(GATES_MIN) * (len(METHODS) + 2)
    return process_time() - began


def slow_replay(stream: OrderStream, n_products: int) -> tuple[int, float, list]:
    """Events of the first products, processor seconds of the list that is searched through, and its trades."""
    path = HERE.parents[1] / "tests" / "unit" / "value" / "slow_book.py"
    spec = importlib.util.spec_from_file_location("slow_book", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    last = int(np.searchsorted(stream.product, n_products))
    rows = list(
        zip(
            *(
                getattr(stream, name)[:last].tolist()
                for name in (
                    "product",
                    "time_us",
                    "action",
                    "order",
                    "side",
                    "price",
                    "volume",
                    "hidden",
                    "peak",
                    "restriction",
                )
            ),
            strict=True,
        )
    )
    trades: list[tuple[int, int, int]] = []
    book, current = module.SlowBook(), 0
    began = process_time()
    for product, time, action, order, side, price, volume, hidden, peak, restriction in rows:
        if product != current:
            trades += [(r, p, v) for _, r, _, p, v in book.trades]
            book, current = module.SlowBook(), product
        if action == ADD:
            book.add(time, order, side, price, volume, hidden, peak, restriction)
        elif action == CHANGE:
            book.change(time, order, price, volume)
        elif action == CANCEL:
            book.cancel(order)
    seconds = process_time() - began
    return last, seconds, trades + [(r, p, v) for _, r, _, p, v in book.trades]


def claim(text: str, target: Any, measured: Any, unit: str, holds: bool) -> dict[str, Any]:
    return {
        "claim": text,
        "source": "project target",
        "target": target,
        "measured": measured,
        "unit": unit,
        "holds": bool(holds),
    }


def book_claims(name: str, orders_per_hour: float, n_products: int, n_slow: int) -> list[dict[str, Any]]:
    """Rate of the book, and against the slow one, on products of one liveliness."""
    deliveries = pd.date_range("2015-01-05", periods=n_products, freq="h", tz="UTC", unit="us")
    known = 38 + 13 * np.random.default_rng(1).normal(size=n_products)
    stream = order_stream(simulate_orders(deliveries, known, IntradayModel(orders_per_hour=orders_per_hour), seed=1))
    seconds = []
    for _ in range(3):
        began = process_time()
        book = replay(stream)
        seconds.append(process_time() - began)
    rate = len(stream) / min(seconds)
    events, slow, trades = slow_replay(stream, n_slow)
    first = book.trades[book.trades["start"] < deliveries[n_slow]]
    ticks = ((first["price_per_mwh"] * 100).round().astype(int), (first["volume_mw"] * 10).round().astype(int))
    same = list(zip(first["resting"], *ticks, strict=True)) == trades
    ratio = rate / (events / slow)
    per_product = len(stream) // n_products
    busy = name == "busy"
    what = f"{name} books, {per_product:,} events a product"
    return [
        claim(
            f"order events replayed, {len(stream):,} in {what}",
            ">= 200,000",
            round(rate),
            "per processor s",
            rate >= 200_000,
        ),
        claim(
            f"against the list that is searched through, {what}",
            ">= 20" if busy else None,
            round(ratio, 1),
            "times as fast",
            ratio >= 20 or not busy,
        ),
        claim(
            f"trades of both, {len(trades):,} in {n_slow} products, {name} books, are the same",
            True,
            bool(same),
            "",
            same,
        ),
    ]


def main() -> None:
    scored = a_year()
    year = min(price_a_year(scored) for _ in range(3))
    claims = [
        claim(
            f"a year of one farm, {len(METHODS)} nowcasts, {len(GATES_MIN)} balancing times ({len(scored):,} cases) priced",
            "<= 2",
            round(year, 2),
            "processor s",
            year <= 2,
        )
    ]
    for name, (orders_per_hour, n_products, n_slow) in BOOKS.items():
        claims += book_claims(name, orders_per_hour, n_products, n_slow)
    (HERE / "results.json").write_text(json.dumps(claims, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for each in claims:
        print(f"{each['claim']}: {each['measured']} {each['unit']} (target {each['target']})")


if __name__ == "__main__":
    main()
