"""Reading against pandas: CSV of 1 million rows, Parquet of 20 million, NEM12 and Green Button of 100 MB.

    python benchmarks/reading/run.py

The loads are those of the bundled buildings, repeated until the files are large enough. Each reader runs in a process of its own,
on files that are in the page cache; processor seconds are the least of three runs, memory is the peak above the imports. Writes
results.json and the table in README.md.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

sys.path.append(str(Path(__file__).resolve().parents[2] / "experiments"))

import numpy as np
import pandas as pd
from claims import Record, asked, at_least, at_most, claim, write

HERE = Path(__file__).parent
ROWS, LARGE, SITES, MEGABYTES = 1_000_000, 20_000_000, 1000, 100
ISO = {"parse_dates": ["time"], "dtype": {"load_kw": "float64"}}
PAIRS = {  # file → how pandas reads it with everything given, and what our reader is told
    "one_site.csv": (lambda path: pd.read_csv(path, **ISO), {"tz": "Europe/Rome", "clock": "UTC"}),
    "local_clock.csv": (lambda path: pd.read_csv(path, **ISO), {"tz": "Europe/Rome"}),
    "sites.csv": (
        lambda path: pd.read_csv(path, parse_dates=["time"], dtype={"site_id": "str", "observed_kw": "float64"}),
        {"tz": "Europe/Rome"},
    ),
    "german.csv": (
        lambda path: pd.read_csv(path, sep=";", decimal=",", parse_dates=["Zeitstempel"], date_format="%d.%m.%Y %H:%M"),
        {"tz": "Europe/Rome", "clock": "UTC"},
    ),
    "large.parquet": (pd.read_parquet, {"tz": "Europe/Rome"}),
}
STREAMED = {"meter.nem12": {"tz": "Australia/Sydney"}, "meter.xml": {"tz": "America/Los_Angeles"}}


def loads(n: int) -> np.ndarray:
    """Loads of the bundled building in Turin [kW], repeated."""
    from cblcast import datasets

    known = datasets.load("turin").data["observed_kw"].dropna().to_numpy(dtype=np.float64)
    return np.resize(np.round(known, 2), n)


def write_tables(folder: Path) -> None:
    times, load = pd.date_range("2000-01-01", periods=ROWS, freq="5min"), loads(ROWS)
    one = pd.DataFrame({"time": times, "load_kw": load})
    one.to_csv(folder / "one_site.csv", index=False, date_format="%Y-%m-%d %H:%M:%S")
    local = times.tz_localize("UTC").tz_convert("Europe/Rome")
    one.assign(time=local.tz_localize(None)).to_csv(
        folder / "local_clock.csv", index=False, date_format="%Y-%m-%d %H:%M:%S"
    )
    one.set_axis(["Zeitstempel", "Leistung [kW]"], axis=1).to_csv(
        folder / "german.csv", index=False, sep=";", decimal=",", date_format="%d.%m.%Y %H:%M"
    )
    each = pd.date_range("2019-01-01", periods=ROWS // 20, freq="15min", tz="UTC").strftime("%Y-%m-%dT%H:%M:%SZ")
    names = np.repeat([f"site_{at:02d}" for at in range(20)], len(each))
    pd.DataFrame({"site_id": names, "time": np.tile(each, 20), "observed_kw": load}).to_csv(
        folder / "sites.csv", index=False
    )
    quarter = pd.date_range("2019-01-01", periods=LARGE // SITES, freq="15min", tz="UTC").as_unit("us")
    site = pd.Categorical.from_codes(
        np.repeat(np.arange(SITES), len(quarter)), [f"site_{at:04d}" for at in range(SITES)]
    )
    large = pd.DataFrame({"site_id": site.astype("str"), "time": np.tile(quarter, SITES), "observed_kw": loads(LARGE)})
    large.to_parquet(folder / "large.parquet", index=False)


def write_nem12(path: Path) -> None:
    days = pd.date_range("2022-01-01", periods=730).strftime("%Y%m%d")
    load = loads(288 * len(days)).reshape(len(days), 288) / 12 / 100
    meter = 0
    with path.open("w") as file:
        file.write("100,NEM12,202401010000,MDP1,RET1\n")
        while file.tell() < MEGABYTES * 1e6:
            for suffix in ("E1", "B1"):
                file.write(f"200,NMI{meter:07d},E1B1,1,{suffix},N1,M{meter},kWh,5,\n")
                for day, values in zip(days, load, strict=True):
                    file.write(f"300,{day},{','.join(f'{value:.3f}' for value in values)},A,,,20240103000000,\n")
            meter += 1
        file.write("900\n")


FEED = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:espi="http://naesb.org/espi">
<entry><link rel="self" href="u/UsagePoint/1/MeterReading/1"/><link rel="related" href="u/ReadingType/1"/>
<content><espi:MeterReading/></content></entry>
<entry><link rel="self" href="u/ReadingType/1"/><content><espi:ReadingType>
<espi:accumulationBehaviour>4</espi:accumulationBehaviour><espi:flowDirection>1</espi:flowDirection><espi:uom>72</espi:uom>
</espi:ReadingType></content></entry>
"""
BLOCK = """<entry><link rel="self" href="u/UsagePoint/1/MeterReading/1/IntervalBlock/{at}"/><content><espi:IntervalBlock>
"""
READING = """<espi:IntervalReading>
  <espi:cost>907</espi:cost>
  <espi:ReadingQuality><espi:quality>8</espi:quality></espi:ReadingQuality>
  <espi:timePeriod>
    <espi:duration>900</espi:duration>
    <espi:start>{start}</espi:start>
  </espi:timePeriod>
  <espi:value>{value:.0f}</espi:value>
</espi:IntervalReading>
"""


def write_green_button(path: Path) -> None:
    start, at, load = 1_072_915_200, 0, loads(200_000) * 10
    with path.open("w") as file:
        file.write(FEED)
        while file.tell() < MEGABYTES * 1e6:
            file.write(BLOCK.format(at=at))
            for _ in range(96):
                file.write(READING.format(start=start + 900 * at, value=load[at % len(load)]))
                at += 1
            file.write("</espi:IntervalBlock></content></entry>\n")
        file.write("</feed>\n")


def peak_mb() -> float:
    """Peak of this process [MB]; getrusage would count what its parent held when it was forked."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def once(path: Path, who: str) -> dict[str, float]:
    """Processor seconds and peak memory of one reading, in this process."""
    from cblcast.io.formats import read_meter

    warnings.simplefilter("ignore")
    small = path.with_name(f"small_{path.name}")
    options = PAIRS[path.name][1] if path.name in PAIRS else STREAMED[path.name]
    read: Callable[[Path], Any] = PAIRS[path.name][0] if who == "pandas" else lambda file: read_meter(file, **options)
    read(small)  # imports what it needs
    before, begin = peak_mb(), time.process_time()
    read(path)
    return {"seconds": time.process_time() - begin, "mb": peak_mb() - before}


def measured(path: Path, who: str) -> dict[str, float]:
    runs = []
    for _ in range(3):
        done = subprocess.run([sys.executable, __file__, str(path), who], capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    return {key: min(run[key] for run in runs) for key in ("seconds", "mb")}


def write_small(folder: Path) -> None:
    """The beginning of each file, by which a process imports what it needs."""
    for name in ("one_site.csv", "local_clock.csv", "sites.csv", "german.csv"):
        with (folder / name).open() as file:
            (folder / f"small_{name}").write_text("".join(file.readline() for _ in range(200)))
    pd.read_parquet(folder / "large.parquet").head(200).to_parquet(folder / "small_large.parquet")
    with (folder / "meter.nem12").open() as file:
        (folder / "small_meter.nem12").write_text("".join(file.readline() for _ in range(20)) + "900\n")
    with (folder / "meter.xml").open() as file:
        text = "".join(file.readline() for _ in range(3000))
    (folder / "small_meter.xml").write_text(text[: text.rindex("</entry>") + 8] + "\n</feed>\n")


def rows_of(folder: Path) -> list[Record]:
    rows = []
    for name in PAIRS:
        path, most = folder / name, 3.0 if name == "large.parquet" else 2.0
        pandas, ours = measured(path, "pandas"), measured(path, "ours")
        source = f"{path.stat().st_size / 1e6:.0f} MB, pandas {pandas['seconds']:.2f} s"
        target = at_most(most) if name != "german.csv" else None
        ratio = ours["seconds"] / pandas["seconds"]
        rows.append(claim(f"{name}: processor seconds over those of pandas", source, ratio, "ratio", target))
        if name == "large.parquet":
            source = f"pandas {pandas['mb']:.0f} MB"
            rows.append(
                claim(f"{name}: peak memory over that of pandas", source, ours["mb"] / pandas["mb"], "ratio", target)
            )
    for name in STREAMED:
        path = folder / name
        ours, size = measured(path, "ours"), path.stat().st_size / 1e6
        rate = size / ours["seconds"]
        rows.append(claim(f"{name}: rate", f"{size:.0f} MB", rate, "MB per processor second", at_least(20)))
        rows.append(claim(f"{name}: peak memory", f"{size:.0f} MB", ours["mb"], "MB"))
    return rows


def main() -> None:
    if len(sys.argv) == 3:
        print(json.dumps(once(Path(sys.argv[1]), sys.argv[2])))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_tables(folder)
        write_nem12(folder / "meter.nem12")
        write_green_button(folder / "meter.xml")
        write_small(folder)
        rows = rows_of(folder)
    write(HERE / "results.json", rows)
    shown = ["| what | file | target | measured | unit |", "|---|---|---|---|---|"]
    shown += [f"| {r['claim']} | {r['source']} | {asked(r)} | {r['measured']} | {r['unit']} |" for r in rows]
    readme = HERE / "README.md"
    head, mark, _ = readme.read_text(encoding="utf-8").partition("<!-- table -->")
    readme.write_text(head + mark + "\n\n" + "\n".join(shown) + "\n", encoding="utf-8")
    print("\n".join(shown))


if __name__ == "__main__":
    main()
