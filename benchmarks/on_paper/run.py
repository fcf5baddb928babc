"""What ten and a hundred million meters cost, on paper: hours, bytes and money from the rates that the benchmarks measured.

    python benchmarks/on_paper/run.py
    python benchmarks/on_paper/run.py --core-hour 0.04 --tb-month 18 --cores 64

Nothing is run: the rates are read from the results of other benchmarks, each with its claim and file, and put into the formulas of
docs/scale.md. Writes results.json and table.md beside this file.
"""

from __future__ import annotations

import argparse
import io
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "experiments"))

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from claims import Record, claim, read, summary, write

import cblcast
from cblcast import datasets

HERE = Path(__file__).resolve().parent
BENCHMARKS = HERE.parent
MILLIONS = (1, 10, 100)
HOURS_A_DAY = 24
LOOK_BACK_DAYS = 45
YEAR_DAYS = 365


@dataclass(frozen=True)
class Rate:
    """Processor seconds of one core for one meter, as a benchmark measured them.

    Attributes
    ----------
    what : str
        The work, for one meter.
    file, claim : str
        Results of a benchmark, and how the claim begins that holds the figure.
    per_meter : float
        What the figure is multiplied with to be processor seconds of one core and meter.
    days : int
        Days of readings that are read for a meter.
    fields : tuple of str
        What of the record is added up.
    """

    what: str
    file: str
    claim: str
    per_meter: float
    days: int
    fields: tuple[str, ...] = ("measured",)

    def seconds(self) -> float | None:
        """The rate, None where the benchmark has not measured it."""
        file = BENCHMARKS / self.file
        if not file.is_file():
            return None
        found = [each for each in read(file) if each["claim"].startswith(self.claim)]
        return sum(float(found[0][name]) for name in self.fields) * self.per_meter if found else None


MILLION = "settlement/results_million.json"
RATES = (
    Rate("settle one event, day rows", MILLION, "one event of 1,000,000 sites, hourly, caiso_10in10, from day rows, 2 processes: proc",
         1e-6, LOOK_BACK_DAYS),
    Rate("settle one event, long rows", MILLION, "one event of 1,000,000 sites, hourly, caiso_10in10, from long rows, 2 processes: proc",
         1e-6, LOOK_BACK_DAYS),
    Rate("estimate one event, LearnedBaseline", "learned_baselines/results.json", "LearnedBaseline: features and training",
         1 / 6_055, LOOK_BACK_DAYS, ("features_s", "predict_s")),
    Rate("train a ridge of its own, a year", "learned_baselines/results.json", "Ridge with GCV, one model per hour",
         1e-3, YEAR_DAYS, ("fit_cpu_ms",)),
)  # fmt: skip


@dataclass(frozen=True)
class Prices:
    """What is assumed beside the rates.

    Attributes
    ----------
    core_hour : float
        Price of one core for an hour [EUR].
    tb_month : float
        Price of 10¹² bytes kept for a month [EUR].
    cores : int
        Of the cluster.
    efficiency : float
        Share of the cores' time that is work: what two workers gain over one, halved.
    """

    core_hour: float = 0.05
    tb_month: float = 20.0
    cores: int = 64
    efficiency: float = 0.85


@dataclass(frozen=True)
class Cost:
    """One line of the table."""

    core_hours: float
    wall_minutes: float
    read_gb: float
    eur: float


def bytes_a_reading() -> float:
    """Size of an hourly reading in a Parquet file of day rows (float32, zstd): the bundled buildings and homes."""
    readings = size = 0
    for name in ("cambridge_sme", "fontana_homes"):
        cube = datasets.load(name).cube()
        days = cube.values.reshape(-1, cube.values.shape[-1]).astype(np.float32)
        site, day = (part.ravel() for part in np.indices(cube.values.shape[:2]))
        loads = pa.FixedSizeListArray.from_arrays(pa.array(days.ravel()), days.shape[1])
        table = pa.table({"site_id": pa.array(site.astype(str)), "date": pa.array(day.astype(np.int32)), "kw": loads})
        told = io.BytesIO()
        pq.write_table(table, told, compression="zstd")
        readings, size = readings + days.size, size + told.getbuffer().nbytes
    return size / readings


def cost_of(seconds: float, days: int, meters: float, prices: Prices, packed: float) -> Cost:
    """The formulas of docs/scale.md."""
    core_hours = seconds * meters / 3600 / prices.efficiency
    read_gb = meters * days * HOURS_A_DAY * packed / 1e9
    return Cost(core_hours, 60 * core_hours / prices.cores, read_gb, core_hours * prices.core_hour)


def rows_of(prices: Prices, packed: float) -> tuple[list[Record], list[str]]:
    """Claims, reported alone, and the lines of the table."""
    text = "an hourly reading of the bundled sites in a Parquet file of day rows"
    found = [claim(text, "benchmarks/on_paper", packed, "bytes")]
    lines = [
        "| work, for every meter | core-ms a meter | meters, millions | core-hours | minutes on the cluster | GB read | EUR |",
        "|---|---|---|---|---|---|---|",
    ]
    for rate in RATES:
        seconds = rate.seconds()
        if seconds is None:
            lines.append(f"| {rate.what} | not measured: benchmarks/{rate.file} | | | | | |")
            continue
        for millions in MILLIONS:
            cost = cost_of(seconds, rate.days, 1e6 * millions, prices, packed)
            cells = [rate.what, f"{1e3 * seconds:.3g}", millions, f"{cost.core_hours:.3g}", f"{cost.wall_minutes:.3g}",
                     f"{cost.read_gb:,.0f}", f"{cost.eur:.2f}"]  # fmt: skip
            lines.append("| " + " | ".join(map(str, cells)) + " |")
            text = f"{rate.what}, {millions} million meters"
            source = f"benchmarks/{rate.file}, on paper"
            found.append(claim(text, source, cost.core_hours, "core-hours", None, 3, eur=round(cost.eur, 2)))
    for millions in MILLIONS:
        kept = 1e6 * millions * YEAR_DAYS * HOURS_A_DAY * packed / 1e12
        text = f"a year of hourly readings of {millions} million meters"
        lines.append(
            f"| keep a year of readings | – | {millions} | – | – | {1e3 * kept:,.0f} | {kept * prices.tb_month:.2f} a month |"
        )
        found.append(claim(text, "on paper", kept, "TB", None, 3, eur_a_month=round(kept * prices.tb_month, 2)))
    return found, lines


def main() -> None:
    prices = Prices()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in vars(prices).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    asked = Prices(**vars(parser.parse_args()))
    packed = bytes_a_reading()
    found, lines = rows_of(asked, packed)
    told = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in vars(asked).items())
    head = f"cblcast {cblcast.__version__}, Python {platform.python_version()}; a reading takes {packed:.2f} bytes; assumed: {told}."
    table = "\n".join([f"# On paper\n\n`python benchmarks/on_paper/run.py` writes this page. {head}\n", *lines]) + "\n"
    print(table)
    print(summary(found))
    if asked == prices:
        (HERE / "table.md").write_text(table, encoding="utf-8")
        write(HERE / "results.json", found)


if __name__ == "__main__":
    main()
