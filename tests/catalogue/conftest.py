"""The sound files beside every row of the catalogue, and a store with trained models."""

from __future__ import annotations

import os
import shutil
import tomllib
from pathlib import Path

import pytest
from running import call, content_of


@pytest.fixture(scope="session")
def base() -> dict[str, bytes]:
    """The sound files that lie in the folder of every row."""
    made = tomllib.loads(Path(__file__).with_name("base.toml").read_text(encoding="utf-8"))
    files: dict[str, bytes] = {}
    for name, how in made.items():
        files[name] = content_of(how, files)
    return files


@pytest.fixture(scope="session")
def trained(base: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Path:
    """A folder with a store in which a rule and a boosting model are registered, as mine and as boosted."""
    folder = tmp_path_factory.mktemp("trained")
    for name, content in base.items():
        (folder / name).write_bytes(content)
    (folder / "models").mkdir()
    shutil.copy(migrated_database, folder / "models" / "mlflow.db")
    before = Path.cwd()
    os.chdir(folder)
    try:
        for name in ("mine", "boosted"):
            known = set(folder.glob("models/artifacts/**/model.json"))
            method = "[High5of10]" if name == "mine" else "[{name: b, estimator: Boosting, n_estimators: 3}]"
            chosen = ["--set", f"methods={method}", "--set", "features.calendar={}"]
            ended = call(["train", "study.yaml", *chosen, "--register", name, "--alias", "champion"])
            assert ended.code == 0, ended.err
            (made,) = set(folder.glob("models/artifacts/**/model.json")) - known
            (folder / f"{name}.model").symlink_to(made.parent)
    finally:
        os.chdir(before)
    return folder
