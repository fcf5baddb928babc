"""Times as people write them: ISO 8601, day first or month first, AM and PM, month names of six languages, 24:00."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

NOT_A_TIME = np.iinfo(np.int64).min
DAY_US = 86_400_000_000
YEAR_2000_US = 946_684_800_000_000
MANY = 2000  # texts from which on it pays to look for what they share
MOST_SHAPES = 8  # so many ways of writing one time in one column are understood

# English, German, French, Spanish, Italian, Portuguese; each by its first letters, accents taken off.
_MONTHS = (
    ("jan", "ene", "gen"), ("feb", "fev"), ("mar", "maer", "mrz"), ("apr", "avr", "abr"),
    ("may", "mai", "mag"), ("jun", "juin", "giu"),
    ("jul", "juil", "lug"), ("aug", "aou", "ago"), ("sep", "set"), ("oct", "okt", "ott", "out"), ("nov",), ("dec", "dez", "dic"),
)  # fmt: skip
_ZONES = {
    "UTC": "+0000", "GMT": "+0000", "WET": "+0000", "WEST": "+0100", "CET": "+0100", "MEZ": "+0100", "CEST": "+0200",
    "MESZ": "+0200", "EET": "+0200", "EEST": "+0300", "EST": "-0500", "EDT": "-0400", "CST": "-0600", "CDT": "-0500",
    "MST": "-0700", "MDT": "-0600", "PST": "-0800", "PDT": "-0700", "AEST": "+1000", "AEDT": "+1100",
}  # fmt: skip
_DATE = (
    (r"(?P<y>\d{4})(?P<s>[-/. ])(\d{1,2})(?P=s)(\d{1,2})", "year"),
    (r"(\d{1,2})(?P<s>[-/. ])(\d{1,2})(?P=s)(?P<y>\d{4}|\d{2})(?!\d)", "either"),
    (r"(?P<y>\d{4})(?P<s>)(\d{2})(\d{2})(?!\d)", "year"),
)
_CLOCK = re.compile(
    r"^(?P<gap>T|,? *)(?P<h>\d{1,2})(?:(?P<c>[:.h])(?P<m>\d{2})(?:(?P<c2>[:.])(?P<sec>\d{2})(?P<f>[.,]\d{1,9})?)?"
    r"|(?P<cm>\d{2})(?P<cs>\d{2})?)?"
    r"(?P<ap> *[AP]M)?(?P<z> *(?:Z|[+-]\d{2}(?::?\d{2})?))?$"
)
_WEEKDAYS = (
    "mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so|lun|mar|mer|jeu|ven|sam|dim|mie|jue|vie|sab|dom|gio"
    "|seg|ter|qua|qui|sex"
)
# What is taken out or rewritten before a shape is looked for.
_REWRITES = (
    (rf"(?i)^({_WEEKDAYS})[a-z]*[.,]? +(\d{{1,4}}[-/.]\d|\d{{1,2}} \pL{{3}})", r"\2"),
    (r"(?i) *\buhr\b", ""),
    (r"(?i) *\b([ap])[. ]{0,2}m\b\.?", r" \1M"),
    (r"(?i)^(.*[ T]|)0{1,2}(:\d{2}(?::\d{2})?) A", r"\1 12\2 A"),
    (r"(?i)(^|[ T])(1[3-9]|2[0-3])(:\d{2}(?::\d{2})?) PM", r"\1\2\3"),
    (r"^(.*\d:\d{2}\S*) +(?:-|–|—|bis|to|a|à|al|as|às) +\d.*$", r"\1"),
    (r"^(\d{1,2}[./]\d{1,2}[./]\d{2,4} +\d{1,2}:\d{2}(?::\d{2})?) ?[-–] ?\d{1,2}:\d{2}(?::\d{2})?$", r"\1"),
    (r"^(\S+T\S+:\S+)/(\S+)$", r"\1"),
    (r" +", " "),
)  # fmt: skip


@dataclass(frozen=True)
class TextTimes:
    """Texts as times.

    Attributes
    ----------
    us : ndarray of int64, shape (n,)
        Microseconds since 1970-01-01, UTC where `aware`; ``NOT_A_TIME`` where a text cannot be read.
    aware : ndarray of bool, shape (n,)
        Which texts give an offset.
    how : str
        How they are written, in words; empty for ISO 8601.
    unclear : bool
        Whether day and month may change places.
    """

    us: np.ndarray
    aware: np.ndarray
    how: str = ""
    unclear: bool = False


@dataclass(frozen=True)
class _Shape:
    """How one text is written: formats of strptime with the day first and with the month first (one where there is no choice)."""

    formats: tuple[str, ...]
    kind: str
    aware: bool


def read_texts(texts: pd.Series) -> TextTimes:
    """Distinct texts as times, all in one order of day and month.

    Parameters
    ----------
    texts : Series of str
        Without surrounding blanks.
    """
    array = _arrow(texts)
    if len(array) > MANY:
        found = _in_two(array)
        if found is not None:
            return found
    midnight = pc.fill_null(pc.match_substring_regex(array, r"[T ]24[:.]?00"), False).to_numpy(zero_copy_only=False)
    if midnight.any():
        array = pc.replace_substring_regex(array, r"([T ])24([:.]?)00", r"\1@00\2@00")
        array = pc.replace_substring(array, "@", "")  # a digit after a group's number would be read as part of it
    found = _iso(array)
    if found is None:
        found = _by_shape(_rewritten(array))
    us = np.where(found.us == NOT_A_TIME, NOT_A_TIME, found.us + np.where(midnight, DAY_US, 0))
    return TextTimes(us, found.aware, found.how, found.unclear)


def _arrow(texts: pd.Series) -> pa.Array:
    made = pa.array(texts, type=pa.string(), from_pandas=True)
    return made.combine_chunks() if isinstance(made, pa.ChunkedArray) else made


def _in_two(array: pa.Array) -> TextTimes | None:
    """Many texts by their dates and what follows these, of which there are few; None where a text has another form."""
    parts = pc.extract_regex(array, r"^(?P<date>\d{1,4}[-/.]\d{1,2}[-/.]\d{2,4})(?P<rest>\D.*)?$")
    if parts.null_count:
        return None
    date, rest = (pc.struct_field(parts, name).dictionary_encode() for name in ("date", "rest"))
    if 5 * max(len(date.dictionary), len(rest.dictionary)) > len(array):
        return None
    days = read_texts(pd.Series(date.dictionary.to_pylist(), dtype="str"))
    clocks = read_texts(pd.Series([f"01.01.2000{text}" for text in rest.dictionary.to_pylist()], dtype="str"))
    if (days.us == NOT_A_TIME).any() or (clocks.us == NOT_A_TIME).any():
        return None
    of_day, of_clock = date.indices.to_numpy(), rest.indices.to_numpy()
    return TextTimes(
        days.us[of_day] + clocks.us[of_clock] - YEAR_2000_US, clocks.aware[of_clock], days.how, days.unclear
    )


def read_format(texts: pd.Series, time_format: str) -> TextTimes:
    """Distinct texts as `time_format` says; a format that is none is a ValueError."""
    us = _strptime(texts, time_format)
    return TextTimes(us, np.full(len(texts), "%z" in time_format), f"written {time_format}")


def _iso(array: pa.Array) -> TextTimes | None:
    """All texts as ISO 8601, None if one is written otherwise."""
    if not len(array) or not re.match(r"^\d{4}-?\d{2}-?\d{2}", str(array[0].as_py())):
        return None
    aware = (
        pc.match_substring_regex(array, r"[T ]\d{2}.*(Z|z|[+-]\d{2}(:?\d{2})?)$")
        .to_numpy(zero_copy_only=False)
        .astype(bool)
    )
    if pc.any(pc.match_substring_regex(array, r"^[^T ]*:")).as_py():
        return None  # a date with an offset and no time, 2024-01-04:00, which pandas takes for a month in a zone
    texts = pd.Series(array.to_pylist(), dtype="str")
    try:
        times = pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=bool(aware.any()))
    except ValueError:  # offsets that are written as nobody does, beside times without one
        return None
    if times.isna().any():
        return None
    return TextTimes(_us(times), aware)


def _rewritten(array: pa.Array) -> pa.Array:
    for pattern, by in _REWRITES:
        array = pc.replace_substring_regex(array, pattern, by)
    array = pc.utf8_trim_whitespace(array)
    if pc.any(pc.match_substring_regex(array, r"\pL{3}")).as_py():
        array = pa.array([_worded(text) for text in array.to_pylist()], type=pa.string())
    return array


def _worded(text: str | None) -> str | None:
    """A text whose zone and month are numbers: ``1 juin 2019 00:15 CEST`` is ``1/06/2019 00:15 +0200``."""
    if text is None:
        return None
    word = text.rpartition(" ")[2].upper()
    if word in _ZONES:
        text = f"{text[: -len(word)]}{_ZONES[word]}"
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    found = re.search(r"[A-Za-z]{3,}\.?", re.sub(r"T(?=\d)", " ", plain))
    number = next((n for n, names in enumerate(_MONTHS, 1) if found and found.group().lower().startswith(names)), None)
    if number is None or found is None:
        return text
    before, after = plain[: found.start()], plain[found.end() :]
    day_first = re.match(r"^ *(\d{1,2})(?:\.|er|st|nd|rd|th)?[-/. ]*(?:de |di )?$", before)
    rest = re.match(r"^[-/., ]*(?:de |di )?(\d{4}|\d{2})\b(.*)$", after)
    if day_first and rest:
        return f"{int(day_first.group(1)):02d}/M{number:02d}/{rest.group(1)}{rest.group(2)}"
    month_first = re.match(r"^ *(\d{1,2})(?:st|nd|rd|th)?[-/., ]+(\d{4})\b(.*)$", after)
    if not before.strip() and month_first:
        return f"{int(month_first.group(1)):02d}/M{number:02d}/{month_first.group(2)}{month_first.group(3)}"
    year_first = re.match(r"^ *(\d{4})[-/. ]+$", before)
    last = re.match(r"^[-/. ]+(\d{1,2})\b(.*)$", after)
    return (
        f"{int(last.group(1)):02d}/M{number:02d}/{year_first.group(1)}{last.group(2)}" if year_first and last else text
    )


def _shape(text: str) -> _Shape | None:
    """How a text is written, None if it is no time."""
    named = re.match(r"^(\d{2})/M(\d{2})/(\d{4}|\d{2})(?!\d)", text)
    if named:
        head: tuple[str, ...] = (f"%d/M%m/%{'Y' if len(named.group(3)) == 4 else 'y'}",)
        rest, kind = text[named.end() :], "named"
    else:
        found, kind = next(((m, kind) for pattern, kind in _DATE if (m := re.match(pattern, text))), (None, ""))
        if found is None:
            return None
        s, year, rest = found["s"], "%Y" if len(found["y"]) == 4 else "%y", text[found.end() :]
        head = (f"%Y{s}%m{s}%d",) if kind == "year" else (f"%d{s}%m{s}{year}", f"%m{s}%d{s}{year}")
        kind = kind if kind == "year" else s
    if not rest:
        return _Shape(head, kind, False)
    clock = _CLOCK.match(rest)
    if clock is None or (clock["gap"] == "" and clock["h"]):
        return None
    hour = "%I" if clock["ap"] else "%H"
    tail = f"{clock['gap']}{hour}"
    if clock["m"]:
        tail += (
            f"{clock['c']}%M"
            + (f"{clock['c2']}%S" if clock["sec"] else "")
            + (f"{clock['f'][0]}%f" if clock["f"] else "")
        )
    elif clock["cm"]:
        tail += "%M" + ("%S" if clock["cs"] else "")
    elif not clock["ap"]:
        return None
    tail += re.sub(r"[AP]M", "%p", clock["ap"] or "") + re.sub(r"(Z|[+-]).*", "%z", clock["z"] or "")
    return _Shape(tuple(part + tail for part in head), kind, clock["z"] is not None)


def _by_shape(array: pa.Array) -> TextTimes:
    texts = pd.Series(array.to_pylist(), dtype="object")
    n = len(texts)
    aware = np.zeros(n, dtype=bool)
    left = np.ones(n, dtype=bool)
    choices = [np.full(n, NOT_A_TIME), np.full(n, NOT_A_TIME)]
    kinds: list[str] = []
    for _ in range(MOST_SHAPES):
        at = np.flatnonzero(left)
        shape = _shape(texts.iloc[at[0]]) if len(at) else None
        if shape is None or (kinds and shape.kind != kinds[0]):
            break
        kinds.append(shape.kind)
        read = [_strptime(texts.iloc[at], form) for form in shape.formats] * (3 - len(shape.formats))
        one = (read[0] != NOT_A_TIME) | (read[1] != NOT_A_TIME)
        for choice, us in zip(choices, read, strict=False):
            choice[at] = us
        aware[at[one]] = shape.aware
        left[at[one]] = False
        if not one.any():
            break
    kind = kinds[0] if kinds else ""
    return _chosen(choices, aware, kind)


def _chosen(choices: list[np.ndarray], aware: np.ndarray, kind: str) -> TextTimes:
    """Day first or month first: the order in which all texts are dates, else the one whose times follow each other more closely."""
    if kind in ("", "year", "named"):
        return TextTimes(choices[0], aware, {"named": "months by name"}.get(kind, ""))
    wrong = [int((us == NOT_A_TIME).sum()) for us in choices]
    says = ("day first", "month first")
    if wrong[0] != wrong[1]:
        at = int(wrong[1] < wrong[0])
        return TextTimes(choices[at], aware, says[at])
    if kind == ".":
        return TextTimes(choices[0], aware, says[0])
    if np.array_equal(choices[0], choices[1]):
        return TextTimes(choices[0], aware, says[0])
    spread = [_longest_gap(us) for us in choices]
    if spread[0] == spread[1]:
        return TextTimes(choices[0], aware, says[0], unclear=True)
    at = int(spread[1] < spread[0])
    return TextTimes(choices[at], aware, says[at])


def _longest_gap(us: np.ndarray) -> int:
    known = np.sort(us[us != NOT_A_TIME])
    return int(np.diff(known).max()) if len(known) > 1 else 0


def _strptime(texts: pd.Series, form: str) -> np.ndarray:
    return _us(pd.to_datetime(texts, format=form, errors="coerce", utc="%z" in form))


def _us(times: pd.Series) -> np.ndarray:
    index = pd.DatetimeIndex(times)
    us = (index if index.tz is None else index.tz_convert("UTC")).as_unit("us").asi8
    return np.where(index.isna(), NOT_A_TIME, us)
