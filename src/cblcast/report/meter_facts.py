"""Sections on a meter file: what was understood of it, and what its readings are worth."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.frames.quality import data_quality, odd_days
from cblcast.frames.schema import OBSERVED
from cblcast.io.read_report import ReadReport
from cblcast.report.page import Bullets, Facts, Folded, Part, Prose, Section, table
from cblcast.report.words import Words

MOST_SITES = 25
_DECIMALS = {"missing_pct": 2, "longest_gap_h": 1, "zeros": 0, "flat_rows": 0, "spikes": 0, "mean_kw": 1, "peak_kw": 1}


def read_section(report: ReadReport, panel: Panel, guesses: tuple[str, ...], words: Words) -> Section:
    """What the reader understood, guessed, merged and missed."""
    zones = ", ".join(dict.fromkeys(panel.sites["tz"].astype(str)))
    first, last = panel.first_times_us.min(), panel.last_times_us.max() + panel.step_us
    zone = str(panel.sites["tz"].iloc[0])
    span = " – ".join(
        f"{pd.Timestamp(int(us), unit='us', tz='UTC').tz_convert(zone):%Y-%m-%d %H:%M}" for us in (first, last)
    )
    weather = ", ".join(words.heading(str(name)) for name in panel.data.columns if name != OBSERVED)
    known = panel.sites["country"].dropna() if "country" in panel.sites else pd.Series(dtype="str")
    pairs = [
        (words("file"), report.source),
        (words("sites"), words.number(len(panel.sites))),
        (words("span"), span),
        (words("step"), f"{words.number(60 * panel.step_hours, 0)} min"),
        (words("zone"), zones),
        (words("country"), ", ".join(dict.fromkeys(known.astype(str))) or words("no_country")),
        (words("weather"), weather or words("none")),
    ]
    parts: list[Part] = [Facts(tuple(pairs))]
    parts += [Prose(words("guessed", what=guess), "warning") for guess in guesses]
    parts += [Prose(note.text, "warning") for note in report.notes if note.kind.warned]
    remarks = [f"{note.kind.value}: {note.text}" for note in report.notes if not note.kind.warned]
    understood = [f"{what} = {how}" for what, how in report.understood]
    parts.append(Folded(words("read_as"), (Bullets((*understood, *remarks)),)))
    return Section("read", words("read"), tuple(parts))


def quality_section(panel: Panel, words: Words) -> Section:
    """Gaps, zeros, flat runs, spikes of each site."""
    found = data_quality(panel)
    odd = odd_days(panel)
    zones = panel.sites["tz"]
    worst = found.sort_values("missing_pct", ascending=False, kind="stable").head(MOST_SITES)
    rows = [_quality_row(words, str(site), row, str(zones[site])) for site, row in worst.iterrows()]
    columns = words.each("site", "first", "last", *_DECIMALS)
    caption = words("quality") if len(found) <= MOST_SITES else words("worst_of", shown=MOST_SITES, n=len(found))
    parts: list[Part] = [table(caption, columns, rows, [False] + [True] * 9)]
    for what, days in odd.groupby("what", sort=False):
        told = ", ".join(f"{row.site_id} {row.day:%Y-%m-%d}" for row in days.head(5).itertuples())
        parts.append(Prose(words("odd_days", what=what, n=len(days), days=told), "warning"))
    parts.append(Prose(words("note_quality"), "note"))
    return Section("quality", words("quality"), tuple(parts))


def dataset_section(title: str, licence: str, credit: str, particulars: Sequence[str], words: Words) -> Section:
    """What a data set that travels with the package is, whose, and what is special about it."""
    pairs = ((words("data_set"), title), (words("credit"), credit), (words("licence"), licence))
    parts: list[Part] = [Facts(pairs)]
    if particulars:
        parts.append(Bullets(tuple(particulars)))
    return Section("data-set", words("on_the_data"), tuple(parts))


def _quality_row(words: Words, site: str, row: pd.Series, zone: str) -> list[str]:
    days = [f"{row[edge].tz_convert(zone):%Y-%m-%d}" for edge in ("first", "last")]
    return [site, *days, *(words.number(float(row[name]), decimals) for name, decimals in _DECIMALS.items())]
