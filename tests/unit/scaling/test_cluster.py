"""A cluster of two local workers: the same numbers, a worker that dies, a scheduler that is not there."""

from __future__ import annotations

import os
import socket
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import worked
from pandas.testing import assert_frame_equal
from worked import Counting, begun, made, means, warns

from cblcast.errors import DataWarning, StudyError
from cblcast.scaling import Asked, cluster, over_partitions
from cblcast.scaling.memory import LEAST, MOST, bytes_at_once, evened, free_memory
from cblcast.scaling.reasons import reason_of

distributed = pytest.importorskip("distributed", reason="a cluster needs pip install cblcast[scale]")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    import dask

    path = os.pathsep.join([str(Path(worked.__file__).parent), *filter(None, sys.path)])
    usual = {"distributed.scheduler.allowed-failures": 0, "distributed.worker.daemon": True}
    with warnings.catch_warnings(), dask.config.set(usual):
        warnings.simplefilter("ignore")
        with distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            memory_limit=600_000_000,
            dashboard_address=None,
            env={"PYTHONPATH": path},
            silence_logs=50,
        ) as local:
            yield local.scheduler_address


@pytest.fixture(autouse=True)
def _warnings_of_dask():
    """Sockets that dask closes a little later are not ours to mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield


def test_on_a_cluster_it_is_the_same(tmp_path, address):
    pieces = made(tmp_path)
    expected = pd.concat([means(piece) for piece in pieces], ignore_index=True)
    held = over_partitions(means, pieces, scheduler=address)
    assert_frame_equal(held.table().reset_index(drop=True), expected)
    written = over_partitions(means, pieces, tmp_path / "out", scheduler=address)
    assert_frame_equal(written.table().reset_index(drop=True), expected)


def test_partitions_are_sized_to_the_memory_of_the_workers(address):
    class Store:
        def partitions(self, bytes_at_once):
            self.asked = bytes_at_once
            return []

    here, there = Store(), Store()
    Asked(workers=1).size_for(here)
    Asked(workers=1, scheduler=address).size_for(there)
    assert there.asked == bytes_at_once(1, 600_000_000) == 60_000_000
    assert here.asked == bytes_at_once(1)
    Asked(workers=1, scheduler=address).size_for(there, weight=4)
    assert there.asked == 15_000_000


def test_warnings_of_a_cluster_are_heard_here(tmp_path, address):
    with pytest.warns(DataWarning, match="a reading looks odd"):
        over_partitions(warns, made(tmp_path, 1), scheduler=address)


def test_workers_with_another_version_are_refused(tmp_path, address, monkeypatch):
    monkeypatch.setattr(cluster, "__version__", "99.0")
    with pytest.raises(
        StudyError, match=r"the worker tcp://.* has cblcast .*, and this is cblcast 99\.0: install the same"
    ):
        over_partitions(means, made(tmp_path, 1), scheduler=address)


def test_a_partition_that_kills_its_worker_twice_is_named_and_no_other(tmp_path, address):
    pieces = made(tmp_path)
    pieces[4].file.write_bytes(b"PAR1")
    told = over_partitions(Counting(tmp_path, kills="p2"), pieces, tmp_path / "out", scheduler=address)
    assert told.failures["partition"].tolist() == ["p2", "p4"]
    assert "ended from outside, most often for lack of memory" in told.failures["reason"].iloc[0]
    assert "part4.parquet cannot be read" in told.failures["reason"].iloc[1]
    assert len(begun(tmp_path, "p2")) == 2
    expected = pd.concat([means(pieces[number]) for number in (0, 1, 3, 5)], ignore_index=True)
    assert_frame_equal(told.table().reset_index(drop=True), expected)


def test_a_scheduler_that_is_not_there_is_one_sentence_without_its_password(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "WITHIN_S", 0.4)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    with pytest.raises(
        StudyError, match=r"no scheduler answers at tcp://127\.0\.0\.1:.* within 0\.4 s .*check the address"
    ):
        over_partitions(means, made(tmp_path, 1), scheduler=f"tcp://127.0.0.1:{port}")
    with pytest.raises(StudyError, match=r"the address tcp://\*\*\*@127\.0\.0\.1:8786 names a user") as told:
        over_partitions(means, made(tmp_path, 1), scheduler="tcp://me:s3cret@127.0.0.1:8786")
    assert "s3cret" not in str(told.value)
    with pytest.raises(StudyError, match=r"no scheduler answers at carrier-pigeon://127\.0\.0\.1:1 "):
        over_partitions(means, made(tmp_path, 1), scheduler="carrier-pigeon://127.0.0.1:1")


def test_without_the_extra_its_name_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(StudyError, match=r"pip install 'cblcast\[scale\]', or leave --scheduler out"):
        over_partitions(means, made(tmp_path, 1), scheduler="tcp://127.0.0.1:8786")


def test_a_partition_is_as_large_as_its_share_of_the_memory():
    assert bytes_at_once(2, 12_000_000_000) == MOST
    assert bytes_at_once(4, 1_000_000_000) == pytest.approx(25_000_000)
    assert bytes_at_once(64, 1_000_000_000) == LEAST
    assert evened(MOST, 60_000_000, 1) == MOST
    assert evened(MOST, 60_000_000, 2) == 10_000_000
    assert evened(MOST, 1_000, 2) == LEAST
    assert free_memory() > 1_000_000


def test_reasons_are_one_line_with_a_remedy():
    assert reason_of(OSError(28, "No space left", "parts/rows")) == (
        "parts/rows cannot be read or written: the disk is full: make room, or choose another place"
    )
    assert "give fewer --workers" in reason_of(MemoryError())
    assert reason_of(KeyError("site\nid")) == r"a fault of cblcast (KeyError: 'site\nid'): please report it"
    assert "'lightgbm' is not installed where it was done" in reason_of(ModuleNotFoundError("x", name="lightgbm"))
