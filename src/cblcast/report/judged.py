"""Sections of what was judged: verdict, leaderboard, where the errors lie, events, limits, what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cblcast import metrics
from cblcast.forecast.paired_bootstrap import Bootstrap
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, ORIGIN, PREDICTED, SITE
from cblcast.report.drawing import chart
from cblcast.report.error_charts import (
    draw_bias_precision,
    draw_errors,
    draw_events,
    draw_leaderboard,
    draw_reliability,
)
from cblcast.report.error_tables import (
    error_by_hour,
    error_by_month,
    error_by_temperature,
    error_by_weekday,
    event_errors,
    interval_coverage,
    shown_events,
)
from cblcast.report.page import Folded, Part, Prose, Section, Table, Tiles, table
from cblcast.report.words import Words

RULE, ADJUSTED, LEARNED = "kind_rule", "kind_adjusted", "kind_learned"
MOST_EXCLUDED = 40


@dataclass(frozen=True)
class Judged:
    """What was judged, as the pages need it.

    Attributes
    ----------
    scored, excluded : DataFrame
        As :class:`cblcast.forecast.backtest.BacktestResult` holds them.
    zones : Series site_id -> IANA zone
    compared : Bootstrap
    kinds : mapping method -> key of the words
        Rule, adjusted rule or learned.
    panel : Panel, optional
        The meter around the events, where it is at hand.
    nominal : float, optional
        Coverage that the limits promise [%].
    hours : str
        Local hours of the events, "17:00–20:00"; empty where they differ.
    on_placebo : bool
        Whether nothing was dispatched in the events.
    """

    scored: pd.DataFrame
    excluded: pd.DataFrame
    zones: pd.Series
    compared: Bootstrap
    kinds: Mapping[str, str]
    panel: Panel | None = None
    nominal: float | None = None
    hours: str = ""
    on_placebo: bool = True
    recommended: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "recommended", recommended(self.compared, self.kinds))

    def of(self, method: str) -> pd.DataFrame:
        """Scored rows of one method."""
        return self.scored[self.scored["method"] == method]

    @property
    def step_h(self) -> float:
        """Length of an interval [h]."""
        if self.panel is not None:
            return self.panel.step_hours
        times = self.scored.index.get_level_values("time").unique().sort_values()
        return float(np.min(np.diff(times.asi8)) / pd.Timedelta(hours=1).as_unit(times.unit).value) if len(times) > 1 else 1.0


def recommended(compared: Bootstrap, kinds: Mapping[str, str]) -> str:
    """The method that is recommended: the best; a rule, which anyone can recompute, where the days cannot tell it from the best."""
    as_good = compared.as_good()
    return next((name for name in as_good if kinds.get(name) != LEARNED), as_good[0])


def verdict_section(judged: Judged, words: Words, more: tuple[Part, ...] = ()) -> Section:
    """The verdict in plain words, and the figures that it rests on."""
    name, found = judged.recommended, judged.compared
    row = found.table.loc[name]
    days = _local_days(judged)
    span = f"{days.min():%Y-%m-%d} – {days.max():%Y-%m-%d}"
    say = {
        "method": name,
        "kind": words(judged.kinds.get(name, RULE)),
        "hours": judged.hours or words("these_events"),
        "days": found.n_days,
        "span": span,
        "error": words.number(row["nrmse"], 1),
        "low": words.number(row["nrmse_low"], 1),
        "high": words.number(row["nrmse_high"], 1),
    }
    lead = words("verdict_use", **say) + " " + words("verdict_error" if judged.on_placebo else "verdict_error_real", **say)
    parts: list[Part] = [Prose(lead, "lead"), _tiles(judged, words), Prose(_why(judged, words))]
    return Section("verdict", words("verdict"), (*parts, *more), in_mail=True)


def _tiles(judged: Judged, words: Words) -> Tiles:
    name, row = judged.recommended, judged.compared.table.loc[judged.recommended]
    own = event_errors(judged.of(name), judged.step_h)
    biased = row["mpe_low"] > 0 or row["mpe_high"] < 0
    remark = words("bias_too_high" if row["mpe"] > 0 else "bias_too_low") if biased else words("bias_none")
    nine = float(own["error_kwh"].abs().quantile(0.9))
    tiles = [
        (f"{words.number(row['nrmse'], 1)} %", words("nrmse_name"), words("between", low=words.number(row["nrmse_low"], 1), high=words.number(row["nrmse_high"], 1))),
        (f"{_signed(row['mpe'], words)} %", words("mpe_name"), remark),
        (f"± {words.number(nine, 1)} kWh", words("nine_of_ten"), words("of_kwh", kwh=words.number(float(own["metered_kwh"].mean()), 1))),
    ]
    limits = interval_coverage(judged.of(name), judged.zones)
    if len(limits) and judged.nominal is not None:
        tiles.append((f"{words.number(limits['coverage'].iloc[0], 0)} %", words("coverage_name"), words("promised_pct", pct=words.number(judged.nominal, 0))))
    return Tiles(tuple(tiles))


def _why(judged: Judged, words: Words) -> str:
    """Why this method, in sentences."""
    found, name = judged.compared, judged.recommended
    ranked, as_good = list(found.table.index), found.as_good()
    said = []
    if len(ranked) == 1:
        return words("why_alone")
    if name == found.best:
        second = found.table.iloc[1]
        key = "why_best_clear" if ranked[1] not in as_good else "why_best_tied"
        said.append(words(key, second=ranked[1], points=words.number(second["behind"], 1), low=words.number(second["behind_low"], 1), high=words.number(second["behind_high"], 1)))
        others = [each for each in as_good if each not in (name, ranked[1])]
        if others:
            said.append(words("why_as_good", others=", ".join(others)))
    else:
        said.append(words("why_rule", best=found.best, points=words.number(found.table.loc[name, "behind"], 1)))
    simple = next((each for each in ranked if judged.kinds.get(each) == RULE), None)
    if simple is not None and simple != name and simple not in as_good:
        said.append(words("why_not_simple", rule=simple, error=words.number(found.table.loc[simple, "nrmse"], 1)))
    if np.isfinite(found.chosen_nrmse):
        said.append(words("why_choice", n=len(ranked), error=words.number(found.chosen_nrmse, 1)))
    return " ".join(said)


def leaderboard_section(judged: Judged, words: Words) -> Section:
    """Every method with intervals, and whether it differs from the best by more than noise."""
    found = judged.compared
    level = words.number(100 * found.level, 0)
    rows = [_leaderboard_row(judged, words, rank, name) for rank, name in enumerate(found.table.index, 1)]
    columns = [words(key) for key in ("rank_method", "kind", "nrmse", "interval", "mpe", "cvrmse", "energy_error", "more_than_noise")]
    numeric = [False, False, True, True, True, True, True, False]
    marked = [list(found.table.index).index(judged.recommended)]
    shown = table(words("caption_leaderboard", n=found.n_events, days=found.n_days), columns, rows, numeric, marked)
    parts: list[Part] = [
        shown,
        Prose(words("note_leaderboard", level=level), "note"),
        chart(
            lambda figure, slim: draw_leaderboard(figure, slim, found.table, words, judged.recommended),
            caption=words("caption_error", level=level),
            says=words("says_error", best=found.best, error=words.number(found.table["nrmse"].iloc[0], 1), worst=str(found.table.index[-1]), most=words.number(found.table["nrmse"].iloc[-1], 1)),
            height=0.9 + 0.24 * len(rows),
        ),
    ]  # fmt: skip
    if found.left_out:
        parts.append(Prose(words("left_out", names=", ".join(found.left_out)), "warning"))
    return Section("leaderboard", words("leaderboard"), tuple(parts), in_mail=True)


def _leaderboard_row(judged: Judged, words: Words, rank: int, name: str) -> list[str]:
    row, rows = judged.compared.table.loc[name], judged.of(name)
    energy = event_errors(rows, judged.step_h)["error_kwh"].abs().mean()
    if rank == 1:
        noise = words("noise_best")
    elif row["behind_low"] > 0:
        noise = words("noise_worse", low=words.number(row["behind_low"], 1), high=words.number(row["behind_high"], 1))
    else:
        noise = words("noise_same", low=words.number(row["behind_low"], 1), high=words.number(row["behind_high"], 1))
    return [
        f"{rank}. {name}",
        words(judged.kinds.get(name, RULE)),
        words.number(row["nrmse"], 1),
        f"{words.number(row['nrmse_low'], 1)} – {words.number(row['nrmse_high'], 1)}",
        _signed(row["mpe"], words),
        words.number(metrics.nrmse(rows[OBSERVED], rows[PREDICTED]) / 100, 3),
        words.number(energy, 1),
        noise,
    ]


def precision_section(judged: Judged, words: Words) -> Section:
    """Bias against precision."""
    board = judged.compared.table
    spread = np.sqrt(np.maximum(board["nrmse"] ** 2 - board["mpe"] ** 2, 0.0))
    figures = table(
        words("bias_precision"),
        [words("rank_method"), words("mpe"), words("interval"), words("axis_spread")],
        [
            [f"{rank}. {name}", _signed(row["mpe"], words), f"{_signed(row['mpe_low'], words)} – {_signed(row['mpe_high'], words)}", words.number(spread[name], 1)]
            for rank, (name, row) in enumerate(board.iterrows(), 1)
        ],
    )  # fmt: skip
    picture = chart(
        lambda figure, slim: draw_bias_precision(figure, slim, board, words, judged.recommended),
        caption=words("caption_bias_precision"),
        says=words("says_bias_precision"),
        height=3.3,
        figures=figures,
    )
    return Section("bias-precision", words("bias_precision"), (picture,))


def errors_section(judged: Judged, words: Words) -> Section:
    """Errors of the recommended method by hour, weekday, month and temperature."""
    rows = judged.of(judged.recommended)
    weekdays = words("weekdays").split()
    found = {
        "by_hour": error_by_hour(rows, judged.zones),
        "by_weekday": error_by_weekday(rows, judged.zones).rename(index=dict(enumerate(weekdays))),
        "by_month": error_by_month(rows, judged.zones),
        "by_temperature": error_by_temperature(rows, judged.panel).rename(index=lambda c: f"{c:.0f} °C"),
    }
    found = {name: each for name, each in found.items() if len(each)}
    folded = Folded(words("the_figures"), tuple(_errors_table(words, name, each) for name, each in found.items()))
    if not found:
        return Section("errors", words("errors"), ())
    worst = {words(name).lower(): str(each["mape"].idxmax()) for name, each in found.items()}
    picture = chart(
        lambda figure, slim: draw_errors(figure, slim, found, words),
        caption=words("caption_errors", method=judged.recommended),
        says=words("says_errors", worst=", ".join(f"{name} {label}" for name, label in worst.items())),
        height=2.0 * -(-len(found) // 2) + 0.4,
        narrow_height=1.9 * len(found) + 0.4,
    )
    return Section("errors", words("errors"), (picture, folded))


def _errors_table(words: Words, name: str, found: pd.DataFrame) -> Table:
    rows = [
        [str(label), _signed(row["mpe"], words), words.number(row["mape"], 1), words.number(row["nrmse"], 1), words.number(int(row["rows"]))]
        for label, row in found.iterrows()
    ]  # fmt: skip
    return table(words(name), [words(name), words("mpe"), words("mape"), words("nrmse"), words("intervals_n")], rows)


def events_section(judged: Judged, words: Words) -> Section:
    """The best, the median and the worst event of the recommended method."""
    rows = judged.of(judged.recommended)
    found = event_errors(rows, judged.step_h)
    if len(found) < 3:
        return Section("events", words("events"), ())
    shown = shown_events(found)
    several = rows.index.get_level_values(SITE).nunique() > 1
    figures = table(
        words("events"),
        [words("events_column"), words("site"), words("metered_kwh"), words("baseline_kwh"), words("error_kwh"), words("error_pct")],
        [
            [f"{words(name)}, {key[1].tz_convert(str(judged.zones[key[0]])):%Y-%m-%d %H:%M}", str(key[0]), words.number(found.loc[key, "metered_kwh"], 1), words.number(found.loc[key, "baseline_kwh"], 1),
             _signed(found.loc[key, "error_kwh"], words), words.number(found.loc[key, "error_pct"], 1)]
            for name, key in shown.items()
        ],
        [False, False, True, True, True, True],
    )  # fmt: skip
    picture = chart(
        lambda figure, slim: draw_events(figure, slim, judged.panel, rows, shown, judged.zones, words),
        caption=words("caption_events", method=judged.recommended, zones=", ".join(sorted(set(judged.zones.astype(str))))) + (f" {words('sites_told')}" if several else ""),
        says=words("says_events", best=words.number(found["error_pct"].iloc[0], 1), median=words.number(found["error_pct"].iloc[len(found) // 2], 1), worst=words.number(found["error_pct"].iloc[-1], 1)),
        height=2.7,
        narrow_height=6.2,
    )  # fmt: skip
    return Section("events", words("events"), (picture, figures))


def reliability_section(judged: Judged, words: Words) -> Section | None:
    """How often the load lay within the limits, and what was promised."""
    found = interval_coverage(judged.scored, judged.zones)
    if found.empty or judged.nominal is None:
        return None
    found = found.reindex([name for name in judged.compared.table.index if name in found.index])
    rows = [
        [str(name), words.number(row["coverage"], 1), f"{words.number(row['coverage_low'], 1)} – {words.number(row['coverage_high'], 1)}",
         words.number(row["below"], 1), words.number(row["above"], 1), words.number(row["width"], 1)]
        for name, row in found.iterrows()
    ]  # fmt: skip
    columns = [words(key) for key in ("method", "coverage", "interval", "below", "above", "width")]
    nominal = judged.nominal
    parts: list[Part] = []
    if judged.recommended in found.index:
        own = found.loc[judged.recommended]
        key = "limits_short" if own["coverage_high"] < nominal else "limits_wide" if own["coverage_low"] > nominal else "limits_right"
        parts.append(
            Prose(words(key, pct=words.number(own["coverage"], 0), nominal=words.number(nominal, 0)), "warning" if key == "limits_short" else "plain")
        )  # fmt: skip
    parts.append(
        chart(
            lambda figure, slim: draw_reliability(figure, slim, found, nominal, words, judged.recommended),
            caption=words("caption_reliability", pct=words.number(nominal, 0)),
            says=words("says_reliability", pct=words.number(nominal, 0)),
            height=0.9 + 0.24 * len(found),
            figures=table(words("reliability"), columns, rows),
        )
    )
    return Section("reliability", words("reliability"), tuple(parts))


def excluded_section(judged: Judged, words: Words) -> Section:
    """Events that were not judged, and why."""
    found = judged.excluded
    if found.empty:
        return Section("left-out", words("left_out_heading"), (Prose(words("nothing_left_out")),))
    counts = found.groupby("reason", sort=False).agg(n=("reason", "size"), methods=("method", lambda each: ", ".join(dict.fromkeys(each))))
    rows = [[str(reason), words.number(int(row["n"])), row["methods"]] for reason, row in counts.sort_values("n", ascending=False).iterrows()]
    parts: list[Part] = [table(words("left_out_heading"), [words("reason"), words("estimates_n"), words("methods")], rows, [False, True, False])]
    local = [
        [f"{row.origin.tz_convert(str(judged.zones[row.site_id])):%Y-%m-%d %H:%M}", str(row.site_id), str(row.method), str(row.reason)]
        for row in found.sort_values([ORIGIN, SITE]).head(MOST_EXCLUDED).itertuples()
    ]  # fmt: skip
    columns = [words(key) for key in ("events_column", "site", "method", "reason")]
    caption = words("first_of", shown=len(local), n=len(found))
    parts.append(Folded(caption, (table(caption, columns, local, [False] * 4),)))
    return Section("left-out", words("left_out_heading"), tuple(parts))


def _local_days(judged: Judged) -> pd.Series:
    origins = judged.scored.index.droplevel("time").unique()
    return pd.Series([at.tz_convert(str(judged.zones[site])) for site, at in origins])


def _signed(value: float, words: Words) -> str:
    text = words.number(value, 1)
    return f"+{text}" if value > 0 and text.strip("0.,") else text
