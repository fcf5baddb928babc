"""The portfolio behind `cblcast simulate`: any number of synthetic sites drawn from real days, written as a store, part by part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cblcast.config.portfolio import PortfolioFile
from cblcast.errors import StudyError
from cblcast.frames.instants import HOUR_US
from cblcast.workflow.worlds import WorldResult


class PortfolioOfRealDays:
    """Synthetic sites in a store: real days of a data set, drawn by kind of day and temperature, scaled and noised.

    Its tables: ``sites_sample`` (the first sites, and the real site that each takes after) and ``weather`` (date, temp_mean_c and the real
    date that it is of). The store says in its metadata that it is synthetic.
    """

    section = PortfolioFile

    def run(self, settings: PortfolioFile, folder: Path) -> WorldResult:
        """Write the portfolio that a file in `folder` describes."""
        from cblcast import datasets
        from cblcast.io.store.grid_tables import grid_tables
        from cblcast.io.store.writing import check_target, written_store
        from cblcast.simulate.portfolio import Portfolio, site_names
        from cblcast.simulate.real_days import real_days

        out = folder / settings.store
        check_target(out)
        if settings.layout == "wide" and out.suffix and settings.sites > settings.sites_per_file:
            raise StudyError(f"store: {settings.store!r} cannot hold so many columns in one file: name a folder")
        pool = real_days(datasets.load(settings.dataset))
        first_day = int(np.datetime64(settings.first_day, "D").astype(np.int64))
        drawn = Portfolio(
            pool, first_day, settings.days, settings.alike, settings.spread, settings.noise, settings.seed
        )
        at_once = min(settings.sites_per_file, _sites_at_once(settings.days, pool.step_us, settings.layout))
        notes = {"cblcast:tz": pool.tz, "cblcast:synthetic": _label(settings)}
        with written_store(out, notes) as writer:
            for first in range(0, settings.sites, settings.sites_per_file):
                stop = min(first + settings.sites_per_file, settings.sites)
                writer.write(
                    table
                    for begin in range(first, stop, at_once)
                    for table in grid_tables(
                        site_names(begin, min(begin + at_once, stop)),
                        drawn.loads(begin, min(begin + at_once, stop)),
                        drawn.days,
                        pool.tz,
                        pool.step_us,
                        settings.layout,
                    )
                )
        return WorldResult(
            self._summary(settings, out, pool.step_us, writer.files, writer.rows),
            {"sites_sample": _sample(drawn, min(settings.sites, 100)), "weather": _weather(drawn)},
            {},
            (_label(settings),),
        )

    @staticmethod
    def _summary(settings: PortfolioFile, out: Path, step_us: int, files: int, rows: int) -> dict[str, Any]:
        found = [out] if out.is_file() else sorted(out.glob("*.parquet"))
        return {
            "name": settings.name,
            "synthetic": True,
            "store": str(out),
            "layout": settings.layout,
            "sites": settings.sites,
            "days": settings.days,
            "step_min": step_us / HOUR_US * 60,
            "store_files": files,
            "rows": rows,
            "megabytes": sum(path.stat().st_size for path in found) / 1e6,
        }


def _sites_at_once(days: int, step_us: int, layout: str) -> int:
    """Sites whose loads take some 100 MB, whole blocks of their seeds; a wide file is made at once."""
    from cblcast.simulate.portfolio import BLOCK

    if layout == "wide":
        return 10**9
    of_site = days * 24 * HOUR_US // step_us * 4
    return max(1, 25_000_000 // (of_site * BLOCK)) * BLOCK


def _label(settings: PortfolioFile) -> str:
    return (
        f"synthetic: {settings.sites} sites drawn from real days of {settings.dataset} (seed {settings.seed}), scaled and noised; no "
        "meter recorded them"
    )


def _sample(drawn: Any, count: int) -> pd.DataFrame:
    from cblcast.simulate.portfolio import site_names

    names = pd.Index(site_names(0, count), name="site_id")
    return pd.DataFrame(
        {"tz": drawn.pool.tz, "country": drawn.pool.country, "takes_after": drawn.likeness(0, count)}, index=names
    )


def _weather(drawn: Any) -> pd.DataFrame:
    dates = pd.Index(drawn.days.astype("M8[D]").astype(str), name="date")
    return pd.DataFrame(
        {"temp_mean_c": drawn.temp_c, "weather_of": drawn.weather_days.astype("M8[D]").astype(str)}, index=dates
    )
