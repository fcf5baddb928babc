"""Every rule of the catalogue on days whose load is one number a day, so that the answer can be computed by hand.

All panels are in UTC without holidays; the event is Wednesday 2024-03-20, 17-20 h, unless the test says otherwise.
Loads are written newest day first. Three tests hold mistakes found in public code.
"""

import numpy as np
import pandas as pd
import pytest

from cblcast.frames.events import Event
from cblcast.frames.panel import panel_of
from cblcast.programs import explain, explain_event, list_programs, load_program

EVENT_DAY = "2024-03-20"
WORKING = [day for day in pd.date_range("2023-10-01", "2024-03-19") if day.day_of_week < 5][::-1]
REST = [day for day in pd.date_range("2023-10-01", "2024-03-22") if day.day_of_week >= 5][::-1]


def made(loads, *, today=None, other=1000.0, days=WORKING, event_day=EVENT_DAY, temperature=None, masked=(), **site):
    """A panel: `loads` on the newest `days`, `other` on all older and other days, `today` by hour on the event day."""
    dates = pd.date_range("2023-10-01", pd.Timestamp(event_day) + pd.Timedelta(days=1))
    level = pd.Series(other, index=dates)
    level.loc[list(days[: len(loads)])] = loads
    hourly = level.repeat(24).set_axis(pd.date_range(dates[0], periods=24 * len(dates), freq="h", tz="UTC"))
    for hour, load in (today or {}).items():
        hourly[pd.Timestamp(f"{event_day} {hour:02d}:00", tz="UTC")] = load
    frame = pd.DataFrame({"site_id": "a", "time": hourly.index, "observed_kw": hourly.to_numpy(dtype=float)})
    if temperature is not None:
        warmth = pd.Series(99.0, index=dates)
        warmth.loc[list(temperature)] = list(temperature.values())
        frame["temp_air_c"] = warmth.repeat(24).to_numpy()
    panel = panel_of(frame, **site)
    if masked:
        stamps = pd.DatetimeIndex([pd.Timestamp(f"{day} 17:00", tz="UTC") for day in masked])
        panel = panel.with_events(pd.DataFrame({"site_id": "a", "start": stamps, "stop": stamps + pd.Timedelta("3h")}))
    return panel


def worked(name, panel, day=EVENT_DAY, start=17, stop=20):
    at = [pd.Timestamp(f"{day} {hour:02d}:00", tz="UTC") for hour in (start, stop)]
    return explain_event(load_program(name), panel, Event("a", *at))


def hours(first, last, load):
    return dict.fromkeys(range(first, last), load)


def test_caiso_10in10_is_the_mean_of_ten_and_its_ratio_is_capped():
    # mean(1 … 10) = 5.5. Window 13-16 h (3 h ending 1 h before 17 h): meter 6.05 → factor 1.1 → 6.05 kW.
    told = worked("caiso_10in10", made(range(1, 11), today=hours(13, 16, 6.05) | {16: 900.0}))
    assert told.intervals["unadjusted_kw"].tolist() == pytest.approx([5.5] * 3)
    assert told.adjustment["raw"] == pytest.approx(1.1)
    assert told.intervals["baseline_kw"].tolist() == pytest.approx([6.05] * 3)
    # Meter 11 → factor 2, capped at 1.2 → 6.6 kW; meter 1.1 → 0.2, capped at 0.8 → 4.4 kW.
    for meter, raw, capped, baseline in ((11.0, 2.0, 1.2, 6.6), (1.1, 0.2, 0.8, 4.4)):
        told = worked("caiso_10in10", made(range(1, 11), today=hours(13, 16, meter)))
        assert (told.adjustment["raw"], told.adjustment["applied"]) == pytest.approx((raw, capped))
        assert told.intervals["baseline_kw"].iloc[0] == pytest.approx(baseline)


def test_caiso_10in10_is_4_in_4_at_the_weekend():
    # Saturday 2024-03-23; the four rest days before it: 4, 6, 8, 10 → 7 (working days would give 1000).
    panel = made(
        [4.0, 6.0, 8.0, 10.0],
        days=[day for day in REST if day < pd.Timestamp("2024-03-23")],
        event_day="2024-03-23",
        today=hours(13, 16, 7.0),
    )
    assert worked("caiso_10in10", panel, day="2024-03-23").intervals["baseline_kw"].tolist() == pytest.approx([7.0] * 3)


def test_event_days_are_passed_over():
    # The two newest days were events: the ten qualified days are 3 … 12 → 7.5, and both fall out by name.
    panel = made(range(1, 13), today=hours(13, 16, 7.5), masked=["2024-03-19", "2024-03-18"])
    told = worked("caiso_10in10", panel)
    assert told.intervals["baseline_kw"].iloc[0] == pytest.approx(7.5)
    assert told.days["reason"].tolist()[:2] == ["day of a real event"] * 2


def test_nyiso_mistake_the_factor_is_that_of_the_five_chosen_days_and_capped():
    # Gap day 2024-03-19 (999) is not used. Ten qualified: 60 70 80 90 100 40 45 50 55 58; highest five mean 80.
    # Window 13-15 h (2 h starting 4 h before). Meter 88: factor 88/80 = 1.1. The public script divides by the mean of
    # all ten, 64.8, and gets 1.358.
    loads = [999.0, 60, 70, 80, 90, 100, 40, 45, 50, 55, 58]
    told = worked("nyiso_average_day", made(loads, other=50.0, today=hours(13, 15, 88.0) | hours(15, 17, 500.0)))
    assert told.intervals["unadjusted_kw"].iloc[0] == pytest.approx(80.0)
    assert told.adjustment["raw"] == pytest.approx(1.1)
    assert told.intervals["baseline_kw"].iloc[0] == pytest.approx(88.0)
    assert told.days["reason"].iloc[0] == "too close to the event"
    # Meter 120: factor 1.5. The public script pays 80 × 1.5 = 120 kW; the rule caps at 1.2: 96 kW.
    told = worked("nyiso_average_day", made(loads, other=50.0, today=hours(13, 15, 120.0)))
    assert (told.adjustment["raw"], told.adjustment["applied"]) == pytest.approx((1.5, 1.2))
    assert told.intervals["baseline_kw"].iloc[0] == pytest.approx(96.0)


def test_nyiso_passes_over_days_below_a_quarter_of_the_seed():
    # Seed: the highest event-hours mean of the look-back, 200. 40 < 0.25 × 200 falls out, 50 does not.
    loads = [999.0, 40, 50, 60, 70, 80, 90, 100, 100, 100, 100, 200]
    told = worked("nyiso_average_day", made(loads, other=100.0, today=hours(13, 15, 118.0)))
    assert told.days.loc[told.days["event_hours_kw"] == 40, "reason"].tolist() == ["load too low"]
    # Ten of 50 60 70 80 90 100 100 100 100 200: highest five 200, 100, 100, 100, 100 → 120.
    assert told.intervals["unadjusted_kw"].iloc[0] == pytest.approx(120.0)


def test_nyiso_has_no_rule_for_a_holiday():
    panel = made([50.0], days=[pd.Timestamp("2023-12-29")], other=50.0, event_day="2024-01-01", country="US")
    told = worked("nyiso_average_day", panel, day="2024-01-01")
    assert told.intervals["baseline_kw"].isna().all()
    assert "no baseline" in told.note


def test_pjm_mistake_4_of_5_shifted_with_a_buffer_and_no_clip():
    # Newest five 10 20 30 40 50: highest four mean 35. Window 13-16 h meters 65: shift +30 → 65 kW. The hour before the
    # event (900) is buffered. The public "PJM" (highest 5 of 10, clipped to 1.3, no buffer) cannot give that: its
    # factor would be clipped to 1.3.
    panel = made([10.0, 20, 30, 40, 50, 12, 12, 12, 12, 12], today=hours(13, 16, 65.0) | {16: 900.0})
    told = worked("pjm_economic", panel)
    assert told.intervals["unadjusted_kw"].iloc[0] == pytest.approx(35.0)
    assert told.adjustment["raw"] == told.adjustment["applied"] == pytest.approx(30.0)
    assert told.intervals["baseline_kw"].iloc[0] == pytest.approx(65.0)
    assert told.intervals["baseline_kw"].iloc[0] > 1.3 * 35
    # Symmetric: a meter of 5 lowers the baseline to 5.
    told = worked("pjm_economic", made([10.0, 20, 30, 40, 50], today=hours(13, 16, 5.0)))
    assert told.intervals["baseline_kw"].iloc[0] == pytest.approx(5.0)


def test_pjm_passes_over_a_day_below_a_quarter_of_the_mean_and_takes_the_next():
    # Newest five 4 20 30 40 50: mean 28.8, a quarter 7.2 > 4, so 4 falls out and the sixth day (60) comes in:
    # 20 30 40 50 60, highest four mean 45.
    told = worked("pjm_economic", made([4.0, 20, 30, 40, 50, 60], today=hours(13, 16, 45.0)))
    assert told.days["reason"].iloc[0] == "load too low"
    assert told.intervals["baseline_kw"].iloc[0] == pytest.approx(45.0)


def test_pjm_looks_60_days_back_when_45_hold_too_few():
    # Every working day of the last 45 calendar days but two was an event; beyond lie loads of 80, 90, 100.
    recent = [day for day in WORKING if day >= pd.Timestamp(EVENT_DAY) - pd.Timedelta(days=45)]
    loads = [70.0, 60.0] + [1.0] * (len(recent) - 2) + [80.0, 90.0, 100.0]
    masked = [str(day.date()) for day in recent[2:]]
    told = worked("pjm_economic", made(loads, today=hours(13, 16, 85.0), masked=masked))
    # Five: 70 60 80 90 100; highest four mean 85.
    assert told.intervals["unadjusted_kw"].iloc[0] == pytest.approx(85.0)


def test_pjm_same_day_is_hours_ending_9_to_11_and_19_to_20_of_an_event_in_hours_ending_13_to_17():
    # The example of Manual 11 (RTO Insider): event 12-17 h; 08-11 h at 6 and 18-20 h at 11: (3 × 6 + 2 × 11) / 5 = 8.
    today = hours(8, 11, 6.0) | hours(18, 20, 11.0) | {11: 500.0, 17: 500.0}
    told = worked("pjm_same_day", made([1.0] * 30, today=today), start=12, stop=17)
    assert told.intervals["baseline_kw"].tolist() == pytest.approx([8.0] * 5)


def test_pjm_match_day_compares_the_hours_outside_the_event_and_its_neighbours():
    # The event day is 10 kW but 500 at 16 h and 20 h (the hours beside the event). Loads 9, 10, 12, 30, 30, …:
    # differences 1, 0, 2, 20: the mean of 9, 10, 12.
    today = hours(0, 24, 10.0) | {16: 500.0, 20: 500.0}
    told = worked("pjm_match_day", made([9.0, 30, 10, 30, 12] + [30.0] * 60, today=today))
    assert told.intervals["baseline_kw"].iloc[0] == pytest.approx(31 / 3)
    assert told.days.loc[told.days["selected"], "ranked_by"].tolist() == pytest.approx([1.0, 0.0, 2.0])


def test_ercot_mistake_middle_8_of_10_is_not_the_highest_10_of_45_days():
    # Newest ten 1 … 10: drop 1 and 10, mean(2 … 9) = 5.5. Older days are 100 kW: the mistaken rule gives 100.
    told = worked("ercot_mid8of10", made([*range(1, 11), *[100.0] * 60], today=hours(14, 16, 5.5)))
    assert told.intervals["baseline_kw"].iloc[0] == pytest.approx(5.5)
    assert sorted(told.days.loc[told.days["selected"], "event_hours_kw"]) == pytest.approx(range(2, 10))


def test_ercot_nearest20_and_matching_pairs():
    told = worked("ercot_nearest20", made([*range(1, 21), *[100.0] * 60], today=hours(14, 16, 10.5)))
    assert told.intervals["baseline_kw"].iloc[0] == pytest.approx(10.5)  # mean(1 … 20)
    # A pair is alike only if both days are: the day itself like today (10), and its eve like the event's eve (50).
    alternating = [50.0, 10.0] * 60
    told = worked("ercot_matching_day_pair", made(alternating, today=hours(0, 24, 10.0)))
    assert told.intervals["baseline_kw"].iloc[0] == pytest.approx(10.0)


def test_ercot_meter_before():
    told = worked("ercot_meter_before_after", made([1.0] * 10, today={16: 42.0}))
    assert told.intervals["baseline_kw"].tolist() == pytest.approx([42.0] * 3)


def test_ieso_15_of_20():
    # mean(6 … 20) = 13; window meter 19.5 → 1.5 → capped 1.2 → 15.6.
    told = worked("ieso_15of20", made(range(1, 21), today=hours(13, 16, 19.5)))
    assert told.intervals["unadjusted_kw"].iloc[0] == pytest.approx(13.0)
    assert told.intervals["baseline_kw"].iloc[0] == pytest.approx(15.6)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # The ten days before 20 March: working days 1 … 7 and 1000 on the 17th, 16th and 10th: (28 + 3000) / 10 = 302.8.
        ("aemo_wdrm_all_days", 302.8),
        ("aemo_wdrm_business", 5.5),
        ("aemo_wdrm_composite", 5.5),
        ("aemo_wdrm_non_business", None),
    ],
)
def test_aemo_variants(name, expected):
    told = worked(name, made(range(1, 11), today=hours(13, 16, expected or 1.0)))
    if expected is None:
        assert told.intervals["baseline_kw"].isna().all()
    else:
        assert told.intervals["baseline_kw"].iloc[0] == pytest.approx(expected)


def test_kpx_middle_six_weighted_and_shifted():
    # Newest ten 100 … 109: none below 0.75 × 104.5; the middle six are 102 … 107.
    loads = [float(load) for load in range(100, 110)]
    told = worked("kpx_mid6of10", made(loads, today=hours(15, 17, 110.5)))
    assert told.intervals["unadjusted_kw"].iloc[0] == pytest.approx(104.5)
    assert told.adjustment["applied"] == pytest.approx(6.0)
    # Weights 0.10 0.15 0.15 0.15 0.20 0.25, oldest (107) first: 10.7 + 15.9 + 15.75 + 15.6 + 20.6 + 25.5 = 104.05.
    told = worked("kpx_mid6of10_weighted", made(loads, today=hours(15, 17, 104.05)))
    assert told.intervals["baseline_kw"].iloc[0] == pytest.approx(104.05)


def test_kpx_factories_drop_days_above_125_percent():
    # Newest ten: 100 nine times and 200: mean 110; 200 > 137.5 falls out only for factories, the next day (100) comes in.
    loads = [200.0] + [100.0] * 15
    plain = worked("kpx_mid6of10", made(loads, today=hours(15, 17, 100.0)))
    factory = worked("kpx_mid6of10_factory", made(loads, today=hours(15, 17, 100.0)))
    assert plain.days["reason"].iloc[0] == "qualified"
    assert factory.days["reason"].iloc[0] == "load too high"
    assert factory.intervals["baseline_kw"].iloc[0] == pytest.approx(100.0)


def test_kpx_looks_at_twice_y_days_of_the_type():
    # Max(4/5): 10 candidates. Six of them events leaves 4 < 5: no baseline, though older days would qualify.
    masked = [str(day.date()) for day in WORKING[:6]]
    told = worked("kpx_max4of5", made([50.0] * 30, masked=masked))
    assert told.intervals["baseline_kw"].isna().all()
    # Drop the lowest of 80 90 100 110 120: 105.
    told = worked("kpx_max4of5", made([80.0, 90, 100, 110, 120], today=hours(15, 17, 105.0)))
    assert told.intervals["baseline_kw"].iloc[0] == pytest.approx(105.0)


def test_isone_legacy_weighs_each_day_nine_tenths_of_the_next():
    # Only five days were metered otherwise than as events: 10 20 30 40 50 newest first, weights 1 .9 .81 .729 .6561:
    # (10 + 18 + 24.3 + 29.16 + 32.805) / 4.0951 = 27.9029.
    masked = [str(day.date()) for day in WORKING[5:]]
    told = worked("isone_90_10_legacy", made([10.0, 20, 30, 40, 50], masked=masked))
    assert told.intervals["baseline_kw"].iloc[0] == pytest.approx(114.265 / 4.0951)


def test_isone_since_2018_takes_ten_days_of_one_type():
    assert worked("isone_10of10", made(range(1, 11))).intervals["baseline_kw"].iloc[0] == pytest.approx(5.5)


def test_erab_shifts_by_the_hours_from_5_to_2_before():
    # Newest five 10 20 30 40 50, highest four 35; window 12-15 h meters 40: +5.
    told = worked("erab_high4of5", made([10.0, 20, 30, 40, 50], today=hours(12, 15, 40.0) | hours(15, 17, 900.0)))
    assert told.intervals["baseline_kw"].iloc[0] == pytest.approx(40.0)


@pytest.mark.parametrize(
    ("meter", "contract", "expected"),
    [
        (13.0, 100.0, 13.0),  # mean(1 … 20) = 10.5, shift +2.5
        (13.0, 12.0, 12.0),  # never more than the contracted capacity
        (-20.0, 100.0, 0.0),  # shift -30.5 would be negative: floored at 0
    ],
)
def test_taipower_meets_the_meter_from_22_to_24_h(meter, contract, expected):
    panel = made(range(1, 21), today=hours(22, 24, meter), contract_kw=contract)
    assert worked("taipower_20day", panel).intervals["baseline_kw"].tolist() == pytest.approx([expected] * 3)


def test_taipower_event_over_the_clock_window_is_not_adjusted():
    told = worked("taipower_20day", made(range(1, 21), contract_kw=100.0), start=21, stop=23)
    assert told.intervals["baseline_kw"].tolist() == pytest.approx([10.5] * 2)
    assert not told.adjustment


def test_elexon_bl01():
    # Working: middle 8 of 1 … 10 = 5.5; rest days: middle 2 of 4, 6, 8, 10 = 7.
    assert worked("elexon_bl01", made(range(1, 11), today=hours(13, 16, 5.5))).intervals["baseline_kw"].iloc[
        0
    ] == pytest.approx(5.5)
    panel = made(
        [4.0, 6.0, 8.0, 10.0],
        days=[day for day in REST if day < pd.Timestamp("2024-03-23")],
        event_day="2024-03-23",
        today=hours(13, 16, 7.0),
    )
    assert worked("elexon_bl01", panel, day="2024-03-23").intervals["baseline_kw"].iloc[0] == pytest.approx(7.0)


def test_gb_dfs_meets_the_three_hours_before():
    told = worked("gb_dfs@2022", made(range(1, 11), today=hours(14, 17, 8.5)))
    assert told.adjustment["applied"] == pytest.approx(3.0)
    assert told.intervals["baseline_kw"].iloc[0] == pytest.approx(8.5)


def test_caiso_residential_adjusts_before_and_after_together():
    # Highest five of 1 … 10: 8. Windows 13-15 h and 22-24 h (2 h buffers): meters 6 and 12: factor (12 + 24) / 32 = 1.125.
    told = worked("caiso_5in10_residential", made(range(1, 11), today=hours(13, 15, 6.0) | hours(22, 24, 12.0)))
    assert told.adjustment["raw"] == pytest.approx(1.125)
    assert told.intervals["baseline_kw"].iloc[0] == pytest.approx(9.0)
    # Meters of 2 everywhere: 0.25, held at 0.71; PG&E's, whose cap is not known, goes to 0.25.
    low = made(range(1, 11), today=hours(13, 15, 2.0) | hours(22, 24, 2.0))
    assert worked("caiso_5in10_residential", low).intervals["baseline_kw"].iloc[0] == pytest.approx(8 * 0.71)
    assert worked("pge_power_saver", low).intervals["baseline_kw"].iloc[0] == pytest.approx(2.0)


def test_residential_weekend_weighs_the_newest_most():
    # Saturday: rest days newest first 5 1 4 2 3: highest three 5, 4, 3 with 50, 30, 20 %: 2.5 + 1.2 + 0.6 = 4.3.
    panel = made(
        [5.0, 1, 4, 2, 3],
        days=[day for day in REST if day < pd.Timestamp("2024-03-23")],
        event_day="2024-03-23",
        today=hours(13, 15, 4.3) | hours(22, 24, 4.3),
    )
    assert worked("pge_power_saver", panel, day="2024-03-23").intervals["unadjusted_kw"].iloc[0] == pytest.approx(4.3)


def test_caiso_weather_matching_takes_the_four_days_nearest_in_temperature():
    # Event day 30 °C; 2nd, 4th, 5th and 7th newest days have 29, 30.5, 31, 28: loads 2, 4, 5, 7 → 4.5.
    degrees = {WORKING[1]: 29.0, WORKING[3]: 30.5, WORKING[4]: 31.0, WORKING[6]: 28.0, pd.Timestamp(EVENT_DAY): 30.0}
    told = worked("caiso_weather_matching", made(range(1, 11), temperature=degrees, today=hours(13, 16, 4.5)))
    assert told.intervals["baseline_kw"].iloc[0] == pytest.approx(4.5)


def test_pge_cbp_caps_at_40_percent():
    told = worked("pge_cbp", made(range(1, 11), today=hours(13, 16, 11.0)))
    assert told.intervals["baseline_kw"].iloc[0] == pytest.approx(5.5 * 1.4)


def test_rte_and_elia():
    assert worked("rte_nebef_rectangle", made([1.0], today={16: 9.0})).intervals["baseline_kw"].iloc[
        0
    ] == pytest.approx(9.0)
    both = worked("rte_nebef_rectangle_algebraic", made([1.0], today={16: 9.0, 20: 5.0}))
    assert both.intervals["baseline_kw"].iloc[0] == pytest.approx(7.0)
    # The four Wednesdays before: working days 5, 10, 15 and 20 → 12.5.
    assert worked("rte_nebef_history", made(range(1, 26))).intervals["baseline_kw"].iloc[0] == pytest.approx(12.5)
    assert worked("elia_high_x_of_y", made(range(1, 6), today=hours(13, 16, 3.5))).intervals["baseline_kw"].iloc[
        0
    ] == pytest.approx(3.5)


def test_a_generator_is_owed_what_it_gives_beyond_its_typical_output():
    # Ten days of 1 … 10 kW of output: 5.5 kW is typical. 12 kW in the event are 6.5 kW beyond it, which are delivered.
    told = worked("caiso_mgo", made(range(1, 11), today=hours(17, 20, 12.0)))
    assert told.intervals["baseline_kw"].tolist() == pytest.approx([-5.5] * 3)
    assert told.energies["delivered_kwh"] == pytest.approx(3 * 6.5)


def test_sub_meters_are_settled_by_rules_of_their_own_whatever_the_site_does():
    panel = made([1000.0] * 12, today=hours(0, 24, 1000.0))
    own = made(range(1, 11), today=hours(13, 16, 99.0) | hours(17, 20, 2.0)).data["observed_kw"]
    wired = type(panel)(panel.data.assign(ev_kw=own, battery_kw=own), panel.sites)
    # Charging stations: mean 5.5 kW, whatever they drew before the event; 2 kW in it, so 3.5 kW are delivered.
    told = worked("submetered_ev", wired)
    assert told.energies["delivered_kwh"] == pytest.approx(3 * 3.5)
    # The same figures as a battery's output: 2 kW where 5.5 are typical are 3.5 kW too few.
    assert worked("submetered_battery", wired).energies["delivered_kwh"] == pytest.approx(-3 * 3.5)


def test_declared_schedules_are_read_from_the_panel():
    panel = made([1.0] * 10)
    declared = panel.data.assign(declared_kw=np.where(panel.data["observed_kw"] > 0, 77.0, np.nan))
    from cblcast.frames.panel import Panel

    for name in ("rte_nebef_forecast", "elia_declared"):
        told = worked(name, Panel(declared, panel.sites))
        assert told.intervals["baseline_kw"].tolist() == [77.0] * 3


def test_a_control_group_is_the_load_of_those_who_were_not_dispatched():
    # Five controls draw what the site draws, but 40 kW in the event hours instead of 20: per unit of equal history.
    from cblcast.frames.panel import Panel

    own = made([20.0] * 60, other=20.0).data.droplevel("site_id")
    started = pd.Timestamp(f"{EVENT_DAY} 17:00", tz="UTC")
    inside = (own.index >= started) & (own.index < started + pd.Timedelta("3h"))
    shape = pd.Series(20.0 + np.sin(np.arange(len(own))), index=own.index)
    load = {"a": shape, **{f"c{k}": shape.where(~inside, 2 * shape) * (1 + k / 10) for k in range(5)}}
    frame = pd.concat(
        {name: each.rename("observed_kw").to_frame() for name, each in load.items()}, names=["site_id", "time"]
    )
    sites = pd.DataFrame({"tz": "UTC", "group": ["treated", *["control"] * 5]}, index=pd.Index(load, name="site_id"))
    told = worked("rte_nebef_panel", Panel(frame, sites))
    assert told.intervals["baseline_kw"].to_numpy() == pytest.approx(2 * shape[inside].to_numpy(), rel=1e-4)
    # CAISO asks for at least 200 customers.
    assert worked("caiso_control_group", Panel(frame, sites)).intervals["baseline_kw"].isna().all()


def test_ercots_regression_learns_from_the_days_before():
    # 10 kW on working days and 4 kW at weekends, whatever the temperature: so is the Wednesday of the event.
    working = made([10.0] * len(WORKING), other=4.0, today=hours(14, 16, 10.0))
    warm = working.data.assign(temp_air_c=15.0 + 5 * np.sin(np.arange(len(working.data)) / 100))
    from cblcast.frames.panel import Panel

    told = worked("ercot_regression", Panel(warm, working.sites))
    assert told.intervals["baseline_kw"].to_numpy() == pytest.approx([10.0] * 3, abs=0.05)


@pytest.mark.parametrize("program", list_programs(), ids=lambda program: program.name)
def test_every_program_says_what_it_does_and_how_sure_that_is(program):
    text = explain(program)
    for part, evidence in program.evidence.items():
        assert f"{part}: {evidence.source}; as of {evidence.as_of}; {evidence.confidence}" in text
    assert ("Not an official statement" in text) is any(e.confidence != "V" for e in program.evidence.values())
    if program.adjustment is not None:
        assert {"adjustment", "selection"} <= set(program.evidence)
