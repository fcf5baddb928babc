"""A first study for a meter file: what the file tells, what is guessed and marked, spans and methods that fit its length."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import holidays
import numpy as np
import pandas as pd
import yaml

from cblcast.days.day_types import day_type_labels, site_day_types
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, DataError, StudyError
from cblcast.io.formats import read_with_report
from cblcast.io.options import ReaderOptions
from cblcast.io.read_report import ReadReport
from cblcast.io.readings import Reading

FEWEST_DAYS = 30  # ten days of reference, and some to judge
LEAD_DAYS = 21  # calendar days that hold ten working days, and a holiday or two
LEARN_DAYS = 120  # from so many on, something can be learned
EVENT_HOURS = 3
ZONE_TABLES = ("/usr/share/zoneinfo/zone.tab", "/usr/share/lib/zoneinfo/tab/zone_sun.tab")
Span = tuple[dt.date, dt.date]
# Words that only one language uses in a header → the zone of most of its meters.
_LANGUAGES = {
    "Europe/Berlin": "zeit|datum|leistung|verbrauch|wirk|zahler|zähler|bezug|einspeisung",
    "Europe/Paris": "horodat|puissance|soutir|consommation|heure",
    "Europe/Madrid": "fecha|potencia activa|consumo_?kwh",
    "Europe/Rome": "potenza|prelievo|energia attiva|data ora",
    "Europe/Lisbon": "potência|energia ativa|data hora|consumo de energia",
    "Australia/Sydney": "market time",
}


@dataclass(frozen=True)
class Draft:
    """A study that was drafted.

    Attributes
    ----------
    text : str
        The YAML.
    report : ReadReport
        How the meter file was read.
    guesses : tuple of str
        What the file did not say.
    """

    text: str
    report: ReadReport
    guesses: tuple[str, ...]


def draft_study(meter: Path, out: Path, reader: ReaderOptions, ask: Callable[[str, str], str] | None = None) -> Draft:
    """A study for a meter file.

    Parameters
    ----------
    meter : path
    out : path
        Where the study will stand; files are named relative to it.
    reader : ReaderOptions
    ask : callable, optional
        Question and guess → answer, where somebody can be asked.

    Raises
    ------
    DataError, StudyError
        A file that cannot be read, or too short to judge anything on.
    """
    reading, reader, guesses = read_guessing(meter, reader, ask)
    panel = reading.panel
    first, last = whole_days(panel)
    days = (last - first).days + 1
    require_days(meter, days)
    start = busiest_hours(panel)
    parts = [
        _head(meter, reading.report),
        _data(meter, out, reader, guesses),
        _events(start),
        _spans(first, last, days),
        _methods(panel, days),
    ]
    return Draft("\n".join(parts) + "\n", reading.report, tuple(f"{key}: {why}" for key, why in guesses.items()))


def require_days(meter: Path, days: int) -> None:
    """Refuse a file with too few whole days to judge anything on, by a :class:`StudyError`."""
    if days < FEWEST_DAYS:
        raise StudyError(
            f"{meter.name} holds {max(days, 0)} whole days, too few to judge a baseline on: give {FEWEST_DAYS} or more, several months if "
            "something is to be learned"
        )


def read_guessing(
    meter: Path, reader: ReaderOptions, ask: Callable[[str, str], str] | None = None
) -> tuple[Reading, ReaderOptions, dict[str, str]]:
    """A meter file read as far as it says how, with the zone and the country guessed where it does not.

    Returns
    -------
    reading : Reading
    reader : ReaderOptions
        With what was guessed.
    guesses : dict
        What was guessed, by option: how.
    """
    reading, reader, guesses = _in_zone(meter, reader, ask)
    sites = reading.panel.sites
    if reader.country is None and "country" not in sites.columns:
        country = country_of(str(sites["tz"].iloc[0]))
        if country is not None:
            reader = reader.but(country=country)
            guesses["country"] = "guessed from the zone: whose public holidays apply"
    return reading, reader, guesses


def _in_zone(
    meter: Path, reader: ReaderOptions, ask: Callable[[str, str], str] | None
) -> tuple[Reading, ReaderOptions, dict[str, str]]:
    """The file read, in the zone that it says or that is guessed."""
    if reader.tz is not None or reader.sites is not None:
        return read_with_report(meter, reader), reader, {}
    try:
        return read_with_report(meter, reader), reader, {}
    except (DataError, StudyError):
        guess = guess_zone(meter, reader)
    if ask is not None:
        reader = reader.but(tz=ask("Zone of the sites, as in Europe/Rome", guess))
        return read_with_report(meter, reader), reader, {}
    reader = reader.but(tz=guess)
    return read_with_report(meter, reader), reader, {"tz": "a guess: which days and hours are meant depends on it"}


def guess_zone(meter: Path, reader: ReaderOptions) -> str:
    """The zone of a meter, from the language of its file, else that of this computer, else UTC."""
    said = read_with_report(meter, reader.but(tz="UTC")).report.line.casefold()
    for zone, words in _LANGUAGES.items():
        if re.search(words, said):
            return zone
    if "month first" in said:
        return "America/New_York"
    here = os.environ.get("TZ", "").lstrip(":") or str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]
    return here if re.fullmatch(r"[A-Z]\w+/[\w/+-]+", here) and not here.startswith("Etc/") else "UTC"


def country_of(zone: str) -> str | None:
    """The country of a zone (ISO 3166), if the computer's zone table names one whose holidays are known."""
    for name in ZONE_TABLES:
        try:
            lines = Path(name).read_text(encoding="utf-8").splitlines()
        except OSError:
            continue
        found = next((line.split("\t")[0] for line in lines if line.split("\t")[2:3] == [zone]), None)
        return found if found in holidays.list_supported_countries() else None
    return None


def whole_days(panel: Panel) -> tuple[dt.date, dt.date]:
    """First and last local day that every site has from midnight to midnight."""
    zones = panel.sites["tz"].to_numpy(dtype=object)
    first = max(
        (pd.Timestamp(int(us), unit="us", tz="UTC").tz_convert(zone) + pd.Timedelta("23h59min")).date()
        for us, zone in zip(panel.first_times_us, zones, strict=True)
    )
    last = min(
        (
            pd.Timestamp(int(us) + panel.step_us, unit="us", tz="UTC").tz_convert(zone)
            - pd.Timedelta("1us")
            - pd.Timedelta("23h59min")
        ).date()
        for us, zone in zip(panel.last_times_us, zones, strict=True)
    )
    return first, last


def busiest_hours(panel: Panel) -> int:
    """The hour at which the three busiest hours of working days begin, between 6:00 and 22:00, by the mean over sites."""
    cube = panel.cube(OBSERVED)
    names = sorted(set(day_type_labels("working")))
    working = site_day_types(panel, "working", cube.first_day, cube.n_days) == names.index("working")
    per_hour = cube.values.shape[2] // 24
    if per_hour == 0:
        return 17
    hourly = cube.values[..., : 24 * per_hour].reshape(*cube.values.shape[:2], 24, per_hour)
    with np.errstate(invalid="ignore"):
        known = np.isfinite(hourly) & working[:, :, None, None]
    profile = np.where(known, hourly, 0.0).sum((0, 1, 3)) / np.maximum(known.sum((0, 1, 3)), 1)
    sums = [float(profile[hour : hour + EVENT_HOURS].sum()) for hour in range(6, 22 - EVENT_HOURS + 1)]
    return 6 + int(np.argmax(sums))


def _yaml(value: object) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=1000, allow_unicode=True).strip().removesuffix("\n...")


def _head(meter: Path, report: ReadReport) -> str:
    name = re.sub(r"\W+", "_", meter.name.partition(".")[0]).strip("_") or "my_meter"
    told = "".join(f"\n#   {note.kind.value}: {' '.join(note.text.split())}" for note in report.notes)
    return f"# Drafted by cblcast init. Run it with: cblcast evaluate STUDY.yaml\n# {report.line}{told}\nstudy: {_yaml(name)}"


def _data(meter: Path, out: Path, reader: ReaderOptions, guesses: dict[str, str]) -> str:
    beside = out.resolve().parent
    lines = ["data:", f"  panel: {_yaml(os.path.relpath(meter.resolve(), beside))}"]
    for name, value in reader.given.items():
        key = "site_table" if name == "sites" else name
        if name in ("sites", "weather"):
            value = os.path.relpath(Path(str(value)).resolve(), beside)
        mark = f"  # {guesses[name].upper() if name == 'tz' else guesses[name]}" if name in guesses else ""
        lines.append(f"  {key}: {_yaml(dict(value) if name == 'columns' else value)}{mark}")
    if reader.country is None:
        lines.append(
            "  # country: XX  # whose public holidays apply (ISO 3166); without it holidays count as working days"
        )
    return "\n".join(lines)


def _events(start: int) -> str:
    return f"""\
events:  # placebo events: nothing was dispatched, so the truth is known
  start: "{start:02d}:00"  # the busiest hours of working days
  stop: "{start + EVENT_HOURS:02d}:00"
  days: working
  # file: events.csv  # or at the hours of a file: site_id (or *), start, stop
view: real_time  # what may be seen: the meter until the event begins; or settlement, day_ahead"""


def _spans(first: dt.date, last: dt.date, days: int) -> str:
    train, test = spans_of(first, last)
    judged = f"test: [{test[0]}, {test[1]}]  # "
    if train is None:
        return f"# {days} days are too few to learn from: rules need no training\n{judged}local dates, both inclusive"
    learned = f"train: [{train[0]}, {train[1]}]  # local dates, both inclusive\n"
    return f"{learned}{judged}judged once; nothing is learned or chosen on it"


def spans_of(first: dt.date, last: dt.date) -> tuple[Span | None, Span]:
    """The days to learn from, where they are enough, and the newer ones to judge on, of all days that are metered."""
    begin, days = first + dt.timedelta(days=LEAD_DAYS), (last - first).days + 1
    if days < LEARN_DAYS:
        return None, (begin, last)
    cut = last - dt.timedelta(days=min(365, (days - LEAD_DAYS) // 3) - 1)
    return (begin, cut - dt.timedelta(days=1)), (cut, last)


def _methods(panel: Panel, days: int) -> str:
    lines = [
        "methods:",
        "  - High5of10  # the mean of the five highest of the ten newest working days",
        "  - 10of10",
        "  - Nearest5of10  # of the five that are most alike",
        "  - PBLM-High5of10  # moved by the two hours before the event",
    ]
    if days >= LEARN_DAYS:
        weather = ["temp_air_c"] if "temp_air_c" in panel.data.columns else []
        lines.append(f"  - {{name: Learned, estimator: LearnedBaseline, weather: {_yaml(weather)}}}")
        if not weather:
            lines.append(
                "  # give weather: (time, temp_air_c) and weather: [temp_air_c] where heating or cooling matters"
            )
    return "\n".join([*lines, "metrics: [mpe, mape, rmse, nrmse]  # mpe > 0 overestimates"])
