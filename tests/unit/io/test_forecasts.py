"""Files of forecast runs: what they are called, their clocks, members, means, units, and what is wrong with them."""

import numpy as np
import pandas as pd
import pytest

from cblcast.errors import DataWarning, StudyError
from cblcast.frames.instants import stamps
from cblcast.frames.outlook import then_known
from cblcast.frames.panel import panel_of
from cblcast.frames.schema import DataError
from cblcast.io.forecasts import read_forecasts, with_forecasts
from cblcast.io.tabular import read_panel

START = pd.Timestamp("2020-01-01", tz="UTC")


def long(leads=range(25), issues=4, every="12h", **columns):
    """Runs from the first of January 2020, UTC, wind by lead."""
    issue = pd.date_range(START, periods=issues, freq=every)
    frame = pd.MultiIndex.from_product([issue, leads], names=["issue_time", "lead"]).to_frame(index=False)
    frame["valid_time"] = frame["issue_time"] + pd.to_timedelta(frame.pop("lead"), unit="h")
    frame["wind_speed_100m_ms"] = np.arange(len(frame)) % 20 / 2.0
    return frame.assign(**columns)


def farm(hours=48, name="farm"):
    times = pd.date_range(START, periods=hours, freq="h").as_unit("us")
    return panel_of(pd.DataFrame({"site_id": name, "time": times, "observed_kw": 1.0}))


def first_value(runs, column, lead_step=0):
    return runs.values[f"{runs.product}_{column}"][0, 1 + lead_step]


def test_columns_by_the_names_that_products_use(tmp_path):
    frame = long(range(1, 5))
    lead = (frame["valid_time"] - frame["issue_time"]) / pd.Timedelta("1h")
    hors = pd.DataFrame({"date": frame["issue_time"].dt.strftime("%Y%m%d%H"), "hors": lead.astype(int), "ws": 4.0})
    path = tmp_path / "windforecasts_wf1.csv"
    hors.to_csv(path, index=False)
    told = {"date": "issue_time", "ws": "wind_speed_10m_ms"}
    runs = read_forecasts({"wf1": path}, "gefcom", columns=told, clock="UTC", time_format="%Y%m%d%H")
    assert runs.sites == ("wf1",)
    assert runs.columns == ("gefcom_wind_speed_10m_ms",)
    assert list(stamps(runs.issued_us)) == list(frame["issue_time"].unique())
    assert (runs.first_lead_us, runs.step_us) == (3_600_000_000, 3_600_000_000)
    renamed = frame.rename(columns={"issue_time": "forecast_reference_time", "valid_time": "time"})
    same = read_forecasts(renamed, "gefcom").values["gefcom_wind_speed_100m_ms"]
    np.testing.assert_array_equal(same, read_forecasts(frame, "gefcom").values["gefcom_wind_speed_100m_ms"])


def test_several_files_and_any_order_of_rows_are_one_product():
    frame = long()
    parts = [
        frame[frame["issue_time"] < START + pd.Timedelta("1D")],
        frame[frame["issue_time"] >= START + pd.Timedelta("1D")],
    ]
    whole, apart = read_forecasts(frame.sample(frac=1, random_state=0), "m"), read_forecasts(parts[::-1], "m")
    np.testing.assert_array_equal(whole.values["m_wind_speed_100m_ms"], apart.values["m_wind_speed_100m_ms"])


def test_runs_can_say_themselves_when_they_arrived():
    frame = long(available_at=lambda f: f["issue_time"] + pd.Timedelta("5h"))
    frame.loc[frame["issue_time"] == START, "available_at"] += pd.Timedelta("20h")  # one run was held up
    runs = read_forecasts(frame, "m")
    hours = (runs.arrived_us - runs.issued_us) / 3.6e9
    assert hours.tolist() == [25.0, 5.0, 5.0, 5.0]
    assert np.isnan(then_known(with_forecasts(farm(), runs), "m_run_age_h")[:17]).all()
    with pytest.raises(DataError, match=r"says itself when its runs arrived \('available_at'\): leave delay_h out"):
        read_forecasts(frame, "m", delay_h=3)
    with pytest.raises(DataError, match=r"row 0 .* arrived at .*, before its issue"):
        read_forecasts(frame.assign(available_at=START - pd.Timedelta("1h")), "m")


def test_an_ensemble_is_its_mean_and_spread_and_speeds_are_of_members():
    frame = pd.concat([long().assign(member=k, wind_u_10m_ms=3.0 * k, wind_v_10m_ms=4.0) for k in (-1, 1)])
    frame["wind_dir_10m_deg"] = np.where(frame["member"] == 1, 350.0, 10.0)
    runs = read_forecasts(frame, "ens")
    assert first_value(runs, "wind_u_10m_ms") == pytest.approx(0.0)
    assert first_value(runs, "wind_u_10m_ms_spread") == pytest.approx(3.0)
    assert first_value(runs, "wind_speed_10m_ms") == pytest.approx(5.0)  # the norm of the mean vector would be 4
    assert np.degrees(np.angle(first_value(runs, "wind_dir_10m_deg"))) == pytest.approx(0.0, abs=1e-9)
    assert first_value(read_forecasts(frame, "ens", members="1"), "wind_u_10m_ms") == 3.0
    with pytest.raises(DataError, match=r"ens has no member '7', only '-1', '1'"):
        read_forecasts(frame, "ens", members="7")


def test_components_between_stamps_keep_their_speed():
    # Wind that turns by 90° in six hours: the chord between the vectors would lose 30 % of the speed half way
    frame = long(range(0, 25, 6)).drop(columns="wind_speed_100m_ms")
    hour = (frame["valid_time"] - START) / pd.Timedelta("1h")
    frame["wind_u_100m_ms"], frame["wind_v_100m_ms"] = 8 * np.cos(hour * np.pi / 12), 8 * np.sin(hour * np.pi / 12)
    panel = with_forecasts(farm(), read_forecasts(frame, "m"))
    np.testing.assert_allclose(then_known(panel, "m_wind_speed_100m_ms"), 8.0)


@pytest.mark.parametrize("every", [1, 3, 6])
def test_hourly_three_and_six_hourly_products_are_joined_by_lines(every):
    frame = long(range(0, 37, every))
    hour = (frame["valid_time"] - START) / pd.Timedelta("1h")
    panel = with_forecasts(farm(), read_forecasts(frame.assign(wind_speed_100m_ms=hour / 8), "m"))
    np.testing.assert_allclose(then_known(panel, "m_wind_speed_100m_ms"), (np.arange(48) + 0.5) / 8)
    holes = with_forecasts(farm(), read_forecasts(frame.assign(wind_speed_100m_ms=hour / 8), "m", max_gap_h=2))
    share = np.isfinite(then_known(holes, "m_wind_speed_100m_ms")).mean()
    assert share == pytest.approx(
        {1: 1.0, 3: 2 / 3, 6: 1 / 3}[every], abs=0.05
    )  # the hours beside a value stand for it


@pytest.mark.parametrize(("stamp", "shift"), [("start", 0.0), ("centre", 0.5), ("end", 1.0)])
def test_means_stand_at_the_centre_of_their_time(stamp, shift):
    # The mean of each hour is the hour's number; the panel's hour must get its own mean wherever that is stamped
    frame = long(range(1, 30))
    hour = (frame["valid_time"] - START) / pd.Timedelta("1h")
    frame["valid_time"] += pd.Timedelta(hours=shift)
    runs = read_forecasts(frame.assign(wind_speed_100m_ms=hour / 8), "m", values="means", stamp=stamp)
    found = then_known(with_forecasts(farm(), runs), "m_wind_speed_100m_ms")
    np.testing.assert_allclose(found[1:12] * 8, np.arange(1, 12))


def test_speeds_of_another_unit_are_turned_by_their_name():
    runs = read_forecasts(long().rename(columns={"wind_speed_100m_ms": "wind_speed_100m_kn"}), "m")
    assert first_value(runs, "wind_speed_100m_ms", 2) == pytest.approx(1.0 * 0.514444)


def test_speeds_that_nobody_measured_are_told():
    fast = long().assign(wind_speed_100m_ms=15.5)
    with pytest.warns(DataWarning, match=r"a mean of 15.5 m/s, more than any farm has: in knots that were 8.0 m/s"):
        read_forecasts(fast, "m")
    stray = long()
    stray.loc[7, "wind_speed_100m_ms"] = 1e12
    with pytest.warns(
        DataWarning, match=r"1 values of 'wind_speed_100m_ms' .* are no wind, e.g. 1e\+12 m/s, and are left out"
    ):
        runs = read_forecasts(stray, "m")
    assert np.nanmax(runs.values["m_wind_speed_100m_ms"]) < 20


def test_sums_over_time_are_left_out_and_told():
    with pytest.warns(DataWarning, match=r"'rain_mm' .* is a sum over time, and is left out: give the mean rate"):
        runs = read_forecasts(long(rain_mm=1.0), "m")
    assert runs.columns == ("m_wind_speed_100m_ms",)
    grows = long(issues=12)
    grows["ghi_wm2"] = (grows["valid_time"] - grows["issue_time"]).dt.total_seconds() * 100
    with pytest.warns(DataWarning, match=r"'ghi_wm2' .* never falls within a run, as a sum since its beginning does"):
        assert read_forecasts(grows, "m").columns == ("m_wind_speed_100m_ms",)


def test_naive_times_need_a_clock_and_products_of_another_zone_are_moved():
    naive = long()
    for column in ("issue_time", "valid_time"):
        naive[column] = naive[column].dt.tz_convert("America/New_York").dt.tz_localize(None)
    with pytest.raises(DataError, match=r"'issue_time' .* times without an offset, .*clock: UTC"):
        read_forecasts(naive, "m")
    there, here = read_forecasts(naive, "m", clock="America/New_York"), read_forecasts(long(), "m")
    np.testing.assert_array_equal(there.issued_us, here.issued_us)
    wrong = long()
    wrong["valid_time"] = wrong["valid_time"].dt.tz_localize(None)
    wrong["issue_time"] = wrong["issue_time"].dt.tz_localize(None) + pd.Timedelta("2h")
    with pytest.raises(
        DataError, match=r"is issued at .*, after the instant that it is of, .* \(8 such rows\).*two zones"
    ):
        read_forecasts(wrong, "m", clock="UTC")


def test_the_double_hour_of_autumn_within_a_run_is_told_by_its_order():
    issue = pd.Timestamp("2020-10-24 12:00", tz="UTC")
    valid = pd.date_range(issue, periods=25, freq="h")
    local = valid.tz_convert("Europe/Madrid").tz_localize(None)
    frame = pd.DataFrame(
        {
            "issue_time": issue.tz_convert("Europe/Madrid").tz_localize(None),
            "valid_time": local,
            "temp_air_c": np.arange(25.0),
        }
    )
    runs = read_forecasts(frame, "m", clock="Europe/Madrid")
    np.testing.assert_array_equal(runs.values["m_temp_air_c"][0, 1:-1], np.arange(25.0))
    # An issue in the double hour could be either of two
    later = pd.date_range("2020-10-25 08:00", periods=4, freq="h")
    unclear = frame.iloc[:4].assign(issue_time=pd.Timestamp("2020-10-25 02:00"), valid_time=later)
    with pytest.raises(
        DataError, match="'issue_time' stands in an hour that the clock of Europe/Madrid shows twice or never"
    ):
        read_forecasts(unclear, "m", clock="Europe/Madrid")


def test_rows_given_twice():
    frame = long()
    with pytest.warns(DataWarning, match="2 rows stand twice with equal values and are read once"):
        read_forecasts(pd.concat([frame, frame.iloc[[3, 4]]]), "m")
    other = frame.iloc[[3]].assign(wind_speed_100m_ms=7.25)
    with pytest.raises(
        DataError, match=r"'wind_speed_100m_ms' of 2020-01-01 03:00:00\+00:00 twice in the run issued .*, 1.5 and 7.25"
    ):
        read_forecasts(pd.concat([frame, other]), "m")


def test_a_run_that_ends_early_leaves_the_rest_to_older_runs_and_a_day_without_is_told():
    frame = long(range(49), issues=8)
    cut = frame[
        (frame["issue_time"] != START + pd.Timedelta("24h")) | (frame["valid_time"] < START + pd.Timedelta("30h"))
    ]
    panel = with_forecasts(farm(), read_forecasts(cut, "m"))
    age = then_known(panel, "m_run_age_h")
    np.testing.assert_allclose(age[24:36], [0, 1, 2, 3, 4, 5, *range(18, 24)])
    gone = frame[(frame["valid_time"] < START + pd.Timedelta("24h"))]
    with pytest.warns(DataWarning, match=r"m has no forecast on 1 of 2 site-days, e.g. for 'farm' on 2020-01-02"):
        with_forecasts(farm(), read_forecasts(gone, "m"))


def test_filtered_runs_and_runs_of_another_year():
    runs = read_forecasts(long().query("wind_speed_100m_ms > 2"), "m")
    assert len(runs.issued_us) == 4
    some = (
        long().set_index(["issue_time", "valid_time"]).iloc[30:]
    )  # the index still has levels of what was filtered out
    assert len(read_forecasts(some, "m").issued_us) == 3
    with pytest.raises(
        DataError, match=r"say nothing of 'm_wind_speed_100m_ms' within the panel's span .*check their years"
    ):
        with_forecasts(
            farm(),
            read_forecasts(
                long().assign(
                    issue_time=lambda f: f["issue_time"] + pd.Timedelta("3650D"),
                    valid_time=lambda f: f["valid_time"] + pd.Timedelta("3650D"),
                ),
                "m",
            ),
        )


@pytest.mark.parametrize(("change", "options", "sentence"), [
    (lambda f: f.drop(columns="issue_time"), {}, "does not say when its forecasts were issued"),
    (lambda f: f.drop(columns="valid_time"), {}, "does not say which hours its forecasts are of"),
    (lambda f: f.drop(columns="wind_speed_100m_ms"), {}, "no column of numbers beside its times"),
    (lambda f: f.assign(observed_kw=1.0), {}, "'observed_kw', which is metered, not forecast"),
    (lambda f: f.assign(valid_time=f["valid_time"].where(f.index > 0)), {}, "row 0 .* has no time"),
    (lambda f: f.assign(valid_time=f["valid_time"].where(f.index > 0, START + pd.Timedelta("900D"))), {}, "900 days after its issue"),
    (lambda f: f.assign(site_id=np.where(f.index > 3, "a", None)), {}, "4 rows of 'site_id' name no site"),
    (lambda f: f.iloc[:0], {}, "has no rows"),
])  # fmt: skip
def test_what_is_wrong_with_a_file_is_told_with_a_remedy(change, options, sentence):
    with pytest.raises(DataError, match=sentence):
        read_forecasts(change(long()), "m", **options)


@pytest.mark.parametrize(("options", "sentence"), [
    ({"delay": 3}, "unknown option 'delay' .* did you mean 'delay_h'"),
    ({"delay_h": -1}, "delay_h is 0 to 240 hours"),
    ({"values": "means"}, "means need stamp"),
    ({"stamp": "end"}, "stamp belongs to values: means"),
    ({"values": "mean"}, "unknown values 'mean'"),
    ({"max_gap_h": 0}, "max_gap_h is above 0"),
])  # fmt: skip
def test_options_that_make_no_sense(options, sentence):
    with pytest.raises(StudyError, match=sentence):
        read_forecasts(long(), "m", **options)
    with pytest.raises(StudyError, match="named by letters"):
        read_forecasts(long(), "m 2")


def test_forecast_runs_given_as_weather_or_as_meter_are_recognised(tmp_path):
    meter = pd.DataFrame({"time": pd.date_range(START, periods=48, freq="h"), "observed_kw": 1.0})
    with pytest.raises(
        DataError, match=r"when its rows were issued \('issue_time'\).*data.forecasts:.*would show runs that came later"
    ):
        read_panel(meter, tz="UTC", weather=long().rename(columns={"valid_time": "time"}))
    with pytest.raises(DataError, match=r"when its rows were issued \('issued_at'\), as files of forecasts do"):
        read_panel(meter.assign(issued_at=START), tz="UTC")
