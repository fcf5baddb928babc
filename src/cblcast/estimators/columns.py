"""How an estimator reads its feature columns, with errors that name the feature builder that is missing."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from cblcast.estimators.named import placed_names, values_of
from cblcast.frames.schema import DataError

# Which builder makes a column: only to say so when the column is missing.
_BUILDER_OF = (
    (re.compile(r"^history_"), "day_history"),
    (re.compile(r"^seq_"), "day_sequence"),
    (re.compile(r"^thermal_"), "thermal_days"),
    (re.compile(r"^unusual_"), "unusual_days"),
    (re.compile(r"_ago_\d+$"), "lags"),
    (re.compile(r"^program_"), "program_days"),
    (re.compile(r"^control_"), "control_group"),
    (re.compile(r"^nwp_power|^observed_minus_nwp|^(power|speed)_error_"), "nwp_error"),
    (re.compile(r"^deficit_"), "power_deficit"),
    (re.compile(r"_(ago|mean|sd|ramp)_\d+$"), "lags"),
    (re.compile(r"^(declared|contract|plc)_kw$"), "given"),
    (
        re.compile(
            r"_(kw|gap_kw|event_kw|day_kw|total_gap_kw|temp_gap_c|humidity_gap_pct|age_days)_\d+$|_qualified_days$"
        ),
        "reference_days",
    ),
    (re.compile(r"^hours_since_|^metered_kw$|^event_hours$|^seen_"), "event_windows"),
    (re.compile(r"^(hour|day_|month|week_|year_|holiday)"), "calendar"),
    (re.compile(r"^(temp_|heating_|cooling_|rel_hum|ghi|wind_)"), "weather"),
)


def take(X: pd.DataFrame, names: list[str], estimator: object, rows: np.ndarray | None = None) -> np.ndarray:
    """The columns `names` of `X`, of all rows or those at positions `rows`, as float64, shape (n_rows, len(names)).

    Raises
    ------
    DataError
        Naming the estimator, the column and the feature builder that makes it.
    """
    if not isinstance(X, pd.DataFrame):
        raise DataError(
            f"{type(estimator).__name__} reads named columns such as {names[0]!r}: give it a DataFrame of features, "
            "as Forecaster does, not a bare array"
        )
    place = placed_names(X.columns)[1]
    missing = [name for name in names if name not in place]
    if missing:
        builder = next((maker for pattern, maker in _BUILDER_OF if pattern.search(missing[0])), "a feature builder")
        raise DataError(
            f"{type(estimator).__name__} needs the column {missing[0]!r}, which {builder} makes: "
            f"add {builder} to the features, with enough days or hours"
        )
    return values_of(X, names, rows)


def numbered(prefix: str, key: str, count: int) -> list[str]:
    """Names of the `count` newest reference-day columns of one kind."""
    return [f"{prefix}_{key}_{k:02d}" for k in range(1, count + 1)]


def event_codes(X: pd.DataFrame, estimator: object) -> tuple[np.ndarray, int]:
    """Code of the event (site_id, origin) of each row, and how many there are; rows may stand in any order."""
    index = X.index
    if not isinstance(index, pd.MultiIndex) or not {"site_id", "origin"} <= set(index.names):
        raise DataError(
            f"{type(estimator).__name__} works event by event: its rows must be indexed (site_id, origin, time)"
        )
    site = np.asarray(index.codes[index.names.index("site_id")], dtype=np.int64)
    origin = np.asarray(index.codes[index.names.index("origin")], dtype=np.int64)
    event = site * (origin.max(initial=0) + 1) + origin
    if (np.diff(event) >= 0).all():  # the usual case needs no sorting
        code = np.cumsum(np.r_[False, event[1:] != event[:-1]][: len(event)])
    else:
        _, code = np.unique(event, return_inverse=True)
    return code, int(code.max(initial=-1)) + 1
