"""Settlement against the oracle, event by event: three steps, five zones, clock changes, holidays, gaps, net load.

The load is drawn (quarters of a kW, so that sums are exact and ties are ties), but for one real building: what is under
trial is the bookkeeping of days, windows and intervals, which needs every kind of day at once.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.frames.panel import Panel
from cblcast.programs.model import Adjustment, Program
from cblcast.settlement import settle
from cblcast.value.contract import Contract

ROME = frozenset(date(2019, month, day) for month, day in ((4, 22), (4, 25), (5, 1)))  # Easter Monday, 25 April, 1 May


@dataclass(frozen=True)
class World:
    """A zone around a clock change, with a step and holidays; `until` is the last local day."""

    tz: str
    step: str
    until: str
    country: str = ""
    holidays: frozenset = frozenset()
    net: bool = False


pytestmark = pytest.mark.filterwarnings("ignore:.*are not adjusted:cblcast.errors.DataWarning")

WORLDS = [
    World("Europe/London", "60min", "2019-04-05"),
    World("Europe/Rome", "15min", "2019-05-03", "IT", ROME),
    World("Asia/Kolkata", "60min", "2019-06-14"),  # an hourly meter that reads at half past on the wall
    World("Asia/Kolkata", "5min", "2019-06-14", net=True),
    World("America/St_Johns", "15min", "2019-11-06", net=True),
    World("Australia/Lord_Howe", "15min", "2019-04-10"),  # its clock moves by half an hour
]
RULES = [  # the rule as the oracle reads it, and the adjustment
    ({"x": 5, "y": 5, "rank": "recent"}, None),
    ({"x": 3, "y": 5, "rank": "high", "gap_days": 1, "minimum_days": 3}, {"kind": "ratio", "cap": (0.8, 1.2)}),
    ({"x": 2, "y": 5, "rank": "low", "minimum_days": 2}, {"kind": "additive", "upward_only": True}),
    ({"x": 4, "y": 6, "rank": "middle", "minimum_days": 1}, {"kind": "additive", "cap": (-0.2, 0.2), "floor": 2.0}),
    ({"x": 3, "y": 6, "rank": "nearest", "minimum_days": 2}, {"kind": "ratio", "upward_only": True}),
    ({"x": 4, "y": 4, "rank": "recent", "minimum_days": 1, "low_share": 0.9, "high_share": 1.2,
      "newest_first": (0.4, 0.3, 0.2, 0.1), "extended_look_back_days": 28}, {"kind": "additive"}),
    # Too few days by far, so that every step is needed by some event.
    ({"x": 3, "y": 8, "rank": "high", "look_back_days": 6,
      "fallback": [{"look_back_days": 9}, {"minimum_days": 5}, {"event_days": "highest"}]}, {"kind": "additive"}),
]  # fmt: skip
WINDOWS = [
    (("before", 2.0, 1.0),),
    (("before", 1.0, 0.0), ("after", 2.0, 0.0)),
    (("after", 1.0, 1.0),),
    (("before", 3.0, 0.0), ("before", 2.0, 1.0)),  # they share hours
]


def drawn(world, seed):
    """Load of three sites [kW] with gaps, and events: alone, at the same hours, twice a day, over midnight."""
    rng = np.random.default_rng(seed)
    last = pd.Timestamp(world.until, tz=world.tz) + pd.Timedelta("1D")
    times = pd.date_range(
        (last - pd.Timedelta("40D")).tz_convert("UTC").floor("1D"), last.tz_convert("UTC"), freq=world.step, unit="us"
    )
    loads, events, step = {}, [], pd.Timedelta(world.step)
    for number, site in enumerate("abc"):
        own = times[number * 7 :]  # records do not begin together
        load = rng.integers(-80 if world.net else 8, 160, len(own)) / 4
        for first in rng.choice(len(own) - 400, 6):
            load[first : first + rng.integers(1, 40)] = np.nan
        load[rng.random(len(own)) < 0.01] = np.nan
        loads[site] = pd.Series(load, own)
    day = pd.Timedelta("1D") // step
    for back in (1, 2, 3, 4, 5, 6, 8, 11, 12):
        start = times[-back * day + int(rng.integers(-day // 3, day // 3))]
        stop = start + int(rng.integers(1, 9)) * step
        sites = [site for site in "abc" if rng.random() < 0.7]
        events += [(site, start, stop) for site in sites]
        if sites and rng.random() < 0.6:  # again on the same day, now and then within reach of a window
            again = stop + int(rng.integers(1, day // 4)) * step
            events.append((sites[0], again, again + 2 * step))
    table = pd.DataFrame(events, columns=["site_id", "start", "stop"]).sort_values(["site_id", "start"])
    before = table.groupby("site_id")["stop"].shift()
    table = table[~(table["start"] < before) & (table["stop"] <= times[-1])]
    return loads, table.reset_index(drop=True)


def panel_of_loads(loads, tz, country=""):
    data = pd.concat({site: load.rename("observed_kw") for site, load in loads.items()}, names=["site_id", "time"])
    sites = pd.DataFrame({"tz": tz, "country": country}, index=pd.Index(list(loads), name="site_id"))
    return Panel(data.to_frame(), sites)


def program(name, rule, how, windows):
    own = {key: value for key, value in rule.items() if key != "newest_first"}
    if "newest_first" in rule:
        own["weights"] = rule["newest_first"][::-1]  # a program prints them oldest first
    sides = tuple({"side": side, "hours": hours, "buffer": buffer} for side, hours, buffer in windows)
    return Program(
        name=name,
        title=name,
        day_types="working",
        days=({"applies_to": ("working", "rest"), "look_back_days": 21, **own},),
        adjustment=None if how is None else Adjustment(windows=sides, **how),
        evidence={"selection": {"source": "this test", "as_of": "2026-11", "confidence": "own"}},
    )


def meters(oracle, loads, table, tz, step, holidays=frozenset()):
    own = {site: table[table["site_id"] == site] for site in loads}
    return {
        site: oracle.Meter(
            load, tz, pd.Timedelta(step), list(zip(own[site]["start"], own[site]["stop"], strict=True)), holidays
        )
        for site, load in loads.items()
    }


def slow(oracle, known, rule, how):
    """The oracle's answer by (site, start); events that cannot be settled are None."""
    return {
        (site, start): oracle.settle_one(meter, start, stop, {"look_back_days": 21, **rule}, how)
        for site, meter in known.items()
        for start, stop in meter.events
    }


def assert_settled_alike(oracle, panel, loads, table, programs, tz, step, holidays=frozenset(), rtol=1e-9):
    found = settle(panel, table, [made for made, _, _ in programs], keep_intervals=True)
    n_settled, known = 0, meters(oracle, loads, table, tz, step, holidays)
    for made, rule, how in programs:
        told = slow(oracle, known, rule, how)
        own = found.events[found.events["program"] == made.name].set_index(["site_id", "start"])
        settled = {key: answer for key, answer in told.items() if answer is not None}
        assert set(own.index) == set(settled)
        not_settled = found.problems[found.problems["program"] == made.name]
        assert set(zip(not_settled["site_id"], not_settled["start"], strict=True)) == set(told) - set(settled)
        n_settled += len(settled)
        if not settled:
            continue
        slow_table = pd.DataFrame(
            {key: {name: value for name, value in answer.items() if name.endswith("kwh") or "factor" in name}
             for key, answer in settled.items()}).T.astype(float)  # fmt: skip
        pd.testing.assert_frame_equal(
            own[slow_table.columns].sort_index(), slow_table.sort_index(), rtol=rtol, atol=1e-7, check_names=False
        )
        rows = found.intervals[found.intervals["program"] == made.name].set_index(["site_id", "start", "time"])
        inside = pd.concat({key: answer["inside"] for key, answer in settled.items()}, names=rows.index.names)
        pd.testing.assert_frame_equal(
            rows[["unadjusted_kw", "baseline_kw", "metered_kw"]].sort_index(),
            inside.set_axis(["unadjusted_kw", "baseline_kw", "metered_kw"], axis=1).sort_index(),
            rtol=rtol,
            atol=1e-7,
        )
        assert_summed_alike(oracle, found, made, settled, table, step, how, rtol)
    return n_settled


def assert_summed_alike(oracle, found, made, settled, table, step, how, rtol):
    """The portfolio: one row for the sites with the same start AND stop."""
    whole = found.portfolio[found.portfolio["program"] == made.name].set_index(["start", "stop"])
    groups = table.groupby(["start", "stop"])["site_id"].apply(list)
    groups = {edges: [site for site in sites if (site, edges[0]) in settled] for edges, sites in groups.items()}
    groups = {edges: sites for edges, sites in groups.items() if sites}
    assert set(whole.index) == set(groups)
    for edges, sites in groups.items():
        parts = [settled[site, edges[0]] for site in sites]
        told, factor = oracle.settle_sum(parts, pd.Timedelta(step) / pd.Timedelta("1h"), how)
        row = whole.loc[edges]
        assert row["n_sites"] == len(sites)
        assert row["delivered_kwh"] == pytest.approx(sum(part["delivered_kwh"] for part in parts), rel=rtol, abs=1e-6)
        assert row["delivered_sum_then_adjust_kwh"] == pytest.approx(told, rel=rtol, abs=1e-6)
        assert row["factor_of_sum"] == pytest.approx(factor, rel=rtol, abs=1e-9, nan_ok=True)


def programs_of(seed):
    """Each rule with one set of windows; which, turns with the seed."""
    made = []
    for number, (rule, how) in enumerate(RULES):
        windows = WINDOWS[(number + seed) % len(WINDOWS)]
        made.append((program(f"rule_{number}", rule, how, windows), rule, how and {**how, "windows": windows}))
    return made


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: f"{world.tz}-{world.step}")
def test_settlement_is_that_of_the_oracle(oracle, world):
    seed = WORLDS.index(world)
    loads, table = drawn(world, seed)
    programs = programs_of(seed)
    panel = panel_of_loads(loads, world.tz, world.country)
    n_settled = assert_settled_alike(oracle, panel, loads, table, programs, world.tz, world.step, world.holidays)
    assert n_settled > 4 * len(programs)


def test_an_event_within_the_double_hour_hides_no_more_of_the_wall_than_it_must(oracle):
    """One of its events begins late in the first pass of the hour and ends early in the second."""
    world, seed = WORLDS[4], 24
    loads, table = drawn(world, seed)
    nearest = [programs_of(seed)[4]]
    assert nearest[0][1]["rank"] == "nearest"
    assert (
        assert_settled_alike(oracle, panel_of_loads(loads, world.tz), loads, table, nearest, world.tz, world.step) > 20
    )


@pytest.mark.parametrize("world", [WORLDS[0], WORLDS[1]], ids=lambda world: f"{world.tz}-{world.step}")
def test_energy_between_readings_is_that_of_the_oracle_by_overlap(oracle, world):
    seed = 20 + WORLDS.index(world)
    loads, table = drawn(world, seed)
    step, rng = pd.Timedelta(world.step), np.random.default_rng(seed)
    cut = [pd.to_timedelta(rng.integers(0, step.total_seconds() / 2, len(table)), unit="s") for _ in range(2)]
    called = table.assign(start=table["start"] + cut[0], stop=table["stop"] - cut[1])
    programs = programs_of(seed)
    found = settle(panel_of_loads(loads, world.tz, world.country), called, [made for made, _, _ in programs])
    known, n_settled = meters(oracle, loads, table, world.tz, world.step, world.holidays), 0
    for made, rule, how in programs:
        told = slow(oracle, known, rule, how)
        own = found.events[found.events["program"] == made.name].set_index(["site_id", "start"])
        for before, after in zip(table.itertuples(), called.itertuples(), strict=True):
            answer = told[before.site_id, before.start]
            assert (answer is None) == ((after.site_id, after.start) not in own.index)
            if answer is None:
                continue
            line, inside = own.loc[after.site_id, after.start], answer["inside"]
            first, last = inside.index, inside.index + step
            hours = (np.minimum(last, after.stop) - np.maximum(first, after.start)) / pd.Timedelta("1h")
            assert line["hours"] == pytest.approx((after.stop - after.start) / pd.Timedelta("1h"))
            assert line["metered_kwh"] == pytest.approx((inside["metered"] * hours).sum(), abs=1e-7)
            assert line["baseline_kwh"] == pytest.approx((inside["told"] * hours).sum(), abs=1e-7)
            assert line["factor"] == pytest.approx(answer["factor"], nan_ok=True, abs=1e-9)
            n_settled += 1
    assert n_settled > 4 * len(programs)


def test_settlement_of_a_real_building_is_that_of_the_oracle(oracle):
    whole = datasets.load("turin")
    load = (
        whole.data.loc["turin_building", "observed_kw"].loc["2019-03-15":"2019-05-03"].astype("float32").astype(float)
    )
    stamps = [(3, 29, 17), (3, 31, 1), (4, 1, 22), (4, 15, 9), (4, 23, 17), (4, 25, 10), (4, 26, 17), (5, 2, 8)]
    start = pd.DatetimeIndex([pd.Timestamp(2019, m, d, h, 15, tz="Europe/Rome") for m, d, h in stamps])
    start = start.tz_convert("UTC").as_unit("us")
    table = pd.DataFrame({"site_id": "turin_building", "start": start, "stop": start + pd.Timedelta("150min")})
    loads = {"turin_building": load}
    panel = panel_of_loads(loads, "Europe/Rome", "IT")
    # The cube keeps single precision, of which quarters of a kW lose nothing but a real meter does.
    settled = assert_settled_alike(oracle, panel, loads, table, programs_of(1), "Europe/Rome", "15min", ROME, rtol=2e-6)
    assert settled > 3 * len(RULES)


@pytest.mark.parametrize("negative", ["charged", "unpaid"])
def test_quarter_hours_are_paid_by_the_local_hour_they_begin_in(oracle, negative):
    world = WORLDS[4]
    loads, table = drawn(world, 9)
    made, rule, how = programs_of(0)[1]
    price = {hour: 0.05 * (hour + 1) for hour in range(24)}
    contract = Contract(energy_price=price, negative=negative, capacity_price_per_kw_month=3, committed_kw=8)
    found = settle(panel_of_loads(loads, world.tz), table, [made], contract).events.set_index(["site_id", "start"])
    told = slow(oracle, meters(oracle, loads, table, world.tz, world.step), rule, how)
    called = pd.Series(pd.DatetimeIndex(table["start"]).tz_convert(world.tz).strftime("%Y-%m"))
    for (site, start), row in found.iterrows():
        inside = told[site, start]["inside"]
        delivered = (inside["told"] - inside["metered"]) * 0.25
        paid = delivered.clip(lower=0) if negative == "unpaid" else delivered
        hours = inside.index.tz_convert(world.tz).hour
        # To the cent, and energies to the sixth decimal of a kWh by interval, as the contract has it.
        assert float(row["energy_payment"]) == pytest.approx(sum(paid * [price[hour] for hour in hours]), abs=0.00501)
        assert row["unpaid_negative_kwh"] == pytest.approx((delivered - paid).sum(), abs=1e-5)
        month = start.tz_convert(world.tz).strftime("%Y-%m")
        alike = (table["site_id"].to_numpy() == site) & (called == month).to_numpy()
        assert float(row["capacity_payment"]) == pytest.approx(24 / alike.sum(), abs=0.0101)
    assert (found["delivered_kwh"] < 0).any()
