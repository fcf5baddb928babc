"""Events whose truth is known: judged against it, masked like real events, and bad input told."""

import warnings

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.errors import DataError, DataWarning
from cblcast.forecast.backtest import backtest
from cblcast.forecast.evaluation import evaluate
from cblcast.forecast.event_truth import UNKNOWN, carries_truth, judged_load, with_event_truth
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.frames.cases import View
from cblcast.frames.events import mean_over_events
from cblcast.frames.panel import Panel
from cblcast.simulate.building import BuildingWorld, simulate_building
from cblcast.simulate.building_program import BuildingProgram
from cblcast.simulate.building_weather import stepped_weather

NAMES = ("High5of10", "PBLM-Nearest5of10", "BW-High5of10")
SHED = 0.2


@pytest.fixture(scope="module")
def metered():
    whole = datasets.load("cambridge_sme")
    two = whole.select(list(whole.site_ids[:2]))
    time = two.data.index.get_level_values("time")
    return Panel(two.data[(time >= "2018-01-01") & (time < "2018-05-01")], two.sites)


@pytest.fixture(scope="module")
def events(metered):
    days = placebo_events(metered, "17:00", "20:00", first="2018-02-12")
    return days.groupby("site_id").nth([0, 7, 13, 20, 31]).reset_index(drop=True)[["site_id", "start", "stop"]]


@pytest.fixture(scope="module")
def responded(metered, events):
    """The meter with a response of 20 % in every event."""
    load = metered.data["observed_kw"].to_numpy().copy()
    for event in events.itertuples():
        site, time = (metered.data.index.get_level_values(level) for level in ("site_id", "time"))
        load[(site == event.site_id) & (time >= event.start) & (time < event.stop)] *= 1 - SHED
    return Panel(metered.data.assign(observed_kw=load), metered.sites)


@pytest.fixture(scope="module")
def exact(metered, responded):
    return Panel(responded.data.assign(truth_kw=metered.data["observed_kw"]), responded.sites)


@pytest.fixture(scope="module")
def told(metered, events):
    return events.assign(truth_kw=mean_over_events(metered, events, "observed_kw"))


def methods():
    return {name: Forecaster(make_estimator(name), view=View.settlement(), name=name) for name in NAMES}


def test_the_mean_over_events_is_that_of_a_slow_loop(metered, events):
    data = metered.data["observed_kw"]
    slow = [
        data.loc[event.site_id].loc[lambda x, e=event: (x.index >= e.start) & (x.index < e.stop)].mean()
        for event in events.itertuples()
    ]
    assert np.allclose(mean_over_events(metered, events, "observed_kw"), slow, rtol=1e-6)  # the loop's are float32


def test_judged_by_interval_as_if_the_events_had_never_been(metered, exact, events, told):
    """The oracle: placebo events on the untouched meter, whose other events are masked as they are here."""
    found = backtest(exact, methods(), told)
    slow = []
    for number in range(len(events)):
        others = events.drop(index=number)
        mine = backtest(metered.with_events(others), methods(), events.iloc[[number]])
        slow.append(mine.scored)
    columns = ["observed_kw", "predicted_kw"]
    expected = pd.concat(slow).set_index("method", append=True).sort_index()[columns]
    got = found.scored.set_index("method", append=True).sort_index()[columns]
    pd.testing.assert_frame_equal(got, expected, check_exact=False, rtol=1e-9)
    assert len(found.excluded) == 0


def test_bias_is_against_the_truth_and_not_against_the_response(exact, responded, events, told):
    right = evaluate(backtest(exact, methods(), told).scored)
    wrong = evaluate(backtest(responded, methods(), events).scored)
    assert (right["mpe"].abs() < 12).all()
    # e = baseline − metered response: 1 / 0.8 − 1 = 25 % more than against the truth
    assert (wrong["mpe"] - right["mpe"] > 20).all()


def test_a_truth_known_as_a_mean_judges_the_mean_of_the_estimate(exact, responded, told):
    with pytest.warns(DataWarning, match="truth of 10 events is known as their mean alone"):
        means = backtest(responded, methods(), told).scored
    intervals = backtest(exact, methods(), told).scored
    keys = ["method", "site_id", "origin"]
    whole = intervals.groupby(keys)[["observed_kw", "predicted_kw"]].mean()
    each = means.groupby(keys)[["observed_kw", "predicted_kw"]]
    pd.testing.assert_frame_equal(each.first(), whole)
    assert np.allclose(each.std(), 0, atol=1e-9)
    assert len(means) == len(intervals)  # an event keeps its hours, so that energies stay right
    assert np.allclose(evaluate(means)["mpe"], evaluate(intervals)["mpe"])
    assert means["lower_kw"].isna().all()


def test_the_response_is_seen_by_nobody(exact, told):
    wild = exact.data.copy()
    site, time = (wild.index.get_level_values(level) for level in ("site_id", "time"))
    for event in told.itertuples():
        wild.loc[(site == event.site_id) & (time >= event.start) & (time < event.stop), "observed_kw"] *= 0.5
    one, other = (backtest(panel, methods(), told).scored for panel in (exact, Panel(wild, exact.sites)))
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_what_explains_a_method_compares_with_the_truth_too(exact, responded, told):
    one = methods()["PBLM-Nearest5of10"]
    for panel, by_interval in ((exact, True), (responded, False)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            known = with_event_truth(panel, told)
        cases = one.cases(known, told)
        scored = cases["scored"].to_numpy()
        load = pd.Series(judged_load(known, cases)[scored], index=cases.index[scored])
        mean = load.groupby(["site_id", "origin"]).mean().to_numpy()
        assert np.allclose(mean, told["truth_kw"])
        assert (load.groupby(["site_id", "origin"]).std() > 1e-9).any() == by_interval


def test_events_without_a_truth_are_counted_and_left_out(exact, told):
    some = told.assign(truth_kw=told["truth_kw"].where(told.index != 2))
    plain = Panel(exact.data.drop(columns="truth_kw"), exact.sites)
    with pytest.warns(DataWarning) as caught:
        found = backtest(plain, methods(), some)
    assert any("1 of 10 events have no truth_kw" in str(each.message) for each in caught)
    assert found.excluded["reason"].tolist() == [UNKNOWN] * len(NAMES)
    with pytest.raises(DataError, match="truth_kw of all 10 events is empty"):
        backtest(plain, methods(), told.assign(truth_kw=np.nan))


def test_a_truth_that_contradicts_the_meter_data_is_refused(exact, told):
    with pytest.raises(DataError, match=r"mean of the meter data's column truth_kw.*\(10 such events\)"):
        with_event_truth(exact, told.assign(truth_kw=1000 * told["truth_kw"]))
    shifted = Panel(exact.data.assign(truth_kw=exact.data["truth_kw"].shift(2)), exact.sites)
    with pytest.raises(DataError, match="mend the unit or the times"):
        with_event_truth(shifted, told)


def warned(panel, events):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with_event_truth(panel, events)
    return [str(each.message) for each in caught if each.category is DataWarning]


@pytest.mark.parametrize(("factor", "least", "most"), [(1000.0, 900, 1300), (0.25, 0.2, 0.35), (1e-3, 9e-4, 2e-3)])
def test_a_unit_that_looks_wrong_is_told(responded, told, factor, least, most):
    sentence = next(
        each for each in warned(responded, told.assign(truth_kw=factor * told["truth_kw"])) if "in kW?" in each
    )
    assert least < float(sentence.split(" is ")[1].split(" times ")[0]) < most


def test_a_unit_that_is_right_is_not_doubted(responded, exact, told):
    assert warned(responded, told) == [
        "the truth of 10 events is known as their mean alone (truth_kw of the events; the meter data have no such column): "
        "errors are those of event means, not of intervals"
    ]
    assert warned(exact, told) == []


def test_a_truth_that_is_what_was_metered_is_told(responded, exact, events, told):
    repeated = events.assign(truth_kw=mean_over_events(responded, events, "observed_kw"))
    assert "truth_kw of all 10 events is what was metered: nothing was done, or the column repeats the meter" in warned(
        responded, repeated
    )
    half = told.assign(truth_kw=np.where(told.index < 3, repeated["truth_kw"], told["truth_kw"]))
    assert "truth_kw of 3 of 10 events is what was metered: nobody did anything in those" in warned(responded, half)


@pytest.mark.parametrize("name", ["truth_kwh", "Truth_kW", "truth"])
def test_a_column_that_is_called_nearly_so_is_refused(told, name):
    with pytest.raises(DataError, match=f"have a column '{name}'.*is called truth_kw"):
        carries_truth(told.rename(columns={"truth_kw": name}))
    assert not carries_truth(told.drop(columns="truth_kw"))


def test_text_is_refused(responded, told):
    with pytest.raises(DataError, match=r"truth_kw of the events is '12,5'"):
        with_event_truth(responded, told.assign(truth_kw="12,5"))


def test_pre_cooling_biases_the_window_before_the_event_and_not_the_one_behind_a_buffer():
    """Shops of the load model, pre-cooled for 2 h: +14-27 % in [-2, 0], nothing in [-4, -2]; target of the project."""
    program = BuildingProgram(17, 20, shift_k=2, prepare_h=2, prepare_k=1, notice_h=2)
    weather = stepped_weather(datasets.load("turin"), "turin_building", "2019-05-15", 75, 30)
    made = simulate_building(BuildingWorld("sme", 12, program=program, event_days=6, seed=3), weather)
    still = Panel(made.panel.data.assign(observed_kw=made.panel.data["truth_kw"]), made.panel.sites)
    methods = {
        name: Forecaster(make_estimator(name), view=View.settlement(), name=name)
        for name in ("High5of10", "PBLM-High5of10", "WS-High5of10")
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # nobody did anything on the still meter
        moved, plain = (backtest(panel, methods, made.events).scored for panel in (made.panel, still))
    kw = {name: rows["predicted_kw"].sum() for name, rows in moved.groupby("method")}
    added = {name: 100 * (kw[name] / rows["predicted_kw"].sum() - 1) for name, rows in plain.groupby("method")}
    assert added["High5of10"] == pytest.approx(0, abs=1e-9)
    assert 14 <= added["PBLM-High5of10"] <= 27
    assert added["WS-High5of10"] == pytest.approx(0, abs=0.5)


def test_known_twice_is_known_once(exact, told):
    once = with_event_truth(exact, told)
    assert with_event_truth(once, told) is once
    masked_before = exact.with_events(told[["site_id", "start", "stop"]])
    one = backtest(once, methods(), told).scored
    pd.testing.assert_frame_equal(one, backtest(masked_before, methods(), told).scored, check_exact=True)
