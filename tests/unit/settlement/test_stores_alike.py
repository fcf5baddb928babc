"""A store is settled as the panel of its meters is, to rounding and to the word: every rule, and drawn worlds in every layout."""

import sqlite3
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from drawn_worlds import GAPS, HOW, RTOL, RULES, dispatched, drawn, made
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cblcast.errors import DataError, DataWarning, StudyError
from cblcast.frames.instants import local_microseconds
from cblcast.frames.panel import Panel
from cblcast.io.store import open_store
from cblcast.io.store.sql_store import open_sql_store
from cblcast.io.store.tables import tables_of
from cblcast.io.store.writing import written_store
from cblcast.programs import list_programs, load_program
from cblcast.programs.model import Program
from cblcast.programs.terms import GapPolicy
from cblcast.scaling import Asked, settle_store
from cblcast.settlement import Resources, Wishes, by_partition, settle
from cblcast.settlement.direct import why_not_by_days
from cblcast.value.contract import Contract

pytestmark = pytest.mark.filterwarnings("ignore::cblcast.errors.DataWarning")  # of calendars: told elsewhere
TABLES = ("events", "problems", "portfolio", "scored", "resources")
SORTED = {"events": ["program", "site_id", "start"]}
PROGRAMS = {program.name: program for program in list_programs()}
DIRECT = [name for name, program in PROGRAMS.items() if not why_not_by_days(program, Wishes())]
CROWDS = ["caiso_control_group", "rte_nebef_panel"]
DECLARED = ["elia_declared", "rte_nebef_forecast", "pjm_fsl"]  # need declarations beside


@dataclass(frozen=True)
class Cut(Asked):
    """Partitions as small as they can be."""

    def size_for(self, store):
        return 1


def told(settlement):
    """The tables of a settlement, or its refusal in words."""
    try:
        whole = settlement()
    except (DataError, StudyError) as refusal:
        return str(refusal)
    whole = whole[0] if isinstance(whole, tuple) else whole
    return {name: getattr(whole, name) for name in TABLES}


def assert_same(panel_says, store_says):
    if isinstance(
        panel_says, str
    ):  # of a store, what refuses a panel is said of the sites it holds for, and the rest is settled
        said = [store_says] if isinstance(store_says, str) else store_says["problems"]["reason"]
        assert any(panel_says in each for each in said)
        return
    assert not isinstance(store_says, str), store_says
    for name in TABLES:
        one, other = panel_says[name], store_says[name]
        if name in SORTED and len(one):
            one, other = (table.sort_values(SORTED[name], ignore_index=True) for table in (one, other))
        if name == "scored" and len(one):
            one, other = (table.sort_index() for table in (one, other))
        pd.testing.assert_frame_equal(one, other, rtol=RTOL, atol=1e-9, obj=name)


def stored(folder, rows, panel, layout):
    """A store of rows (long: in two files, row groups that cut through sites) or of the panel in another layout."""
    if layout == "sql":
        path = folder / "meters.db"
        with sqlite3.connect(path) as database:
            rows.assign(time=rows["time"].astype(str)).to_sql("meters", database, index=False)
        return open_sql_store("meters", url=f"sqlite:///{path}")
    if layout != "long":
        with written_store(folder / "store") as writer:
            writer.write(tables_of(panel, layout, rows_per_group=40))
        return open_store(folder / "store")
    half = rows["site_id"].isin(list(panel.site_ids[:2]))
    for number, own in enumerate((rows[half], rows[~half])):
        own.to_parquet(folder / f"p{number}.parquet", index=False, row_group_size=len(own) // 3 + 1)
    return open_store(folder)


def beside_the_layout(panel, layout):
    """Whether some readings begin between the slots of a day, or between the times of a wide table."""
    if layout == "wide":
        return bool(((panel.first_times_us - panel.first_times_us[0]) % panel.step_us).any())
    zones = panel.sites["tz"].to_numpy(dtype=object)[panel.data.index.codes[0]]
    return layout == "days" and bool((local_microseconds(panel.times_us, zones) % panel.step_us).any())


def as_read(store, panel):
    """The panel that a store holds: where a row says no more than its readings, a record begins and ends with one."""
    if store.layout == "long":
        return panel
    (whole,) = store.partitions(bytes_at_once=10**12)
    return store.read_panel(whole, panel.sites)


# Every rule of the catalogue.


@pytest.fixture(scope="module")
def meters():
    """Hourly meters of London and Rome through spring's clock change, with weather, an electric car and a battery."""
    panel = drawn(3, days=130, gaps=0.002)
    beside = {"ev_kw": panel.data["observed_kw"] / 2, "battery_kw": panel.data["observed_kw"] / 3 - 5}
    panel = Panel(panel.data.assign(**beside), panel.sites)
    return panel, dispatched(panel, 4, within_days=30)


@pytest.fixture
def no_intervals(monkeypatch):
    """Fails where a row an interval is made of a partition."""

    def refuse(*_, **__):
        raise AssertionError("a partition was read interval by interval")

    monkeypatch.setattr(by_partition.MeterStore, "read_panel", refuse)


@pytest.fixture(scope="module")
def by_panel(meters):
    panel, events = meters
    rules = [name for name in DIRECT if name != "elia_last_quarter_hour"]  # which hours cannot carry out
    terms = Contract(name="c", energy_price=0.3, penalty_per_kwh=0.1, committed_kw=3)
    alike = told(lambda: settle(panel, events, rules, terms, keep_intervals=True))
    assert set(alike["events"]["program"]) == set(rules)
    return rules, terms, alike


@pytest.mark.parametrize("layout", ["long", "days", "wide"])
def test_rules_of_days_settle_a_store_by_days_as_they_settle_the_panel(
    meters, by_panel, layout, tmp_path, no_intervals
):
    (panel, events), (rules, terms, alike) = meters, by_panel
    panel = Panel(panel.data[["observed_kw"]], panel.sites)
    store = stored(tmp_path, panel.data.reset_index(), panel, layout)
    wishes = Wishes(terms, keep_intervals=True)
    assert_same(alike, told(lambda: settle_store(store, panel.sites, events, rules, wishes)))


def test_rules_of_intervals_settle_a_store_as_they_settle_the_panel(meters, tmp_path):
    panel, events = meters
    rules = [name for name in PROGRAMS if name not in (*DIRECT, *CROWDS, *DECLARED)]
    assert "submetered_ev" in rules  # whose channel stands beside the load
    store = stored(tmp_path, panel.data.reset_index(), panel, "long")
    alike = told(lambda: settle(panel, events, rules, keep_intervals=True))
    assert set(alike["events"]["program"]) == set(rules)
    assert_same(alike, told(lambda: settle_store(store, panel.sites, events, rules, Wishes(keep_intervals=True))))
    for name in CROWDS:
        with pytest.raises(StudyError, match="needs all its customers at once, and a store is settled some sites at"):
            settle_store(store, panel.sites, events, [name])


# Drawn worlds.

ZONES = ["Europe/London", "Europe/Rome", "Asia/Kolkata", "Australia/Adelaide", "Asia/Kathmandu", "Australia/Lord_Howe",
         "America/New_York", "America/St_Johns"]  # fmt: skip
COUNTRIES = dict(zip(ZONES, ["GB", "IT", "IN", "AU", None, "AU", "US", "CA"], strict=True))
NAMES = ["007", "42", "é̀ß-ü", "x" * 120, "a b", "A/1"]
CHANGES = ["2019-03-31", "2019-10-27", "2019-04-07", "2019-10-06", "2019-03-10", "2019-11-03"]


def world(rng, precise):
    """Four meters of one step that begin and end when they like, on their own clock's grid or UTC's, as rows and as a panel."""
    step = int(rng.choice([15, 30, 60]))
    last = pd.Timestamp(rng.choice(["2019-04-05", "2019-04-12", "2019-11-03", "2019-10-12", "2020-01-05"]), tz="UTC")
    zones, parts, sites = rng.choice(ZONES, 2, replace=False), {}, {}
    for number, name in enumerate(rng.choice(NAMES, 4, replace=False)):
        zone = str(zones[number % 2])
        first = last - pd.Timedelta(days=int(rng.integers(3, 75)))
        if rng.random() < 0.6:
            offset = pd.Timestamp("2019-01-01", tz=zone).utcoffset() // pd.Timedelta("1min")
            first += pd.Timedelta(minutes=-offset % step)
        until = last + pd.Timedelta(minutes=step * int(rng.integers(40)))
        times = pd.date_range(first, until, freq=f"{step}min", inclusive="left", unit="us")
        day = 1440 // step
        load = rng.integers(8, 160, len(times)) / 4 + 5 * np.sin(np.arange(len(times)) * 2 * np.pi / day)
        load += (rng.normal(size=len(times)) if precise else 0) - 40 * (rng.random() < 0.2)
        load[rng.random(len(times)) < rng.choice([0, 0.002, 0.15])] = np.nan
        load[rng.random(len(times)) < rng.choice([0, 0, 0.1])] = 0
        if rng.random() < 0.4:
            gap = int(rng.integers(len(times)))
            load[gap : gap + int(rng.integers(1, 30)) * day] = np.nan
        if rng.random() < 0.1:
            load[:] = np.nan
        rows = pd.DataFrame({"observed_kw": load if precise else load.astype(np.float32)}, times)
        kept = (rng.random(len(rows)) > rng.choice([0, 0, 0.03])) | (np.arange(len(rows)) < 2)
        parts[str(name)] = rows[kept]
        sites[str(name)] = {"tz": zone, "country": COUNTRIES[zone], "contract_kw": 20.0, "plc_kw": 30.0}
    data = pd.concat(parts, names=["site_id", "time"])
    return data.reset_index(), Panel(data, pd.DataFrame.from_dict(sites, orient="index").rename_axis("site_id"))


def called(rng, panel, most=8):
    """Events of a quarter of an hour to a day, in a row, beside each other, where clocks change, at the ends of the data and beyond."""
    rows = []
    for site, zone, *span in zip(
        panel.site_ids, panel.sites["tz"], panel.first_times_us, panel.last_times_us, strict=True
    ):
        first, last = (pd.Timestamp(int(at), unit="us", tz="UTC").tz_convert(zone) for at in span)
        for _ in range(int(rng.integers(1, most))):
            day = (last - pd.Timedelta(days=int(rng.integers(30)))).normalize()
            odd = rng.random()
            if odd < 0.25:
                day = [first.normalize(), (last + pd.Timedelta("2D")).normalize(), pd.Timestamp(rng.choice(CHANGES), tz=zone)][
                    int(odd * 12)
                ]  # fmt: skip
            length = int(rng.choice([15, 60, 120, 180, 720, 1440], p=[0.1, 0.25, 0.25, 0.25, 0.1, 0.05]))
            at = 0 if length == 1440 else 60 * int(rng.choice([2, rng.integers(24)], p=[0.3, 0.7]))
            start = day + pd.Timedelta(minutes=at + int(rng.choice([0, 10, 30], p=[0.8, 0.1, 0.1])))
            for back in range(int(rng.choice([1, 5], p=[0.7, 0.3]))):
                begin = start.tz_convert("UTC") - pd.Timedelta(days=back)
                rows.append((site, begin, begin + pd.Timedelta(minutes=length)))
    table = pd.DataFrame(rows, columns=["site_id", "start", "stop"]).sort_values(["site_id", "start"])
    reach = table.groupby("site_id")["stop"].transform(lambda stop: stop.cummax().shift())
    table = table[~(table["start"] < reach)]
    return table.assign(notified=table["start"] - pd.Timedelta("2h")).sample(frac=1, random_state=int(rng.integers(99)))


POLICIES = [*(GapPolicy(**each) for each in GAPS), GapPolicy(fill="baseline", max_missing_share=1.0)]
WITHOUT_WEATHER = [rule for rule in RULES if rule["rank"] != "temperature"]
RULE = st.sampled_from(DIRECT) | st.tuples(st.sampled_from(WITHOUT_WEATHER), st.sampled_from(HOW))


DRAWN_ONCE = (Phase.explicit, Phase.reuse, Phase.generate)  # a seed has nothing to shrink


@settings(max_examples=14, deadline=None, phases=DRAWN_ONCE, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 10_000),
    rule=RULE,
    policy=st.sampled_from(POLICIES),
    layout=st.sampled_from(["long", "long", "days", "wide", "sql"]),
    precise=st.booleans(),
    asked=st.sampled_from([Asked(), Cut()]),
    paid=st.booleans(),
)
def test_drawn_worlds_settle_alike(tmp_path_factory, seed, rule, policy, layout, precise, asked, paid):
    rng = np.random.default_rng(seed)
    rows, panel = world(rng, precise)
    program = load_program(rule) if isinstance(rule, str) else made(*rule, {})
    if not isinstance(program, Program) or (rule == "elia_last_quarter_hour" and panel.step_hours > 0.25):
        return
    program = program.model_copy(update={"gaps": policy})
    events = called(rng, panel)
    others = called(rng, panel, most=3).assign(kind=lambda table: np.where(table.index % 2, "outage", "event"))
    terms = Contract(name="c", energy_price=0.3, capacity_price_per_kw_month=2, penalty_per_kwh=0.1, committed_kw=3)
    members = pd.DataFrame(
        {"site_id": [*panel.site_ids, "ghost"], "resource": list("nnsss"), "from": None, "until": None}
    )
    more = {"resources": Resources(members)} if paid else {}
    events = pd.concat([events, events.head(1).assign(site_id="ghost")])
    folder = tmp_path_factory.mktemp("drawn")
    if beside_the_layout(panel, layout):
        with pytest.raises(DataError, match="--layout long"):
            stored(folder, rows, panel, layout)
        return
    store = stored(folder, rows, panel, layout)
    asked_for = {"keep_intervals": True, "other_events": others, **more}
    alike = told(lambda: settle(as_read(store, panel), events, [program], terms if paid else None, **asked_for))
    wishes = Wishes(terms if paid else None, **asked_for)
    assert_same(alike, told(lambda: settle_store(store, panel.sites, events, [program], wishes, asked)))


# What the worlds would show too seldom.


def one_meter(days, loads=None, site="a", first="2019-02-01", tz="Europe/Rome"):
    begin = pd.Timestamp(first, tz=tz)
    times = pd.date_range(begin, periods=24 * days, freq="60min", unit="us").tz_convert("UTC")
    kw = np.arange(len(times)) % 24 + 1.0 if loads is None else loads
    return pd.DataFrame({"site_id": site, "time": times, "observed_kw": kw})


def on(day, site="a", hours=(17, 19), tz="Europe/Rome"):
    start, stop = (pd.Timestamp(f"{day} {hour}:00", tz=tz).tz_convert("UTC") for hour in hours)
    return pd.DataFrame({"site_id": [site], "start": [start], "stop": [stop]})


def sites_of(*names, tz="Europe/Rome"):
    return pd.DataFrame({"tz": tz, "country": "IT"}, index=pd.Index(names, name="site_id"))


def both(folder, rows, sites, events, rules=("caiso_10in10",), **wishes):
    folder.mkdir()
    rows.to_parquet(folder / "p.parquet", index=False)
    panel = Panel(rows.set_index(["site_id", "time"]), sites)
    one = told(lambda: settle(panel, events, list(rules), **wishes))
    contract = wishes.pop("contract", None)
    assert_same(
        one, told(lambda: settle_store(open_store(folder), sites, events, list(rules), Wishes(contract, **wishes)))
    )
    return one


def test_what_is_said_of_a_site_is_the_same_beside_any_other(tmp_path):
    young, old = one_meter(12, site="young", first="2019-03-01"), one_meter(41, site="old")
    alone = both(tmp_path / "alone", young, sites_of("young"), on("2019-03-12", "young"))
    beside = both(tmp_path / "beside", pd.concat([old, young]), sites_of("old", "young"), on("2019-03-12", "young"))
    assert beside["problems"]["reason"].tolist() == alone["problems"]["reason"].tolist()
    assert "34 outside the data" in alone["problems"]["reason"].iloc[0]


def test_a_gap_where_the_look_back_ends_is_no_end_of_the_record(tmp_path):
    rows = one_meter(90)
    dark = rows["time"].between("2019-04-07", "2019-04-20")
    some = GapPolicy(fill="baseline", max_missing_share=1.0)
    program = load_program("caiso_10in10").model_copy(update={"gaps": some})
    for name, own in (("nan", rows.assign(observed_kw=rows["observed_kw"].where(~dark))), ("none", rows[~dark])):
        found = both(tmp_path / name, own, sites_of("a"), on("2019-04-10"), [program])
        assert len(found["events"]) == 1  # of nothing but its baseline, as was asked
    dark = rows["time"] > "2019-03-26"  # a record that ends in rows without a reading
    found = both(
        tmp_path / "end", rows.assign(observed_kw=rows["observed_kw"].where(~dark)), sites_of("a"), on("2019-04-10")
    )
    assert found["problems"]["reason"].str.startswith("the event was not metered throughout").all()


def test_events_that_no_part_can_hold_are_told_one_by_one_and_count_among_those_called(tmp_path):
    rows = pd.concat([one_meter(60, site="a"), one_meter(60, site="b")])
    inside, beyond = on("2019-03-20", "a"), on("2019-05-20", "b")
    terms = Contract(name="c", energy_price=0.3, capacity_price_per_kw_month=2, committed_kw=3)
    members = pd.DataFrame({"site_id": ["a", "b", "c"], "resource": "r", "from": None, "until": None})
    events = pd.concat([inside, beyond, on("2019-03-21", "c")])  # an event of the same month, of nobody who is metered
    found = both(tmp_path / "some", rows, sites_of("a", "b"), events, contract=terms, resources=Resources(members))
    assert found["problems"]["reason"].tolist() == [
        "the event lies outside the metered span",
        "the site is not in the data",
    ]
    assert both(tmp_path / "none", rows, sites_of("a", "b"), beyond).startswith(
        "every event lies outside the metered span"
    )


def test_readings_are_as_precise_by_days_as_they_stand(tmp_path, no_intervals):
    kw = 1e4 + np.random.default_rng(0).random(24 * 60)  # of which float32 keeps three decimals
    found = both(tmp_path / "fine", one_meter(60, kw), sites_of("a"), on("2019-03-26"))
    metered = kw[24 * 53 + 17 : 24 * 53 + 19].sum()
    assert found["events"]["metered_kwh"].iloc[0] == pytest.approx(metered, rel=1e-14)


def test_readings_that_are_flagged_as_estimated_are_told_of_a_store(tmp_path):
    rows = one_meter(60).assign(estimated_share=lambda table: (table["time"] >= "2019-03-26").astype(float))
    found = both(tmp_path / "flags", rows, sites_of("a"), on("2019-03-26"))
    assert found["events"]["remarks"].str.contains("100 % of its readings are estimated").all()


def test_what_is_left_out_of_days_is_told(tmp_path):
    panel = Panel(one_meter(60, tz="UTC").set_index(["site_id", "time"]), sites_of("a", tz="UTC"))
    store = stored(tmp_path, None, panel, "days")  # 24 readings on the day on which Rome has 23 hours
    with pytest.warns(
        DataWarning, match="1 readings of 2019-03-31 stand in the hour that spring skips, and are left out"
    ):
        settle_store(store, sites_of("a"), on("2019-03-29"), ["caiso_10in10"])


def test_a_refusal_of_every_partition_is_the_panel_s(tmp_path):
    panel = Panel(
        pd.concat([one_meter(60, site=site) for site in "abc"]).set_index(["site_id", "time"]), sites_of(*"abc")
    )
    store = stored(tmp_path, panel.data.reset_index(), panel, "long")
    events = pd.concat([on("2019-03-20", site) for site in "abc"])
    with pytest.raises(StudyError, match=r"^a window of 0\.25 h with a buffer of 0 h does not end on intervals of 1 h"):
        settle_store(store, panel.sites, events, ["elia_last_quarter_hour"], asked=Cut())
