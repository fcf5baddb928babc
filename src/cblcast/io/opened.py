"""A file opened, whatever it is packed in: plain, gzip, or the one data file in a zip; never more than fits in memory."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

from cblcast.frames.schema import DataError, nearest

LARGEST_UNPACKED = 4 * 1024**3  # bytes; a packed file that swells beyond it is refused
HEAD = 65_536  # bytes by which a file is recognised
LONGEST_HEAD = 16 * 1024**2  # bytes of the first lines of a table with thousands of columns
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
# Parts of a zip that systems add by themselves.
_ADDED = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")


def check_exists(path: Path, what: str) -> None:
    """A :class:`DataError` unless `path` is a file, with the nearest name beside it."""
    try:
        if path.is_file():
            return
        beside = sorted(p.name for p in path.parent.glob("*") if p.is_file()) if path.parent.is_dir() else []
    except OSError as error:
        raise DataError(
            f"the {what} file {str(path)[:200]!r} cannot be looked at ({error.strerror}): check the path"
        ) from None
    if path.is_dir():
        raise DataError(f"{path} is a folder, not a {what} file: name one file in it")
    empty = "its folder holds no file" if path.parent.is_dir() else f"there is no folder {path.parent}"
    hint = nearest(path.name, beside) if beside else f"{empty}: check the path"
    raise DataError(f"there is no {what} file {path}: {hint}")


def file_name(path: Path) -> str:
    """Name of the data file, without what it is packed in: ``meter.csv.gz`` and a zip of ``meter.csv`` are ``meter.csv``."""
    head = _first_bytes(path)
    if head.startswith(_GZIP) and path.suffix.lower() == ".gz":
        return path.name[:-3]
    if head.startswith(_ZIP) and not is_workbook(path):
        return Path(_member(path)).name
    return path.name


def is_workbook(path: Path) -> bool:
    """Whether a zip is an Excel workbook."""
    if not _first_bytes(path).startswith(_ZIP):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.startswith("xl/workbook") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return path.suffix.lower() in (".xlsx", ".xlsm")


def is_packed(path: Path) -> bool:
    """Whether the file must be unpacked before it is read."""
    head = _first_bytes(path)
    return head.startswith(_GZIP) or (head.startswith(_ZIP) and not is_workbook(path))


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a data file, unpacked.

    Raises
    ------
    DataError
        A zip of no or several data files, a password, a broken or cut pack, more than :data:`LARGEST_UNPACKED` bytes.
    """
    head = _first_bytes(path)
    try:
        if head.startswith(_GZIP):
            with gzip.open(path, "rb") as file:
                yield io.BufferedReader(_Bounded(cast(IO[bytes], file), path.name))
        elif head.startswith(_ZIP) and not is_workbook(path):
            with zipfile.ZipFile(path) as archive, archive.open(_member(path)) as file:
                yield io.BufferedReader(_Bounded(file, path.name))
        else:
            with path.open("rb") as file:
                yield file
    except (zlib.error, EOFError, zipfile.BadZipFile, gzip.BadGzipFile, NotImplementedError) as error:
        raise DataError(
            f"{path.name} cannot be read as {'gz' if head.startswith(_GZIP) else 'zip'} "
            f"({' '.join(str(error).split())[:120] or type(error).__name__}): write or download the file again"
        ) from None
    except RuntimeError as error:  # zipfile's word for a password
        raise DataError(f"{path.name} cannot be unpacked ({error}): save it without a password") from None


def head_of(path: Path, lines: int = 0) -> bytes:
    """The first bytes of a data file, unpacked; so many that they hold `lines` lines, unless these are of no table."""
    with opened(path) as file:
        head = file.read(HEAD)
        while head.count(b"\n") < lines and len(head) < LONGEST_HEAD:
            more = file.read(HEAD)
            if not more:
                break
            head += more
        return head


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(4)
    except OSError as error:
        raise DataError(f"{path} cannot be opened ({error.strerror}): check its permissions") from None


def _member(path: Path) -> str:
    """The one data file in a zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [
                item.filename
                for item in archive.infolist()
                if not item.is_dir() and not any(part in item.filename for part in _ADDED)
            ]
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise DataError(f"{path.name} cannot be read as zip ({error}): write or download the file again") from None
    if len(names) != 1:
        what = f"{len(names)} files ({', '.join(names[:5])}{' …' if len(names) > 5 else ''})" if names else "no file"
        raise DataError(f"{path.name} holds {what}: unpack it, and name one data file")
    return names[0]


class _Bounded(io.RawIOBase):
    """A stream that ends with a sentence when it swells beyond what is read."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self.file, self.name, self.seen = file, name, 0

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """The next bytes, counted."""
        data = self.file.read(len(buffer))
        self.seen += len(data)
        if self.seen > LARGEST_UNPACKED:
            raise DataError(
                f"{self.name} unpacks to more than {LARGEST_UNPACKED / 1024**3:g} GiB: unpack it yourself if you trust it, "
                "and save it as Parquet"
            )
        buffer[: len(data)] = data
        return len(data)
