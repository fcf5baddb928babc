"""End uses of the sites of a panel: the regression with the local clock, or with occupants where they were counted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from cblcast.days.day_types import site_day_types
from cblcast.end_uses.regression import PARTS, EndUses, add_up, regress
from cblcast.errors import DataError, StudyError
from cblcast.features.thermal_days import TIME_CONSTANTS_H, filtered_temperature
from cblcast.frames.instants import DAY_US, HOUR_US
from cblcast.frames.known import run_starts
from cblcast.frames.panel import Panel, local_clock
from cblcast.frames.schema import OBSERVED, SITE

Array = np.ndarray
OCCUPANT_CLASSES = 10
KINDS_OF_DAY = ("working",) * 5 + ("saturday", "sunday", "sunday")  # Monday … Sunday, holiday


class PanelEndUses(NamedTuple):
    """A panel told apart.

    Attributes
    ----------
    parts : DataFrame, index of the panel
        ``base_kw``, ``occupancy_kw``, ``heating_kw``, ``cooling_kw``, ``unexplained_kw``: 0 or more, adding up to the load; NaN where
        load or temperature is (:func:`cblcast.end_uses.regression.add_up`).
    expected : DataFrame, index of the panel
        What the model expects of the first four, also where the load is unknown, as in a masked event.
    sites : DataFrame, index site_id
        ``<part>_mean_kw``, ``<part>_lower_kw``, ``<part>_upper_kw``; ``explained`` (R²); ``heats_below_c``, ``cools_above_c``,
        ``heating_time_constant_h`` and ``cooling_time_constant_h`` (NaN without such a part); ``rows_left_out`` for want of load or
        temperature.
    """

    parts: pd.DataFrame
    expected: pd.DataFrame
    sites: pd.DataFrame


def end_uses(
    panel: Panel,
    column: str = OBSERVED,
    *,
    temperature: str = "temp_air_c",
    occupants: str | None = None,
    level: float = 0.9,
    seed: int = 0,
) -> PanelEndUses:
    """Tell heating, cooling, base and occupancy of each site apart.

    Parameters
    ----------
    panel : Panel
        Steps of 15 min or longer; mask real events first (:meth:`cblcast.frames.panel.Panel.with_events`).
    column : str
        What is used [kW]: ``observed_kw`` of a meter without a roof behind it, else ``load_kw``.
    temperature : str
        Column [°C]; gaps are bridged by straight lines.
    occupants : str, optional
        A column of counted people. Without it the local clock stands for them: hours of working days, Saturdays, and Sundays
        with holidays.
    level, seed
        As in :func:`cblcast.end_uses.regression.regress`.

    Raises
    ------
    DataError
        By the name of the site: no temperature, net or constant load, fewer than four weeks, a column that is missing.
    StudyError
        A step below a quarter of an hour.

    Notes
    -----
    The NIALM box of figure 1 of the baseline paper (EEDAL'21, section 3.1): end uses from the smart meter, to tune physically based
    models and to verify which load responded. Model and limits: :func:`cblcast.end_uses.regression.regress`.
    """
    if not 0 < level < 1:
        raise StudyError(f"level is the share that the limits hold, between 0 and 1, not {level}")
    if temperature not in panel.data.columns:
        raise DataError(
            f"the panel has no {temperature!r}, and without it heating and cooling cannot be told from the rest: give weather with it"
        )
    load = panel.column(column)
    filtered = np.column_stack([filtered_temperature(panel, temperature, tau) for tau in TIME_CONSTANTS_H])
    clock, month = _clock(panel)
    if occupants is not None:
        clock = _occupant_class(panel.column(occupants))
        load = np.where(clock < 0, np.nan, load)  # nobody counted: left out of the fit, and told
    first = np.append(run_starts(np.asarray(panel.data.index.codes[0])), len(load))
    found: list[EndUses] = []
    for site, a, b in zip(panel.site_ids, first[:-1], first[1:], strict=True):
        rows = slice(a, b)
        try:
            own = regress(
                load[rows],
                clock[rows],
                month[rows],
                filtered[rows],
                np.array(TIME_CONSTANTS_H),
                panel.step_hours,
                level=level,
                seed=seed,
            )
        except DataError as error:
            raise DataError(f"site {site!r}: {error}") from None
        found.append(own)
    expected = np.concatenate([each.expected_kw for each in found])
    expected[clock < 0] = np.nan
    index, names = panel.data.index, [f"{part}_kw" for part in PARTS]
    return PanelEndUses(
        pd.DataFrame(add_up(load, expected), index=index, columns=[*names, "unexplained_kw"]),
        pd.DataFrame(expected, index=index, columns=names),
        pd.DataFrame([_row(each) for each in found], index=pd.Index(panel.site_ids, name=SITE)),
    )


def _clock(panel: Panel) -> tuple[Array, Array]:
    """Hour of the local day within each kind of day (working, Saturday, Sunday or holiday); local month since 1970."""
    site = np.asarray(panel.data.index.codes[0])
    local = local_clock(panel, site, panel.times_us)
    day, hour = local // DAY_US, local % DAY_US // HOUR_US
    first = int(day.min())
    kind = site_day_types(panel, KINDS_OF_DAY, first, int(day.max()) - first + 1)[site, day - first]
    return np.asarray(24 * kind.astype(np.int64) + hour), day.view("M8[D]").astype("M8[M]").astype(np.int64)


def _occupant_class(people: Array) -> Array:
    """0 for nobody, then ten classes of about equally many rows; −1 where nobody counted."""
    there = people[people > 0]
    if len(there) == 0:
        raise DataError("nobody is ever there in the column of occupants: leave it out, the clock then stands for them")
    bounds = np.unique(np.quantile(there, np.arange(1, OCCUPANT_CLASSES) / OCCUPANT_CLASSES))
    found = np.where(people > 0, 1 + np.searchsorted(bounds, people), 0)
    return np.asarray(np.where(np.isfinite(people), found, -1))


def _row(found: EndUses) -> dict[str, float]:
    row: dict[str, float] = {}
    for k, part in enumerate(PARTS):
        row |= {
            f"{part}_mean_kw": found.mean_kw[k],
            f"{part}_lower_kw": found.lower_kw[k],
            f"{part}_upper_kw": found.upper_kw[k],
        }
    row["explained"] = found.explained
    taus = np.array(TIME_CONSTANTS_H)[found.model.filters]
    for kind, (part, balance) in enumerate((("heating", "heats_below_c"), ("cooling", "cools_above_c"))):
        there = found.mean_kw[2 + kind] > 0
        row[balance] = found.model.balance_c[kind] if there else np.nan
        row[f"{part}_time_constant_h"] = taus[kind] if there else np.nan
    return row | {"rows_left_out": int((~found.fitted).sum())}
