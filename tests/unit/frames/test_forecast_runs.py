"""Which run a case sees: a loop over runs with pandas beside the look-up by arrays, for regular and irregular products."""

import pickle
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.features.nwp import Nwp
from cblcast.features.nwp_error import NwpError
from cblcast.frames.cases import View, make_cases
from cblcast.frames.outlook import Outlook, then_known
from cblcast.frames.panel import panel_of
from cblcast.frames.rolling import rolling_origins
from cblcast.frames.schema import DataError, DataWarning
from cblcast.frames.sources import Origin
from cblcast.io.forecasts import read_forecasts, with_forecasts

START = pd.Timestamp("2020-01-01", tz="UTC")


def farms(hours=96, step="60min", names=("a", "b")):
    times = pd.date_range(START, periods=int(hours * 60 / int(step[:-3])), freq=step).as_unit("us")
    rng = np.random.default_rng(1)
    frame = pd.concat([
        pd.DataFrame({"site_id": name, "time": times, "observed_kw": rng.random(len(times))}) for name in names
    ])  # fmt: skip
    return panel_of(frame, rated_kw=1.0)


def table(leads, every_h=6, days=6, sites=("a", "b"), seed=0):
    """Runs as a long frame: every site, every issue, every lead, each value its own number."""
    issues = pd.date_range(START - pd.Timedelta("2D"), periods=int(days * 24 / every_h), freq=f"{every_h}h")
    frame = pd.MultiIndex.from_product([sites, issues, leads], names=["site_id", "issue_time", "lead_h"]).to_frame(
        index=False
    )
    rng = np.random.default_rng(seed)
    frame["wind_speed_100m_ms"] = rng.gamma(4, 2, len(frame)).round(3)
    frame["wind_dir_100m_deg"] = rng.random(len(frame)) * 360
    return frame


def slow_value(frame, site, instant, known, delay, hold_h, max_gap_h, column="wind_speed_100m_ms"):
    """The newest run that had arrived and has the instant, one run after the other."""
    own = frame[(frame["site_id"] == site) & frame[column].notna()]
    arrived = own[own["issue_time"] + pd.Timedelta(hours=delay) <= known]
    for older, issue in enumerate(sorted(arrived["issue_time"].unique(), reverse=True)):
        run = arrived[arrived["issue_time"] == issue]
        valid = run["issue_time"] + pd.to_timedelta(run["lead_h"], unit="h")
        value = pd.Series(run[column].to_numpy(), index=pd.DatetimeIndex(valid)).sort_index()
        before, after = value[value.index <= instant], value[value.index >= instant]
        if len(before) and len(after):
            left, right = before.index[-1], after.index[0]
            if right == left:
                return before.iloc[-1], older
            if right - left <= pd.Timedelta(hours=max_gap_h):
                share = (instant - left) / (right - left)
                return before.iloc[-1] * (1 - share) + after.iloc[0] * share, older
        near = [
            (abs(part.index[at] - instant), part.iloc[at])
            for part, at in ((before, -1), (after, 0))
            if len(part) and abs(part.index[at] - instant) <= pd.Timedelta(hours=hold_h)
        ]
        if near:
            return min(near, key=lambda pair: pair[0])[1], older
    return np.nan, None


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    leads=st.sampled_from([range(0, 25), range(1, 31, 3), range(0, 49, 6), [*range(0, 12), *range(12, 37, 3)]]),
    delay=st.sampled_from([0.0, 2.5, 7.0]),
    lost=st.floats(0, 0.4),
    seed=st.integers(0, 5),
    minutes=st.sampled_from([10, 60]),
)
def test_the_look_up_is_the_loop_over_runs(leads, delay, lost, seed, minutes):
    frame = table(list(leads), seed=seed)
    rng = np.random.default_rng(seed)
    frame = frame[rng.random(len(frame)) >= lost]
    panel = farms(step=f"{minutes}min")
    runs = read_forecasts(frame, "m", delay_h=delay)
    panel = replace(panel, runs=(runs,))
    site = rng.integers(0, 2, 20)
    known = (START.value // 1000 + rng.integers(0, 90 * 60, 20) * 60_000_000).astype(np.int64)
    time = known // (minutes * 60_000_000) * (minutes * 60_000_000) + rng.integers(-12, 40, 20) * minutes * 60_000_000
    found = Outlook(panel, site, time, known)
    values = found.value("m_wind_speed_100m_ms")
    older = found.found(runs, runs.group_of("m_wind_speed_100m_ms"))[0].older
    step_h = runs.step_us / 3.6e9
    gaps = (
        frame.sort_values(["site_id", "issue_time", "lead_h"])
        .groupby(["site_id", "issue_time"])["lead_h"]
        .diff()
        .dropna()
    )
    own = gaps.value_counts(normalize=True)
    longest = max(3.0, own[own >= 0.01].index.max())
    for k in range(20):
        instant = pd.Timestamp(time[k] + minutes * 30_000_000, unit="us", tz="UTC")
        value, rank = slow_value(
            frame, "ab"[site[k]], instant, pd.Timestamp(known[k], unit="us", tz="UTC"), delay, step_h / 2, longest
        )
        np.testing.assert_allclose(values[k], value, rtol=1e-9)
        assert rank is None or older[k] == rank


def test_a_case_takes_the_newest_run_lead_by_lead():
    # One value per interval would have to take the run that the longest lead of any case needs
    panel = with_forecasts(farms(), read_forecasts(table(range(0, 49)), "m", delay_h=4))
    cases = rolling_origins(panel, [60, 24 * 60], first=START + pd.Timedelta("1D"), last=START + pd.Timedelta("3D"))
    age = Nwp(("m_run_age_h",))(panel, cases)["m_run_age_h"]
    origin, time = (age.index.get_level_values(level) for level in ("origin", "time"))
    issue = (origin - pd.Timedelta("4h")).floor("6h")
    np.testing.assert_allclose(age, np.asarray((time - issue) / pd.Timedelta("1h")))


@pytest.mark.parametrize(
    ("lost", "why"),
    [
        ("18:00", "issued at 2020-01-01 12:00:00+00:00 and ends at 2020-01-01 18:00:00+00:00; give newer runs"),
        ("none", "issued at 2020-01-01 18:00:00+00:00 and ends at 2020-01-02 00:00:00+00:00; give newer runs"),
        ("hour", "issued at 2020-01-01 18:00:00+00:00 and lacks the hour"),
        ("late", "when no run had arrived: the first arrives at 2020-01-02 00:00:00+00:00"),
    ],
)
def test_an_interval_beyond_the_end_of_the_run_says_which_run_ends_where(lost, why):
    frame = table(range(0, 25 if lost == "late" else 7), sites=("a",))
    at = frame["issue_time"]
    if lost == "18:00":  # the older run that stands in ends before
        frame = frame[at != START + pd.Timedelta("18h")]
    if lost == "hour":
        frame = frame[(at != START + pd.Timedelta("18h")) | ~frame["lead_h"].between(2, 4)]
    if lost == "late":
        frame = frame[at >= START + pd.Timedelta("12h")]
    runs = read_forecasts(frame, "m", max_gap_h=1, delay_h=12 if lost == "late" else 0)
    panel = replace(farms(names=("a",)), runs=(runs,))
    lead = 3 * 60 if lost == "hour" else 9 * 60
    cases = rolling_origins(panel, [lead], every_min=60)
    cases = cases.loc[(slice(None), START + pd.Timedelta("19h")), :]
    with pytest.warns(DataWarning, match=re.escape(why)):
        Nwp(("m_wind_speed_100m_ms",))(panel, cases)


def test_no_case_sees_a_run_that_arrives_after_its_origin():
    frame = table(range(0, 31), sites=("a",))
    panel = farms(names=("a",))
    cases = rolling_origins(panel, [60, 180], every_min=180)
    cases = cases.loc[(slice(None), START + pd.Timedelta("30h")), :]
    builders = (
        Nwp(("m_wind_speed_100m_ms",), path=("m_wind_speed_100m_ms",), hours=(-2.0, 1.0)),
        NwpError("m_wind_speed_100m_ms", hours=(0.0,), means=(6,)),
    )
    late = frame["issue_time"] + pd.Timedelta("4h") > START + pd.Timedelta("30h")
    spoilt = frame.assign(wind_speed_100m_ms=frame["wind_speed_100m_ms"].where(~late, 15.0))
    assert late.any()
    told = [
        [builder(with_forecasts(panel, read_forecasts(f, "m", delay_h=4)), cases) for builder in builders]
        for f in (frame, spoilt)
    ]
    for one, other in zip(*told, strict=True):
        assert one.notna().all(axis=None)
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_a_lead_in_is_before_the_run_is_looked_up():
    panel = with_forecasts(farms(), read_forecasts(table(range(0, 49)), "m"))
    start = START + pd.Timedelta("37h")
    events = pd.DataFrame({"site_id": ["a"], "start": [start], "stop": [start + pd.Timedelta("2h")]})
    ages = [
        Nwp(("m_run_age_h",))(panel, make_cases(panel, events, View.nowcast(lead_in=hours)))["m_run_age_h"].iloc[0]
        for hours in (0.0, 2.0)
    ]
    assert ages == [1.0, 7.0]  # 13:00 knows the run of 12:00, 11:00 only that of 06:00


def test_directions_go_the_short_way_round():
    frame = table([0, 1], every_h=1, sites=("a",))
    frame["wind_dir_100m_deg"] = np.where(frame["lead_h"] == 0, 350.0, 10.0)
    panel = replace(farms(names=("a",)), runs=(read_forecasts(frame, "m"),))
    at = panel.times_us[30:31]
    assert Outlook(panel, np.array([0]), at, at).value("m_wind_dir_100m_deg")[0] % 360 == pytest.approx(0.0, abs=1e-9)


def test_a_product_finer_than_the_panel_is_averaged_over_the_interval():
    frame = table(np.arange(0, 24.25, 0.25), every_h=24, sites=("a",))
    frame["wind_speed_100m_ms"] = (frame["lead_h"] % 1) ** 2 * 10
    panel = replace(farms(names=("a",)), runs=(read_forecasts(frame, "m"),))
    lead = np.array([0, 0.25, 0.5, 0.75, 1.0])
    at_centres = np.interp([0.125, 0.375, 0.625, 0.875], lead, (lead % 1) ** 2 * 10)
    np.testing.assert_allclose(then_known(panel, "m_wind_speed_100m_ms"), at_centres.mean())


def test_what_arrived_then_is_what_lags_of_a_forecast_see():
    panel = with_forecasts(farms(), read_forecasts(table(range(0, 49)), "m", delay_h=3))
    series = then_known(panel, "m_run_age_h")
    hour = np.asarray(panel.data.index.get_level_values("time").hour)
    np.testing.assert_allclose(series, (hour - 3) % 6 + 3)


def test_runs_survive_selection_events_and_pickling():
    panel = with_forecasts(
        farms(names=("a", "b", "c")), read_forecasts(table(range(0, 49), sites=("a", "b", "c")), "m")
    )
    panel = replace(panel, data=panel.data.assign(era=1.0, odd=2.0)).declare({"era": "reanalysis"})
    some = panel.select(["c", "a"])
    assert some.runs[0].sites == ("a", "c")
    events = pd.DataFrame({"site_id": ["a"], "start": [START], "stop": [START + pd.Timedelta("2h")]})
    for made in (some.with_events(events), pickle.loads(pickle.dumps(some)), replace(some, data=some.data)):  # noqa: S301
        assert made.source("era").origin is Origin.REANALYSIS
        assert made.source("odd").origin is Origin.MEASURED
        assert not made.source("odd").declared
        assert made.source("m_wind_speed_100m_ms").says == "forecast of m"
        np.testing.assert_array_equal(
            then_known(made, "m_wind_speed_100m_ms"),
            np.concatenate([then_known(panel, "m_wind_speed_100m_ms").reshape(3, -1)[k] for k in (0, 2)]),
        )


def test_what_cannot_be_attached_is_told():
    panel = farms()
    runs = read_forecasts(table(range(0, 49)), "m")
    with pytest.raises(DataError, match=r"m has no forecasts for site 'c' \(1 of 3 sites\)"):
        with_forecasts(farms(names=("a", "b", "c")), runs)
    with pytest.raises(DataError, match=r"'m_wind_speed_100m_ms' of m is in the panel already"):
        with_forecasts(with_forecasts(panel, runs), runs)
    with pytest.raises(DataError, match="depends on when it is looked up"):
        with_forecasts(panel, runs).column("m_wind_speed_100m_ms")
    with pytest.raises(DataError, match=r"no column 'm_wind_speed_80m_ms' .*did you mean 'm_wind_speed_100m_ms'"):
        Nwp(("m_wind_speed_80m_ms",))(with_forecasts(panel, runs), rolling_origins(panel, [60]))
    with pytest.raises(DataError, match=r"has no column 'wnid' whose kind could be said"):
        panel.declare({"wnid": "forecast"})
    with pytest.raises(DataError, match=r"measured, forecast or reanalysis, not 'forcast'.*did you mean 'forecast'"):
        replace(panel, data=panel.data.assign(wind=1.0)).declare({"wind": "forcast"})
    with pytest.raises(DataError, match="observed_kw"):
        panel.declare({"observed_kw": "forecast"})
