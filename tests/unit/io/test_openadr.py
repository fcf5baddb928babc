import json
from pathlib import Path

import pandas as pd
import pytest

from cblcast.frames.panel import Panel, panel_of
from cblcast.frames.schema import DataError, DataWarning
from cblcast.io.openadr import read_openadr


@pytest.fixture
def panel() -> Panel:
    times = pd.date_range("2019-06-01", periods=48, freq="60min", tz="UTC", unit="us")
    index = pd.MultiIndex.from_product([["b1", "b2"], times], names=["site_id", "time"])
    return panel_of(pd.DataFrame({"observed_kw": 1.0}, index=index))


def event(**changes: object) -> dict[str, object]:
    return {
        "id": "17", "createdDateTime": "2019-05-31T12:00:00Z", "programID": "44", "eventName": "peak",
        "targets": [{"type": "RESOURCE_NAME", "values": ["b1"]}],
        "intervalPeriod": {"start": "2019-06-01T15:00:00Z", "duration": "PT1H", "randomizeStart": "PT0S"},
        "intervals": [{"id": level, "payloads": [{"type": "SIMPLE", "values": [level]}]} for level in (1, 2)],
    } | changes  # fmt: skip


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def spans(events: pd.DataFrame) -> list[tuple[str, str, str]]:
    return [(row.site_id, f"{row.start:%d %H:%M}", f"{row.stop:%d %H:%M}") for row in events.itertuples()]


def test_intervals_that_follow_each_other_are_one_event(tmp_path: Path, panel: Panel) -> None:
    events = read_openadr(write(tmp_path / "e.json", event()), panel)
    assert spans(events) == [("b1", "01 15:00", "01 17:00")]
    assert events.loc[0, ["program", "event_name"]].tolist() == ["44", "peak"]
    assert events.loc[0, "notified"] == pd.Timestamp("2019-05-31 12:00", tz="UTC")


def test_level_zero_is_no_dispatch_and_a_gap_parts_events(tmp_path: Path, panel: Panel) -> None:
    levels = [{"id": i, "payloads": [{"type": "SIMPLE", "values": [level]}]} for i, level in enumerate([1, 0, 3])]
    assert spans(read_openadr(write(tmp_path / "e.json", event(intervals=levels)), panel)) == [
        ("b1", "01 15:00", "01 16:00"),
        ("b1", "01 17:00", "01 18:00"),
    ]


def test_intervals_with_periods_of_their_own(tmp_path: Path, panel: Panel) -> None:
    asked = [{"type": "DISPATCH_SETPOINT", "values": [0.5]}, {"type": "PRICE", "values": [0.1]}]
    own = [
        {"intervalPeriod": {"start": "2019-06-01T10:00:00+02:00", "duration": "PT1H30M"}, "payloads": asked},
        {"intervalPeriod": {"duration": "PT30M"}, "payloads": asked},
    ]
    assert spans(read_openadr(write(tmp_path / "e.json", event(intervals=own, intervalPeriod=None)), panel)) == [
        ("b1", "01 08:00", "01 10:00")
    ]


def test_targets_are_sites_groups_or_everybody(tmp_path: Path, panel: Panel) -> None:
    def of(targets: object) -> list[str]:
        return read_openadr(write(tmp_path / "e.json", [event(targets=targets)]), panel, sites={"north": ["b2", "b1"]})[
            "site_id"
        ].tolist()

    assert of(None) == ["b1", "b2"]
    assert of(["b2"]) == ["b2"]  # version 3.1 writes plain names
    assert of([{"type": "GROUP", "values": ["north"]}, {"type": "RESOURCE_NAME", "values": ["b1"]}]) == ["b1", "b2"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (event(intervals=[]), "event 17 of e.json has no intervals"),
        (
            event(intervalPeriod={"start": "2019-06-01T15:00:00Z", "duration": "P9999Y"}),
            "the duration 'P9999Y' cannot be settled",
        ),
        (event(intervalPeriod={"start": "2019-06-01T15:00:00Z"}), "has no duration"),
        (event(intervalPeriod={"start": "2019-06-01T15:00:00", "duration": "PT1H"}), "has no offset"),
        (event(intervalPeriod={"start": "soon", "duration": "PT1H"}), "'soon' is no time"),
        (event(intervalPeriod={"duration": "PT1H"}), "has no start"),
        (event(intervalPeriod={"start": "2019-06-01T15:00:00Z", "duration": "PT0S"}), "zero length"),
        (event(targets=[{"type": "RESOURCE_NAME", "values": ["b9"]}]), "names site 'b9'"),
        (event(targets=[3]), "a target is"),
        (event(intervals=[{"payloads": [{"type": "SIMPLE", "values": [0]}]}]), "holds no dispatch"),
        ([1], "event 1 of e.json is int, not an object"),
    ],
)
def test_bad_events_get_one_sentence(tmp_path: Path, panel: Panel, content: object, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        read_openadr(write(tmp_path / "e.json", content), panel)


def test_a_truncated_file_is_said(tmp_path: Path, panel: Panel) -> None:
    path = write(tmp_path / "e.json", event())
    path.write_text(path.read_text()[:-20], encoding="utf-8")
    with pytest.raises(DataError, match=r"e\.json is no JSON, or was cut short"):
        read_openadr(path, panel)


@pytest.mark.parametrize("duration", ["P0Y0M0DT2H0M0S", "PT2H", "P0DT2H", "PT120M", "PT7200S", "PT1H59M60.0S"])
def test_a_duration_may_be_written_out(tmp_path: Path, panel: Panel, duration: str) -> None:
    one = [{"id": 0, "payloads": [{"type": "SIMPLE", "values": [1]}]}]
    period = {"start": "2019-06-01T15:00:00Z", "duration": duration}
    assert spans(read_openadr(write(tmp_path / "e.json", event(intervals=one, intervalPeriod=period)), panel)) == [
        ("b1", "01 15:00", "01 17:00")
    ]


def of_kind(*kinds: str) -> dict[str, object]:
    return event(intervals=[{"id": i, "payloads": [{"type": kind, "values": [0.2]}]} for i, kind in enumerate(kinds)])


@pytest.mark.parametrize("kind", ["PRICE", "GHG", "EXPORT_PRICE", "ALERT_FIRE"])
def test_what_informs_is_no_dispatch(tmp_path: Path, panel: Panel, kind: str) -> None:
    with pytest.raises(DataError, match=rf"e\.json holds no dispatch: event 17 of e\.json \({kind}\) informs"):
        read_openadr(write(tmp_path / "e.json", of_kind(*[kind] * 24)), panel)
    with pytest.warns(DataWarning, match="1 events only inform and are no dispatch"):
        events = read_openadr(write(tmp_path / "e.json", [of_kind(kind), of_kind("DISPATCH_SETPOINT")]), panel)
    assert spans(events) == [("b1", "01 15:00", "01 16:00")]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (of_kind("SIMPEL"), "did you mean 'SIMPLE'"),
        (event(intervalPeriod={"start": "0001-01-01T00:00:00Z", "duration": "PT1H"}), "0001-01-01 stands for now"),
        (
            event(intervalPeriod={"start": "2019-06-01T15:00:00Z", "duration": "P9999Y"}),
            "an event without end, so give it one",
        ),
        (
            event(intervalPeriod={"start": "2019-06-01T15:00:00Z", "duration": "P1Y"}),
            "years and months differ in length",
        ),
        (event(intervalPeriod={"start": "2019-06-01T15:00:00Z", "duration": "P999999999D"}), "longer than a year"),
        (event(intervalPeriod=[1]), "intervalPeriod is an object"),
        (event(intervals=[{"payloads": "SIMPLE"}]), "payloads are a list"),
        (event(intervals=[{"payloads": [{"type": "SIMPLE", "values": 1}]}]), "are a list, not"),
        (event(intervalPeriod={"start": "99999-01-01T00:00:00Z", "duration": "PT1H"}), "is no time"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_odd_events_get_a_sentence_each(tmp_path: Path, panel: Panel, content: object, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        read_openadr(write(tmp_path / "e.json", content), panel)
