"""Dates far from all others are named, and nothing is laid out up to them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cblcast.errors import DataError
from cblcast.frames.panel import panel_of
from cblcast.frames.stray import LONGEST_GAP_US, refuse_stray_times
from cblcast.io.calendars import read_holidays
from cblcast.io.event_table import read_events
from cblcast.io.formats import read_meter
from cblcast.io.options import ReaderOptions
from cblcast.io.orders import read_orders
from cblcast.io.prices import read_prices

FAR = ["0001-01-01", "1899-12-31", "1900-01-01", "2040-01-01", "2199-12-31", "2200-01-01", "2919-01-01", "9999-12-31"]


def rows(stray: str, step: str = "15min") -> pd.DataFrame:
    times = pd.date_range("2024-01-01", periods=400, freq=step).to_numpy().astype("M8[us]")
    times = np.r_[times, np.array([stray], "M8[us]")]
    return pd.DataFrame({"site_id": "a", "time": pd.DatetimeIndex(times).tz_localize("UTC"), "observed_kw": 1.0})


@pytest.mark.parametrize("stray", FAR)
@pytest.mark.parametrize("step", ["1s", "15min", "1h"])
def test_a_panel_names_it(stray, step):
    with pytest.raises(DataError, match=f"{stray}.*mend the date|to {stray}, and"):
        panel_of(rows(stray, step))


def test_a_panel_that_would_be_far_larger_than_what_was_metered_is_refused():
    with pytest.raises(DataError, match="no row from 2024-01-01 to 2025-06-01, and 44,669,201 rows at 0 days 00:00:01"):
        panel_of(rows("2025-06-01", "1s"))
    assert len(panel_of(rows("2025-06-01", "1h")).data) == 12_409


@pytest.mark.parametrize("stray", FAR)
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_reader_names_its_line(tmp_path, stray, suffix):
    path = tmp_path / f"m{suffix}"
    frame = rows(stray)
    if suffix == ".csv":
        text = frame["time"].dt.tz_localize(None).to_numpy().astype(str)
        frame.assign(time=[f"{time[:16]}Z" for time in text]).to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    with pytest.raises(DataError, match=r"(line|row) [0-9]+ of m.*mend the date"):
        read_meter(str(path), options=ReaderOptions(tz="UTC"))


PANEL = panel_of(rows("2024-01-06"))


@pytest.mark.parametrize("stray", FAR)
def test_events_prices_and_holidays_name_their_line(tmp_path, stray):
    path = tmp_path / "x.csv"
    good = "".join(f"a,2024-01-0{day}T10:00Z,2024-01-0{day}T12:00Z\n" for day in (2, 3, 4))
    for bad in (f"a,{stray}T10:00Z,{stray}T12:00Z", f"a,2024-01-05T10:00Z,{stray}T12:00Z"):
        path.write_text(f"site_id,start,stop\n{good}{bad}\n")
        with pytest.raises(DataError, match=r"line 5 of x.csv"):
            read_events(path, PANEL)
    path.write_text(
        "time,price_per_mwh\n" + "".join(f"2024-01-01T{h:02d}:00Z,{h}\n" for h in range(24)) + f"{stray}T00:00Z,5\n"
    )
    with pytest.raises(DataError, match=r"line 26 of x.csv"):
        read_prices(path)
    calendar = tmp_path / "c.ics"
    lines = (
        "BEGIN:VCALENDAR",
        "BEGIN:VEVENT",
        "DTSTART;VALUE=DATE:20240101",
        f"DTEND;VALUE=DATE:{stray.replace('-', '')}",
        "END:VEVENT",
        "END:VCALENDAR",
    )
    calendar.write_text("\n".join(lines))
    with pytest.raises(DataError, match=r"the event at line 2 of c.ics (lasts|ends)"):
        read_holidays(calendar, 2024, 2024)


def test_a_holiday_of_a_million_days_is_refused(tmp_path):
    calendar = tmp_path / "c.ics"
    lines = (
        "BEGIN:VCALENDAR",
        "BEGIN:VEVENT",
        "DTSTART;VALUE=DATE:20240101",
        "DURATION:P1000000000D",
        "END:VEVENT",
        "END:VCALENDAR",
    )
    calendar.write_text("\n".join(lines))
    with pytest.raises(DataError, match="lasts longer than 366 days"):
        read_holidays(calendar, 2024, 2024)


@pytest.mark.parametrize("column", ["start", "transaction"])
def test_an_order_book_names_its_line_but_validity_may_be_for_ever(tmp_path, column):
    path = tmp_path / "o.csv"
    good = {
        "initial": 1, "side": "BUY", "start": "2024-01-02T10:00:00Z", "transaction": "2024-01-01T10:00:00Z",
        "validity": "2024-01-02T09:00:00Z", "price": 50.0, "quantity": 1.0,
    }  # fmt: skip
    for changes, fine in (({"validity": "2199-12-31T00:00:00Z"}, True), ({column: "2099-01-01T10:00:00Z"}, False)):
        pd.DataFrame([good, {**good, "initial": 2}, {**good, "initial": 3, **changes}]).to_csv(path, index=False)
        if fine:
            assert len(read_orders(path)) == 3
            continue
        with pytest.raises(DataError, match=r"line 4 of o.csv has a (start|time) of 2099-01-01, 75 years"):
            read_orders(path)


@pytest.mark.parametrize(
    ("start", "stop"), [("2024-01-03", "2024-01-02"), ("2024-01-02", "9999-01-01"), ("2024-01-02", "2040-01-01")]
)
def test_a_mask_without_end_is_refused(start, stop):
    start, stop = (pd.DatetimeIndex(np.array([edge], "M8[us]")).tz_localize("UTC") for edge in (start, stop))
    with pytest.raises(DataError, match="the event of site 'a' lasts from"):
        PANEL.with_events(pd.DataFrame({"site_id": ["a"], "start": start, "stop": stop}))


@given(st.lists(st.integers(0, 40 * 365), min_size=1, max_size=20))
def test_it_is_the_longest_gap_of_the_sorted_times(days):
    us = np.array(days, dtype=np.int64) * 86_400_000_000
    gaps = np.diff(np.sort(us))
    far = bool(len(gaps) and gaps.max() > LONGEST_GAP_US)
    try:
        refuse_stray_times(us, str)
    except DataError:
        refused = True
    else:
        refused = False
    assert refused == far
