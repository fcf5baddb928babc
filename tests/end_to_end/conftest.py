"""What tests of whole commands share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Ran = tuple[int, str, str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """`run(*arguments)` → exit code, standard output, error stream; in this process, as the catalogue does."""
    from cblcast.cli import _run
    from cblcast.cli.boundary import guarded

    def call(*arguments: str) -> Ran:
        try:
            code = guarded(arguments, _run)
        except SystemExit as stop:
            code = int(stop.code or 0)
        told = capsys.readouterr()
        return code, told.out, " ".join(told.err.split())

    return call
