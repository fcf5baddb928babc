"""Every nowcast of a valuation against one of them: relative error, and whether the difference is luck."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.metrics import rmae
from cblcast.value.significance import diebold_mariano, giacomini_white
from cblcast.value.wind_market import NONE, PERFECT, Valuation

DAY_US = 86_400_000_000
WEEK_DAYS = 7
COLUMNS = ["rmae", "dm_p_error", "dm_p_income", "gw_p_income"]


def against_reference(found: Valuation, reference: str, horizon_days: int = WEEK_DAYS) -> pd.DataFrame:
    """Tests of each nowcast against `reference` at the same gate, on daily sums over the same products.

    Parameters
    ----------
    found : Valuation
    reference : str
        A nowcast of the valuation.
    horizon_days : int
        Days over which losses hang together, for Diebold-Mariano.

    Returns
    -------
    DataFrame, index (method, gate_min)
        ``rmae`` (mean absolute error over the reference's), ``dm_p_error`` (Diebold-Mariano of squared errors), ``dm_p_income``
        and ``gw_p_income`` (Diebold-Mariano and Giacomini-White of income): p values, two-sided; NaN for the reference itself, for
        the cases without nowcast and where the days are too few.
    """
    day = found.times.as_unit("us").asi8 // DAY_US
    day = np.unique(day, return_inverse=True)[1]
    total, missed = found.stages.total, found.stages.imbalance_mwh
    rows = []
    for number, (name, gate) in enumerate(found.cases):
        base = found.row(reference, gate)
        if name in (NONE, PERFECT, reference):
            rows.append([1.0 if name == reference else np.nan, np.nan, np.nan, np.nan])
            continue
        zero = np.zeros(missed.shape[1])
        told = [rmae(zero, missed[number], missed[base])]
        pairs = [(missed[number] ** 2, missed[base] ** 2), (-total[number], -total[base])]
        errors, incomes = ([np.bincount(day, loss) for loss in pair] for pair in pairs)
        if day.max(initial=0) + 1 < horizon_days + 3:
            rows.append([*told, np.nan, np.nan, np.nan])
            continue
        told += [diebold_mariano(*pair, horizon=horizon_days).p_value for pair in (errors, incomes)]
        rows.append([*told, giacomini_white(*incomes).p_value])
    return pd.DataFrame(rows, index=found.cases, columns=COLUMNS)
