"""What a peer is handed and what it hands back: Parquet files of one folder.

Runs in the peer's own environment, of which nothing is expected but pandas and pyarrow. ``handed.py`` writes what is read here.
"""

from __future__ import annotations

import json
import resource
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import pandas as pd

VIEWS = ("real_time", "settlement")
HOURS = 3  # of each event
BESIDE = 2  # hours before the event, and at settlement after it, that an adjustment compares
CALENDAR = ["hour", "weekday", "month", "holiday"]  # by the local clock
TEMPERATURE = "temp_air_c"


def processor_seconds() -> float:
    """User and system time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Exchange:
    """The folder that a peer was given on the command line.

    Attributes
    ----------
    folder : Path
    seconds : dict
        Processor seconds by step; ``import`` is what went by before this object was made.
    fits : list of float
        Processor seconds of each single fit, in their order.
    refused : dict site -> sentence
        What the library said of sites that it does not take.
    notes : dict
        What else the table tells.
    """

    def __init__(self, name: str, packages: list[str]) -> None:
        warnings.simplefilter("ignore")
        self.name = name
        self.folder = Path(sys.argv[1])
        self.seconds: dict[str, float] = {"import": processor_seconds()}
        self.fits: list[float] = []
        self.refused: dict[str, str] = {}
        self.notes: dict[str, object] = {}
        self.versions = {package: version(package) for package in packages}
        self.answers: list[pd.DataFrame] = []

    def train(self) -> pd.DataFrame:
        """Rows of 2017-2018: site_id, time (UTC), observed_kw, temp_air_c, the local calendar, `evening_1_kw`, `evening_2_kw`."""
        return pd.read_parquet(self.folder / "train.parquet")

    def weather(self) -> pd.DataFrame:
        """Temperature of the judged year: site_id, time (UTC), temp_air_c and the local calendar."""
        return pd.read_parquet(self.folder / "weather.parquet")

    def seen(self, view: str) -> pd.DataFrame:
        """What may be seen for each event: site_id, origin, time, observed_kw (empty where hidden), `asked`, and as in `train`."""
        return pd.read_parquet(self.folder / f"seen_{view}.parquet")

    @contextmanager
    def measured(self, step: str) -> Iterator[None]:
        """Add the processor seconds of the block to a step."""
        began = processor_seconds()
        yield
        self.seconds[step] = self.seconds.get(step, 0.0) + processor_seconds() - began

    @contextmanager
    def fit(self) -> Iterator[None]:
        """One more fit."""
        began = processor_seconds()
        yield
        self.fits.append(processor_seconds() - began)

    def answer(self, method: str, view: str, rows: pd.DataFrame) -> None:
        """Keep estimates: site_id, origin, time, predicted_kw."""
        rows = rows[["site_id", "origin", "time", "predicted_kw"]]
        self.answers.append(rows.assign(method=method, view=view))

    def finish(self) -> None:
        """Write the answers and what they cost."""
        if self.answers:
            said = pd.concat(self.answers, ignore_index=True).astype({"predicted_kw": "float64"})
            said.to_parquet(self.folder / f"answers_{self.name}.parquet", index=False)
        told: dict[str, object] = {
            "versions": self.versions,
            "seconds": self.seconds,
            "fits": self.fits,
            "refused": self.refused,
        }
        told["notes"] = self.notes
        told["python"] = sys.version.split()[0]
        (self.folder / f"cost_{self.name}.json").write_text(json.dumps(told, indent=1), encoding="utf-8")


def beside_events(seen: pd.DataFrame, view: str) -> pd.DataFrame:
    """The hours beside the events that an adjustment may compare: rows of `seen`."""
    since = (seen["time"] - seen["origin"]) / pd.Timedelta(hours=1)
    near = since.between(-BESIDE, -1)
    if view == "settlement":
        near |= since.between(HOURS, HOURS + BESIDE - 1)
    return seen[near]


def filled(frame: pd.DataFrame, by: list[str]) -> pd.Series:
    """Load without gaps, for libraries that take none: an hour not metered gets that of a week or a day before, or a straight line.

    Rows of one group of `by` lie together, in the order of time, an hour a row.
    """
    load = frame["observed_kw"].groupby([frame[name] for name in by])
    said = frame["observed_kw"]
    for hours in (168, 24):
        said = said.fillna(load.shift(hours))
    return said.interpolate(limit_direction="both")
