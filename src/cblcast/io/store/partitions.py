"""Partitions: the sites of a store in ranges or files, each of a size that fits, cut by what the footers say."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cblcast.errors import DataError
from cblcast.io.store.footers import Footer, Group, Name, Span

BYTES_AT_ONCE = 200 * 1024**2
MOST_READ_AGAIN = 0.5  # of a partition: more in row groups that two partitions share, and it is not cut there
# Of a reading in memory, once read: what its place, time and value take as arrays.
BYTES_A_READING = {"long": 24, "days": 5, "wide": 12}


@dataclass(frozen=True)
class Piece:
    """Some row groups of one file.

    Attributes
    ----------
    file : str
        Path within the store.
    groups : tuple of int
    spans : tuple of (first, last) or None
        Least and greatest time [us UTC] or day of each row group.
    site : str or None
        Of every row, where a folder names it.
    day : str or None
        Likewise the date.
    """

    file: str
    groups: tuple[int, ...]
    spans: tuple[Span | None, ...]
    site: str | None = None
    day: str | None = None


@dataclass(frozen=True)
class Partition:
    """Whole sites of a store that are read at once; small, frozen and picklable.

    Attributes
    ----------
    key : str
        The same as long as the store is, to name what is made of it.
    pieces : tuple of Piece
    first_site, last_site : str or int
        Least and greatest name that it may hold.
    before_site : str, int or None
        Its sites come before this one, where a row group is shared with the next partition.
    rows : int
        Rows of its row groups.
    bytes : int
        What it takes in memory, about.
    columns : tuple of str
        The sites themselves, in a wide store.
    left_out : tuple of str
        Sites that lie in another partition as well, which no reading gives.
    state : str
        Where no file says whether the rows are still the same: what tells them from others of the same sites.
    """

    key: str
    pieces: tuple[Piece, ...]
    first_site: Name
    last_site: Name
    before_site: Name | None
    rows: int
    bytes: int
    columns: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    state: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        """Its files, as paths within the store."""
        return tuple(piece.file for piece in self.pieces)

    def holds(self, site: Name) -> bool:
        """Whether the site's name is within its range."""
        return self.first_site <= site and (self.before_site is None or site < self.before_site)


def partitions_of(footers: Sequence[Footer], bytes_at_once: int = BYTES_AT_ONCE) -> list[Partition]:
    """Cut a store.

    Files that follow each other in the order of sites, or that hold other times of the same sites (a file a month), are cut
    into ranges of sites. Files that mix their sites (buckets by a hash) are each a partition, or several where a file
    is sorted.

    Parameters
    ----------
    footers : sequence of Footer
        With the first and last site of each row group.
    bytes_at_once : int
        In memory, of one partition; one row group is the least.
    """
    if bytes_at_once < 1:
        raise DataError(f"bytes_at_once is a positive number of bytes, not {bytes_at_once!r}")
    if footers[0].layout.kind == "wide":
        return _of_columns(footers, bytes_at_once)
    made: list[Partition] = []
    for members in _together(footers):
        made += _ranges(members, bytes_at_once, len(made))
    return made


def _together(footers: Sequence[Footer]) -> list[list[Footer]]:
    """Files whose sites are cut as one: all of them, or each for itself where files mix their sites."""
    ends = [(_sites(footer), footer) for footer in footers if footer.groups]
    ordered = sorted(ends, key=lambda pair: pair[0])
    follow = all(one[0][1] <= other[0][0] for one, other in itertools.pairwise(ordered))
    if follow or _by_time([footer for _, footer in ordered]):
        return [[footer for _, footer in ordered]]
    return [[footer] for _, footer in ordered]


def _sites(footer: Footer) -> tuple[Name, Name]:
    told = [group.sites for group in footer.groups if group.sites is not None]
    return min(first for first, _ in told), max(last for _, last in told)


def _by_time(footers: Sequence[Footer]) -> bool:
    """Whether files follow each other in time: a file a month, or a day."""
    spans = []
    for footer in footers:
        told = [group.span for group in footer.groups]
        if any(span is None for span in told):
            return False
        spans.append((min(span[0] for span in told if span), max(span[1] for span in told if span)))
    # Files may share both (a folder for each month, in which sites are ranged): spans are alike or apart.
    distinct = sorted(set(spans))
    return len(distinct) > 1 and all(one[1] < other[0] for one, other in itertools.pairwise(distinct))


def _ranges(footers: Iterable[Footer], bytes_at_once: int, made: int) -> list[Partition]:
    """Ranges of sites, each with the row groups that may hold them."""
    groups = sorted(
        ((group, footer) for footer in footers for group in footer.groups),
        key=lambda pair: (pair[0].sites, pair[0].file, pair[0].number),
    )
    kind = groups[0][1].layout.kind
    start: Name = _first(groups[0][0])
    members: list[tuple[Group, Footer]] = []
    taken, look_at = 0, bytes_at_once
    partitions: list[Partition] = []
    for pair in groups:
        size, first = _bytes(pair[0], kind), _first(pair[0])
        if members and taken + size > look_at and first > start:
            shared = [one for one in members if _last(one[0]) >= first]
            again = sum(_bytes(group, kind) for group, _ in shared)
            if again <= MOST_READ_AGAIN * taken:
                partitions.append(_partition(members, start, first, made + len(partitions), kind))
                start, members, taken, look_at = first, shared, again, bytes_at_once
            else:
                look_at = int(1.2 * (taken + size))  # sites are not in order here: look again a little later
        members.append(pair)
        taken += size
    partitions.append(_partition(members, start, None, made + len(partitions), kind))
    return partitions


def _partition(
    members: Sequence[tuple[Group, Footer]], start: Name, before: Name | None, number: int, kind: str
) -> Partition:
    last = max(_last(group) for group, _ in members)
    return Partition(
        f"{number:05d}",
        tuple(_pieces(members)),
        start,
        last,
        before,
        sum(group.rows for group, _ in members),
        sum(_bytes(group, kind) for group, _ in members),
    )


def _pieces(members: Iterable[tuple[Group, Footer]]) -> Iterable[Piece]:
    by_file: dict[str, list[tuple[Group, Footer]]] = {}
    for pair in members:
        by_file.setdefault(pair[0].file, []).append(pair)
    for file, pairs in sorted(by_file.items()):
        pairs.sort(key=lambda pair: pair[0].number)
        footer = pairs[0][1]
        layout = footer.layout
        yield Piece(
            file,
            tuple(group.number for group, _ in pairs),
            tuple(group.span for group, _ in pairs),
            footer.folders.get(layout.site),
            footer.folders.get(layout.when),
        )


def _of_columns(footers: Sequence[Footer], bytes_at_once: int) -> list[Partition]:
    """Of a wide store: blocks of columns that stand in the same files."""
    files_of: dict[str, list[int]] = {}
    for number, footer in enumerate(footers):
        for site in footer.sites:
            files_of.setdefault(site, []).append(number)
    alike: dict[tuple[int, ...], list[str]] = {}
    for site, numbers in files_of.items():
        alike.setdefault(tuple(numbers), []).append(site)
    made: list[Partition] = []
    for together, sites in alike.items():
        members = [(group, footers[number]) for number in together for group in footers[number].groups]
        rows = sum(group.rows for group, _ in members)
        most = max(1, bytes_at_once // max(1, rows * BYTES_A_READING["wide"]))
        sites = sorted(sites)
        for first in range(0, len(sites), most):
            some = tuple(sites[first : first + most])
            size = rows * len(some) * BYTES_A_READING["wide"]
            pieces = tuple(_pieces(members))
            made.append(Partition(f"{len(made):05d}", pieces, some[0], some[-1], None, rows, size, some))
    return made


def _first(group: Group) -> Name:
    assert group.sites is not None
    return group.sites[0]


def _last(group: Group) -> Name:
    assert group.sites is not None
    return group.sites[1]


def _bytes(group: Group, kind: str) -> int:
    return group.values * BYTES_A_READING[kind]
