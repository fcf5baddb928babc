"""Weather that a method would like and the panel has not: what can do without goes on without, and says so."""

from __future__ import annotations

import warnings
from typing import Any, Protocol

import pandas as pd

from cblcast.abilities import DropsWeather, Estimator, able, inner_values
from cblcast.frames.panel import Panel
from cblcast.frames.schema import DataWarning


class Untrained(Protocol):
    """What is looked at of a forecaster."""

    name: str
    estimator: Any
    features: dict[str, dict[str, Any]]
    sites: pd.DataFrame | None


def leave_out_absent_weather(forecaster: Untrained, panel: Panel) -> None:
    """Take weather that `panel` has not from an untrained forecaster, where its estimator can do without.

    Warns
    -----
    DataWarning
        Which columns are left out, and how to have them or to say that none is wanted.
    """
    if forecaster.sites is not None:  # trained or asked before: what it reads is settled
        return
    lacking = _dropped(forecaster.estimator, panel)
    if not lacking:
        return
    for params in forecaster.features.values():
        if "weather" in params:
            params["weather"] = tuple(column for column in params["weather"] if column not in lacking)
    forecaster.__dict__.pop("builders", None)
    warnings.warn(
        f"the meter data have no {', '.join(lacking)}, so {forecaster.name} learns without weather: give a file of it "
        "(weather='FILE'), or write weather: [] in the method to say that none is wanted",
        DataWarning,
        stacklevel=3,
    )


def _dropped(estimator: Any, panel: Panel) -> tuple[str, ...]:
    found: dict[str, None] = {}
    if able(estimator, DropsWeather):
        found |= dict.fromkeys(estimator.drop_weather(tuple(map(str, panel.data.columns))))
    for inner in inner_values(estimator):
        if able(inner, Estimator):
            found |= dict.fromkeys(_dropped(inner, panel))
    return tuple(found)
