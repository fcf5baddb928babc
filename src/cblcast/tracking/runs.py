"""Runs: one parent for a study, one child for each method, one for each trial of a tuning."""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cblcast.frames.schema import StudyError
from cblcast.tracking.models import log_forecaster
from cblcast.tracking.owners import close_dead_runs, owner_tags
from cblcast.tracking.plain_values import flatten, plain
from cblcast.tracking.store import connect, experiment_of, guarded, store_uri
from cblcast.tracking.views import NOTE, picture, set_note, set_view, show_training, signed
from cblcast.version import __version__

if TYPE_CHECKING:
    import pandas as pd

    from cblcast.forecast.forecaster import Forecaster
    from cblcast.tracking.inputs import DataUsed

KIND, MODEL_URI, PARENT = "cblcast.kind", "cblcast.model_uri", "mlflow.parentRunId"
PLANNED, REFIT = "cblcast.methods_planned", "cblcast_refit"
_SHOWN = 3  # pictures beneath a description
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
    note: str = "",
    data: DataUsed | None = None,
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
    note : str
        Markdown that describes the experiment.
    data : DataUsed, optional
        The data set of the study and of all its methods.

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
        home = client.get_experiment(experiment)
        show_training(client, home)
        set_note(client, home, note)
    close_dead_runs(client, address)
    intent = {} if planned is None else {PLANNED: str(planned)}
    with _run(client, address, experiment, study, {KIND: "study", **intent, **(tags or {})}) as run_id:
        with guarded(address):
            client.log_text(run_id, yaml.safe_dump(plain(settings), sort_keys=False, allow_unicode=True), "study.yaml")
            if data is not None:
                client.log_inputs(run_id, datasets=[data.entity("study")])
        yield StudyRun(client, address, experiment, run_id, study, data)


@dataclass(frozen=True)
class StudyRun:
    """The open run of a study; see :func:`study_run`."""

    client: Any
    uri: str
    experiment_id: str
    run_id: str
    study: str
    data: DataUsed | None = None

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
        tags: Mapping[str, str] | None = None,
        note: str = "",
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
        tags : mapping, optional
        note : str
            Markdown that describes the run; its first three figures are shown beneath.
        """
        with self._child(method, "method", tags) as run_id:
            with tempfile.TemporaryDirectory() as folder:
                _write(Path(folder), scored, figures or {})
                with guarded(self.uri):
                    self.client.log_artifacts(run_id, folder)
            self._describe(run_id, note, [f"figures/{_safe(name)}.png" for name in figures or {}])
            flat = flatten(params or {})
            self._log(run_id, flat, metrics or {})
            if forecaster is None:
                return MethodRun(run_id, None)
            with guarded(self.uri):
                model_uri = log_forecaster(self.client, self.experiment_id, run_id, method, forecaster, example, flat)
                self.client.set_tag(run_id, MODEL_URI, model_uri)
            return MethodRun(run_id, model_uri)

    def trial(self, number: int, params: Mapping[str, Any], value: float, measure: str = "value") -> str:
        """Log one trial of a tuning, its error under the name of its measure, as a child run; returns its id."""
        with self._child(f"trial {number}", "trial") as run_id:
            self._log(run_id, flatten(params), {measure: value, "number": number})
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

    def summary(
        self,
        note: str,
        *,
        params: Mapping[str, Any] | None = None,
        metrics: Mapping[str, float] | None = None,
        figures: Mapping[str, Callable[[], Any]] | None = None,
        measures: Sequence[str] = (),
        beneath: str = "",
    ) -> None:
        """Describe the run of the study: what it found, in words, a few numbers and a picture.

        Parameters
        ----------
        note : str
            Markdown; the first three of `figures` follow.
        params, metrics, figures
            As of :meth:`method`.
        measures : sequence of str
            Columns of the leaderboard that the experiment's page shows, sorted by the first.
        beneath : str
            Markdown beneath the pictures.
        """
        with tempfile.TemporaryDirectory() as folder:
            _write(Path(folder), None, figures or {})
            with guarded(self.uri):
                self.client.log_artifacts(self.run_id, folder)
                if measures:
                    set_view(self.client, self.experiment_id, measures)
        self._describe(self.run_id, note, [f"figures/{_safe(name)}.png" for name in figures or {}], beneath)
        self._log(self.run_id, flatten(params or {}), metrics or {})

    def artifact(self, path: Path) -> None:
        """Log a file, such as a figure or a summary, with the study."""
        with guarded(self.uri):
            self.client.log_artifact(self.run_id, str(path))

    def artifact_page(self, name: str) -> str:
        """The part of an address that opens a logged file in the MLflow interface."""
        return f"#/experiments/{self.experiment_id}/runs/{self.run_id}/artifacts/{name}"

    @contextmanager
    def _child(self, name: str, kind: str, tags: Mapping[str, str] | None = None) -> Iterator[str]:
        """A run beneath the study's, on the same data."""
        own = {**(tags or {}), KIND: kind, PARENT: self.run_id}
        with _run(self.client, self.uri, self.experiment_id, name, own) as run_id:
            if self.data is not None and kind == "method":
                with guarded(self.uri):
                    self.client.log_inputs(run_id, datasets=[self.data.entity("study")])
            yield run_id

    def _describe(self, run_id: str, note: str, shown: Sequence[str], beneath: str = "") -> None:
        """A note with the first pictures beneath it, then what else there is to say."""
        if note:
            seen = [picture(run_id, path, Path(path).stem) for path in shown[:_SHOWN]]
            with guarded(self.uri):
                self.client.set_tag(run_id, NOTE, signed("\n\n".join([note, *seen, *([beneath] if beneath else [])])))

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


@contextmanager
def _run(client: Any, uri: str, experiment: str, name: str, tags: Mapping[str, str]) -> Iterator[str]:
    """A run that is closed whatever happens, so that nothing half-written looks like a result."""
    with guarded(uri):
        run_id = client.create_run(experiment, run_name=name, tags={**_source(), **tags}).info.run_id
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


def _source() -> dict[str, str]:
    """Tags of every run: which process it belongs to, and what wrote it."""
    return {**owner_tags(), "mlflow.source.name": f"cblcast {__version__}", "mlflow.source.type": "LOCAL"}


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
