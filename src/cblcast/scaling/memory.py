"""How much memory there is, and how large a partition may be so that all workers together fit in it."""

from __future__ import annotations

import os
from pathlib import Path

EXPANDED = 6  # bytes of memory that work needs for one byte of readings: read, laid out, compared, summed
SHARE = 0.6  # of the free memory that is used
LEAST, MOST = 2_000_000, 64_000_000  # below, tasks cost more than their work; above, one lost task costs too much
PIECES_EACH = 3  # for every worker, so that none waits long for the last


def free_memory() -> int:
    """Memory that can be had [bytes]: what the machine has free, no more than the control group allows; 4 GB if nobody says."""
    told = [_meminfo(), _cgroup("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current")]
    told.append(_cgroup("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"))
    return min((one for one in told if one), default=_physical())


def bytes_at_once(workers: int, free: int | None = None) -> int:
    """Bytes of readings that one partition may have.

    Parameters
    ----------
    workers : int
        How many are worked on at the same time.
    free : int, optional
        Memory for all of them [bytes]; of this machine unless given.
    """
    own = SHARE * (free_memory() if free is None else free) / max(workers, 1) / EXPANDED
    return int(min(max(own, LEAST), MOST))


def evened(size: int, bytes_in_all: int, workers: int) -> int:
    """`size` of a partition, no more than gives every worker some of `bytes_in_all`."""
    if workers < 2:
        return size
    return min(size, max(bytes_in_all // (PIECES_EACH * workers), LEAST))


def _meminfo() -> int:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable")), 0)


def _cgroup(limit: str, used: str) -> int:
    try:
        return max(int(Path(limit).read_text()) - int(Path(used).read_text()), 1)
    except (OSError, ValueError):  # no such group, or "max"
        return 0


def _physical() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (ValueError, OSError, AttributeError):
        return 4_000_000_000
