"""A page: what it says, part by part, and the one shell that all pages share."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, ClassVar, Literal

from cblcast.report.live import as_json, script, script_hash
from cblcast.report.words import Words
from cblcast.version import __version__

SOFTWARE = f"cblcast {__version__}"


@dataclass(frozen=True)
class Prose:
    """A paragraph.

    Attributes
    ----------
    text : str
    tone : {"plain", "note", "warning", "lead"}
        A warning is what money should not rest on; a lead is the verdict.
    """

    template: ClassVar[str] = "prose.html"
    text: str
    tone: Literal["plain", "note", "warning", "lead"] = "plain"


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    template: ClassVar[str] = "bullets.html"
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """Names and values, such as who and what a settlement is for."""

    template: ClassVar[str] = "facts.html"
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Tiles:
    """A few figures that are seen first: value, what it is, and a remark."""

    template: ClassVar[str] = "tiles.html"
    tiles: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Table:
    """A table of texts; the first cell of a row is its heading.

    Attributes
    ----------
    caption : str
    columns : tuple of str
    rows : tuple of tuples of str
    numeric : tuple of bool
        Columns at the right margin.
    marked : frozenset of int
        Rows that stand out: the winner.
    totals : tuple of tuples of str
        Rows at the foot.
    """

    template: ClassVar[str] = "table.html"
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    marked: frozenset[int] = frozenset()
    totals: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Chart:
    """A picture, drawn wide and narrow, with what it shows in words and its figures as a table.

    Attributes
    ----------
    wide, narrow : str
        SVG as :func:`cblcast.report.drawing.svg_of` makes it.
    caption : str
    says : str
        What the picture shows, for who does not see it.
    figures : Table, optional
    live : mapping, optional
        What the page's script draws in its place on a screen; see :mod:`cblcast.report.live`.
    """

    template: ClassVar[str] = "chart.html"
    wide: str = field(repr=False)
    narrow: str = field(repr=False)
    caption: str
    says: str
    figures: Table | None = None
    live: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Picture:
    """A PNG."""

    template: ClassVar[str] = "picture.html"
    png: bytes = field(repr=False)
    caption: str

    @property
    def address(self) -> str:
        """The picture as a data URI."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode("ascii")


@dataclass(frozen=True)
class Source:
    """A text as it stands in a file."""

    template: ClassVar[str] = "source.html"
    caption: str
    text: str
    language: str = "en"


@dataclass(frozen=True)
class Folded:
    """Parts that are shown when asked for, and always in print."""

    template: ClassVar[str] = "folded.html"
    summary: str
    parts: tuple[Any, ...]


Part = Prose | Bullets | Facts | Tiles | Table | Chart | Picture | Source | Folded


@dataclass(frozen=True)
class Section:
    """A part of a page under a heading.

    Attributes
    ----------
    anchor : str
        Letters, digits and dashes.
    heading : str
    parts : tuple
    in_mail : bool
        Whether it belongs to the summary that is sent by mail.
    """

    anchor: str
    heading: str
    parts: tuple[Part, ...]
    in_mail: bool = False


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes
    ----------
    kind : str
        What it is, above the title: "Settlement", "Baseline report".
    title : str
    words : Words
    sections : tuple of Section
        The verdict first.
    issued : datetime
        In the zone in which it is told.
    subtitle : str
    """

    kind: str
    title: str
    words: Words
    sections: tuple[Section, ...]
    issued: dt.datetime
    subtitle: str = ""

    def noting(self, anchor: str, text: str) -> Page:
        """The page with a remark at the end of one of its sections."""
        note = Prose(f"{text[:1].upper()}{text[1:]}.", "note")
        told = (replace(one, parts=(*one.parts, note)) if one.anchor == anchor else one for one in self.sections)
        return replace(self, sections=tuple(told))

    def html(self) -> str:
        """The page as one document, which needs no other file and no network."""
        alive = any(isinstance(part, Chart) and part.live for part in self._parts())
        told = {"script": script(), "script_hash": script_hash()} if alive else {"script": ""}
        return _shell().get_template("page.html").render(page=self, words=self.words, software=SOFTWARE, **told)

    def _parts(self) -> Iterator[Part]:
        for section in self.sections:
            for part in section.parts:
                yield from part.parts if isinstance(part, Folded) else (part,)

    def mail(self) -> str:
        """What belongs to the summary, without pictures and in the plain HTML that mail programs show."""
        return _shell().get_template("mail.html").render(page=self, words=self.words, software=SOFTWARE)


def sections(*found: Section | None) -> tuple[Section, ...]:
    """Those sections that there is something to say in."""
    return tuple(each for each in found if each is not None and each.parts)


def table(
    caption: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric: Sequence[bool] | None = None,
    marked: Sequence[int] = (),
    totals: Sequence[Sequence[str]] = (),
) -> Table:
    """A table from lists; all columns but the first are numbers unless said."""
    numbers = tuple(numeric) if numeric is not None else (False, *(True for _ in columns[1:]))
    return Table(
        caption, tuple(columns), tuple(map(tuple, rows)), numbers, frozenset(marked), tuple(map(tuple, totals))
    )


@cache
def _shell() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # Names of sites and methods are strangers' text: everything is escaped, in every template.
    found = Environment(
        loader=PackageLoader("cblcast.report", "shell"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    found.filters["told"] = as_json
    return found
