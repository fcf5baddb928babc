"""Sites that export: what excludes their days, what a ratio may do, and their channels; loads are drawn, so the truth is known."""

import numpy as np
import pandas as pd
import pytest

from cblcast.errors import DataError
from cblcast.frames.panel import panel_of
from cblcast.programs import load_program
from cblcast.settlement import settle

EVENT = pd.Timestamp("2019-06-12 12:00", tz="UTC")  # a Wednesday at noon


def site(today=None, **channels):
    """Imports 10 kW at night, exports 40 kW from 10 to 15 h, every day alike; `today` by hour on the event day."""
    times = pd.date_range("2019-04-15", "2019-06-14", freq="h", tz="UTC", inclusive="left", unit="us")
    load = pd.Series(np.where((times.hour >= 10) & (times.hour < 15), -40.0, 10.0), times)
    for hour, kw in (today or {}).items():
        load[pd.Timestamp(f"2019-06-12 {hour:02d}:00", tz="UTC")] = kw
    frame = pd.DataFrame({"site_id": "solar", "time": times, "observed_kw": load.to_numpy()})
    for name, make in channels.items():
        frame[name] = make(load.to_numpy())
    return panel_of(frame, "UTC", country="none")


def event():
    return pd.DataFrame({"site_id": ["solar"], "start": [EVENT], "stop": [EVENT + pd.Timedelta("1h")]})


def line(panel, *programs, **more):
    told = settle(panel, event(), programs, **more)
    assert not told.partial, told.problems["reason"].tolist()
    return told.events.iloc[0]


@pytest.mark.parametrize("name", ["pjm_economic", "nyiso_average_day", "kpx_mid6of10_factory", "erab_high4of5"])
def test_normal_days_of_an_exporting_site_are_not_excluded(name):
    # 25 % of a mean of -40 kW is -10: every normal day lay below it, and no event of such a site had a baseline.
    assert line(site(), name)["unadjusted_kwh"] == pytest.approx(-40)


def test_a_ratio_does_not_turn_more_load_into_more_export():
    # The window meets 15 kW where the baseline says 10: capped at 1.5 the ratio claimed an export of 60 kW, so that a day
    # that delivered nothing was charged 20 kWh (delivered -60 where the truth is 0 and the unadjusted says -40 of another day).
    rule = load_program("caiso_10in10")
    wide = rule.model_copy(update={"adjustment": rule.adjustment.model_copy(update={"cap": (0.5, 1.5)})})
    morning = {hour: 15.0 for hour in (6, 7, 8, 9)}
    early = wide.model_copy(
        update={
            "adjustment": wide.adjustment.model_copy(
                update={"windows": (type(wide.adjustment.windows[0]).before(3, 2),)}
            )
        }
    )
    told = line(site(morning), early)
    assert told["baseline_kwh"] == told["unadjusted_kwh"] == pytest.approx(-40)
    assert told["adjustment"] == "none"
    assert told["remarks"] == "not adjusted: a ratio means nothing at this window"
    assert told["delivered_kwh"] == pytest.approx(0)


def test_the_net_metered_mode_shifts_and_says_so():
    rule = load_program("caiso_10in10")
    own = rule.adjustment.model_copy(update={"windows": (type(rule.adjustment.windows[0]).before(3, 2),)})
    morning = {hour: 15.0 for hour in (7, 8, 9)}
    told = line(site(morning | {12: -35.0}), rule.model_copy(update={"adjustment": own}), net_metered=True)
    assert (told["factor"], told["adjustment"]) == (5.0, "additive")
    assert told["baseline_kwh"] == pytest.approx(-35)
    assert told["delivered_kwh"] == pytest.approx(0)
    assert told["remarks"] == "shifted: a ratio means nothing here"
    # The cap of 0.8-1.2 holds a shift by a fifth of the mean baseline: 8 kW.
    hot = {hour: 30.0 for hour in (7, 8, 9)}
    assert line(site(hot), rule.model_copy(update={"adjustment": own}), net_metered=True)["factor"] == pytest.approx(
        8.0
    )


def test_a_program_can_settle_one_channel():
    panel = site(
        {12: -10.0},
        import_kw=lambda load: np.maximum(load, 0),
        export_kw=lambda load: np.maximum(-load, 0),
    )
    rule = load_program("isone_10of10")
    exported = line(panel, rule.model_copy(update={"channel": "export_kw"}))
    assert (exported["metered_kwh"], exported["baseline_kwh"]) == (10, pytest.approx(40))
    imported = line(panel, rule.model_copy(update={"channel": "import_kw"}))
    assert (imported["metered_kwh"], imported["baseline_kwh"]) == (0, pytest.approx(0))
    with pytest.raises(DataError, match="settles the channel 'export_kw', which the meter data lack"):
        settle(site(), event(), [rule.model_copy(update={"channel": "export_kw"})])


@pytest.mark.filterwarnings("ignore:the panel. a spike")  # that is what is tried
def test_the_event_of_a_channel_is_hidden_from_its_baseline():
    spoiled = {hour: 500.0 for hour in (12,)}
    rule = load_program("isone_10of10").model_copy(update={"channel": "ev_kw"})
    first, second = (line(site(today, ev_kw=lambda load: load + 50), rule)["baseline_kwh"] for today in (None, spoiled))
    assert first == second == pytest.approx(10)
