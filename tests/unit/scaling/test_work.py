"""One piece of work: what a lost source costs, and what a site at fault costs."""

from __future__ import annotations

import pandas as pd
import pytest
from worked import Sites, made

from cblcast.errors import DataError, SourceError
from cblcast.scaling import over_partitions
from cblcast.scaling.work import perform


class Lost:
    """Work whose source is lost while the second of three sites is read, and says so of a half, too."""

    def __init__(self, error: type[DataError]) -> None:
        self.error = error
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, piece: Sites) -> pd.DataFrame:
        self.asked.append(piece.site_ids)
        if piece.site_ids[-1] in self.lost:
            raise self.error("the server is down")
        return pd.DataFrame({"site_id": list(piece.site_ids)})

    lost: tuple[str, ...] = ()


def test_a_source_that_is_lost_is_no_fault_of_single_sites(tmp_path):
    pieces = made(tmp_path, 3)
    work = Lost(SourceError)
    work.lost = pieces[1].site_ids[-1:]
    with pytest.raises(SourceError, match="the server is down"):
        perform(work, pieces[1], None, "here")
    assert work.asked == [pieces[1].site_ids]  # no half was tried
    outcome = over_partitions(work, pieces, tmp_path / "out")
    assert outcome.failures.to_dict("records") == [
        {"partition": pieces[1].key, "site_id": "", "reason": "the server is down"}
    ]
    work.lost = ()
    again = over_partitions(work, pieces, tmp_path / "out")
    assert (again.skipped, again.partial) == (2, False)


def test_a_site_at_fault_is_sought_out_by_halves_and_not_asked_for_again(tmp_path):
    pieces = made(tmp_path, 3)
    work = Lost(DataError)
    work.lost = pieces[1].site_ids[-1:]
    outcome = over_partitions(work, pieces, tmp_path / "out")
    assert outcome.failures["site_id"].tolist() == list(work.lost)
    assert len(outcome.table()) == 8
    asked = len(work.asked)
    assert over_partitions(work, pieces, tmp_path / "out").skipped == 3
    assert len(work.asked) == asked
