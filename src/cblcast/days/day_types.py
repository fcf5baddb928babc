"""Local day types: which days a program holds to be alike, with the holidays of a site's country."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from cblcast.frames.panel import AnyPanel
from cblcast.frames.schema import DataError, DataWarning, StudyError, nearest

NO_COUNTRY = "none"  # of a site that keeps no holidays, so that nobody asks for its country

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "holiday")

# Labels for Monday … Sunday and for holidays: days with the same label are alike.
DAY_TYPES: dict[str, tuple[str, ...]] = {
    "all": ("any",) * 8,
    "working": ("working",) * 5 + ("rest",) * 3,
    "monday_to_saturday": ("working",) * 6 + ("rest",) * 2,  # the shops of the baseline paper (section 4.3)
    "weekday_saturday_sunday": ("weekday",) * 5 + ("saturday", "sunday", "sunday"),
    "weekday_saturday_sunday_holiday": ("weekday",) * 5 + ("saturday", "sunday", "holiday"),
    "day_of_week": (*DAYS[:6], "sunday", "sunday"),
}


class _KnownDayTypes:
    """What :data:`DayTypes` adds to its type."""

    def allows(self, value: Any) -> bool:
        """Whether `value` is a known name, or eight labels."""
        return value in DAY_TYPES if isinstance(value, str) else len(value) == 8

    def said(self, kind: str) -> str:
        """In words."""
        return f"one of {', '.join(map(repr, DAY_TYPES))}, or eight labels (Monday … Sunday, holiday)"


DayTypes = Annotated[str | Sequence[str], _KnownDayTypes()]


@dataclass(frozen=True)
class OwnHolidays:
    """Days off beside those of a country: a works holiday, a term.

    Attributes
    ----------
    days : tuple of int
        Local days since 1970-01-01, ascending.
    """

    days: tuple[int, ...] = ()

    @classmethod
    def of(cls, dates: str | Iterable[Any]) -> OwnHolidays:
        """From dates, or from the text of the sites column ``holidays``: ISO dates with spaces between."""
        try:
            days = np.array(dates.split() if isinstance(dates, str) else list(dates), dtype="M8[D]")
        except ValueError:
            told = dates if isinstance(dates, str) else str(dates)
            raise DataError(
                f"the sites column holidays holds {told[:40]!r}: write dates like '2019-12-26 2019-12-27'"
            ) from None
        return cls(tuple(np.unique(days).astype(np.int64).tolist()))

    def __str__(self) -> str:
        """As the sites column holds them."""
        return " ".join(np.array(self.days, dtype="M8[D]").astype(str).tolist())


class Place(NamedTuple):
    """Where a site lies, as far as holidays go."""

    country: str
    subdivision: str
    own: OwnHolidays


_PLACES: WeakKeyDictionary[AnyPanel, tuple[np.ndarray, list[Place]]] = WeakKeyDictionary()


def day_type_labels(day_types: str | Sequence[str]) -> tuple[str, ...]:
    """Eight labels, Monday … Sunday and holiday, from a known name or from themselves."""
    if isinstance(day_types, str):
        if day_types not in DAY_TYPES:
            raise StudyError(f"unknown day types {day_types!r}: {nearest(day_types, DAY_TYPES)}")
        return DAY_TYPES[day_types]
    labels = tuple(day_types)
    if len(labels) != 8:
        raise StudyError(f"day types need eight labels (Monday … Sunday, holiday), not {len(labels)}")
    return labels


@lru_cache(maxsize=256)
def holiday_days(country: str, subdivision: str, first_year: int, last_year: int) -> np.ndarray:
    """Holidays as days since 1970-01-01, int64, sorted.

    Parameters
    ----------
    country, subdivision : str
        ISO codes as the ``holidays`` package knows them (``GB``, ``ENG``); an empty country has no holidays.
    """
    if not country:
        return np.empty(0, dtype=np.int64)
    import holidays

    try:
        known = holidays.country_holidays(country, subdiv=subdivision or None, years=range(first_year, last_year + 1))
    except NotImplementedError as error:
        raise DataError(
            f"no holidays are known for country {country!r}, subdivision {subdivision!r}: "
            "use the ISO codes ('IT', or 'GB' with 'ENG'), or leave the country empty"
        ) from error
    return np.sort(np.array(list(known.keys()), dtype="M8[D]").astype(np.int64))


def day_type_codes(days: np.ndarray, labels: Sequence[str], holidays: np.ndarray) -> np.ndarray:
    """Code of each day's label, int8.

    Parameters
    ----------
    days : ndarray of int64
        Local days since 1970-01-01.
    labels : sequence of str, length 8
    holidays : ndarray of int64
    """
    names = sorted(set(labels))
    code_of = np.array([names.index(label) for label in labels], dtype=np.int8)
    weekday = (days + 3) % 7  # 1970-01-01 was a Thursday
    return code_of[np.where(np.isin(days, holidays), 7, weekday)]


def site_holidays(panel: AnyPanel, first_day: int, last_day: int) -> list[np.ndarray]:
    """Holidays of each site between two local days (inclusive, days since 1970-01-01)."""
    place_of_site, places = _places(panel)
    found = _holidays_of(places, first_day, last_day)
    return [found[place] for place in place_of_site]


def site_day_types(panel: AnyPanel, day_types: str | Sequence[str], first_day: int, n_days: int) -> np.ndarray:
    """Day-type code of each site and local day, int8, shape (n_sites, n_days)."""
    place_of_site, codes = place_day_types(panel, day_types, first_day, n_days)
    return codes[place_of_site]


def place_day_types(
    panel: AnyPanel, day_types: str | Sequence[str], first_day: int, n_days: int
) -> tuple[np.ndarray, np.ndarray]:
    """Which place each site lies in, int64, and the day-type codes of each place and local day, int8, (n_places, n_days)."""
    labels = day_type_labels(day_types)
    days = np.arange(first_day, first_day + n_days, dtype=np.int64)
    place_of_site, places = _places(panel)
    holidays = _holidays_of(places, first_day, first_day + n_days - 1)
    return place_of_site, np.stack([day_type_codes(days, labels, known) for known in holidays])


def _holidays_of(places: list[Place], first_day: int, last_day: int) -> list[np.ndarray]:
    first_year, last_year = (
        int(np.int64(day).astype("M8[D]").astype("M8[Y]").astype(int)) + 1970 for day in (first_day, last_day)
    )
    return [
        np.union1d(
            holiday_days(place.country, place.subdivision, first_year, last_year),
            np.array(place.own.days, dtype=np.int64),
        )
        for place in places
    ]


def _places(panel: AnyPanel) -> tuple[np.ndarray, list[Place]]:
    """Which place each site lies in, and the places; what sites does not say is empty."""
    if panel not in _PLACES:
        _PLACES[panel] = _told_places(panel)
    return _PLACES[panel]


def _told_places(panel: AnyPanel) -> tuple[np.ndarray, list[Place]]:

    number, parts = np.zeros(len(panel.sites), dtype=np.int64), []
    for name in ("country", "subdivision", "holidays"):
        code, said = np.zeros(len(number), dtype=np.int64), [""]
        if name in panel.sites.columns:
            code, known = pd.factorize(panel.sites[name])  # -1 where sites does not say
            code, said = code + 1, ["", *map(str, known)]
        number = number * len(said) + code
        parts.append(said)
    place_of_site, numbers = pd.factorize(number)
    told = np.unravel_index(numbers, tuple(len(said) for said in parts))
    return place_of_site, [
        _place(*(said[at] for said, at in zip(parts, each, strict=True))) for each in zip(*told, strict=True)
    ]


def _place(country: str, subdivision: str, own: str) -> Place:
    return Place("" if country.lower() == NO_COUNTRY else country, subdivision, OwnHolidays.of(own))


def keeps_holidays_apart(day_types: str | Sequence[str]) -> bool:
    """Whether a holiday is another type of day than some weekday."""
    labels = day_type_labels(day_types)
    return any(label != labels[7] for label in labels[:7])


def warn_about_holidays(sites: pd.DataFrame, year: int, who: str) -> None:
    """Tell once where `who` tells types of day apart and nobody says which days are holidays, or only in part.

    A site without a country has none; a country whose parts have more holidays than the country itself leaves those out.
    ``country: none`` (or an empty text) says that a site keeps no holidays.

    Parameters
    ----------
    sites : DataFrame, index site_id
        As of a panel.
    year : int
        Of the example of a holiday.
    who : str
        What tells types of day apart.

    Warns
    -----
    DataWarning
        With the remedy.
    """
    country = sites["country"] if "country" in sites.columns else pd.Series(np.nan, index=sites.index)
    own = sites["holidays"].fillna("") if "holidays" in sites.columns else pd.Series("", index=sites.index)
    unknown = sites.index[country.isna() & (own == "")]
    if len(unknown):
        warnings.warn(
            f"{len(unknown)} of {len(sites)} sites have no calendar, e.g. {unknown[0]!r}, and {who} tells types of day apart: "
            "public holidays count as the weekday they fall on; give --country (and --subdivision), a column country in "
            "--sites (none for a site that keeps no holidays), or a calendar in the program",
            DataWarning,
            stacklevel=2,
        )
    parts = sites["subdivision"].fillna("") if "subdivision" in sites.columns else pd.Series("", index=sites.index)
    for name in sorted(set(country[(parts == "") & (own == "")].dropna().astype(str)) - {"", NO_COUNTRY}):
        left_out = holidays_of_parts(name, year)
        if left_out is not None:
            day, count, n_parts, example = left_out
            warnings.warn(
                f"country {name} without a subdivision leaves out what only its parts keep, e.g. {day} ({count} of {n_parts} "
                f"parts): give --subdivision (e.g. {example}), or a column subdivision in --sites",
                DataWarning,
                stacklevel=2,
            )


@lru_cache(maxsize=64)
def holidays_of_parts(country: str, year: int) -> tuple[str, int, int, str] | None:
    """The holiday that most parts of a country keep and the country does not, where more than half of them do.

    Returns
    -------
    day, count, n_parts, example : str, int, int, str
        The day, how many of how many parts keep it, and one of them; None where there is none.
    """
    import holidays

    try:
        whole = holidays.country_holidays(country, years=year)
    except NotImplementedError:
        return None  # told where the holidays themselves are asked for
    keepers: dict[Any, list[str]] = {}
    for part in whole.subdivisions:
        for day in holidays.country_holidays(country, subdiv=part, years=year):
            if day not in whole:
                keepers.setdefault(day, []).append(part)
    if not keepers:
        return None
    day = max(keepers, key=lambda each: len(keepers[each]))
    if 2 * len(keepers[day]) <= len(whole.subdivisions):
        return None
    return str(day), len(keepers[day]), len(whole.subdivisions), keepers[day][0]
