"""Where every command ends: bad input is one sentence, a fault of cblcast a short report, a signal exit code 130.

======  ==================================================================================================
code    meaning
======  ==================================================================================================
0       done
1       a fault of cblcast: a short report, all of it with ``--debug``
2       input that cannot be used: one sentence, nothing half-written
3       the rest was done, and what was not is named
130     stopped by SIGINT, SIGTERM or SIGHUP
141     whoever read the output has closed it (``| head``)
======  ==================================================================================================

With ``--json`` what ends a command is one object on standard output, ``{"error": {"kind", "message", "exit_code"}}``.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import typer

from cblcast.cli.defects import defect_of
from cblcast.cli.sentences import Told, masked, told_of
from cblcast.cli.signals import INTERRUPTED, signals_interrupt
from cblcast.cli.spoken import spoken
from cblcast.errors import DataWarning
from cblcast.terminal import print_json, tell, telling

DEBUG, DEBUG_VARIABLE = "--debug", "CBLCAST_DEBUG"
AS_JSON = "--json"
CLOSED_PIPE = 141  # 128 + SIGPIPE, as a shell reports it


def guarded(arguments: Sequence[str], run: Callable[[list[str]], Any]) -> int:
    """Run a command line; its exit code, however it ends.

    Parameters
    ----------
    arguments : sequence of str
        Without the program's name.
    run : callable
        Takes the arguments without ``--debug``, returns an exit code or None, and may raise anything.
    """
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    as_json = AS_JSON in options
    debug = DEBUG in options or os.environ.get(DEBUG_VARIABLE, "") not in ("", "0")
    rest = [*(one for one in options if one != DEBUG), *arguments[len(options) :]]
    with telling(as_json, lambda text: spoken(text, arguments)), _warnings_in_a_line(), signals_interrupt():
        try:
            code = run(rest)
            sys.stdout.flush()  # a full disk or a closed pipe shows itself here, not after the last sentence
        except KeyboardInterrupt:
            code = INTERRUPTED
        except SystemExit as stop:
            if not isinstance(stop.__context__, BrokenPipeError):  # typer's answer to a closed pipe
                raise
            code = _closed_pipe()
        except BrokenPipeError:
            code = _closed_pipe()
        except Exception as error:  # noqa: BLE001 - what goes on from here is a traceback
            code = _ended(error, arguments, as_json, debug)
        if code == INTERRUPTED:
            _say(Told("interrupted", "stopped by a signal; what was told as written is whole", INTERRUPTED), as_json)
    return code if isinstance(code, int) else 0


def _ended(error: Exception, arguments: Sequence[str], as_json: bool, debug: bool) -> int:
    """Tell what ended a command; its exit code."""
    cause = error.__cause__
    if _is(error, "Exit"):
        return int(error.exit_code)  # type: ignore[attr-defined]
    if _is(error, "Abort"):
        if not isinstance(cause, EOFError) or _asked(cause):
            return INTERRUPTED
        error = cause  # typer takes the end of a cut file for the end of what a user types
    if debug:
        _print_error_stream(_whole(error))
    told = told_of(error, arguments)
    if told is None:
        defect = defect_of(error, arguments)
        _say(defect.told, as_json, defect.lines)
        return defect.told.code
    if told.kind == "usage" and not as_json and hasattr(error, "show"):
        error.show()  # with the line on how the command is used
        return told.code
    _say(told, as_json)
    return told.code


def _say(told: Told, as_json: bool, lines: Sequence[str] = ()) -> None:
    """One sentence (and lines for a defect) on the error stream, or one object on standard output."""
    try:
        if as_json:
            print_json({"error": {"kind": told.kind, "message": told.message, "exit_code": told.code, **told.more}})
            sys.stdout.flush()
            return
        typer.secho(f"{'Stopped' if told.kind == 'interrupted' else 'Error'}: {told.message}", fg="red", err=True)
        _print_error_stream("\n".join(lines))
    except OSError:  # nobody is there to be told
        _closed_pipe()


def _print_error_stream(text: str) -> None:
    if text:
        with suppress(OSError):
            typer.echo(masked(text), err=True)


def _whole(error: BaseException) -> str:
    import traceback

    return "".join(traceback.format_exception(error)).rstrip()


def _asked(end: EOFError) -> bool:
    """Whether a question to the user found the end of standard input."""
    return "typer" in str(getattr(getattr(end.__traceback__, "tb_frame", None), "f_globals", {}).get("__name__", ""))


def _is(error: BaseException, name: str) -> bool:
    """Whether it is one of the exceptions by which typer (or the click in it) ends a command."""
    return any(
        kind.__name__ == name and kind.__module__.partition(".")[0] in ("click", "typer") for kind in type(error).mro()
    )


def _closed_pipe() -> int:
    """Let what is still to be flushed go nowhere, so that the interpreter does not complain of it at its end."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    return CLOSED_PIPE


@contextmanager
def _warnings_in_a_line() -> Iterator[None]:
    """What cblcast warns of, in one line and once; what libraries warn their callers of is not for users."""

    def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        tell("warning", str(message))

    with warnings.catch_warnings():
        if not sys.warnoptions:  # python -W says otherwise
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", DataWarning)
        warnings.showwarning = show
        yield
