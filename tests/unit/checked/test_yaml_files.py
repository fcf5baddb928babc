"""YAML as this project reads it: the traps of YAML 1.1, and every fault in a sentence with its line."""

import contextlib
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cblcast.checked.yaml_files import MOST_BYTES, apply_changes, parse_document, parse_yaml, read_yaml, value_of
from cblcast.errors import StudyError

ROOT = Path(__file__).parents[3]
FILES = sorted(
    path
    for folder in ("src", "examples", "experiments", "data")
    for path in (ROOT / folder).rglob("*.yaml")
    if path.is_file()
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("17:00", "17:00"),  # 1020 to YAML 1.1, section "Sexagesimal" of its type repository
        ("12:30:15", "12:30:15"),
        ("NO", "NO"),  # Norway, false to YAML 1.1
        ("on", "on"),
        ("true", True),
        ("1e3", 1000.0),
        ("-.5", -0.5),
        ("5.", 5.0),
        ("+7", 7),
        ("0777", "0777"),  # a meter, 511 to YAML 1.1
        ("0", 0),
        ("0.5", 0.5),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("~", None),
        ("", None),
        (".inf", float("inf")),
        ("2019-1-5", "2019-01-05"),
        ("2019-06-01T17:00+02:00", "2019-06-01T17:00+02:00"),
        ("'12'", "12"),
        ("-", None),
        ("[., 1.2.3, +, é]", [".", "1.2.3", "+", "é"]),
    ],
)
def test_plain_values(text, value):
    found = parse_yaml(f"a: {text}" if text != "-" else "a: ~", "s.yaml")["a"]
    assert found == value
    assert type(found) is type(value)


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (BOMB, "line 6: the file holds more than 100,000 values"),
        ("a: " + "[" * 10_000 + "]" * 10_000, "line 1: values are nested more than 40 deep"),
        ("\n".join(" " * n + f"k{n}:" for n in range(2000)), "line 41: values are nested more than 40 deep"),
        ("[" + "[]," * 1_000_000 + "]", "more than 100,000 values"),
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "line 4: the key 'b.c' stands twice, first in line 3"),
        ("a: 1\n'a': 1\n", "line 2: the key 'a' stands twice, first in line 1"),
        ("~: 1", "line 1: nothing stands where a key is expected"),
        ("a: {true: 1}", "true or false stands where a key is expected in 'a'"),
        ("a: {.nan: 1}", "stands where a key is expected in 'a'"),
        ("[1, 2]: 3", "a list stands where a key is expected"),
        ("5: 1", "line 1: 5 is no key of a study"),
        ("a:\n\tb: 1", "line 2 is not valid YAML .a tab indents it.: indent by spaces"),
        ("a: !!python/object/apply:os.system [echo]", "line 1: the tag .* is not read"),
        ("a: !!timestamp 2019-01-01", "the tag .* is not read"),
        ("a: *b", "line 1: .b names nothing"),
        ("a: &a [*a]", "line 1: .a names nothing"),
        ("a: {<<: 3}", "merges mappings only"),
        ("test:\n  - 2019-02-31", "line 2: 2019-02-31 is no date of the calendar"),
        ("a: 1\n---\nb: 2", "line 2: a second document begins"),
        ("a: 1\nb: \x07", "line 2 is not valid YAML .*control characters"),
        ("a: [1", "is not valid YAML"),
        ("a: b: c", "line 1 is not valid YAML"),
        ("a: " + "9" * 5000, "a number has 5000 characters"),
        ("- 1", "holds no study: .* this file holds a list"),
        ("", "this file is empty"),
        ("3", "this file holds the number 3"),
    ],
)
def test_a_fault_is_one_sentence_with_its_line(text, sentence):
    with pytest.raises(StudyError, match=rf"^s\.yaml.*{sentence}") as told:
        parse_document(text, "s.yaml", "study")
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 300


def test_aliases_and_merged_mappings_are_values_of_their_own():
    found = parse_yaml("x: &x {a: 1, b: {c: 2}}\ny:\n  <<: *x\n  a: 3\nz: *x\n", "s.yaml")
    assert found["y"] == {"a": 3, "b": {"c": 2}}
    found["z"]["b"]["c"] = 9
    assert found["x"]["b"]["c"] == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_that_say_what_they_are_are_read(tmp_path, encoding):
    (tmp_path / "s.yaml").write_bytes("study: Zürich\n".encode(encoding))
    assert read_yaml(tmp_path / "s.yaml", "study") == {"study": "Zürich"}


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path):
    (tmp_path / "s.yaml").write_bytes("a: 1\nstudy: Zürich\n".encode("latin-1"))
    with pytest.raises(StudyError, match=r"^s\.yaml, line 2 is not UTF-8 text \(byte 0xfc\): save the file as UTF-8$"):
        read_yaml(tmp_path / "s.yaml", "study")
    with pytest.raises(StudyError, match="there is no study file"):
        read_yaml(tmp_path / "none.yaml", "study")
    with pytest.raises(StudyError, match=r"cannot be read .*null byte"):
        read_yaml("a\0b", "study")
    with pytest.raises(StudyError, match=r"cannot be read .*directory"):
        read_yaml(tmp_path, "study")
    (tmp_path / "s.yaml").write_bytes(b"#" * (MOST_BYTES + 1))
    with pytest.raises(StudyError, match="larger than 4 MiB, which no study is"):
        read_yaml(tmp_path / "s.yaml", "study")


def test_changes_are_values_and_their_faults_name_the_option():
    document = parse_document("a:\n  b: 1\nc: 2\n", "s.yaml", "study")
    assert document.where(("a", "b", 0)) == "s.yaml, line 2"
    apply_changes(document, {"a.b": "[17:00, 2]", "d.e": "x"})
    assert document == {"a": {"b": ["17:00", 2]}, "c": 2, "d": {"e": "x"}}
    assert document.where(("d",)) == "s.yaml"
    for key in ("", ".a", "a..b"):
        with pytest.raises(StudyError, match="without empty parts"):
            apply_changes(document, {key: "1"})
    with pytest.raises(StudyError, match=r"'c' is no section of s.yaml"):
        apply_changes(document, {"c.x": "1"})
    with pytest.raises(StudyError, match=r"^--set view=\[1 is not valid YAML"):
        value_of("[1", "view")
    with pytest.raises(StudyError, match="it is not UTF-8 text"):
        value_of("\udcff", "view")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_files_of_the_project_read_as_they_did(path):
    """PyYAML's own loader is the oracle; dates, which it makes objects, are text here."""
    text = path.read_text(encoding="utf-8")
    assert str(parse_yaml(text, path.name)) == str(_as_text(yaml.safe_load(text)))


def _as_text(value):
    if isinstance(value, dict):
        return {key: _as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


@given(st.text(max_size=60) | st.text("[]{}:,-&*!\"' \n\tab1#|>%@", max_size=60))
def test_whatever_the_text_it_is_a_value_or_one_sentence(text):
    with contextlib.suppress(StudyError):  # anything else would be a fault
        parse_yaml(text, "s.yaml")


PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=8)
)


@given(
    st.recursive(
        PLAIN,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", min_size=1), inner, max_size=3),
    )
)
def test_what_is_dumped_in_quotes_reads_back(value):
    text = json.dumps(value, ensure_ascii=False)  # JSON is YAML, but for its names of infinity
    assert parse_yaml(text, "s.yaml") == value
