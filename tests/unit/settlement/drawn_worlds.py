"""Worlds that are drawn, with gaps, clock changes and events that lie badly, and rules of every kind: for both ways to settle."""

import numpy as np
import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.programs.model import Adjustment, Program
from cblcast.programs.terms import GapPolicy

RTOL = 1e-9  # of all figures: the two ways differ by rounding alone


def drawn(
    seed,
    zones=("Europe/London", "Europe/Rome"),
    step="60min",
    days=75,
    until="2019-04-20",
    gaps=0.004,
    first_days=(0, 3, 5),
):
    """A panel of a site a zone and one more, whose records begin on different days, with gaps and a missing week."""
    rng = np.random.default_rng(seed)
    last = pd.Timestamp(until, tz="UTC")
    times = pd.date_range(last - pd.Timedelta(days=days), last, freq=step, inclusive="left", unit="us")
    parts, per_day = {}, pd.Timedelta("1D") // pd.Timedelta(step)
    for number in range(3):
        own = times[first_days[number] * per_day :]
        load = rng.integers(8, 160, len(own)) / 4 + 5 * np.sin(np.arange(len(own)) * 2 * np.pi / per_day)
        load[rng.random(len(own)) < gaps] = np.nan
        if gaps:
            begin = int(rng.integers(len(own) // 3))
            load[begin : begin + 7 * per_day * (number == 2)] = np.nan
        warm = 15 + 8 * np.sin(np.arange(len(own)) / 50) + rng.normal(size=len(own))
        parts["abc"[number]] = pd.DataFrame({"observed_kw": load.astype(np.float32), "temp_air_c": warm}, own)
    tz = [zones[number % len(zones)] for number in range(3)]
    sites = {"tz": tz, "country": ["GB", "IT", None], "contract_kw": [20.0, np.nan, 25.0], "plc_kw": 30.0}
    return Panel(
        pd.concat(parts, names=["site_id", "time"]), pd.DataFrame(sites, index=pd.Index(list("abc"), name="site_id"))
    )


def dispatched(panel, seed, count=7, within_days=14):
    """Events alike at all sites and of one site, twice on a day, over midnight, between two readings."""
    rng = np.random.default_rng(seed)
    end, rows = pd.Timestamp(panel.last_times_us.max(), unit="us", tz="UTC").floor("1D"), []
    for back in rng.choice(np.arange(1, within_days), count, replace=False):
        start = end - pd.Timedelta(days=int(back)) + pd.Timedelta(hours=int(rng.integers(0, 24)))
        if rng.random() < 0.3:
            start += pd.Timedelta(minutes=20)
        length = pd.Timedelta(hours=int(rng.integers(1, 6)))
        rows += [(site, start, start + length) for site in panel.site_ids if rng.random() < 0.8]
        if rows and rng.random() < 0.4:
            rows.append((rows[-1][0], start + length + pd.Timedelta("3h"), start + length + pd.Timedelta("5h")))
    table = pd.DataFrame(rows, columns=["site_id", "start", "stop"]).sort_values(["site_id", "start"])
    table = table[~(table["start"] < table.groupby("site_id")["stop"].shift()) & (table["stop"] < end)]
    return table.assign(notified=table["start"] - pd.Timedelta("2h")).reset_index(drop=True)


def assert_alike(one, other):
    if isinstance(one, str) or isinstance(other, str):
        assert one == other  # a refusal, in the same words
        return
    pd.testing.assert_frame_equal(one.events, other.events, rtol=RTOL)
    pd.testing.assert_frame_equal(one.problems, other.problems)
    pd.testing.assert_frame_equal(one.portfolio, other.portfolio, rtol=RTOL)
    pd.testing.assert_frame_equal(one.scored, other.scored, rtol=RTOL)


RULES = [
    {"x": 3, "y": 5, "rank": "high", "gap_days": 1, "minimum_days": 3},
    {"x": 2, "y": 5, "rank": "low", "minimum_days": 2, "ranked": "whole_day"},
    {"x": 4, "y": 6, "rank": "middle", "minimum_days": 1, "ranked": "outside_event"},
    {"x": 3, "y": 6, "rank": "nearest", "minimum_days": 2, "compare_day_before": True},
    {"x": 3, "y": 6, "rank": "temperature", "minimum_days": 2},
    {"x": 4, "y": 4, "rank": "recent", "low_share": 0.9, "high_share": 1.2, "weights": (0.1, 0.2, 0.3, 0.4), "minimum_days": 1,
     "extended_look_back_days": 28},
    {"x": 5, "y": 5, "rank": "recent", "decay": 0.9, "candidate_days": 8, "minimum_days": 3},
    {"x": 3, "y": 8, "rank": "high", "look_back_days": 6, "weights": (0.5, 0.3, 0.2), "weights_by": "rank",
     "fallback": [{"look_back_days": 9}, {"minimum_days": 5}, {"event_days": "highest"}]},
    {"x": 6, "y": 6, "rank": "recent", "look_back_days": 7, "fallback": [{"minimum_days": 4}, {"day_types": ["rest", "working"]}]},
]  # fmt: skip
HOW = [
    None,
    {"kind": "ratio", "cap": (0.8, 1.2), "windows": [{"side": "before", "hours": 3, "buffer": 1}]},
    {"kind": "ratio", "upward_only": True, "where_no_ratio": "additive",
     "windows": [{"side": "before", "hours": 1, "buffer": 0}, {"side": "after", "hours": 2, "buffer": 0}]},
    {"kind": "additive", "cap": (-0.2, 0.2), "floor": 2.0, "windows": [{"side": "after", "hours": 1, "buffer": 1}]},
    {"kind": "additive", "ends_at": "notification", "windows": [{"side": "before", "hours": 2, "buffer": 0}]},
    {"kind": "ratio", "beside_other_events": "unadjusted", "windows": [{"start": "22:00", "stop": "24:00"}]},
]  # fmt: skip
GAPS = [{}, {"fill": "interpolate", "max_missing_share": 0.5}, {"fill": "leave_out", "max_missing_share": 0.7}]


def made(rule, how, gaps, day_types="working"):
    return Program(
        name="own", title="own", day_types=day_types, gaps=GapPolicy(**gaps), adjustment=None if how is None else Adjustment(**how),
        days=({"applies_to": sorted({"working", "rest"}), "look_back_days": 21, **rule},),
        evidence={"selection": {"source": "this test", "as_of": "2026-11", "confidence": "own"}},
    )  # fmt: skip
