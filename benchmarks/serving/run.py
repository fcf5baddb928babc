"""A registered model at work: over REST under load, over Dask partitions, as a function of Spark; the same numbers everywhere.

    python benchmarks/serving/run.py                # all; Spark in an environment of its own under .benchmarks (ignored by git)
    python benchmarks/serving/run.py --requests 20 --without spark

The server listens on loopback alone and gets 200 requests of one client, then of four. Writes results.json. Five minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import warnings
from io import StringIO
from pathlib import Path
from time import perf_counter, process_time

sys.path.append(str(Path(__file__).resolve().parents[2] / "experiments"))
sys.path.append(str(Path(__file__).resolve().parents[1] / "peers"))

import numpy as np
import pandas as pd
from claims import Record, at_most, claim, summary, write
from environments import NotInstalled, Peer, python_of
from model import MODELS, address, bundled, one_event, portfolio, register_all
from server import served

import cblcast
from cblcast.forecast.long_frame import score_frame

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SOURCE = Path(cblcast.__file__).resolve().parents[1]
KEY = ["site_id", "time"]
NUMBERS = ["baseline_kw", "lower_kw", "upper_kw"]
SPARK = Peer("spark", ("pyspark>=4",))
COPIES = 20  # of twelve buildings
DIFFERENCE = "largest difference from the direct call"


def difference(answer: pd.DataFrame, direct: pd.DataFrame) -> float:
    """Largest difference of any number [kW]; inf where rows or gaps differ."""
    tables = []
    for each in (answer, direct):
        table = pd.DataFrame(each).astype({"site_id": "str"})
        table["time"] = pd.DatetimeIndex(pd.to_datetime(table["time"], utc=True)).as_unit("us")
        tables.append(table.sort_values(KEY).set_index(KEY)[NUMBERS].astype("float64"))
    one, other = tables
    if not one.index.equals(other.index) or not (one.isna() == other.isna()).all(axis=None):
        return float("inf")
    return float(np.nanmax(np.abs(one.to_numpy() - other.to_numpy())))


def same(text: str, answer: pd.DataFrame, direct: pd.DataFrame, tolerance: float = 1e-9) -> Record:
    """The claim that an answer is that of the direct call."""
    apart = min(difference(answer, direct), 1e300)
    return claim(f"{text}: {DIFFERENCE}", "project target", apart, "kW", at_most(tolerance), 9)


def over_rest(name: str, folder: Path, requests: int) -> list[Record]:
    """Requests a second and percentiles of one event, one and four clients."""
    panel = bundled()
    frame = one_event(panel, "b22")
    body = frame.to_csv(index=False).encode()
    forecaster = cblcast.load_model(address(name))
    began = process_time()
    for _ in range(10):
        direct = score_frame(forecaster, pd.read_csv(StringIO(body.decode())))
    alone = 1e3 * (process_time() - began) / 10
    found = [
        claim(
            f"{MODELS[name]}, the direct call, CSV read: one event", "benchmarks/serving", alone, "ms of processor time"
        )
    ]
    with served(address(name), folder / f"server_{name}.log", SOURCE) as server:
        server.asked(body, 3)
        for clients in (1, 4):
            told = server.load(body, clients, requests)
            text = f"{MODELS[name]}, REST, {requests} requests, {clients} client{'s' * (clients > 1)}"
            more = {key: round(value, 2) for key, value in told.items() if key != "per_second"}
            more |= {"rows": len(frame), "bytes": len(body)}
            found.append(claim(text, "benchmarks/serving", told["per_second"], "requests/s", None, 1, **more))
        import http.client

        status, raw = server.ask(http.client.HTTPConnection("127.0.0.1", server.port, timeout=120), body)
    assert status == 200
    answer = pd.DataFrame(json.loads(raw)["predictions"])
    return [*found, same(f"{MODELS[name]}, REST", answer, direct)]


def over_dask(name: str, folder: Path, frame: pd.DataFrame, direct: pd.DataFrame) -> list[Record]:
    """The registered model over the partitions of a Parquet data set, on threads and on processes."""
    import dask
    import dask.dataframe as dd
    from scoring_partitions import scored

    parts = folder / "parts"
    parts.mkdir()
    buckets = frame["site_id"].str.rsplit("_", n=1).str[1].astype(int) % 4
    for bucket, rows in frame.groupby(buckets):
        rows.to_parquet(parts / f"bucket_{bucket}.parquet", index=False)
    meta = scored(frame.iloc[:0], None)
    found = []
    for scheduler in ("threads", "processes"):
        data = dd.read_parquet(str(parts), split_row_groups=False, aggregate_files=False)
        began = perf_counter()
        with dask.config.set(scheduler=scheduler, num_workers=2):
            answer = data.map_partitions(scored, address(name), meta=meta).compute()
        took = perf_counter() - began
        text = f"{MODELS[name]}, Dask, {data.npartitions} partitions on two {scheduler}, {frame['site_id'].nunique()} sites"
        found += [claim(text, "benchmarks/serving", took, "s"), same(text, answer, direct)]
    return found


def over_spark(name: str, folder: Path, frame: pd.DataFrame, direct: pd.DataFrame, python: Path) -> list[Record]:
    """The registered model as a grouped pandas function of a local Spark."""
    given, out = folder / "frame.parquet", folder / "spark.parquet"
    frame.astype({"time": "datetime64[us, UTC]"}).to_parquet(given, index=False, coerce_timestamps="us")
    # The project's own packages beside pyspark: what is registered asks for them.
    packages = os.pathsep.join([str(SOURCE), *(path for path in sys.path if path.endswith("site-packages"))])
    ran = subprocess.run(
        [str(python), str(HERE / "spark_scoring.py"), str(given), address(name), str(out)],
        env=os.environ | {"PYTHONPATH": packages, "MLFLOW_DISABLE_TELEMETRY": "true"},
        cwd=folder, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    if ran.returncode:
        raise NotInstalled((ran.stderr.strip().splitlines() or ["no word"])[-1][:300])
    told = json.loads(ran.stdout.split("JSON", 1)[1])
    text = f"{MODELS[name]}, Spark {told['version']}, a group a site on two local workers, {frame['site_id'].nunique()} sites"
    return [claim(text, "benchmarks/serving", told["seconds"], "s"), same(text, pd.read_parquet(out), direct)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--copies", type=int, default=COPIES, help="of the twelve buildings, for Dask and Spark")
    parser.add_argument("--without", nargs="*", default=[], choices=["rest", "dask", "spark"])
    parser.add_argument("--cache", type=Path, default=ROOT / ".benchmarks" / "serving")
    wanted = parser.parse_args()
    folder = wanted.cache / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    panel = bundled()
    register_all(folder, panel)
    results: list[Record] = []
    if "rest" not in wanted.without:
        for name in MODELS:
            results += over_rest(name, folder, wanted.requests)
    frame = portfolio(panel, wanted.copies)
    began = process_time()
    direct = score_frame(cblcast.load_model(address("rule")), frame)
    text = f"{MODELS['rule']}, one direct call, {frame['site_id'].nunique()} sites"
    results.append(claim(text, "benchmarks/serving", process_time() - began, "s of processor time"))
    if "dask" not in wanted.without:
        results += over_dask("rule", folder, frame, direct)
    if "spark" not in wanted.without:
        try:
            results += over_spark("rule", folder, frame, direct, python_of(SPARK, wanted.cache / "environments"))
        except NotInstalled as why:
            print(f"Spark was not run: {why}")
    for row in results:
        print(row)
    print(summary(results))
    if not wanted.without:
        write(HERE / "results.json", results)


if __name__ == "__main__":
    with warnings.catch_warnings(record=True):
        main()
