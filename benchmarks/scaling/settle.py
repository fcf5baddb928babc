"""Settles one event of all sites of a store; a process of its own for run.py, whose resources are then those of this work."""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cblcast.io.store import open_store
from cblcast.scaling import Asked, settle_store, settled
from cblcast.scaling.stores import StorePiece, names_of
from cblcast.settlement import Wishes

BYTES = 2_000_000  # of a partition, in the runs that are compared: a file each
RULE = "caiso_10in10"


@dataclass(frozen=True)
class Noted(settled.SettlePiece):
    """Settles, and notes each piece that is begun."""

    begun: Path = Path("begun.txt")

    def __call__(self, piece: StorePiece) -> Mapping[str, pd.DataFrame]:
        with self.begun.open("a") as file:
            file.write(f"{piece.key}\n")
        return super().__call__(piece)


class Small(Asked):
    def size_for(self, store: object) -> int:
        return BYTES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--scheduler")
    parser.add_argument("--parts", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--begun", type=Path)
    parser.add_argument("--coverage", type=float)
    given = parser.parse_args()
    store = open_store(given.store, tz="Europe/London", country="GB")
    names, _ = names_of(store, store.partitions())
    index = pd.Index(sorted(name for own in names for name in own), name="site_id", dtype="str")
    sites = pd.DataFrame({"tz": "Europe/London", "country": "GB", "subdivision": "ENG"}, index=index)
    start = pd.Timestamp("2023-06-14 17:00", tz="Europe/London").tz_convert("UTC")
    events = pd.DataFrame({"site_id": index, "start": start, "stop": start + pd.Timedelta(hours=3)})
    kind = Small if given.scheduler or given.parts else Asked
    asked = kind(given.workers, given.scheduler, given.parts)
    if given.begun is not None:
        settled.SettlePiece = lambda programs, wishes: Noted(programs, wishes, given.begun)  # type: ignore[misc, assignment]
    begun = time.perf_counter()
    told, outcome = settle_store(store, sites, events, [RULE], Wishes(coverage=given.coverage), asked)
    seconds = time.perf_counter() - begun
    if given.out is not None:
        told.events.to_parquet(given.out, index=False)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    document = {
        "seconds": seconds,
        "cpu": sum(each.ru_utime + each.ru_stime for each in used),
        "mb": max(each.ru_maxrss for each in used) / 1024,
        "partitions": outcome.partitions,
        "skipped": outcome.skipped,
        "rows": len(told.events),
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
