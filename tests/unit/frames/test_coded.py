"""Rows by codes, each against what pandas makes of names."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.frames.coded import index_of, instants_of_rows, numbered, site_means, sites_of_rows
from cblcast.frames.instants import microseconds, stamps
from cblcast.frames.schema import DataError

HOUR = 3_600_000_000


def an_index(sites: list[str], us: list[int]) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays(
        [sites, stamps(np.array(us)), stamps(np.array(us))], names=["site_id", "origin", "time"]
    )


@pytest.mark.parametrize("us", [[0, 2, 2, 5], [7], [0, 1_000_000]], ids=["grid", "one", "far apart"])
@pytest.mark.parametrize("off", [0, 1], ids=["on the grid", "off it"])
def test_numbered_instants_are_the_unique_ones(us, off):
    instants = np.array(us) * HOUR
    instants[-1] += off
    code, values = numbered(instants, HOUR)
    np.testing.assert_array_equal(microseconds(values)[code], instants)
    assert values.is_monotonic_increasing


def test_an_index_by_codes_is_the_one_by_arrays():
    names = pd.Index(["a", "b", "c", "d"], name="site_id")
    code, us = np.array([0, 0, 2, 3]), np.array([3, 4, 3, 9]) * HOUR
    made = index_of((code, names), numbered(us, HOUR), numbered(us + HOUR, HOUR), names=["site_id", "origin", "time"])
    usual = pd.MultiIndex.from_arrays([names.take(code), stamps(us), stamps(us + HOUR)], names=made.names)
    assert made.equals(usual)
    for own, theirs in zip(made.levels, usual.levels, strict=True):
        assert own.tolist() == theirs.tolist()
    assert numbered(us[:0], HOUR)[0].size == 0


def test_sites_and_instants_of_rows_are_looked_up_by_name():
    panel = datasets.load("turin")
    name = str(panel.site_ids[0])
    index = an_index([name, name], [0, HOUR])
    np.testing.assert_array_equal(sites_of_rows(panel, index), [0, 0])
    np.testing.assert_array_equal(instants_of_rows(index, "time"), [0, HOUR])
    with pytest.raises(DataError, match="site 'nowhere' is not in the panel"):
        sites_of_rows(panel, an_index(["nowhere"], [0]))


def test_site_means_are_those_of_pandas():
    panel = datasets.load("turin")
    usual = panel.data["observed_kw"].groupby(level="site_id").mean()
    np.testing.assert_allclose(site_means(panel, "observed_kw"), usual.to_numpy())
