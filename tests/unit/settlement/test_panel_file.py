"""Some sites of a Parquet file, in any order of its rows and row groups."""

import numpy as np
import pandas as pd
import pytest

from cblcast.frames.schema import DataError
from cblcast.settlement.panel_file import panel_rows, read_sites, site_names

SITES = pd.DataFrame({"tz": "UTC"}, index=pd.Index(["a", "b", "c"], name="site_id"))


@pytest.fixture
def rows():
    times = pd.date_range("2024-01-01", periods=48, freq="h", tz="UTC", unit="us")
    parts = [
        pd.DataFrame({"site_id": site, "time": times, "observed_kw": np.arange(48.0) + k})
        for k, site in enumerate("abc")
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("order", ["sorted", "shuffled", "by_time"])
@pytest.mark.parametrize("group", [10, 48, 1000])
def test_sites_are_read_whatever_the_order(rows, tmp_path, order, group):
    table = {"sorted": rows, "shuffled": rows.sample(frac=1, random_state=1), "by_time": rows.sort_values("time")}[
        order
    ]
    table.to_parquet(tmp_path / "p.parquet", index=False, row_group_size=group)
    panel = read_sites(tmp_path / "p.parquet", SITES.loc[["c", "a"]])
    assert panel.site_ids.tolist() == ["a", "c"]
    expected = rows[rows["site_id"] != "b"].set_index(["site_id", "time"])["observed_kw"]
    pd.testing.assert_series_equal(panel.data["observed_kw"].sort_index(), expected, check_index_type=False)
    assert site_names(tmp_path / "p.parquet") == ["a", "b", "c"]
    in_order = order == "sorted"
    assert panel_rows(tmp_path / "p.parquet") == (144 if in_order or group == 1000 else 0)


def test_sites_with_different_spans_keep_their_own(rows, tmp_path):
    rows.iloc[5:].to_parquet(tmp_path / "p.parquet", index=False)
    panel = read_sites(tmp_path / "p.parquet", SITES)
    assert (panel.first_times_us // 3_600_000_000 % 24).tolist() == [5, 0, 0]
    assert len(panel.data) == 139


def test_what_is_no_panel_is_named(rows, tmp_path):
    rows.to_parquet(tmp_path / "p.parquet", index=False)
    with pytest.raises(DataError, match=r"holds none of 1 sites, e\.g\. 'z'"):
        read_sites(tmp_path / "p.parquet", pd.DataFrame({"tz": ["UTC"]}, index=pd.Index(["z"], name="site_id")))
    rows.drop(columns="observed_kw").to_parquet(tmp_path / "q.parquet", index=False)
    with pytest.raises(DataError, match="lacks the column 'observed_kw'"):
        read_sites(tmp_path / "q.parquet", SITES)
    rows.assign(time=rows["time"].dt.tz_localize(None)).to_parquet(tmp_path / "r.parquet", index=False)
    with pytest.raises(DataError, match="times without a zone"):
        read_sites(tmp_path / "r.parquet", SITES)
    assert (
        panel_rows(tmp_path / "q.parquet") == panel_rows(tmp_path / "r.parquet") == panel_rows(tmp_path / "no.csv") == 0
    )
