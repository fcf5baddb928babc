import numpy as np
import pytest

from cblcast.physics.recovery import response


def loads():
    without = np.full((96, 2), 4.0)
    with_it = without.copy()
    with_it[44:48, 0] = 5.0  # an hour of pre-cooling from 11:00
    with_it[8, 0] = 4.5  # what an earlier event left is no preparation
    with_it[48:56, 0] = 1.0  # the event, 12:00 to 14:00
    with_it[56:60, 0] = 6.0  # an hour of rebound, then half of it, then nothing
    with_it[60:62, 0] = 5.0
    return with_it, without


def test_size_and_duration_are_read_off():
    found = response(*loads(), 48, 56, 0.25)
    assert found.shed_kw[0] == 3.0
    assert found.prepared_kwh[0] == 1.125
    assert found.snapback_kwh[0] == 2.5
    assert found.first_hour_kwh[0] == 2.0
    assert found.recovery_h[0] == 1.5
    assert found.lead_h[0] == 1.0


def test_who_does_not_answer_has_nothing_to_recover():
    found = response(*loads(), 48, 56, 0.25)
    assert [float(value[1]) for value in vars(found).values()] == [0.0] * 6


def test_a_recovery_beyond_the_end_is_not_a_number():
    with_it, without = loads()
    found = response(with_it[:60], without[:60], 48, 56, 0.25)
    assert np.isnan(found.recovery_h[0])
    assert found.snapback_kwh[0] == pytest.approx(2.0)
