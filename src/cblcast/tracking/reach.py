"""Whether the server of a store answers at all: asked once, in seconds, before MLflow asks for minutes."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import Request, urlopen

from cblcast.tracking.unusable import unusable

SECONDS = 3.0  # to connect, and to answer
_PATIENCE = {  # what a driver calls the seconds that it waits for a connection
    "psycopg2": "connect_timeout",
    "psycopg": "connect_timeout",
    "pymysql": "connect_timeout",
    "mysqldb": "connect_timeout",
    "mysqlconnector": "connection_timeout",
    "pyodbc": "timeout",
    "pg8000": "timeout",
}
_DATABASES = ("postgresql", "mysql", "mssql")


def check_server(uri: str) -> None:
    """Ask the server of `uri` once.

    Raises
    ------
    StudyError
        It does not answer, or does not let us in; or the driver of its kind is not installed.
    """
    scheme = uri.partition(":")[0]
    if scheme in ("http", "https"):
        _within(uri, lambda: _ask_web(uri))
    elif scheme.partition("+")[0] in _DATABASES:
        _within(uri, lambda: _ask_database(uri))


def _within(uri: str, ask: Callable[[], None]) -> None:
    """Ask in a thread: looking a name up cannot be bounded otherwise."""
    failures: list[Exception] = []

    def try_to() -> None:
        try:
            ask()
        except Exception as error:  # noqa: BLE001 - a driver may throw anything, all of which is told
            failures.append(error)

    asking = threading.Thread(target=try_to, daemon=True)
    asking.start()
    asking.join(SECONDS + 1.0)
    if asking.is_alive():
        raise unusable(uri, f"no answer within {SECONDS:.0f} s")
    if failures:
        error = failures[0]
        raise unusable(uri, str(error).strip() or type(error).__name__) from None


def _ask_web(uri: str) -> None:
    """Any answer but that of a gateway without a server behind it will do; no secret is sent, so no certificate is checked."""
    parts = urlsplit(uri)
    address = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], f"{parts.path.rstrip('/')}/health", "", ""))
    anyone = ssl.create_default_context()
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    try:
        with urlopen(Request(address), timeout=SECONDS, context=anyone):
            pass
    except HTTPError as answer:
        answer.close()
        if answer.code in (502, 503, 504):
            raise ConnectionError(f"it answers {answer.code} {answer.reason}") from None
    except URLError as error:
        raise ConnectionError(f"it cannot be reached: {_why(error.reason)}") from None
    except TimeoutError as error:
        raise ConnectionError(_why(error)) from None
    except (OSError, HTTPException) as error:
        raise ConnectionError(f"it does not answer as a server of MLflow does: {_why(error)}") from None


def _ask_database(uri: str) -> None:
    from sqlalchemy import create_engine, make_url, pool

    url = make_url(uri)
    try:
        patience = _PATIENCE.get(url.get_driver_name())
        wait = {} if patience is None or patience in url.query else {patience: int(SECONDS)}
        engine = create_engine(url, connect_args=wait, poolclass=pool.NullPool)
    except ImportError as error:
        raise ConnectionError(f"its driver is not installed: pip install {error.name}") from None
    with engine.connect():
        pass


def _why(error: object) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {SECONDS:.0f} s"
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
