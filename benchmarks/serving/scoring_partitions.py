"""One partition of a Dask data frame through the registered model; in a module, so that processes find it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pandas as pd

COLUMNS = {"site_id": "str", "time": "datetime64[us, UTC]", "baseline_kw": "float64", "lower_kw": "float64",
           "upper_kw": "float64", "reason": "str"}  # fmt: skip


@lru_cache(maxsize=2)
def model_of(address: str) -> Any:
    """The registered model, read once a process."""
    import mlflow

    return mlflow.pyfunc.load_model(address)


def scored(rows: pd.DataFrame, address: str | None) -> pd.DataFrame:
    """What the model says of the marked rows; without an address an empty answer, which shows the columns."""
    if address is None:
        return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in COLUMNS.items()})
    return pd.DataFrame(model_of(address).predict(rows))[list(COLUMNS)].astype(COLUMNS)
