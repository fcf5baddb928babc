"""Program files: the catalogue's and a user's own."""

import pytest

from cblcast.frames.schema import StudyError
from cblcast.programs import explain, list_programs, load_program

OWN = """
name: my_rule
title: Our own
day_types: working
days:
  - {applies_to: working, x: 3, y: 5, rank: low, ranked: whole_day, weights: [0.2, 0.3, 0.5], weights_by: rank, look_back_days: 30}
  - {applies_to: rest, x: 2, y: 2, rank: recent}
adjustment:
  kind: additive
  windows: [{side: before, hours: 2, buffer: 1}, {start: "22:00", stop: "24:00"}]
  cap: [-0.2, 0.2]
  floor: 0
  upward_only: true
  ends_at: notification
order: sum_then_adjust
"""


def write(tmp_path, text):
    path = tmp_path / "own.yaml"
    path.write_text(text)
    return path


def test_a_users_own_file_works_the_same_way(tmp_path):
    program = load_program(write(tmp_path, OWN))
    assert program.evidence["selection"].confidence == "own"
    assert not program.official
    text = explain(program)
    for words in (
        "the 3 with the lowest mean load in the whole day",
        "weighted 20 % / 30 % / 50 % (best ranked first)",
        "22:00-24:00 of the event day",
        "counted from the notification",
        "never downwards",
        "-0.2 to 0.2 of the mean baseline",
        "at least 0 kW",
        "sum, then adjust once",
        "the user's own rule",
    ):
        assert words in text, words


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("order: sum_then_adjust", "ordre: sum_then_adjust", "ordre is no key of a program: did you mean 'order'"),
        ("rank: low", "rank: lowest", "unknown rank 'lowest'.*did you mean 'low'"),
        ("x: 3, y: 5", "x: 6, y: 5", "1 <= x <= y, not x=6, y=5"),
        ("x: 3, y: 5", "xx: 3, y: 5", "no key 'xx'"),
        ("[0.2, 0.3, 0.5]", "[0.2, 0.3, 0.4]", "3 that sum to 0.9"),
        ("applies_to: rest", "applies_to: sunday", "'sunday', which is no label"),
        ("applies_to: rest", "applies_to: working", "two day rules are on the same day type"),
        ("cap: [-0.2, 0.2]", "cap: [0.1, 0.2]", "must enclose 0"),
        ('stop: "24:00"', 'stop: "21:00"', "starts before it stops"),
        ('start: "22:00"', 'start: "ten"', "no time of day"),
        ("kind: additive", "kind: multiply", "adjustment.kind"),
        ("day_types: working", "day_types: workdays", "unknown day types 'workdays'"),
        ("look_back_days: 30", "look_back_days: 30, minimum_days: 9", "exceeds y=5"),
        ("look_back_days: 30", "look_back_days: 30, extended_look_back_days: 20", "must exceed look_back_days"),
        ("look_back_days: 30", "look_back_days: 30, decay: 0.9", "stands instead of weights"),
    ],
)
def test_a_wrong_file_is_told_what_and_where(tmp_path, old, new, message):
    assert old in OWN
    with pytest.raises(StudyError, match=r"own\.yaml.*" + message):
        load_program(write(tmp_path, OWN.replace(old, new)))


def test_a_file_that_is_none():
    with pytest.raises(StudyError, match="did you mean 'caiso_10in10'"):
        load_program("caiso_10_in_10")
    with pytest.raises(StudyError, match="cannot be read"):
        load_program("absent/own.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", "holds no program"),
        ("a: [", "is no YAML"),
        ("name: x\ntitle: y", "needs the key 'days'"),
    ],
)
def test_a_file_without_a_program(tmp_path, text, message):
    with pytest.raises(StudyError, match=message):
        load_program(write(tmp_path, text))


def test_only_what_was_seen_throughout_is_official():
    programs = {program.name: program for program in list_programs()}
    assert len(programs) >= 35
    # A trade paper is not the operator: nothing is claimed that rests on one.
    assert [name for name, program in programs.items() if program.official] == []
    assert programs["pjm_same_day"].confidence == programs["pjm_match_day"].evidence["selection"].confidence == "S"
    assert programs["caiso_10in10"].confidence == "M"  # its window is recalled
    assert all(program.evidence["selection"].source for program in programs.values())
