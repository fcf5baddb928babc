"""Money that is right: local months, called events, the program's order, resources and their split."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.frames.panel import Panel
from cblcast.frames.schema import DataError, StudyError
from cblcast.programs import load_program
from cblcast.settlement import Resources, Wishes, settle, settle_file
from cblcast.value.contract import Contract

RULE = load_program("caiso_10in10")
ON_SUM = RULE.model_copy(update={"order": "sum_then_adjust", "name": "on_sum"})
SHIFT = load_program("gb_dfs").model_copy(update={"order": "sum_then_adjust"})
CAPACITY = Contract(capacity_price_per_kw_month=3, committed_kw=100)


@pytest.fixture(scope="module")
def panel():
    whole = datasets.load("cambridge_sme").select(["b1", "b14", "b22"])
    rows = whole.data.loc[pd.IndexSlice[:, "2019-03-01":"2019-08-10"], ["observed_kw"]]
    return Panel(rows, whole.sites)


@pytest.fixture(scope="module")
def events(panel):
    return placebo_events(panel, "17:00", "20:00", first="2019-06-10", last="2019-06-12")


def local(zone, *rows):
    table = pd.DataFrame(rows, columns=["site_id", "start", "stop"])
    for edge in ("start", "stop"):
        table[edge] = pd.DatetimeIndex(table[edge]).tz_localize(zone).tz_convert("UTC").as_unit("us")
    return table


def in_zones(panel, zones):
    return Panel(
        panel.data, panel.sites.assign(tz=[zones[site] for site in panel.site_ids], country="US", subdivision="")
    )


def test_two_events_on_31_july_in_los_angeles_are_of_one_month(panel):
    # 17 h there is midnight UTC: the second event begins on 1 August in UTC, and was paid a month of its own (300).
    coast = in_zones(panel, dict.fromkeys(panel.site_ids, "America/Los_Angeles"))
    two = local(
        "America/Los_Angeles",
        ("b1", "2019-07-31 10:00", "2019-07-31 12:00"),
        ("b1", "2019-07-31 17:00", "2019-07-31 19:00"),
    )
    paid = settle(coast, two, ["isone_10of10"], CAPACITY.model_copy(update={"committed_kw": 50})).events
    assert paid["capacity_payment"].tolist() == [Decimal("75.00")] * 2
    assert paid["capacity_payment"].sum() == Decimal("150.00")
    # A contract may keep another calendar.
    utc = CAPACITY.model_copy(update={"committed_kw": 50, "tz": "UTC"})
    assert settle(coast, two, ["isone_10of10"], utc).events["capacity_payment"].sum() == Decimal("300.00")


def test_the_capacity_of_an_unsettled_event_does_not_move_to_the_others(panel):
    data = panel.data.copy()
    data.loc[("b1", pd.Timestamp("2019-06-11 17:00", tz="UTC")), "observed_kw"] = np.nan
    three = local("Europe/London", *(("b1", f"2019-06-{day} 17:00", f"2019-06-{day} 20:00") for day in (10, 11, 12)))
    told = settle(Panel(data, panel.sites), three, ["isone_10of10"], CAPACITY)
    assert len(told.events) == 2
    assert told.events["capacity_payment"].tolist() == [Decimal("100.00")] * 2


def test_the_order_of_the_program_changes_the_money(panel, events):
    contract = Contract(energy_price=1.0)
    told = settle(panel, events, [RULE, ON_SUM], contract)
    own, summed = (told.events[told.events["program"] == name] for name in (RULE.name, "on_sum"))
    assert own["payment"].sum() != summed["payment"].sum()
    whole = told.portfolio.set_index(["program", "start"])
    for name, settled in ((RULE.name, own), ("on_sum", summed)):
        kwh = settled.groupby("start")["settled_kwh"].sum()
        order = "delivered_sum_then_adjust_kwh" if name == "on_sum" else "delivered_kwh"
        np.testing.assert_allclose(kwh, whole.loc[name, order], atol=1e-5)
    # The factor of the sum is each site's factor.
    factor = (summed["settled_kwh"] + summed["metered_kwh"]) / summed["unadjusted_kwh"]
    np.testing.assert_allclose(factor, whole.loc["on_sum", "factor_of_sum"].reindex(summed["start"]), rtol=1e-5)


def test_a_shift_of_the_sum_is_shared_and_adds_up(panel, events):
    told = settle(panel, events, [SHIFT], Contract(energy_price=1.0))
    kwh = told.events.groupby("start")["settled_kwh"].sum()
    np.testing.assert_allclose(kwh, told.portfolio["delivered_sum_then_adjust_kwh"], atol=1e-5)


def test_a_portfolio_over_two_zones_has_limits(panel):
    zones = in_zones(panel, {"b1": "America/New_York", "b14": "America/Chicago", "b22": "America/New_York"})
    at = pd.Timestamp("2019-06-12 21:00", tz="UTC")
    events = pd.DataFrame({"site_id": list(panel.site_ids), "start": at, "stop": at + pd.Timedelta("2h")})
    told = settle(zones, events, ["isone_10of10"], coverage=0.9, calibration="ordinary", days_around=40)
    assert len(told.portfolio) == 1
    whole = told.portfolio.iloc[0]
    assert whole["lower_kwh"] < whole["delivered_kwh"] < whole["upper_kwh"]
    assert whole["placebo_days"] >= 19
    # Without an adjustment, both orders are one, and so are their limits.
    assert whole["lower_sum_then_adjust_kwh"] == pytest.approx(whole["lower_kwh"])
    # Slowly: the sum of the three errors of each day, each at its own clock.
    errors = []
    for day in pd.date_range("2019-05-03", "2019-07-22"):
        again = events.assign(**{edge: events[edge] + (day - pd.Timestamp("2019-06-12")) for edge in ("start", "stop")})
        masked = zones.with_events(events)
        if day.day_of_week < 5 and day != pd.Timestamp("2019-06-12"):
            try:
                one = settle(masked, again, ["isone_10of10"], portfolio=False).events
            except DataError:
                continue
            if len(one) == 3:
                errors.append(one["delivered_kwh"].sum())
    assert abs(len(errors) - whole["placebo_days"]) <= 5  # holidays are no working days
    assert min(errors) - 1e-6 <= whole["delivered_kwh"] - whole["upper_kwh"]


MEMBERS = pd.DataFrame(
    {
        "site_id": ["b1", "b14", "b22"],
        "resource": ["north", "north", "south"],
        "from": ["2019-01-01", "2019-01-01", None],
        "until": [None, "2019-06-11", None],
    }
)
MONTHS = pd.DataFrame({"resource": ["north", "south"], "month": "2019-06", "committed_kw": [20.0, 5.0]})
TERMS = Contract(energy_price=0.25, capacity_price_per_kw_month=3, penalty_per_kwh=0.1, performance="proportional")


@pytest.mark.parametrize("selection", ["site", "aggregate"])
@pytest.mark.parametrize("split", ["delivered", "baseline", "equal"])
def test_a_resource_is_paid_and_its_payment_split_to_the_cent(panel, events, selection, split):
    contract = TERMS.model_copy(update={"selection": selection, "split": split})
    told = settle(panel, events, [RULE], contract, resources=Resources(MEMBERS, MONTHS))
    own = told.resources.set_index(["resource", "start"])
    assert own["n_sites"].tolist() == [2, 2, 1, 1, 1, 1]
    assert own["committed_kw"].tolist() == [20.0] * 3 + [5.0] * 3
    for name in ("energy_payment", "capacity_payment", "penalty", "payment"):
        sites = told.events.groupby(["resource", "start"])[name].sum()
        assert (sites == own[name]).all()
    assert told.problems[["site_id", "reason"]].to_numpy().tolist() == [
        ["b14", "the site is a member of no resource on that day"]
    ]


def test_days_selected_on_the_sum_settle_the_sum_as_one_meter(panel, events):
    two = events[(events["site_id"] != "b22") & (events["start"].dt.day == 10)]
    ranked = load_program("pjm_economic")  # four of five days by their load: not linear in the members
    contract = Contract(energy_price=1.0, selection="aggregate")
    members = MEMBERS.assign(resource="all")
    told = settle(panel, two, [ranked], contract, resources=Resources(members))
    load = panel.data["observed_kw"].unstack("site_id")[["b1", "b14"]].sum(axis=1, min_count=2)
    sum_of_both = Panel(
        pd.concat({"all": load}, names=["site_id", "time"]).rename("observed_kw").to_frame(),
        panel.sites.iloc[:1].set_axis(pd.Index(["all"], name="site_id")),
    )
    alone = settle(sum_of_both, two.iloc[:1].assign(site_id="all"), [ranked]).events
    assert told.resources["settled_kwh"].iloc[0] == pytest.approx(alone["delivered_kwh"].iloc[0], abs=1e-5)
    by_site = settle(panel, two, [ranked], Contract(energy_price=1.0), resources=Resources(members))
    assert by_site.resources["settled_kwh"].iloc[0] != pytest.approx(told.resources["settled_kwh"].iloc[0], abs=1e-3)


def test_a_staggered_dispatch_is_one_event_of_its_resource(panel):
    table = local(
        "Europe/London",
        ("b1", "2019-06-10 17:00", "2019-06-10 19:00"),
        ("b14", "2019-06-10 18:00", "2019-06-10 20:00"),
        ("b1", "2019-06-10 21:00", "2019-06-10 22:00"),
    )
    resources = Resources(MEMBERS.assign(until=None), MONTHS)
    told = settle(panel, table, ["isone_10of10"], TERMS, resources=resources).resources
    assert told["n_sites"].tolist() == [2, 1]
    assert (told["stop"] - told["start"]).dt.total_seconds().tolist() == [3 * 3600, 3600]
    assert told["capacity_kw"].tolist() == [20.0, 20.0]


def test_loss_factors_scale_what_is_paid(panel, events):
    plain = settle(panel, events, ["isone_10of10"], Contract(energy_price=1.0)).events
    lossy = settle(panel, events, ["isone_10of10"], Contract(energy_price=1.0, loss_factor=1.1)).events
    np.testing.assert_allclose(lossy["settled_kwh"], 1.1 * plain["settled_kwh"], atol=1e-5)
    members = MEMBERS.assign(until=None, loss_factor=[1.0, 1.2, 1.0])
    own = settle(panel, events, ["isone_10of10"], Contract(energy_price=1.0), resources=Resources(members)).events
    np.testing.assert_allclose(own["settled_kwh"], own["delivered_kwh"] * np.repeat([1.0, 1.2, 1.0], 3), atol=1e-5)


def test_a_contract_pays_on_its_days_only(panel, events):
    for terms, words in (
        ({"valid_until": "2019-06-11"}, "valid until 2019-06-11, and the event of site 'b1' is on 2019-06-12"),
        ({"valid_from": "2019-06-11"}, "valid from 2019-06-11, and the event of site 'b1' is on 2019-06-10"),
    ):
        with pytest.raises(StudyError, match=words):
            settle(panel, events, ["isone_10of10"], Contract(**terms))
    assert len(
        settle(panel, events, ["isone_10of10"], Contract(valid_from="2019-06-10", valid_until="2019-06-12")).events
    )


def test_a_file_in_parts_pays_as_the_panel_does(panel, events, tmp_path):
    panel.data.reset_index().to_parquet(tmp_path / "panel.parquet", index=False)
    resources = Resources(MEMBERS.assign(resource="all", until=None))
    contract = TERMS.model_copy(update={"committed_kw": 30, "basis": "hour"})
    whole = settle(panel, events, [ON_SUM], contract, resources=resources)
    parts = settle_file(
        tmp_path / "panel.parquet", panel.sites, events, [ON_SUM],
        Wishes(contract, resources=resources), sites_at_once=2,
    )  # fmt: skip
    pd.testing.assert_frame_equal(parts.resources, whole.resources, check_dtype=False)
    pd.testing.assert_frame_equal(parts.events, whole.events, check_dtype=False)
    on_sums = Wishes(contract.model_copy(update={"selection": "aggregate"}), resources=resources)
    with pytest.raises(StudyError, match="needs all members of a resource at once"):
        settle_file(tmp_path / "panel.parquet", panel.sites, events, [RULE], on_sums)


def test_a_sum_over_two_zones_has_no_day_of_its_own(panel):
    zones = in_zones(panel, {"b1": "America/New_York", "b14": "America/Chicago", "b22": "America/New_York"})
    at = pd.Timestamp("2019-06-12 21:00", tz="UTC")
    events = pd.DataFrame({"site_id": list(panel.site_ids), "start": at, "stop": at + pd.Timedelta("2h")})
    with pytest.raises(StudyError, match="'all' has members in America/Chicago and America/New_York"):
        settle(
            zones, events, ["isone_10of10"], Contract(selection="aggregate"),
            resources=Resources(MEMBERS.assign(resource="all", until=None)),
        )  # fmt: skip


def test_resources_need_a_contract(panel, events):
    with pytest.raises(StudyError, match="resources are settled by a contract"):
        settle(panel, events, [RULE], resources=Resources(MEMBERS))
    nobody = MEMBERS.assign(until="2018-12-31", **{"from": None})
    with pytest.raises(DataError, match=r"no site of the events is a member of a resource on its day, e\.g\. 'b1'"):
        settle(panel, events, [RULE], TERMS, resources=Resources(nobody))


def test_what_rests_on_memory_is_told_at_every_line(panel, events):
    told = settle(panel, events, ["caiso_10in10"]).events
    assert set(told["certainty"]) == {"M"}
    assert told["from_memory"].str.contains("window").all()


def test_a_baseline_that_errs_both_ways_is_paid_for_no_response_by_interval():
    # Fault: nothing was dispatched, yet paying what lies above zero interval by interval pays a share of all that was metered.
    whole = datasets.load("cambridge_sme").select(["b1", "b14", "b22", "b63"])
    rows = whole.data.loc[pd.IndexSlice[:, "2019-03-01":"2019-09-30"], ["observed_kw"]]
    quiet = Panel(rows, whole.sites)
    days = placebo_events(quiet, "17:00", "20:00", first="2019-05-01", last="2019-09-20")
    days = days[days["start"].dt.day_of_week == 2].reset_index(drop=True)
    share = {}
    for negative in ("charged", "unpaid_per_event", "unpaid"):
        told = settle(
            quiet, days, ["caiso_10in10"], Contract(energy_price=1, negative=negative), portfolio=False
        ).events
        share[negative] = told["energy_payment"].astype(float).sum() / told["metered_kwh"].sum()
    assert list(share.values()) == pytest.approx([-0.0108, 0.0177, 0.0225], abs=5e-4)
    by_hand = settle(
        quiet, days, ["caiso_10in10"], portfolio=False, keep_intervals=True
    ).intervals  # hourly: kW are kWh
    free = by_hand["delivered_kw"].clip(lower=0).sum() / by_hand["metered_kw"].sum()
    assert share["unpaid"] == pytest.approx(free, abs=1e-4)


def test_the_commitment_of_an_event_is_its_resources_too(panel, events):
    resources = Resources(MEMBERS.assign(until=None), MONTHS)
    own = events.assign(committed_kw=np.where(events["start"].dt.day == 10, 40.0, np.nan))
    told = settle(panel, own, ["isone_10of10"], TERMS, resources=resources).resources
    assert told["committed_kw"].tolist() == [40.0, 20.0, 20.0, 40.0, 5.0, 5.0]


def test_members_own_losses_count_on_the_sum_as_site_by_site(panel, events):
    # A mean of days without an adjustment is linear in the load, so that both ways pay the same.
    members = Resources(MEMBERS.assign(until=None, loss_factor=[1.0, 1.2, 1.1]))
    by_site, on_sum = (
        settle(panel, events, ["isone_10of10"], Contract(energy_price=1.0, selection=how), resources=members).resources
        for how in ("site", "aggregate")
    )
    np.testing.assert_allclose(on_sum["settled_kwh"], by_site["settled_kwh"], atol=1e-5)
