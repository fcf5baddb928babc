"""Forecaster: feature builders and an estimator, the thing that is trained, registered and scored."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cblcast import registry
from cblcast.forecast.state import load_state, save_state
from cblcast.frames.cases import View, make_cases
from cblcast.frames.events import Event, Window
from cblcast.frames.panel import Panel
from cblcast.frames.schema import LOWER, OBSERVED, PREDICTED, SITE, UPPER, DataError, DataWarning, StudyError

FEATURE_FILE = "forecaster.json"
FORMAT = 1
REAL_TIME = View.real_time()


class Forecaster:
    """An estimator with the features it eats and the view it was made for.

    Parameters
    ----------
    estimator : estimator
        Anything with ``fit(X, y)`` and ``predict(X)``; see :mod:`cblcast.estimators`.
    features : mapping name -> params, optional
        Feature builders by their registered names. What the estimator itself requires is added.
    view : View
        What may not be seen of an event: the same at training and at scoring.
    name : str
    """

    def __init__(
        self,
        estimator: Any,
        features: Mapping[str, Mapping[str, Any]] | None = None,
        view: View = REAL_TIME,
        name: str | None = None,
    ) -> None:
        self.estimator = estimator
        required = estimator.required_features() if hasattr(estimator, "required_features") else {}
        self.features = merge_features(features or {}, required)
        self.view = view
        self.name = name or type(estimator).__name__
        self.sites: pd.DataFrame | None = None

    @property
    def builders(self) -> dict[str, Any]:
        """Feature builders by name."""
        return {name: registry.FEATURES.make(name, params) for name, params in self.features.items()}

    def windows(self) -> tuple[Window, ...]:
        """Windows beside the event that the estimator needs rows of."""
        return tuple(dict.fromkeys(self.estimator.windows())) if hasattr(self.estimator, "windows") else ()

    def cases(self, panel: Panel, events: pd.DataFrame | list[Event]) -> pd.DataFrame:
        """Cases of `events` as this forecaster wants them."""
        return make_cases(panel, events, self.view, self.windows())

    def matrix(self, panel: Panel, cases: pd.DataFrame, cache: dict[Any, pd.DataFrame] | None = None) -> pd.DataFrame:
        """Feature matrix of `cases`, float64, same index.

        Parameters
        ----------
        cache : dict, optional
            Features of THESE cases of THIS panel by builder; builders are stateless, so methods can share them.
        """
        blocks = []
        for builder in self.builders.values():
            block = None if cache is None else cache.get(builder)
            if block is None:
                block = builder(panel, cases)
                if cache is not None:
                    cache[builder] = block
            blocks.append(block)
        if not blocks:
            return pd.DataFrame(index=cases.index)
        return blocks[0] if len(blocks) == 1 else pd.concat(blocks, axis=1)

    def fit(self, panel: Panel, cases: pd.DataFrame) -> Forecaster:
        """Train on the metered load of `cases`."""
        return self.fit_matrix(self.matrix(panel, cases), truth(panel, cases), panel.sites)

    def fit_matrix(self, X: pd.DataFrame, y: np.ndarray, sites: pd.DataFrame) -> Forecaster:
        """Train on a feature matrix; rows whose load was not metered are left out."""
        known = np.isfinite(y)
        if not known.any():
            raise DataError(f"{self.name} has nothing to train on: no interval of the training events was metered")
        self.sites = sites
        self.estimator.fit(X[known], y[known])
        return self

    def predict(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Estimates of the scored rows of `cases`: ``predicted_kw``, ``lower_kw``, ``upper_kw`` [kW]."""
        return self.predict_matrix(self.matrix(panel, cases), cases["scored"].to_numpy(dtype=bool))

    def predict_matrix(self, X: pd.DataFrame, scored: np.ndarray) -> pd.DataFrame:
        """As :meth:`predict`, from a feature matrix; the limits are NaN for a method without intervals."""
        with warnings.catch_warnings():
            warnings.simplefilter("always", DataWarning)
            predicted = np.asarray(self.estimator.predict(X), dtype=np.float64)
        limits = np.full((len(X), 2), np.nan)
        if hasattr(self.estimator, "predict_interval"):
            limits = np.asarray(self.estimator.predict_interval(X), dtype=np.float64)
        return pd.DataFrame(
            {PREDICTED: predicted[scored], LOWER: limits[scored, 0], UPPER: limits[scored, 1]}, index=X.index[scored]
        )

    def save(self, folder: Path) -> None:
        """Write the forecaster as JSON and one npz file, without pickle."""
        folder.mkdir(parents=True, exist_ok=True)
        save_state(self.estimator, folder)
        sites = None if self.sites is None else json.loads(self.sites.reset_index().to_json(orient="records"))
        document = {
            "format": FORMAT,
            "name": self.name,
            "features": _plain(self.features),
            "view": asdict(self.view),
            "sites": sites,
        }
        (folder / FEATURE_FILE).write_text(json.dumps(document, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Forecaster:
        """The forecaster that :meth:`save` wrote."""
        try:
            document = json.loads((folder / FEATURE_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(
                f"no forecaster can be read from {folder.name!r} ({error}): train and register it again"
            ) from error
        if document["format"] > FORMAT:
            raise StudyError(
                f"the model has format {document['format']}, this cblcast reads up to {FORMAT}: update cblcast"
            )
        made = cls(load_state(folder), _tuples(document["features"]), View(**document["view"]), document["name"])
        if document["sites"] is not None:
            made.sites = pd.DataFrame(document["sites"]).set_index(SITE)
        return made


def truth(panel: Panel, cases: pd.DataFrame) -> np.ndarray:
    """Metered load of each row of `cases` [kW]: what a placebo event hides and the evaluation compares with."""
    site = panel.site_codes(cases.index.get_level_values(SITE))
    return panel.values_at(OBSERVED, site, pd.DatetimeIndex(cases.index.get_level_values("time")).as_unit("us").asi8)


def rows_of(windows: tuple[Window, ...], X: pd.DataFrame, cases: pd.DataFrame) -> np.ndarray:
    """Rows that a method with `windows` needs of cases made for several methods: the event and its own windows."""
    keep = cases["scored"].to_numpy(dtype=bool).copy()
    for window in windows:
        keep |= window.contains(X["hours_since_start"].to_numpy(), X["hours_since_stop"].to_numpy())
    return keep


def merge_features(*wishes: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """One set of builders that serves all wishes: the larger count, the union of tuples, and no contradiction."""
    merged: dict[str, dict[str, Any]] = {}
    for wish in wishes:
        for name, params in wish.items():
            into = merged.setdefault(name, {})
            for key, value in (params or {}).items():
                into[key] = _join(into[key], value, name, key) if key in into else _frozen(value)
    return merged


# A builder that looks further serves also who asked for less; any other difference is a contradiction.
_MORE_SERVES_BOTH = frozenset({"days", "look_back_days", "hours_before", "hours_after"})
_NO_LIST = frozenset({"day_types"})  # a tuple that is one value, not a list of wishes


def _join(one: Any, other: Any, name: str, key: str) -> Any:
    other = _frozen(other)
    if one == other or other is None:
        return one
    if one is None:
        return other
    if key in _MORE_SERVES_BOTH:
        return max(one, other)
    if isinstance(one, tuple) and isinstance(other, tuple) and key not in _NO_LIST:
        return tuple(dict.fromkeys(one + other))
    raise StudyError(
        f"two parts of a method want {name} with {key}={one!r} and {key}={other!r}: give one of them another prefix"
    )


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, (list, tuple)) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Window):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _tuples(features: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {key: _frozen(value) for key, value in params.items()} for name, params in features.items()}
