"""Which end use fell: by hand from parts that were seen, and from expected parts of many events."""

import numpy as np
import pandas as pd
import pytest

from cblcast.end_uses import fell_in_event, share_that_ran
from cblcast.errors import DataError

START, STOP = pd.Timestamp("2018-07-02 17:00", tz="UTC"), pd.Timestamp("2018-07-02 20:00", tz="UTC")


def parts() -> pd.DataFrame:
    times = pd.date_range("2018-07-02", periods=24, freq="h", tz="UTC")
    inside = (times >= START) & (times < STOP)
    cooling = np.where(inside, 0.5, np.where(times.hour == 20, 9.0, 2.0))  # snapback, in the buffer of the window after
    return pd.DataFrame(
        {"lights": np.where(inside, 0.6, 0.5), "washer": np.where(inside, 0.0, 0.5), "cooling": cooling}, times
    )


def test_what_fell_is_told_by_hand():
    found = fell_in_event(parts(), START, STOP)
    assert found.index.tolist() == ["cooling", "washer", "lights"]
    assert found["change_kw"].tolist() == pytest.approx([-1.5, -0.5, 0.1])
    assert found["share_of_fall"].tolist() == pytest.approx([0.75, 0.25, 0.0])
    assert found.loc["cooling", ["before_kw", "event_kw", "after_kw", "beside_kw"]].tolist() == [2.0, 0.5, 2.0, 2.0]


def test_the_windows_are_a_choice():
    found = fell_in_event(parts(), START, STOP, after={"side": "after", "hours": 2})
    assert found.loc["cooling", "after_kw"] == pytest.approx(5.5)  # the snapback is counted, which is wrong


def test_nothing_that_fell_has_no_share():
    same = parts() * 0 + 1.0
    assert fell_in_event(same, START, STOP)["share_of_fall"].tolist() == [0, 0, 0]


def test_readings_that_are_missing_are_told():
    with pytest.raises(DataError, match="no reading between 2018-07-02 21:00"):
        fell_in_event(parts().iloc[:21], START, STOP)
    with pytest.raises(DataError, match="a gap between 2018-07-02 17:00"):
        fell_in_event(parts().replace(0.6, np.nan), START, STOP)
    with pytest.raises(DataError, match="not after it starts"):
        fell_in_event(parts(), STOP, START)


def expected(seed: int, n: int = 20) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    event = np.repeat(np.arange(n), 12)
    cooling, people = np.repeat(rng.gamma(2, 0.5, n), 12), 0.5 + 0.3 * rng.random(12 * n)
    return pd.DataFrame({"base_kw": 0.3, "occupancy_kw": people, "heating_kw": 0.0, "cooling_kw": cooling}), event


@pytest.mark.parametrize(("people", "cooling"), [(1.0, 0.3), (0.4, 1.0), (1.0, 1.0), (0.5, 0.0)])
def test_the_share_that_ran_is_found_with_its_limits(people, cooling):
    table, event = expected(5)
    noise = np.random.default_rng(6).normal(0, 0.15, len(table))
    load = table["base_kw"] + people * table["occupancy_kw"] + cooling * table["cooling_kw"] + noise
    load[3] = np.nan
    found = share_that_ran(load.to_numpy(), table, event)
    assert found.index.tolist() == ["occupancy_kw", "cooling_kw"]  # heating is not expected
    assert found["ran"].to_numpy() == pytest.approx([people, cooling], abs=0.05)
    assert (found["lower"] <= found["ran"]).all()
    assert (found["upper"] >= found["ran"]).all()
    assert found["tells"].tolist() == [people < 1, cooling < 1]
    known = np.isfinite(load.to_numpy())
    assert found["fell_kw"].to_numpy() == pytest.approx(
        (1 - found["ran"]) * table.loc[known, ["occupancy_kw", "cooling_kw"]].mean()
    )


def test_few_events_and_parts_that_are_not_there_are_told():
    table, event = expected(7, 4)
    load = table.sum(axis=1).to_numpy()
    with pytest.raises(DataError, match="4 events have load and expectation"):
        share_that_ran(load, table, event)
    table, event = expected(7)
    load = table.sum(axis=1).to_numpy()
    with pytest.raises(DataError, match="no 'always_kw'"):
        share_that_ran(load, table, event, fixed="always_kw")
    with pytest.raises(DataError, match="nothing but 'base_kw' is expected"):
        share_that_ran(load, table.assign(occupancy_kw=0.0, cooling_kw=0.0), event)
