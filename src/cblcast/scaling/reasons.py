"""Why a partition could not be done, in one line for the table of failures."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor

from cblcast.errors import DataError, StudyError, why_not
from cblcast.io.database import masked

LONGEST = 300  # characters that are quoted of a library's own message
LOST_WORKER = (
    "its worker process was ended from outside, most often for lack of memory, and again when it was alone: give fewer "
    "--workers, or write the store in smaller files"
)


def lost_worker(error: object) -> bool:
    """Whether a piece failed because a worker died, of a pool or of a cluster."""
    return isinstance(error, BrokenExecutor) or type(error).__name__ == "KilledWorker"


def reason_of(error: BaseException) -> str:
    """One line that says what is wrong and how to mend it; without passwords."""
    if isinstance(error, (DataError, StudyError)):
        text = str(error)
    elif lost_worker(error):
        text = LOST_WORKER
    elif isinstance(error, MemoryError):
        text = "the memory does not suffice for it: give fewer --workers, or write the store in smaller files"
    elif isinstance(error, OSError):
        text = f"{error.filename or 'a file of it'} cannot be read or written: {why_not(error)}"
    elif isinstance(error, ModuleNotFoundError):
        text = f"the package {error.name!r} is not installed where it was done: install the same on every machine"
    else:
        text = f"a fault of cblcast ({type(error).__name__}: {str(error)[:LONGEST]}): please report it"
    return masked(" ".join(text.split()))
