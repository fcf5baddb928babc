"""Work over small plain Parquet files, in a module of its own so that worker processes can import it."""

from __future__ import annotations

import os
import signal
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast.errors import DataError, DataWarning


@dataclass(frozen=True)
class Sites:
    """Some sites of one file of site_id and kw."""

    key: str
    file: Path
    site_ids: tuple[str, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        return (self.file,)

    def halves(self) -> tuple[Sites, Sites] | None:
        middle = len(self.site_ids) // 2
        if not middle:
            return None
        return replace(self, site_ids=self.site_ids[:middle]), replace(self, site_ids=self.site_ids[middle:])


def made(folder: Path, partitions: int = 6, sites: int = 3) -> list[Sites]:
    """Files of a few sites each."""
    draw = np.random.default_rng(18)
    found = []
    for number in range(partitions):
        names = [f"s{number}{letter}" for letter in "abcdefgh"[:sites]]
        file = folder / f"part{number}.parquet"
        pd.DataFrame({"site_id": np.repeat(names, 24), "kw": draw.normal(5, 1, 24 * sites)}).to_parquet(file)
        found.append(Sites(f"p{number}", file, tuple(names)))
    return found


def found(folder: Path, partitions: int) -> list[Sites]:
    """Those that :func:`made` has made."""
    return [
        Sites(f"p{n}", folder / f"part{n}.parquet", tuple(f"s{n}{letter}" for letter in "abc"))
        for n in range(partitions)
    ]


def read(piece: Sites) -> pd.DataFrame:
    try:
        table = pd.read_parquet(piece.file)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{piece.file.name} cannot be read as Parquet ({str(error)[:40]}): write the file again"
        ) from None
    return table[table["site_id"].isin(piece.site_ids)]


def means(piece: Sites) -> pd.DataFrame:
    """Mean load by site; a site whose load is negative cannot be used."""
    table = read(piece)
    bad = table.loc[table["kw"] < 0, "site_id"]
    if len(bad):
        raise DataError(f"site {bad.iloc[0]!r} has a negative load: mend it")
    return table.groupby("site_id", sort=False)["kw"].mean().reset_index()


@dataclass(frozen=True)
class Counting:
    """Means; each time a file in `folder` notes who did what, and it takes `seconds`."""

    folder: Path
    seconds: float = 0.0
    kills: str = ""  # the piece whose worker is killed
    times: int = 99  # how often

    def __call__(self, piece: Sites) -> Mapping[str, pd.DataFrame]:
        with (self.folder / f"{piece.key}.begun").open("a") as file:
            file.write(f"{os.getpid()}\n")
        if piece.key == self.kills and len(begun(self.folder, piece.key)) <= self.times:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(self.seconds)
        return {"rows": means(piece), "counts": read(piece).groupby("site_id").size().rename("n").reset_index()}


def begun(folder: Path, key: str) -> list[str]:
    """The processes in which a piece was begun."""
    path = folder / f"{key}.begun"
    return path.read_text().split() if path.is_file() else []


def warns(piece: Sites) -> pd.DataFrame:
    warnings.warn("a reading looks odd", DataWarning, stacklevel=2)
    return means(piece)


def large(piece: Sites) -> pd.DataFrame:
    """More than a small limit on the size of a file, of one piece."""
    n = 400_000 if piece.key == "p1" else 10
    return pd.DataFrame({"site_id": piece.site_ids[0], "kw": np.random.default_rng(1).normal(size=n)})


def partly(piece: Sites) -> Mapping[str, pd.DataFrame]:
    """Names a site it could not do beside the others."""
    told = means(piece)
    failures = pd.DataFrame({"site_id": told["site_id"].iloc[:1], "reason": "it has no reference day"})
    return {"rows": told.iloc[1:], "failures": failures}
