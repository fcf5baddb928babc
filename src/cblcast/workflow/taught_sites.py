"""Whether the sites of a meter file are those that the pretrained baseline learned from, told by their readings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cblcast import datasets
from cblcast.forecast.pretrained import pretrained_card
from cblcast.frames.instants import DAY_US
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, SITE

LOOKED_AT = 500  # readings of a site, spread over the days that are judged
_FEWEST = 100  # of them known on both sides
_NAMED = 3  # sites that a sentence names
_NEAR, _ALIKE = 0.02, 0.95  # of the mean load; so many readings lie so near where a file was rounded
_BUNDLED_PART = {"cambridge": "cambridge_sme"}
_COLUMNS = (OBSERVED, "load_kw")  # of a home with a roof both, since one is the other less what the roof gives


def taught_themselves(panel: Panel, first: str | None = None, last: str | None = None) -> dict[str, str]:
    """Sites whose readings between two days taught the pretrained baseline, and the data set that they are of.

    Parameters
    ----------
    panel : Panel
    first, last : str, optional
        Days (ISO 8601) that are judged, both counted; all of the panel unless given.

    Returns
    -------
    dict site_id -> name of the data set
        Names of sites do not matter. A file that was brought to another step is not recognised, nor are sites of a set that is
        not at hand (:func:`cblcast.datasets.list_datasets`).
    """
    begin = int(panel.first_times_us.min()) if first is None else _midnight_us(first)
    end = int(panel.last_times_us.max()) + 1 if last is None else _midnight_us(last) + DAY_US
    found: dict[str, str] = {}
    for name in taught_sets():
        teacher = datasets.load(name)
        if teacher.step_us != panel.step_us:
            continue
        times = np.unique(teacher.times_us)
        times = times[(times >= begin) & (times < end)]
        if len(times) < _FEWEST:
            continue
        times = times[np.linspace(0, len(times) - 1, min(LOOKED_AT, len(times))).astype(np.int64)]
        own = _at(panel, OBSERVED, times)
        for column in _COLUMNS:
            if column in teacher.data.columns:
                same = _same_readings(own, _at(teacher, column, times))
                found |= {str(panel.site_ids[site]): name for site in np.flatnonzero(same)}
    return found


def taught_in_words(taught: Mapping[str, str]) -> str:
    """That sites taught the pretrained baseline, and what that makes of its figures; nothing where none did."""
    if not taught:
        return ""
    names = ", ".join(repr(site) for site in list(taught)[:_NAMED])
    more = f" and {len(taught) - _NAMED} more" if len(taught) > _NAMED else ""
    sets = ", ".join(dict.fromkeys(taught.values()))
    return (
        f"the pretrained baseline learned from {names}{more} of the data itself (known by the readings: {sets}): "
        "on the days that it learned from, its estimates praise its memory"
    )


def taught_table(panel: Panel) -> pd.DataFrame:
    """The same as a table, ``site_id`` and ``set``: what a partition of a store gives back."""
    found = taught_themselves(panel)
    return pd.DataFrame({SITE: list(found), "set": list(found.values())}, dtype=object)


def taught_sets() -> list[str]:
    """The data sets that the pretrained baseline learned from, or the bundled part of one that is not at hand."""
    told = [str(one["set"]) for view in pretrained_card()["views"].values() for one in view["data"]]
    known = [name if datasets.CATALOGUE[name].available else _BUNDLED_PART.get(name, name) for name in told]
    return [name for name in dict.fromkeys(known) if datasets.CATALOGUE[name].available]


def _midnight_us(day: str) -> int:
    return int(np.datetime64(day, "D").astype(np.int64)) * DAY_US


def _at(panel: Panel, column: str, times_us: np.ndarray) -> np.ndarray:
    """Readings of all sites at some times, shape (n_sites, n_times)."""
    return panel.values_at(column, np.arange(len(panel.site_ids))[:, None], times_us[None, :])


def _same_readings(own: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which rows of `own` are one of the rows of `others`, as far as both are known; bool, shape (len(own),)."""
    same = np.zeros(len(own), dtype=bool)
    for other in others:
        known = np.isfinite(own) & np.isfinite(other)
        size = np.abs(np.where(np.isfinite(other), other, 0.0)).sum() / max(int(np.isfinite(other).sum()), 1)
        with np.errstate(invalid="ignore"):
            near = (np.abs(own - other) <= _NEAR * size) & known
        varied = np.nanstd(other) > _NEAR * size if np.isfinite(other).any() else False
        same |= (known.sum(1) >= _FEWEST) & (near.sum(1) >= _ALIKE * known.sum(1)) & varied
    return same
