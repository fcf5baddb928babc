"""Training out of core: a forecaster learns from more sites than memory holds, and is the one that memory would have made."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast.abilities import learns
from cblcast.errors import StudyError
from cblcast.forecast.absent_weather import leave_out_absent_weather
from cblcast.forecast.distribution import with_standby
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.products import products_read
from cblcast.forecast.trained_on import TrainedOn
from cblcast.frames.panel import Panel
from cblcast.io.store import MeterStore, Partition
from cblcast.io.store.partitions import BYTES_AT_ONCE
from cblcast.scaling.pooled_features import PanelPortion, Portion, Progress, write_features
from cblcast.scaling.pooled_fit import check_learns_from_disk, fit_rows

Events = Callable[[Panel], pd.DataFrame]


@dataclass(frozen=True)
class StorePortion:
    """A partition of a meter store, read when its turn comes.

    Attributes
    ----------
    store : MeterStore
    partition : Partition
    events : callable
        Panel -> the events to learn from, e.g. placebo events of working days.
    sites : DataFrame, optional
        As of a panel.
    """

    store: MeterStore
    partition: Partition
    events: Events
    sites: pd.DataFrame | None = None

    @property
    def key(self) -> str:
        """Store and partition."""
        return f"{self.store.name}/{self.partition.key}"

    def read(self) -> tuple[Panel, pd.DataFrame]:
        """Panel and events."""
        panel = self.store.read_panel(self.partition, self.sites)
        return panel, self.events(panel)


def portions_of_store(
    store: MeterStore, events: Events, sites: pd.DataFrame | None = None, bytes_at_once: int = BYTES_AT_ONCE
) -> list[StorePortion]:
    """The partitions of a store, each with the events to learn from."""
    return [StorePortion(store, partition, events, sites) for partition in store.partitions(bytes_at_once)]


def portions_of_panel(panel: Panel, events: pd.DataFrame, sites_at_once: int) -> list[PanelPortion]:
    """A panel in memory as portions of some sites: for trying out what a store does."""
    found = []
    for first in range(0, len(panel.site_ids), sites_at_once):
        some = panel.site_ids[first : first + sites_at_once]
        own = events[events["site_id"].isin(some)]
        if len(own):
            found.append(PanelPortion(f"{first}", panel.select(some), own.reset_index(drop=True)))
    return found


def train_out_of_core(
    forecaster: Forecaster,
    portions: Iterable[Portion],
    folder: Path | None = None,
    dtype: str = "float32",
    progress: Progress = lambda _: None,
) -> Forecaster:
    """Train a forecaster on sites that are read a portion at a time.

    Features are written once, then every member of the estimator learns from them block by block. Of a row only its index,
    load and weight stay in memory (about 60 bytes), and for boosted trees one byte a feature.

    Parameters
    ----------
    forecaster : Forecaster
        Untrained; trained in place.
    portions : iterable of Portion
        :func:`portions_of_store`, :func:`portions_of_panel`.
    folder : Path, optional
        Where the features are written, and stay: a training that was stopped goes on from them. A temporary one unless given.
    dtype : {"float32", "float64"}
        Of the features on disk.
    progress : callable

    Returns
    -------
    Forecaster
        The same.

    Raises
    ------
    DataError, StudyError
        As :func:`~cblcast.scaling.pooled_features.write_features` and :func:`~cblcast.scaling.pooled_fit.fit_rows`; no portion.

    Notes
    -----
    With float64 the trees are those of a training in memory, and ridges differ by the rounding of sums; with float32 every
    feature is rounded at its seventh digit first. Nets draw their batches from a buffer, see
    :class:`~cblcast.scaling.pooled_nets.StreamedDraws`.
    """
    wanted = list(portions)
    if not wanted:
        raise StudyError(f"{forecaster.name} has nothing to train on: there is no part of the sites")
    check_learns_from_disk(forecaster.estimator)
    first, _ = wanted[0].read()
    leave_out_absent_weather(forecaster, first)
    forecaster.products = products_read(first, forecaster.builders.values())
    with _folder_of(folder) as where:
        written = write_features(forecaster, wanted, where, dtype, progress)
        rows = written.rows
        progress(f"training {forecaster.name} on {len(rows):,} rows of {len(written.sites):,} sites")
        forecaster.sites = written.sites
        if forecaster.horizon is not None:
            forecaster.sites = with_standby(written.sites, rows.index, rows.y)
            forecaster.horizon = forecaster.horizon.learned_on(written.step)
        fit_rows(forecaster.estimator, rows)
    if learns(forecaster.estimator):
        forecaster.trained_on = TrainedOn.of(pd.DataFrame(index=rows.index), np.asarray(rows.y))
    return forecaster


@contextmanager
def _folder_of(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="cblcast_features_") as made:
        yield Path(made)
