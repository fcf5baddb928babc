"""The model that ships, on meters that nobody should guess of: refused in a sentence, or answered with limits."""

import json
import re
import warnings

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.errors import DataError, DataWarning, StudyError
from cblcast.forecast import pretrained
from cblcast.forecast.pretrained import load_pretrained, view_asked
from cblcast.forecast.scoring import score_events
from cblcast.frames.panel import Panel

LIMITS = ["lower_kw", "baseline_kw", "upper_kw"]


@pytest.fixture(scope="module")
def model():
    return load_pretrained("real_time")


@pytest.fixture(scope="module")
def panel() -> Panel:
    """A quarter-hour meter without weather."""
    whole = datasets.load("turin")
    time = whole.data.index.get_level_values("time")
    return Panel(whole.data.loc[(time >= "2019-01-14") & (time < "2019-03-16"), ["observed_kw"]], whole.sites)


def scored(model, panel, change):
    data = change(panel.data, panel.data.index.get_level_values("time"))
    start = pd.Timestamp("2019-03-15T16:00Z")
    event = pd.DataFrame({"site_id": panel.site_ids[:1], "start": [start], "stop": [start + pd.Timedelta("3h")]})
    return score_events(model, Panel(data, panel.sites), event)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d, t: d[t >= "2019-03-15T10:00Z"], "fewer than 3 reference days"),
        (lambda d, t: d[t >= "2019-03-13"], "fewer than 3 reference days"),
        (lambda d, t: d * 0.0, "a dead meter, or another unit"),
        (lambda d, t: d * 1e-7, "a dead meter, or another unit"),
        (lambda d, t: d * np.nan, "fewer than 3 reference days"),
    ],
    ids=["no history", "two days", "dead", "a scale near zero", "unmetered"],
)
def test_what_says_nothing_gets_no_estimate_and_a_reason(model, panel, change, reason):
    rows, excluded = scored(model, panel, change)
    assert rows.empty
    assert reason in excluded["reason"].iloc[0]


@pytest.mark.parametrize(
    ("change", "low", "high"),
    [
        (lambda d, t: d, 150, 450),
        (lambda d, t: d[t >= "2019-03-06"], 150, 450),
        (lambda d, t: d * 0 + 50.0, 50, 50),
        (lambda d, t: -d, -450, -150),
        (lambda d, t: d - 350.0, -200, 100),
    ],
    ids=["15 min", "seven days", "constant", "export", "export by day"],
)
def test_what_is_estimated_has_limits_around_it(model, panel, change, low, high):
    rows, excluded = scored(model, panel, change)
    assert excluded.empty
    assert len(rows) == 12
    assert rows["baseline_kw"].between(low - 1e-6, high + 1e-6).all()
    assert (np.diff(rows[LIMITS].to_numpy(), axis=1) >= 0).all()
    assert np.isfinite(rows[LIMITS].to_numpy()).all()


def test_half_hours_are_answered_as_they_are(model):
    whole = datasets.load("sydney_home")
    data = whole.data[["load_kw"]].rename(columns={"load_kw": "observed_kw"})
    time = data.index.get_level_values("time")
    panel = Panel(data[(time >= "2011-08-01") & (time < "2011-09-20")], whole.sites)
    start = pd.Timestamp("2011-09-19T07:00Z")
    event = pd.DataFrame({"site_id": panel.site_ids[:1], "start": [start], "stop": [start + pd.Timedelta("3h")]})
    rows, excluded = score_events(model, panel, event)
    assert excluded.empty
    assert len(rows) == 6
    assert np.isfinite(rows[LIMITS].to_numpy()).all()


@pytest.mark.parametrize(
    ("minutes", "hours", "mend"), [(5, 1, "step='60min'"), (24 * 60, 24, "give it shorter readings")]
)
def test_the_way_out_of_a_step_it_never_saw_is_one_that_there_is(model, panel, minutes, hours, mend):
    load = panel.data["observed_kw"].droplevel("site_id")["2019-03-01":]
    load = load.resample(f"{minutes}min").mean().ffill()
    data = pd.DataFrame({"observed_kw": pd.concat({panel.site_ids[0]: load}, names=["site_id"])})
    start = pd.Timestamp("2019-03-13T00:00Z")
    event = pd.DataFrame({"site_id": panel.site_ids[:1], "start": [start], "stop": [start + pd.Timedelta(hours=hours)]})
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", DataWarning)
        score_events(model, Panel(data, panel.sites), event)
    said = " ".join(str(each.message) for each in told)
    assert re.search(f"asked for intervals of {minutes} min.*{mend}", said)
    assert ("give readings of parts of a day" in said) == (hours == 24)


@pytest.mark.parametrize("card", [{}, [], {"views": []}, {"views": {"real_time": {"data": []}}}, {"views": {}}])
def test_a_card_that_lacks_what_is_read_of_it_is_told_in_a_sentence(tmp_path, monkeypatch, card):
    (tmp_path / "real_time").mkdir()
    (tmp_path / "card.json").write_text(json.dumps(card))
    monkeypatch.setattr(pretrained, "pretrained_folder", lambda: tmp_path)
    with pytest.raises(DataError, match=r"the card of the pretrained baseline .* install cblcast again"):
        load_pretrained("real_time")


def test_the_view_stands_in_the_name_or_beside_it():
    assert view_asked("pretrained", None) is None
    assert view_asked("pretrained", "settlement") == view_asked("pretrained/settlement", None) == "settlement"
    with pytest.raises(StudyError, match="give one of the two"):
        view_asked("pretrained/settlement", "day_ahead")
