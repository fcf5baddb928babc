"""What the terminal and JSON say of what was judged: leaderboard, leads, drift, days unlike their calendar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from cblcast.cli.by_lead import lead_records, print_by_lead
from cblcast.cli.crew import failures_of
from cblcast.terminal import in_title, print_json, print_leaderboard, print_table, records, tell

if TYPE_CHECKING:
    import pandas as pd

    from cblcast.config import Study
    from cblcast.scaling import Outcome
    from cblcast.workflow.study_result import StudyResult


def title_of(wanted: Study) -> str:
    """The study, its test span, and how often it refits."""
    refit = "" if wanted.refit is None else f", refit {wanted.refit.refit()}"
    return f"{wanted.study}: test {wanted.test[0]} to {wanted.test[1]}{refit}"


def study_records(wanted: Study, result: StudyResult) -> dict[str, Any]:
    """The part of a JSON document that trained and evaluated studies share."""
    board = {"run_id": result.run_id, "leaderboard": records(result.leaderboard.reset_index())}
    return board | lead_records(result.by_lead) | _drift_records(wanted, result)


def print_study(wanted: Study, result: StudyResult, as_json: bool) -> None:
    """Everything that an evaluated study has to say."""
    tell_notes(result)
    if as_json:
        excluded = {"excluded": records(result.backtest.excluded), "treated": records(result.backtest.treated)}
        print_json(study_records(wanted, result) | excluded)
    else:
        print_boards(wanted, result)


def tell_notes(result: StudyResult) -> None:
    """What is said of a study beside its tables."""
    for note in result.notes:
        tell("note", note)


def print_boards(wanted: Study, result: StudyResult) -> None:
    """The tables of a judged study."""
    print_leaderboard(result.leaderboard, result.backtest.excluded, title_of(wanted))
    print_by_lead(result.by_lead, _lead_measures(wanted))
    _print_drift(wanted, result)
    _print_treated(result.backtest.treated)


def print_model(
    board: pd.DataFrame,
    excluded: pd.DataFrame,
    treated: pd.DataFrame | None,
    title: str,
    as_json: bool,
    outcome: Outcome | None = None,
) -> None:
    """How a registered model did on other data."""
    if as_json:
        document = {"run_id": None, "leaderboard": records(board.reset_index()), "excluded": records(excluded)}
        print_json(document | {"treated": [] if treated is None else records(treated)} | failures_of(outcome))
    else:
        print_leaderboard(board, excluded, title)
        if treated is not None:
            _print_treated(treated)


def _lead_measures(wanted: Study) -> list[str]:
    """What the terminal shows by lead: the measure that says which method is best, and the coverage of intervals."""
    from cblcast.workflow.leaderboard import best_by

    return [best_by(wanted), *(["coverage"] if wanted.intervals is not None else [])]


def _drift_records(wanted: Study, result: StudyResult) -> dict[str, Any]:
    """What JSON says of a study that refits: how often, and the measures by span."""
    if result.drift is None or wanted.refit is None:
        return {}
    return {"refit": wanted.refit.model_dump(), "drift": records(result.drift.reset_index())}


def _print_drift(wanted: Study, result: StudyResult) -> None:
    """The measure that ranks, by span and method."""
    if result.drift is None or wanted.refit is None:
        return
    from cblcast.workflow.leaderboard import best_by

    measure = best_by(wanted)
    wide = result.drift[measure].unstack("span")
    wide = wide.reindex(index=result.leaderboard.index, columns=result.drift.index.unique("span"))
    spans = result.drift.xs(result.leaderboard.index[0], level="method")
    table = wide.T.assign(learned_until=spans["learned_until"]).rename_axis("span").reset_index()
    print_table(table, f"{in_title(measure)} by span (refit {wanted.refit.refit()})")


def _print_treated(treated: pd.DataFrame) -> None:
    if len(treated):
        counts = treated["treatment"].str.partition(":")[0].value_counts()
        days = ", ".join(f"{count} {what}" for what, count in counts.items())
        typer.echo(f"Days unlike their calendar, over all methods: {days} (each with --json)")
