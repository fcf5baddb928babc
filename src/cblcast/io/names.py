"""What columns are called in the files of six languages: times, sites, loads, both directions, calendars."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache


def words(text: str) -> frozenset[str]:
    """Folded names, written with commas between them."""
    return frozenset(" ".join(name.split()) for name in text.split(",") if name.strip())


# What files call the site; such columns are read as text.
SITE_NAMES = (
    "site_id", "site", "meter_id", "meter", "building_id", "building", "customer_id", "household_id", "lclid",
    "nmi", "meter_number", "meter_serial", "serial_number", "mpan", "mprn", "esi_id", "esiid", "usage_point",
    "device_id", "zahler", "zahlernummer", "zahlernr", "zahlpunkt", "zahlpunktnummer", "zahlpunktbezeichnung",
    "messlokation", "messstelle", "marktlokation", "malo", "melo", "gebaude", "standort", "anlage",
    "site_de_comptage", "compteur", "prm", "pdl", "point_de_livraison", "batiment", "cups", "contador",
    "edificio", "punto_de_suministro", "pod", "contatore", "punto_di_prelievo", "cpe", "codigo_ponto_entrega",
    "instalacao", "ponto_de_entrega", "customer", "household", "account_number", "kundennummer",
)  # fmt: skip

# A whole instant, or the beginning of an interval.
TIME_WORDS = words(
    """
    time, timestamp, time stamp, datetime, date time, date and time, date hour, utc time, time utc, timestamp utc,
    datetime utc, time local, local time, timestamp local, datetime local, interval start, interval begin,
    interval beginning, start, start time, start date, start datetime, start date time, starttime, startdate,
    begin, from, from time, period start, period beginning, period, interval, reading time, read time, reading
    date, read date, reading date time, read datetime, measurement time, measured at, recorded at, time start, ts,
    epoch, epoch ms, epoch time, unix, unix time, unixtime, unix timestamp, valid time, date, day, settlement
    date, trading date, delivery date, operating day, index, usage date, interval date time, interval datetime,
    zeitstempel, zeit, zeitpunkt, datum, datum uhrzeit, datum und uhrzeit, datum zeit, messzeitpunkt, messzeit,
    ablesezeitpunkt, von, beginn, zeit von, datum von, uhrzeit von, ab zeit, ab, tag, startzeit, anfang, zeitraum, uhrzeit,
    ab datum, startdatum, horodatage, horodate, date heure, date et heure, date de debut, debut, heure, periode,
    jour, date de la mesure, date releve, date mesure, heure de debut, fecha, fecha hora, fecha y hora, marca
    temporal, marca de tiempo, inicio, hora inicio, fecha inicio, fecha lectura, instante, dia, fecha de lectura,
    hora, data, data ora, data e ora, data ed ora, marca temporale, orario, inizio, ora inizio, data inizio, data
    lettura, giorno, ora, data misura, data hora, data e hora, carimbo de tempo, carimbo temporal, data leitura,
    data inicio, data de leitura, hora de inicio
    """
)
# The end of an interval.
END_WORDS = words(
    """
    interval end, interval ending, end, end time, end date, end datetime, endtime, enddate, period end, period
    ending, half hour ending, half hour end, time end, to, until, timestamp end, datetime ending, time ending,
    bis, ende, zeit bis, datum bis, uhrzeit bis, endzeit, enddatum, bis datum, date de fin, heure de fin, fin,
    fecha fin, hora fin, fine, ora fine, data fine, fim, data fim, hora fim, hora de fim
    """
)
# The number of an interval within its day.
SLOT_WORDS = words(
    """
    hour, hr, hours, he, hb, hour ending, hour ended, hour end, hourending, hour beginning, hour of day, hour
    number, h, settlement period, sp, trading period, trading interval, period, period number, interval, interval
    number, slot, stunde, std, stunden, viertelstunde, heure, heures, hora, horas, ora, ore, periodo, periode,
    quarto d ora
    """
)
SLOT_AT_START = words("hb, hour beginning")

LOAD_WORDS = words(
    """
    observed, metered, power, load, demand, consumption, usage, energy, value, reading, kwh, kw, mwh, mw, wh, w,
    gw, gwh, active power, active energy, real power, real energy, energy consumption, power consumption,
    electricity consumption, electricity, energy usage, electricity usage, energy used, total consumption,
    consumption total, metered value, meter reading, meter value, average power, mean power, actual load, net,
    net load, global active power, net usage, net energy,
    site load, building load, electricity demand, power demand, net consumption, leistung, wirkleistung,
    last, lastgang, verbrauch, stromverbrauch, energieverbrauch, energie, wirkarbeit, wirkenergie, arbeit, wert,
    messwert, zahlerwert, mittlere leistung, gesamtverbrauch, strom, zahlerstand, energiemenge, puissance,
    puissance active, puissance moyenne, charge, consommation, energie active, valeur, consommation electrique,
    consommation totale, potencia, potencia activa, carga, demanda, consumo, energia, energia activa, valor,
    lectura, consumo total, consumo electrico, potenza, potenza attiva, carico, consumi, energia attiva, valore,
    lettura, consumo elettrico, potenza media, potencia ativa, energia ativa, leitura, consumo de energia,
    potencia media
    """
)
IMPORT_WORDS = words(
    """
    import, imported, grid import, import from grid, from grid, energy import, imported energy, energy imported,
    active import, import active, active energy import, import energy, import power, grid consumption, bezug,
    netzbezug, strombezug, wirkarbeit bezug, energiebezug, soutirage, energie soutiree, soutiree, energie active
    soutiree, importacion, energia importada, importada, energia entrante, prelievo, energia prelevata, prelevata,
    prelievi, energia attiva prelevata, importacao, consumo da rede, energia consumida da rede, ae
    """
)
EXPORT_WORDS = words(
    """
    export, exported, grid export, export to grid, to grid, feed in, feedin, energy export, exported energy,
    energy exported, active export, export active, active energy export, export energy, export power, grid feed
    in, einspeisung, netzeinspeisung, lieferung, rucklieferung, rueckspeisung, ruckspeisung, wirkarbeit
    einspeisung, wirkarbeit lieferung, injection, energie injectee, injectee, energie active injectee,
    exportacion, energia exportada, exportada, excedente, excedentes, vertido, energia vertida, energia saliente,
    immissione, energia immessa, immessa, immissioni, energia attiva immessa, exportacao, injecao, energia
    injetada, injetada, energia injetada na rede, as
    """
)
DELIVERED_WORDS = words("delivered, energy delivered, delivered energy, delivered total, active energy delivered")
RECEIVED_WORDS = words("received, energy received, received energy, received total, active energy received")
# One word among others that says the direction, and those of what is no active energy.
TAKEN_WORDS = words(
    "import, imported, bezug, netzbezug, soutirage, soutiree, prelevata, prelievo, importada, importacion, importacao, entrante"
)
GIVEN_WORDS = words(
    """
    export, exported, einspeisung, ruckspeisung, rucklieferung, injection, injectee, immessa, immissione, exportada, exportacion,
    exportacao, vertida, excedente, excedentes, injecao, injetada, saliente
    """
)
BLIND_WORDS = words(
    """
    reactive, reactif, reactiva, reattiva, reativa, blindleistung, blindarbeit, blindenergie, kvarh, kvar, apparent, scheinleistung,
    price, preis, cost, kosten, tariff, prix, precio, prezzo, preco
    """
)
# What is measured of the current itself, and no load.
ELECTRIC_WORDS = words(
    """
    voltage, spannung, voltaje, tensione, tensao, intensity, intensite, intensidad, corriente, courant, corrente, amperage, amps,
    frequency, frequenz, frequence, frecuencia, frequenza, power factor, leistungsfaktor, cos phi, cosphi, thd, reactive, reactif,
    reactiva, reattiva, reativa, blindleistung, blindarbeit, blindenergie, apparent, scheinleistung, reactive power, reactive energy,
    apparent power
    """
)
# A dial by its name: what it shows is no energy of an interval.
DIAL_WORDS = words(
    """
    zahlerstand, index, register, meter register, dial, cumulative, cumulative energy, total energy counter,
    counter, lettura, lectura, leitura, meter reading, reading, stand
    """
)
UNIT_WORDS = words(
    "unit, units, uom, einheit, unite, unidad, unidades, unita, unita di misura, unidade, unit of measure"
)
CALENDAR_WORDS = words(
    """
    holiday, holidays, public holiday, bank holiday, weekday, weekend, workday, working day, day of week,
    dayofweek, dow, day type, daytype, day of year, dayofyear, month, year, week, season, hour of day, hour of
    week, is holiday, is weekend, is workday, is working day, school holiday, occupancy, occupied, flag, status,
    quality, quality flag, estimate, dst, is dst, number of readings, feiertag, wochentag, wochenende, werktag,
    monat, jahr, ferien, jour ferie, ferie, jour de semaine, mois, annee, vacances, festivo, dia de la semana,
    mes, ano, laborable, festivita, giorno della settimana, mese, anno, festivo o feriale, feriado, dia da semana,
    dia util
    """
)

# OBIS codes (IEC 62056-61): 1.8.0 is active energy that is taken, 2.8.0 that is given; 1.29.0 and 1.5.0 are of an interval.
_OBIS = re.compile(r"(?<![\d.])(?:\d+-\d+:)?([12])\.(?:4|5|7|8|9|25|27|29)\.\d")
_CAMEL = re.compile(r"(?<=[a-z]{2})(?=[A-Z][a-z])")  # not within kWh
_BRACKETS = re.compile(r"[\[(][^\])]*[\])]")


_END_WORDS = frozenset({"bis", "end", "ende", "ending", "ended", "fin", "fine", "fim", "until"})


def is_end(name: str) -> bool:
    """Whether a column of this name says when an interval ends."""
    return stem(name) in END_WORDS or bool(_END_WORDS & set(stem(name).split()))


@lru_cache(maxsize=65_536)
def fold(name: str) -> str:
    """A name without capitals, accents and signs: ``DateTime`` and ``date_time`` are ``date time``, ``Zähler`` is ``zahler``."""
    split = _CAMEL.sub(" ", str(name).strip().replace("ß", "ss"))
    plain = "".join(c for c in unicodedata.normalize("NFKD", split) if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^a-z0-9]+", " ", plain.casefold()).split())


def stem(name: str) -> str:
    """A folded name without what stands in brackets: ``Leistung [kW]`` is ``leistung``."""
    return fold(_BRACKETS.sub(" ", str(name))) or fold(name)


def obis_quantity(name: str) -> str | None:
    """The 1 (taken) or 2 (given) of an OBIS code of active energy or power in a name."""
    found = _OBIS.search(str(name))
    return found.group(1) if found else None


_FOLDED_SITES = frozenset(fold(name) for name in SITE_NAMES)


def is_site(name: str) -> bool:
    """Whether a column of this name says whose reading a row is."""
    return fold(name) in _FOLDED_SITES
