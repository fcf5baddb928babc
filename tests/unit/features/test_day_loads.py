"""Days that were not metered in the event hours, beside a loop over events and days; hours after midnight included."""

from __future__ import annotations

import numpy as np
import pytest

from cblcast import datasets
from cblcast.days.ledger import Reason, day_ledger
from cblcast.days.placebo import placebo_events
from cblcast.features import day_loads
from cblcast.features.day_loads import mean_by_event, reference_load, reject_unmetered_events
from cblcast.frames.cases import EventArrays, View, make_cases
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED


@pytest.fixture(scope="module")
def gappy():
    """Two buildings over a change of the clock, one hour in sixteen missing."""
    whole = datasets.load("cambridge_sme").select(["b1", "b22"])
    time = whole.data.index.get_level_values("time")
    data = whole.data.loc[(time >= "2018-02-20") & (time < "2018-04-08"), [OBSERVED]].copy()
    lost = np.random.default_rng(2).random(len(data)) < 0.06
    data[lost] = np.nan
    return Panel(data, whole.sites)


@pytest.mark.parametrize(("start", "stop"), [("17:00", "20:00"), ("22:00", "02:00"), ("01:00", "04:00")])
@pytest.mark.parametrize("at_once", [100_000, 3])
def test_a_day_falls_out_where_too_little_of_the_event_hours_was_metered(gappy, start, stop, at_once, monkeypatch):
    monkeypatch.setattr(day_loads, "_DAYS_AT_ONCE", at_once)
    events = placebo_events(gappy, start, stop, first="2018-03-20")
    event = EventArrays.of(gappy, make_cases(gappy, events, View.real_time()))
    given = day_ledger(gappy, event, look_back_days=25, day_types="working", gap_days=0, min_metered_share=0.5)
    before = given.reason.copy()
    found = reject_unmetered_events(gappy, event, given, 0.9)
    np.testing.assert_array_equal(given.reason, before)
    expected = before.copy()
    for column in range(25):  # one day of the look-back at a time, all of them
        days = np.where(before[:, column] == Reason.QUALIFIED, given.position[:, column], -1)
        load = reference_load(gappy, event, days[:, None])
        share = mean_by_event(np.isfinite(load).astype(np.float64), event)[:, 0]
        expected[(days >= 0) & (share < 0.9), column] = Reason.UNMETERED
    assert (expected == Reason.UNMETERED).sum() - (before == Reason.UNMETERED).sum() > 0
    np.testing.assert_array_equal(found.reason, expected)


def test_shares_and_means_of_days_count_what_was_metered(gappy):
    cube = gappy.cube(OBSERVED)
    for site in range(2):
        for day in range(0, cube.n_days, 5):
            known = np.isfinite(cube.values[site, day])
            assert cube.metered_share[site, day] == known.mean()
            assert cube.day_means[site, day] == pytest.approx(cube.values[site, day][known].mean(), rel=1e-6)
