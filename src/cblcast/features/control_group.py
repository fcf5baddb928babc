"""Control group: the load, at the very same time, of customers who were not dispatched (section 3.2, family 8)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.checked.annotations import check_fields
from cblcast.checked.parameters import Days, NotNegative, Share, Some, Text
from cblcast.days.day_types import DayTypes
from cblcast.days.ledger import day_ledger
from cblcast.features.control_match import cluster_shapes, load_shape, shape_gap, synthetic_weights
from cblcast.frames.cases import EventArrays
from cblcast.frames.instants import DAY_US
from cblcast.frames.known import known_mean
from cblcast.frames.panel import Panel, local_clock
from cblcast.frames.schema import OBSERVED, DataError, nearest


@dataclass(frozen=True, eq=False)
class _Donors:
    """Control customers with a history: their sites, load shapes, levels [kW], per-unit history and clusters."""

    site: np.ndarray
    days: np.ndarray
    shape: np.ndarray
    level: np.ndarray
    per_unit: np.ndarray
    label: np.ndarray
    centre: np.ndarray

    def before(self, chosen: np.ndarray | slice, slots: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Per-unit history of the chosen donors in the given slots, shape (n_days · n_slots, n_chosen)."""
        picked = self.per_unit[chosen][:, :, slots]
        return picked.reshape(len(picked), -1).T


@dataclass(frozen=True)
class ControlGroup:
    """What similar customers who were not dispatched draw during the event, scaled to the site.

    The blindfold hides the load of the estimated site; control customers are seen at the interval itself, so a control
    group settles an event and cannot forecast it. Shapes, clusters, scale and weights are taken from the newest
    qualified days before each event and from nothing later.

    Columns, k = 01 (most alike) … `donors`:

    ``control_kw_k``        load of the k-th control at the interval, scaled to the site's mean load [kW]
    ``control_usual_kw_k``  the same control's mean in the event hours of the days before the event, scaled alike [kW]
    ``control_gap_k``       root mean square difference of the per-unit load shapes
    ``control_weight_k``    weight in the synthetic control, >= 0, sum 1
    ``control_cluster_kw``  per-unit mean over all controls in the site's cluster of load shapes, scaled [kW]
    ``control_cluster_usual_kw``  its mean in the event hours of the days before the event [kW]
    ``control_site_usual_kw``  the site's own mean in those hours of those days [kW]
    ``control_cluster_size``, ``control_members``  how many controls the cluster has, and how many there are in all
    ``control_cluster_rrmse_pct``, ``control_synthetic_rrmse_pct``  relative RMSE of the cluster mean and of the
    synthetic control in those hours of those days, with the mean put right [%]

    Parameters
    ----------
    donors : int
        How many single controls are looked up.
    clusters : int
        Clusters of load shapes; fewer where a cluster would have less than `min_cluster` controls on average.
    min_cluster : int
    days, look_back_days : int
        Days of history, and calendar days that are searched for them.
    day_types : str or eight labels
        Days like the event's day; see :data:`cblcast.days.day_types.DAY_TYPES`.
    min_metered_share : float
        Least metered share of a control's history, and of a day of the site's.
    shrink : float
        Pull of the synthetic weights to their mean (see
        :func:`~cblcast.features.control_match.synthetic_weights`).
    column, control : str
        Sites whose `column` of the sites frame reads `control` are the control customers.
    same : tuple of str
        Columns of the sites frame in which a control must equal the site, e.g. ``("segment",)``.

    Raises
    ------
    DataError
        The sites frame lacks `column`, or no site is a control.
    """

    donors: Some = 10
    clusters: Some = 4
    min_cluster: Some = 5
    days: Days = 20
    look_back_days: Days = 60
    day_types: DayTypes = "working"
    min_metered_share: Share = 0.9
    shrink: NotNegative = 0.1
    column: Text = "group"
    control: Text = "control"
    same: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self)

    def __call__(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Features of `cases`, same index."""
        controls = self._controls(panel)
        event = EventArrays.of(panel, cases)
        out = {name: np.full(len(cases), np.nan) for name in self.columns()}
        kinds = self._kinds(panel)
        history = self._history_days(panel, event)
        # Events with the same history and the same candidates share shapes and clusters.
        key = np.column_stack([history, kinds[event.site]])
        _, group = np.unique(key, axis=0, return_inverse=True)
        group = group.reshape(-1)
        load = panel.column(OBSERVED)
        last_row = np.r_[event.first_row[1:], len(cases)]
        for number in range(int(group.max(initial=-1)) + 1):
            alike = np.flatnonzero(group == number)
            candidates = controls[kinds[controls] == kinds[event.site[alike[0]]]]
            days = history[alike[0]]
            donors = self._donors(panel, candidates, days[days >= 0])
            for member in alike:
                rows = np.arange(event.first_row[member], last_row[member])
                for name, values in self._matched(panel, event, int(event.site[member]), rows, donors, load).items():
                    out[name][rows] = values
        return pd.DataFrame(out, index=cases.index)

    def columns(self) -> list[str]:
        """Names of all columns."""
        single = [
            f"control_{key}_{k:02d}" for key in ("kw", "usual_kw", "gap", "weight") for k in range(1, self.donors + 1)
        ]
        return [
            *single,
            "control_cluster_kw",
            "control_cluster_usual_kw",
            "control_site_usual_kw",
            "control_cluster_size",
            "control_members",
            "control_cluster_rrmse_pct",
            "control_synthetic_rrmse_pct",
        ]

    def _controls(self, panel: Panel) -> np.ndarray:
        if self.column not in panel.sites.columns:
            raise DataError(
                f"a control group needs the column {self.column!r} in sites, which says {self.control!r} for customers "
                f"who are never dispatched: add it, or name another column "
                f"({nearest(self.column, map(str, panel.sites.columns))})"
            )
        controls = np.flatnonzero((panel.sites[self.column].astype(str) == self.control).to_numpy())
        if len(controls) == 0:
            said = ", ".join(sorted(set(panel.sites[self.column].astype(str)))[:5])
            raise DataError(
                f"no site is a control customer: column {self.column!r} never says {self.control!r} ({said})"
            )
        return controls

    def _kinds(self, panel: Panel) -> np.ndarray:
        """Number of each site's combination of the columns that a control must share, shape (n_sites,)."""
        for name in self.same:
            if name not in panel.sites.columns:
                raise DataError(f"sites lack the column {name!r}: {nearest(name, map(str, panel.sites.columns))}")
        if not self.same:
            return np.zeros(len(panel.sites), dtype=np.int64)
        return panel.sites.groupby(list(self.same), dropna=False).ngroup().to_numpy(dtype=np.int64)

    def _history_days(self, panel: Panel, event: EventArrays) -> np.ndarray:
        """Positions of the newest qualified days in the cube, -1 where fewer, shape (n_events, days)."""
        ledger = day_ledger(
            panel,
            event,
            look_back_days=self.look_back_days,
            day_types=self.day_types,
            gap_days=0,
            min_metered_share=self.min_metered_share,
        )
        return ledger.newest(self.days)

    def _donors(self, panel: Panel, candidates: np.ndarray, days: np.ndarray) -> _Donors:
        history = panel.cube(OBSERVED).values[candidates][:, days].astype(np.float64)
        shape, level = load_shape(history, self.min_metered_share)
        usable = np.isfinite(level)
        shape, level = shape[usable], level[usable]
        clusters = max(1, min(self.clusters, len(shape) // self.min_cluster))
        label, centre = cluster_shapes(shape, clusters) if len(shape) else (np.zeros(0, dtype=int), shape)
        return _Donors(candidates[usable], days, shape, level, history[usable] / level[:, None, None], label, centre)

    def _matched(
        self, panel: Panel, event: EventArrays, site: int, rows: np.ndarray, donors: _Donors, load: np.ndarray
    ) -> dict[str, np.ndarray | float]:
        """Columns of one event's rows."""
        others = donors.site != site  # a control customer may be estimated too, but not from itself
        found: dict[str, np.ndarray | float] = {"control_members": others.sum(), "control_cluster_size": 0}
        history = panel.cube(OBSERVED).values[[site]][:, donors.days].astype(np.float64)
        shape, level = load_shape(history)
        if not (np.isfinite(level[0]) and others.any()):
            return found
        cluster = others & (donors.label == shape_gap(shape, donors.centre)[0].argmin())
        gap = np.where(others, shape_gap(shape, donors.shape)[0], np.inf)
        alike = np.argsort(gap, kind="stable")[: min(self.donors, int(others.sum()))]
        target = history[0] / level[0]
        weight = synthetic_weights(target.ravel(), donors.before(alike), self.shrink)
        now = _at(panel, load, donors.site[None, :], event.time_us[rows][:, None]) / donors.level * level[0]
        hours = self._event_slots(panel, event, site, rows)
        truth = target[:, hours].ravel()
        usual = known_mean(donors.before(slice(None), hours).T) * level[0]
        for k, donor in enumerate(alike):
            found[f"control_kw_{k + 1:02d}"] = now[:, donor]
            found[f"control_usual_kw_{k + 1:02d}"] = usual[donor]
            found[f"control_gap_{k + 1:02d}"] = gap[donor]
            found[f"control_weight_{k + 1:02d}"] = weight[k]
        found["control_cluster_size"] = cluster.sum()
        found["control_site_usual_kw"] = known_mean(truth) * level[0]
        found["control_cluster_kw"] = known_mean(now[:, cluster])
        found["control_cluster_usual_kw"] = known_mean(usual[cluster])
        found["control_cluster_rrmse_pct"] = _rrmse_pct(truth, known_mean(donors.before(cluster, hours)))
        found["control_synthetic_rrmse_pct"] = _rrmse_pct(truth, known_mean(donors.before(alike, hours), weight=weight))
        return found

    @staticmethod
    def _event_slots(panel: Panel, event: EventArrays, site: int, rows: np.ndarray) -> np.ndarray:
        """Wall-clock slots of the event's scored rows (of all its rows where none is scored)."""
        scored = rows[event.scored[rows]] if event.scored[rows].any() else rows
        local = local_clock(panel, np.full(len(scored), site), event.time_us[scored])
        return np.unique(local % DAY_US // panel.step_us)


def _at(panel: Panel, load: np.ndarray, site: np.ndarray, times_us: np.ndarray) -> np.ndarray:
    """`load` at (site, time); as :meth:`Panel.values_at`, which would copy the whole column for every event."""
    rows = panel.locate(site, times_us)
    return np.where(rows >= 0, load[rows], np.nan)


def _rrmse_pct(truth: np.ndarray, estimate: np.ndarray) -> float:
    """RMSE over the mean [%], the estimate scaled to the mean of the truth, as the baseline will be."""
    both = np.isfinite(truth) & np.isfinite(estimate)
    truth, estimate = truth[both], estimate[both]
    if truth.sum() <= 0 or estimate.sum() <= 0:
        return np.nan
    estimate = estimate * (truth.sum() / estimate.sum())
    return float(100 * np.sqrt(((truth - estimate) ** 2).mean()) / truth.mean())
