"""What a model learned from, and where it is used beyond that: other sites, step, zone, country or level of load."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from cblcast.abilities import Recalibrates, days_looked_back, outermost_able
from cblcast.frames.cases import event_rows
from cblcast.frames.coded import site_means
from cblcast.frames.instants import microseconds
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, SITE, TIME, DataWarning

# A mean load so many times above the largest, or below the smallest, that was learned from.
FAR = 5.0
_NAMED = 3  # sites that a sentence names


@dataclass(frozen=True)
class TrainedOn:
    """The steps and loads that a forecaster was trained on; which sites they were, it keeps beside.

    Attributes
    ----------
    steps_min : tuple of float
        Steps of the meters [min]; none where every event was one interval.
    least_kw, most_kw : float
        Smallest and largest mean load of a site at its training events [kW].
    any_site : bool
        Whether it was made for sites that it never saw, as the pretrained model is.
    """

    steps_min: tuple[float, ...]
    least_kw: float
    most_kw: float
    any_site: bool = False

    @classmethod
    def of(cls, X: pd.DataFrame, y: np.ndarray) -> TrainedOn:
        """From what a forecaster is fitted on: rows indexed (site_id, origin, time), and their load [kW]."""
        level = pd.Series(np.asarray(y, dtype=np.float64)).groupby(X.index.get_level_values(SITE)).mean().dropna()
        return cls(_steps(X.index), float(level.min()), float(level.max()))

    @classmethod
    def read(cls, document: Mapping[str, Any] | None) -> TrainedOn | None:
        """What a saved model says; None of a model from before this was noted."""
        if document is None:
            return None
        return cls(
            tuple(float(step) for step in document["steps_min"]),
            float(document["least_kw"]),
            float(document["most_kw"]),
            bool(document.get("any_site", False)),
        )


def _steps(index: pd.MultiIndex) -> tuple[float, ...]:
    """The smallest distance between two rows of one event [min], where an event has two."""
    if len(index) < 2:
        return ()
    _, event = event_rows(index)
    time = microseconds(index.get_level_values(TIME))
    apart = np.diff(time)[np.diff(event) == 0]
    return (float(apart[apart > 0].min()) / 6e7,) if (apart > 0).any() else ()


class Trained(Protocol):
    """What is looked at of a forecaster."""

    name: str
    estimator: Any
    sites: pd.DataFrame | None
    trained_on: TrainedOn | None


def differences(forecaster: Trained, panel: Panel, events: pd.DataFrame) -> list[str]:
    """How the sites of `events` differ from those that `forecaster` was trained on, one clause a kind; none for a rule.

    Parameters
    ----------
    forecaster : Forecaster
        Trained.
    panel : Panel
    events : DataFrame
        Column ``site_id``.
    """
    known, noted = forecaster.sites, forecaster.trained_on
    if noted is None or (known is None and not noted.any_site):
        return []
    asked = panel.sites.loc[pd.Index(events[SITE].unique())]
    found = [] if noted.any_site or known is None else _places(known, asked)
    at_home = noted.any_site or known is None or days_looked_back(forecaster.estimator) > 0  # it adapts to each site
    if not at_home and outermost_able(forecaster.estimator, Recalibrates) is None:
        found = _strangers(known, asked) + found
    step = panel.step_hours * 60.0
    if noted.steps_min and not any(np.isclose(step, each) for each in noted.steps_min):
        learned = " or ".join(f"{each:g}" for each in noted.steps_min)
        found.append(f"intervals of {step:g} min, not {learned} min")
    return found if noted.any_site else found + _levels(noted, panel, asked.index)


def _strangers(known: pd.DataFrame, asked: pd.DataFrame) -> list[str]:
    """Other sites; limits that were calibrated on sites tell this themselves."""
    return [f"other sites than {_some(known.index)}"] if len(asked.index.difference(known.index)) else []


def _places(known: pd.DataFrame, asked: pd.DataFrame) -> list[str]:
    """Other zones and countries."""
    found = []
    for column, what in (("tz", "the zone"), ("country", "the country")):
        if column in known.columns and column in asked.columns:
            new = sorted(
                {str(value) for value in asked[column].dropna()} - {str(value) for value in known[column]} - {""}
            )
            old = sorted({str(value) for value in known[column].dropna()} - {""})
            if new and old:
                found.append(f"{what} {_some(new)}, not {_some(old)}")
    return found


def _levels(noted: TrainedOn, panel: Panel, sites: pd.Index) -> list[str]:
    mean = pd.Series(site_means(panel, OBSERVED), index=panel.site_ids).reindex(sites).dropna()
    far = mean[(mean.abs() > FAR * noted.most_kw) | (mean.abs() < noted.least_kw / FAR)]
    if far.empty:
        return []
    return [
        f"a mean load of {far.iloc[0]:.3g} kW, not {noted.least_kw:.3g} to {noted.most_kw:.3g} kW (is the unit right?)"
    ]


def _some(names: Any) -> str:
    shown = [repr(str(name)) for name in list(names)[:_NAMED]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def warn_if_elsewhere(forecaster: Trained, panel: Panel, events: pd.DataFrame) -> None:
    """Tell once where a model is used on what it was not trained on, and what to do about it.

    Warns
    -----
    DataWarning
        One sentence with every difference; nothing for a rule, for the sites of the training, or for a model made for any
        site, which is told only of a step that it never saw.
    """
    found = differences(forecaster, panel, events)
    if found and forecaster.trained_on is not None and forecaster.trained_on.any_site:
        longer = [each for each in forecaster.trained_on.steps_min if each > panel.step_hours * 60.0]
        mend = f"average to one that it knows (step='{max(longer):g}min')" if longer else "give it shorter readings"
        warnings.warn(
            f"{forecaster.name} was trained on {found[0].partition('not ')[2]} and is asked for {found[0].partition(',')[0]}: how far it "
            f"errs at this step nobody has measured; {mend}, or judge it on days without events",
            DataWarning,
            stacklevel=3,
        )
    elif found:
        warnings.warn(
            f"{forecaster.name} is used beyond its training ({'; '.join(found)}): how far it errs here nobody has measured; judge it "
            "first (cblcast evaluate --model), recalibrate it on this site's own days by {estimator: Adapted, of: …} around the "
            "method, or use the pretrained baseline, which adapts itself",
            DataWarning,
            stacklevel=3,
        )
