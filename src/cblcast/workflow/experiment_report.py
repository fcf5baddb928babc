"""The page of an experiment's folder."""

from __future__ import annotations

import json
from pathlib import Path

from cblcast.errors import StudyError
from cblcast.report.experiment import experiment_page
from cblcast.report.page import Page
from cblcast.report.words import Words
from cblcast.workflow.provenance import local_now, sha256_of, versions

MOST_BYTES = 3_000_000  # of pictures, so that the page stays one that can be sent


def report_experiment(folder: Path, words: Words) -> Page:
    """Claims, text and pictures of an experiment.

    Raises
    ------
    StudyError
        A folder without ``results.json``, or one that is no list of claims.
    """
    files = sorted(folder.glob("results*.json"))
    if not files:
        raise StudyError(f"{folder} holds no results.json: name the folder of an experiment or benchmark")
    claims = []
    for path in files:
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            raise StudyError(f"{path} is no JSON: run the experiment again") from None
        if not isinstance(found, list) or not all(isinstance(each, dict) and "claim" in each for each in found):
            raise StudyError(f"{path} is no list of claims: run the experiment again")
        claims += found
    readme = folder / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    pairs = [(words("versions"), versions())]
    pairs += [(f"{words('sha256')}: {path.name}", sha256_of(path)) for path in files]
    return experiment_page(folder.resolve().name, claims, text, _pictures(folder), pairs, local_now(), words)


def _pictures(folder: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for path in sorted(folder.glob("*.png")):
        if sum(map(len, found.values())) + path.stat().st_size <= MOST_BYTES:
            found[path.name] = path.read_bytes()
    return found
