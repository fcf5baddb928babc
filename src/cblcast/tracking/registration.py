"""The registry: a logged model gets a name, a version and an alias."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cblcast.errors import StudyError
from cblcast.tracking.models import DIGEST, found_in, logged_model
from cblcast.tracking.store import connect, guarded, store_uri
from cblcast.tracking.views import SIGNED, signed


def check_name(name: str) -> None:
    """Refuse a name under which no address would find the model; before it is trained, that costs nothing.

    Raises
    ------
    StudyError
        The name holds ``@``, ``/`` or ``:``, has blanks around it, is empty, or reads as the number of a logged model.
    """
    if not name.strip() or name != name.strip() or re.search(r"[@/:]", name) or re.fullmatch(r"m-[0-9a-f]{32}", name):
        raise StudyError(
            f"MLflow refuses this: a model registered by the name {name!r} could not be addressed as models:/NAME@alias: choose "
            "a name without @, / and :, such as sme-baseline"
        )


def register(
    model_uri: str,
    name: str,
    alias: str | None = None,
    *,
    uri: str | None = None,
    note: str = "",
    use: str = "",
    tags: Mapping[str, str] | None = None,
) -> int:
    """Register a logged model under `name`, and let `alias` point at it.

    Parameters
    ----------
    model_uri : str
        ``models:/m-…`` as :class:`~cblcast.tracking.MethodRun` holds it, or ``runs:/RUN_ID``.
    name : str
    alias : str, optional
    uri : str, optional
        See :func:`~cblcast.tracking.store_uri`.
    note : str
        Markdown that describes the version: data, span, error, method.
    use : str
        Markdown that describes the registered model: how it is used; a description of somebody else's is kept.
    tags : mapping, optional
        Of the version, to be filtered by.

    Returns
    -------
    int
        The new version.

    Raises
    ------
    StudyError
        The model is not in the store, no address could name the model, or MLflow does not take the name or the alias.
    """
    check_name(name)
    address = store_uri(uri)
    client = connect(address, writing=True)
    with guarded(address):
        logged = logged_model(client, address, model_uri)
        new = found_in(client.get_registered_model, name) is None
        if new:
            new = _made(client, name)
        # The source is the folder: MLflow would look a models:/ address up in whatever store the process names.
        made = client.create_model_version(
            name,
            source=logged.artifact_location,
            run_id=logged.source_run_id,
            model_id=logged.model_id,
            tags={**(tags or {}), **{key: value for key, value in logged.tags.items() if key == DIGEST}},
            description=note or None,
        )
        try:
            _describe(client, name, use)
            if alias is not None:
                client.set_registered_model_alias(name, alias, made.version)
        except Exception:
            # A version that nobody can call by the name it was to have is not left behind.
            client.delete_model_version(name, made.version)
            if new and not client.search_model_versions(f"name = '{name}'"):
                client.delete_registered_model(name)
            raise
    return int(made.version)


def _describe(client: Any, name: str, use: str) -> None:
    """Describe a registered model, unless somebody has written a description of their own."""
    known = str(client.get_registered_model(name).description or "")
    if use and (not known or known.endswith(SIGNED)):
        client.update_registered_model(name, signed(use))


def _made(client: Any, name: str) -> bool:
    """Whether the registered model `name` was made here; another process may make it at the same time."""
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return False
    return True
