"""What is known of a site besides its meter: size, segment, anything in the site table."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.checked.annotations import check_fields
from cblcast.frames.coded import sites_of_rows
from cblcast.frames.panel import Panel
from cblcast.frames.schema import DataError, nearest
from cblcast.wishes import union

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SiteAttributes:
    """Columns of the site table, for models over many sites.

    Columns: ``site_<name>`` for each of `numeric`; ``<name>_is_<value>``, 0 or 1, for each value of `categories`.

    Parameters
    ----------
    numeric : tuple of str
        Columns of numbers (``rated_kw``, ``floor_area_m2``); NaN stays NaN.
    categories : tuple of (name, values)
        ``(("segment", ("home", "sme")),)``. The values are named here and not read off the panel, so that a model means
        the same by a column wherever it is asked.

    Notes
    -----
    A value that is not named has 0 in all columns of its category; the number of such sites is logged.
    """

    numeric: tuple[str, ...] = union(())
    categories: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __post_init__(self) -> None:
        check_fields(self)

    def __call__(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Features of `cases`, same index."""
        code = sites_of_rows(panel, cases.index)
        found: dict[str, np.ndarray] = {}
        for name in self.numeric:
            values = self._column(panel, name)
            if not pd.api.types.is_numeric_dtype(values):
                raise DataError(f"site column {name!r} is {values.dtype}, not a number: name its values in categories")
            found[f"site_{name}"] = values.to_numpy(dtype=np.float64)[code]
        for name, known in self.categories:
            own = self._column(panel, name).astype("str").to_numpy(dtype=object)
            strange = ~np.isin(own, np.array(known, dtype=object))
            if strange.any():
                logger.info(
                    "%d of %d sites have a %s that is not named, e.g. %r",
                    strange.sum(),
                    len(own),
                    name,
                    own[strange][0],
                )
            for value in known:
                found[f"{name}_is_{value}"] = (own == value).astype(np.float64)[code]
        return pd.DataFrame(found, index=cases.index, dtype=np.float64)

    @staticmethod
    def _column(panel: Panel, name: str) -> pd.Series:
        if name not in panel.sites.columns:
            raise DataError(f"the site table has no column {name!r}: {nearest(name, map(str, panel.sites.columns))}")
        return panel.sites[name]
