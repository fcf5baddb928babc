"""Scoring on the Turin building of 2019: an event table and a marked frame are two ways to say the same."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.long_frame import frame_of, score_frame
from cblcast.forecast.methods import make_estimator
from cblcast.forecast.scoring import score_events, weather_columns
from cblcast.frames.panel import Panel
from cblcast.frames.schema import DataError, DataWarning

COLUMNS = ["baseline_kw", "lower_kw", "upper_kw"]
ANSWER = ["site_id", "time", *COLUMNS]


def cut(first: str, stop: str) -> Panel:
    turin = datasets.load("turin")
    time = turin.data.index.get_level_values("time")
    return Panel(turin.data[(time >= first) & (time < stop)], turin.sites)


@pytest.fixture(scope="module")
def panel() -> Panel:
    return cut("2019-01-01", "2019-04-06")


@pytest.fixture(scope="module")
def events(panel) -> pd.DataFrame:
    # The Friday before and the Tuesday after the clock change of 2019-03-31.
    days = placebo_events(panel, "10:00", "12:00", first="2019-03-29", last="2019-04-02")
    return days.iloc[[0, 2]].reset_index(drop=True)


def trained(panel: Panel, method: str | dict = "PBLM-High5of10", **features) -> Forecaster:
    forecaster = Forecaster(make_estimator(method), features, name=str(method))
    known = placebo_events(panel, "10:00", "12:00", first="2019-03-04", last="2019-03-22")
    return forecaster.fit(panel, forecaster.cases(panel, known))


@pytest.fixture(scope="module")
def forecaster(panel) -> Forecaster:
    return trained(panel)


@pytest.fixture(scope="module")
def frame(panel, events) -> pd.DataFrame:
    return frame_of(panel, events)


def test_the_events_are_answered_interval_by_interval(forecaster, panel, events):
    scored, excluded = score_events(forecaster, panel, events)
    assert scored.columns.tolist() == ["site_id", "time", *COLUMNS, "origin", "event_stop"]
    assert len(scored) == 16  # two events of two hours, 15 min
    assert scored["baseline_kw"].between(300, 800).all()
    assert scored["origin"].unique().tolist() == events["start"].tolist()
    assert scored["event_stop"].unique().tolist() == events["stop"].tolist()
    assert excluded.empty


def test_nothing_metered_in_any_of_the_events_is_seen(forecaster, panel, events):
    data = panel.data.copy()
    time = data.index.get_level_values("time")
    for event in events.itertuples():
        data.loc[(time >= event.start) & (time < event.stop), "observed_kw"] = 1e6
    expected, _ = score_events(forecaster, panel, events)
    scored, _ = score_events(forecaster, Panel(data, panel.sites), events)
    pd.testing.assert_frame_equal(scored, expected)


def test_a_marked_frame_gives_the_same_numbers(forecaster, panel, events, frame):
    scored, _ = score_events(forecaster, panel, events)
    answer = score_frame(forecaster, frame)
    pd.testing.assert_frame_equal(answer[ANSWER].reset_index(drop=True), scored[ANSWER])
    assert answer.columns.tolist() == [*ANSWER, "reason"]
    assert answer["reason"].tolist() == [None] * len(answer)


def test_rows_come_back_in_the_order_of_the_frame(forecaster, frame):
    shuffled = frame.sample(frac=1, random_state=0)
    answer = score_frame(forecaster, shuffled)
    assert answer.index.tolist() == shuffled.index[shuffled["estimate"]].tolist()
    pd.testing.assert_frame_equal(answer.sort_index(), score_frame(forecaster, frame))


@pytest.mark.parametrize(
    "convert",
    [
        lambda time: time.dt.tz_convert("Europe/Rome").dt.tz_localize(None),
        lambda time: time.dt.tz_convert("Europe/Rome"),
        lambda time: time.dt.tz_convert("Europe/Rome").map(pd.Timestamp.isoformat),
        lambda time: time.dt.tz_convert("Europe/Rome").dt.tz_localize(None).map(pd.Timestamp.isoformat),
        lambda time: time.dt.as_unit("ns"),
        lambda time: time.astype(object),
        lambda time: time.astype("timestamp[us, UTC][pyarrow]"),
    ],
    ids=["wall clock of tz", "local", "text with offset", "text of tz", "nanoseconds", "objects", "pyarrow"],
)
def test_times_may_be_written_in_many_ways(forecaster, frame, convert):
    answer = score_frame(forecaster, frame.assign(time=convert(frame["time"])))
    pd.testing.assert_frame_equal(answer, score_frame(forecaster, frame))


@pytest.mark.parametrize(
    "dress",
    [
        {"observed_kw": "int64", "temp_air_c": "Float32", "estimate": "int64"},
        {"observed_kw": "Int64", "estimate": "boolean", "site_id": "category", "tz": "category"},
        {"observed_kw": "object", "temp_air_c": "object", "estimate": "object", "site_id": "object"},
        {"observed_kw": "str", "temp_air_c": "str", "estimate": "str"},
        {"observed_kw": "int64[pyarrow]", "temp_air_c": "float[pyarrow]", "estimate": "bool[pyarrow]"},
        {"site_id": "string[pyarrow]", "tz": "string[pyarrow]", "estimate": "Float32"},
    ],
    ids=["whole", "nullable", "objects", "text", "pyarrow", "pyarrow text"],
)
def test_columns_may_be_dressed_in_many_ways(panel, frame, dress):
    forecaster = trained(panel, "High5of10", weather={})
    half = frame.assign(observed_kw=frame["observed_kw"].ffill().round(), temp_air_c=frame["temp_air_c"].round())
    answer = score_frame(forecaster, half.astype(dress))
    pd.testing.assert_frame_equal(answer, score_frame(forecaster, half))


@pytest.mark.parametrize("number", [7, 7.0, "007"])
def test_a_site_may_be_a_number(panel, frame, number):
    numbered = panel.data.rename(index={"turin_building": "007"}, level="site_id")
    forecaster = trained(Panel(numbered, panel.sites.rename(index={"turin_building": "007"})))
    answer = score_frame(forecaster, frame.assign(site_id=number))
    assert set(answer["site_id"]) == {"007"}  # a CSV file that is read as numbers loses the zeros
    np.testing.assert_array_equal(answer[COLUMNS], score_frame(forecaster, frame)[COLUMNS])


def test_a_number_that_no_trained_site_has_is_a_new_site(forecaster, frame):
    assert set(score_frame(forecaster, frame.assign(site_id=12.0))["site_id"]) == {"12"}


def test_columns_and_records_are_frames_too(forecaster, frame):
    expected = score_frame(forecaster, frame)
    pd.testing.assert_frame_equal(score_frame(forecaster, frame.to_dict("list")), expected)
    pd.testing.assert_frame_equal(score_frame(forecaster, frame.to_dict("records")), expected)


def test_what_marked_rows_hold_is_never_looked_at(forecaster, frame):
    odd = frame.assign(observed_kw=frame["observed_kw"].astype(object).mask(frame["estimate"], "no matter"))
    pd.testing.assert_frame_equal(score_frame(forecaster, odd), score_frame(forecaster, frame))


def test_the_double_hour_of_a_wall_clock_is_told_by_order(forecaster):
    turin = cut("2019-09-01", "2019-11-06")
    events = placebo_events(turin, "10:00", "12:00", first="2019-10-28", last="2019-10-28")
    frame = frame_of(turin, events)
    wall = frame.assign(time=frame["time"].dt.tz_convert("Europe/Rome").dt.tz_localize(None))
    pd.testing.assert_frame_equal(score_frame(forecaster, wall), score_frame(forecaster, frame))


def test_whole_kilowatts_and_flags_of_zero_and_one_are_taken(forecaster, frame):
    whole = frame.assign(observed_kw=frame["observed_kw"].ffill().round())
    expected = score_frame(forecaster, whole)
    answer = score_frame(forecaster, whole.astype({"observed_kw": "int64", "estimate": "int64"}))
    pd.testing.assert_frame_equal(answer, expected)


def test_columns_that_are_no_numbers_are_left_out(forecaster, frame):
    expected = score_frame(forecaster, frame)
    pd.testing.assert_frame_equal(score_frame(forecaster, frame.assign(remark="as billed")), expected)
    pd.testing.assert_frame_equal(score_frame(forecaster, frame.assign(other=np.inf)), expected)


@settings(max_examples=8, deadline=None)
@given(st.sets(st.integers(0, 5 * 96 - 1), min_size=1, max_size=40))
def test_contiguous_marks_are_one_event(marked):
    panel = cut("2019-03-29", "2019-04-03")  # over the clock change
    forecaster = trained_on_nothing(panel)
    frame = panel.data.reset_index().assign(estimate=False)
    frame.loc[sorted(marked), "estimate"] = True
    first = sorted(k for k in marked if k - 1 not in marked)
    last = sorted(k for k in marked if k + 1 not in marked)
    events = pd.DataFrame(
        {
            "site_id": "turin_building",
            "start": pd.DatetimeIndex(frame["time"].iloc[first]),
            "stop": pd.DatetimeIndex(frame["time"].iloc[last] + panel.step),
        }
    )
    scored, _ = score_events(forecaster, panel, events)
    assert scored["time"].tolist() == score_frame(forecaster, frame)["time"].tolist()
    pd.testing.assert_series_equal(frame_of(panel, events)["estimate"], frame["estimate"])


def trained_on_nothing(panel: Panel) -> Forecaster:
    forecaster = Forecaster(make_estimator({"estimator": "FirmServiceLevel", "level_kw": 300.0}))
    forecaster.sites = panel.sites
    forecaster.estimator.fit(pd.DataFrame({"x": [0.0]}), np.zeros(1))
    return forecaster


def test_an_event_without_history_is_told_and_not_guessed(forecaster, panel, events):
    early = placebo_events(panel, "10:00", "12:00", first="2019-01-07", last="2019-01-07")
    both = pd.concat([early, events], ignore_index=True)
    scored, excluded = score_events(forecaster, panel, both)
    assert len(scored) == 16
    assert excluded["origin"].tolist() == early["start"].tolist()
    assert "days qualified" in excluded["reason"].iloc[0]
    with pytest.warns(DataWarning, match="1 of 3 events have no baseline, e.g. site 'turin_building' at 2019-01-07"):
        answer = score_frame(forecaster, frame_of(panel, both))
    assert answer["baseline_kw"].isna().tolist() == [True] * 8 + [False] * 16
    assert answer["reason"].tolist() == [excluded["reason"].iloc[0]] * 8 + [None] * 16


# The event that cannot be estimated is warned about, which another test holds.
@pytest.mark.filterwarnings("ignore::cblcast.frames.schema.DataWarning")
def test_an_event_counts_whole_or_not_at_all(panel, forecaster, events, monkeypatch):
    predict = forecaster.predict_matrix

    def with_a_hole(X, scored):
        rows = predict(X, scored)
        inside = np.flatnonzero((X["hours_since_start"] >= 0) & (X["hours_since_stop"] < 0))
        rows.iloc[inside[3], 0] = np.nan
        return rows

    monkeypatch.setattr(forecaster, "predict_matrix", with_a_hole)
    scored, excluded = score_events(forecaster, panel, events)
    assert len(scored) == 8
    assert len(excluded) == 1


def test_a_new_site_takes_the_zone_of_the_trained_ones(forecaster, frame):
    new = frame.assign(site_id="elsewhere").drop(columns=["tz", "country", "subdivision"])
    np.testing.assert_array_equal(score_frame(forecaster, new)[COLUMNS], score_frame(forecaster, frame)[COLUMNS])


def test_the_zone_in_the_frame_wins(forecaster, panel, events, frame):
    moved = Panel(panel.data, panel.sites.assign(tz="America/New_York", country=None, subdivision=None))
    expected, _ = score_events(forecaster, moved, events)
    new = frame.assign(site_id="elsewhere", tz="America/New_York").drop(columns=["country", "subdivision"])
    answer = score_frame(forecaster, new)
    np.testing.assert_array_equal(answer[COLUMNS], expected[COLUMNS])
    assert (answer["baseline_kw"].to_numpy() != score_frame(forecaster, frame)["baseline_kw"].to_numpy()).any()


def test_the_weather_that_is_needed_is_known(panel):
    forecaster = trained(panel, "High5of10", weather={"columns": ("temp_air_c",)})
    assert weather_columns(forecaster) == ("temp_air_c",)
    assert weather_columns(trained(panel, "High5of10", given={"panel_columns": ("temp_air_c",)})) == ("temp_air_c",)
    assert weather_columns(trained(panel)) == ()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda f: f.assign(estimate=False), "no row has estimate=True"),
        (lambda f: f.assign(estimate="yes"), "the column 'estimate' holds 'yes' in row 0 .9120 such rows.: write True"),
        (lambda f: f.assign(estimate=None), "the column 'estimate' holds 'None' in row 0"),
        (
            lambda f: f.rename(columns={"observed_kw": "observed_kwh"}),
            "lacks the column 'observed_kw': did you mean 'obs",
        ),
        (lambda f: f.drop(columns="time"), "lacks the column 'time'"),
        (lambda f: f.rename(columns={"temp_air_c": "temp_c"}), "lacks the column 'temp_air_c'.*did you mean 'temp_c'"),
        (
            lambda f: f.assign(temp_air_c="mild"),
            "the column 'temp_air_c' holds 'mild' in row 0 .9[0-9]* such rows.: write fin",
        ),
        (lambda f: f.assign(observed_kw=f["observed_kw"].gt(0)), "holds true and false, not numbers"),
        (lambda f: f.assign(observed_kw=np.inf), "the column 'observed_kw' holds 'inf' in row 0"),
        (lambda f: f.assign(observed_kw=f["time"]), "'observed_kw' of the frame holds datetime64"),
        (lambda f: f.assign(time=0), "the column 'time' holds numbers"),
        (lambda f: f.assign(time="noon"), "the column 'time', e.g. 'noon', .* write ISO 8601"),
        (lambda f: f.assign(time=f["time"].where(f.index != 7)), "row 7 of the frame has no time"),
        (
            lambda f: f.drop(columns="tz").assign(time=f["time"].dt.tz_localize(None)),
            "times without a zone, e.g. 2019-01-01",
        ),
        (lambda f: f.assign(site_id=np.nan), "row 0 of the frame has no site_id"),
        (lambda f: f.assign(site_id=b"a"), "the frame has the site_id b'a'"),
        (lambda f: f.iloc[:0], "the frame has no rows"),
        (lambda f: 5, "a model is asked with a frame of site_id, time, observed_kw and estimate, not with a int"),
        (lambda f: {"site_id": "a"}, "the columns make no frame"),
        (lambda f: pd.concat([f, f[["time"]]], axis=1), "two columns 'time'"),
        (lambda f: f[f["estimate"]], "every row has estimate=True, and High5of10 gives no baseline without history"),
        (lambda f: pd.concat([f.iloc[:96:2], f.iloc[96:]]), "changes its step near"),
        (
            lambda f: pd.concat([f, f.iloc[-1:].assign(time=pd.Timestamp("2190-01-01", tz="UTC"))]),
            "days without a row: mend the date",
        ),
        (lambda f: f.assign(tz=np.where(f.index > 5, "Europe/Rome", "Europe/Paris")), "more than one tz"),
        (lambda f: f.assign(tz="Rome"), "'Rome' is no IANA time zone"),
        (lambda f: pd.concat([f, f.iloc[[0]]]), "duplicated times"),
    ],
)
def test_bad_frames_get_one_sentence(panel, frame, change, sentence):
    forecaster = trained(panel, "High5of10", weather={})
    with pytest.raises(DataError, match=sentence):
        score_frame(forecaster, change(frame))


def test_a_site_without_a_zone_is_refused(panel, frame):
    forecaster = trained(panel)
    forecaster.sites = None
    with pytest.raises(DataError, match=r"the time zone of site 'turin_building' is not known .* add a column tz"):
        score_frame(forecaster, frame.drop(columns="tz"))


def test_a_site_that_a_model_of_sites_was_not_trained_on_is_refused(panel, frame):
    forecaster = trained(panel, {"estimator": "PerSite", "of": "Ridge"}, calendar={})
    with pytest.raises(DataError, match=r"PerSite was not trained on 1 of 1 sites, e.g. 'elsewhere'"):
        score_frame(forecaster, frame.assign(site_id="elsewhere"))


def test_events_outside_the_data_are_refused(forecaster, panel, events):
    late = events.assign(start=events["start"] + pd.Timedelta("300D"), stop=events["stop"] + pd.Timedelta("300D"))
    with pytest.raises(DataError, match="outside the metered span"):
        score_events(forecaster, panel, late)


def test_a_panel_without_the_weather_is_refused(panel, events):
    forecaster = trained(panel, "High5of10", weather={})
    bare = Panel(panel.data[["observed_kw"]], panel.sites)
    with pytest.raises(DataError, match="the panel lacks the column 'temp_air_c', which High5of10 was trained on"):
        score_events(forecaster, bare, events)


def test_events_between_two_readings_are_scored_by_whole_intervals_and_told(forecaster, panel, events):
    odd = events.assign(start=events["start"] + pd.Timedelta("7min"), stop=events["stop"] - pd.Timedelta("4min"))
    with pytest.warns(DataWarning, match="2 of 2 events begin or end between two readings of "):
        found, _ = score_events(forecaster, panel, odd)
    pd.testing.assert_frame_equal(found, score_events(forecaster, panel, events)[0])
