"""Where a column of weather comes from: measured, forecast, or a reanalysis. Said by data, never guessed from a name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase

from cblcast.errors import DataError, nearest


class Origin(Enum):
    """How the values of a column came to be, which decides who may know them ahead."""

    MEASURED = "measured"  # at the site or beside it: known once the interval is over
    FORECAST = "forecast"  # by a model, from a run that was issued before the interval
    REANALYSIS = "reanalysis"  # by a model that has seen the measurements since: known to nobody ahead


@dataclass(frozen=True)
class Source:
    """What is known of where a column comes from.

    Attributes
    ----------
    origin : Origin
    product : str
        Name of the model or product, such as ``era5``; empty where nobody said.
    declared : bool
        Whether anybody said so; what nobody declared counts as measured.
    """

    origin: Origin
    product: str = ""
    declared: bool = True

    @property
    def says(self) -> str:
        """For a sentence: ``forecast of gfs``."""
        return self.origin.value + (f" of {self.product}" if self.product else "")

    @classmethod
    def of(cls, said: Source | Origin | str | Mapping[str, str]) -> Source:
        """A source from its name, from ``{kind: forecast, product: gfs}``, or as it is.

        Raises
        ------
        DataError
            Neither measured nor forecast nor reanalysis.
        """
        if isinstance(said, Source):
            return said
        if isinstance(said, Mapping):
            unknown = next((key for key in said if key not in ("kind", "product")), None)
            if unknown is not None or "kind" not in said:
                raise DataError(f"the source of a column is kind: (and product:), not {dict(said)!r}")
            return cls(_origin(said["kind"]), str(said.get("product") or ""))
        return cls(_origin(said))


UNDECLARED = Source(Origin.MEASURED, declared=False)


def _origin(said: object) -> Origin:
    if isinstance(said, Origin):
        return said
    known = [origin.value for origin in Origin]
    if said not in known:
        raise DataError(f"weather is measured, forecast or reanalysis, not {said!r}: {nearest(str(said), known)}")
    return Origin(said)


def declared(kinds: Mapping[str, object], columns: Iterable[str], what: str = "the panel") -> dict[str, Source]:
    """Sources by column from what was said of names and patterns (``era5_*``); what is said later counts.

    Raises
    ------
    DataError
        A name or pattern that is none of the `columns`; a kind that there is not.
    """
    columns = [str(column) for column in columns]
    found: dict[str, Source] = {}
    for pattern, said in kinds.items():
        meant = [column for column in columns if column == pattern or fnmatchcase(column, pattern)]
        if not meant:
            raise DataError(f"{what} has no column {pattern!r} whose kind could be said: {nearest(pattern, columns)}")
        found |= dict.fromkeys(meant, Source.of(said))  # type: ignore[arg-type]
    return found
