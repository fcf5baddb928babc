"""The features of many sites on disk: made partition by partition, each file written whole or not at all, none made twice."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

import numpy as np
import pandas as pd

from cblcast.errors import DataError, StudyError
from cblcast.forecast.forecaster import Forecaster, truth
from cblcast.forecast.training_order import index_in_order, training_order
from cblcast.frames.cases import make_cases
from cblcast.frames.coded import codes_and_level, instants_of_rows
from cblcast.frames.instants import stamps
from cblcast.frames.panel import Panel
from cblcast.frames.schema import CASE_INDEX, ORIGIN, SITE, TIME
from cblcast.scaling.pooled_rows import MatrixFiles, TrainingRows

RECIPE = "recipe.json"
Progress = Callable[[str], None]


class Portion(Protocol):
    """Some sites: whoever trains asks for their panel and events when their turn comes."""

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

    def read(self) -> tuple[Panel, pd.DataFrame]:
        """Panel and events."""
        return self.panel, self.events


@dataclass(frozen=True)
class Written:
    """What was written of all portions.

    Attributes
    ----------
    rows : TrainingRows
        In training order.
    sites : DataFrame, index site_id
    step : Timedelta
    """

    rows: TrainingRows
    sites: pd.DataFrame
    step: pd.Timedelta


def write_features(
    forecaster: Forecaster,
    portions: Iterable[Portion],
    folder: Path,
    dtype: str = "float32",
    progress: Progress = lambda _: None,
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

    Raises
    ------
    DataError
        A site in two portions; portions of different steps; nothing that was metered.
    StudyError
        The folder holds features of another method or view.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _check_recipe(forecaster, folder, dtype)
    wanted, began, parts = list(portions), perf_counter(), []
    for number, portion in enumerate(wanted, start=1):
        base = folder / hashlib.sha256(portion.key.encode()).hexdigest()[:16]
        if not base.with_suffix(".json").exists():
            _write_portion(forecaster, portion, base, dtype)
        parts.append(base)
        left = (perf_counter() - began) / number * (len(wanted) - number)
        progress(f"features of {number} of {len(wanted)} parts, {left:.0f} s left")
    return _joined(forecaster, parts)


def _write_portion(forecaster: Forecaster, portion: Portion, base: Path, dtype: str) -> None:
    panel, events = portion.read()
    cases = make_cases(panel, events, forecaster.view, forecaster.windows(), may_overlap=True)
    y = truth(panel, cases)
    X = forecaster.matrix(panel, cases)
    known = np.isfinite(y)
    code, names = codes_and_level(cases.index[known], SITE)
    where = np.stack([instants_of_rows(cases.index[known], level) for level in (ORIGIN, TIME)])
    _write(base.with_suffix(".x.npy"), X.to_numpy(dtype=dtype)[known])
    _write(base.with_suffix(".rows.npy"), np.concatenate([code[None].astype(np.int64), where]))
    _write(base.with_suffix(".y.npy"), y[known])
    told = {
        "columns": [str(name) for name in X.columns],
        "names": [str(name) for name in names],
        "sites": json.loads(panel.sites.reset_index().to_json(orient="records")),
        "step_us": panel.step_us,
    }
    _written(base.with_suffix(".json"), lambda file: file.write_text(json.dumps(told), encoding="utf-8"))


def _joined(forecaster: Forecaster, parts: Sequence[Path]) -> Written:
    """All portions together, in training order."""
    told = [json.loads(base.with_suffix(".json").read_text(encoding="utf-8")) for base in parts]
    if not told:
        raise DataError(f"{forecaster.name} has nothing to train on: there is no part of the sites")
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
    rows = [np.load(base.with_suffix(".rows.npy")) for base in parts]
    site = [
        names.get_indexer(each["names"])[own[0]] if own.size else own[0] for each, own in zip(told, rows, strict=True)
    ]
    joined, y = np.concatenate(rows, axis=1), np.concatenate([np.load(base.with_suffix(".y.npy")) for base in parts])
    if len(y) == 0:
        raise DataError(f"{forecaster.name} has nothing to train on: no interval of the training events was metered")
    first = np.r_[0, np.cumsum([own.shape[1] for own in rows])]
    columns = tuple(told[0]["columns"])
    files = MatrixFiles(tuple(base.with_suffix(".x.npy") for base in parts), columns, first)
    index = _index(np.concatenate(site), names, joined[1], joined[2])
    order = training_order(index, y)
    whole = TrainingRows(files, order, index_in_order(index, order), y[order], columns=columns)
    step = pd.Timedelta(told[0]["step_us"], unit="us").as_unit("us")
    return Written(whole, sites.sort_index(), step)


def _index(site: np.ndarray, names: pd.Index, origin_us: np.ndarray, time_us: np.ndarray) -> pd.MultiIndex:
    levels, codes = [names], [site]
    for us in (origin_us, time_us):
        different, code = np.unique(us, return_inverse=True)
        levels.append(stamps(different))
        codes.append(code)
    return pd.MultiIndex(levels, codes, names=CASE_INDEX, verify_integrity=False)


def _check_recipe(forecaster: Forecaster, folder: Path, dtype: str) -> None:
    if dtype not in ("float32", "float64"):
        raise StudyError(f"features are written in float32 or float64, not {dtype!r}")
    own = json.loads(
        json.dumps({"features": _plain(forecaster.features), "view": asdict(forecaster.view), "dtype": dtype})
    )
    path = folder / RECIPE
    if path.exists() and json.loads(path.read_text(encoding="utf-8")) != own:
        raise StudyError(
            f"{folder.name} holds features of another method, view or precision: give an empty folder, or delete what is in it"
        )
    if not path.exists() and any(folder.iterdir()):
        raise StudyError(f"{folder.name} holds files that are no features: give an empty folder")
    _written(path, lambda file: file.write_text(json.dumps(own), encoding="utf-8"))


def _plain(value: Any) -> Any:
    return json.loads(
        json.dumps(value, default=lambda item: asdict(item) if hasattr(item, "__dataclass_fields__") else str(item))
    )


def _write(path: Path, values: np.ndarray) -> None:
    def put(file: Path) -> None:
        with file.open("wb") as opened:  # numpy adds .npy to a name that lacks it
            np.save(opened, values, allow_pickle=False)

    _written(path, put)


def _written(path: Path, put: Callable[[Path], Any]) -> None:
    """A file that is there whole or not at all."""
    draft = path.with_name(path.name + f".{os.getpid()}.draft")
    try:
        put(draft)
        os.replace(draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise DataError(
            f"{path.name} cannot be written ({error.strerror or error}): make room, or give another folder"
        ) from error
