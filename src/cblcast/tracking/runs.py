"""Runs: one parent for a study, one child for each method, one for each trial of a tuning."""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cblcast.frames.schema import StudyError
from cblcast.tracking.models import log_forecaster
from cblcast.tracking.owners import close_dead_runs, owner_tags
from cblcast.tracking.store import connect, experiment_of, guarded, store_uri

if TYPE_CHECKING:
    import pandas as pd

    from cblcast.forecast.forecaster import Forecaster

KIND, MODEL_URI, PARENT = "cblcast.kind", "cblcast.model_uri", "mlflow.parentRunId"
PLANNED, REFIT = "cblcast.methods_planned", "cblcast_refit"
_MOST_METRICS, _MOST_PARAMS = 800, 100  # MLflow takes 1000 entries a batch, 100 of them parameters


@dataclass(frozen=True)
class MethodRun:
    """The run of one method, and its model (None when none was logged)."""

    run_id: str
    model_uri: str | None


@contextmanager
def study_run(
    study: str,
    settings: Mapping[str, Any],
    *,
    uri: str | None = None,
    tags: Mapping[str, str] | None = None,
    planned: int | None = None,
) -> Iterator[StudyRun]:
    """The parent run of a study; it ends FINISHED, or FAILED (KILLED when interrupted) if the body does not.

    Runs that a dead process of this machine left open in the store are closed as KILLED first.

    Parameters
    ----------
    study : str
        Name of the experiment.
    settings : mapping
        The resolved study, logged as ``study.yaml``.
    uri : str, optional
        See :func:`~cblcast.tracking.store_uri`.
    tags : mapping, optional
    planned : int, optional
        How many methods will be logged, so that a comparison can tell a run that ended before the last.

    Raises
    ------
    StudyError
        The store is locked or broken.
    """
    import yaml

    address = store_uri(uri)
    client = connect(address, writing=True)
    with guarded(address):
        experiment = experiment_of(client, address, study)
    close_dead_runs(client, address)
    intent = {} if planned is None else {PLANNED: str(planned)}
    with _run(client, address, experiment, study, {KIND: "study", **intent, **(tags or {})}) as run_id:
        with guarded(address):
            client.log_text(run_id, yaml.safe_dump(plain(settings), sort_keys=False, allow_unicode=True), "study.yaml")
        yield StudyRun(client, address, experiment, run_id, study)


@dataclass(frozen=True)
class StudyRun:
    """The open run of a study; see :func:`study_run`."""

    client: Any
    uri: str
    experiment_id: str
    run_id: str
    study: str

    def method(
        self,
        method: str,
        *,
        params: Mapping[str, Any] | None = None,
        metrics: Mapping[str, float] | None = None,
        scored: pd.DataFrame | None = None,
        figures: Mapping[str, Callable[[], Any]] | None = None,
        forecaster: Forecaster | None = None,
        example: pd.DataFrame | None = None,
    ) -> MethodRun:
        """Log one method as a child run.

        Parameters
        ----------
        method : str
        params : mapping
            Nested mappings and estimators are flattened to ``adjusted.estimator.x``.
        metrics : mapping
        scored : DataFrame, optional
            Logged as ``scored.parquet``.
        figures : mapping name -> callable
            Each makes a matplotlib figure, logged as ``figures/<name>.png`` with its own resolution and margins.
        forecaster : Forecaster, optional
            Trained; logged as a model that loads without pickle.
        example : DataFrame, optional
            A long frame as :func:`cblcast.forecast.long_frame.score_frame` takes it; its first rows are shown with the model.
        """
        with self._child(method, "method") as run_id:
            with tempfile.TemporaryDirectory() as folder:
                _write(Path(folder), scored, figures or {})
                with guarded(self.uri):
                    self.client.log_artifacts(run_id, folder)
            flat = flatten(params or {})
            self._log(run_id, flat, metrics or {})
            if forecaster is None:
                return MethodRun(run_id, None)
            with guarded(self.uri):
                model_uri = log_forecaster(self.client, self.experiment_id, run_id, method, forecaster, example, flat)
                self.client.set_tag(run_id, MODEL_URI, model_uri)
            return MethodRun(run_id, model_uri)

    def trial(self, number: int, params: Mapping[str, Any], value: float) -> str:
        """Log one trial of a tuning as a child run; returns its id."""
        with self._child(f"trial {number}", "trial") as run_id:
            self._log(run_id, flatten(params), {"value": value, "number": number})
        return run_id

    def table(self, name: str, frame: pd.DataFrame, *, metrics: bool = True) -> None:
        """Log a table as ``<name>.csv``, and its numbers as metrics ``<row>/<column>`` of the study.

        Parameters
        ----------
        metrics : bool
            False for long tables, whose rows nobody plots.
        """
        with guarded(self.uri):
            self.client.log_text(self.run_id, frame.to_csv(), f"{_safe(name)}.csv")
        if metrics:
            numbers = frame.select_dtypes("number")
            rows = ["-".join(map(str, key)) if isinstance(key, tuple) else str(key) for key in numbers.index]
            cells = {
                f"{row}/{column}": float(value)
                for column in numbers
                for row, value in zip(rows, numbers[column], strict=True)
            }
            self._log(self.run_id, {}, cells)

    def artifact(self, path: Path) -> None:
        """Log a file, such as a figure or a summary, with the study."""
        with guarded(self.uri):
            self.client.log_artifact(self.run_id, str(path))

    def _child(self, name: str, kind: str) -> Any:
        return _run(self.client, self.uri, self.experiment_id, name, {KIND: kind, PARENT: self.run_id})

    def _log(self, run_id: str, params: Mapping[str, str], metrics: Mapping[str, float]) -> None:
        """Everything in as few transactions as MLflow allows: one by one, thirty methods take minutes."""
        from mlflow.entities import Metric, Param

        now = int(time.time() * 1000)
        numbers = [Metric(_safe(key), float(value), now, 0) for key, value in metrics.items() if value is not None]
        texts = [Param(_safe(key), value) for key, value in params.items()]
        with guarded(self.uri):
            while numbers or texts:
                self.client.log_batch(run_id, metrics=numbers[:_MOST_METRICS], params=texts[:_MOST_PARAMS])
                numbers, texts = numbers[_MOST_METRICS:], texts[_MOST_PARAMS:]


def flatten(params: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested parameters as text, ``{"adjusted.estimator.x": "5"}``; an estimator is its class and its parameters."""
    flat: dict[str, str] = {}
    for key, value in params.items():
        head, _, tail = str(key).partition("__")
        if tail and hasattr(params.get(head), "get_params"):
            continue  # get_params(deep=True) lists what is inside `head` a second time
        name = f"{prefix}{key}"
        if hasattr(value, "get_params"):
            flat[name] = type(value).__name__
            flat |= flatten(value.get_params(deep=False), f"{name}.")
        elif isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{name}.")
        elif isinstance(value, (list, tuple)) and any(hasattr(item, "get_params") for item in value):
            flat |= flatten({str(number): item for number, item in enumerate(value)}, f"{name}.")
        else:
            flat[name] = str(value)
    return flat


def plain(value: Any) -> Any:
    """`value` in the types that YAML knows."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


@contextmanager
def _run(client: Any, uri: str, experiment: str, name: str, tags: Mapping[str, str]) -> Iterator[str]:
    """A run that is closed whatever happens, so that nothing half-written looks like a result."""
    with guarded(uri):
        run_id = client.create_run(experiment, run_name=name, tags={**owner_tags(), **tags}).info.run_id
    status = "KILLED"
    try:
        yield run_id
        status = "FINISHED"
    except Exception:
        status = "FAILED"
        raise
    finally:
        # A store that failed the body may fail here too; the first error is the one to tell.
        with suppress(*(() if status == "FINISHED" else (StudyError,))), guarded(uri):
            client.set_terminated(run_id, status)


def _write(folder: Path, scored: pd.DataFrame | None, figures: Mapping[str, Callable[[], Any]]) -> None:
    if scored is not None:
        scored.to_parquet(folder / "scored.parquet", compression="zstd")
    for name, draw in figures.items():
        figure = draw()
        (folder / "figures").mkdir(exist_ok=True)
        figure.savefig(folder / "figures" / f"{_safe(name)}.png")
        if "matplotlib.pyplot" in sys.modules:
            sys.modules["matplotlib.pyplot"].close(figure)


def _safe(name: str) -> str:
    """`name` in the characters that MLflow takes in a key."""
    return re.sub(r"[^\w\-. /]", "_", str(name))
