"""Silence that is a thread's own."""

from __future__ import annotations

import threading
import warnings

import pytest

from cblcast.errors import DataWarning
from cblcast.hush import no_data_warnings


def warn() -> None:
    warnings.warn("odd", DataWarning, stacklevel=2)


def test_the_first_thread_to_leave_does_not_let_the_others_be_heard_and_the_last_leaves_things_as_they_were():
    inside, left, told = threading.Event(), threading.Event(), []

    def other() -> None:
        with no_data_warnings():
            inside.set()
            left.wait(10)
            try:
                warn()
            except DataWarning as warning:  # warnings are errors here
                told.append(warning)

    thread = threading.Thread(target=other)
    with no_data_warnings():
        thread.start()
        inside.wait(10)
    left.set()
    thread.join()
    assert told == []
    with pytest.warns(DataWarning, match="odd"):
        warn()
    before = list(warnings.filters)
    with no_data_warnings(), no_data_warnings():
        warn()
    assert warnings.filters == before
    with pytest.raises(ZeroDivisionError), no_data_warnings():
        _ = 1 / 0
    assert warnings.filters == before


def test_who_is_not_inside_is_heard_while_others_are():
    inside, warned = threading.Event(), threading.Event()
    unheard = []

    def other() -> None:
        with no_data_warnings():
            inside.set()
            warned.wait(10)
            try:
                warn()
            except DataWarning as warning:
                unheard.append(warning)

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait(10)
    try:
        with pytest.raises(DataWarning, match="odd"):  # warnings are errors here
            warn()
    finally:
        warned.set()
        thread.join()
    assert unheard == []


def test_only_data_warnings_are_hushed_also_below_filters_that_were_set_inside():
    with no_data_warnings(), pytest.raises(UserWarning, match="other"):
        warnings.warn("other", UserWarning, stacklevel=1)
    before = list(warnings.filters)
    with no_data_warnings():
        with warnings.catch_warnings():
            warnings.simplefilter("error", DataWarning)
            with no_data_warnings():
                warn()
        warn()
    assert warnings.filters == before
