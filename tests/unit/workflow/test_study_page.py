"""A trained study has its page in the store, and its run leads there; an evaluation stays quick and has none."""

from pathlib import Path

import pytest

from cblcast.config import make_study
from cblcast.errors import DataWarning, StudyError
from cblcast.report.words import words_of
from cblcast.tracking import store as address_book
from cblcast.tracking.views import NOTE
from cblcast.workflow import studies
from cblcast.workflow.reporting import report_on
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
    for what in ("About the data", "Politecnico di Torino", "The original labels the end of an interval"):
        assert what in page


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


def test_a_run_with_money_and_a_name_like_a_path_is_read_back(store, tmp_path):
    """A run keeps its study with every default written out, those of markets beside a contract too."""
    (tmp_path / "contract.yaml").write_text("name: summer\ncurrency: GBP\nenergy_price: 0.35\n", encoding="utf-8")
    value = {"market": "contract", "contract": "contract.yaml"}
    study = make_study({**STUDY, "study": "site/v1.2 <b>", "value": value}, folder=tmp_path)
    assert make_study(study.model_dump(mode="json")) == study
    found = evaluate_study(study)
    for name in ("site/v1.2 <b>", found.run_id):
        page = report_on(name, words_of()).html()
        assert "site/v1.2 &lt;b&gt;" in page
        assert "mispaid [GBP/event]" in page
    with pytest.raises(StudyError, match=r"there is no file 'site/v1\.3'"):
        report_on("site/v1.3", words_of())
    with pytest.raises(StudyError, match="product_min: would do nothing with market: contract"):
        make_study({**STUDY, "value": {**value, "product_min": 30}}, folder=tmp_path)


def test_a_name_of_a_method_breaks_no_table(store):
    named = {**STUDY, "methods": [{"name": "a|b", "estimator": "High5of10"}, "10of10"]}
    told = board_table(make_study(named), evaluate_study(make_study(named)).leaderboard)
    assert {row.count("|") for row in told.splitlines()} == {told.partition("\n")[0].count("|")}
