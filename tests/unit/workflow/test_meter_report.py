"""A page from a meter file alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from cblcast.cli import app
from cblcast.config import make_study
from cblcast.errors import StudyError
from cblcast.report.words import words_of
from cblcast.workflow.meter_report import Asked, report_meter


def meter(path: Path, days: int = 60, site: str = "load_kw") -> Path:
    """Hours of a load that follows its clock, with noise of 2 %; the days are alike."""
    times = pd.date_range("2023-03-06", periods=24 * days, freq="60min")
    rng = np.random.default_rng(0)
    load = (20 + 8 * np.exp(-(((times.hour - 18) / 3.0) ** 2))) * (1 + 0.02 * rng.standard_normal(len(times)))
    rows = [f"{at:%Y-%m-%d %H:%M},{kw:.3f}" for at, kw in zip(times, load, strict=True)]
    path.write_text("\n".join([f"time,{site}", *rows]) + "\n", encoding="utf-8")
    return path


def test_a_short_file_is_judged_by_rules_alone(tmp_path):
    found = report_meter(meter(tmp_path / "m.csv"), words_of(), Asked("17:00-20:00"))
    html = found.page.html()
    assert found.study.train is None
    assert found.recommended in found.verdict
    for heading in ("Verdict", "Leaderboard", "What was read", "Data quality", "When it errs", "Events"):
        assert f">{heading}</h2>" in html
    # The study on the page is one that recomputes it.
    told = html[html.index("<pre") :]
    told = told[told.index(">") + 1 : told.index("</pre>")].replace("&#39;", "'")
    assert make_study(yaml.safe_load(told)) == found.study


def test_the_command_writes_page_and_summary(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    meter(tmp_path / "m.csv")
    options = ["--tz", "Europe/Rome", "--mail", "mail.html", "--lang", "de", "--json"]
    done = CliRunner().invoke(app, ["report", "m.csv", *options, "--method", "10of10", "--method", "High5of10"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["page"] == "m.html"
    notes = done.stderr.splitlines()
    assert notes[0].startswith("m.csv read as: time = time")
    assert notes[1].startswith("guessed: country IT: guessed from the zone")
    assert "Rangliste" in (tmp_path / "m.html").read_text(encoding="utf-8")
    assert len((tmp_path / "mail.html").read_bytes()) < 100_000


def test_names_of_strangers_do_not_run(tmp_path):
    site = "<img src=x onerror=alert(1)> $a_"
    times = pd.date_range("2023-03-06", periods=24 * 60, freq="60min")
    frame = pd.DataFrame({"time": times, "site_id": site, "observed_kw": 10.0 + times.hour % 7})
    frame.to_csv(tmp_path / "m.csv", index=False)
    html = report_meter(tmp_path / "m.csv", words_of(), Asked("17:00-20:00", ("10of10", "5of5"))).page.html()
    assert "<img" not in re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)  # the charts' own code
    assert "<img src=x" not in html
    assert "&lt;img src=x" in html


@pytest.mark.parametrize("hours", ["17-20", "17:00", "from 17:00-20:00"])
def test_hours_that_are_none(tmp_path, hours):
    with pytest.raises(StudyError, match="write start and stop on the local clock, as in 17:00-20:00"):
        report_meter(meter(tmp_path / "m.csv"), words_of(), Asked(hours))


def test_a_file_that_is_too_short(tmp_path):
    with pytest.raises(StudyError, match="20 whole days, too few to judge a baseline on"):
        report_meter(meter(tmp_path / "m.csv", days=20), words_of(), Asked("17:00-20:00"))
