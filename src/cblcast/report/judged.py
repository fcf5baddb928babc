"""Sections of what was judged: the verdict, the leaderboard, bias against precision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cblcast import metrics
from cblcast.forecast.paired_bootstrap import Bootstrap
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, PREDICTED, TIME
from cblcast.plots import tables
from cblcast.plots.tables import event_errors, interval_coverage
from cblcast.report.drawing import chart
from cblcast.report.error_charts import draw_bias_precision, draw_leaderboard
from cblcast.report.live import charts, live_bias_precision, live_leaderboard
from cblcast.report.page import Part, Prose, Section, Tiles, table
from cblcast.report.words import Words

RULE, ADJUSTED, LEARNED, PRETRAINED = "kind_rule", "kind_adjusted", "kind_learned", "kind_pretrained"
RECALLS = "kind_recalls"  # pretrained, on the very days that are judged


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
        Rule, adjusted rule, learned or pretrained; what learned from the very days that are judged is never recommended
        where anything else can be.
    panel : Panel, optional
        The meter around the events, where it is at hand.
    nominal : float, optional
        Coverage that the limits promise [%].
    hours : str
        Local hours of the events, "17:00–20:00"; empty where they differ.
    on_placebo : bool
        Whether nothing was dispatched in the events.
    nowcast : bool
        Whether the events are issue times with their horizon.
    over : str
        What the error of a nowcast is divided by, in words.
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
    nowcast: bool = False
    over: str = ""
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
        times = pd.DatetimeIndex(self.scored.index.get_level_values(TIME).unique()).sort_values()
        return float(np.diff(times).min() / np.timedelta64(1, "h")) if len(times) > 1 else 1.0


def recommended(compared: Bootstrap, kinds: Mapping[str, str]) -> str:
    """The method that is recommended: the best; a rule, which anyone can recompute, where the days cannot tell it from the best."""
    as_good = compared.as_good()
    ranked = [str(name) for name in compared.table.index if kinds.get(str(name)) != RECALLS]
    best = next((name for name in [*as_good, *ranked] if kinds.get(name) != RECALLS), as_good[0])
    return next((name for name in as_good if kinds.get(name, RULE) in (RULE, ADJUSTED)), best)


def verdict_section(judged: Judged, words: Words) -> Section:
    """The verdict in plain words, and the figures that it rests on."""
    name, found = judged.recommended, judged.compared
    days = _local_days(judged)
    say = {
        "method": name,
        "kind": words(judged.kinds.get(name, RULE)),
        "hours": judged.hours or words("these_events"),
        "days": words.number(found.n_days),
        "span": f"{days.min():%Y-%m-%d} – {days.max():%Y-%m-%d}",
        "error": words.number(found.table.loc[name, "nrmse"], 1),
        "over": judged.over,
    }
    use, error = "verdict_use" if judged.hours else "verdict_best", "verdict_error"
    if judged.nowcast:
        use, error = "verdict_use_nowcast", "verdict_error_nowcast"
    elif not judged.on_placebo:
        error = "verdict_error_real"
    lead = f"{words(use, **say)} {words(error, **say)}"
    return Section(
        "verdict",
        words("verdict"),
        (Prose(lead, "lead"), _tiles(judged, words), Prose(_why(judged, words))),
        in_mail=True,
    )


def _tiles(judged: Judged, words: Words) -> Tiles:
    name, row = judged.recommended, judged.compared.table.loc[judged.recommended]
    own = event_errors(judged.of(name), judged.step_h)
    biased = row["mpe_low"] > 0 or row["mpe_high"] < 0
    high, low = ("high_nowcast", "low_nowcast") if judged.nowcast else ("bias_too_high", "bias_too_low")
    remark = (high if row["mpe"] > 0 else low) if biased else "bias_none"
    low, high = (words.number(row[edge], 1) for edge in ("nrmse_low", "nrmse_high"))
    nine = words.number(float(own["error_kwh"].abs().quantile(0.9)), 1)
    metered = words.number(float(own["metered_kwh"].mean()), 1)
    tiles = [
        (f"{words.number(row['nrmse'], 1)} %", words("nrmse_name"), words("between", low=low, high=high)),
        (f"{words.signed(row['mpe'])} %", words("mpe_name"), words(remark)),
        (
            f"± {nine} kWh",
            words("nine_of_ten_nowcast" if judged.nowcast else "nine_of_ten"),
            words("of_kwh", kwh=metered),
        ),
    ]
    limits = interval_coverage(judged.of(name), judged.zones)
    if len(limits) and judged.nominal is not None:
        held = f"{words.number(limits['coverage'].iloc[0], 0)} %"
        tiles.append((held, words("coverage_name"), words("promised_pct", pct=words.number(judged.nominal, 0))))
    return Tiles(tuple(tiles))


def _why(judged: Judged, words: Words) -> str:
    """Why this method, in sentences."""
    found, name = judged.compared, judged.recommended
    ranked, as_good = [str(each) for each in found.table.index], found.as_good()
    if len(ranked) == 1:
        return words("why_alone")
    said = []
    if name == found.best:
        second = found.table.iloc[1]
        points, low, high = (words.number(second[each], 1) for each in ("behind", "behind_low", "behind_high"))
        key = "why_best_tied" if ranked[1] in as_good else "why_best_clear"
        said.append(words(key, second=ranked[1], points=points, low=low, high=high))
        others = [each for each in as_good if each not in (name, ranked[1])]
        if others:
            said.append(words("why_as_good", others=", ".join(others)))
    else:
        behind = found.table["behind"]
        honest = next((each for each in ranked if judged.kinds.get(each) != RECALLS), name)
        if honest != found.best:
            said.append(words("why_recalls", best=found.best, points=words.number(behind[name], 1)))
        if honest != name:
            said.append(words("why_rule", best=honest, points=words.number(behind[name] - behind[honest], 1)))
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
    names = [str(name) for name in found.table.index]
    rows = [_leaderboard_row(judged, words, rank, name) for rank, name in enumerate(names, 1)]
    columns = words.each("rank_method", "kind", "nrmse", "interval", "mpe", "cvrmse", "energy_error", "more_than_noise")
    caption = words("caption_leaderboard", n=words.number(found.n_events), days=words.number(found.n_days))
    numeric = [False, False, True, True, True, True, True, False]
    first, last = (words.number(found.table["nrmse"].iloc[row], 1) for row in (0, -1))
    parts: list[Part] = [
        table(caption, columns, rows, numeric, [names.index(judged.recommended)]),
        Prose(words("note_leaderboard", level=level), "note"),
        chart(
            lambda figure, slim: draw_leaderboard(figure, slim, found.table, words, judged.recommended),
            caption=words("caption_error", level=level),
            says=words("says_error", best=names[0], error=first, worst=names[-1], most=last),
            height=0.9 + 0.24 * len(rows),
            live=charts(words, live_leaderboard(found.table, words, judged.recommended)),
        ),
    ]
    recalling = [name for name in names if judged.kinds.get(name) == RECALLS]
    if recalling:
        parts.insert(1, Prose(words("note_recalls", names=", ".join(recalling)), "warning"))
    if found.left_out:
        parts.append(Prose(words("left_out", names=", ".join(found.left_out)), "warning"))
    return Section("leaderboard", words("leaderboard"), tuple(parts), in_mail=True)


def _leaderboard_row(judged: Judged, words: Words, rank: int, name: str) -> list[str]:
    row, rows = judged.compared.table.loc[name], judged.of(name)
    noise = "noise_best" if rank == 1 else "noise_worse" if row["behind_low"] > 0 else "noise_same"
    low, high = (words.number(row[edge], 1) for edge in ("behind_low", "behind_high"))
    return [
        f"{rank}. {name}",
        words(judged.kinds.get(name, RULE)),
        words.number(row["nrmse"], 1),
        words.between(row["nrmse_low"], row["nrmse_high"]),
        words.signed(row["mpe"]),
        words.number(metrics.cvrmse(rows[OBSERVED], rows[PREDICTED]), 3),
        words.number(event_errors(rows, judged.step_h)["error_kwh"].abs().mean(), 1),
        words(noise) if rank == 1 else words(noise, low=low, high=high),
    ]


def precision_section(judged: Judged, words: Words) -> Section:
    """Bias against precision."""
    board = judged.compared.table
    spread = tables.spread(board)
    rows = [
        [
            f"{rank}. {name}",
            words.signed(row["mpe"]),
            words.between(row["mpe_low"], row["mpe_high"], signed=True),
            words.number(spread[name], 1),
        ]
        for rank, (name, row) in enumerate(board.iterrows(), 1)
    ]
    picture = chart(
        lambda figure, slim: draw_bias_precision(figure, slim, board, words, judged.recommended),
        caption=words("caption_bias_precision_nowcast" if judged.nowcast else "caption_bias_precision"),
        says=words("says_bias_precision"),
        height=3.3,
        figures=table(words("bias_precision"), words.each("rank_method", "mpe", "interval", "axis_spread"), rows),
        live=charts(words, live_bias_precision(board, words, judged.recommended)),
    )
    return Section("bias-precision", words("bias_precision"), (picture,))


def _local_days(judged: Judged) -> pd.Series:
    origins = judged.scored.index.droplevel(TIME).unique()
    return pd.Series([at.tz_convert(str(judged.zones[site])).date() for site, at in origins])
