"""Digests: equal things alike in every process, other things never."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from cblcast.programs.asking import load_programs
from cblcast.scaling.digest import digest_of
from cblcast.settlement import Wishes

EVENTS = pd.DataFrame({"site_id": ["a", "b"], "start": pd.to_datetime(["2024-07-01T15:00Z"] * 2), "kw": [1.0, np.nan]})


def test_equal_things_have_equal_digests():
    again = EVENTS.copy()
    assert digest_of(EVENTS, {"b": 1, "a": {2, 3}}) == digest_of(again, {"a": {3, 2}, "b": 1})
    code = (
        "from cblcast.scaling.digest import digest_of; from cblcast.programs.asking import load_programs;"
        "from cblcast.settlement import Wishes; print(digest_of(load_programs(['caiso_10in10']), Wishes()))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert told == digest_of(load_programs(["caiso_10in10"]), Wishes())


@pytest.mark.parametrize(
    "other",
    [
        EVENTS.assign(kw=[1.0, 2.0]),
        EVENTS.rename(columns={"kw": "kwh"}),
        EVENTS.iloc[::-1],
        EVENTS.iloc[:1],
        EVENTS.assign(start=EVENTS["start"] + pd.Timedelta("1us")),
    ],
    ids=["a value", "a name", "the order", "a row", "a microsecond"],
)
def test_a_frame_that_differs_anywhere_has_another(other):
    assert digest_of(EVENTS) != digest_of(other)


def test_kinds_and_borders_count():
    told = [
        digest_of(*things) for things in ((1,), ("1",), (1.0,), (True,), ("a", "b"), ("ab",), (["a"], "b"), (None,))
    ]
    assert len(set(told)) == len(told)
    assert digest_of(Wishes(coverage=0.9)) != digest_of(Wishes(coverage=0.8))
    with pytest.raises(TypeError, match="a object has no digest"):
        digest_of(object())
