"""Programs by operator, country and certainty."""

import pytest

from cblcast.errors import StudyError
from cblcast.programs import list_programs
from cblcast.workflow.listing import memory_words, programs_table


def test_programs_are_filtered_and_counted():
    everything = programs_table()
    assert len(everything) == len(list_programs())
    pjm = programs_table(operator="pjm")
    assert {row["operator"] for row in pjm} == {"PJM"}
    assert all(row["country"] == "US" for row in pjm)
    assert {row["name"] for row in programs_table(country="KR")} == {
        row["name"] for row in everything if row["operator"] == "KPX"
    }
    sure = programs_table(certainty="S")
    assert sure
    assert {row["certainty"] for row in sure} == {"S"}
    assert all(row["official"] for row in programs_table(certainty="V"))
    some = sum(bool(row["from_memory"]) for row in everything)
    assert memory_words(everything).startswith(f"{some} of {len(everything)} rest on memory in part")
    assert memory_words(sure).startswith(f"0 of {len(sure)} rest on memory")


def test_every_operator_has_a_country():
    assert [row["operator"] for row in programs_table() if row["operator"] and not row["country"]] == []


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"operator": "PMJ"}, "no rule has the operator 'PMJ': did you mean 'PJM'"),
        ({"country": "XX"}, "no rule has the country 'XX'"),
        ({"certainty": "X"}, "certainty is V, S, M or own, not 'X'"),
    ],
)
def test_a_filter_that_fits_nothing_is_one_sentence(wish, message):
    with pytest.raises(StudyError, match=message):
        programs_table(**wish)
