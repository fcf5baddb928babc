"""The manifest of a saved model: which files it has, and the SHA-256 of each, written last and checked before any is parsed.

What was read is checked and what was checked is parsed: :func:`read_whole` gives the bytes themselves, so that no file
can change in between. A damaged tree is worse than none: LightGBM ends the process on a flipped bit.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from cblcast.errors import DataError, StudyError
from cblcast.version import __version__

MANIFEST = "manifest.json"
FORMAT = 1
MOST_BYTES = 2**33  # of one file; the largest forest of our trials has 2**28
_MOST_MANIFEST_BYTES = 2**20
_REMEDY = "copy the model again from where it is whole, or train and register it again"


def unseal(folder: Path, names: Collection[str]) -> None:
    """Make `folder` ready for the files `names` of a model: the manifest of an earlier one goes before they are written.

    Raises
    ------
    DataError
        The folder holds something else as well.
    """
    strange = sorted({entry.name for entry in folder.iterdir()} - {*names, MANIFEST})
    if strange:
        raise DataError(
            f"the folder {folder.name!r} holds {strange[0]!r}, which is no part of a model: name an empty one"
        )
    (folder / MANIFEST).unlink(missing_ok=True)


def seal(folder: Path, names: Collection[str]) -> None:
    """Write the manifest of the files `names` of `folder`: the last thing that is written of a model.

    Raises
    ------
    DataError
        A file is too large to be loaded again.
    """
    files = {}
    for name in sorted(names):
        size = (folder / name).stat().st_size
        if size > MOST_BYTES:
            raise DataError(
                f"the model has {size} bytes in {name}, where {MOST_BYTES} are the most: train a smaller one"
            )
        content = (folder / name).read_bytes()
        files[name] = {"bytes": len(content), "sha256": _digest(content)}
    (folder / MANIFEST).write_bytes(_written({"format": FORMAT, "cblcast": __version__, "files": files}))


def digest_of(folder: Path) -> str | None:
    """SHA-256 of the manifest of a model, in hexadecimal; None of a model without one."""
    try:
        return _digest(_bytes_of(folder, MANIFEST, _MOST_MANIFEST_BYTES))
    except FileNotFoundError:
        return None


def read_whole(folder: Path, digest: str | None = None) -> dict[str, bytes] | None:
    """Content of every file of the model in `folder`, checked; None of a model without a manifest.

    Parameters
    ----------
    folder : Path
    digest : str, optional
        SHA-256 of the manifest, as it was noted elsewhere when the model was saved.

    Raises
    ------
    DataError
        A file is damaged, missing, too many, or no plain file; the manifest is damaged, or is not the one that was noted.
    StudyError
        A newer version of cblcast wrote the model.
    """
    try:
        written = _bytes_of(folder, MANIFEST, _MOST_MANIFEST_BYTES)
    except FileNotFoundError:
        if digest is not None:
            raise DataError(f"the model in {folder.name!r} has lost its {MANIFEST}: {_REMEDY}") from None
        return None
    files = _files_of(written, folder)
    if digest is not None and _digest(written) != digest:
        raise DataError(
            f"the model in {folder.name!r} is not the one that was registered ({MANIFEST} has another SHA-256 than the "
            f"store noted): {_REMEDY}"
        )
    strange = sorted(set(os.listdir(folder)) - {MANIFEST, *files})
    if strange:
        raise DataError(
            f"the model in {folder.name!r} holds {strange[0]!r}, which its {MANIFEST} does not name: take it out, or {_REMEDY}"
        )
    return {name: _checked(folder, name, wanted) for name, wanted in files.items()}


def read_unsealed(folder: Path, name: str) -> bytes:
    """Content of a file of a model of version 0.1, which had no manifest.

    Raises
    ------
    DataError
        It is not there, or no plain file.
    """
    try:
        return _bytes_of(folder, name, MOST_BYTES)
    except FileNotFoundError:
        raise _missing(folder, name) from None


def format_of(document: Any, newest: int, unsaid: int | None = None) -> int:
    """Number of the format in which `document` is written, `unsaid` where it names none."""
    number = document.get("format", unsaid)
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise DataError(f"the format of a model is a whole number from 1, not {number!r}: train and register it again")
    if number > newest:
        raise StudyError(f"the model has format {number}, this cblcast reads up to {newest}: update cblcast")
    return number


def _checked(folder: Path, name: str, wanted: Mapping[str, Any]) -> bytes:
    try:
        content = _bytes_of(folder, name, int(wanted["bytes"]))
    except FileNotFoundError:
        raise _missing(folder, name) from None
    if len(content) != wanted["bytes"] or _digest(content) != wanted["sha256"]:
        raise DataError(f"the model in {folder.name!r} is damaged: {name} is not the file that was saved: {_REMEDY}")
    return content


def _missing(folder: Path, name: str) -> DataError:
    return DataError(f"the model in {folder.name!r} cannot be read, it has no {name}: {_REMEDY}")


def _bytes_of(folder: Path, name: str, most: int) -> bytes:
    """Content of a plain file of at most `most` bytes; nothing that is a link, a pipe or a folder is opened."""
    path = folder / name
    known = path.lstat()
    if not stat.S_ISREG(known.st_mode):
        kind = "a link" if stat.S_ISLNK(known.st_mode) else "a folder" if stat.S_ISDIR(known.st_mode) else "a device"
        raise DataError(f"the model in {folder.name!r} has {kind} for {name}, where a file should be: {_REMEDY}")
    if known.st_size > most:
        raise DataError(
            f"the model in {folder.name!r} is damaged: {name} has {known.st_size} bytes, where {most} are the most: {_REMEDY}"
        )
    return path.read_bytes()


def _files_of(written: bytes, folder: Path) -> dict[str, dict[str, Any]]:
    """What a manifest says of each file, once it is found whole and of a version that is known here."""
    damaged = DataError(f"the model in {folder.name!r} is damaged: its {MANIFEST} is not what was written: {_REMEDY}")
    try:
        document = json.loads(written)
        number, saved_by, files = document["format"], document["cblcast"], document["files"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise damaged from None
    if isinstance(number, int) and number > FORMAT:
        raise StudyError(
            f"the {MANIFEST} of the model in {folder.name!r} has format {number}, this cblcast reads up to {FORMAT}: "
            "update cblcast"
        )
    if number != FORMAT or _written({key: document[key] for key in ("format", "cblcast", "files")}) != written:
        raise damaged
    _check_version(str(saved_by), folder)
    for name in files:
        if name in ("", ".", "..", MANIFEST) or re.search(r"[/\\:\0]", name):
            raise DataError(
                f"the {MANIFEST} of the model in {folder.name!r} names {name!r}, which is no file of it: {_REMEDY}"
            )
    if any(entry["bytes"] > MOST_BYTES for entry in files.values()):
        name = max(files, key=lambda key: files[key]["bytes"])
        raise DataError(
            f"the model in {folder.name!r} is too large: {name} has {files[name]['bytes']} bytes: {_REMEDY}"
        )
    return dict(files)


def _check_version(saved_by: str, folder: Path) -> None:
    """Versions that differ in the last place alone read each other's models."""
    theirs, ours = (re.match(r"(\d+)\.(\d+)", version) for version in (saved_by, __version__))
    if theirs is None or ours is None:
        raise DataError(
            f"the model in {folder.name!r} was saved by cblcast {saved_by!r}, which is no version: {_REMEDY}"
        )
    if tuple(map(int, theirs.groups())) > tuple(map(int, ours.groups())):
        raise StudyError(
            f"the model in {folder.name!r} was saved by cblcast {saved_by}, this is {__version__}: update cblcast "
            f"(pip install 'cblcast>={saved_by}')"
        )


def _written(document: Mapping[str, Any]) -> bytes:
    """The one text of a manifest: any other, by as little as a bit, is a damaged one."""
    try:
        body = {key: document[key] for key in ("format", "cblcast", "files")}
        files = {
            str(name): {"bytes": int(entry["bytes"]), "sha256": str(entry["sha256"])}
            for name, entry in body["files"].items()
        }
    except (LookupError, TypeError, ValueError, AttributeError):
        return b""
    body = {**body, "files": files}
    check = _digest(json.dumps(body, sort_keys=True).encode())
    return (json.dumps({**body, "check": check}, indent=1) + "\n").encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
