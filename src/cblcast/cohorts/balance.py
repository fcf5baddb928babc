"""How alike two groups are before anything is done to one of them: means, spreads, standardised differences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cblcast.errors import DataError, nearest
from cblcast.frames.known import known_moments

# Beyond this a covariate counts as unbalanced in the literature on matching (Austin 2011, Stuart 2010).
UNBALANCED = 0.1


def covariates(frame: pd.DataFrame, columns: Sequence[str], what: str) -> np.ndarray:
    """Columns as float64, yes/no as 1/0; shape (n, k).

    Raises
    ------
    DataError
        A column that is missing, no number, infinite, or empty everywhere.
    """
    found = []
    for name in columns:
        if name not in frame.columns:
            raise DataError(f"{what} has no column {name!r}: {nearest(name, map(str, frame.columns))}")
        column = frame[name]
        if not (pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype)):
            raise DataError(f"{name!r} of {what} is {column.dtype}, not numbers: turn kinds into one 0/1 column each")
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        if np.isinf(values).any():
            raise DataError(f"{name!r} of {what} is infinite at {column.index[np.isinf(values).argmax()]!r}: mend it")
        if len(values) and np.isnan(values).all():
            raise DataError(f"{name!r} of {what} is empty everywhere: leave it out, or fill it in")
        found.append(values)
    if not found:
        raise DataError(f"name one column of {what} at least by which to compare")
    return np.stack(found, axis=1) if len(frame) else np.empty((0, len(found)))


def balance_table(first: pd.DataFrame, second: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Means, spreads and standardised differences of two groups.

    Parameters
    ----------
    first, second : DataFrame
        One row a home (customer, site).
    columns : sequence of str
        Numbers or yes/no; a missing value is left out of its column and counted.

    Returns
    -------
    DataFrame, index covariate
        ``mean_first``, ``mean_second``; ``difference`` = (first − second) / √((s₁² + s₂²) / 2), in standard deviations, NaN
        where neither varies and the means differ; ``variance_ratio`` = s₁² / s₂²; ``missing_first``, ``missing_second`` counts;
        ``balanced``: |difference| ≤ 0.1.

    Raises
    ------
    DataError
        An empty group, or a column that cannot be compared.

    Notes
    -----
    P. C. Austin (2011), An introduction to propensity score methods, section 4.2; E. A. Stuart (2010), Matching methods.
    """
    groups = []
    for group, what in ((first, "the first group"), (second, "the second group")):
        if len(group) == 0:
            raise DataError(f"{what} has no rows: there is nothing to compare")
        values = covariates(group, columns, what)
        mean, spread = known_moments(values)
        n = np.isfinite(values).sum(0)
        # Sample variance: of the n - 1 degrees of freedom.
        variance = np.divide(spread**2 * n, n - 1, out=np.zeros(len(n)), where=n > 1)
        groups.append((mean, variance, len(values) - n))
    (mean_1, var_1, missing_1), (mean_2, var_2, missing_2) = groups
    pooled = np.sqrt((var_1 + var_2) / 2)
    gap = mean_1 - mean_2
    difference = np.divide(gap, pooled, out=np.where(gap == 0, 0.0, np.nan), where=pooled > 0)
    return pd.DataFrame(
        {
            "mean_first": mean_1,
            "mean_second": mean_2,
            "difference": difference,
            "variance_ratio": np.divide(var_1, var_2, out=np.full(len(gap), np.nan), where=var_2 > 0),
            "missing_first": missing_1,
            "missing_second": missing_2,
            "balanced": np.abs(difference) <= UNBALANCED,
        },
        index=pd.Index(list(columns), name="covariate"),
    )
