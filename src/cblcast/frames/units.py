"""The unit of a column, told by its name: see docs/nomenclature.md."""

from __future__ import annotations

# As names write them; "per" joins two of them (eur_per_mwh).
ENERGY_AND_POWER = ("w", "kw", "mw", "wh", "kwh", "mwh", "kvarh")
WEATHER = ("c", "k", "pct", "wm2", "ms", "deg", "pa", "kgm3", "m")
# ISO 4217, of the countries whose programs and markets are here and their neighbours.
CURRENCIES = (
    "eur", "usd", "gbp", "aud", "brl", "cad", "chf", "cny", "czk", "dkk", "huf", "inr", "jpy", "krw", "nok", "nzd", "pln",
    "ron", "sek", "sgd", "try", "twd", "zar",
)  # fmt: skip
UNITS = frozenset((*ENERGY_AND_POWER, *WEATHER, "h", "min", "s", *CURRENCIES))


def unit_of_column(name: str) -> str | None:
    """The unit that a column's name carries: its last word that is one, with what it is per; None if there is none.

    Examples
    --------
    >>> [unit_of_column(name) for name in ("observed_kw", "ref_event_kw_01", "temp_air_c", "eur_per_mwh", "hour")]
    ['kw', 'kw', 'c', 'eur_per_mwh', None]
    """
    words = str(name).split("_")
    last = next((place for place in range(len(words) - 1, -1, -1) if words[place] in UNITS), None)
    if last is None:
        return None
    first = last - 2 if last >= 2 and words[last - 1] == "per" else last
    return "_".join(words[first : last + 1])
