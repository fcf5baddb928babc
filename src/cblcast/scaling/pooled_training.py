"""Training out of core: a forecaster learns from more sites than memory holds, and is the one that memory would have made."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cblcast.abilities import learns
from cblcast.encoding import encoded
from cblcast.errors import DataError, StudyError
from cblcast.forecast.absent_weather import leave_out_absent_weather
from cblcast.forecast.distribution import with_standby
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.products import products_read
from cblcast.forecast.trained_on import TrainedOn
from cblcast.frames.panel import Panel
from cblcast.io.store import MeterStore
from cblcast.io.store.partitions import BYTES_AT_ONCE
from cblcast.scaling.digest import digest_of
from cblcast.scaling.outcome import FAILURE_COLUMNS
from cblcast.scaling.pooled_blocks import Hands
from cblcast.scaling.pooled_features import PanelPortion, Portion, Training, write_features
from cblcast.scaling.pooled_fit import check_learns_from_disk, fit_rows
from cblcast.scaling.stores import StorePiece, cut, names_of
from cblcast.scaling.watched import Progress

Events = Callable[[Panel], pd.DataFrame]


@dataclass(frozen=True)
class StorePortion:
    """A piece of a meter store, read when its turn comes; small enough to be sent to whoever reads it.

    Attributes
    ----------
    piece : StorePiece
    events : callable
        Panel -> the events to learn from, e.g. placebo events of working days; picklable for other processes.
    """

    piece: StorePiece
    events: Events

    @property
    def key(self) -> str:
        """That of the partition."""
        return self.piece.key

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that it is read from."""
        return self.piece.paths

    @property
    def site_ids(self) -> tuple[str, ...]:
        """Its sites."""
        return self.piece.site_ids

    @property
    def bytes(self) -> int:
        """Size of its readings in memory."""
        return self.piece.partition.bytes

    @property
    def asked(self) -> object:
        """What the result depends on beside the files and the events."""
        return self.piece.asked

    def read(self) -> tuple[Panel, pd.DataFrame]:
        """Panel and events."""
        panel = self.piece.panel()
        return panel, self.events(panel)

    def halves(self) -> tuple[StorePortion, StorePortion] | None:
        """The same with half of the sites each; None for one site."""
        both = self.piece.halves()
        return None if both is None else (StorePortion(both[0], self.events), StorePortion(both[1], self.events))


def portions_of_store(
    store: MeterStore, events: Events, sites: pd.DataFrame | None = None, bytes_at_once: int = BYTES_AT_ONCE
) -> list[StorePortion]:
    """The partitions of a store, each with the events to learn from; all of its sites unless `sites` names some."""
    if sites is None:
        names, _ = names_of(store, store.partitions(bytes_at_once))
        sites = store.sites_of(sorted({name for own in names for name in own}))
    return [StorePortion(piece, events) for piece in cut(store, sites, bytes_at_once).pieces]


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
        As :func:`~cblcast.scaling.pooled_features.write_features` and :func:`~cblcast.scaling.pooled_fit.fit_rows`; no portion;
        a portion or a site that cannot be used: :func:`train_portions` goes on without.

    Notes
    -----
    With float64 the trees are those of a training in memory, and ridges differ by the rounding of sums; with float32 every
    feature is rounded at its seventh digit first. Nets draw their batches from a buffer, see
    :class:`~cblcast.scaling.pooled_nets.StreamedDraws`.
    """
    with _folder_of(folder) as where:
        failures = train_portions(forecaster, list(portions), where, dtype, progress)
    if len(failures):
        raise DataError(str(failures["reason"].iloc[0]))
    return forecaster


def train_portions(
    forecaster: Forecaster,
    portions: Sequence[Portion],
    folder: Path,
    dtype: str = "float32",
    progress: Progress = lambda _: None,
    training: Training | None = None,
) -> pd.DataFrame:
    """As :func:`train_out_of_core`, by whoever is asked for, and without what cannot be used.

    The features of a portion, the sums and models of a block of rows are made by whoever works; trees and nets, which learn
    from all rows, grow in this process. Each gives the same numbers whoever does it.

    Parameters
    ----------
    training : Training, optional

    Returns
    -------
    DataFrame
        ``partition``, ``site_id`` ("" where it is the whole partition), ``reason`` of what was left out.
    """
    if not portions:
        raise StudyError(f"{forecaster.name} has nothing to train on: there is no part of the sites")
    training = training or Training()
    check_learns_from_disk(forecaster.estimator)
    first = _first_readable(portions)
    leave_out_absent_weather(forecaster, first)
    forecaster.products = products_read(first, forecaster.builders.values())
    del first
    written = write_features(forecaster, portions, folder, dtype, progress, training)
    hands = Hands(training.asked, folder, digest_of(written.names, described(forecaster.estimator)), progress)
    rows = replace(written.rows, hands=hands)
    progress(f"training {forecaster.name} on {len(rows):,} rows of {len(written.sites):,} sites")
    forecaster.sites = written.sites
    if forecaster.horizon is not None:
        forecaster.sites = with_standby(written.sites, rows.index, rows.y)
        forecaster.horizon = forecaster.horizon.learned_on(written.step)
    fit_rows(forecaster.estimator, rows)
    if learns(forecaster.estimator):
        forecaster.trained_on = TrainedOn.of(pd.DataFrame(index=rows.index), np.asarray(rows.y))
    lost = pd.DataFrame([("", site, reason) for site, reason in hands.failures], columns=FAILURE_COLUMNS, dtype="str")
    return pd.concat([written.outcome.failures, lost], ignore_index=True)


def described(estimator: Any) -> str:
    """All parameters of an untrained estimator, as text."""
    try:
        return json.dumps(encoded(estimator, "estimator", {}))
    except DataError:  # of a class that nobody registered
        return f"{type(estimator).__module__}.{type(estimator).__qualname__} {estimator.get_params()!r}"


def _first_readable(portions: Sequence[Portion]) -> Panel:
    """The panel of the first portion that can be read: what the forecaster finds there it looks for in all."""
    told: Exception | None = None
    for portion in portions:
        try:
            return portion.read()[0]
        except (DataError, StudyError) as error:
            told = told or error
    assert told is not None
    raise told


@contextmanager
def _folder_of(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="cblcast_features_") as made:
        yield Path(made)
