"""The lead of each row: how far its interval lies after the origin of its forecast."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.coded import instants_of_rows
from cblcast.frames.instants import MINUTE_US
from cblcast.frames.schema import ORIGIN, TIME, DataError, StudyError


def minutes_ahead(X: pd.DataFrame) -> np.ndarray:
    """Minutes from the origin to the START of each row's interval, int64; a step less than the lead as it is usually told."""
    if not isinstance(X, pd.DataFrame) or not isinstance(X.index, pd.MultiIndex) or ORIGIN not in X.index.names:
        raise DataError("a model per lead reads the lead off the index: rows must be indexed (site_id, origin, time)")
    ahead = instants_of_rows(X.index, TIME) - instants_of_rows(X.index, ORIGIN)
    return np.asarray(ahead / MINUTE_US, dtype=np.int64)


def refuse_untrained(ahead: np.ndarray, trained: list[int]) -> None:
    """Raise :class:`StudyError` for a lead that has no model."""
    unknown = np.setdiff1d(ahead, trained)
    if len(unknown):
        raise StudyError(
            f"the interval that starts {unknown[0]} min after the origin was not trained: trained are "
            f"{', '.join(map(str, trained))} min; add the lead to the training cases"
        )
