"""The right reader for a file, and options that a format fixes itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from cblcast.frames.schema import DataError, StudyError
from cblcast.io.formats import METER_FORMATS, read_dispatch, read_meter


def test_a_table_is_read_as_a_table(tmp_path: Path) -> None:
    path = tmp_path / "home.csv"
    path.write_text("time,load_kwh\n2019-06-01T00:00Z,1\n2019-06-01T00:30Z,2\n2019-06-01T01:00Z,3\n")
    panel = read_meter(path, tz="Europe/Rome")
    assert panel.data["observed_kw"].tolist() == [2, 4, 6]
    assert list(panel.site_ids) == ["home"]


def test_a_file_that_begins_like_nem12_goes_to_its_reader(tmp_path: Path) -> None:
    path = tmp_path / "meter.csv"
    path.write_text("100,NEM12,202001010000,A,B\n")
    with pytest.raises(DataError, match="900"):
        read_meter(path, tz="Australia/Sydney")
    with pytest.raises(StudyError, match="fixes its own unit"):
        read_meter(path, tz="Australia/Sydney", unit="kW")
    with pytest.raises(StudyError, match="give tz"):
        read_meter(path)


def test_an_unknown_format_is_answered_with_the_nearest() -> None:
    with pytest.raises(StudyError, match="did you mean 'nem12'"):
        read_meter("x.csv", "nem13")
    with pytest.raises(StudyError, match="did you mean 'openadr'"):
        read_dispatch("x.json", format="openard")


def test_every_format_names_a_reader_that_exists(tmp_path: Path) -> None:
    for name in METER_FORMATS:
        with pytest.raises(DataError):
            read_meter(tmp_path / "nowhere", name, tz="UTC")
