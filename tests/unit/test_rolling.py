"""Rolling origins: leads, spans, embargo and the blindfold, against a slow loop."""

import pandas as pd
import pytest

from cblcast.panel import panel_of
from cblcast.rolling import lead_minutes, rolling_origins
from cblcast.schema import FAR_FUTURE, DataError, StudyError, check_cases


def panel(n=30):
    times = pd.date_range("2020-03-29", periods=n, freq="10min", tz="UTC").as_unit("us")
    return panel_of(pd.concat([pd.DataFrame({"site_id": s, "time": times[k:], "observed_kw": 1.0}) for k, s in enumerate("ab")]))


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
        origin = times[0]
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
    assert set(rolling_origins(made, leads, every_min=every, first=first, last=last).index) == slow(made, leads, every, first, last)


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
