"""What a reader understood of a file, and what it guessed, merged, dropped or missed: carried along, told once."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

from cblcast.frames.schema import DataWarning

log = logging.getLogger("cblcast.io")


class Kind(Enum):
    """What kind of thing was done to the data; what may cost a user something is warned of."""

    GUESSED = "guessed"
    MERGED = "merged"
    DROPPED = "dropped"
    MISSING = "missing"
    DOUBTFUL = "doubtful"

    @property
    def warned(self) -> bool:
        """Whether it is more than a remark."""
        return self in (Kind.DROPPED, Kind.MISSING, Kind.DOUBTFUL)


@dataclass(frozen=True)
class Note:
    """One thing that was done, in one sentence, and how many readings, rows or columns it concerns."""

    kind: Kind
    text: str
    count: int = 1


@dataclass(frozen=True)
class ReadReport:
    """How a file was read.

    Attributes
    ----------
    source : str
        Name of the file.
    format : str
        Name of the format, as in :data:`cblcast.io.formats.METER_FORMATS`.
    understood : tuple of (what, how)
        E.g. ``("time", "Zeitstempel (day first)")``.
    notes : tuple of Note
    """

    source: str
    format: str = "table"
    understood: tuple[tuple[str, str], ...] = ()
    notes: tuple[Note, ...] = ()

    def understanding(self, what: str, how: str) -> ReadReport:
        """The report with one more thing that was understood."""
        return replace(self, understood=(*self.understood, (what, how)))

    def noting(self, kind: Kind, text: str, count: int = 1) -> ReadReport:
        """The report with one more note; nothing is noted of nothing."""
        return replace(self, notes=(*self.notes, Note(kind, text, int(count)))) if count else self

    def with_notes(self, notes: Iterable[Note]) -> ReadReport:
        """The report with more notes."""
        return replace(self, notes=(*self.notes, *notes))

    @property
    def line(self) -> str:
        """One line: ``read as: time = Zeitstempel (day first), load = kWh per 15 min``."""
        return f"{self.source} read as: " + ", ".join(f"{what} = {how}" for what, how in self.understood)

    def records(self) -> Iterator[dict[str, str | int]]:
        """One row for each thing that was understood or noted, for tables and JSON."""
        for what, how in self.understood:
            yield {"kind": "read as", "what": f"{what} = {how}", "count": 1}
        for note in self.notes:
            yield {"kind": note.kind.value, "what": note.text, "count": note.count}

    def tell(self) -> None:
        """Log the line and the remarks; warn of what was dropped, is missing or doubtful."""
        log.info(self.line)
        for note in self.notes:
            if note.kind.warned:
                warnings.warn(note.text, DataWarning, stacklevel=3)
            else:
                log.info("%s: %s", self.source, note.text)
