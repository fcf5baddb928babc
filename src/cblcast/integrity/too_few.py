"""Where nothing is flagged because nothing could be: too few ordinary days to compare with."""

from __future__ import annotations

import warnings

import pandas as pd

from cblcast.frames.schema import SITE, DataWarning


def warn_about_too_few_days(judged: pd.DataFrame, followed: pd.DataFrame, false_alarm_rate: float = 0.05) -> None:
    """Tell once how many events, and how many sites over their events, have too few ordinary days for a flag.

    Parameters
    ----------
    judged : DataFrame
        As :func:`cblcast.integrity.screen` gives it.
    followed : DataFrame
        As :func:`cblcast.integrity.over_events` gives it.
    false_alarm_rate : float
        In (0, 1). Among n ordinary days up to one a detector is the rarest, so p of the family can reach the rate for
        certain only where the number of detectors is at most the rate times n + 1.
    """
    needed = int(judged["detector"].nunique() / false_alarm_rate - 1e-9)
    days = judged.groupby([SITE, "start"])["reference_days"].max()
    few = days[days < needed]
    if len(few):
        warnings.warn(
            f"{len(few)} of {len(days)} events have fewer than the {needed} ordinary days that a flag at "
            f"{100 * false_alarm_rate:g} % needs (e.g. site {few.index[0][0]!r}: {few.iloc[0]}): that one of them is not "
            "flagged says little; give more of the meter, a year before the events",
            DataWarning,
            stacklevel=2,
        )
    unknown = followed.groupby(SITE)["p_family"].agg(lambda p: bool(p.isna().all()))
    if unknown.any():
        warnings.warn(
            f"{int(unknown.sum())} of {len(unknown)} sites cannot be followed over their events, e.g. "
            f"{unknown.index[unknown][0]!r}: it has fewer ordinary days than 19, or than events; give more of the meter",
            DataWarning,
            stacklevel=2,
        )
