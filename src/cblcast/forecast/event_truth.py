"""Events whose truth is known: what the meter would have read without them, from a simulated world or an injected case.

Such events were dispatched, so the meter shows the response. They are masked like every real event, and what an estimate of them
is compared with is the truth: interval by interval where the panel has a column ``truth_kw``, else as the mean over the event
that the events carry in ``truth_kw``, against the mean of the estimate.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from cblcast.forecast.forecaster import truth as metered_load
from cblcast.frames.cases import event_rows
from cblcast.frames.events import check_events, mean_over_events
from cblcast.frames.instants import DAY_US, microseconds, stamps
from cblcast.frames.known import known_mean, known_mean_by
from cblcast.frames.panel import Panel
from cblcast.frames.schema import (
    LOWER,
    OBSERVED,
    ORIGIN,
    PREDICTED,
    SITE,
    TIME,
    UPPER,
    DataError,
    DataWarning,
)

TRUTH = "truth_kw"
UNKNOWN = "its truth is not known: truth_kw is empty"
KEYS = [SITE, "start", "stop"]
AGREE = 0.005  # of the larger: how far the events' truth may stand from that of the panel, for rounding
ROUNDING_KW = 0.002
UNUSUAL = 2.5  # times the load that is usual at these hours, and also of the meter in the events
USUAL_WEEKS = 4  # before and after, the same day of the week


def carries_truth(events: pd.DataFrame) -> bool:
    """Whether events say what the meter would have read without them.

    Raises
    ------
    DataError
        A column that is called nearly so, in another unit: it would be left out without a word.
    """
    if TRUTH in events.columns:
        return True
    near = [str(name) for name in events.columns if str(name).lower().startswith("truth")]
    if near:
        raise DataError(
            f"the events have a column {near[0]!r}: what the meter would have read without an event is called {TRUTH}, its mean "
            "over the event's hours in kW"
        )
    return False


def with_event_truth(panel: Panel, events: pd.DataFrame) -> Panel:
    """The panel with `events` masked as real ones, and their truth known; the panel itself where they carry none.

    Parameters
    ----------
    panel : Panel
        As metered, with the response in it. A column ``truth_kw`` gives the truth interval by interval.
    events : DataFrame
        ``site_id``, ``start``, ``stop`` and ``truth_kw``: mean of what the meter would have read without the event over its
        hours [kW], empty where it is not known.

    Raises
    ------
    DataError
        A truth that is no number, that no event has, or that the panel's column contradicts.

    Warns
    -----
    DataWarning
        Of events without a truth, whose truth is what was metered, whose truth is known as a mean alone, or whose unit looks
        wrong.
    """
    if not carries_truth(events):
        return panel
    table = check_events(events.assign(**{TRUTH: _numbers(events[TRUTH])}), panel)
    if (_places(panel, table) >= 0).all():
        return panel
    truth = table[TRUTH].to_numpy()
    known = np.isfinite(truth)
    if not known.any():
        raise DataError(f"{TRUTH} of all {len(table)} events is empty: give it, or leave the column out")
    if not known.all():
        _tell(f"{int((~known).sum())} of {len(table)} events have no {TRUTH}, so they cannot be judged")
    by_interval = TRUTH in panel.data.columns
    if by_interval:
        _check_agreement(panel, table)
    else:
        _tell(
            f"the truth of {int(known.sum())} events is known as their mean alone ({TRUTH} of the events; the meter data have no "
            "such column): errors are those of event means, not of intervals"
        )
    _tell_of_metered_truth(panel, table)
    _tell_of_unit(panel, table)
    return panel.with_events(table)


def against_truth(panel: Panel, rows: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Scored rows beside the truth, where their event has one, and which of them miss it although they should have it.

    Parameters
    ----------
    panel : Panel
        As :func:`with_event_truth` leaves it.
    rows : DataFrame, index (site_id, origin, time)
        Of whole events, with ``event_stop``, ``observed_kw``, ``predicted_kw``, ``lower_kw``, ``upper_kw`` [kW].

    Returns
    -------
    rows : DataFrame
        ``observed_kw`` is the truth. Where only its mean over the event is known, that mean stands in every interval, and beside
        it the mean of the estimate; limits of intervals are none of the mean, so they are NaN.
    unknown : ndarray of bool, shape (n_events,)
        Events that carry a truth which is empty.
    """
    first, event = event_rows(rows.index)
    if panel.events is None or TRUTH not in panel.events.columns or rows.empty:
        return rows, np.zeros(len(first), dtype=bool)
    index = rows.index[first]
    mine = pd.DataFrame(
        {
            SITE: index.get_level_values(SITE),
            "start": index.get_level_values(ORIGIN),
            "stop": rows["event_stop"].to_numpy()[first],
        }
    )
    place = _places(panel, mine)
    mean = np.where(place >= 0, panel.events[TRUTH].to_numpy(dtype=np.float64)[place], np.nan)
    exact = _by_interval(panel, rows)
    whole = (place >= 0) & (np.bincount(event[np.isnan(exact)], minlength=len(first)) == 0)
    as_mean = np.isfinite(mean) & ~whole
    observed, predicted = (rows[column].to_numpy(dtype=np.float64) for column in (OBSERVED, PREDICTED))
    estimate = known_mean_by(predicted, event, len(first))
    lost = np.bincount(event[np.isnan(predicted)], minlength=len(first)) > 0
    estimate[lost] = np.nan
    told = {
        OBSERVED: np.select([whole[event], as_mean[event]], [exact, mean[event]], observed),
        PREDICTED: np.where(as_mean[event], estimate[event], predicted),
    }
    told |= {limit: np.where(as_mean[event], np.nan, rows[limit].to_numpy()) for limit in (LOWER, UPPER)}
    return rows.assign(**told), (place >= 0) & ~whole & ~as_mean


def judged_load(panel: Panel, cases: pd.DataFrame) -> np.ndarray:
    """What an estimate of each row is compared with [kW]: the truth of an event that carries one, else what was metered."""
    nothing = dict.fromkeys((PREDICTED, LOWER, UPPER), np.nan)
    rows, _ = against_truth(panel, cases.assign(**{OBSERVED: metered_load(panel, cases)}, **nothing))
    return rows[OBSERVED].to_numpy(dtype=np.float64)


def _by_interval(panel: Panel, rows: pd.DataFrame) -> np.ndarray:
    if TRUTH not in panel.data.columns:
        return np.full(len(rows), np.nan)
    site = panel.site_codes(rows.index.get_level_values(SITE))
    return panel.values_at(TRUTH, site, microseconds(rows.index.get_level_values(TIME)))


def _places(panel: Panel, events: pd.DataFrame) -> np.ndarray:
    """Row of the panel's events that carries the truth of each of `events`, -1 where there is none."""
    if panel.events is None or TRUTH not in panel.events.columns:
        return np.full(len(events), -1)
    known = pd.MultiIndex.from_frame(panel.events[KEYS])
    # The same event may be known twice, as masked by another file too: the row with a truth is the one.
    order = np.argsort(panel.events[TRUTH].isna().to_numpy(), kind="stable")
    kept = order[~known[order].duplicated()]
    found = known[kept].get_indexer(pd.MultiIndex.from_frame(events[KEYS]))
    return np.where(found >= 0, kept[found], -1)


def _numbers(column: pd.Series) -> pd.Series:
    values = pd.to_numeric(column, errors="coerce").astype(np.float64)
    wrong = (values.isna() & column.notna()) | np.isinf(values)
    if wrong.any():
        raise DataError(
            f"{TRUTH} of the events is {column[wrong].iloc[0]!r} ({int(wrong.sum())} such events): write kW as plain numbers, "
            "and leave it empty where it is not known"
        )
    return values


def _check_agreement(panel: Panel, table: pd.DataFrame) -> None:
    given, exact = table[TRUTH].to_numpy(), mean_over_events(panel, table, TRUTH)
    apart = np.abs(given - exact) > AGREE * np.maximum(np.abs(given), np.abs(exact)) + ROUNDING_KW
    if apart.any():
        number = int(np.flatnonzero(apart)[0])
        event = table.iloc[number]
        raise DataError(
            f"{TRUTH} of the event of site {event[SITE]!r} at {event['start']} is {given[number]:g}, and the mean of the meter "
            f"data's column {TRUTH} over it is {exact[number]:g} ({int(apart.sum())} such events): both are mean kW of one world "
            "on one clock, so mend the unit or the times of one, or leave the column out of the events' file"
        )


def _tell_of_metered_truth(panel: Panel, table: pd.DataFrame) -> None:
    truth, metered = table[TRUTH].to_numpy(), mean_over_events(panel, table, OBSERVED)
    alike = np.abs(truth - metered) <= 1e-6 * np.maximum(np.abs(truth), 1.0)
    if alike.any():
        every = bool(alike.sum() == np.isfinite(truth).sum())
        _tell(
            f"{TRUTH} of {'all' if every else f'{int(alike.sum())} of'} {len(table)} events is what was metered: "
            + ("nothing was done, or the column repeats the meter" if every else "nobody did anything in those")
        )


def _tell_of_unit(panel: Panel, table: pd.DataFrame) -> None:
    """A truth in another unit stands far both from the meter in the events and from the same hours of other days."""
    start, stop = microseconds(table["start"]), microseconds(table["stop"])
    weeks = 7 * DAY_US * np.r_[-USUAL_WEEKS:0, 1 : USUAL_WEEKS + 1]
    around = (table.assign(start=stamps(start + shift), stop=stamps(stop + shift)) for shift in weeks)
    usual = known_mean(np.array([mean_over_events(panel, one, OBSERVED) for one in around]), 0)
    metered, truth = mean_over_events(panel, table, OBSERVED), table[TRUTH].to_numpy()
    use = np.isfinite(usual) & np.isfinite(metered) & np.isfinite(truth)
    size, common, seen = (np.abs(values[use]).sum() for values in (truth, usual, metered))
    if size > UNUSUAL * max(common, seen) or size * UNUSUAL < min(common, seen):
        _tell(
            f"{TRUTH} of the events is {size / common:.3g} times what the sites draw at these hours of other weeks, and "
            f"{size / seen:.3g} times what was metered in the events: is it in kW?"
        )


def _tell(sentence: str) -> None:
    warnings.warn(sentence, DataWarning, stacklevel=4)
