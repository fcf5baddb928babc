"""One event by hand is that of the settlement, digit by digit, given its events; on real load."""

import pandas as pd
import pytest

from cblcast import datasets
from cblcast.errors import DataError
from cblcast.frames.panel import Panel
from cblcast.programs import explain_event, list_programs, load_program
from cblcast.programs.terms import GapPolicy
from cblcast.settlement import settle
from cblcast.workflow.explaining import explain_program

ZONE = "Europe/London"
ENERGIES = ["metered_kwh", "baseline_kwh", "unadjusted_kwh", "delivered_kwh"]
WORKED = [program for program in list_programs() if program.family != "control_group"]


@pytest.fixture(scope="module")
def panel():
    whole = datasets.load("cambridge_sme").select(["b1", "b14"])
    columns = ["observed_kw", "temp_air_c"]
    rows = whole.data.loc[pd.IndexSlice[:, "2019-04-01":"2019-06-20"], columns]
    more = dict.fromkeys(("ev_kw", "battery_kw", "declared_kw"), rows["observed_kw"])
    return Panel(rows.assign(**more), whole.sites.assign(contract_kw=9.0, plc_kw=20.0))


def quarters(panel):
    """The same load in quarter hours, for a rule that looks at the last one."""
    hourly = panel.data.reset_index()
    parts = [hourly.assign(time=hourly["time"] + pd.Timedelta(minutes=late)) for late in (0, 15, 30, 45)]
    return Panel(pd.concat(parts).set_index(["site_id", "time"]).sort_index(), panel.sites)


def table(*rows):
    edges = [[pd.Timestamp(at, tz=ZONE).tz_convert("UTC") for at in row[1:]] for row in rows]
    return pd.DataFrame(edges, columns=["start", "stop"]).assign(site_id=[row[0] for row in rows])


EVENTS = table(
    ("b1", "2019-06-04 16:00", "2019-06-04 18:00"),
    ("b14", "2019-06-04 16:00", "2019-06-04 18:00"),
    ("b1", "2019-06-06 17:00", "2019-06-06 19:00"),
    ("b1", "2019-06-12 09:00", "2019-06-12 10:00"),
    ("b1", "2019-06-12 17:07", "2019-06-12 18:23"),
)
OTHER = table(("b1", "2019-05-30 16:00", "2019-05-30 18:00"), ("b1", "2019-05-29 08:00", "2019-05-29 09:00")).assign(
    kind=["event", "outage"]
)


@pytest.mark.parametrize("program", WORKED, ids=lambda program: program.name)
def test_an_event_by_hand_is_that_of_the_settlement(panel, program):
    if program.name == "elia_last_quarter_hour":
        panel = quarters(panel)
    moved = pd.Timedelta(days=3 if program.name == "aemo_wdrm_non_business" else 0)  # from Wednesday to Saturday
    asked = EVENTS.assign(start=EVENTS["start"] + moved, stop=EVENTS["stop"] + moved)
    told = settle(panel, asked, [program], other_events=OTHER, portfolio=False, keep_intervals=True)
    own = told.events[(told.events["site_id"] == "b1") & (told.events["start"] == asked["start"].iloc[-1])]
    line = own.iloc[0]
    worked = explain_event(program, panel, asked.iloc[-1:], asked, OTHER)
    assert {name: line[name] for name in ENERGIES} == worked.energies
    rows = told.intervals[
        (told.intervals["site_id"] == "b1") & (told.intervals["start"] >= asked["start"].iloc[-1].floor("h"))
    ]
    assert rows["baseline_kw"].tolist() == worked.intervals["baseline_kw"].tolist()
    if worked.adjustment:
        assert worked.adjustment["applied"] == line["factor"]
    assert worked.note == line["remarks"]


def test_without_its_events_an_explanation_is_of_another_settlement(panel):
    # Fault: earlier event days entered the explanation of a rule, and nobody could say so.
    rule = load_program("caiso_10in10")
    line = settle(panel, EVENTS, [rule]).events.iloc[3]
    alone = explain_event(rule, panel, EVENTS.iloc[[4]])
    whole = explain_event(rule, panel, EVENTS.iloc[[4]], EVENTS)
    assert alone.energies["delivered_kwh"] != line["delivered_kwh"] == whole.energies["delivered_kwh"]
    reasons = dict(zip(whole.days["day"], whole.days["reason"], strict=True))
    assert reasons["2019-06-06"] == "day of a real event"
    excluded = explain_event(rule, panel, EVENTS.iloc[[4]], EVENTS, OTHER).days
    reasons = dict(zip(excluded["day"], excluded["reason"], strict=True))
    assert (reasons["2019-05-30"], reasons["2019-05-29"]) == ("day of a real event", "day of an outage")


def test_the_text_holds_the_energy_and_what_is_to_be_said(panel):
    text = explain_event(load_program("caiso_10in10"), panel, EVENTS.iloc[[4]], EVENTS).text()
    assert "Energy over 1.267 h: baseline" in text
    assert "begins or ends between two readings: energy by overlap" in text
    assert "100 % known" in text


def test_the_command_reads_the_events_of_a_settlement(tmp_path, panel):
    data, events, other = (tmp_path / name for name in ("meter.csv", "events.csv", "other.csv"))
    panel.data["observed_kw"].reset_index().to_csv(data, index=False)
    EVENTS.to_csv(events, index=False)
    OTHER.to_csv(other, index=False)
    from cblcast.io.options import ReaderOptions
    from cblcast.workflow.settling import settle_files

    reader = ReaderOptions(tz=ZONE, country="GB", subdivision="ENG")
    told = settle_files(data, events, ["isone_10of10"], reader, other_events=other).events
    at = str(EVENTS["start"].iloc[2])
    text = explain_program("isone_10of10", data, "b1", at, None, reader, events=events, other_events=other)
    line = told[(told["site_id"] == "b1") & (told["start"] == EVENTS["start"].iloc[2])].iloc[0]
    assert f"delivered {line['delivered_kwh']:.2f} kWh" in text
    with pytest.raises(DataError, match="the events hold none of site 'b14' at 2019-06-12"):
        explain_program("isone_10of10", data, "b14", "2019-06-12T17:07+01:00", None, reader, events=events)
    with pytest.raises(DataError, match="events belong to a meter file: give --data too"):
        explain_program("isone_10of10", events=events)


def test_a_gap_policy_is_explained_too(panel):
    load = panel.data["observed_kw"].copy()
    load.loc[("b1", EVENTS["start"].iloc[0] + pd.Timedelta("1h"))] = float("nan")
    holed = Panel(panel.data.assign(observed_kw=load), panel.sites)
    own = load_program("isone_10of10").model_copy(update={"gaps": GapPolicy(max_missing_share=0.5, fill="interpolate")})
    line = settle(holed, EVENTS, [own]).events.iloc[0]
    assert explain_event(own, holed, EVENTS.iloc[[0]], EVENTS).energies["delivered_kwh"] == line["delivered_kwh"]
    assert line["estimated_share"] == 0.5
