"""Programs as a list: by operator, country and certainty, and how many rest on memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cblcast.errors import StudyError, nearest
from cblcast.programs import list_programs
from cblcast.programs.model import CERTAINTY, Program
from cblcast.settlement.result import from_memory

# Where each operator is, ISO 3166; a program may say it itself.
COUNTRY_OF_OPERATOR = {
    "AEMO": "AU", "CAISO": "US", "ERCOT": "US", "ISO-NE": "US", "NYISO": "US", "PJM": "US", "PG&E": "US", "IESO": "CA",
    "Elexon": "GB", "NESO": "GB", "Elia": "BE", "RTE": "FR", "KPX": "KR", "Taipower": "TW", "METI": "JP",
}  # fmt: skip


def country_of(program: Program) -> str:
    """ISO 3166 code of the program's country, "" where it is not known."""
    own = str(getattr(program, "country", "") or "")
    return own or next((code for name, code in COUNTRY_OF_OPERATOR.items() if name in program.operator), "")


def programs_table(
    operator: str | None = None, country: str | None = None, certainty: str | None = None
) -> list[dict[str, Any]]:
    """Rules of the catalogue that fit, a row each.

    Raises
    ------
    StudyError
        An operator, country or certainty that no rule has, with the nearest.
    """
    rows = [
        {
            "name": program.name,
            "title": program.title,
            "operator": program.operator,
            "country": country_of(program),
            "family": program.family,
            "certainty": program.confidence,
            "official": program.official,
            "from_memory": from_memory(program),
        }
        for program in list_programs()
    ]
    if certainty is not None and certainty not in CERTAINTY:
        raise StudyError(f"certainty is V, S, M or own, not {certainty!r}")
    for name, wanted in (("operator", operator), ("country", country), ("certainty", certainty)):
        if wanted is None:
            continue
        fits = [row for row in rows if str(row[name]).casefold() == wanted.casefold()]
        if not fits and name != "certainty":  # that no rule is so sure is an answer
            known = sorted({str(row[name]) for row in rows if row[name]})
            raise StudyError(f"no rule has the {name} {wanted!r}: {nearest(wanted, known)}")
        rows = fits
    return rows


def memory_words(rows: Sequence[dict[str, Any]]) -> str:
    """How many of the rules rest on memory."""
    some = [row for row in rows if row["from_memory"]]
    whole = sum("selection" in row["from_memory"] for row in some)
    return (
        f"{len(some)} of {len(rows)} rest on memory in part, {whole} of them in how they select days; "
        f"{sum(bool(row['official']) for row in rows)} are official in every part. `cblcast programs explain NAME` says which"
    )
