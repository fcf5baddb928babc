"""matsim-tools beside the project's reader of MATSim events, as benchmarks/matsim measures them, two rounds."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType

from claims import Record, claim

from cblcast.datasets import ENVIRONMENT_VARIABLE

ROUNDS = 2
SOURCE = "benchmarks/matsim, whose target is 3"


def reading() -> ModuleType:
    """The script of benchmarks/matsim, which is named as the one here."""
    path = Path(__file__).resolve().parents[1] / "matsim" / "run.py"
    spec = importlib.util.spec_from_file_location("reading_matsim", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def matsim_claims(refused: dict[str, str]) -> list[Record]:
    """Processor seconds of both, best of two rounds; nothing, and why, where the events or the peer are not there."""
    folder = os.environ.get(ENVIRONMENT_VARIABLE)
    if "matsim-tools" in refused or not os.environ.get("MATSIM_TOOLS_PYTHON"):
        return []
    if folder is None:
        refused["matsim-tools"] = (
            f"its events (matsim/utah, 339,362 of them) are read from {ENVIRONMENT_VARIABLE}, which is not set"
        )
        return []
    utah = Path(folder) / "matsim" / "utah"
    measure = reading().measure
    names = {"bare": "cblcast reads the events", "trips": "cblcast makes trips", "matsim-tools": "matsim-tools yields the events",
             "matsim-tools, trips": "matsim-tools, and trips by hand"}  # fmt: skip
    rounds = [
        {name: measure(name, utah / "output_events.xml.gz", utah / "output_network.xml.gz", 2)[0] for name in names}
        for _ in range(ROUNDS)
    ]
    best = {name: min(one[name] for one in rounds) for name in names}
    found = [
        claim(f"MATSim, utah: {text}", "benchmarks/matsim", best[name], "s of processor time", None, 3)
        for name, text in names.items()
    ]
    for text, theirs, own in (("events read", "matsim-tools", "bare"), ("trips", "matsim-tools, trips", "trips")):
        found.append(
            claim(f"MATSim, utah: {text}, matsim-tools over cblcast", SOURCE, best[theirs] / best[own], "times")
        )
    return found
