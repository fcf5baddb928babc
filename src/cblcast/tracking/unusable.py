"""One sentence for a store that cannot be used, without the password that its address may hold."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from cblcast.errors import StudyError

ENVIRONMENT_VARIABLE = "MLFLOW_TRACKING_URI"
_HIDDEN = "***"
_IN_QUERY = re.compile(r"([?&;][^=&;\s]*(?:pass|pwd|token|secret)[^=&;\s]*=)[^&;\s]*", re.IGNORECASE)


def shown(uri: str) -> str:
    """`uri` as it may be printed: without password, and on the web without what stands before ``@``."""
    on_web = uri.startswith(("http://", "https://"))
    kept = r"^([\w+.-]+://).*@" if on_web else r"^([\w+.-]+:(?://)?[^:/@]*:).*@"
    return _IN_QUERY.sub(rf"\1{_HIDDEN}", re.sub(kept, rf"\1{_HIDDEN}@", uri))


def without_secrets(uri: str, message: str) -> str:
    """`message`, which a driver or MLflow wrote about `uri`, as it may be printed."""
    message = message.replace(uri, shown(uri))
    try:
        password = urlsplit(uri).password or ""
    except ValueError:
        password = ""
    for secret in {password, unquote(password)}:
        if len(secret) > 2:
            message = message.replace(secret, _HIDDEN)
    return _IN_QUERY.sub(rf"\1{_HIDDEN}", re.sub(r"(://[^:/@\s]*:)[^@\s]*@", rf"\1{_HIDDEN}@", message))


def unusable(uri: str, message: str) -> StudyError:
    """The sentence on the store `uri`, from the first line of what went wrong."""
    if "database is locked" in message:
        return StudyError(
            f"the MLflow store {shown(uri)} is locked by another process: wait until that has finished, "
            f"or name another store in {ENVIRONMENT_VARIABLE}"
        )
    lines = [line for line in without_secrets(uri, message).splitlines() if line.strip()] or ["no reason given"]
    return StudyError(
        f"the MLflow store {shown(uri)} cannot be used ({lines[0].rstrip('.: ')[:300]}): mend it, "
        f"or name another store in {ENVIRONMENT_VARIABLE}"
    )
