"""Rows that share a model."""

import numpy as np
import pandas as pd
import pytest

from cblcast.estimators.groups import group_rows
from cblcast.frames.schema import StudyError


def rows():
    index = pd.MultiIndex.from_arrays(
        [["b", "a|1", "b", "a|1"], pd.date_range("2024-01-01", periods=4, tz="UTC")], names=["site_id", "time"]
    )
    return pd.DataFrame({"hour": [7.0, 7.0, 8.0, 7.0]}, index=index)


def test_groups_tell_what_their_rows_share():
    found = group_rows(rows(), ("site_id", "hour"), None)
    assert found.names.tolist() == [["a|1", "7.0"], ["b", "7.0"], ["b", "8.0"]]
    assert found.of_row.tolist() == [1, 0, 2, 0]
    assert found.keys.tolist() == ["|a|1|7.0", "|b|7.0", "|b|8.0"]  # as saved models hold them
    assert found.among(np.array(["|a|1|7.0", "|b|8.0"])).tolist() == [0, -1, 1]
    assert found.among(np.empty(0, dtype=np.str_)).tolist() == [-1, -1, -1]


def test_all_rows_are_one_group_when_nothing_tells_them_apart():
    found = group_rows(rows(), (), None)
    assert (len(found), found.keys.tolist(), found.of_row.tolist()) == (1, [""], [0, 0, 0, 0])


def test_a_single_name_is_not_a_list_of_letters():
    with pytest.raises(StudyError, match="by is a list of names"):
        group_rows(rows(), "hour", None)
