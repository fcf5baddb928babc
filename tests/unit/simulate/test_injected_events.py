"""Events laid into measured load: energies as asked for, the truth untouched, bad input told."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast import datasets
from cblcast.errors import DataError
from cblcast.frames.events import Window
from cblcast.frames.panel import Panel, panel_of
from cblcast.simulate.fatigue import events_of_late
from cblcast.simulate.injected_events import InjectedResponse, Moved, inject


def flat(days=10, kw=10.0, freq="30min", **columns):
    times = pd.date_range(
        "2019-06-03", periods=int(days * pd.Timedelta("1D") / pd.Timedelta(freq)), freq=freq, tz="UTC"
    )
    index = pd.MultiIndex.from_product([["a", "b"], times.as_unit("us")], names=["site_id", "time"])
    return panel_of(pd.DataFrame({"observed_kw": np.full(len(index), kw), **columns}, index=index))


def daily(panel, days, clock=17, hours=3):
    first = panel.data.index.levels[1][0].normalize()
    start = [first + pd.Timedelta(days=day, hours=clock) for day in days]
    return pd.DataFrame(
        [(site, one, one + pd.Timedelta(hours=hours)) for site in panel.site_ids for one in start],
        columns=["site_id", "start", "stop"],
    )


@given(
    st.floats(0, 1),
    st.floats(0, 3),
    st.floats(0, 1.5),
    st.sampled_from([1.0, 2.0, 4.0]),
    st.sampled_from([0.0, 0.5, 2.0]),
)
@settings(max_examples=20, deadline=None)
def test_energy_comes_back_as_much_as_asked_and_elsewhere_nothing_moves(shed, shed_kw, back, hours, buffer):
    panel = flat()
    events = daily(panel, [1, 4, 8], clock=12)
    response = InjectedResponse(shed, shed_kw, (Moved(Window.after(hours, buffer), back, of="shed"),))
    made = inject(panel, events, response)
    moved = (made.panel.data["observed_kw"] - made.panel.data["truth_kw"]) * panel.step_hours
    shed_kwh = 3 * (10 * shed + shed_kw)
    assert moved.sum() == pytest.approx(len(events) * shed_kwh * (back - 1), abs=1e-6)
    assert np.allclose(made.events["shed_kw"], 10 * shed + shed_kw)
    assert np.allclose(made.events["truth_kw"], 10)
    time = moved.index.get_level_values("time")
    in_reach = (time.hour >= 12) & (time - time.normalize() < pd.Timedelta(hours=15 + buffer + hours))
    assert (moved[~in_reach] == 0).all()


def test_a_day_by_hand():
    panel = flat()
    response = InjectedResponse(
        0.2, beside=(Moved(Window.before(2), 0.3), Moved(Window.after(1, buffer=1), 0.5, of="shed"))
    )
    made = inject(panel, daily(panel, [2]).head(1), response).panel.data.loc["a", "observed_kw"]
    day = made[made.index.normalize() == pd.Timestamp("2019-06-05", tz="UTC")].groupby(lambda time: time.hour).mean()
    assert day.loc[14:22].round(9).to_dict() == {14: 10, 15: 13, 16: 13, 17: 8, 18: 8, 19: 8, 20: 10, 21: 13, 22: 10}


def test_the_truth_is_what_was_metered_to_the_bit():
    panel = datasets.load("cambridge_sme").select(["b63"])
    events = pd.DataFrame({"site_id": "b63", "start": pd.to_datetime(["2019-03-05T17:00Z", "2019-03-14T17:00Z"])})
    events["stop"] = events["start"] + pd.Timedelta(hours=3)
    made = inject(panel, events, InjectedResponse(0.1, beside=(Moved(Window.before(1), 0.5),)))
    pd.testing.assert_series_equal(
        made.panel.data["truth_kw"], panel.data["observed_kw"].astype(float), check_names=False, check_exact=True
    )
    assert (made.panel.data["observed_kw"] != made.panel.data["truth_kw"])[panel.data["observed_kw"].notna()].sum() == 8
    assert np.allclose(made.events["shed_kw"], 0.1 * made.events["truth_kw"])


def test_shares_of_a_home_with_a_roof_are_those_of_its_use():
    panel = flat(load_kw=4.0, pv_kw=6.0, kw=-2.0)
    made = inject(panel, daily(panel, [3]), InjectedResponse(0.5, column="load_kw")).panel.data
    inside = made["observed_kw"] != made["truth_kw"]
    assert (made.loc[inside, "observed_kw"] == -4.0).all()
    assert np.allclose(made["load_kw"] - made["pv_kw"], made["observed_kw"])


def test_who_is_asked_often_tires():
    panel = flat()
    made = inject(panel, daily(panel, [1, 2, 3, 9]), InjectedResponse(0.4, tires=0.5)).events
    assert made[made["site_id"] == "b"]["shed_kw"].round(9).tolist() == [4.0, 2.0, 1.0, 1.0]


@given(st.lists(st.integers(0, 40), max_size=15))
def test_events_of_late_are_those_of_a_slow_loop(days):
    slow = [sum(day - 7 <= other < day for other in days) for day in days]
    assert events_of_late(np.array(days, dtype=np.int64)).tolist() == slow


def test_what_was_not_metered_stays_so():
    panel = flat()
    data = panel.data.copy()
    data.iloc[48 * 2 + 36] = np.nan  # 18:00 of the third day
    made = inject(
        Panel(data, panel.sites), daily(panel, [2]), InjectedResponse(0.2, beside=(Moved(Window.after(1), 1, "shed"),))
    )
    assert made.panel.data["observed_kw"].isna().sum() == 1
    assert made.events["truth_kw"].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: InjectedResponse(shed=15), "shed is 15: it is a share"),
        (lambda: InjectedResponse(shed_kw=-1), "shed_kw is -1"),
        (lambda: InjectedResponse(tires=0), "tires is 0"),
        (lambda: Moved(Window.before(1), -2), "takes more than there is"),
        (lambda: Moved(Window.before(1), 1, of="energy"), "of the 'load' or of what is 'shed', not of 'energy'"),
    ],
)
def test_what_cannot_be_is_refused(make, sentence):
    with pytest.raises(DataError, match=sentence):
        make()


def test_events_too_close_are_refused():
    panel = flat()
    events = pd.concat([daily(panel, [2]), daily(panel, [2], clock=21, hours=1)])
    with pytest.raises(DataError, match=r"reaches into another event .*keep events further apart"):
        inject(panel, events, InjectedResponse(0.2, beside=(Moved(Window.after(2), 0.5, "shed"),)))
