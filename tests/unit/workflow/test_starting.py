"""A drafted study: what the file says, what is guessed and marked, spans and methods that fit its length."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from cblcast.config import read_study
from cblcast.frames.schema import StudyError
from cblcast.io.options import ReaderOptions
from cblcast.workflow.starting import country_of, draft_study


def meter(path: Path, days: int, header: str = "time,load_kw", form: str = "%Y-%m-%d %H:%M", peak: int = 18) -> Path:
    times = pd.date_range("2023-01-01", periods=24 * days, freq="60min")
    load = 10 + 5 * np.exp(-(((times.hour - peak) / 2.0) ** 2))
    rows = [f"{at},{kw:.3f}" for at, kw in zip(times.strftime(form), load, strict=True)]
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("days", "train", "test", "learns"),
    [
        (40, None, ["2023-01-22", "2023-02-09"], False),
        (300, ["2023-01-22", "2023-07-26"], ["2023-07-27", "2023-10-27"], True),
        (1500, ["2023-01-22", "2026-02-08"], ["2026-02-09", "2027-02-08"], True),
    ],
)
def test_spans_and_methods_fit_the_length(
    tmp_path: Path, days: int, train: list[str] | None, test: list[str], learns: bool
) -> None:
    out = tmp_path / "study.yaml"
    draft = draft_study(meter(tmp_path / "m.csv", days), out, ReaderOptions(tz="Europe/Rome"))
    out.write_text(draft.text, encoding="utf-8")
    study = read_study(out)  # a study that runs is a study that is checked
    assert study.train == (tuple(train) if train else None)
    assert list(study.test) == test
    assert any("LearnedBaseline" in str(method) for method in study.methods) == learns
    assert (study.events.start, study.events.stop) == ("17:00", "20:00")
    assert yaml.safe_load(draft.text)["data"]["tz"] == "Europe/Rome"


def test_too_few_days_are_said(tmp_path: Path) -> None:
    with pytest.raises(
        StudyError, match=r"m\.csv holds 20 whole days, too few to judge a baseline on: give 30 or more"
    ):
        draft_study(meter(tmp_path / "m.csv", 20), tmp_path / "s.yaml", ReaderOptions(tz="UTC"))


@pytest.mark.parametrize(
    ("header", "form", "zone"),
    [
        ("Zeitstempel,Leistung (kW)", "%d.%m.%Y %H:%M", "Europe/Berlin"),
        ("Horodate,Puissance (kW)", "%d/%m/%Y %H:%M", "Europe/Paris"),
        ("Date Time,Usage (kWh)", "%m/%d/%Y %I:%M %p", "America/New_York"),
    ],
)
def test_a_zone_is_guessed_and_marked_or_asked_for(tmp_path: Path, header: str, form: str, zone: str) -> None:
    path = meter(tmp_path / "m.csv", 40, header, form)
    draft = draft_study(path, tmp_path / "s.yaml", ReaderOptions())
    assert f"tz: {zone}  # A GUESS" in draft.text
    assert draft.guesses[0].startswith("tz: a guess")
    asked = []

    def ask(question: str, guess: str) -> str:
        asked.append((question, guess))
        return "Europe/Vienna"

    draft = draft_study(path, tmp_path / "s.yaml", ReaderOptions(), ask)
    assert asked == [("Zone of the sites, as in Europe/Rome", zone)]
    assert "tz: Europe/Vienna\n" in draft.text


def test_options_that_were_given_stand_in_the_study(tmp_path: Path) -> None:
    path = meter(tmp_path / "m.csv", 40, "Wann,Was", "%d.%m.%Y %H:%M")
    options = ReaderOptions(
        tz="Europe/Rome", country="IT", unit="kWh", columns={"Wann": "time", "Was": "observed_kw"}, on_duplicates="last"
    )
    data = yaml.safe_load(draft_study(path, tmp_path / "deep" / "s.yaml", options).text)["data"]
    assert data == {
        "panel": "../m.csv",
        "tz": "Europe/Rome",
        "unit": "kWh",
        "columns": {"Wann": "time", "Was": "observed_kw"},
        "on_duplicates": "last",
        "country": "IT",
    }


def test_a_country_is_told_by_its_zone_where_the_computer_knows_its_zones() -> None:
    assert country_of("Europe/Rome") in ("IT", None)
    assert country_of("UTC") is None
