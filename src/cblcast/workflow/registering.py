"""A chosen method of a study is registered: with its notes, tags, and what is told of it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cblcast import tracking
from cblcast.config import Study
from cblcast.workflow import run_notes as notes


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
