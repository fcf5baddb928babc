"""A page about whatever is named: what it is found to be, and what is told where it is nothing."""

from __future__ import annotations

import json

import pytest

from cblcast.errors import StudyError
from cblcast.report.words import words_of
from cblcast.workflow.regulator_files import regulator_files
from cblcast.workflow.reporting import report_on, verdict_of

CLAIMS = [
    {"claim": "a <b>small</b> error", "source": "table 1", "target": 5, "sense": "at most", "measured": 4.25, "unit": "%", "holds": True},
    {"claim": "a large gain", "source": "table 2", "target": [1, 2], "sense": "between", "measured": 0.5, "unit": "EUR", "holds": False},
    {"claim": "told alone", "source": "", "target": None, "sense": None, "measured": 12345, "unit": "kWh", "holds": None},
]  # fmt: skip


def test_an_experiment_tells_what_holds_and_what_does_not(tmp_path):
    (tmp_path / "results.json").write_text(json.dumps(CLAIMS), encoding="utf-8")
    (tmp_path / "README.md").write_text("# Small errors\n\nWhat was tried.\n", encoding="utf-8")
    page = report_on(str(tmp_path), words_of())
    assert verdict_of(page) == "1 of 2 claims hold, 1 do not; 1 figures are only reported."
    html = page.html()
    assert page.title == "Small errors"
    assert html.index("Claims that do not hold") < html.index("a &lt;b&gt;small&lt;/b&gt; error")
    assert ">between 1 – 2<" in html
    assert ">12,345<" in html


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "holds no results.json"),
        ("{", "is no JSON"),
        ('{"a": 1}', "is no list of claims"),
        ("[1]", "is no list of claims"),
    ],
)
def test_a_folder_that_is_no_experiment(tmp_path, content, said):
    if content is not None:
        (tmp_path / "results.json").write_text(content, encoding="utf-8")
    with pytest.raises(StudyError, match=said):
        report_on(str(tmp_path), words_of())


def test_a_file_that_is_not_there():
    with pytest.raises(StudyError, match=r"there is no file 'nowhere\.csv': check its path"):
        report_on("nowhere.csv", words_of())


def test_tables_of_regulators_need_a_record(tmp_path):
    with pytest.raises(StudyError, match="tables of a settlement: name its record"):
        regulator_files(tmp_path / "meter.csv", tmp_path / "impacts.csv", None)
