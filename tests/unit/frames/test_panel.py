import numpy as np
import pandas as pd
import pytest

from cblcast.frames.panel import Panel, panel_of
from cblcast.frames.quality import data_quality
from cblcast.frames.schema import DataError


def frame(sites: tuple[str, ...] = ("a", "b"), periods: int = 48, step: str = "60min") -> pd.DataFrame:
    times = pd.date_range("2019-06-01", periods=periods, freq=step, tz="UTC", unit="us")
    index = pd.MultiIndex.from_product([sites, times], names=["site_id", "time"])
    return pd.DataFrame({"observed_kw": np.arange(float(len(index)))}, index=index)


def test_gaps_are_completed_with_nan_and_order_does_not_matter() -> None:
    whole = frame()
    holes = whole.drop(whole.index[[3, 4, 50]]).sample(frac=1, random_state=1)
    panel = panel_of(holes)
    expected = whole.copy()
    expected.iloc[[3, 4, 50]] = np.nan
    assert panel.data.index.equals(whole.index)
    np.testing.assert_array_equal(panel.data["observed_kw"], expected["observed_kw"])
    assert panel.step == pd.Timedelta("1h")


def test_unsorted_levels_do_not_mix_up_the_sites() -> None:
    whole = frame(("b", "a")).sort_index()
    levels = whole.index
    turned = pd.MultiIndex(
        levels=[levels.levels[0][::-1], levels.levels[1]],
        codes=[1 - np.asarray(levels.codes[0]), levels.codes[1]],
        names=levels.names,
    )
    panel = Panel(whole.set_axis(turned), pd.DataFrame({"tz": "UTC"}, index=pd.Index(["b", "a"], name="site_id")))
    assert panel.site_ids.tolist() == ["a", "b"]
    np.testing.assert_array_equal(panel.cube().values[0].reshape(-1), whole.loc["a", "observed_kw"])


def test_selected_sites_keep_their_own_values() -> None:
    panel = panel_of(frame(("a", "b", "c")))
    some = panel.select(["c", "a"])
    assert some.site_ids.tolist() == ["a", "c"]
    np.testing.assert_array_equal(some.cube().values, panel.cube().values[[0, 2]])
    with pytest.raises(DataError, match=r"site 'cc' is not in the panel: did you mean 'c'\?"):
        panel.select(["cc"])


def test_the_selection_of_all_sites_is_the_panel_itself() -> None:
    panel = panel_of(frame(("a", "b")))
    assert panel.select(["b", "a", "b"]) is panel
    assert panel.select(["b"]) is not panel


def test_values_are_looked_up_by_site_and_time() -> None:
    panel = panel_of(frame())
    first = panel.first_times_us[0]
    hour = 3_600_000_000
    found = panel.values_at(
        "observed_kw",
        np.array([0, 1, 1, 0, 0]),
        first + np.array([0, 2, 48, -1, 0.5]).astype(float).__mul__(hour).astype(np.int64),
    )
    np.testing.assert_array_equal(found, [0.0, 50.0, np.nan, np.nan, np.nan])
    with pytest.raises(DataError, match=r"no column 'temp_air_k'"):
        panel.column("temp_air_k")


def test_real_events_are_masked_and_add_up() -> None:
    panel = panel_of(frame())
    day = pd.Timestamp("2019-06-01", tz="UTC")
    one = pd.DataFrame({"site_id": ["b"], "start": [day + pd.Timedelta("5h")], "stop": [day + pd.Timedelta("7h")]})
    off_grid = pd.DataFrame(
        {"site_id": ["a"], "start": [day + pd.Timedelta("90min")], "stop": [day + pd.Timedelta("150min")]}
    )
    masked = panel.with_events(one).with_events(off_grid)
    hidden = masked.data["observed_kw"].isna()
    assert [(site, time.hour) for site, time in hidden.index[hidden]] == [("a", 1), ("a", 2), ("b", 5), ("b", 6)]
    assert len(masked.events) == 2
    assert panel.data["observed_kw"].notna().all()
    with pytest.raises(DataError, match="without a zone"):
        panel.with_events(one.assign(start=one["start"].dt.tz_localize(None)))


def test_two_steps_in_one_site_name_the_site_and_the_time() -> None:
    slow, fast = frame(("a",), 24), frame(("a",), 96, "15min")
    mixed = pd.concat([slow, fast.set_axis(fast.index.set_levels(fast.index.levels[1] + pd.Timedelta("1D"), level=1))])
    with pytest.raises(DataError, match=r"site 'a' changes its step near 2019-06-01.*: resample the file to one step"):
        panel_of(mixed)


def test_two_steps_in_two_sites_name_the_slower_one() -> None:
    with pytest.raises(DataError, match="site 'b' has another step than the panel's 0 days 00:15:00"):
        panel_of(pd.concat([frame(("a",), 96, "15min"), frame(("b",), 24)]))


def test_a_step_that_does_not_divide_the_day_has_no_cube() -> None:
    with pytest.raises(DataError, match="does not divide the day"):
        panel_of(frame(step="7min")).cube()


def test_one_row_has_no_step() -> None:
    with pytest.raises(DataError, match="no site has two rows"):
        panel_of(frame(("a", "b"), 1))


def test_quality_counts_what_a_hand_counts() -> None:
    kw = np.arange(1.0, 49.0)
    kw[10:13] = np.nan  # a gap of three hours
    kw[20:28] = 7.0  # eight equal hours
    kw[30], kw[31], kw[40] = 0.0, -2.0, 1e4
    data = frame(("a", "b"))
    data["observed_kw"] = np.r_[kw, np.full(48, np.nan)]
    quality = data_quality(panel_of(data))
    row = quality.loc["a"]
    assert row[["rows", "missing", "zeros", "negative", "flat_rows"]].tolist() == [48, 3, 1, 1, 8]
    assert row[["longest_gap_h", "longest_flat_h", "step_min"]].tolist() == [3.0, 8.0, 60.0]
    assert row["missing_pct"] == pytest.approx(6.25)
    assert quality.loc["b", "missing"] == 48
    assert np.isnan(quality.loc["b", "mean_kw"])


def test_quality_sees_a_spike_far_above_the_sites_own_peak() -> None:
    data = frame(("a",), 1000)
    data["observed_kw"] = 50 + np.arange(1000) % 24
    data.iloc[500, 0] = 900.0
    assert data_quality(panel_of(data)).loc["a", "spikes"] == 1
