"""What is shared within one look at some cases: found once, never beyond it."""

import pandas as pd
import pytest

from cblcast.features.lags import Past
from cblcast.features.matrix import matrix
from cblcast.frames.cases import EventArrays
from cblcast.frames.one_look import one_look, shared
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
