"""The journal of a run over partitions: what is finished, so that a run that was killed goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from cblcast.errors import StudyError, why_not
from cblcast.scaling.digest import digest_of
from cblcast.scaling.tables import sweep_drafts
from cblcast.scaling.work import Done, Failure, Piece
from cblcast.version import __version__

NAME, LOCK = "journal.jsonl", ".journal.lock"
FORMAT = 1


@dataclass(frozen=True)
class Entry:
    """A finished piece, as its line in the journal says.

    Attributes
    ----------
    key, digest : str
        The piece, and what it was made from: see :func:`piece_digest`.
    files : mapping
        File of a part, relative to the folder → its bytes.
    failures : list of (site_id, reason)
    sites : int
    seconds : float
    """

    key: str
    digest: str
    files: Mapping[str, int] = field(default_factory=dict)
    failures: Sequence[Failure] = ()
    sites: int = 0
    seconds: float = 0.0


def piece_digest(question: str, piece: Piece) -> str:
    """What a piece is made from: the question, what is asked of it alone, and the name, size and time of change of its files."""
    states = []
    for path in piece.paths:
        try:
            known = path.stat()
            states.append((path.name, known.st_size, known.st_mtime_ns))
        except OSError:
            states.append((path.name, -1, -1))  # whoever reads it says why
    return digest_of(question, piece.key, list(piece.site_ids), getattr(piece, "asked", None), states)


class Journal:
    """An append-only file of lines of JSON in the folder of the parts: a head, then a line for each finished piece."""

    def __init__(self, folder: Path, head: Mapping[str, Any], entries: Mapping[str, Entry], file: IO[str]) -> None:
        self.folder, self.head, self.entries = folder, head, dict(entries)
        self._file = file

    def finished(self, piece: Piece, digest: str) -> Entry | None:
        """What the journal says of a piece that is finished: same digest, and its files are whole."""
        entry = self.entries.get(piece.key)
        if entry is None or entry.digest != digest:
            return None
        return entry if all(_size(self.folder / file) == size for file, size in entry.files.items()) else None

    def add(self, done: Done, digest: str) -> Entry:
        """Note a finished piece, on the disk when this returns."""
        entry = Entry(done.key, digest, done.files, done.failures, done.sites, round(done.seconds, 3))
        self.entries[done.key] = entry
        try:
            self._file.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise StudyError(f"{self.folder / NAME} cannot be written: {why_not(error)}") from None
        return entry


def noted(folder: Path | None) -> Mapping[str, Any]:
    """What the run whose parts are in `folder` was begun with; empty where there is none."""
    if folder is None or not (folder / NAME).is_file():
        return {}
    return _read(folder / NAME)[0]


@contextmanager
def open_journal(folder: Path, question: str, resume: bool, notes: Mapping[str, Any]) -> Iterator[Journal]:
    """The journal of `folder`, begun or gone on with, which no other run can have meanwhile.

    Parameters
    ----------
    question : str
        Digest of what is asked of every piece.
    resume : bool
        Go on with the parts of the same question; otherwise they are taken away.
    notes : mapping
        What is noted in the head beside the question.

    Raises
    ------
    StudyError
        A folder that holds other things, or parts of another question, or in which another run is at work.
    """
    from filelock import FileLock, Timeout

    path = folder / NAME
    made = [part for part in (folder, *folder.parents) if not part.exists()]
    try:
        _check_folder(folder)
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK)
        lock.acquire(timeout=0)
    except Timeout:
        raise StudyError(f"another run is at work in {folder}: wait for it, or choose another folder") from None
    except OSError as error:
        raise StudyError(f"{folder}, for finished partitions, cannot be written: {why_not(error)}") from None
    in_vain = False
    try:
        sweep_drafts(folder)
        head, entries = _read(path) if path.is_file() else ({}, {})
        if head and not resume:
            _forget(folder, entries)
            head, entries = {}, {}
        if head and (head.get("question"), head.get("cblcast")) != (question, __version__):
            other = "was written by another cblcast" if head.get("question") == question else "answers another question"
            raise StudyError(
                f"{folder} holds a run that {other}, and its parts are not taken for this one: choose another folder, or "
                "begin anew with --no-resume"
            )
        with _appended(path, entries) as file:
            if not head:
                head = {"format": FORMAT, "cblcast": __version__, "question": question, **notes}
                file.write(json.dumps(head) + "\n")
                file.flush()
            journal = Journal(folder, head, entries, file)
            try:
                yield journal
            finally:
                in_vain = not any(entry.files for entry in journal.entries.values())
    finally:
        lock.release()
        if in_vain:
            _leave(folder, made)


def take_away(folder: Path) -> None:
    """Take away the parts of a run and its journal, and nothing else."""
    path = folder / NAME
    if path.is_file():
        _forget(folder, _read(path)[1])
    with suppress(OSError):
        (folder / LOCK).unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


def _leave(folder: Path, made: Sequence[Path]) -> None:
    """Take away a journal of which nothing has come, and the folders that were `made` for it (innermost first) if they are empty."""
    (folder / NAME).unlink(missing_ok=True)
    (folder / LOCK).unlink(missing_ok=True)
    for one in [*(one for one in folder.iterdir() if one.is_dir()), *made]:
        with suppress(OSError):
            one.rmdir()


def _check_folder(folder: Path) -> None:
    if folder.is_dir() and not (folder / NAME).is_file():
        found = sorted(one.name for one in folder.iterdir() if one.name != LOCK)
        if found:
            raise StudyError(
                f"{folder} is not empty and holds no journal of a run, e.g. {found[0]}: name a new or an empty folder"
            )


@contextmanager
def _appended(path: Path, entries: Mapping[str, Entry]) -> Iterator[IO[str]]:
    try:
        if path.is_file():
            _cut_half_line(path)
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        raise StudyError(f"{path} cannot be written: {why_not(error)}") from None
    with file:
        yield file


def _cut_half_line(path: Path) -> None:
    """Cut off the half line that a kill may leave at the end; the next line would be glued to it."""
    content = path.read_bytes()
    if content and not content.endswith(b"\n"):
        with path.open("r+b") as file:
            file.truncate(content.rfind(b"\n") + 1)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Entry]]:
    """Head and entries; a half line at the end is none."""
    whole = path.read_bytes().rpartition(b"\n")[0]
    lines = whole.decode("utf-8", errors="replace").splitlines()
    try:
        told = [json.loads(line) for line in lines]
        head = told[0] if told else {}
        if head and head["format"] != FORMAT:
            raise KeyError(head["format"])
        entries = [Entry(**{**line, "failures": [tuple(pair) for pair in line["failures"]]}) for line in told[1:]]
    except (ValueError, TypeError, KeyError) as error:
        raise StudyError(
            f"{path} is no journal of a run that this cblcast knows ({error}), and is left as it is: name another folder"
        ) from None
    return head, {entry.key: entry for entry in entries}


def _forget(folder: Path, entries: Mapping[str, Entry]) -> None:
    for entry in entries.values():
        for file in entry.files:
            if ".." not in Path(file).parts and not Path(file).is_absolute():
                (folder / file).unlink(missing_ok=True)
                with suppress(OSError):
                    (folder / file).parent.rmdir()  # only an empty one goes
    (folder / NAME).unlink(missing_ok=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
