"""What an attention net sees of a row: its recent days and the hours beside the event, in per unit of their own spread.

Every input is a difference or a ratio: what is added to a meter, or multiplies it, changes nothing but the estimate itself.
So one net serves a campus and a home, and a net-exporting site whose load is negative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from cblcast.frames.known import known_mean

CANDIDATES = (
    "mean_5", "mean_20", "weekday", "alike", "nearest", "steady", "quick",
    "mean_ratio", "mean_shift", "nearest_ratio", "nearest_shift", "alike_ratio", "alike_shift", "day_1",
)  # fmt: skip
KEYS_OF_WEATHER = slice(-2, None)  # among the keys of a day
DAYS_SHARE, WEATHER = 4, slice(5, 9)  # places in the context
N_SINGLE, N_KEYS, N_NEWEST = 15, 9, 5
LEAST_SPREAD = 0.02  # of the scale: a site steadier than this is judged as if it were not
_CLIP = 8.0  # spreads
_NEWEST = 10
_LARGEST_TARGET = 12.0  # spreads: a spike teaches that much and no more


@dataclass(frozen=True, eq=False)
class DayInputs:
    """Arrays of n rows, all float32; K days, H hours beside the event, C candidates.

    Attributes
    ----------
    centre, spread : ndarray, shape (n,)
        Mean of the newest days at the interval, and how far days lie apart there [per unit of the scale].
    days : ndarray, shape (n, K)
        Load of each day less `centre`, in spreads; 0 where there is no such day.
    there : ndarray, shape (n, K)
        1 where there is.
    hours_then : ndarray, shape (n, K, H)
        Each hour beside the event on each day, less its mean over the days, in spreads.
    hours_now : ndarray, shape (n, H)
        The same of the event day; 0 where it is not seen.
    keys : ndarray, shape (n, K, …)
        How each day stands to the event day beside these hours.
    candidates : ndarray, shape (n, C)
        Means of days less `centre`, in spreads.
    context : ndarray, shape (n, …)
    """

    centre: np.ndarray
    spread: np.ndarray
    days: np.ndarray
    there: np.ndarray
    hours_then: np.ndarray
    hours_now: np.ndarray
    keys: np.ndarray
    candidates: np.ndarray
    context: np.ndarray

    def arrays(self) -> tuple[np.ndarray, ...]:
        """Those that the net reads, in the order of its arguments."""
        return self.days, self.there, self.hours_then, self.hours_now, self.keys, self.candidates, self.context

    def targets(self, shares: np.ndarray) -> np.ndarray:
        """Loads as shares of the scale, shape (n,), as what they are above the centre, in spreads and within bounds."""
        return np.clip((shares - self.centre) / self.spread, -_LARGEST_TARGET, _LARGEST_TARGET)

    def take(self, rows: np.ndarray) -> DayInputs:
        """Some of the rows."""
        return DayInputs(*(getattr(self, each.name)[rows] for each in fields(self)))

    @classmethod
    def joined(cls, parts: Sequence[DayInputs]) -> DayInputs:
        """Rows of several, one after the other."""
        return cls(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(cls)))

    def columns(self) -> dict[str, np.ndarray]:
        """The same as columns of a table, by name; :meth:`of_table` undoes it."""
        found: dict[str, np.ndarray] = {}
        for each in fields(self):
            values = getattr(self, each.name)
            flat = values.reshape(len(values), -1)
            found |= {f"{each.name}_{place}": flat[:, place] for place in range(flat.shape[1])}
        return found

    @classmethod
    def of_table(cls, values: np.ndarray, n_days: int, n_hours: int) -> DayInputs:
        """From the columns :func:`table_columns` of a table, in their order."""
        shapes = _shapes(n_days, n_hours)
        widths = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])
        parts = [np.array(part, dtype=np.float32, order="C") for part in np.split(values, widths[:-1], axis=1)]
        return cls(*(part.reshape(len(values), *shape) for part, shape in zip(parts, shapes.values(), strict=True)))


def _shapes(n_days: int, n_hours: int) -> dict[str, tuple[int, ...]]:
    n_candidates = len(CANDIDATES)
    n_context = N_SINGLE + 4 * n_hours + n_candidates + N_NEWEST
    return {
        "centre": (), "spread": (), "days": (n_days,), "there": (n_days,), "hours_then": (n_days, n_hours),
        "hours_now": (n_hours,), "keys": (n_days, N_KEYS), "candidates": (n_candidates,), "context": (n_context,),
    }  # fmt: skip


def table_columns(n_days: int, n_hours: int) -> list[str]:
    """Names of the columns that :meth:`DayInputs.columns` makes."""
    widths = {name: int(np.prod(shape)) for name, shape in _shapes(n_days, n_hours).items()}
    return [f"{name}_{place}" for name, width in widths.items() for place in range(width)]


def input_columns(n_days: int, n_before: int, n_after: int) -> list[str]:
    """Names of the columns that :func:`day_inputs` reads."""
    hours = [f"before_{h}" for h in range(1, n_before + 1)] + [f"after_{h}" for h in range(1, n_after + 1)]
    by_day = ["kw", "event_kw", "day_kw", *(f"{hour}_kw" for hour in hours)]
    by_day += ["age_days", "same_weekday", "temp_gap_c", "temp_day_gap_c"]
    found = [f"seq_{name}_{k:02d}" for name in by_day for k in range(1, n_days + 1)]
    found += [f"seq_now_{hour}_kw" for hour in hours] + [f"history_{name}_kw" for name in CANDIDATES]
    return [*found, "hours_since_start", "event_hours", "seq_temp_c"]


def day_inputs(column: Mapping[str, np.ndarray], n_days: int, n_before: int, n_after: int) -> DayInputs:
    """Inputs of the net from the columns of ``day_sequence``, ``day_history`` and ``event_windows``.

    Parameters
    ----------
    column : mapping name -> ndarray, shape (n,)
        Loads in per unit of a scale above zero.
    n_days, n_before, n_after : int
        As the builder ``day_sequence`` was given them.
    """
    hours = [f"before_{h}" for h in range(1, n_before + 1)] + [f"after_{h}" for h in range(1, n_after + 1)]

    def by_day(name: str) -> np.ndarray:
        return np.stack([column[f"seq_{name}_{k:02d}"] for k in range(1, n_days + 1)], axis=1)

    load, event, whole = by_day("kw"), by_day("event_kw"), by_day("day_kw")
    then = np.stack([by_day(f"{hour}_kw") for hour in hours], axis=2)
    now = np.stack([column[f"seq_now_{hour}_kw"] for hour in hours], axis=1)
    there = np.isfinite(load)
    centre = known_mean(load[:, :_NEWEST])
    centre = np.where(np.isfinite(centre), centre, known_mean(load))
    spread = _spread(load, event)

    def unit(values: np.ndarray) -> np.ndarray:
        scale = spread.reshape(-1, *(1 for _ in values.shape[1:]))
        return np.clip(np.nan_to_num(values / scale), -_CLIP, _CLIP)

    mean_then = known_mean(then, 1)  # over days
    hours_then = unit(then - mean_then[:, None, :])
    seen = np.isfinite(now) & np.isfinite(mean_then)
    hours_now = unit(np.where(seen, now - mean_then, np.nan))
    days = unit(load - centre[:, None])
    gap = unit(np.where(seen[:, None, :], now[:, None, :] - then, np.nan))
    n_seen = np.maximum(seen.sum(1), 1)[:, None]
    nearest = _nearest(seen, n_before)
    weather = np.clip(np.nan_to_num(np.stack([by_day("temp_gap_c") / 5, by_day("temp_day_gap_c") / 5], axis=2)), -4, 4)
    newest_event = known_mean(event[:, :_NEWEST])
    newest_day = known_mean(whole[:, :_NEWEST])
    keys = np.concatenate(
        [
            np.stack(
                [
                    days,
                    unit(event - newest_event[:, None]),
                    unit(whole - newest_day[:, None]),
                    np.sqrt((gap**2).sum(2) / n_seen),
                    (gap * nearest[:, None, :]).sum(2),
                    np.nan_to_num(by_day("age_days")) / 30,
                    np.nan_to_num(by_day("same_weekday")),
                ],
                axis=2,
            ),
            weather,
        ],
        axis=2,
    )
    count = np.maximum(there.sum(1), 1)[:, None]
    product = np.where(there[:, :, None], hours_then * days[:, :, None], 0.0).sum(1) / count
    square = np.where(there[:, :, None], hours_then**2, 0.0).sum(1) / count
    candidates = unit(np.stack([column[f"history_{name}_kw"] for name in CANDIDATES], axis=1) - centre[:, None])
    single = [
        np.log(spread),
        np.clip(centre, -5, 5),
        column["hours_since_start"] / 3,
        column["event_hours"] / 3,
        there.sum(1) / n_days,
        np.isfinite(column["seq_temp_c"]),
        np.nan_to_num(column["seq_temp_c"]) / 15,
        weather[:, :_NEWEST, 0].mean(1),
        weather[:, :_NEWEST, 1].mean(1),
        unit(whole[:, 0] - newest_day),
        unit(event[:, 0] - newest_event),
        unit(known_mean(whole[:, :5]) - known_mean(whole[:, 5:15])),
        unit(known_mean(now[:, :n_before]) - known_mean(mean_then[:, :n_before])),
        *_now_against_usual(now, mean_then, n_before),
    ]
    context = np.concatenate(
        [np.stack(single, axis=1), hours_now, seen, product, np.sqrt(square), candidates, days[:, :N_NEWEST]], axis=1
    )
    arrays = (centre, spread, days * there, there, hours_then, hours_now, keys, candidates, np.nan_to_num(context))
    return DayInputs(*(np.ascontiguousarray(part, dtype=np.float32) for part in arrays))


def _spread(load: np.ndarray, event: np.ndarray) -> np.ndarray:
    """How far the days lie apart at the interval and over the event's hours, (n,), at least :data:`LEAST_SPREAD`."""

    def deviation(values: np.ndarray) -> np.ndarray:
        return np.nan_to_num(known_mean((values - known_mean(values)[:, None]) ** 2))

    return np.maximum(np.sqrt(0.5 * (deviation(load) + deviation(event))), LEAST_SPREAD)


def _nearest(seen: np.ndarray, n_before: int) -> np.ndarray:
    """Weights of the two nearest seen hours on each side, summing to 1, (n, H)."""
    sides = [seen[:, :n_before], seen[:, n_before:]]
    chosen = np.concatenate([side & (np.cumsum(side, axis=1) <= 2) for side in sides], axis=1).astype(np.float64)
    return chosen / np.maximum(chosen.sum(1, keepdims=True), 1)


def _now_against_usual(now: np.ndarray, usual: np.ndarray, n_before: int) -> list[np.ndarray]:
    """Load of the nearest two and of all seen hours before the event as a share of the usual, less 1, within ±1."""
    found = []
    seen = np.isfinite(now[:, :n_before]) & np.isfinite(usual[:, :n_before])
    for chosen in (seen & (np.cumsum(seen, axis=1) <= 2), seen):
        one = np.where(chosen, now[:, :n_before], 0).sum(1)
        other = np.where(chosen, usual[:, :n_before], 0).sum(1)
        found.append(np.where(other > 1e-6, np.clip(one / np.maximum(other, 1e-6) - 1, -1, 1), 0.0))
    return found
