"""The order of learning: by what was metered, whatever the order and the names of rows and sites."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.forecast.training_order import in_training_order, training_order


def rows(sites):
    """Two events of two hours for each site."""
    origins = pd.DatetimeIndex(["2020-06-01T15:00Z", "2020-06-02T15:00Z"])
    index = [
        (site, origin, origin + pd.Timedelta(hours=hour)) for site in sites for origin in origins for hour in (0, 1)
    ]
    return pd.MultiIndex.from_tuples(index, names=["site_id", "origin", "time"])


def test_sites_follow_what_they_metered_and_rows_the_clock():
    y = np.array([5.0, 6, 7, 8, 5, 6, 7, 1])  # the second site is the lower one, by its last value
    assert training_order(rows(["a", "b"]), y).tolist() == [4, 5, 6, 7, 0, 1, 2, 3]


def test_only_sites_that_metered_the_same_follow_their_names():
    assert training_order(rows(["b", "a"]), np.ones(8)).tolist() == [4, 5, 6, 7, 0, 1, 2, 3]


@settings(deadline=None, max_examples=50)
@given(
    st.permutations(range(12)), st.permutations(["a", "b", "c"]), st.lists(st.integers(0, 2), min_size=12, max_size=12)
)
def test_neither_the_order_of_rows_nor_names_change_what_is_learned(shuffled, names, load):
    index, y = rows(["a", "b", "c"]), np.array(load, dtype=float)
    expected = y[training_order(index, y)]
    shuffled = np.array(shuffled)
    named = rows(names)[shuffled]
    order = training_order(named, y[shuffled])
    np.testing.assert_array_equal(y[shuffled][order], expected)
    time = index.get_level_values("time")
    assert time[shuffled][order].equals(time[training_order(index, y)])


def test_the_index_names_the_sites_in_their_order():
    y = np.array([5.0, 6, 7, 8, 5, 6, 7, np.nan])
    X, known = in_training_order(pd.DataFrame({"x": y}, index=rows(["b", "a"])), y, np.arange(7))
    assert X.index.levels[0].tolist() == ["a", "b"]
    X, known = in_training_order(pd.DataFrame({"x": y}, index=rows(["a", "b"])), y, np.arange(7))
    assert X.index.levels[0].tolist() == ["b", "a"]  # shorter, and else the same
    assert X["x"].tolist() == known.tolist() == [5, 6, 7, 5, 6, 7, 8]


def test_rows_of_no_event_stay_where_they_are():
    X, y = in_training_order(pd.DataFrame({"x": [1, 2, 3]}), np.array([3.0, 1, 2]), np.array([0, 2]))
    assert X["x"].tolist() == [1, 3]
    assert y.tolist() == [3, 2]


def test_sites_alike_in_their_first_values_follow_the_values_after_them():
    n = 40
    load = np.tile(np.arange(n, dtype=float), (3, 1))
    load[0, 30] = 99.0  # b begins as the others do and comes last; a and c are the very same
    names = np.repeat(["b", "c", "a"], n)
    times = pd.date_range("2024-01-01", periods=n, freq="h", tz="UTC", unit="us")
    index = pd.MultiIndex.from_arrays(
        [names, times[:1].repeat(3 * n), times.append([times, times])], names=["site_id", "origin", "time"]
    )
    order = training_order(index, load.ravel())
    assert list(dict.fromkeys(names[order])) == ["a", "c", "b"]
