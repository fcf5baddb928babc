"""XML from a file of any length: plain, gzip or zstandard, piece by piece; entities refused, nothing fetched."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat

from cblcast.errors import DataError, nearest

PIECE = 1 << 16  # bytes of XML in hand at a time: what comes of them stays in the cache
SUFFIXES = (".xml", ".xml.gz", ".xml.zst")
StartHandler = Callable[[str, dict[str, str]], Any]


def pieces(path: str | Path, size: int = PIECE) -> Iterator[bytes]:
    """The XML text of a file in pieces of at most `size` bytes.

    Raises
    ------
    DataError
        No such file, an unknown suffix, a packed file that ends too early, ``.xml.zst`` without the extra ``matsim``.
    """
    path = Path(path)
    suffix = "".join(path.suffixes[-2:]) if path.suffix in (".gz", ".zst") else path.suffix
    if not path.is_file():
        beside = sorted(p.name for p in path.parent.glob("*.xml*")) if path.parent.is_dir() else []
        hint = nearest(path.name, beside) if beside else f"there is no XML file in {path.parent}"
        raise DataError(f"there is no MATSim file {path}: {hint}")
    if suffix not in SUFFIXES:
        raise DataError(f"{path.name} is no MATSim XML by its suffix: use one of {', '.join(SUFFIXES)}")
    unpacked = _zstandard_pieces(path, size) if path.suffix == ".zst" else _plain_pieces(path, size)
    try:
        yield from unpacked
    except EOFError as error:
        raise DataError(
            f"{path.name} is truncated, its gzip stream ends early: copy it again, or let the simulation finish"
        ) from error
    except (OSError, zlib.error) as error:
        raise DataError(
            f"{path.name} cannot be unpacked ({' '.join(str(error).split())[:120]}): write it again"
        ) from error


def number(text: str | bytes, what: str) -> float:
    """`text` as a finite number; else a :class:`DataError` that begins with `what`."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        shown = text if isinstance(text, str) else text.decode()
        raise DataError(f"{what} is {shown!r}: it must be a finite number")
    return value


def _plain_pieces(path: Path, size: int) -> Iterator[bytes]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        while piece := file.read(size):
            yield piece


def _zstandard_pieces(path: Path, size: int) -> Iterator[bytes]:
    try:
        import zstandard
    except ModuleNotFoundError:
        raise DataError(
            f"{path.name} is packed with zstandard: pip install 'cblcast[matsim]', or unpack it to .xml"
        ) from None
    with path.open("rb") as file:
        reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        try:
            while piece := reader.read(size):
                yield piece
        except zstandard.ZstdError as error:
            raise DataError(f"{path.name} cannot be unpacked ({error}): write it again") from error


def parse(path: str | Path, start: StartHandler, characters: Callable[[str], Any] | None = None) -> bool:
    """Feed a whole XML file to `start` (name and attributes of every element) and `characters` (text).

    Returns
    -------
    bool
        Whether the file ended properly; False if only the closing tags are missing, as some writers leave them out.

    Raises
    ------
    DataError
        As :func:`pieces`; XML that is not well-formed, with its line; a declared entity; an end in mid-element.
    """
    name = Path(path).name
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.CharacterDataHandler = characters

    def refuse(entity: str, *_: Any) -> NoReturn:
        raise DataError(
            f"{name} declares the XML entity {entity!r}: entities are refused, since they can read or blow up anything; "
            "write the text in their place"
        )

    parser.EntityDeclHandler = refuse
    tail = b""
    try:
        for piece in pieces(path):
            parser.Parse(piece, False)
            tail = (tail + piece)[-64:]
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        if error.code == expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS] and tail.rstrip().endswith(b">"):
            return False
        raise DataError(
            f"{name}, line {error.lineno} is not well-formed XML ({expat.ErrorString(error.code)}): the file is cut off or "
            "was edited; write it again"
        ) from error
    return True
