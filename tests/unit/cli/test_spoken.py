"""Sentences for Python users are said to users of the command line in its own words."""

from __future__ import annotations

import pytest

from cblcast.cli.spoken import spoken

OPTIONS, STUDY = ["data", "check", "m.csv"], ["evaluate", "study.yaml"]


@pytest.mark.parametrize(
    ("said", "option", "key"),
    [
        ("join (on_duplicates='mean', 'first')", "join (--on-duplicates mean, 'first')", "join (on_duplicates: mean, 'first')"),
        ("one step (step='60min'; --step 60min)", "one step (--step 60min)", "one step (step: 60min)"),
        ("it (tz='Europe/Rome'; --tz Europe/Rome), or", "it (--tz Europe/Rome), or", "it (tz: Europe/Rome), or"),
        ("columns={'A': 'observed_kw'}; --columns 'A=observed_kw'", "--columns 'A=observed_kw'", "columns: {'A': observed_kw}"),
        ("give time_format='%d/%m/%Y %H:%M'", "give --time-format '%d/%m/%Y %H:%M'", "give time_format: '%d/%m/%Y %H:%M'"),
        ("differences (register=True)", "differences (--register)", "differences (register: true)"),
        ("say late='leave_out', x=3", "say late='leave_out', x=3", "say late='leave_out', x=3"),
    ],
)  # fmt: skip
def test_arguments_become_options_or_keys(said: str, option: str, key: str) -> None:
    assert spoken(said, OPTIONS) == option
    assert spoken(said, STUDY) == key
    assert spoken(said, ["evaluate", "--model", "m", "--data", "m.csv"]) == option
