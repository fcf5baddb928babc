"""Figures that are given rather than looked up in history: declared schedules, contracted capacity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.checked.annotations import check_fields
from cblcast.frames.coded import sites_of_rows
from cblcast.frames.instants import microseconds
from cblcast.frames.panel import AnyPanel, Panel
from cblcast.frames.schema import OBSERVED, DataError, StudyError, nearest
from cblcast.wishes import union


@dataclass(frozen=True)
class Given:
    """Columns of the panel at each interval, and of the sites frame for each site, under their own names.

    Parameters
    ----------
    panel_columns : tuple of str
        E.g. ``declared_kw``: a schedule that a customer declared beforehand.
    site_columns : tuple of str
        E.g. ``contract_kw``: a contracted capacity.
    """

    panel_columns: tuple[str, ...] = union(())
    site_columns: tuple[str, ...] = union(())

    def reads_columns(self) -> tuple[str, ...]:
        """Columns of the panel that are read besides ``observed_kw``."""
        return self.panel_columns

    def __post_init__(self) -> None:
        check_fields(self)
        if OBSERVED in self.panel_columns:
            raise StudyError(f"{OBSERVED!r} is not given beforehand: it would be read without the blindfold")

    def __call__(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Features of `cases`, same index."""
        site = sites_of_rows(panel, cases.index)
        times = microseconds(cases.index.get_level_values("time"))
        found = {column: panel.values_at(column, site, times) for column in self.panel_columns}
        for column in self.site_columns:
            found[column] = site_figures(panel, column)[site]
        return pd.DataFrame(found, index=cases.index)


def site_figures(panel: AnyPanel, column: str) -> np.ndarray:
    """A column of the sites frame, float64, shape (n_sites,)."""
    if column not in panel.sites.columns:
        raise DataError(
            f"the sites frame has no column {column!r}, which this rule needs: add it, "
            f"one figure a site ({nearest(column, map(str, panel.sites.columns))})"
        )
    return panel.sites[column].to_numpy(dtype=np.float64)
