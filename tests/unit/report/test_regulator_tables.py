"""Tables of regulators and system operators: hour endings on odd days, flags, impacts with percentiles."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cblcast.frames.panel import Panel
from cblcast.programs import load_program
from cblcast.report.interval_export import hour_endings, interval_export
from cblcast.report.load_impacts import AVERAGE, load_impacts


def hours_of_day(day: str, zone: str) -> list[str]:
    start = pd.Timestamp(day, tz=zone)
    times = pd.date_range(start, start + pd.DateOffset(days=1), freq="60min", inclusive="left").tz_convert("UTC")
    return list(hour_endings(times.as_unit("us"), zone))


def numbered() -> list[str]:
    return [f"{hour:02d}" for hour in range(1, 25)]


def test_the_long_day_has_02x_and_the_short_day_no_02():
    """ISO New England: 2023-11-05 has 25 hours, 2023-03-12 has 23 (its hour from 01:00 EST ends at 03:00 EDT)."""
    plain = numbered()
    assert hours_of_day("2023-07-01", "America/New_York") == plain
    assert hours_of_day("2023-11-05", "America/New_York") == [*plain[:2], "02X", *plain[2:]]
    assert hours_of_day("2023-03-12", "America/New_York") == [plain[0], *plain[2:]]


def test_the_clock_of_europe_changes_an_hour_later():
    plain = numbered()
    assert hours_of_day("2023-10-29", "Europe/Rome") == [*plain[:3], "03X", *plain[3:]]
    # 01:00 CET ends at 02:00, and the hour from there, 02:00 to 03:00, is the one that the clock skips.
    assert hours_of_day("2023-03-26", "Europe/Rome") == [plain[0], *plain[2:]]


def panel(days: int = 90, zone: str = "America/New_York", first: str = "2023-08-28", noise: float = 0.0) -> Panel:
    """Two sites of 10 and 20 kW by quarter hours, without weather; the clock changes on 2023-11-05."""
    start = pd.Timestamp(first, tz=zone)
    times = (
        pd.date_range(start, start + pd.DateOffset(days=days), freq="15min", inclusive="left")
        .tz_convert("UTC")
        .as_unit("us")
    )
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([["a", "b"], times], names=["site_id", "time"])
    load = np.r_[np.full(len(times), 10.0), np.full(len(times), 20.0)] + noise * rng.standard_normal(2 * len(times))
    sites = pd.DataFrame({"tz": zone, "country": "US"}, index=pd.Index(["a", "b"], name="site_id"))
    return Panel(pd.DataFrame({"observed_kw": load}, index=index), sites)


def events(*starts: str, hours: int = 2, zone: str = "America/New_York") -> pd.DataFrame:
    begin = pd.DatetimeIndex([pd.Timestamp(start, tz=zone) for start in starts]).tz_convert("UTC").as_unit("us")
    frame = pd.DataFrame({"start": begin, "stop": begin + pd.Timedelta(hours=hours)})
    return pd.concat([frame.assign(site_id="a"), frame.assign(site_id="b")], ignore_index=True)[
        ["site_id", "start", "stop"]
    ]


def test_intervals_of_the_period_with_flags():
    found = interval_export(panel(), events("2023-11-04 16:00", "2023-11-06 16:00"))
    own = found[found["asset_id"] == "a"]
    assert len(own) == 4 * (24 + 25 + 24)
    assert (own["event_flag"] == "Y").sum() == 2 * 2 * 4
    flagged = own[own["event_flag"] == "Y"]
    assert sorted(flagged["hour_ending"].unique()) == ["17", "18"]
    twice = own[(own["trade_date"] == "2023-11-05") & own["hour_ending"].isin(["02", "02X"])]
    assert list(twice["minute"]) == [0, 15, 30, 45] * 2
    assert list(twice["interval_start"].iloc[[0, 4]]) == ["2023-11-05T01:00-04:00", "2023-11-05T01:00-05:00"]
    assert own["metered_kwh"].to_numpy() == pytest.approx(2.5)


def test_impacts_are_baseline_less_meter_with_percentiles_in_order():
    meter = panel(noise=1.0)
    called = events("2023-10-24 16:00", "2023-10-26 16:00")
    data = meter.data.copy()
    for row in called.itertuples():
        times = data.index.get_level_values("time")
        within = (data.index.get_level_values("site_id") == row.site_id) & (times >= row.start) & (times < row.stop)
        data.loc[within, "observed_kw"] -= 4.0
    found = load_impacts(Panel(data, meter.sites), called, [load_program("caiso_10in10")])
    assert list(found["event_day"].unique()) == ["2023-10-24", "2023-10-26", AVERAGE]
    assert set(found["hour_ending"]) == {17, 18}
    assert (found["n_sites"] == 2).all()
    assert found["n_sites"].dtype.kind == "i"  # the average day's too: a table of sites has no 2.0
    assert found["load_impact_kw"].to_numpy() == pytest.approx(8.0, abs=2.5)  # 4 kW at each of two sites, noise of 1 kW
    levels = found[[f"impact_p{p}_kw" for p in (10, 30, 50, 70, 90)]].to_numpy()
    assert (np.diff(levels, axis=1) > 0).all()
    width = pd.Series(levels[:, 4] - levels[:, 0], index=[found["event_day"] == AVERAGE, found["hour_ending"]])
    assert (width[True] < width[False].groupby(level=0).min()).all()  # a mean of two days is surer than one
    average = found["event_day"] == AVERAGE
    day = found[found["event_day"] == "2023-10-24"].set_index("hour_ending")
    other = found[found["event_day"] == "2023-10-26"].set_index("hour_ending")
    mean = found[average].set_index("hour_ending")["load_impact_kw"]
    assert mean.to_numpy() == pytest.approx((day["load_impact_kw"] + other["load_impact_kw"]).to_numpy() / 2)
