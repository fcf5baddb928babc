"""Figures of the methods: with the models of a training, and of an evaluation only when they are asked for."""

from pathlib import Path

import pytest

from cblcast.config import make_study
from cblcast.workflow.studies import evaluate_study

STUDY = {
    "study": "s",
    "data": {"dataset": "turin"},
    "events": {"start": "17:00", "stop": "20:00"},
    "test": ["2019-06-01", "2019-06-15"],
    "methods": ["High5of10"],
}


@pytest.mark.parametrize(
    ("figures", "drawn"),
    [(False, ["leaderboard.png"]), (True, ["error_by_hour.png", "leaderboard.png", "one_event.png"])],
)
def test_an_evaluation_draws_on_demand(store: str, tmp_path: Path, figures: bool, drawn: list[str]) -> None:
    evaluate_study(make_study(STUDY), figures=figures)
    pictures = sorted(tmp_path.rglob("*.png"), key=lambda path: path.name)
    assert [path.name for path in pictures] == drawn
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)
    assert len(list(tmp_path.rglob("scored.parquet"))) == 1
