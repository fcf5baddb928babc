"""What code may ask of a feature builder and of an estimator: the two interfaces, and the abilities that are optional.

An estimator or builder declares an ability by having its methods; nothing is inherited. Code asks :func:`able`, never for
an attribute, so that this page lists everything that an own estimator or builder can do to be treated like a built-in one.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from cblcast.checked.annotations import check_fields
from cblcast.checked.protocols import methods_of
from cblcast.frames.events import Window
from cblcast.frames.panel import Panel
from cblcast.wishes import merge_wishes


class FeatureBuilder(Protocol):
    """Looks history up for cases: a frozen dataclass without a fit and without state, so that a saved model stays true."""

    def __call__(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Features of `cases`: the same index, float64 columns named with their units; nothing hidden is looked at."""


class ReadsColumns(Protocol):
    """A builder that reads more of the panel than the metered power."""

    def reads_columns(self) -> tuple[str, ...]:
        """Panel columns that must be there, ``observed_kw`` or not."""


class LooksAhead(Protocol):
    """A builder that says which of its columns it reads on hidden hours too; of one that does not say so, all may be."""

    def columns_ahead(self) -> tuple[str, ...]:
        """Those of :class:`ReadsColumns` that are looked at behind the blindfold: weather, which the view may hide or not."""


class LooksBack(Protocol):
    """A feature builder that looks at no more than some intervals before the blindfold."""

    def intervals_back(self, step_h: float) -> int:
        """How many, where an interval lasts `step_h` hours."""


class ExplainsAbsence(Protocol):
    """A builder that knows why there is no history for an event."""

    def why_absent(self, panel: Panel, cases: pd.DataFrame) -> list[str]:
        """One sentence an event of `cases`, in their order."""


class TellsDays(Protocol):
    """A builder that chooses days for an event and can lay its choice open."""

    def told_days(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """One row a day for the one event of `cases`: ``day``, ``weekday``, ``reason``, ``event_hours_kw``, ``selected`` …"""


class Recognises(Protocol):
    """A reader that knows its files by their look, so that nobody need name the format."""

    def recognises(self, path: Path) -> bool:
        """Whether the file at `path` is one of its own."""


class Estimator(Protocol):
    """Plain scikit-learn: fitted row by row; rows of one (site, origin) travel together."""

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Any:
        """Learn `y` [kW] from `X`; what scikit-learn's tag ``requires_fit`` denies has nothing to learn."""

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Estimate [kW], float64, shape (n_rows,), in row order; NaN where there is none."""


class RequiresFeatures(Protocol):
    """An estimator that names the builders it cannot do without."""

    def required_features(self) -> Mapping[str, Mapping[str, Any]]:
        """A wish, see :mod:`cblcast.wishes`."""


class NeedsWindows(Protocol):
    """An estimator that needs rows beside the event."""

    def windows(self) -> tuple[Window, ...]:
        """The hours that the cases must hold, those of inner estimators included."""


class Checks(Protocol):
    """An estimator that can say before any data are read that its parameters make no sense."""

    def check(self) -> None:
        """Raise :class:`~cblcast.errors.StudyError` in one sentence."""


class GivesIntervals(Protocol):
    """An estimator with limits."""

    def predict_interval(self, X: pd.DataFrame) -> np.ndarray:
        """Lower and upper limit [kW], float64, shape (n_rows, 2)."""


class GivesMembers(Protocol):
    """An estimator that is a mean of several, each of which can be asked alone; what wraps one hands them on."""

    def predict_members(self, X: pd.DataFrame) -> np.ndarray:
        """Estimate of each member [kW], float64, shape (n_rows, n_members); NaN where a member has none."""

    @property
    def member_names(self) -> tuple[str, ...]:
        """What each member is called, shape (n_members,)."""


class CombinesMembers(Protocol):
    """A mean of several that makes its estimate of theirs alone, so that who asked the members need not ask again."""

    def combined(self, members: np.ndarray) -> np.ndarray:
        """Estimate [kW], float64, shape (n_rows,), of members, shape (n_rows, n_members)."""


class AdaptsToSite(Protocol):
    """An estimator that corrects itself by earlier days of the site, whose rows stand beside those that are asked.

    Such rows are marked by the columns of :mod:`cblcast.days.earlier`; without them it answers unadapted.
    """

    def days_looked_back(self) -> int:
        """How many calendar days before an event an earlier day may lie."""


class FollowsIssues(Protocol):
    """A nowcast whose limits follow its last issues, rows beside those asked; see :mod:`cblcast.frames.recent_issues`."""

    def earlier_origins(self, knows_us: np.ndarray) -> np.ndarray:
        """Origins of earlier issues that are of use to issues that know what was metered until `knows_us`, ascending [us]."""


class Recalibrates(Protocol):
    """An estimator whose limits were calibrated on some sites; it tells itself where others are asked."""

    def recalibrate(self, X: pd.DataFrame, y: np.ndarray) -> Any:
        """Calibrate the limits anew on rows whose load `y` [kW] is known by now; the estimate stays as it is."""


class AnswersAtOnce(Protocol):
    """An estimator with limits that finds estimate and limits in one go."""

    def predict_with_limits(self, X: pd.DataFrame) -> np.ndarray:
        """Estimate, lower and upper limit [kW], float64, shape (n_rows, 3)."""


class GivesQuantiles(Protocol):
    """An estimator with a whole distribution; its parameter ``levels`` says which quantiles it gives."""

    def predict_distribution(self, X: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Estimate, shape (n_rows,), and quantiles ascending in every row, shape (n_rows, n_levels) [kW], float64."""

    def tails(self) -> tuple[int, int]:
        """Positions of the two levels that are the limits."""


class KnowsWhyNot(Protocol):
    """An estimator with validity tests of its own."""

    def why_not(self, X: pd.DataFrame) -> np.ndarray:
        """Why a row gets no estimate, empty where it gets one; str, shape (n_rows,)."""


class TellsAdjustment(Protocol):
    """An estimator that moves a baseline to meet the meter, and tells by how much."""

    def explain(self, X: pd.DataFrame) -> pd.DataFrame:
        """``raw``, ``applied``, ``usable`` of each row's event; ``unadjusted_kw`` and ``adjusted_kw`` of each row [kW]."""


class DropsWeather(Protocol):
    """An estimator that can learn without weather where the panel has none."""

    def drop_weather(self, there: Sequence[str]) -> tuple[str, ...]:
        """Read no weather beside the columns that are `there`; what it would have read beside them."""


class TellsTreatment(Protocol):
    """An estimator that takes some events for what their calendar does not say, and tells which."""

    def treatment(self, X: pd.DataFrame) -> np.ndarray:
        """What the event of each row was treated as, empty where it was taken as it stands; str, shape (n_rows,)."""


class Searchable(Protocol):
    """An estimator with ranges that a tuning searches unless told otherwise."""

    @classmethod
    def search_space(cls) -> Mapping[str, Any]:
        """Parameter -> range, see :mod:`cblcast.estimators.ranges`."""


class Contributes(Protocol):
    """An estimator that splits each estimate into what its columns contribute."""

    def contributions(self, X: pd.DataFrame) -> np.ndarray:
        """Contribution of each column and, last, the constant; float64, shape (n_rows, n_columns + 1)."""


def able(thing: Any, ability: type) -> bool:
    """Whether `thing` has `ability`, here and now: a wrapper may have it only where what it wraps does.

    ``isinstance`` of a protocol looks at the class, and would see a method that scikit-learn's ``available_if`` hides.
    """
    return thing is not None and all(hasattr(thing, name) for name in methods_of(ability))


def columns_ahead(builder: Any) -> tuple[str, ...]:
    """Columns that a builder reads on hidden hours too."""
    if able(builder, LooksAhead):
        return tuple(builder.columns_ahead())
    return tuple(builder.reads_columns()) if able(builder, ReadsColumns) else ()


def needed_features(*estimators: Any) -> dict[str, dict[str, Any]]:
    """One set of builders that serves all of `estimators`; see :func:`cblcast.wishes.merge_wishes`."""
    return merge_wishes(*(each.required_features() for each in estimators if able(each, RequiresFeatures)))


def needed_windows(*estimators: Any) -> tuple[Window, ...]:
    """The windows of all of `estimators`, each once."""
    return tuple(dict.fromkeys(window for each in estimators if able(each, NeedsWindows) for window in each.windows()))


def days_looked_back(estimator: Any) -> int:
    """How many calendar days of earlier rows an estimator, or any inside it, wants beside those that are asked; 0 for none."""
    found = estimator.days_looked_back() if able(estimator, AdaptsToSite) else 0
    for value in (*_parameters(estimator), getattr(estimator, "estimator_", None)):
        for inner in value if isinstance(value, (list, tuple)) else (value,):
            if able(inner, Estimator):
                found = max(found, days_looked_back(inner))
    return int(found)


def check_parameters(estimator: Any) -> None:
    """Refuse a parameter of an estimator, or of one inside it, that its declaration does not take; then let it check itself.

    Raises
    ------
    StudyError
        The estimator, the parameter, the value and what is allowed, in one sentence.
    """
    check_fields(estimator)
    for inner in inner_values(estimator):
        if able(inner, Estimator):
            check_parameters(inner)
    if able(estimator, Checks):
        estimator.check()


def inner_values(estimator: object) -> Iterator[Any]:
    """What an estimator's parameters hold, members of lists one by one."""
    for value in _parameters(estimator):
        yield from value if isinstance(value, (list, tuple)) else (value,)


def _parameters(estimator: object) -> Iterator[Any]:
    cls: type = type(estimator)
    return (getattr(estimator, name) for name in _names(cls) if hasattr(estimator, name))


@lru_cache(maxsize=512)
def _names(cls: type) -> tuple[str, ...]:
    return tuple(inspect.signature(cls).parameters)


def learns(estimator: Any) -> bool:
    """Whether an estimator must be fitted before it is asked; a rule, or a rule behind an adjustment, need not."""
    return not hasattr(estimator, "__sklearn_tags__") or bool(estimator.__sklearn_tags__().requires_fit)


def layers(estimator: Any) -> Iterator[Any]:
    """An estimator and what it wraps, outermost first, the fitted one where there is one."""
    while estimator is not None:
        yield estimator
        estimator = getattr(estimator, "estimator_", None) or getattr(estimator, "estimator", None)


def innermost(estimator: Any) -> Any:
    """What stands inside all wrappers."""
    return list(layers(estimator))[-1]


def outermost_able(estimator: Any, ability: type) -> Any | None:
    """The first layer of `estimator` that has `ability`, None where no layer has."""
    return next((each for each in layers(estimator) if able(each, ability)), None)
