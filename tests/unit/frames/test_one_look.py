"""What is shared within one look at some cases: found once, never beyond it."""

import numpy as np
import pandas as pd
import pytest

from cblcast.features.lags import Lags, Past
from cblcast.features.matrix import blocks_of_builders, matrix
from cblcast.features.unrest import Unrest
from cblcast.frames.cases import EventArrays
from cblcast.frames.one_look import Room, one_look, shared
from cblcast.frames.panel import panel_of
from cblcast.frames.rolling import rolling_origins


@pytest.fixture
def farm():
    times = pd.date_range("2020-01-01", periods=100, freq="10min", tz="UTC").as_unit("us")
    return panel_of(pd.DataFrame({"site_id": "a", "time": times, "observed_kw": range(100)}))


def test_a_look_finds_each_thing_once_and_ends():
    asked = []

    def find(panel, cases):
        asked.append((panel, cases))
        return len(asked)

    panel, cases = object(), object()
    with one_look(panel, cases):
        assert [shared(find, panel, cases), shared(find, panel, cases)] == [1, 1]
        assert shared(find, panel, object()) == 2  # other cases are looked at anew
        with one_look(panel, None):
            assert shared(find, panel, None) == shared(find, panel, None) == 3
        assert shared(find, panel, cases) == 1
    assert shared(find, panel, cases) == 4
    with pytest.raises(RuntimeError), one_look(panel, cases):
        raise RuntimeError
    assert [shared(find, panel, cases), shared(find, panel, cases)] == [5, 6]


def test_cases_that_were_changed_after_a_look_are_seen_as_they_are(farm):
    cases = rolling_origins(farm, [10, 30])
    wishes = {"lags": {"ago": (1,)}, "unrest": {}}
    one = matrix(farm, cases, wishes)["observed_kw_ago_1"]
    cases["hidden_from"] -= pd.Timedelta(minutes=10)
    other = matrix(farm, cases, wishes)["observed_kw_ago_1"]
    assert ((one - other).dropna() == 1).all()


def test_what_is_shared_cannot_be_written_to(farm):
    cases = rolling_origins(farm, [10])
    with one_look(farm, cases):
        event = EventArrays.of(farm, cases)
        assert event is EventArrays.of(farm, cases)
        assert Past.of(farm, cases) is Past.of(farm, cases)
    with pytest.raises(ValueError, match="read-only"):
        event.start_us[0] = 0
    assert cases["scored"].all()


class EveryOther:
    """A builder of one's own that gives on some of the columns of another, in another order."""

    def __init__(self, inner, step):
        self.inner, self.step = inner, step

    def __call__(self, panel, cases):
        return self.inner(panel, cases).iloc[:, :: self.step]


@pytest.mark.parametrize("step", [1, 2, -1])
def test_features_in_a_room_are_those_elsewhere(farm, step):
    cases = rolling_origins(farm, [10, 30], first="2020-01-01T06:00")
    builders = {
        "lags": EveryOther(Lags(ago=(1, 2, 5)), step),
        "unrest": Unrest(hours=1.0),
        "more": EveryOther(Lags(ago=(3, 4), means=(3,)), -step),
    }
    plain = list(blocks_of_builders(farm, cases, builders))
    rows = np.full((sum(block.shape[1] for block in plain) + 2, len(cases) + 3), -1.0)
    room = Room(rows[1:-1, 3:])
    for block, alone in zip(blocks_of_builders(farm, cases, builders, room=room), plain, strict=True):
        pd.testing.assert_frame_equal(block, alone)
        room.put(block.to_numpy().T)
    np.testing.assert_array_equal(rows[1:-1, 3:], pd.concat(plain, axis=1).to_numpy().T)
    assert (rows[[0, -1]] == -1).all()  # nothing beside it is written to
    assert (rows[:, :3] == -1).all()
