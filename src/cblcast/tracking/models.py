"""Models: a forecaster logged as plain files and code, registered under a name, loaded without pickle."""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cblcast
from cblcast.errors import DataWarning
from cblcast.forecast.manifest import digest_of
from cblcast.frames.schema import LEAD, OBSERVED, ORIGIN, SITE, TIME, StudyError, nearest
from cblcast.tracking.shortcut import local_folder
from cblcast.tracking.store import ARTIFACT, connect, guarded, quiet_mlflow, store_uri
from cblcast.tracking.unusable import shown

if TYPE_CHECKING:
    import pandas as pd

    from cblcast.forecast.forecaster import Forecaster

DIGEST = "cblcast.manifest_sha256"  # tag of a run, a logged model and a registered version
_SCRIPT = Path(__file__).with_name("declare.py")
_EXAMPLE_ROWS = 5
_REGISTERED = re.compile(r"^models:/(?P<name>[^/@]+)(?:@(?P<alias>.+)|/(?P<version>\d{1,18}))?$")
_LOGGED = re.compile(r"^models:/(?P<model_id>m-[0-9a-f]{32})$")
_RUN = re.compile(r"^runs:/(?P<run_id>[^/]+)")


def declare_model() -> None:
    """Tell MLflow that the model is a saved forecaster: the one thing that a model's code file does."""
    quiet_mlflow()
    from mlflow.models import set_model

    from cblcast.tracking.registered import RegisteredForecaster

    set_model(RegisteredForecaster())


def log_forecaster(
    client: Any,
    experiment_id: str,
    run_id: str,
    name: str,
    forecaster: Forecaster,
    example: pd.DataFrame | None,
    params: Mapping[str, str],
) -> str:
    """Log a trained forecaster as the model of a run; returns ``models:/m-…``.

    The SHA-256 of its manifest is noted with the run, the logged model and MLflow's own description of it.
    """
    from mlflow import pyfunc
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model

    head = None if example is None else _shown(example)
    with tempfile.TemporaryDirectory() as folder:
        forecaster.save(Path(folder) / ARTIFACT)
        noted = {DIGEST: str(digest_of(Path(folder) / ARTIFACT))}
        logged = client.create_logged_model(
            experiment_id,
            name=re.sub(r"[/:.%\"']", "_", name),
            source_run_id=run_id,
            params=dict(params),
            tags=noted,
        )
        pyfunc.save_model(
            path=f"{folder}/model",
            mlflow_model=Model(
                artifact_path=logged.artifact_location,
                model_uuid=logged.model_id,
                run_id=run_id,
                model_id=logged.model_id,
            ),
            python_model=str(_SCRIPT),
            model_config=noted,
            artifacts={ARTIFACT: f"{folder}/{ARTIFACT}"},
            signature=_signature(forecaster),
            metadata={"input_columns": _read_columns(forecaster)},
            pip_requirements=_requirements(),
            input_example=head,
        )
        client.log_model_artifacts(logged.model_id, f"{folder}/model")
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    client.finalize_logged_model(logged.model_id, "READY")
    client.set_tag(run_id, DIGEST, noted[DIGEST])
    return f"models:/{logged.model_id}"


def load_forecaster(model_uri: str, *, uri: str | None = None, view: str | None = None) -> Forecaster:
    """The forecaster behind ``models:/NAME@alias``, ``models:/NAME/3``, ``models:/m-…``, ``runs:/RUN_ID`` or ``pretrained``.

    ``pretrained`` is the baseline that travels with the package; ``pretrained/settlement``, or `view`, names another of its
    views than ``real_time`` (see :func:`cblcast.forecast.pretrained.load_pretrained`).

    Its files are checked by their manifest before they are read, and the manifest by the SHA-256 that the store noted;
    a model of version 0.1 has neither, which is told.

    Raises
    ------
    StudyError
        No such name, alias, version or run; the nearest registered one is offered. A newer cblcast saved the model.
    DataError
        A file of the model is damaged, missing or too many, or the model is not the one that was registered.
    """
    from cblcast.forecast.pretrained import is_pretrained, load_pretrained

    if is_pretrained(model_uri):
        return load_pretrained(view if view is not None else model_uri)
    if view is not None:
        raise StudyError(
            f"only the pretrained baseline has several views; {model_uri!r} has the view that it was trained for"
        )
    address = store_uri(uri)
    match = None if _LOGGED.match(model_uri) else _REGISTERED.match(model_uri)
    near = local_folder(address, DIGEST, **match.groupdict()) if match else None
    if near is not None:
        return _load(near.folder / "artifacts" / ARTIFACT, near.noted, model_uri)
    client = connect(address)
    with tempfile.TemporaryDirectory() as folder:
        with guarded(address):
            from mlflow.artifacts import download_artifacts

            if match:
                location, noted = _location_of_name(client, address, **match.groupdict())
            else:
                logged = logged_model(client, address, model_uri)
                location, noted = logged.artifact_location, logged.tags.get(DIGEST)
            path = download_artifacts(
                artifact_uri=f"{location}/artifacts/{ARTIFACT}", dst_path=folder, tracking_uri=address
            )
        return _load(Path(path), noted, model_uri)


def _load(folder: Path, noted: str | None, model_uri: str) -> Forecaster:
    from cblcast.forecast.forecaster import Forecaster

    made = Forecaster.load(folder, noted)
    if digest_of(folder) is None:
        warnings.warn(
            f"{model_uri} was saved by cblcast 0.1, which kept no checksums: damage to its files would not be noticed "
            "(train and register it again)",
            DataWarning,
            stacklevel=3,
        )
    return made


def found_in(fetch: Any, *key: str) -> Any:
    """What the store has under `key`, None when it has nothing there."""
    from mlflow.exceptions import MlflowException

    try:
        return fetch(*key)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"):
            return None
        raise


def logged_model(client: Any, address: str, model_uri: str) -> Any:
    """The logged model that ``models:/m-…`` or ``runs:/…`` names."""
    if match := _LOGGED.match(model_uri):
        model_id = match["model_id"]
    elif match := _RUN.match(model_uri):
        run = found_in(client.get_run, match["run_id"])
        if run is None:
            raise StudyError(f"there is no run {match['run_id']!r} in {shown(address)}: see cblcast compare STUDY")
        if run.outputs is None or not run.outputs.model_outputs:
            raise StudyError(f"run {match['run_id']!r} has no model: name the run of a method, see cblcast compare")
        model_id = run.outputs.model_outputs[0].model_id
    else:
        raise StudyError(f"{model_uri!r} names no model: write models:/NAME@alias, models:/NAME/3 or runs:/RUN_ID")
    logged = found_in(client.get_logged_model, model_id)
    if logged is None:
        raise StudyError(f"there is no model {model_id!r} in {shown(address)}: see cblcast compare STUDY")
    return logged


def _location_of_name(
    client: Any, address: str, name: str, alias: str | None, version: str | None
) -> tuple[str, str | None]:
    """Folder of a registered model, and the SHA-256 of its manifest that was noted with it."""
    registered = found_in(client.get_registered_model, name)
    if registered is None:
        names = [model.name for model in client.search_registered_models(max_results=1000)]
        hint = nearest(name, names) if names else "nothing is registered there yet, train with --register NAME"
        raise StudyError(f"no model is registered as {name!r} in {shown(address)}: {hint}")
    if alias is not None:
        if alias not in registered.aliases:
            hint = nearest(alias, registered.aliases) if registered.aliases else "it has none, name a version"
            raise StudyError(f"the registered model {name!r} has no alias {alias!r}: {hint}")
        version = str(registered.aliases[alias])
    known_version = None if version is None else found_in(client.get_model_version, name, version)
    if version is None or known_version is None:
        versions = sorted(int(made.version) for made in client.search_model_versions(f"name = '{name}'"))
        known = [f"models:/{name}@{known}" for known in registered.aliases]
        known += [f"models:/{name}/{number}" for number in versions]
        wrong = "needs an alias or a version" if version is None else f"has no version {version}"
        raise StudyError(f"the registered model {name!r} {wrong}: write {' or '.join(known[-8:]) or 'another name'}")
    return str(client.get_model_version_download_uri(name, version)), known_version.tags.get(DIGEST)


def _signature(forecaster: Forecaster) -> Any:
    """The output columns. What comes in is checked by the model, and not by MLflow before it.

    MLflow's types take no whole number for a double, no 0 and 1 for a boolean and no number for a text; a column of any type
    cannot be read from CSV; and whatever they refuse is told with the whole frame. So no input schema is logged, what the
    model reads stands in its metadata (see :func:`_read_columns`), and :mod:`cblcast.forecast.long_columns` refuses with a
    sentence.
    """
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, Schema

    from cblcast.forecast.nowcast import NOWCAST_COLUMNS, REASON
    from cblcast.forecast.scoring import BASELINE_COLUMNS

    columns = BASELINE_COLUMNS if forecaster.horizon is None else NOWCAST_COLUMNS
    kinds = {SITE: "string", TIME: "datetime", ORIGIN: "datetime", LEAD: "long"}
    outputs: list[Any] = [ColSpec(kinds.get(column, "double"), column) for column in columns]
    return ModelSignature(outputs=Schema([*outputs, ColSpec("string", REASON, required=False)]))


def _read_columns(forecaster: Forecaster) -> dict[str, str]:
    """The columns that the model reads, as whoever opens the model's page may want to know."""
    from cblcast.forecast.long_columns import ESTIMATE
    from cblcast.forecast.long_frame import SITE_COLUMNS
    from cblcast.forecast.scoring import weather_columns

    return {
        SITE: "text, or whole numbers",
        TIME: "start of the interval, with its offset; without one only where tz is given",
        OBSERVED: "mean power [kW], empty where not metered",
        **dict.fromkeys(weather_columns(forecaster), "number, as in training"),
        ESTIMATE: "True (1) where a baseline is wanted, else False (0)",
        **dict.fromkeys(SITE_COLUMNS, "optional; one value a site"),
    }


def _shown(example: pd.DataFrame) -> pd.DataFrame:
    """The first marked rows of `example`, small enough to be read, with times as text since JSON has no other."""
    from cblcast.forecast.long_columns import ESTIMATE

    first = max(0, int(example[ESTIMATE].to_numpy(dtype=bool).argmax()) - _EXAMPLE_ROWS)
    rows = example.iloc[first : first + 2 * _EXAMPLE_ROWS]
    return rows.assign(**{TIME: [time.isoformat() for time in rows[TIME]]}).reset_index(drop=True)


def _requirements() -> list[str]:
    """What scoring needs. The nets predict with numpy, so torch is not among it."""
    return [f"cblcast=={cblcast.__version__}", *(f"{name}=={version(name)}" for name in ("mlflow", "numpy", "pandas"))]
