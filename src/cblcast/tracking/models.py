"""Models: a forecaster logged as plain files and code, registered under a name, loaded without pickle."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cblcast
from cblcast.frames.schema import LOWER, OBSERVED, SITE, TIME, UPPER, StudyError, nearest
from cblcast.tracking.shortcut import local_folder
from cblcast.tracking.store import ARTIFACT, connect, guarded, quiet_mlflow, store_uri

if TYPE_CHECKING:
    import pandas as pd

    from cblcast.forecast.forecaster import Forecaster

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
    """Log a trained forecaster as the model of a run; returns ``models:/m-…``."""
    from mlflow import pyfunc
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model

    logged = client.create_logged_model(
        experiment_id, name=re.sub(r"[/:.%\"']", "_", name), source_run_id=run_id, params=dict(params)
    )
    head = None if example is None else _shown(example)
    with tempfile.TemporaryDirectory() as folder:
        forecaster.save(Path(folder) / ARTIFACT)
        pyfunc.save_model(
            path=f"{folder}/model",
            mlflow_model=Model(
                artifact_path=logged.artifact_location,
                model_uuid=logged.model_id,
                run_id=run_id,
                model_id=logged.model_id,
            ),
            python_model=str(_SCRIPT),
            artifacts={ARTIFACT: f"{folder}/{ARTIFACT}"},
            signature=_signature(forecaster, example),
            pip_requirements=_requirements(),
            input_example=head,
        )
        client.log_model_artifacts(logged.model_id, f"{folder}/model")
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    client.finalize_logged_model(logged.model_id, "READY")
    return f"models:/{logged.model_id}"


def register(model_uri: str, name: str, alias: str | None = None, *, uri: str | None = None) -> int:
    """Register a logged model under `name`, and let `alias` point at it.

    Parameters
    ----------
    model_uri : str
        ``models:/m-…`` as :class:`~cblcast.tracking.MethodRun` holds it, or ``runs:/RUN_ID``.
    name : str
    alias : str, optional
    uri : str, optional
        See :func:`~cblcast.tracking.store_uri`.

    Returns
    -------
    int
        The new version.

    Raises
    ------
    StudyError
        The model is not in the store, or MLflow does not take the name or the alias.
    """
    address = store_uri(uri)
    client = connect(address, writing=True)
    with guarded(address):
        logged = _logged_model(client, address, model_uri)
        new = _found(client.get_registered_model, name) is None
        if new:
            client.create_registered_model(name)
        # The source is the folder: MLflow would look a models:/ address up in whatever store the process names.
        made = client.create_model_version(
            name, source=logged.artifact_location, run_id=logged.source_run_id, model_id=logged.model_id
        )
        try:
            if alias is not None:
                client.set_registered_model_alias(name, alias, made.version)
        except Exception:
            # A version that nobody can call by the name it was to have is not left behind.
            client.delete_model_version(name, made.version)
            if new:
                client.delete_registered_model(name)
            raise
    return int(made.version)


def load_forecaster(model_uri: str, *, uri: str | None = None) -> Forecaster:
    """The forecaster behind ``models:/NAME@alias``, ``models:/NAME/3``, ``models:/m-…`` or ``runs:/RUN_ID``.

    Raises
    ------
    StudyError
        No such name, alias, version or run; the nearest registered one is offered.
    """
    from cblcast.forecast.forecaster import Forecaster

    address = store_uri(uri)
    match = None if _LOGGED.match(model_uri) else _REGISTERED.match(model_uri)
    near = local_folder(address, **match.groupdict()) if match else None
    if near is not None:
        return Forecaster.load(near / "artifacts" / ARTIFACT)
    client = connect(address)
    with tempfile.TemporaryDirectory() as folder:
        with guarded(address):
            from mlflow.artifacts import download_artifacts

            if match:
                location = _location_of_name(client, address, **match.groupdict())
            else:
                location = _logged_model(client, address, model_uri).artifact_location
            path = download_artifacts(
                artifact_uri=f"{location}/artifacts/{ARTIFACT}", dst_path=folder, tracking_uri=address
            )
        return Forecaster.load(Path(path))


def _found(fetch: Any, *key: str) -> Any:
    """What the store has under `key`, None when it has nothing there."""
    from mlflow.exceptions import MlflowException

    try:
        return fetch(*key)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"):
            return None
        raise


def _logged_model(client: Any, address: str, model_uri: str) -> Any:
    """The logged model that ``models:/m-…`` or ``runs:/…`` names."""
    if match := _LOGGED.match(model_uri):
        model_id = match["model_id"]
    elif match := _RUN.match(model_uri):
        run = _found(client.get_run, match["run_id"])
        if run is None:
            raise StudyError(f"there is no run {match['run_id']!r} in {address}: see cblcast compare STUDY")
        if run.outputs is None or not run.outputs.model_outputs:
            raise StudyError(f"run {match['run_id']!r} has no model: name the run of a method, see cblcast compare")
        model_id = run.outputs.model_outputs[0].model_id
    else:
        raise StudyError(f"{model_uri!r} names no model: write models:/NAME@alias, models:/NAME/3 or runs:/RUN_ID")
    logged = _found(client.get_logged_model, model_id)
    if logged is None:
        raise StudyError(f"there is no model {model_id!r} in {address}: see cblcast compare STUDY")
    return logged


def _location_of_name(client: Any, address: str, name: str, alias: str | None, version: str | None) -> str:
    """Folder of a registered model."""
    registered = _found(client.get_registered_model, name)
    if registered is None:
        names = [model.name for model in client.search_registered_models(max_results=1000)]
        hint = nearest(name, names) if names else "nothing is registered there yet, train with --register NAME"
        raise StudyError(f"no model is registered as {name!r} in {address}: {hint}")
    if alias is not None:
        if alias not in registered.aliases:
            hint = nearest(alias, registered.aliases) if registered.aliases else "it has none, name a version"
            raise StudyError(f"the registered model {name!r} has no alias {alias!r}: {hint}")
        version = str(registered.aliases[alias])
    if version is None or _found(client.get_model_version, name, version) is None:
        versions = sorted(int(made.version) for made in client.search_model_versions(f"name = '{name}'"))
        known = [f"models:/{name}@{known}" for known in registered.aliases]
        known += [f"models:/{name}/{number}" for number in versions]
        wrong = "needs an alias or a version" if version is None else f"has no version {version}"
        raise StudyError(f"the registered model {name!r} {wrong}: write {' or '.join(known[-8:]) or 'another name'}")
    return str(client.get_model_version_download_uri(name, version))


def _signature(forecaster: Forecaster, example: pd.DataFrame | None) -> Any:
    """Input and output columns.

    ``time`` has the type Any: MLflow's datetime takes neither times with a zone nor, under pandas 3, the text that a
    CSV file holds; its string takes no datetimes.
    """
    from mlflow.models import ModelSignature
    from mlflow.types.schema import AnyType, ColSpec, Schema

    from cblcast.forecast.long_frame import ESTIMATE, SITE_COLUMNS
    from cblcast.forecast.scoring import BASELINE, weather_columns

    needed = weather_columns(forecaster)
    known = {SITE, TIME, OBSERVED, ESTIMATE, *SITE_COLUMNS, *needed}
    further = [] if example is None else [c for c in example.select_dtypes("number").columns if c not in known]
    inputs: list[Any] = [
        ColSpec("string", SITE),
        ColSpec(AnyType(), TIME),
        ColSpec("double", OBSERVED),
        *(ColSpec("double", column) for column in needed),
        ColSpec("boolean", ESTIMATE),
        *(ColSpec("double", column, required=False) for column in further),
        *(ColSpec("string", column, required=False) for column in SITE_COLUMNS),
    ]
    outputs: list[Any] = [ColSpec("string", SITE), ColSpec("datetime", TIME)]
    outputs += [ColSpec("double", column) for column in (BASELINE, LOWER, UPPER)]
    return ModelSignature(Schema(inputs), Schema(outputs))


def _shown(example: pd.DataFrame) -> pd.DataFrame:
    """The first marked rows of `example`, small enough to be read, with times as text since JSON has no other."""
    from cblcast.forecast.long_frame import ESTIMATE

    first = max(0, int(example[ESTIMATE].to_numpy(dtype=bool).argmax()) - _EXAMPLE_ROWS)
    rows = example.iloc[first : first + 2 * _EXAMPLE_ROWS]
    return rows.assign(**{TIME: [time.isoformat() for time in rows[TIME]]}).reset_index(drop=True)


def _requirements() -> list[str]:
    """What scoring needs. The nets predict with numpy, so torch is not among it."""
    return [f"cblcast=={cblcast.__version__}", *(f"{name}=={version(name)}" for name in ("mlflow", "numpy", "pandas"))]
