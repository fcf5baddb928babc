"""What others cite is what they installed."""

import tomllib
from pathlib import Path

import yaml

import cblcast

ROOT = Path(__file__).parents[2]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_version_is_the_package_s():
    assert CITATION["version"] == cblcast.__version__ == PROJECT["version"]


def test_the_file_is_in_the_citation_format():
    # What the schema of version 1.2.0 requires, and the types of what is given.
    assert CITATION["cff-version"] == "1.2.0"
    assert {"cff-version", "message", "title", "authors"} <= CITATION.keys()
    assert all(isinstance(CITATION[key], str) for key in ("message", "title", "abstract", "version", "license"))
    assert CITATION["type"] in {"software", "dataset"}


def test_it_says_what_the_package_says_of_itself():
    assert CITATION["title"] == PROJECT["name"]
    assert CITATION["license"] == PROJECT["license"]
    assert CITATION["keywords"] == PROJECT["keywords"]
    assert CITATION["authors"] == PROJECT["authors"]
    assert CITATION["abstract"].rstrip(".") == PROJECT["description"].rstrip(".")
