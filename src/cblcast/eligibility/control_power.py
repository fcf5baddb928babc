"""What a control group would have said before the program, when there was nothing to say: its bias and its power."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.eligibility.control_groups import TREATED, PrePeriod, checked_groups, event_loads
from cblcast.frames.panel import Panel
from cblcast.frames.schema import DataError


@dataclass(frozen=True)
class PrePeriodBias:
    """The effect that the groups show where there is none.

    Attributes
    ----------
    bias_pct : float
        Treated against what the control group says of them, in the later half of the period, % of the treated; > 0 where the
        control group says too little.
    p : float
        Share of random regroupings whose bias is as large either way: small means that the groups drift apart by more
        than chance.
    limits_pct : (float, float)
        Where nineteen of twenty random regroupings lie.
    n_days, n_treated, n_control : int
    """

    bias_pct: float
    p: float
    limits_pct: tuple[float, float]
    n_days: int
    n_treated: int
    n_control: int


@dataclass(frozen=True)
class Power:
    """What the groups can show.

    Attributes
    ----------
    n_events : int
    error_pct : float
        Standard error of the mean effect over these events [% of the treated load].
    detectable_pct : float
        Smallest effect found with the asked power at the asked level, two-sided.
    sites_for : dict effect [%] -> int
        Sites of both groups together, at the same shares, that would show each effect.
    """

    n_events: int
    error_pct: float
    detectable_pct: float
    sites_for: dict[float, int]


def pre_period_bias(
    panel: Panel, groups: pd.Series, period: PrePeriod, draws: int = 2000, seed: int = 0
) -> PrePeriodBias:
    """Test whether the groups move together on days on which nothing happened.

    The first half of the days sets each site's usual load in the event hours, as a settlement by control group would; the
    later half is settled as if it had been events. Regrouping the sites at random tells what chance does.

    Parameters
    ----------
    groups : Series, index site_id
        ``treated`` or ``control``.
    draws : int
        Random regroupings, of the same sizes.

    Notes
    -----
    The bias is a ratio of sums, sum(treated) / sum(their usual) against the same of the controls, so sites count by their
    load, as money does.
    """
    groups = checked_groups(groups, panel)
    loads = _loads(panel, groups, period)
    usual, later = _halves(loads)
    is_treated = (groups.reindex(loads.index) == TREATED).to_numpy()
    rng = np.random.default_rng(seed)
    regrouped = _regrouped(is_treated, draws, rng)
    bias = _effect(usual[:, None], later.mean(1)[:, None], is_treated[None])[0, 0]
    chance = _effect(usual[:, None], later.mean(1)[:, None], regrouped)[:, 0]
    p = (1 + (np.abs(chance) >= abs(bias)).sum()) / (draws + 1)
    low, high = np.quantile(chance, [0.025, 0.975])
    return PrePeriodBias(
        100 * float(bias),
        float(p),
        (100 * float(low), 100 * float(high)),
        later.shape[1],
        int(is_treated.sum()),
        int((~is_treated).sum()),
    )


def power(
    panel: Panel,
    groups: pd.Series,
    period: PrePeriod,
    n_events: int,
    *,
    effects_pct: tuple[float, ...] = (2.0, 5.0, 10.0),
    level: float = 0.05,
    asked: float = 0.8,
    draws: int = 2000,
    seed: int = 0,
) -> Power:
    """The smallest mean effect over `n_events` that these groups would show.

    The standard error is that of the effect over random regroupings and random choices of `n_events` later days of the
    period, so what sites share on a day and what a site keeps doing are both in it.

    Parameters
    ----------
    effects_pct : tuple of float
        Effects for which the sites needed are told.
    level : float
        Two-sided.
    asked : float
        Power, in (0, 1).

    References
    ----------
    Bloom (1995), Minimum detectable effects: a simple way to report the statistical power of experimental designs.
    """
    from scipy.special import ndtri

    groups = checked_groups(groups, panel)
    loads = _loads(panel, groups, period)
    usual, later = _halves(loads)
    if not 1 <= n_events <= later.shape[1]:
        raise DataError(f"{n_events} events cannot be tried on {later.shape[1]} days: give a longer period")
    is_treated = (groups.reindex(loads.index) == TREATED).to_numpy()
    rng = np.random.default_rng(seed)
    days = np.argsort(rng.random((draws, later.shape[1])), axis=1)[:, :n_events]
    mean = later[:, days].mean(2)  # (n_sites, draws)
    regrouped = _regrouped(is_treated, draws, rng)
    treated = regrouped.astype(np.float64)
    part = [((weight * mean.T).sum(1) / (weight @ usual)) for weight in (treated, 1 - treated)]
    error = float(np.std(part[0] / part[1] - 1))
    times = float(ndtri(1 - level / 2) + ndtri(asked))
    sites = {effect: int(np.ceil(len(loads) * (times * 100 * error / effect) ** 2)) for effect in effects_pct}
    return Power(n_events, 100 * error, 100 * times * error, sites)


def _loads(panel: Panel, groups: pd.Series, period: PrePeriod) -> pd.DataFrame:
    """Event-hours loads of the sites of the groups on the days on which all were metered."""
    loads = event_loads(panel.select(groups.index.tolist()), period)
    dark = loads.isna().mean(axis=1)
    if (dark > 0.5).any():
        raise DataError(
            f"site {dark.idxmax()!r} is metered on {100 * (1 - dark.max()):.0f} % of the days of the period: leave it out, "
            "or give another period"
        )
    whole = loads.dropna(axis=1)
    if whole.shape[1] < 10:
        raise DataError(f"all sites are metered on {whole.shape[1]} days of the period, and ten are needed: extend it")
    return whole


def _halves(loads: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Usual load of each site in the first half of the days, and its loads in the second."""
    values = loads.to_numpy(dtype=np.float64)
    middle = values.shape[1] // 2
    return values[:, :middle].mean(1), values[:, middle:]


def _regrouped(is_treated: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Random regroupings of the same sizes, bool, shape (draws, n_sites)."""
    return is_treated[np.argsort(rng.random((draws, len(is_treated))), axis=1)]


def _effect(usual: np.ndarray, now: np.ndarray, is_treated: np.ndarray) -> np.ndarray:
    """Ratio of the treated to their usual over that of the controls, less one; (n_groupings, n_columns)."""
    treated = is_treated.astype(np.float64)
    own, other = ((weight @ now) / (weight @ usual) for weight in (treated, 1 - treated))
    return own / other - 1
