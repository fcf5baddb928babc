"""What a command writes: never over what it reads, all of it or nothing, with its folders."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path, PurePath

import pandas as pd

from cblcast.errors import StudyError, why_not
from cblcast.io.files import PARQUET_SUFFIXES

Writer = Callable[[Path], object]


def check_outputs(
    outputs: Mapping[str, Path | None], inputs: Mapping[str, str | PurePath | None], *, folders: bool = False
) -> None:
    """Refuse an output that is an input, two that are one file, or one that cannot be written, before anything is read.

    Parameters
    ----------
    outputs, inputs : mapping
        Option or argument → path; None where it was not given.
    folders : bool
        Whether an output may be a folder that is there.

    Raises
    ------
    StudyError
    """
    read = {name: Path(path) for name, path in inputs.items() if path is not None}
    written: dict[str, Path] = {}
    for name, path in outputs.items():
        if path is None:
            continue
        for other, there in read.items():
            if _same(path, there):
                raise StudyError(
                    f"{name} {path} is the file of {other}, which would be lost: choose another name for {name}"
                )
            if path.suffix.lower() in PARQUET_SUFFIXES and there.is_dir() and there.resolve() in path.resolve().parents:
                raise StudyError(
                    f"{name} {path} lies in the folder of {other}, of whose meters it would be one: choose another place for {name}"
                )
        for other, there in written.items():
            if _same(path, there):
                raise StudyError(f"{name} and {other} both name {path}: choose another name for one of them")
        written[name] = path
    for name, path in written.items():
        check_writable(name, path, folder=folders and path.is_dir())


def check_writable(name: str, path: Path, *, folder: bool = False) -> None:
    """Refuse an output that cannot be written, or a `folder` that nothing can be written into; nothing is left of the trial."""
    try:
        _try(path, folder)
    except OSError as error:
        raise StudyError(f"{name} {path} cannot be written: {why_not(error)}; nothing was begun") from None


def _try(path: Path, is_folder: bool) -> None:
    """Make the draft of an output and remove it; in the nearest folder that is there, where its own is not."""
    if path.is_dir():
        if not is_folder:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        draft = _draft(path / "any")
    else:
        folder = next(part for part in path.absolute().parents if part.exists())
        draft = folder / _draft(path).name
    try:
        draft.touch()
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.draft")


def _same(a: Path, b: Path) -> bool:
    try:
        return a.samefile(b)
    except (OSError, ValueError):  # one of them is not there yet
        return Path(os.path.abspath(a)) == Path(os.path.abspath(b)) or a.resolve() == b.resolve()


def write_all(writers: Mapping[Path, Writer]) -> None:
    """Write several files, all or none: each as a draft beside its place, then all of them renamed.

    Raises
    ------
    StudyError
        Naming the file that cannot be written and why; no draft and no folder of its own is left.
    """
    drafts: dict[Path, Path] = {}
    made: list[Path] = []
    try:
        for path, write in writers.items():
            try:
                made += _folders(path.parent)
                drafts[path] = _draft(path)
                write(drafts[path])
                if path.is_dir():
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            except OSError as error:
                raise StudyError(f"{path} cannot be written: {why_not(error)}; nothing is written") from None
        _rename(drafts)
        made.clear()
    finally:
        for draft in drafts.values():
            with suppress(OSError):
                draft.unlink(missing_ok=True)
        for folder in reversed(made):
            with suppress(OSError):
                folder.rmdir()  # only an empty one goes


def _folders(folder: Path) -> list[Path]:
    """Make a folder and those above it; the ones that were made, outermost first."""
    missing = [part for part in (folder, *folder.parents) if not part.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing[::-1]


def _rename(drafts: Mapping[Path, Path]) -> None:
    for path, draft in drafts.items():
        try:
            draft.replace(path)
        except OSError as error:
            raise StudyError(f"{path} cannot be written: {why_not(error)}") from None


def frame_writer(frame: pd.DataFrame, path: Path, decimals: int | None = None) -> Writer:
    """Writes a frame as the ending of `path` says; an unknown ending is a :class:`StudyError`.

    `decimals` round the numbers of a CSV, for people; Parquet is for machines and always exact.
    """
    told = frame if decimals is None else frame.round(dict.fromkeys(frame.select_dtypes("number").columns, decimals))
    writers: dict[str, Writer] = {
        ".csv": lambda target: told.to_csv(target, index=False),
        ".parquet": lambda target: frame.to_parquet(target, index=False),
    }
    check_ending(path)
    return writers[path.suffix.lower()]


def check_ending(path: Path | None) -> None:
    """Refuse the ending of a table that is neither, before it is computed."""
    if path is not None and path.suffix.lower() not in (".csv", ".parquet"):
        raise StudyError(f"{path.name!r} ends in neither .csv nor .parquet: choose one of them")
    if path is not None and path.is_dir():
        raise StudyError(f"{path} cannot be written: it is a folder: name a file in it; nothing is written")


def text_writer(text: str) -> Writer:
    """Writes a text."""
    return lambda target: target.write_text(text, encoding="utf-8")
