"""Reading MATSim events: seconds of one core, memory, and how both grow.

    CBLCAST_DATA_DIR=... MATSIM_TOOLS_PYTHON=/path/to/env/bin/python python benchmarks/matsim/run.py

MATSIM_TOOLS_PYTHON names the interpreter of an environment of its own with matsim-tools (GPL: it is compared with, never
depended on); without it those rows are left out. Every figure is processor seconds, the best of five rounds in turn, each a
fresh process with five runs. Ten million events are utah's file thirty times over, each copy 30 h later. Writes
results.json. Five minutes.
"""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "experiments"))

from claims import Record, Target, asked, at_least, at_most, between, claim, summary, write

HERE = Path(__file__).parent
EVENTS = 339_362
ROUNDS = 5
LENGTHS = """
import sys, time
from cblcast.io.matsim.network import read_network
network = read_network(sys.argv[2])
"""
TIMED = """
best = 1e9
for _ in range(int(sys.argv[3])):
    began = time.process_time(); work(); best = min(best, time.process_time() - began)
# Not ru_maxrss, which a child inherits from whoever started it.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(best, int(peak.split()[1]) / 1024)
"""
SCRIPTS = {
    "trips": LENGTHS + """
from cblcast.io.matsim.events import read_events
def work(): read_events(sys.argv[1], network)
""" + TIMED,
    "slow": LENGTHS + """
from cblcast.io.matsim.events import read_events
def work(): read_events(sys.argv[1], network, fast=False)
""" + TIMED,
    "presence": LENGTHS + """
from cblcast.io.matsim.events import stream_events
from cblcast.io.matsim.presence import PresenceLedger
def work():
    ledger = PresenceLedger()
    persons, report = stream_events(sys.argv[1], network, [ledger])
    ledger.presence(persons)
""" + TIMED,
    "bare": """
import sys, time
from collections import defaultdict
from cblcast.io.matsim.event_stream import Wanted, stream
class Listener:
    wanted = {kind: Wanted(names, lambda now, *values: None) for kind, names in {
        "actend": ("person", "link", "actType"), "actstart": ("person", "link", "actType"),
        "departure": ("person", "link", "legMode"), "arrival": ("person", "link", "legMode"),
        "PersonEntersVehicle": ("person", "vehicle"), "PersonLeavesVehicle": ("person", "vehicle"),
        "vehicle enters traffic": ("person", "link", "vehicle"), "vehicle leaves traffic": ("person", "link", "vehicle"),
        "travelled": ("person", "distance"), "stuckAndAbort": ("person", "link"),
    }.items()}
    def start(self): self.sums, self.values = defaultdict(float), defaultdict(lambda: 1.0)
def work(): stream(sys.argv[1], Listener())
""" + TIMED,
    "matsim-tools": """
import sys, time
import matsim
def work():
    for event in matsim.event_reader(sys.argv[1]): pass
""" + TIMED,
    "matsim-tools, trips": """
import sys, time
import matsim
lengths = {}
for event, element in __import__("xml.etree.ElementTree").etree.ElementTree.iterparse(__import__("gzip").open(sys.argv[2])):
    if element.tag == "link": lengths[element.get("id")] = float(element.get("length"))
def work():
    driven, began, inside, trips, doing, spells = {}, {}, {}, [], {}, []
    for e in matsim.event_reader(sys.argv[1]):
        kind = e["type"]
        if kind == "entered link": driven[e["vehicle"]] = driven.get(e["vehicle"], 0.0) + lengths[e["link"]]
        elif kind == "departure": began[e["person"]] = [e["time"], e["link"], e["legMode"], 0.0]
        elif kind == "PersonEntersVehicle": inside[e["person"]] = driven.get(e["vehicle"], 0.0)
        elif kind == "PersonLeavesVehicle": began[e["person"]][3] += driven.get(e["vehicle"], 0.0) - inside.pop(e["person"])
        elif kind == "travelled": began[e["person"]][3] += float(e["distance"])
        elif kind == "arrival": trips.append((e["person"], *began.pop(e["person"]), e["time"], e["link"]))
        elif kind == "actstart": doing[e["person"]] = (e["time"], e["actType"], e["link"])
        elif kind == "actend" and e["person"] in doing: spells.append((e["person"], *doing.pop(e["person"]), e["time"]))
""" + TIMED,
}  # fmt: skip


def measure(name: str, events: Path, network: Path, runs: int = 5) -> tuple[float, float]:
    """Best processor seconds and peak memory [MiB] of a fresh process."""
    python = os.environ["MATSIM_TOOLS_PYTHON"] if name.startswith("matsim-tools") else sys.executable
    ran = subprocess.run(
        [python, "-c", SCRIPTS[name], str(events), str(network), str(runs)], capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise RuntimeError(f"{name}: {ran.stderr[-500:]}")
    seconds, mebibytes = ran.stdout.split()
    return float(seconds), float(mebibytes)


def repeated(events: Path, copies: int, folder: Path) -> Path:
    """The events `copies` times, each copy 30 h after the one before."""
    text = gzip.decompress(events.read_bytes())
    head, body = text.split(b'<events version="1.0">\n', 1)
    body = body[: body.rindex(b"</events>")]
    path = folder / f"events_{copies}.xml.gz"
    with gzip.open(path, "wb", compresslevel=1) as out:
        out.write(head + b'<events version="1.0">\n')
        for copy in range(copies):
            later = 108_002 * copy
            out.write(re.sub(rb'time="([0-9.]+)"', lambda m, s=later: b'time="%.1f"' % (float(m[1]) + s), body))
        out.write(b"</events>\n")
    return path


def main() -> None:
    folder = Path(os.environ["CBLCAST_DATA_DIR"]) / "matsim" / "utah"
    events, network = folder / "output_events.xml.gz", folder / "output_network.xml.gz"
    results: list[Record] = []

    def told(text: str, measured: float, unit: str, target: Target | None = None) -> None:
        record = claim(text, "project target" if target else "benchmarks/matsim", measured, unit, target, digits=3)
        results.append(record)
        print("MISS" if record["holds"] is False else "    ", text, record["measured"], unit, asked(record), flush=True)

    names = ["bare", "trips", "presence", "slow"]
    if os.environ.get("MATSIM_TOOLS_PYTHON"):
        names += ["matsim-tools", "matsim-tools, trips"]
    # In turn, so that a busy machine is busy for all of them; the best of all rounds counts.
    rounds = [{name: measure(name, events, network) for name in names} for _ in range(ROUNDS)]
    seconds = {name: tuple(min(one[name][part] for one in rounds) for part in (0, 1)) for name in names}
    told("utah, 339,362 events → trips, activities, persons", seconds["trips"][0], "s", at_most(2))
    told("utah, peak memory of that process", seconds["trips"][1], "MiB", at_most(200))
    told("utah → presence by slice and link", seconds["presence"][0], "s")
    told("utah, events to a listener and odometers only", seconds["bare"][0], "s")
    told("utah → trips, the slow way (expat)", seconds["slow"][0], "s")
    if os.environ.get("MATSIM_TOOLS_PYTHON"):
        told("utah, matsim-tools yields the events", seconds["matsim-tools"][0], "s")
        told("utah, matsim-tools, and trips and activities from them by hand", seconds["matsim-tools, trips"][0], "s")
        for text, ratio in (
            (
                "speed: events read here over events read by matsim-tools",
                seconds["matsim-tools"][0] / seconds["bare"][0],
            ),
            (
                "speed: events read and made trips here over events only read by matsim-tools",
                seconds["matsim-tools"][0] / seconds["trips"][0],
            ),
            (
                "speed: trips and activities here over the same with matsim-tools",
                seconds["matsim-tools, trips"][0] / seconds["trips"][0],
            ),
        ):
            told(text, ratio, "times", at_least(3))
    with tempfile.TemporaryDirectory() as place:
        grown = {
            copies: measure("presence", repeated(events, copies, Path(place)), network, 1) for copies in (1, 10, 30)
        }
    for copies, (taken, memory) in grown.items():
        told(f"utah {copies} times over ({copies * EVENTS:,} events) → presence", taken, "s")
        told(f"its peak memory ({copies * EVENTS:,} events)", memory, "MiB")
    slope = (grown[30][0] / 30) / (grown[10][0] / 10)
    told("seconds per event, thirty copies over ten (linear: 1)", slope, "ratio", between(0.8, 1.25))
    more = grown[30][1] - grown[1][1]
    told("memory of thirty copies minus that of one", more, "MiB", at_most(30))
    write(HERE / "results.json", results)
    print(summary(results))


if __name__ == "__main__":
    main()
