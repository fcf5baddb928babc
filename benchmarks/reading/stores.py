"""Which engine reads a store: one event's look-back of 20,000 sites, from long rows and from day rows, by ours (pyarrow) and by DuckDB.

    python benchmarks/reading/stores.py

The sites are synthetic, drawn from real days of the bundled buildings (`cblcast simulate`). Either engine ends with the same cube
(site, day, slot), which is compared. DuckDB is installed into a folder of its own for the run, and gets one thread; each reading runs
in a process of its own on files in the page cache, processor seconds are the least of three. Writes results_stores.json and the second
table in README.md.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

sys.path.append(str(Path(__file__).resolve().parents[2] / "experiments"))

import numpy as np
from claims import Record, asked, at_most, claim, equal_to, write

HERE = Path(__file__).parent
DUCKDB = "duckdb>=1.2,<3"
SITES, DAYS, FIRST = 20_000, 120, "2024-05-01"
LOOK_BACK = ("2024-07-15", "2024-08-28")  # 45 days
READINGS = SITES * 45 * 24
LAYOUTS = ("long", "days")
MARK, END = "<!-- stores -->", "<!-- end of stores -->"


def make(folder: Path, layout: str, sites: int) -> None:
    """The store of a layout."""
    from cblcast.workflow.worlds import simulate_world

    folder.mkdir(exist_ok=True)
    (folder / "world.yaml").write_text(
        f"world: portfolio\nsites: {sites}\ndays: {DAYS}\nfirst_day: {FIRST}\nlayout: {layout}\nstore: {layout}.parquet\n"
    )
    simulate_world(folder / "world.yaml")


def by_ours(path: Path) -> np.ndarray:
    """The cube by our reader, partition by partition."""
    from cblcast.io.store import open_store

    store = open_store(path)
    parts = [store.read_days(part, None, *LOOK_BACK).cube.values for part in store.partitions()]
    return np.concatenate(parts)


def by_duckdb(path: Path) -> np.ndarray:
    """The cube by DuckDB: rows that are filtered and sorted by it, handed over as Arrow."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.execute("SET TimeZone = 'Europe/London'")
    first, last = LOOK_BACK
    if path.stem == "days":
        query = f"SELECT observed_kw FROM '{path}' WHERE date BETWEEN '{first}' AND '{last}' ORDER BY site_id, date"
        lists = connection.execute(query).to_arrow_table()["observed_kw"].combine_chunks()
        values = lists.flatten().to_numpy()
    else:
        begin, end = f"TIMESTAMPTZ '{first} 00:00:00'", f"TIMESTAMPTZ '{last} 00:00:00' + INTERVAL 1 DAY"
        query = f"SELECT observed_kw FROM '{path}' WHERE time >= {begin} AND time < {end} ORDER BY site_id, time"
        values = connection.execute(query).to_arrow_table()["observed_kw"].to_numpy()
    return values.reshape(-1, 45, 24)


def once(path: Path, who: str) -> dict[str, float | str]:
    """Processor seconds of one reading in this process, and what came of it."""
    read: Callable[[Path], np.ndarray] = {"ours": by_ours, "duckdb": by_duckdb}[who]
    read(path.with_name("small") / path.name)  # imports what it needs
    begin = time.process_time()
    cube = read(path)
    seconds = time.process_time() - begin
    return {"seconds": seconds, "sum": hashlib.sha256(np.ascontiguousarray(cube).tobytes()).hexdigest()}


def measured(path: Path, who: str, engine: Path) -> float:
    runs = []
    for _ in range(3):
        own = {**os.environ, "PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(engine)])}
        done = subprocess.run([sys.executable, __file__, str(path), who], capture_output=True, text=True, env=own)
        if done.returncode:
            raise SystemExit(done.stderr)
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    SUMS.setdefault(path.stem, set()).update(run["sum"] for run in runs)
    return min(run["seconds"] for run in runs)


SUMS: dict[str, set[str]] = {}


def rows_of(folder: Path, engine: Path, engine_version: str) -> list[Record]:
    rows = []
    for layout in LAYOUTS:
        path = folder / f"{layout}.parquet"
        ours, other = measured(path, "ours", engine), measured(path, "duckdb", engine)
        source = f"{path.stat().st_size / 1e6:.0f} MB, pyarrow {version('pyarrow')}, DuckDB {engine_version}"
        what = f"{layout}: look-back of {SITES:,} sites"
        rows.append(claim(f"{what}, processor seconds over those of DuckDB", source, ours / other, "ratio", at_most(1)))
        rows.append(claim(f"{what}, ours", source, ours, "processor seconds"))
        rows.append(claim(f"{what}, DuckDB", source, other, "processor seconds"))
        rows.append(
            claim(f"{what}, rate of ours", source, READINGS / ours / 1e6, "million readings per processor second")
        )
        rows.append(claim(f"{what}, different cubes of the two", "SHA-256", len(SUMS[layout]), "cubes", equal_to(1)))
    return rows


def install(engine: Path) -> str:
    """DuckDB in a folder of its own; its version."""
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(engine), DUCKDB]
    subprocess.run(pip, check=True)
    return next(engine.glob("duckdb-*.dist-info")).name.removeprefix("duckdb-").removesuffix(".dist-info")


def main() -> None:
    if len(sys.argv) == 3:
        print(json.dumps(once(Path(sys.argv[1]), sys.argv[2])))
        return
    with tempfile.TemporaryDirectory() as name:
        folder, engine = Path(name), Path(name) / "engine"
        engine_version = install(engine)
        for layout in LAYOUTS:
            make(folder, layout, SITES)
            make(folder / "small", layout, 20)
        rows = rows_of(folder, engine, engine_version)
    write(HERE / "results_stores.json", rows)
    shown = ["| what | file | target | measured | unit |", "|---|---|---|---|---|"]
    shown += [f"| {r['claim']} | {r['source']} | {asked(r)} | {r['measured']} | {r['unit']} |" for r in rows]
    readme = HERE / "README.md"
    head, mark, rest = readme.read_text(encoding="utf-8").partition(MARK)
    _, end, tail = rest.partition(END)
    readme.write_text(head + mark + "\n\n" + "\n".join(shown) + "\n\n" + end + tail, encoding="utf-8")
    print("\n".join(shown))


if __name__ == "__main__":
    main()
