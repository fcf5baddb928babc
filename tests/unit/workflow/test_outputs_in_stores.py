"""Outputs that would become meters of a store are refused."""

import pytest

from cblcast.errors import StudyError
from cblcast.workflow.outputs import check_outputs


def test_a_table_among_the_meters_of_a_store_is_refused(tmp_path):
    for inside in (tmp_path / "p1.parquet", tmp_path / "new" / "p2.parquet"):
        with pytest.raises(StudyError, match="lies in the folder of --data"):
            check_outputs({"--out": inside}, {"--data": tmp_path})
    check_outputs({"--out": tmp_path / "settled.csv"}, {"--data": tmp_path})
