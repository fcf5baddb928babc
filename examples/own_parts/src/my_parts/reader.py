"""A reader of one's own: a file in, a panel out, and one sentence where the file is broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from cblcast import registry
from cblcast.errors import DataError
from cblcast.frames.panel import Panel

MARK = "#BOXLOG"


@registry.READERS.register(name="boxlog")
def read_boxlog(path: str | Path, *, tz: str | None = None, **options: Any) -> Panel:
    """Logs of our box: a line ``#BOXLOG site``, then ``unix seconds;watts`` a line, at interval starts."""
    path = Path(path)
    try:
        first, *lines = path.read_text(encoding="utf-8").splitlines() or [""]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} cannot be read as a box log ({error}): check the path") from None
    if not first.startswith(MARK):
        raise DataError(f"{path.name} is no box log: its first line must be '{MARK} SITE'")
    try:
        pairs = [(int(time), float(watts)) for time, watts in (line.split(";") for line in lines if line.strip())]
    except ValueError as error:
        raise DataError(f"{path.name} holds a line that is not 'seconds;watts' ({error}): mend or drop it") from None
    if not pairs:
        raise DataError(f"{path.name} holds no reading: check the export")
    site = first.removeprefix(MARK).strip() or "box"
    times = pd.to_datetime([time for time, _ in pairs], unit="s", utc=True).as_unit("us")
    index = pd.MultiIndex.from_arrays([pd.Index([site] * len(pairs), dtype="str"), times], names=["site_id", "time"])
    data = pd.DataFrame({"observed_kw": [watts / 1000 for _, watts in pairs]}, index=index).sort_index()
    return Panel(data, pd.DataFrame({"tz": [tz or "UTC"]}, index=pd.Index([site], name="site_id")))


def recognises(path: Path) -> bool:
    """Whether a file is a box log, by its first bytes: such a file need not be named by ``--format``."""
    with path.open("rb") as file:
        return file.read(len(MARK)) == MARK.encode()


read_boxlog.recognises = recognises  # type: ignore[attr-defined]
