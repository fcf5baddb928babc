"""Where the files of data sets lie: inside the wheel, in a checkout, or in the folder that a user names."""

from __future__ import annotations

import os
from pathlib import Path

ENVIRONMENT_VARIABLE = "CBLCAST_DATA_DIR"


def samples() -> Path:
    """Folder of the bundled samples."""
    package = Path(__file__).parents[1]
    installed = package / "_samples"
    return installed if installed.is_dir() else package.parents[1] / "data" / "samples"


def folder_of(bundled: bool) -> Path | None:
    """Folder of the bundled samples, or of the user's own large sets; None where nobody named one."""
    if bundled:
        return samples()
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    return Path(named) if named else None
