"""Weather and customers told apart by a table of names and units; what fits both is asked about."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from cblcast.io.names import CALENDAR_WORDS, ELECTRIC_WORDS, fold, stem, words
from cblcast.io.units import unit_in_name


class Column(Enum):
    """What a column beside the times of a wide table may be."""

    CUSTOMER = "customer"
    WEATHER = "weather"
    CALENDAR = "calendar"
    OTHER = "other"  # reactive power, money, volumes: no load, no weather
    UNCLEAR = "unclear"


# What can only be weather, in whatever company it stands.
_STRONG = words(
    """
    temperature, temperatur, aussentemperatur, lufttemperatur, temperatura, t2m, tamb, tair, dewpoint, taupunkt,
    drybulb, wetbulb, humidity, luftfeuchtigkeit, luftfeuchte, humidite, humedad, umidita, humidade, umidade, ghi, dni,
    dhi, irradiance, irradiation, radiation, insolation, globalstrahlung, strahlung, einstrahlung, rayonnement,
    irradiacion, irradiancia, radiacion, irraggiamento, radiazione, radiacao, windspeed, windgeschwindigkeit,
    winddirection, windrichtung, winddir, luftdruck, cloudcover, bewolkung, nebulosite, nubosidad, nuvolosita,
    nebulosidade, rainfall, precipitation, precip, snowfall, niederschlag, precipitations, precipitacion,
    precipitazioni, precipitazione, precipitacao, sonnenscheindauer, hdd, cdd, cloudiness
    """
)
# What is weather by itself, and part of a name in other company (Rain Street, Cloud Ltd).
_WEAK = words(
    """
    temp, rh, pressure, druck, pression, presion, pressione, pressao, cloud, clouds, rain, regen, snow, schnee,
    pluie, neige, lluvia, nieve, pioggia, neve, chuva, visibility, uv, albedo, gust, gusts, sunshine,
    sonnenschein, feuchte, poa, gti, weather, wetter
    """
)
_WIND_WORDS = words(
    "speed, direction, dir, vitesse, velocidad, velocita, velocidade, direccion, direzione, direcao, u, v, gust, gusts"
)
_PAIRS = (
    *(frozenset(pair.split()) for pair in ("dew point", "wet bulb", "dry bulb", "degree days", "air density")),
    *(frozenset({wind, what}) for wind in ("wind", "vent", "viento", "vento") for what in _WIND_WORDS),
)
# A generator or its weather.
_EITHER = frozenset({"solar", "wind", "sun", "sonne", "sole", "sol", "soleil", "vent", "viento", "vento"})
_BESIDE = words(
    """
    air, ambient, outdoor, outside, out, outer, exterior, ext, external, mean, avg, average, max, min, daily,
    hourly, current, forecast, observed, measured, surface, ground, relative, rel, global, horizontal, direct,
    diffuse, normal, solar, sun, total, at, of, the, era5, merra2, gfs, icon, ecmwf, ifs, nwp, metar, local,
    apparent, feels, like, c, f, k, deg, degc, degf, celsius, fahrenheit, kelvin, pct, percent, hpa, mbar, pa,
    kpa, mm, cm, in, ms, mps, m, s, kmh, km, h, mph, kn, kts, w, m2, wm2, du, de, del, della, dell, do, da, la,
    le, aussen, luft, exterieure, exterieur, esterna, esterno, externa, ambiente, ambiante, amb, aria, aire, ar,
    l, d, speed, direction, dir, nacelle, hub, u, v, wind, relativa, globale, 2, height, sea, level, skin,
    station, cover, amount
    """
)
_ELECTRIC_BESIDE = words(
    """
    global, total, mean, avg, average, max, min, power, energy, factor, phase, line, grid, mains, supply, l, a, b, c, n, v, hz, rms,
    phi, cos, current, puissance, energie, potencia, energia, potenza, de, la, of, the, l1, l2, l3
    """
)
_HEIGHT = re.compile(r"^\d+(m|cm|hpa|km|h|min)?$")
# In brackets a unit is a unit; at the end of a name it may be the name's.
_WEATHER_IN_BRACKETS = re.compile(
    r"[\[(]\s*(°\s*[cfk]?|deg|deg\s*[cf]|celsius|fahrenheit|k|c|f|%\s*(rh)?|hpa|mbar|kpa|pa|mm|mm/h|m/s|m s-1|km/h|mph|kn|kts"
    r"|w/m2|w/m²|w/m\^2|wh/m2|j/cm2|octas?)\s*[\])]$",
    re.IGNORECASE,
)
_WEATHER_AT_END = re.compile(
    r"[_\s](degc|deg_c|degf|deg|ms|m_s|mps|kmh|pct|w_m2|wm2|hpa|mbar|kpa|pa|mm|kg_m3|kgm3|degrees|celsius|fahrenheit)$",
    re.IGNORECASE,
)
_OTHER_UNIT = re.compile(
    r"([\[(]\s*(k?var?h?|k?va|kvah|mvarh?|v|a|hz|m3|m³|l|ft3|ccf|therms?|eur|€|gbp|£|usd|\$|chf|ct|kg"
    r"|kg ?co2|g|eur/kwh|ct/kwh|eur/mwh|€/mwh|co2)\s*[\])]"
    r"|[_\s](kvarh?|varh?|mvarh?|kvah?|hz|m3|therms?|eur|gbp|usd|chf|eur_per_kwh|eur_per_mwh|co2|volts?|amps?))$",
    re.IGNORECASE,
)
_LAST_PART = re.compile(r"^(.*[_\s.\-])([A-Za-z0-9]{1,3})$")


@dataclass(frozen=True)
class Company:
    """The columns that stand beside each other, and how their names end.

    Attributes
    ----------
    endings : dict of (beginning, length of the ending) to set of str
        Endings that are no unit.
    units : int
        How many of them bear a unit.
    """

    endings: dict[tuple[str, int], set[str]]
    units: int

    @classmethod
    def of(cls, names: Iterable[str]) -> Company:
        """The company of these columns."""
        endings: dict[tuple[str, int], set[str]] = {}
        units = 0
        for name in names:
            unit = unit_in_name(name)
            units += unit is not None
            part = _LAST_PART.match(name.strip())
            if part is not None and (len(part[2]) == 1 or not (unit or _WEATHER_AT_END.search(name))):
                endings.setdefault((part[1].lower(), len(part[2])), set()).add(part[2])
        return cls(endings, units)

    def ends_like(self, name: str) -> bool:
        """Whether ``house_c`` has a ``house_a`` beside it: then what it ends in is part of its name, no unit."""
        part = _LAST_PART.match(name.strip())
        return part is not None and bool(self.endings.get((part[1].lower(), len(part[2])), set()) - {part[2]})


def classify(columns: Iterable[str]) -> dict[str, Column]:
    """What each column of a wide table is, by its name and unit, and by its neighbours where letters may be either."""
    names = [str(column) for column in columns]
    company = Company.of(names)
    return {name: _one(name.strip(), company) for name in names}


def _one(name: str, company: Company) -> Column:
    if _WEATHER_IN_BRACKETS.search(name):
        return Column.WEATHER
    if _OTHER_UNIT.search(name):
        return Column.OTHER
    unit = unit_in_name(name)
    if unit is not None and len(unit.name) > 1:
        return Column.CUSTOMER
    if fold(name) in CALENDAR_WORDS or stem(name) in CALENDAR_WORDS:
        return Column.CALENDAR
    words_of_name = fold(name).split()
    if _is_electric(words_of_name):
        return Column.OTHER
    found = _by_words(words_of_name)
    if found is not None:
        return found
    if company.ends_like(name):
        return Column.CUSTOMER
    if _WEATHER_AT_END.search(name):
        return Column.WEATHER
    part = _LAST_PART.match(name)
    if part is None or part[2].lower() not in ("c", "f", "k", "w"):
        return Column.CUSTOMER
    # W is a unit where the neighbours bear units as well.
    return Column.CUSTOMER if part[2].lower() == "w" and company.units > 1 else Column.UNCLEAR


def _is_electric(words: list[str]) -> bool:
    """Whether a name is one of a voltage, a current, a reactive power, and of nothing else."""
    there = {word for word in words if not word.isdigit()}
    rest = there - ELECTRIC_WORDS - _ELECTRIC_BESIDE
    said = there & ELECTRIC_WORDS or " ".join(words) in ELECTRIC_WORDS
    return bool(said) and not rest and not there & _STRONG


def _by_words(words: list[str]) -> Column | None:
    """What the words of a name say, None where they say nothing of weather."""
    there = set(words)
    if there & _STRONG or any(pair <= there for pair in _PAIRS):
        return Column.WEATHER
    weak = there & _WEAK
    rest = {word for word in there - weak - _BESIDE if not _HEIGHT.match(word)}
    if weak:
        return Column.UNCLEAR if rest else Column.WEATHER
    if there & _EITHER and not there - _EITHER - {"power", "generation", "total"}:
        return Column.UNCLEAR
    return None
