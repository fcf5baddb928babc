"""How far work over partitions is, in words: for whoever shows sentences instead of a bar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

Progress = Callable[[str], None]


@dataclass
class InWords:
    """Tells of work over partitions (:class:`cblcast.scaling.over.Watch`) in sentences, with the time left.

    Attributes
    ----------
    progress : callable
        Is told a sentence.
    what : str
        What is being done, e.g. ``features``.
    """

    progress: Progress
    what: str
    total: int = 0
    done: int = 0
    began: float = field(default_factory=perf_counter)

    def expect(self, total: int, what: str) -> None:
        """How many sites or partitions are still to be done."""
        self.total, self.done, self.began = total, 0, perf_counter()

    def advance(self, count: int, what: str) -> None:
        """So many more are done."""
        self.done += count
        left = (perf_counter() - self.began) / max(self.done, 1) * (self.total - self.done)
        self.progress(f"{self.what} of {what.replace('partitions', 'parts')}, {left:.0f} s left")
