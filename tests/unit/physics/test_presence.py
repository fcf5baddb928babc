import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.errors import DataError
from cblcast.physics.presence import DAY_MS, changes_of_spells, persons_by_slice, slices_of_day

HOUR = 3_600_000
spell = st.tuples(st.integers(0, 2), st.integers(-30, 60), st.integers(0, 24)).map(
    lambda s: (s[0], s[1] * HOUR // 2, s[2] * HOUR)
)


@settings(deadline=None)
@given(st.lists(spell, max_size=12))
def test_it_is_the_count_of_a_slow_loop(spells):
    place, begin, length = (
        np.array(column, dtype=np.int64) for column in (zip(*spells, strict=True) if spells else ([], [], []))
    )
    mean, peak = persons_by_slice(*changes_of_spells(place, begin, begin + length), 3, 24)
    seconds = np.zeros((3, 24 * 2))  # half-hours: every spell begins and ends on one
    for p, b, n in zip(place, begin, length, strict=True):
        for half in range(int(n) * 2 // HOUR):
            seconds[p, (int(b) * 2 // HOUR + half) % 48] += 1
    np.testing.assert_allclose(mean, seconds.reshape(3, 24, 2).mean(axis=2))
    np.testing.assert_allclose(peak, seconds.reshape(3, 24, 2).max(axis=2))


def test_who_goes_as_another_comes_makes_no_peak():
    begin, end = np.array([0, HOUR]), np.array([HOUR, 2 * HOUR])
    mean, peak = persons_by_slice(*changes_of_spells(np.zeros(2, dtype=np.int64), begin, end), 1, 24)
    assert peak[0, :3].tolist() == [1, 1, 0]
    assert mean.sum() == 2


def test_bad_input_is_one_sentence():
    one = np.zeros(1, dtype=np.int64)
    with pytest.raises(DataError, match="longer than 24 h"):
        changes_of_spells(one, one, one + DAY_MS + 1)
    with pytest.raises(DataError, match="do not divide"):
        slices_of_day(7)
    with pytest.raises(DataError, match="do not divide"):
        persons_by_slice(one, one, one, 1, 7)
