"""Forecaster: feature builders and an estimator, the thing that is trained, registered and scored."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cblcast.abilities import (
    Estimator,
    FeatureBuilder,
    FollowsIssues,
    able,
    check_parameters,
    columns_ahead,
    days_looked_back,
    learns,
    needed_features,
    needed_windows,
    outermost_able,
)
from cblcast.features.feature_frame import column_index
from cblcast.features.matrix import blocks_of_builders, builders_of, columns_of_builders
from cblcast.forecast.absent_weather import leave_out_absent_weather
from cblcast.forecast.distribution import distribution, with_standby, within_rated
from cblcast.forecast.earlier_issues import beside_earlier_issues
from cblcast.forecast.earlier_rows import beside_earlier_days, wanted_beside
from cblcast.forecast.manifest import MANIFEST, format_of
from cblcast.forecast.products import Product, products_read
from cblcast.forecast.state import files_of, readable, save_state, state_of
from cblcast.forecast.trained_on import TrainedOn
from cblcast.forecast.training_order import in_training_order
from cblcast.frames.cases import View, make_cases
from cblcast.frames.coded import instants_of_rows, sites_of_rows
from cblcast.frames.events import Event, Window
from cblcast.frames.panel import Panel
from cblcast.frames.quality import warn_of_odd_days
from cblcast.frames.rolling import Horizon
from cblcast.frames.schema import LOWER, OBSERVED, PREDICTED, SITE, UPPER, DataError, StudyError
from cblcast.frames.sources import Origin
from cblcast.wishes import Wish, merge_wishes

FEATURE_FILE = "forecaster.json"
FORMAT = 2  # 1, of version 0.1, had no manifest
REAL_TIME = View.real_time()


class Forecaster:
    """An estimator with the features it eats and the view it was made for.

    Parameters
    ----------
    estimator : estimator
        Anything with ``fit(X, y)`` and ``predict(X)``; see :mod:`cblcast.estimators`.
    features : mapping name -> params, or sequence of feature builders, optional
        By their registered names, or as objects (``[ReferenceDays(days=10)]``). What the estimator itself requires is added.
    view : View
        What may not be seen of an event: the same at training and at scoring.
    name : str
    horizon : Horizon, optional
        Makes it a nowcast: it is issued for so long, it is judged interval by interval, and what it gives lies within the power
        that was metered least in training (standby) and the site's ``rated_kw``.
    """

    def __init__(
        self,
        estimator: Any,
        features: Wish | Iterable[Any] | None = None,
        view: View = REAL_TIME,
        name: str | None = None,
        horizon: Horizon | None = None,
    ) -> None:
        if isinstance(estimator, type) or not able(estimator, Estimator):
            raise StudyError(
                f"a forecaster needs an estimator with fit and predict, not {estimator!r}: "
                "make_estimator('High5of10') makes one of a name"
            )
        check_parameters(estimator)
        if not isinstance(view, View):
            raise StudyError(f"a view is made by View.real_time(), View.settlement() or View.day_ahead(), not {view!r}")
        self.estimator = estimator
        self.features = merge_wishes(features or {}, needed_features(estimator))
        self.view = view
        self.name = name or type(estimator).__name__
        self.horizon = horizon
        self.sites: pd.DataFrame | None = None
        self.trained_on: TrainedOn | None = None
        self.products: dict[str, Product] = {}  # forecast runs that were read in training

    @cached_property
    def builders(self) -> dict[str, FeatureBuilder]:
        """Feature builders by name."""
        return builders_of(self.features)

    def windows(self) -> tuple[Window, ...]:
        """Windows beside the event that the estimator needs rows of."""
        return needed_windows(self.estimator)

    def cases(self, panel: Panel, events: pd.DataFrame | list[Event], windows: tuple[Window, ...] = ()) -> pd.DataFrame:
        """Cases of `events` as this forecaster wants them, with the rows of further `windows`."""
        return make_cases(panel, events, self.view, tuple(dict.fromkeys((*self.windows(), *windows))))

    def matrix(self, panel: Panel, cases: pd.DataFrame, cache: dict[Any, pd.DataFrame] | None = None) -> pd.DataFrame:
        """Feature matrix of `cases`, float64, same index.

        Parameters
        ----------
        cache : dict, optional
            Features of THESE cases of THIS panel by builder; builders are stateless, so methods can share them.
        """
        if not self.view.perfect_weather:
            self._refuse_measured_weather(panel)
        return columns_of_builders(panel, cases, self.builders, cache)

    def _refuse_measured_weather(self, panel: Panel) -> None:
        for name, builder in self.builders.items():
            for column in columns_ahead(builder):
                if column in panel.data.columns and panel.source(column).origin is Origin.MEASURED:
                    raise DataError(
                        f"the features {name!r} would read {column!r} after the origin of a nowcast, and it counts as measured: use it "
                        f"in lags, take forecasts (data.forecasts:), or declare it a forecast (kinds: {{{column}: forecast}})"
                    )

    def fit(self, panel: Panel, cases: pd.DataFrame) -> Forecaster:
        """Train on the metered load of `cases`; a :class:`~cblcast.errors.DataWarning` names days on which the meter says odd things."""
        warn_of_odd_days(panel)
        leave_out_absent_weather(self, panel)
        self.products = products_read(panel, self.builders.values())
        return self.fit_matrix(self.matrix(panel, cases), truth(panel, cases), panel.sites, panel.step)

    def fit_matrix(
        self, X: pd.DataFrame, y: np.ndarray, sites: pd.DataFrame, step: pd.Timedelta | None = None
    ) -> Forecaster:
        """Train on a feature matrix; rows whose load was not metered are left out, the order of the rows does not matter."""
        known = np.flatnonzero(np.isfinite(y))
        if len(known) == 0:
            raise DataError(f"{self.name} has nothing to train on: no interval of the training events was metered")
        self.sites = sites
        if self.horizon is not None:
            self.sites = with_standby(sites, X.index[known], y[known])
            self.horizon = self.horizon if step is None else self.horizon.learned_on(step)
        self.estimator.fit(*in_training_order(X, y, known))
        self.trained_on = TrainedOn.of(X.iloc[known], y[known]) if learns(self.estimator) else None
        return self

    def know(self, panel: Panel) -> None:
        """Note the sites and the step of a panel for what has nothing to learn from it."""
        self.sites, self.products = panel.sites, products_read(panel, self.builders.values())
        if self.horizon is not None:
            self.horizon = self.horizon.learned_on(panel.step)

    def predict(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Estimates of the scored rows of `cases`: ``predicted_kw``, ``lower_kw``, ``upper_kw`` [kW]."""
        return predict_cases(self, panel, cases, self.matrix(panel, cases))[cases["scored"].to_numpy(dtype=bool)]

    def predict_matrix(self, X: pd.DataFrame, scored: np.ndarray) -> pd.DataFrame:
        """Estimates of the `scored` rows of a feature matrix, unadapted; the limits are NaN for a method without intervals.

        What gives quantiles has them as further columns, ``q05_kw`` …, see :func:`~cblcast.frames.schema.quantile_column`.

        Warns
        -----
        DataWarning
            Of estimates of a nowcast that lay beyond standby or rated power.
        """
        rows = np.flatnonzero(scored)
        told = {name: values[rows] for name, values in distribution(self.estimator, X).items()}
        if self.horizon is not None and self.sites is not None:
            told = within_rated(told, X.index[scored], self.sites, self.name)
        index = X.index if scored.all() else X.index[scored]
        return pd.DataFrame(np.array(list(told.values())).T, index=index, columns=column_index(told), copy=False)

    def save(self, folder: Path) -> None:
        """Write the forecaster as JSON and one npz file, without pickle, and last a manifest with the SHA-256 of each.

        Raises
        ------
        DataError
            The folder holds other files, or the estimator what cannot be saved.
        """
        folder.mkdir(parents=True, exist_ok=True)
        sites = None if self.sites is None else json.loads(self.sites.reset_index().to_json(orient="records"))
        document = {
            "format": FORMAT,
            "name": self.name,
            "features": _plain(self.features),
            "view": asdict(self.view),
            "sites": sites,
            "trained_on": None if self.trained_on is None else asdict(self.trained_on),
        } | ({} if self.horizon is None else {"horizon": asdict(self.horizon)})
        if self.products:
            document["forecasts"] = {name: asdict(product) for name, product in self.products.items()}
        save_state(self.estimator, folder, {FEATURE_FILE: json.dumps(document, indent=1)})

    @classmethod
    def load(cls, folder: Path, digest: str | None = None) -> Forecaster:
        """The forecaster that :meth:`save` wrote, once every file is found to be what was saved.

        Parameters
        ----------
        folder : Path
        digest : str, optional
            SHA-256 of its manifest in hexadecimal, where it was noted when the model was saved.

        Raises
        ------
        DataError
            A file is damaged, missing, too many or cannot be read; the manifest is not the one that was noted.
        StudyError
            A newer version of cblcast saved it.
        """
        with readable(folder):
            files = files_of(folder, FEATURE_FILE, digest=digest)
            document = json.loads(files[FEATURE_FILE].decode("utf-8"))
            if format_of(document, FORMAT) > 1 and not (folder / MANIFEST).exists():
                raise DataError(
                    f"the model in {folder.name!r} has no {MANIFEST}, so that its files cannot be checked: copy the model again "
                    "from where it is whole, or train and register it again"
                )
            made = cls(
                state_of(files, folder),
                document["features"],
                View(**document["view"]),
                str(document["name"]),
                horizon_of(document.get("horizon")),
            )
            made.builders  # noqa: B018 - made now, so that a wrong parameter is told here
            if document["sites"] is not None:
                made.sites = pd.DataFrame(document["sites"]).set_index(SITE)
            made.trained_on = TrainedOn.read(document.get("trained_on"))
            made.products = {name: Product.read(told) for name, told in document.get("forecasts", {}).items()}
        return made


def predict_cases(forecaster: Forecaster, panel: Panel, cases: pd.DataFrame, X: pd.DataFrame) -> pd.DataFrame:
    """Estimates of all rows of `cases`, whose features are `X`; what adapts to a site sees its earlier days in `panel`, and limits
    that follow their errors the issues before.
    """
    follower = outermost_able(forecaster.estimator, FollowsIssues)
    if follower is not None:
        blocks = partial(blocks_of_builders, builders=forecaster.builders)
        return forecaster.predict_matrix(*beside_earlier_issues(panel, cases, X, follower, blocks))
    days = days_looked_back(forecaster.estimator)
    if not days:
        return forecaster.predict_matrix(X, np.ones(len(X), dtype=bool))
    told = np.full((len(X), 3), np.nan)
    wanted = wanted_beside(forecaster.estimator, forecaster.builders)

    def features(panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        return columns_of_builders(panel, cases, wanted)

    for part in beside_earlier_days(panel, cases, X, days, forecaster.view, forecaster.windows(), features):
        asked = part.place >= 0
        told[part.place[asked]] = forecaster.predict_matrix(part.X, asked).to_numpy()
    return pd.DataFrame(told, index=X.index, columns=[PREDICTED, LOWER, UPPER])


def truth(panel: Panel, cases: pd.DataFrame) -> np.ndarray:
    """Metered load of each row of `cases` [kW]: what a placebo event hides and the evaluation compares with."""
    site = sites_of_rows(panel, cases.index)
    return panel.values_at(OBSERVED, site, instants_of_rows(cases.index, "time"))


def horizon_of(document: Mapping[str, Any] | None) -> Horizon | None:
    """The horizon that a saved model notes."""
    if document is None:
        return None
    leads = document["leads_min"]
    return Horizon(int(document["minutes"]), None if leads is None else tuple(leads), document["step_min"])


def rows_of(windows: tuple[Window, ...], X: pd.DataFrame, cases: pd.DataFrame) -> np.ndarray:
    """Rows that a method with `windows` needs of cases made for several methods: the event and its own windows."""
    keep = cases["scored"].to_numpy(dtype=bool).copy()
    for window in windows:
        keep |= window.contains(X["hours_since_start"].to_numpy(), X["hours_since_stop"].to_numpy())
    return keep


def _plain(value: Any) -> Any:
    """Parameters of builders as JSON holds them; the builders themselves read such mappings."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
