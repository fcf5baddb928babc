"""A trained study has its page in the store, and its run leads there; an evaluation stays quick and has none."""

from pathlib import Path

import pytest

from cblcast.config import make_study
from cblcast.errors import DataWarning
from cblcast.tracking import store as address_book
from cblcast.tracking.views import NOTE
from cblcast.workflow import studies
from cblcast.workflow.run_notes import board_table
from cblcast.workflow.studies import evaluate_study, train_study

STUDY = {
    "study": "page",
    "data": {"dataset": "turin"},
    "events": {"start": "17:00", "stop": "20:00", "days": "working"},
    "train": ["2019-03-01", "2019-03-31"],
    "test": ["2019-06-03", "2019-06-14"],
    "methods": ["High5of10", "10of10"],
}


def test_the_run_of_a_trained_study_holds_its_page_and_leads_to_it(store, tmp_path):
    result = train_study(make_study(STUDY))
    client = address_book.connect(store)
    run = client.get_run(result.run_id)
    here = f"#/experiments/{run.info.experiment_id}/runs/{result.run_id}/artifacts/report.html"
    lines = run.data.tags[NOTE].splitlines()
    assert lines[0].startswith("**")
    assert here in lines[0]  # the interface folds what lies beneath
    told = run.data.tags[NOTE]
    assert told.index("is best") < told.index("![leaderboard]") < told.index("| method |")
    page = Path(client.download_artifacts(result.run_id, "report.html", str(tmp_path))).read_text(encoding="utf-8")
    assert "use High5of10" in page or "use 10of10" in page


def test_an_evaluation_logs_no_page(store, monkeypatch):
    monkeypatch.setattr(studies, "with_pretrained", lambda study: (study, ""))
    result = evaluate_study(make_study(STUDY))
    client = address_book.connect(store)
    assert "report.html" not in [each.path for each in client.list_artifacts(result.run_id)]
    note = client.get_run(result.run_id).data.tags[NOTE]
    assert "report.html" not in note
    assert f"cblcast report {result.run_id}" in note


def test_days_too_few_for_a_page_end_no_training(store):
    few = make_study({**STUDY, "test": ["2019-06-03", "2019-06-06"]})
    with pytest.warns(DataWarning, match="no page is kept with the run: .* too few to compare"):
        result = train_study(few)
    client = address_book.connect(store)
    assert client.get_run(result.run_id).info.status == "FINISHED"
    assert "report.html" not in [each.path for each in client.list_artifacts(result.run_id)]


def test_a_name_of_a_method_breaks_no_table(store):
    named = {**STUDY, "methods": [{"name": "a|b", "estimator": "High5of10"}, "10of10"]}
    told = board_table(make_study(named), evaluate_study(make_study(named)).leaderboard)
    assert {row.count("|") for row in told.splitlines()} == {told.partition("\n")[0].count("|")}
