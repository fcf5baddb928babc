"""A chosen method of a study is registered: with its notes, tags, and what is told of it."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from cblcast import tracking
from cblcast.config import Study
from cblcast.errors import StudyError, nearest
from cblcast.workflow import run_notes as notes

_NO_NAME = re.compile(r"^\s*$|[^\w .\-]")  # empty, or with what parts an address


def check_registration(study: Study, register: str | None, alias: str | None, method: str | None) -> None:
    """Raise :class:`~cblcast.errors.StudyError`, before anything is trained, for what cannot be registered afterwards."""
    if method is not None and method not in study.forecasters():
        raise StudyError(f"the study has no method {method!r}: {nearest(method, study.forecasters())}")
    if alias is not None and register is None:
        raise StudyError("an alias needs a name: add --register NAME")
    if register is not None:
        tracking.check_name(register)
    if alias is not None and _NO_NAME.search(alias):
        raise StudyError(
            f"--alias {alias!r} would make no address (models:/NAME@alias): use letters, digits, dots, dashes, underscores and blanks"
        )


def registered(
    study: Study,
    board: pd.DataFrame,
    uri: str,
    chosen: str,
    why: str,
    data: tracking.DataUsed,
    name: str,
    alias: str | None,
    store: str | None,
) -> dict[str, Any]:
    """Register the method `chosen` of a study, whose logged model is at `uri`.

    Parameters
    ----------
    board : DataFrame
        The leaderboard of the study.
    why : str
        How it was chosen, in words.
    name, alias : str
        Of the registered model.
    store : str, optional
        Of MLflow.

    Returns
    -------
    dict
        ``name``, ``version``, ``alias``, ``method``, ``chosen_by``.
    """
    version = tracking.register(
        uri,
        name,
        alias,
        uri=store,
        note=notes.version_note(study, board, chosen, why, data),
        use=notes.use_note(name, alias),
        tags=notes.version_tags(study, chosen, data),
    )
    return {"name": name, "version": version, "alias": alias, "method": chosen, "chosen_by": why}
