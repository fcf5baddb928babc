"""The features of many sites on disk: made portion by portion by whoever is asked for, each written whole or not at all."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from cblcast.errors import DataError, StudyError, why_not
from cblcast.forecast.forecaster import Forecaster, truth
from cblcast.forecast.training_order import index_in_order, training_order
from cblcast.frames.cases import make_cases
from cblcast.frames.coded import codes_and_level, instants_of_rows
from cblcast.frames.instants import stamps
from cblcast.frames.panel import Panel
from cblcast.frames.schema import CASE_INDEX, ORIGIN, SITE, TIME
from cblcast.scaling.asked import SIZE, Asked
from cblcast.scaling.journal import piece_digest
from cblcast.scaling.outcome import Outcome
from cblcast.scaling.over import over_partitions
from cblcast.scaling.pooled_rows import MatrixFiles, TrainingRows
from cblcast.scaling.watched import InWords, Progress

DTYPES = ("float32", "float64")


class Portion(Protocol):
    """Some sites: whoever trains asks for their panel and events when their turn comes.

    One that is worked on elsewhere is sent there; ``paths``, ``site_ids``, ``asked`` and ``halves`` may be given as of a
    :class:`cblcast.scaling.Piece`.
    """

    @property
    def key(self) -> str:
        """The same as long as what lies behind it is."""

    def read(self) -> tuple[Panel, pd.DataFrame]:
        """Panel, and the events to learn from (``site_id``, ``start``, ``stop``)."""


@dataclass(frozen=True)
class PanelPortion:
    """Some sites of a panel in memory."""

    key: str
    panel: Panel
    events: pd.DataFrame

    @property
    def site_ids(self) -> tuple[str, ...]:
        """Its sites."""
        return tuple(map(str, self.panel.site_ids))

    def read(self) -> tuple[Panel, pd.DataFrame]:
        """Panel and events."""
        return self.panel, self.events


@dataclass(frozen=True)
class Training:
    """How a training is gone about.

    Attributes
    ----------
    asked : Asked
        Who works, and whether what was finished before is taken; where it is kept is for whoever trains to say.
    question : object
        What it depends on beside portions and forecaster.
    faults : sequence of (partition, site_id, reason)
        What is known to fail before anything is done.
    size : int
        Bytes of a portion, noted so that a training that goes on cuts alike; 0 where that does not matter.
    """

    asked: Asked = field(default_factory=Asked)
    question: object = ()
    faults: Sequence[tuple[str, str, str]] = ()
    size: int = 0


@dataclass(frozen=True)
class Written:
    """What was written of all portions.

    Attributes
    ----------
    rows : TrainingRows
        In training order.
    sites : DataFrame, index site_id
    step : Timedelta
    outcome : Outcome
        What could not be done, and why.
    names : tuple of str
        Of the files: others where they were made from something else.
    """

    rows: TrainingRows
    sites: pd.DataFrame
    step: pd.Timedelta
    outcome: Outcome
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class _PortionPiece:
    """A portion as a piece of work."""

    portion: Any

    @property
    def key(self) -> str:
        return re.sub(r"[^\w.-]", "_", self.portion.key)

    @property
    def paths(self) -> Sequence[Path]:
        return getattr(self.portion, "paths", ())

    @property
    def site_ids(self) -> Sequence[str]:
        return getattr(self.portion, "site_ids", ())

    @property
    def asked(self) -> object:
        return getattr(self.portion, "asked", None)

    def halves(self) -> tuple[_PortionPiece, _PortionPiece] | None:
        both = self.portion.halves() if hasattr(self.portion, "halves") else None
        return None if both is None else (_PortionPiece(both[0]), _PortionPiece(both[1]))


@dataclass(frozen=True)
class _WriteFeatures:
    """Writes the features of a piece; the table says what was written."""

    forecaster: Forecaster
    folder: Path
    dtype: str

    def __call__(self, piece: _PortionPiece) -> pd.DataFrame:
        base = piece_digest("features", piece)[:24]  # of a half, too
        panel, events = piece.portion.read()
        told = _write_portion(self.forecaster, panel, events, self.folder / base, self.dtype)
        return pd.DataFrame({"base": [base], "told": [json.dumps(told)]}, dtype=object)


def write_features(
    forecaster: Forecaster,
    portions: Iterable[Portion],
    folder: Path,
    dtype: str = "float32",
    progress: Progress = lambda _: None,
    training: Training | None = None,
) -> Written:
    """Features and load of the training events of all portions, in files of `folder`.

    Parameters
    ----------
    forecaster : Forecaster
    portions : iterable of Portion
    folder : Path
        May hold what an earlier call, that was stopped, has written: it is not made again.
    dtype : {"float32", "float64"}
        Of the files. In float64 a model is the very one that is trained in memory.
    progress : callable
    training : Training, optional
        Who does it; this thread unless given.

    Raises
    ------
    DataError
        A site in two portions; portions of different steps; nothing that was metered; nothing that could be read.
    StudyError
        The folder holds features of another method or view, or other things.
    """
    if dtype not in DTYPES:
        raise StudyError(f"features are written in float32 or float64, not {dtype!r}")
    training, pieces = training or Training(), [_PortionPiece(portion) for portion in portions]
    asked = training.asked
    recipe = _plain(forecaster.features), _plain(asdict(forecaster.view)), _plain(forecaster.windows()), dtype
    outcome = over_partitions(
        _WriteFeatures(forecaster, folder.absolute(), dtype),
        pieces,
        folder,
        workers=asked.workers,
        scheduler=asked.scheduler,
        question=(*recipe, training.question),
        resume=asked.resume,
        notes={SIZE: training.size} if training.size else None,
        progress=InWords(progress, "features"),
        pool=asked.pool,
        bytes_in_all=sum(int(getattr(each.portion, "bytes", 0)) for each in pieces),
        faults=training.faults,
    )
    table = outcome.table()
    bases = [folder / str(base) for base in table["base"]]
    return _joined(forecaster, bases, [json.loads(text) for text in table["told"]], outcome)


def _write_portion(forecaster: Forecaster, panel: Panel, events: pd.DataFrame, base: Path, dtype: str) -> Any:
    cases = make_cases(panel, events, forecaster.view, forecaster.windows(), may_overlap=True)
    y = truth(panel, cases)
    X = forecaster.matrix(panel, cases)
    known = np.isfinite(y)
    code, names = codes_and_level(cases.index[known], SITE)
    where = np.stack([instants_of_rows(cases.index[known], level) for level in (ORIGIN, TIME)])
    _write(base.with_suffix(".x.npy"), X.to_numpy(dtype=dtype)[known])
    _write(base.with_suffix(".rows.npy"), np.concatenate([code[None].astype(np.int64), where]))
    _write(base.with_suffix(".y.npy"), y[known])
    return {
        "columns": [str(name) for name in X.columns],
        "names": [str(name) for name in names],
        "sites": json.loads(panel.sites.reset_index().to_json(orient="records")),
        "step_us": panel.step_us,
    }


def _joined(forecaster: Forecaster, parts: Sequence[Path], told: Sequence[Any], outcome: Outcome) -> Written:
    """All portions together, in training order."""
    for each in told:
        if each["columns"] != told[0]["columns"] or each["step_us"] != told[0]["step_us"]:
            site = each["sites"][0][SITE]
            raise DataError(
                f"site {site!r} has other columns, or a step of another length, than {told[0]['sites'][0][SITE]!r}: bring all to one"
            )
    sites = pd.DataFrame([site for each in told for site in each["sites"]]).set_index(SITE)
    if sites.index.has_duplicates:
        raise DataError(f"site {sites.index[sites.index.duplicated()][0]!r} lies in two parts: give each site once")
    names = pd.Index(sorted({name for each in told for name in each["names"]}), dtype="str", name=SITE)
    rows = [_read(base.with_suffix(".rows.npy")) for base in parts]
    site = [
        names.get_indexer(each["names"])[own[0]] if own.size else own[0] for each, own in zip(told, rows, strict=True)
    ]
    joined, y = np.concatenate(rows, axis=1), np.concatenate([_read(base.with_suffix(".y.npy")) for base in parts])
    if len(y) == 0:
        raise DataError(f"{forecaster.name} has nothing to train on: no interval of the training events was metered")
    first = np.r_[0, np.cumsum([own.shape[1] for own in rows])]
    columns = tuple(told[0]["columns"])
    files = MatrixFiles(tuple(base.with_suffix(".x.npy") for base in parts), columns, first)
    index = _index(np.concatenate(site), names, joined[1], joined[2])
    order = training_order(index, y)
    whole = TrainingRows(files, order, index_in_order(index, order), y[order], columns=columns)
    step = pd.Timedelta(told[0]["step_us"], unit="us").as_unit("us")
    return Written(whole, sites.sort_index(), step, outcome, tuple(base.name for base in parts))


def _index(site: np.ndarray, names: pd.Index, origin_us: np.ndarray, time_us: np.ndarray) -> pd.MultiIndex:
    levels, codes = [names], [site]
    for us in (origin_us, time_us):
        different, code = np.unique(us, return_inverse=True)
        levels.append(stamps(different))
        codes.append(code)
    return pd.MultiIndex(levels, codes, names=CASE_INDEX, verify_integrity=False)


def _plain(value: Any) -> Any:
    def told(item: Any) -> Any:
        return asdict(item) if is_dataclass(item) and not isinstance(item, type) else str(item)

    return json.loads(json.dumps(value, default=told))


def _read(path: Path) -> np.ndarray:
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except (OSError, ValueError, EOFError):
        raise DataError(
            f"{path.name}, features that were written before, cannot be read any more: begin anew (--no-resume, or an empty folder)"
        ) from None


def _write(path: Path, values: np.ndarray) -> None:
    """A matrix that is there whole or not at all."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft.npy")
    try:
        with draft.open("wb") as file:
            np.save(file, values, allow_pickle=False)
        os.replace(draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise StudyError(f"the features cannot be written to {path.parent}: {why_not(error)}") from error
