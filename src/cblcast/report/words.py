"""Words of the pages in five languages, from one table, and numbers as these languages write them."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files

import numpy as np

from cblcast.errors import StudyError, nearest
from cblcast.frames.units import CURRENCIES

LANGUAGES = ("en", "de", "fr", "es", "it")
NOTHING = "–"
NOWCAST = "@nowcast"  # ends the key of a word that stands for another one on pages of nowcasts
SIGNS = {"en": (",", "."), "de": (".", ","), "fr": ("\u202f", ","), "es": (".", ","), "it": (".", ",")}


@dataclass(frozen=True)
class Words:
    """Words of one language.

    Attributes
    ----------
    language : str
        One of :data:`LANGUAGES`.
    table : mapping key -> text
    """

    language: str
    table: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """The text of `key`, with `values` in their places; a key that the table lacks is a KeyError."""
        return self.table[key].format(**values) if values else self.table[key]

    def of_nowcasts(self) -> Words:
        """These words where what is told is a nowcast: those of the table that end in ``@nowcast`` stand for the ones without."""
        own = {key.removesuffix(NOWCAST): text for key, text in self.table.items() if key.endswith(NOWCAST)}
        return Words(self.language, {**self.table, **own})

    def each(self, *keys: str) -> list[str]:
        """The texts of several keys."""
        return [self(key) for key in keys]

    def heading(self, column: str) -> str:
        """A column's name as a person writes it: that of the table, else the name with its unit, as ``delivered [kWh]``."""
        if column in self.table:
            return self.table[column]
        per = re.match(r"(.+)_([a-z]+)_per_([a-z_]+)$", column)
        if per and per[2] in _UNITS:
            each = " ".join(_UNITS.get(word, word) for word in per[3].split("_"))
            return f"{per[1].replace('_', ' ')} [{_UNITS[per[2]]}/{each}]"
        *name, last = column.split("_")
        unit = _UNITS.get(last)
        return " ".join([*name, f"[{unit}]"] if unit and name else column.split("_"))

    def number(self, value: float | Decimal | int | None, decimals: int | None = None) -> str:
        """A number with the language's signs; nothing, NaN and infinity are a dash.

        Parameters
        ----------
        decimals : int, optional
            Those of the value itself unless given.
        """
        if value is None or not np.isfinite(float(value)):
            return NOTHING
        text = f"{value:,}" if decimals is None else f"{value:,.{decimals}f}"
        if text.startswith("-") and not text.strip("-0.,"):
            text = text[1:]
        thousands, point = SIGNS[self.language]
        return text.translate({ord(","): thousands, ord("."): point, ord("-"): "−"})

    def signed(self, value: float, decimals: int = 1) -> str:
        """A number with its sign, but for zero."""
        text = self.number(value, decimals)
        return f"+{text}" if value > 0 and text.strip("0.,") else text

    def between(self, low: float, high: float, decimals: int = 1, *, signed: bool = False) -> str:
        """Limits of an interval."""
        write = self.signed if signed else self.number
        return f"{write(low, decimals)} – {write(high, decimals)}"


_UNITS = {
    "kwh": "kWh", "mwh": "MWh", "kw": "kW", "mw": "MW", "pct": "%", "h": "h", "min": "min", "c": "°C", "ms": "m/s", "s": "s",
    **{code: code.upper() for code in CURRENCIES},
}  # fmt: skip


def words_of(language: str = "en") -> Words:
    """The words of a language.

    Raises
    ------
    StudyError
        A language that there are no words of.
    """
    if language not in LANGUAGES:
        raise StudyError(f"there is no page in {language!r}: {nearest(language, LANGUAGES)}")
    return Words(language, {key: row[language] for key, row in _table().items()})


@cache
def _table() -> dict[str, dict[str, str]]:
    text = (files("cblcast.report") / "words.csv").read_text(encoding="utf-8")
    return {row["key"]: row for row in csv.DictReader(text.splitlines())}
