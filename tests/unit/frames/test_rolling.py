"""Rolling origins: leads, spans, embargo and the blindfold, against a slow loop."""

from pathlib import Path

import pandas as pd
import pytest

from cblcast.config import make_study, read_study
from cblcast.frames.cases import View, make_cases
from cblcast.frames.panel import Panel, panel_of
from cblcast.frames.rolling import issue_events, lead_minutes, rolling_origins
from cblcast.frames.schema import FAR_FUTURE, DataError, StudyError, check_cases
from cblcast.workflow.studies import run_study


def panel(n=30):
    times = pd.date_range("2020-03-29", periods=n, freq="10min", tz="UTC").as_unit("us")
    return panel_of(
        pd.concat([pd.DataFrame({"site_id": s, "time": times[k:], "observed_kw": 1.0}) for k, s in enumerate("ab")])
    )


def test_a_lead_counts_from_the_last_observed_label():
    made = panel()
    cases = rolling_origins(made, [10, 30])
    check_cases(cases)
    one = cases.xs(pd.Timestamp("2020-03-29 01:00", tz="UTC"), level="origin").loc["a"]
    # Last observed label 00:50: lead 10 is the label 01:00, lead 30 the label 01:20
    assert [str(t.time()) for t in one.index] == ["01:00:00", "01:20:00"]
    assert (cases["hidden_from"] == cases.index.get_level_values("origin")).all()
    assert (cases["hidden_until"] == FAR_FUTURE).all()
    assert set(lead_minutes(cases, made.step)) == {10.0, 30.0}


def slow(made, leads, every, first, last):
    found = set()
    for site in made.site_ids:
        times = made.data.loc[site].index
        origin = times[0].floor("h") - pd.Timedelta(
            "1D"
        )  # the clock counts from midnight UTC, not from the first record
        while origin <= times[-1]:
            if origin > times[0]:
                found |= {(site, origin, origin + pd.Timedelta(minutes=lead - 10)) for lead in leads
                          if first <= origin + pd.Timedelta(minutes=lead - 10) < last
                          and origin + pd.Timedelta(minutes=lead - 10) <= times[-1]}  # fmt: skip
            origin += pd.Timedelta(minutes=every)
    return found


@pytest.mark.parametrize(("leads", "every"), [([10], 10), ([20, 60], 30), ([10, 90], 20)])
def test_the_cases_match_the_slow_loop(leads, every):
    made = panel()
    first, last = pd.Timestamp("2020-03-29 01:10", tz="UTC"), pd.Timestamp("2020-03-29 04:00", tz="UTC")
    assert set(rolling_origins(made, leads, every_min=every, first=first, last=last).index) == slow(
        made, leads, every, first, last
    )


def test_the_embargo_leaves_a_gap_before_the_end():
    made = panel()
    cases = rolling_origins(made, [10], last="2020-03-29 04:00", embargo_h=1)
    assert cases.index.get_level_values("time").max() == pd.Timestamp("2020-03-29 02:50", tz="UTC")


@pytest.mark.parametrize(("leads", "options", "sentence"), [
    ([15], {}, "leads_min holds 15: give positive multiples of the step, 10 min"),
    ([0], {}, "leads_min holds 0"),
    ([], {}, "leads_min holds nothing"),
    ([10], {"every_min": 25}, "every_min holds 25"),
])  # fmt: skip
def test_leads_off_the_grid_are_refused(leads, options, sentence):
    with pytest.raises(StudyError, match=sentence):
        rolling_origins(panel(), leads, **options)


def test_an_empty_span_is_refused():
    with pytest.raises(DataError, match="no interval lies between"):
        rolling_origins(panel(), [10], first="2031-01-01")


def test_nowcasts_as_events_follow_each_other_and_stay_in_the_panel():
    made = panel(40)
    events = issue_events(made, 60, 60)
    one = events[events["site_id"] == "a"]
    assert (one["stop"] - one["start"] == pd.Timedelta("60min")).all()
    assert (one["start"].diff().dropna() == pd.Timedelta("60min")).all()
    # The first origin has an interval behind it, the last horizon ends with the panel
    assert one["start"].iloc[0] == pd.Timestamp("2020-03-29 01:00", tz="UTC")
    assert one["stop"].iloc[-1] <= made.data.loc["a"].index[-1] + made.step
    cases = make_cases(made, events, View.real_time())
    assert len(cases) == 6 * len(events)


def test_nowcasts_as_events_may_overlap_and_each_interval_is_estimated_at_several_leads():
    made = panel(40)
    events = issue_events(made, 60, 120)
    cases = make_cases(made, events, View.nowcast(), may_overlap=True)
    assert len(cases) == 12 * len(events)
    assert cases.groupby(["site_id", "time"]).size().max() == 2


def test_origins_keep_to_their_clock_whenever_the_panel_begins():
    whole = panel(200)
    for start in range(0, 60, 7):
        late = Panel(whole.data[whole.data.index.get_level_values("time") >= whole.data.index[start][1]], whole.sites)
        cases, events = rolling_origins(late, [10], every_min=60, at="20"), issue_events(late, 60, 60, at=20)
        for origins in (cases.index.get_level_values("origin"), pd.DatetimeIndex(events["start"])):
            assert set(origins.minute) == {20}
        assert set(rolling_origins(late, [10], every_min=180).index.get_level_values("origin").hour % 3) == {0}
        assert set(rolling_origins(late, [10], every_min=360, at="01:30").index.get_level_values("origin").strftime("%H:%M")) <= {
            "01:30", "07:30", "13:30", "19:30"}  # fmt: skip


@pytest.mark.parametrize(("at", "sentence"), [("5", "not on the panel's intervals of 10 min.*: give at='00' or at='10'$"),
                                              ("55", "give at='50' or at='00'$"), ("06:05", "give at='06:00' or at='06:10'$"),
                                              ("23:58", "give at='23:50' or at='00:00'$"), ("24:00", "no clock of origins"),
                                              ("noon", "no clock of origins"), (75, "no clock of origins")])  # fmt: skip
def test_a_clock_that_there_is_not(at, sentence):
    with pytest.raises(StudyError, match=sentence):
        issue_events(panel(), 60, 60, at=at)


def test_no_nowcast_in_the_span_is_told():
    with pytest.raises(DataError, match="no nowcast can be issued"):
        issue_events(panel(), 60, 60, first="2031-01-01")


QUICK = Path(__file__).parents[3] / "experiments" / "wind_nowcast_value" / "quick.yaml"


# A month of training is little: LR's estimates in calms lie below standby, are set to it and counted, which is warned of.
@pytest.mark.filterwarnings("ignore:.*below standby")
def test_the_quick_study_runs_on_a_month_of_the_bundled_farm():
    study = read_study(QUICK, {"train": "[2014-01-02, 2014-01-20]", "test": "[2014-01-21, 2014-01-31]",
                               "methods": "[Persistence, {name: LR_obs, estimator: ByLead, of: StepwiseRegression}]"})  # fmt: skip
    table = run_study(study).leaderboard
    assert table.loc["LR_obs", "nrmse"] < table.loc["Persistence", "nrmse"]
    assert table["n_events"].min() > 60


@pytest.mark.parametrize(("events", "sentence"), [
    ({"every_min": 60}, "both every_min: and horizon_min:"),
    ({"every_min": 60, "horizon_min": 60, "start": "17:00"}, "excludes file: and start"),
])  # fmt: skip
def test_a_study_names_its_nowcasts_fully(events, sentence):
    document = {"study": "s", "data": {"dataset": "la_haute_borne"}, "events": events, "test": ["2014-02-01", "2014-02-03"],
                "methods": ["Persistence"]}  # fmt: skip
    with pytest.raises(StudyError, match=sentence):
        make_study(document)
