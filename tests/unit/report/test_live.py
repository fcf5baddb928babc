"""Charts under the pointer: no stranger's text ends the block, the scripts are those that are stated, events keep their figures."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from cblcast.frames.instants import microseconds
from cblcast.frames.schema import LOWER, OBSERVED, PREDICTED, UPPER
from cblcast.report import live
from cblcast.report.explorer import MOST_EVENTS, explorer, shown_of
from cblcast.report.words import words_of

HOSTILE = "</script><script>alert('x')</script><!-- & \u2028 🏭"
STEP = pd.Timedelta("15min")


def test_json_in_a_page_ends_no_element_and_says_the_same():
    text = str(live.as_json({"name": HOSTILE, "value": [1.5, None]}))
    assert not re.search("[<>&\u2028]", text)
    assert json.loads(text) == {"name": HOSTILE, "value": [1.5, None]}


def test_json_knows_no_nan():
    with pytest.raises(ValueError, match="not JSON compliant"):
        live.as_json({"value": float("nan")})


def test_the_scripts_are_those_that_the_readme_states_and_end_no_element():
    folder = files("cblcast.report") / "vega"
    stated = re.findall(r"`([\w-]+\.min\.js)` \|.*?\| ([\d,]+) \| `([0-9a-f]{64})`", (folder / "README.md").read_text())
    assert {name for name, _, _ in stated} == set(live.SCRIPTS) - {"charts.js"}
    for name, size, digest in stated:
        held = (folder / name).read_bytes()
        assert (len(held), hashlib.sha256(held).hexdigest()) == (int(size.replace(",", "")), digest)
    text = str(live.script())
    assert "</script" not in text.lower()
    assert "<!--" not in text
    assert "\r" not in text
    assert len(text.encode()) <= 1_200_000
    assert live.script_hash() == "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_a_method_without_numbers_is_drawn_as_nothing_and_not_as_nan():
    table = pd.DataFrame(
        {"nrmse": [4.0, np.nan], "nrmse_low": [3.0, np.nan], "nrmse_high": [5.0, np.nan], "mpe": [1.0, np.nan]},
        index=["good", HOSTILE],
    )
    for draw in (live.live_leaderboard, live.live_bias_precision):
        spec = draw(table, words_of(), "good")
        assert json.loads(str(live.as_json(spec))) == spec
        values = spec["data"]["values"] if "data" in spec else spec["layer"][1]["data"]["values"]
        assert {row["name"]: row["nrmse"] for row in values} == {"good": 4.0, HOSTILE: None}


def scored(origins: list[str], tz: str = "Europe/Rome", method: str = "rule") -> pd.DataFrame:
    rows = []
    for at in origins:
        origin = pd.Timestamp(at, tz=tz).tz_convert("UTC")
        rows += [("a", origin, origin + step * STEP, 10.0 + step, 11.0 + step) for step in range(4)]
    frame = pd.DataFrame(rows, columns=["site_id", "origin", "time", OBSERVED, PREDICTED])
    frame = frame.assign(method=method, **{LOWER: frame[PREDICTED] - 2, UPPER: frame[PREDICTED] + 2})
    return frame.set_index(["site_id", "origin", "time"])


def ranked(rows: pd.DataFrame) -> pd.DataFrame:
    return (
        pd.DataFrame({"metered_kwh": rows[OBSERVED] / 4, "error_pct": 1.0}).groupby(level=["site_id", "origin"]).sum()
    )


def test_an_event_keeps_its_figures_its_method_and_its_local_clock():
    rows = scored(
        ["2023-03-26 00:30", "2023-07-04 17:00"]
    )  # the first runs up to the hour at which the clock is put forward
    other = scored(["2023-07-04 17:00"], method="other").assign(**{LOWER: np.nan, UPPER: np.nan})
    zones = pd.Series({"a": "Europe/Rome"})
    told = explorer(pd.concat([rows, other]), None, ranked(rows), ["other", "rule"], zones, STEP, words_of())
    first, second = told["events"]
    assert first["name"].startswith("2023-03-26 00:30 · a")
    assert first["of"] == [[], [[11, 9, 13], [12, 10, 14], [13, 11, 15], [14, 12, 16]]]
    assert second["of"][0] == [[11], [12], [13], [14]]
    assert second["meter"] == [10, 11, 12, 13]
    assert second["truth_kwh"] == pytest.approx((10 + 11 + 12 + 13) / 4)
    assert second["shift"] == [[0, 120]]
    assert second["start_ms"] * 1000 == microseconds(pd.DatetimeIndex([rows.index[4][1]]))[0]
    night = scored(["2023-03-26 01:30"])
    clock = explorer(night, None, ranked(night), ["rule"], zones, STEP, words_of())["events"][0]
    assert clock["shift"] == [[0, 60], [2, 120]]


def test_more_events_than_a_page_holds_are_spread_over_the_ranks():
    events = pd.DataFrame({"error_pct": np.arange(20_001.0)})
    shown = shown_of(events, 12.0, STEP)
    assert len(shown) <= MOST_EVENTS + 1
    assert {0, 10_000, 20_000} <= set(shown)
    assert shown_of(events.iloc[:7], 12.0, STEP) == list(range(7))
