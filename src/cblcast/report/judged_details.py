"""Further sections of what was judged: when the recommended method errs, its events, its limits, what was left out."""

from __future__ import annotations

import pandas as pd

from cblcast.frames.schema import ORIGIN, SITE
from cblcast.plots.tables import (
    error_by_hour,
    error_by_month,
    error_by_temperature,
    error_by_weekday,
    event_errors,
    interval_coverage,
    shown_events,
)
from cblcast.report.drawing import chart
from cblcast.report.error_charts import draw_errors, draw_events, draw_reliability
from cblcast.report.explorer import explorer
from cblcast.report.judged import Judged
from cblcast.report.live import charts, live_errors
from cblcast.report.page import Folded, Part, Prose, Section, Table, table
from cblcast.report.words import Words

MOST_EXCLUDED = 40


def errors_section(judged: Judged, words: Words) -> Section:
    """Errors of the recommended method by hour, weekday, month and temperature."""
    rows = judged.of(judged.recommended)
    grouped = {
        "by_hour": error_by_hour(rows, judged.zones),
        "by_weekday": error_by_weekday(rows, judged.zones).rename(index=dict(enumerate(words("weekdays").split()))),
        "by_month": error_by_month(rows, judged.zones),
        "by_temperature": error_by_temperature(rows, judged.panel).rename(index=lambda c: f"{c:.0f} °C"),
    }
    found = {name: each for name, each in grouped.items() if len(each)}
    if not found:
        return Section("errors", words("errors"), ())
    folded = Folded(words("the_figures"), tuple(_errors_table(words, name, each) for name, each in found.items()))
    worst = ", ".join(f"{words(name).lower()} {each['mape'].idxmax()}" for name, each in found.items())
    picture = chart(
        lambda figure, slim: draw_errors(figure, slim, found, words),
        caption=words("caption_errors", method=judged.recommended),
        says=words("says_errors", worst=worst),
        height=2.0 * -(-len(found) // 2) + 0.4,
        narrow_height=1.9 * len(found) + 0.6,
        live=charts(words, *live_errors(found, words)),
    )
    return Section("errors", words("errors"), (picture, folded))


def _errors_table(words: Words, name: str, found: pd.DataFrame) -> Table:
    rows = [
        [
            str(label),
            words.signed(row["mpe"]),
            words.number(row["mape"], 1),
            words.number(row["nrmse"], 1),
            words.number(int(row["rows"])),
        ]
        for label, row in found.iterrows()
    ]
    return table(words(name), words.each(name, "mpe", "mape", "nrmse", "intervals_n"), rows)


def events_section(judged: Judged, words: Words) -> Section:
    """The best, the median and the worst event of the recommended method."""
    rows = judged.of(judged.recommended)
    found = event_errors(rows, judged.step_h)
    if len(found) < 3:
        return Section("events", words("events"), ())
    shown = shown_events(found)
    zones = ", ".join(sorted(set(judged.zones.astype(str))))
    off = [words.number(found["error_pct"].iloc[row], 1) for row in (0, len(found) // 2, -1)]
    methods = [judged.recommended, *(str(each) for each in judged.compared.table.index if each != judged.recommended)]
    live = explorer(judged.scored, judged.panel, found, methods, judged.zones, pd.Timedelta(hours=judged.step_h), words)
    picture = chart(
        lambda figure, slim: draw_events(figure, slim, judged.panel, rows, shown, judged.zones, words),
        caption=words("caption_events", method=judged.recommended, zones=zones),
        says=words("says_events", best=off[0], median=off[1], worst=off[2]),
        height=2.7,
        narrow_height=6.2,
        live=live,
    )
    note = words("note_events", shown=words.number(len(live["events"])), n=words.number(len(found)))
    columns = words.each("events_column", "site", "metered_kwh", "baseline_kwh", "error_kwh", "error_pct")
    lines = [_event_row(judged, words, name, key, found.loc[key]) for name, key in shown.items()]
    numeric = [False, False, True, True, True, True]
    return Section(
        "events", words("events"), (picture, Prose(note, "note"), table(words("events"), columns, lines, numeric))
    )


def _event_row(judged: Judged, words: Words, name: str, key: tuple[str, pd.Timestamp], found: pd.Series) -> list[str]:
    site, origin = key
    local = origin.tz_convert(str(judged.zones[site]))
    return [
        f"{words(name)}, {local:%Y-%m-%d %H:%M}",
        str(site),
        words.number(found["metered_kwh"], 1),
        words.number(found["baseline_kwh"], 1),
        words.signed(found["error_kwh"]),
        words.number(found["error_pct"], 1),
    ]


def reliability_section(judged: Judged, words: Words) -> Section | None:
    """How often the load lay within the limits, and what was promised."""
    found = interval_coverage(judged.scored, judged.zones)
    nominal = judged.nominal
    if found.empty or nominal is None:
        return None
    found = found.reindex([name for name in judged.compared.table.index if name in found.index])
    promised = words.number(nominal, 0)
    parts: list[Part] = []
    if judged.recommended in found.index:
        own = found.loc[judged.recommended]
        short, wide = own["coverage_high"] < nominal, own["coverage_low"] > nominal
        key = "limits_short" if short else "limits_wide" if wide else "limits_right"
        said = words(key, pct=words.number(own["coverage"], 0), nominal=promised)
        parts.append(Prose(said, "warning" if short else "plain"))
    picture = chart(
        lambda figure, slim: draw_reliability(figure, slim, found, nominal, words, judged.recommended),
        caption=words("caption_reliability", pct=promised),
        says=words("says_reliability", pct=promised),
        height=0.9 + 0.24 * len(found),
        figures=_coverage_table(words, found),
    )
    return Section("reliability", words("reliability"), (*parts, picture))


def _coverage_table(words: Words, found: pd.DataFrame) -> Table:
    rows = [
        [
            str(name),
            words.number(row["coverage"], 1),
            words.between(row["coverage_low"], row["coverage_high"]),
            *(words.number(row[column], 1) for column in ("below", "above", "width")),
        ]
        for name, row in found.iterrows()
    ]
    return table(words("reliability"), words.each("method", "coverage", "interval", "below", "above", "width"), rows)


def excluded_section(judged: Judged, words: Words) -> Section:
    """Events that were not judged, and why."""
    found, heading = judged.excluded, words("left_out_heading")
    if found.empty:
        return Section("left-out", heading, (Prose(words("nothing_left_out")),))
    groups = found.groupby("reason", sort=False)
    counts = groups.agg(n=("reason", "size"), methods=("method", lambda each: ", ".join(dict.fromkeys(each))))
    rows = [
        [str(reason), words.number(int(row["n"])), row["methods"]]
        for reason, row in counts.sort_values("n", ascending=False).iterrows()
    ]
    reasons = table(heading, words.each("reason", "estimates_n", "methods"), rows, [False, True, False])
    first = found.sort_values([ORIGIN, SITE]).head(MOST_EXCLUDED)
    lines = [
        [f"{row.origin.tz_convert(str(judged.zones[row.site_id])):%Y-%m-%d %H:%M}", str(row.site_id), str(row.method), str(row.reason)]
        for row in first.itertuples()
    ]  # fmt: skip
    caption = words("first_of", shown=len(lines), n=len(found))
    listed = table(caption, words.each("events_column", "site", "method", "reason"), lines, [False] * 4)
    return Section("left-out", heading, (reasons, Folded(caption, (listed,))))
