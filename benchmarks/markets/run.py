"""How fast a year is priced and an order book is rebuilt.

    python benchmarks/markets/run.py

Processor seconds of one core. The year: 52,560 ten-minute intervals of one farm (made: money does not care whose), five nowcasts,
four balancing times. The book: simulated orders of busy and of quiet hourly
products; the slow oracle of the tests replays some of them.
Writes results.json beside this file.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from time import process_time

sys.path.append(str(Path(__file__).resolve().parents[2] / "experiments"))

import numpy as np
import pandas as pd
from claims import Record, asked, at_least, at_most, claim, equal_to, summary, write

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
# orders an hour near delivery, their life, products, products that the slow book replays; in busy hours tens of thousands of
# events come and hundreds of orders stand
BOOKS = {"busy": (4800.0, 0.2, 24, 1), "quiet": (240.0, 0.05, 240, 6)}


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


def slow_replay(stream: OrderStream, n_products: int) -> tuple[int, float, list, int]:
    """Events of the first products, processor seconds of the list that is searched through, its trades, and most orders that stood."""
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
    book, current, most = module.SlowBook(), 0, 0
    began = process_time()
    for product, time, action, order, side, price, volume, hidden, peak, restriction in rows:
        if product != current:
            trades += [(r, p, v) for _, r, _, p, v in book.trades]
            book, current = module.SlowBook(), product
        if action == ADD:
            book.add(time, order, side, price, volume, hidden, peak, restriction)
            most = max(most, len(book.orders))
        elif action == CHANGE:
            book.change(time, order, price, volume)
        elif action == CANCEL:
            book.cancel(order)
    seconds = process_time() - began
    return last, seconds, trades + [(r, p, v) for _, r, _, p, v in book.trades], most


def book_claims(name: str, model: IntradayModel, n_products: int, n_slow: int) -> list[Record]:
    """Rate of the book, and against the slow one, on products of one liveliness."""
    deliveries = pd.date_range("2015-01-05", periods=n_products, freq="h", tz="UTC", unit="us")
    known = 38 + 13 * np.random.default_rng(1).normal(size=n_products)
    stream = order_stream(simulate_orders(deliveries, known, model, seed=1))
    seconds = []
    for _ in range(3):
        began = process_time()
        book = replay(stream)
        seconds.append(process_time() - began)
    rate = len(stream) / min(seconds)
    events, slow, trades, most = slow_replay(stream, n_slow)
    first = book.trades[book.trades["start"] < deliveries[n_slow]]
    ticks = ((first["price_per_mwh"] * 100).round().astype(int), (first["volume_mw"] * 10).round().astype(int))
    fast = list(zip(first["resting"], *ticks, strict=True))
    different = abs(len(fast) - len(trades)) + sum(one != other for one, other in zip(fast, trades, strict=False))
    ratio = rate / (events / slow)
    per_product = len(stream) // n_products
    what = f"{name} books, {per_product:,} events a product"
    source = "project target"
    return [
        claim(
            f"order events replayed, {what}",
            source,
            rate,
            "events per processor s",
            at_least(200_000),
            digits=0,
            events=len(stream),
        ),
        claim(
            f"speed over the list that is searched through, {what}",
            source,
            ratio,
            "1",
            at_least(20),
            digits=1,
            most_orders_standing=most,
        ),
        claim(
            f"trades that differ from the list's in {n_slow} products, {name} books",
            source,
            different,
            "trades",
            equal_to(0),
            trades=len(trades),
        ),
    ]


def main() -> None:
    scored = a_year()
    year = min(price_a_year(scored) for _ in range(3))
    text = f"a year of one farm, {len(METHODS)} nowcasts at {len(GATES_MIN)} balancing times, priced"
    records = [claim(text, "project target", year, "processor s", at_most(2), cases=len(scored))]
    for name, (orders_per_hour, life, n_products, n_slow) in BOOKS.items():
        records += book_claims(
            name, IntradayModel(orders_per_hour=orders_per_hour, life_share=life), n_products, n_slow
        )
    write(HERE / "results.json", records)
    for record in records:
        print(record["claim"], record["measured"], record["unit"], asked(record))
    print(summary(records))


if __name__ == "__main__":
    main()
