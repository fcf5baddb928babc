"""Dispatch as it happens: edges between readings, ramps, several events a day, opt-outs, outages, gaps; on real load."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.errors import DataError
from cblcast.frames.panel import Panel
from cblcast.programs import load_program
from cblcast.programs.terms import GapPolicy
from cblcast.settlement import settle
from cblcast.value.contract import Contract

ZONE = "Europe/London"


@pytest.fixture(scope="module")
def panel():
    whole = datasets.load("cambridge_sme").select(["b1", "b14"])
    rows = whole.data.loc[pd.IndexSlice[:, "2019-04-15":"2019-06-20"], ["observed_kw"]]
    return Panel(rows, whole.sites)


def events(start, stop, day="2019-06-12", sites=("b1", "b14"), **more):
    edges = {
        edge: pd.Timestamp(f"{day} {at}", tz=ZONE).tz_convert("UTC") for edge, at in (("start", start), ("stop", stop))
    }
    return pd.DataFrame({"site_id": list(sites), **edges, **more})


def lines(settlement):
    return settlement.events.set_index("site_id")


def test_an_event_between_two_readings_counts_by_its_overlap(panel):
    whole = settle(panel, events("17:00", "19:00"), ["caiso_10in10"], keep_intervals=True)
    told = settle(panel, events("17:07", "18:23"), ["caiso_10in10"], Contract(energy_price=1.0), keep_intervals=True)
    own, rows = lines(told), whole.intervals.set_index("site_id")
    for site in ("b1", "b14"):
        kw = rows.loc[site, ["metered_kw", "baseline_kw", "delivered_kw"]].to_numpy()
        by_overlap = 53 / 60 * kw[0] + 23 / 60 * kw[1]
        found = own.loc[site, ["metered_kwh", "baseline_kwh", "delivered_kwh"]].to_numpy(dtype=float)
        np.testing.assert_allclose(found, by_overlap)
        assert own.loc[site, "hours"] == pytest.approx(76 / 60)
        assert own.loc[site, "delivered_kw"] == pytest.approx(by_overlap[2] * 60 / 76)
        assert float(own.loc[site, "energy_payment"]) == pytest.approx(by_overlap[2], abs=0.005001)
        assert own.loc[site, "factor"] == lines(whole).loc[site, "factor"]
        assert "between two readings: energy by overlap" in own.loc[site, "remarks"]
    assert (told.events["start"] == pd.Timestamp("2019-06-12 16:07", tz="UTC")).all()
    assert not lines(whole)["remarks"].str.contains("overlap").any()


def test_the_overlaps_of_the_parts_are_the_whole(panel):
    cuts = ["17:00", "17:20", "18:35", "20:00"]
    parts = [lines(settle(panel, events(a, b), ["isone_10of10"]))["delivered_kwh"] for a, b in pairwise(cuts)]
    whole = lines(settle(panel, events("17:00", "20:00"), ["isone_10of10"]))["delivered_kwh"]
    np.testing.assert_allclose(sum(parts), whole)


def test_events_that_share_a_reading_are_listed_not_guessed(panel):
    both = pd.concat([events("17:00", "17:30"), events("17:40", "19:00")], ignore_index=True)
    told = settle(panel, both, ["isone_10of10"])
    assert len(told.events) == 2
    assert told.problems["reason"].unique().tolist() == ["it shares a reading with the event before it: merge the two"]


def test_ramps_are_hidden_and_count_only_where_the_program_says_so(panel):
    rule = load_program("caiso_10in10")
    plain = lines(settle(panel, events("17:00", "19:00"), [rule]))
    ramped = events("17:00", "19:00", ramp_in_min=60, ramp_out_min=[60, None])
    left_out = lines(settle(panel, ramped, [rule]))
    np.testing.assert_allclose(left_out["unadjusted_kwh"], plain["unadjusted_kwh"])
    # The window ends an hour before the ramp now.
    early = lines(settle(panel, events("16:00", "20:00"), [rule]))
    assert left_out.loc["b1", "factor_raw"] == early.loc["b1", "factor_raw"]
    counted = lines(settle(panel, ramped, [rule.model_copy(update={"ramps": "counted"})]))
    assert counted["hours"].tolist() == [4, 3]
    assert counted.loc["b1", "delivered_kwh"] == pytest.approx(early.loc["b1", "delivered_kwh"])
    with pytest.raises(DataError, match=r"site 'b1' at .* has the ramp_in_min 'soon': give minutes, 0 to 1440"):
        settle(panel, events("17:00", "19:00", ramp_in_min="soon"), [rule])


def test_a_site_opts_out_of_all_or_the_rest_of_an_event(panel):
    left = events("17:00", "20:00", opted_out=["2019-06-12T18:30+01:00", "yes"])
    told = settle(panel, left, ["caiso_10in10"])
    assert told.problems[["site_id", "reason"]].to_numpy().tolist() == [["b14", "the site opted out of the event"]]
    whole = settle(panel, events("17:00", "20:00"), ["caiso_10in10"], keep_intervals=True)
    kw = whole.intervals[whole.intervals["site_id"] == "b1"]["delivered_kw"].to_numpy()
    line = told.events.iloc[0]
    assert (line["delivered_kwh"], line["hours"]) == pytest.approx((kw[0] + kw[1] / 2, 1.5))
    assert "opted out at 2019-06-12 17:30 UTC" in line["remarks"]
    with pytest.raises(DataError, match="has opted_out 'maybe': write yes or no, or the time with its offset"):
        settle(panel, events("17:00", "20:00", opted_out="maybe"), ["caiso_10in10"])


@pytest.mark.parametrize("rule", ["caiso_10in10", "isone_10of10", "taipower_demand_bidding"])
def test_where_everybody_opted_out_nothing_is_settled_and_it_is_said(panel, rule):
    told = settle(panel, events("17:00", "20:00", opted_out="yes"), [rule], coverage=0.9)
    assert told.events.empty
    assert told.problems["reason"].tolist() == ["the site opted out of the event"] * 2


@pytest.mark.parametrize(
    ("column", "given", "shown"),
    [
        ("ramp_in_min", -5, "'-5'"),
        ("ramp_out_min", np.inf, "'inf'"),
        ("opted_out", pd.Timestamp(2019, 6, 12, 18), "'2019-06-12 18:00:00'"),
    ],
)
def test_what_is_wrong_with_a_dispatch_is_shown_as_the_file_has_it(panel, column, given, shown):
    with pytest.raises(DataError, match=f"{column} {shown}: "):
        settle(panel, events("17:00", "19:00", **{column: given}), ["caiso_10in10"])


def test_members_are_dispatched_one_after_the_other_each_with_its_own_window(panel):
    staggered = pd.concat([events("16:00", "18:00", sites=["b1"]), events("16:30", "18:30", sites=["b14"])])
    told = lines(settle(panel, staggered, ["caiso_10in10"]))
    for site, edges in (("b1", ("16:00", "18:00")), ("b14", ("16:30", "18:30"))):
        alone = settle(panel.select([site]), events(*edges, sites=[site]), ["caiso_10in10"]).events.iloc[0]
        assert told.loc[site, "delivered_kwh"] == pytest.approx(alone["delivered_kwh"])


def test_other_events_and_outages_only_leave_their_days_out(panel):
    asked = events("17:00", "19:00")
    alone = lines(settle(panel, asked, ["isone_10of10"]))
    earlier = events("10:00", "11:00", day="2019-06-06")
    excluded = lines(settle(panel, asked, ["isone_10of10"], other_events=earlier))
    assert (alone["baseline_kwh"] != excluded["baseline_kwh"]).all()
    assert len(excluded) == 2
    outage = lines(settle(panel, asked, ["isone_10of10"], other_events=earlier.assign(kind="outage")))
    np.testing.assert_allclose(outage["baseline_kwh"], excluded["baseline_kwh"])
    # An outage right before the event is no event: the window is not moved, but it knows less.
    dark = events("13:00", "15:00").assign(kind="outage")
    told = lines(settle(panel, asked, ["caiso_10in10"], other_events=dark))
    assert (told["adjustment"] == "none").all()  # of 13-16 h, an hour before the event, one hour is left
    np.testing.assert_allclose(told["window_metered_share"], 1 / 3)
    assert told["remarks"].str.contains("not adjusted: 33 % of its window is known, less than 50 %").all()
    assert told["factor_raw"].isna().all()
    assert (told["factor"] == 1).all()


def test_an_outage_within_the_event_is_a_gap(panel):
    dark = events("18:00", "19:00", sites=["b1"]).assign(kind="outage")
    told = settle(panel, events("17:00", "19:00"), ["isone_10of10"], other_events=dark)
    assert told.problems["site_id"].tolist() == ["b1"]
    assert told.problems["reason"].str.startswith("the event was not metered throughout").all()


def with_gap(panel, *hours):
    load = panel.data["observed_kw"].copy()
    for hour in hours:
        load.loc[("b1", pd.Timestamp(f"2019-06-12 {hour}:00", tz=ZONE).tz_convert("UTC"))] = np.nan
    return Panel(panel.data.assign(observed_kw=load), panel.sites)


@pytest.mark.parametrize("fill", ["interpolate", "baseline", "leave_out"])
def test_a_gap_is_filled_as_the_policy_says_and_the_line_says_so(panel, fill):
    asked, holed = events("17:00", "21:00"), with_gap(panel, 18)
    refused = settle(holed, asked, ["isone_10of10"])
    assert refused.problems["site_id"].tolist() == ["b1"]
    told = settle(holed, asked, ["isone_10of10"], gaps=GapPolicy(max_missing_share=0.25, fill=fill))
    assert not told.partial
    line = lines(told).loc["b1"]
    kw = settle(panel, asked, ["isone_10of10"], keep_intervals=True).intervals.set_index(["site_id", "time"]).loc["b1"]
    metered, baseline = kw["metered_kw"].to_numpy(), kw["baseline_kw"].to_numpy()
    rest = metered.sum() - metered[1]
    if fill == "leave_out":
        assert (line["metered_kwh"], line["baseline_kwh"], line["hours"]) == pytest.approx(
            (rest, baseline.sum() - baseline[1], 3)
        )
        assert line["remarks"] == "1 of its readings are missing and left out"
    else:
        put = (metered[0] + metered[2]) / 2 if fill == "interpolate" else baseline[1]
        assert (line["metered_kwh"], line["baseline_kwh"]) == pytest.approx((rest + put, baseline.sum()))
        assert line["estimated_share"] == 0.25
        assert "25 % of its readings are estimated" in line["remarks"]
    assert lines(told).loc["b14", "estimated_share"] == 0


def test_more_than_may_be_missing_is_not_settled(panel):
    asked, holed = events("17:00", "21:00"), with_gap(panel, 18, 19)
    told = settle(holed, asked, ["isone_10of10"], gaps=GapPolicy(max_missing_share=0.25, fill="interpolate"))
    assert told.problems["reason"].tolist() == [
        "the event was not metered throughout or its gaps cannot be filled (25 % may be missing)"
    ]


def test_the_rules_own_policy_comes_first(panel):
    own = load_program("isone_10of10").model_copy(update={"gaps": GapPolicy(max_missing_share=1.0, fill="baseline")})
    told = settle(
        with_gap(panel, 18), events("17:00", "21:00"), [own], gaps=GapPolicy(max_missing_share=0.5, fill="interpolate")
    )
    whole = settle(panel, events("17:00", "21:00"), [own], keep_intervals=True)
    kw = whole.intervals[whole.intervals["site_id"] == "b1"]["delivered_kw"].to_numpy()
    assert lines(told).loc["b1", "delivered_kwh"] == pytest.approx(kw.sum() - kw[1])


def test_readings_flagged_as_estimated_are_told_on_the_line(panel):
    flagged = panel.data.assign(estimated_share=0.0)
    flagged.loc[("b1", pd.Timestamp("2019-06-12 17:00", tz=ZONE).tz_convert("UTC")), "estimated_share"] = 1.0
    told = lines(settle(Panel(flagged, panel.sites), events("17:00", "21:00"), ["isone_10of10"]))
    assert told["estimated_share"].tolist() == [0.25, 0]
    assert told["remarks"].tolist() == ["25 % of its readings are estimated", ""]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"fill": "interpolate"}, "needs both"),
        ({"max_missing_share": 0.1}, "needs both"),
        ({"fill": "baseline", "max_missing_share": 1.5}, "less than or equal to 1"),
        ({"fill": "baseline", "max_missing_share": float("nan")}, "finite|less than"),
    ],
)
def test_half_a_policy_is_none(given, message):
    with pytest.raises(ValueError, match=message):
        GapPolicy(**given)
