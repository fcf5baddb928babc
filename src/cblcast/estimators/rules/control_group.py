"""Baselines from a control group: rules over the columns of :class:`cblcast.features.control_group.ControlGroup`."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.checked.parameters import Positive, Power, Some
from cblcast.estimators.columns import numbered, take
from cblcast.estimators.ranges import Choice, FloatRange, IntRange, SearchRange
from cblcast.estimators.rules.rule import Rule
from cblcast.frames.known import known_mean
from cblcast.frames.schema import StudyError, nearest

PER_UNIT_OF = ("event_hours", "day")


class ControlRule(Rule):
    """What the control baselines share: the validity tests, and the reason where an event fails one.

    Parameters
    ----------
    minimum_members : int
        Least number of control customers behind the baseline.
    max_rrmse_pct : float, optional
        Largest relative RMSE in the event hours of the days before the event [%]; PJM certifies up to 20, KPX up to 30.
        A single home is far above either, so nothing is asked unless given.
    per_unit_of : {"event_hours", "day"}
        What the loads are put per unit of: the mean in the event hours of the days before, or the mean of whole days
        as section 3.2 has it. A home that cooks later than its group is biased by the second.
    """

    _members_column = "control_members"
    _rrmse_column = "control_synthetic_rrmse_pct"

    def __init__(
        self,
        minimum_members: Some = 5,
        max_rrmse_pct: Positive | None = None,
        per_unit_of: str = "event_hours",
    ) -> None:
        self.minimum_members = minimum_members
        self.max_rrmse_pct = max_rrmse_pct
        self.per_unit_of = per_unit_of

    @classmethod
    def search_space(cls) -> dict[str, SearchRange]:
        """Ranges that a tuning searches unless told otherwise."""
        return {
            "per_unit_of": Choice(PER_UNIT_OF),
        }

    def required_features(self) -> dict[str, dict[str, object]]:
        """Builders and the parameters this rule needs of them."""
        return {"control_group": {}}

    def check(self) -> None:
        """Raise for tests that test nothing."""
        if self.per_unit_of not in PER_UNIT_OF:
            raise StudyError(f"unknown per_unit_of {self.per_unit_of!r}: {nearest(self.per_unit_of, PER_UNIT_OF)}")

    def why_not(self, X: pd.DataFrame) -> np.ndarray:
        """Reason why each row gets no estimate, empty where it does; str, shape (n_rows,)."""
        members, rrmse = take(X, [self._members_column, self._rrmse_column], self).T
        estimate = self._estimate(X)
        reasons = np.full(len(X), "", dtype=object)
        reasons[~np.isfinite(estimate)] = (
            "no control customer was metered at the event, or the site has no load in the days before"
        )
        if self.max_rrmse_pct is not None:
            for row in np.flatnonzero(~(rrmse <= self.max_rrmse_pct)):
                reasons[row] = (
                    f"the control group missed the site by {rrmse[row]:.0f} % RRMSE before the event, "
                    f"more than the {self.max_rrmse_pct:g} % allowed"
                )
        for row in np.flatnonzero(~(members >= self.minimum_members)):
            found = int(members[row]) if np.isfinite(members[row]) else 0
            reasons[row] = f"{found} control customers match, fewer than the {self.minimum_members} asked for"
        return reasons.astype(np.str_)

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Baseline [kW], float64, shape (n_rows,); NaN for an event that fails a validity test (see `why_not`)."""
        members, rrmse = take(X, [self._members_column, self._rrmse_column], self).T
        valid = members >= self.minimum_members
        if self.max_rrmse_pct is not None:
            valid &= rrmse <= self.max_rrmse_pct
        return np.where(valid, self._estimate(X), np.nan)

    def _estimate(self, X: pd.DataFrame) -> np.ndarray:
        """Baseline before the validity tests [kW]."""
        now, usual = self._group(X)
        if self.per_unit_of == "day":
            return now
        own = take(X, ["control_site_usual_kw"], self)[:, 0]
        return np.where(usual > 0, now * own / np.where(usual > 0, usual, 1.0), np.nan)

    def _group(self, X: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Load of the group at each row, and its usual load in the event hours, both scaled to the site [kW]."""
        now, usual = take(X, ["control_cluster_kw", "control_cluster_usual_kw"], self).T
        return now, usual


class ClusterControl(ControlRule):
    """Per-unit mean of the cluster of load shapes that the site belongs to, times the site's mean load (family 8).

    Parameters
    ----------
    minimum_members, max_rrmse_pct, per_unit_of
        As :class:`ControlRule`; the members counted are those of the cluster.
    """

    _members_column = "control_cluster_size"
    _rrmse_column = "control_cluster_rrmse_pct"


class NearestControl(ControlRule):
    """Mean of the control customers with the most similar load shapes, weighted by the inverse of their gap.

    Parameters
    ----------
    donors : int
        How many are combined.
    power : float
        Weights are ``gap ** -power``; 0 is the plain mean.
    minimum_members, max_rrmse_pct, per_unit_of
        As :class:`ControlRule`; the RRMSE is that of the synthetic control.
    """

    def __init__(
        self,
        donors: Some = 10,
        power: Power = 1.0,
        minimum_members: Some = 5,
        max_rrmse_pct: Positive | None = None,
        per_unit_of: str = "event_hours",
    ) -> None:
        super().__init__(minimum_members, max_rrmse_pct, per_unit_of)
        self.donors = donors
        self.power = power

    @classmethod
    def search_space(cls) -> dict[str, SearchRange]:
        """Ranges that a tuning searches unless told otherwise."""
        return {
            "donors": IntRange(5, 40),
            "power": FloatRange(0.0, 3.0),
        }

    def required_features(self) -> dict[str, dict[str, object]]:
        """Builders and the parameters this rule needs of them."""
        return {"control_group": {"donors": self.donors}}

    def check(self) -> None:
        """Raise for parameters that make no rule."""
        super().check()
        if self.donors < self.minimum_members:
            raise StudyError(f"{self.donors} donors can never be the {self.minimum_members} asked for")

    def _group(self, X: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        weights = self._weights(X)
        now = take(X, numbered("control", "kw", self.donors), self)
        usual = take(X, numbered("control", "usual_kw", self.donors), self)
        return known_mean(now, weight=weights), known_mean(np.where(np.isfinite(now), usual, np.nan), weight=weights)

    def _weights(self, X: pd.DataFrame) -> np.ndarray:
        gap = take(X, numbered("control", "gap", self.donors), self)
        return np.maximum(gap, 1e-6) ** -self.power


class SyntheticControl(NearestControl):
    """The combination of control customers, weights >= 0 with sum 1, that met the site best before the event.

    Parameters
    ----------
    donors : int
        How many of the most similar controls the builder combines; the weights are fitted over just these, so other
        parts of a study must not ask for more.
    minimum_members, max_rrmse_pct, per_unit_of
        As :class:`ControlRule`.

    References
    ----------
    Abadie, Diamond, Hainmueller (2010), Synthetic control methods for comparative case studies.
    """

    def __init__(
        self,
        donors: Some = 10,
        minimum_members: Some = 5,
        max_rrmse_pct: Positive | None = None,
        per_unit_of: str = "event_hours",
    ) -> None:
        super().__init__(donors, 1.0, minimum_members, max_rrmse_pct, per_unit_of)

    @classmethod
    def search_space(cls) -> dict[str, SearchRange]:
        """Ranges that a tuning searches unless told otherwise."""
        return {
            "donors": IntRange(5, 40),
        }

    def _weights(self, X: pd.DataFrame) -> np.ndarray:
        return take(X, numbered("control", "weight", self.donors), self)
