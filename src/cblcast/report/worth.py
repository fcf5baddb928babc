"""What estimates are worth: income by stage of the market, the gain over having no nowcast, and what a perfect one gains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cblcast.report.drawing import COLOURS, INK, MUTED, PAPER, chart
from cblcast.report.error_charts import short
from cblcast.report.page import Folded, Part, Prose, Section, Table, table
from cblcast.report.words import NOTHING, Words

INCOME, STAGES = "income_", ("day_ahead", "intraday", "imbalance")


def worth_said(board: pd.DataFrame, words: Words) -> str:
    """Who earns most and what that is over having no nowcast; empty where no income was told."""
    currency = _currency(board)
    if currency is None:
        return ""
    income = board[f"{INCOME}{currency}"]
    best = income.idxmax()
    gain = f"gain_{currency}_per_mw_week"
    own, error = (float(board.loc[best].get(name, np.nan)) for name in (gain, "gain_se"))
    said = words("worth_most", method=best, income=words.number(income[best], 0), currency=currency.upper())
    if np.isfinite(own):
        perfect = words.number(board.loc[best].get(f"perfect_{gain}"), 1)
        said += " " + words(
            "worth_gain",
            gain=words.signed(own),
            currency=currency.upper(),
            error=words.number(error, 1),
            perfect=perfect,
        )
        if abs(own) < 2 * error:
            said += " " + words("worth_noise")
    return said


def worth_section(board: pd.DataFrame, words: Words) -> Section:
    """What the study's value section adds to its leaderboard.

    Parameters
    ----------
    board : DataFrame, index method
        The money columns: of a market ``day_ahead_eur``, ``intraday_eur``, ``imbalance_eur``, ``income_eur``,
        ``gain_eur_per_mw_week``, …; of a contract its own.
    """
    board = board[[name for name in board.columns if board[name].dtype.kind in "fi"]]
    if board.empty or not len(board.columns):
        return Section("worth", words("worth"), ())
    currency = _currency(board)
    parts: list[Part] = []
    further = list(board.columns)
    if currency is not None:
        stages = [name for name in STAGES if f"{name}_{currency}" in board.columns]
        further = [name for name in further if name.removesuffix(f"_{currency}") not in (*stages, "income")]
        figures = _stages_table(board, stages, currency, words)
        picture = chart(
            lambda figure, slim: _draw_stages(figure, slim, board, stages, currency, words),
            caption=words("caption_stages"),
            says=worth_said(board, words),
            height=1.3 + 0.34 * len(board),
        )
        parts += [picture, figures]
    if further:
        rest = _measures(board[further], words)
        parts.append(Folded(words("the_figures"), (rest,)) if parts else rest)
    parts.append(Prose(words("note_worth"), "note"))
    return Section("worth", words("worth"), tuple(parts), in_mail=True)


def _currency(board: pd.DataFrame) -> str | None:
    return next((str(name).removeprefix(INCOME) for name in board.columns if str(name).startswith(INCOME)), None)


def _stages_table(board: pd.DataFrame, stages: Sequence[str], currency: str, words: Words) -> Table:
    """Methods by income, with the gain and its standard error."""
    board = board.sort_values(f"{INCOME}{currency}", ascending=False, kind="stable")
    gain = f"gain_{currency}_per_mw_week"
    rows = []
    for name, row in board.iterrows():
        told = NOTHING if gain not in row else f"{words.signed(row[gain])} ± {words.number(row.get('gain_se'), 1)}"
        amounts = [words.number(row[f"{stage}_{currency}"], 0) for stage in (*stages, "income")]
        rows.append([str(name), *amounts, told])
    unit = f"[{currency.upper()}]"
    heads = [f"{words(f'stage_{stage}')} {unit}" for stage in (*stages, "income")]
    return table(
        words("caption_income"),
        [words("method"), *heads, words("gain_week", currency=currency.upper())],
        rows,
        marked=[0],
    )


def _measures(board: pd.DataFrame, words: Words) -> Table:
    """All other money columns, a row each."""
    rows = [
        [
            words.heading(str(column)),
            *(words.number(board.loc[name, column], _decimals(board[column])) for name in board.index),
        ]
        for column in board.columns
    ]
    return table(words("worth"), [words("measure"), *(str(name) for name in board.index)], rows)


def _decimals(column: pd.Series) -> int:
    known = column.dropna().to_numpy(dtype=float)
    return 0 if len(known) and str(column.name).startswith("n_") and (known == np.round(known)).all() else 2


def _draw_stages(
    figure: Any, slim: bool, board: pd.DataFrame, stages: Sequence[str], currency: str, words: Words
) -> None:
    """A row each method: what each stage pays to the right, what it costs to the left, the income as a mark."""
    axes = figure.subplots()
    board = board.sort_values(f"{INCOME}{currency}", kind="stable")
    place = np.arange(len(board))
    ends = {1: np.zeros(len(board)), -1: np.zeros(len(board))}
    for number, stage in enumerate(stages):
        amount = board[f"{stage}_{currency}"].fillna(0.0).to_numpy(dtype=float)
        start = np.where(amount >= 0, ends[1], ends[-1])
        axes.barh(place, amount, left=start, height=0.6, color=COLOURS[number], lw=0, label=words(f"stage_{stage}"))
        ends[1] = ends[1] + np.maximum(amount, 0.0)
        ends[-1] = ends[-1] + np.minimum(amount, 0.0)
    income = board[f"{INCOME}{currency}"].to_numpy(dtype=float)
    axes.plot(income, place, "D", color=INK, mec=PAPER, mew=1.2, ms=7, ls="", label=words("stage_income"))
    axes.axvline(0, color=MUTED, lw=1)
    axes.set_yticks(place, [short(str(name), 22 if slim else 40) for name in board.index], color=INK)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(_few(4 if slim else 8))
    axes.xaxis.set_major_formatter(lambda value, _: words.number(float(value), 0))
    axes.set_xlabel(currency.upper())
    figure.legend(loc="outside upper left", ncols=2 if slim else 4)


def _few(most: int) -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(most)
