"""What PostgreSQL's binary copy sends, as arrays: a record a site, of its number and an array for each column."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
_HEADER = len(_SIGNATURE) + 8  # flags, and the length of an extension that no server sends
_LENGTH = struct.Struct(">i")
_ARRAY = struct.Struct(">iiIii")  # dimensions, whether there are NULLs, type, length, first index


class Copied:
    """Takes a copy piece by piece, wherever it is cut.

    A record is the number of its fields (-1 at the end), then the length and the value of each; an array is a head and the length and
    the value of each element (PostgreSQL, COPY, binary format, and ``array_send``).

    Parameters
    ----------
    kinds : sequence of str
        Of the elements of each array, such as ``>f4``.
    """

    def __init__(self, kinds: Sequence[str]) -> None:
        self._elements = [np.dtype([("length", ">i4"), ("value", kind)]) for kind in kinds]
        self._sites: list[int] = []
        self._columns: list[list[np.ndarray]] = [[] for _ in kinds]
        self._rest = bytearray()
        self._begun = self._ended = False

    def write(self, data: bytes) -> None:
        """Take what the server sends."""
        self._rest += data
        at = 0
        if not self._begun:
            if len(self._rest) < _HEADER:
                return
            if not self._rest.startswith(_SIGNATURE):
                raise OSError("the server sent no binary copy")
            self._begun, at = True, _HEADER
        held = bytes(self._rest)
        while (after := self._record(held, at)) > at:
            at = after
        del self._rest[:at]

    def arrays(self) -> list[np.ndarray]:
        """Number of the site of each row, int32, and the columns, all of one length, once the copy has ended."""
        if not self._ended or self._rest:
            raise OSError("the copy broke off before its end")
        counts = [len(one) for one in self._columns[0]]
        codes = np.repeat(np.array(self._sites, dtype=np.int32), counts)
        none = [np.empty(0, dtype=one["value"].newbyteorder("=")) for one in self._elements]
        return [codes, *(np.concatenate([nothing, *own]) for nothing, own in zip(none, self._columns, strict=True))]

    def _record(self, held: bytes, at: int) -> int:
        """Where the record that begins here ends; here itself, where it is not whole yet."""
        if len(held) < at + 2 or self._ended:
            return at
        if held[at : at + 2] == b"\xff\xff":
            self._ended = True
            return at + 2
        fields = []
        end = at + 2
        for _ in range(1 + len(self._elements)):
            if len(held) < end + 4:
                return at
            (length,) = _LENGTH.unpack_from(held, end)
            fields.append((end + 4, length))
            end += 4 + length
        if len(held) < end:
            return at
        self._sites.append(_LENGTH.unpack_from(held, fields[0][0])[0])
        for (begin, length), element, column in zip(fields[1:], self._elements, self._columns, strict=True):
            count = _ARRAY.unpack_from(held, begin)[3]
            if length != _ARRAY.size + count * element.itemsize:
                raise OSError("the server sent an array with gaps")
            values = np.frombuffer(held, dtype=element, count=count, offset=begin + _ARRAY.size)["value"]
            column.append(values.astype(values.dtype.newbyteorder("=")))
        return end
