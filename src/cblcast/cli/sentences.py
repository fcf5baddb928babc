"""Foreign exceptions that bad input can cause, each told as one sentence: a table of class → kind and sentence.

It is the net below the readers, which say more: they know the file, the line and the key. Heavy libraries' exceptions
are recognised by the names of their classes, so that no library is imported for it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cblcast.cli.spoken import spoken
from cblcast.errors import DataError, StudyError, why_not

BAD_INPUT = 2
LONGEST = 300  # characters that are quoted of a library's own message
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@'\"]+@")
_SECRETS = re.compile(r"(?i)\b([\w-]*(?:password|passwd|pwd|token|secret|api[-_]?key|signature|sig)=)[^&\s'\",]+")
_EXTRAS = {
    "torch": "neural",
    "dask": "scale",
    "distributed": "scale",
    "pymoo": "sizing",
    "openpyxl": "excel",
    "zstandard": "matsim",
}


@dataclass(frozen=True)
class Told:
    """How a command ended.

    Attributes
    ----------
    kind : str
        ``data``, ``study``, ``usage``, ``file``, ``store``, ``memory``, ``install``, ``interrupted``, ``defect``.
    message : str
        One line.
    code : int
        Exit code.
    more : mapping
        What else a machine is told.
    """

    kind: str
    message: str
    code: int = BAD_INPUT
    more: Mapping[str, Any] = field(default_factory=dict)


Sentence = Callable[[Any, str], str]


def told_of(error: BaseException, arguments: Sequence[str] = ()) -> Told | None:
    """What an exception says to a user, None for one that no input should cause.

    Parameters
    ----------
    error : exception
    arguments : sequence of str
        The command line; files named on it are told where the exception knows none.
    """
    if isinstance(error, (DataError, StudyError)):
        return Told(
            "data" if isinstance(error, DataError) else "study", masked(spoken(one_line(str(error)), arguments))
        )
    names = {f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(error).__mro__}
    for known, (kind, sentence) in SENTENCES.items():
        if names & set(known.split()):
            return Told(kind, masked(one_line(sentence(error, _files(arguments)))))
    return None


def one_line(text: str) -> str:
    """A text without line breaks and runs of blanks."""
    return " ".join(text.split())


def masked(text: str) -> str:
    """A text without the credentials in its addresses."""
    return _SECRETS.sub(r"\1***", _CREDENTIALS.sub("***@", text))


def _files(arguments: Iterable[str]) -> str:
    """The files that a command line names, as the subject of a sentence."""
    values = (one.partition("=")[2] if one.startswith("-") else one for one in arguments)
    found = [value for value in dict.fromkeys(values) if 0 < len(value) < 4096 and _is_file(value)]
    return " or ".join(os.path.basename(value) for value in found[:4]) or "an input"


def _is_file(value: str) -> bool:
    try:
        return os.path.isfile(value)
    except (OSError, ValueError):
        return False


def _usage(error: Any, files: str) -> str:
    return str(error.format_message())


def _cited(error: Any) -> str:
    text = one_line(str(error)) or type(error).__name__
    return (text if len(text) <= LONGEST else f"{text[:LONGEST]} …").rstrip(".: ")


def _os(error: Any, files: str) -> str:
    name = getattr(error, "filename", None)
    where = repr(str(name))[:LONGEST] if name is not None else "an output" if files == "an input" else files
    return f"{where} cannot be read or written: {why_not(error)}"


def _decoded(error: Any, files: str) -> str:
    return f"{files} is not {error.encoding} text at byte {error.start}: save it as UTF-8"


def _encoded(error: Any, files: str) -> str:
    at = error.object[error.start : error.start + 1]
    return f"{at!r} cannot be written as {error.encoding}: choose names without it, or set PYTHONUTF8=1"


def _validated(error: Any, files: str) -> str:
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"]) or error.title
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{files}: {key}: {problem['msg']}, not {str(problem.get('input'))[:80]!r}{more}: mend that value"


def _yaml(error: Any, files: str) -> str:
    mark = getattr(error, "problem_mark", None)
    line = f", line {mark.line + 1}" if mark else ""
    return f"{files}{line} is not valid YAML ({getattr(error, 'problem', None) or _cited(error)}): mend that line"


def _json(error: Any, files: str) -> str:
    return f"{files}, line {error.lineno} is not valid JSON ({error.msg}): mend that line"


def _missing(error: Any, files: str) -> str:
    extra = _EXTRAS.get(str(error.name).partition(".")[0])
    remedy = f"pip install 'cblcast[{extra}]'" if extra else "install cblcast again"
    return f"the package {error.name!r} is not installed: {remedy}"


def _with(text: str) -> Sentence:
    """A sentence with ``{files}`` and ``{cited}`` in it."""
    return lambda error, files: text.format(files=files, cited=_cited(error))


# Classes by the first part of their module and their name, the more special ones first.
SENTENCES: dict[str, tuple[str, Sentence]] = {
    "click.UsageError typer.UsageError click.ClickException typer.ClickException": ("usage", _usage),
    "builtins.UnicodeDecodeError": ("file", _decoded),
    "builtins.UnicodeEncodeError": ("file", _encoded),
    "builtins.ModuleNotFoundError": ("install", _missing),
    "builtins.MemoryError": (
        "memory",
        _with("the memory does not suffice for {files} ({cited}): give fewer sites, a shorter span or a longer step"),
    ),
    "builtins.RecursionError": ("file", _with("{files} is nested too deeply: flatten it")),
    "concurrent.BrokenProcessPool": (
        "memory",
        _with("a worker process was ended from outside, most often for lack of memory: give fewer --workers"),
    ),
    "pydantic_core.ValidationError": ("study", _validated),
    "yaml.YAMLError": ("study", _yaml),
    "json.JSONDecodeError": ("file", _json),
    "zipfile.BadZipFile zlib.error gzip.BadGzipFile builtins.EOFError lzma.LZMAError": (
        "file",
        _with("{files} cannot be unpacked ({cited}): write or download the file again"),
    ),
    "xml.ExpatError xml.ParseError": ("file", _with("{files} is not valid XML ({cited}): write the file again")),
    "openpyxl.InvalidFileException": (
        "file",
        _with("{files} cannot be read as a workbook ({cited}): save it again, or as CSV"),
    ),
    "pandas.ParserError pandas.EmptyDataError": (
        "file",
        _with("{files} cannot be read as a table ({cited}): mend that line"),
    ),
    "pandas.OutOfBoundsDatetime pandas.OutOfBoundsTimedelta": (
        "data",
        _with("a time in {files} lies beyond what can be reckoned with ({cited}): mend its year"),
    ),
    "pyarrow.ArrowException": (
        "file",
        _with("{files} cannot be read or written as a table ({cited}): write the file again"),
    ),
    "mlflow.MlflowException sqlalchemy.SQLAlchemyError sqlite3.Error alembic.CommandError": (
        "store",
        _with("the MLflow store refuses this ({cited}): mend it, or name another with --store"),
    ),
    "requests.RequestException urllib3.HTTPError": (
        "store",
        _with("the server cannot be used ({cited}): check its address, or name another with --store"),
    ),
    "optuna.OptunaError": ("study", _with("the search cannot go on ({cited}): name another file with --journal")),
    "sklearn.InvalidParameterError lightgbm.LightGBMError": (
        "study",
        _with("an estimator refuses its parameters or data ({cited}): mend them in {files}"),
    ),
    "builtins.OSError": ("file", _os),
}
