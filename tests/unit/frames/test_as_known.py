"""A panel as it is known at an instant, beside the slow way: every row laid out, then cut and hidden."""

import numpy as np
import pandas as pd
import pytest

from cblcast.frames.as_known import until
from cblcast.frames.instants import HOUR_US, microseconds
from cblcast.frames.panel import Panel, panel_of

START = pd.Timestamp("2020-01-01", tz="UTC")


def farm(hours_by_site, **more):
    rng = np.random.default_rng(2)
    parts = [
        pd.DataFrame({"site_id": site, "time": pd.date_range(START + pd.Timedelta(hours=first), periods=n, freq="h"),
                      "observed_kw": np.where(rng.random(n) < 0.2, np.nan, rng.gamma(3, 1, n)), "steps": np.arange(n)})
        for site, (first, n) in hours_by_site.items()
    ]  # fmt: skip
    return panel_of(pd.concat(parts), rated_kw=5.0, **more)


def slowly(panel, at, ahead_h, since):
    """Row by row: what is there from `since` on, and empty rows up to the horizon; nothing metered from the instant on."""
    rows = {}
    for site in panel.site_ids:
        own = panel.data.loc[site]
        end = max(own.index[-1] + panel.step, at + pd.Timedelta(hours=ahead_h))
        for time in pd.date_range(own.index[0], end - panel.step, freq=panel.step):
            if since is None or time >= since:
                row = own.loc[time].astype(float) if time in own.index else pd.Series(np.nan, own.columns)
                rows[site, time] = row.where(~((row.index == "observed_kw") & (time >= at)))
    return pd.DataFrame(rows).T


@pytest.mark.parametrize("sites", [{"a": (0, 40)}, {"a": (0, 40), "b": (3, 30), "c": (20, 25)}])
@pytest.mark.parametrize("since", [None, 10, 22])
@pytest.mark.parametrize("at", [28, 40])
def test_it_is_the_panel_cut_and_continued(sites, since, at):
    panel = farm(sites).declare({"steps": "forecast"})
    when, from_then = (None if h is None else START + pd.Timedelta(hours=h) for h in (at, since))
    before = panel.data.copy()
    found = until(panel, *microseconds([when]), 6 * HOUR_US, None if since is None else microseconds([from_then])[0])
    slow = slowly(panel, when, 6, from_then)
    pd.testing.assert_frame_equal(found.data, slow, check_names=False, check_index_type=False, check_freq=False)
    pd.testing.assert_frame_equal(panel.data, before)  # what was given is not written to
    # Not checked again, and yet what a checked panel is.
    again = Panel(found.data, panel.sites, sources=panel.sources)
    np.testing.assert_array_equal(found.times_us, again.times_us)
    np.testing.assert_array_equal(found.last_times_us, again.last_times_us)
    assert found.source("steps") == again.source("steps") == panel.source("steps")
    assert list(found.site_ids) == list(again.site_ids)
    pd.testing.assert_index_equal(found.data.index, again.data.index)


def test_a_site_that_begins_after_the_horizon_is_kept_and_hidden():
    panel = farm({"a": (0, 40), "b": (60, 5)})
    found = until(panel, *microseconds([START + pd.Timedelta(hours=10)]), HOUR_US)
    assert list(found.site_ids) == ["a", "b"]  # whole: its rows are kept, and hidden
    assert np.isnan(found.data.loc["b", "observed_kw"]).all()
