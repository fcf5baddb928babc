"""Claims are kept in one form, and every stored verdict follows from the stored figures."""

import json
import re
from pathlib import Path

import claims
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
FOLDERS = [ROOT / "experiments", ROOT / "benchmarks"]
KEPT = sorted(path for folder in FOLDERS for path in folder.rglob("*.json"))
SCRIPTS = sorted(path for folder in FOLDERS for path in folder.rglob("*.py") if path.name != "claims.py")


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_is_kept_is_in_the_form_and_judged_by_its_own_figures(path):
    if path.name.startswith("results"):
        assert claims.read(path)
    else:
        assert '"holds"' not in path.read_text(encoding="utf-8"), "claims stand in results*.json"


def test_every_folder_keeps_results():
    folders = {path.parent for path in SCRIPTS if path.name == "run.py"}
    assert folders == {path.parent for path in KEPT if path.name == "results.json"}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_script_makes_claims_of_its_own(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"[\"']holds[\"']\s*:|def claim\(|results\w*\.json[\"']\)\.(write|open)", text)


@pytest.mark.parametrize(
    ("target", "measured", "holds"),
    [
        (claims.at_most(3), 3.0, True), (claims.at_most(3), 3.01, False),
        (claims.at_least(3), 3.0, True), (claims.at_least(3), 2.99, False),
        (claims.below(1), 1.0, False), (claims.below(1), 0.99, True),
        (claims.above(0), 0.0, False), (claims.above(0), 0.01, True),
        (claims.equal_to(5), 5, True), (claims.equal_to(5), 4, False),
        (claims.between(88, 92), 88, True), (claims.between(88, 92), 92.5, False),
        (claims.within(4.19, 0.05), 4.24, True), (claims.within(4.19, 0.05), 4.25, False),
        (claims.within(4.19, 0.05), 4.14, True), (claims.within(4.19, 0.05), 4.13, False),
        (claims.inside_limits(3.4, (3.4, 8.0)), 7.0, True), (claims.inside_limits(3.4, (3.5, 8.0)), 7.0, False),
    ],
)  # fmt: skip
def test_each_sense_by_hand(target, measured, holds):
    record = claims.claim("text", "source", measured, "%", target)
    assert record["holds"] is holds
    assert record["sense"] == target.sense
    claims.check(record)


def test_a_claim_without_a_target_is_reported():
    record = claims.claim("text", "source", np.float64(4.567), "kW", note="x")
    wanted = {
        "claim": "text",
        "source": "source",
        "target": None,
        "sense": None,
        "measured": 4.57,
        "unit": "kW",
        "holds": None,
    }
    assert record == wanted | {"note": "x"}
    assert tuple(record)[:7] == claims.KEYS
    assert claims.summary([record]) == "0 of 0 claims hold. Missed: none"


def test_what_could_not_be_measured_is_neither_held_nor_missed():
    record = claims.not_measured("text", "source", "s", "no device was here", claims.at_most(3))
    claims.check(record)
    assert [record[key] for key in ("target", "sense", "measured", "holds")] == [3, "at most", None, None]
    assert claims.summary([record]) == "0 of 0 claims hold. Missed: none"
    for change, sentence in (({"why_not": ""}, "or why_not in words"), ({"holds": True}, "holds is True")):
        with pytest.raises(ValueError, match=sentence):
            claims.check(record | change)


def test_a_figure_keeps_the_digits_that_its_verdict_needs():
    assert claims.claim("t", "s", 0.9999, "1", claims.below(1))["measured"] == 0.9999
    assert claims.claim("t", "s", 1.0001, "1", claims.at_most(1))["measured"] == 1.0001
    assert claims.claim("t", "s", 0.8999, "1", claims.below(1))["measured"] == 0.9


number = st.floats(-1e6, 1e6, allow_nan=False)


@given(measured=number, value=number, tolerance=st.floats(0, 100), digits=st.integers(0, 5))
def test_rounding_never_changes_a_verdict(measured, value, tolerance, digits):
    one_sided = [claims.at_most, claims.at_least, claims.below, claims.above, claims.equal_to]
    targets = [
        *(make(value) for make in one_sided),
        claims.within(value, tolerance),
        claims.between(value, value + tolerance),
    ]
    for target in targets:
        record = claims.claim("text", "source", measured, "1", target, digits)
        exact = dict(record, measured=measured)
        assert record["holds"] is claims.verdict(record) is claims.verdict(exact)
        claims.check(record)


def test_what_is_written_is_read_and_misses_stay(tmp_path):
    path = tmp_path / "results.json"
    told = [
        claims.claim("a miss", "s", 5, "s", claims.at_most(3)),
        claims.claim("µ", "s", 5, "rows", rows=np.int64(3)),
    ]
    claims.write(path, told)
    assert claims.read(path) == told
    assert "µ" in path.read_text(encoding="utf-8")
    assert [found.name for found in tmp_path.iterdir()] == ["results.json"]
    assert claims.summary(told) == "0 of 1 claims hold. Missed: a miss (5, at most 3)"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"holds": True}, "holds is True, but 5 is judged False"),
        ({"measured": "5 ± 1"}, "write one finite number"),
        ({"measured": float("nan")}, "write one finite number"),
        ({"target": "<= 3"}, "is not what 'at most' compares with"),
        ({"target": None}, "is reported: sense and holds are null"),
        ({"sense": "about"}, "sense is 'about', not one of"),
        ({"sense": "between"}, "is not what 'between' compares with"),
        ({"sense": "within"}, "needs the key tolerance"),
        ({"sense": "inside limits", "limits": [2, 1]}, "needs the key limits"),
        ({"unit": " "}, "say it in words"),
    ],
)
def test_a_file_out_of_form_is_refused_and_not_written(tmp_path, change, told):
    path = tmp_path / "results.json"
    bad = claims.claim("text", "s", 5, "s", claims.at_most(3)) | change
    with pytest.raises(ValueError, match=re.escape(told)):
        claims.write(path, [bad])
    assert not list(tmp_path.iterdir())
    path.write_text(json.dumps([bad]), encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(f"{path}, record 0")):
        claims.read(path)


def test_a_claim_is_told_once_and_in_a_list(tmp_path):
    path, one = tmp_path / "results.json", claims.claim("text", "s", 5, "s")
    with pytest.raises(ValueError, match="twice"):
        claims.write(path, [one, one])
    for content in ("[]", '{"results": []}', '[{"claim": "text"}]'):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(ValueError, match=r"list of claims|begins with the keys"):
            claims.read(path)


def test_a_claim_needs_a_figure_and_keys_of_its_own():
    with pytest.raises(ValueError, match="needs a finite figure"):
        claims.claim("text", "s", float("nan"), "s")
    with pytest.raises(ValueError, match="holds is told by the claim itself"):
        claims.claim("text", "s", 1.0, "s", holds=True)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (None, ""), (claims.at_least(2_000_000), "at least 2,000,000"), (claims.between(88, 92), "between 88 and 92"),
        (claims.within(4.19, 0.05), "within 0.05 of 4.19"), (claims.inside_limits(3.4, (1, 5)), "inside limits 3.4"),
    ],
)  # fmt: skip
def test_a_target_in_words(target, words):
    assert claims.asked(claims.claim("text", "s", 4.2, "s", target)) == words
