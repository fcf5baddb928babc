"""Numbers as people write them: decimal points and commas, thousands by comma, point, blank or apostrophe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

NOTHING = (
    "",
    "na",
    "n/a",
    "nan",
    "null",
    "none",
    "-",
    "--",
    "---",
    "missing",
    "n.a.",
    "#n/a",
    "#value!",
    "#ref!",
    "k.a.",
    "s/d",
    "n.d.",
    "nd",
    "?",
)
_BLANKS = "[ \u00a0\u202f\u2009]"


@dataclass(frozen=True)
class Style:
    """One way to write numbers.

    Attributes
    ----------
    says : str
        In words.
    pattern : str
        Of a whole number in this style (RE2).
    drop, point : str
        What to take out, and what to turn into a point.
    decimal : str
        Its decimal sign.
    groups : bool
        Whether it has signs between thousands.
    """

    says: str
    pattern: str
    drop: str
    point: str
    decimal: str
    groups: bool


_E = r"([eE][+-]?\d+)?"
STYLES = (
    Style("1234.5", rf"^[+-]?(\d+\.?\d*|\.\d+){_E}$", "", ".", ".", False),
    Style("1234,5", rf"^[+-]?(\d+,?\d*|,\d+){_E}$", "", ",", ",", False),
    Style("1,234.5", r"^[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d*)?$", ",", ".", ".", True),
    Style("1.234,5", r"^[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d*)?$", "[.]", ",", ",", True),
    Style("1 234,5", rf"^[+-]?(\d{{1,3}}({_BLANKS}\d{{3}})+|\d+)(,\d*)?$", _BLANKS, ",", ",", True),
    Style("1 234.5", rf"^[+-]?(\d{{1,3}}({_BLANKS}\d{{3}})+|\d+)(\.\d*)?$", _BLANKS, ".", ".", True),
    Style("1'234.5", r"^[+-]?(\d{1,3}(['’]\d{3})+|\d+)(\.\d*)?$", "['’]", ".", ".", True),
    Style("1'234,5", r"^[+-]?(\d{1,3}(['’]\d{3})+|\d+)(,\d*)?$", "['’]", ",", ",", True),
)


@dataclass(frozen=True)
class Numbers:
    """Texts as numbers.

    Attributes
    ----------
    values : ndarray of float64, shape (n,)
        NaN where nothing stands, or a word for nothing.
    style : Style
        How most are written.
    wrong : ndarray of int64
        Positions of texts that are no numbers in that style.
    unclear : bool
        Whether another style reads the same texts as other numbers.
    """

    values: np.ndarray
    style: Style
    wrong: np.ndarray
    unclear: bool


def read_numbers(text: pd.Series, decimal: str | None, likely: str | None = None) -> Numbers:
    """Texts as numbers, all in one style.

    Parameters
    ----------
    text : Series of str
    decimal : {".", ","}, optional
        The decimal sign, where it was said.
    likely : {".", ","}, optional
        The decimal sign of the file's other numbers, for texts that several styles would read.
    """
    given = pa.array(text.astype("object"), type=pa.string(), from_pandas=True)
    given = pc.replace_substring_regex(pc.utf8_trim_whitespace(given), "^[\u2212\u2013]", "-")
    nothing = pc.or_(pc.is_null(given), pc.is_in(pc.utf8_lower(given), value_set=pa.array(NOTHING)))
    there = given.filter(pc.invert(nothing))
    styles = [style for style in STYLES if decimal is None or style.decimal == decimal]
    fit = {style: pc.sum(pc.match_substring_regex(there, style.pattern)).as_py() or 0 for style in styles}
    best = [style for style in styles if fit[style] == max(fit.values())]
    some = pc.unique(there)[:2000]
    style = max(best, key=lambda style: _preference(style, some, decimal or likely))
    fits = pc.fill_null(pc.match_substring_regex(given, style.pattern), False)
    known = pc.if_else(pc.and_(fits, pc.invert(nothing)), given, pa.scalar(None, pa.string()))
    wrong = np.flatnonzero(pc.and_(pc.invert(nothing), pc.invert(fits)).to_numpy(zero_copy_only=False))
    reads = [_values(some.filter(pc.match_substring_regex(some, style.pattern)), other) for other in (style, *best)]
    both = all(
        bool(pc.any(pc.match_substring(some, sign)).as_py()) for sign in ".,"
    )  # then the file's sign says nothing
    differ = any(not np.array_equal(reads[0], read) for read in reads)
    unclear = decimal is None and (likely is None or both) and differ
    return Numbers(_values(known, style), style, wrong, unclear)


def _values(text: pa.Array, style: Style) -> np.ndarray:
    if style.drop:
        text = pc.replace_substring_regex(text, style.drop, "")
    if style.point != ".":
        text = pc.replace_substring(text, style.point, ".")
    return pc.cast(text, pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)


def _preference(style: Style, some: pa.Array, likely: str | None) -> tuple[bool, bool, int]:
    """Of styles that read the same texts: the likely decimal sign, thousands where all numbers look like them, the plainest."""
    right = likely is None or style.decimal == likely
    by_point, by_comma = looks_grouped(some, "."), looks_grouped(some, ",")
    grouped = (by_comma and style.drop == ",") or (by_point and style.drop == "[.]")
    return right, grouped or not (by_point or by_comma), -STYLES.index(style)


def looks_grouped(texts: pa.Array, sign: str) -> bool:
    """Whether a sign stands in every number from 1000 on, before three digits, and in no smaller one."""
    groups = pc.match_substring_regex(texts, rf"^[+-]?[1-9]\d{{0,2}}(\{sign}\d{{3}})+$")
    small = pc.match_substring_regex(texts, r"^[+-]?\d{1,3}$")
    n_groups, n_small = (pc.sum(found).as_py() or 0 for found in (groups, small))
    return n_groups + n_small == len(texts) and n_groups >= 3 and n_small >= 3
