"""Rate and time left of a bar."""

from __future__ import annotations

import pytest

from cblcast.terminal import rate_and_left


@pytest.mark.parametrize(
    ("done", "remaining", "seconds", "told"),
    [
        (0, 10, 5.0, ("", "")),
        (800, 1200, 4.0, ("200.0/s", "0:00:06 left")),
        (2, 4000, 10.0, ("5.0 s each", "5:33:20 left")),
        (3, None, 1.5, ("2.0/s", "")),
        (5, 0, 1.0, ("5.0/s", "0:00:00 left")),
    ],
)
def test_rate_is_of_all_that_was_done_and_the_time_left_goes_by_it(done, remaining, seconds, told):
    assert rate_and_left(done, remaining, seconds) == told
