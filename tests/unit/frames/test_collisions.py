"""Windows that reach into other events, beside the obvious loop; events may overlap and hold one another."""

import numpy as np
import pandas as pd
import pytest

from cblcast.frames.collisions import FREE, collides, reached_event
from cblcast.frames.events import Window
from cblcast.frames.panel import panel_of

WINDOWS = (Window.before(3, buffer=1), Window.after(2), Window.before(30, buffer=20))
FIRST = pd.Timestamp("2019-03-01", tz="UTC")


def drawn(rng, sites, count):
    start = FIRST + pd.to_timedelta(rng.integers(0, 300, count), unit="h")
    stop = start + pd.to_timedelta(rng.choice([1, 2, 24, 60], count), unit="h")
    return pd.DataFrame({"site_id": rng.choice(sites, count), "start": start.as_unit("us"), "stop": stop.as_unit("us")})


def slow(known, event, window):
    """The first event by its start of those that the window meets."""
    begin, end = window.span(event.start, event.stop)
    met = known[(known["site_id"] == event.site_id) & (known["start"] < end) & (known["stop"] > begin)]
    return FREE if met.empty else met["start"].min().value // 1000


@pytest.mark.parametrize("seed", range(8))
def test_windows_meet_events_as_the_slow_loop_says(seed):
    rng = np.random.default_rng(seed)
    times = pd.date_range(FIRST, periods=24 * 20, freq="60min")
    frame = pd.DataFrame(
        [(site, time, 1.0) for site in "abc" for time in times], columns=["site_id", "time", "observed_kw"]
    )
    known = drawn(rng, list("abc"), 25)
    outage = known.sample(3, random_state=seed).assign(kind="outage")
    panel = panel_of(frame).with_events(pd.concat([known.assign(kind="event"), outage]))
    asked = drawn(rng, list("abc"), 40)
    found = reached_event(panel, asked, WINDOWS)
    expected = [[slow(known, event, window) for event in asked.itertuples()] for window in WINDOWS]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(collides(panel, asked, WINDOWS), (np.array(expected) != FREE).any(0))
