"""The four templates keep their contracts, work by ``--plugin`` and by entry points, and broken parts are told so."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin

from cblcast import registry
from cblcast.errors import StudyError
from cblcast.frames.schema import OBSERVED
from cblcast.workflow.own_parts import check_part

OWN = Path(__file__).parents[2] / "examples" / "own_parts"
LOG = "#BOXLOG shop\n" + "".join(f"{1_559_340_000 + 900 * k};{1000 + 10 * (k % 96)}\n" for k in range(96 * 40))
STUDY = """
study: plugged
data: {dataset: turin}
events: {start: "17:00", stop: "20:00", days: working}
train: [2019-03-01, 2019-04-30]
test: [2019-05-01, 2019-05-31]
features: {opening_hours: {}}
methods: [DampedMean, High5of10, {name: open, estimator: Ridge}]
"""
CHECK = """
import json, sys
from cblcast.workflow.own_parts import check_part
said = [check_part("DampedMean"), check_part("opening_hours"), check_part("our_contract"),
        check_part("boxlog", example=sys.argv[1], tz="Europe/Rome")]
print(json.dumps(said))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(OWN / "src" / "my_parts", tmp_path / "my_parts", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "study.yaml").write_text(STUDY)
    (tmp_path / "shop.box").write_text(LOG)
    return tmp_path


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )


def install(folder: Path) -> None:
    """As pip would: the entry points of the template's pyproject in a dist-info that Python finds."""
    import tomllib

    document = tomllib.loads((OWN / "pyproject.toml").read_text())
    info = folder / "my_parts-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-parts\nVersion: 0.1.0\n")
    groups = document["project"]["entry-points"]
    (info / "entry_points.txt").write_text(
        "\n".join(f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in names.items()) for group, names in groups.items())
    )


def test_installed_the_four_templates_keep_their_contracts(folder):
    install(folder)
    done = python(folder, "-c", CHECK, "shop.box")
    assert done.returncode == 0, done.stderr
    assert [text.split(" ")[0] for text in json.loads(done.stdout)] == [
        "DampedMean",
        "opening_hours",
        "our_contract",
        "boxlog",
    ]


def test_by_plugin_a_study_uses_them_and_without_it_nothing_is_imported(folder, migrated_database):
    (folder / "models").mkdir()
    shutil.copy(migrated_database, folder / "models" / "mlflow.db")
    arguments = ["-m", "cblcast", "train", "study.yaml", "--register", "own", "--method", "DampedMean", "--json"]
    refused = python(folder, *arguments)
    assert refused.returncode == 2
    assert "DampedMean" in refused.stdout or "opening_hours" in refused.stdout
    done = python(folder, *arguments, "--plugin", "my_parts")
    assert done.returncode == 0, done.stderr
    board = {row["method"]: row["nrmse"] for row in json.loads(done.stdout)["leaderboard"]}
    assert set(board) == {"DampedMean", "High5of10", "open"}
    (folder / "events.csv").write_text("site_id,start,stop\n*,2019-07-01T17:00+02:00,2019-07-01T20:00+02:00\n")
    score = ["-m", "cblcast", "score", "--model", "models:/own/1", "--events", "events.csv", "--data", "shop.box"]
    score += ["--tz", "Europe/Rome", "--out", "own.csv"]
    refused = python(folder, *score)
    assert refused.returncode == 2
    assert "is not registered" in refused.stderr
    done = python(folder, "-m", "cblcast", "--plugin=my_parts", *score[2:])
    assert done.returncode == 0, done.stderr
    assert len(pd.read_csv(folder / "own.csv")) == 12
    told = python(folder, "-m", "cblcast", "programs", "explain", "our_contract", "--plugin", "my_parts")
    assert told.returncode == 0, told.stderr
    assert "four of the last five" in told.stdout


@pytest.mark.parametrize(("module", "sentence"), [
    ("no_such_module", "the plugin 'no_such_module' cannot be imported"),
    ("", "--plugin needs the name of a module"),
])  # fmt: skip
def test_a_plugin_that_is_none_is_one_sentence(folder, module, sentence):
    done = python(folder, "-m", "cblcast", "methods", "--plugin", module)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


class Forgetful(RegressorMixin, BaseEstimator):
    """Keeps an object that cannot be saved without pickle."""

    def fit(self, X, y):
        self.anything_ = object()
        return self

    def predict(self, X):
        return np.zeros(len(X))


class Sociable(RegressorMixin, BaseEstimator):
    """Lets an event's estimate depend on the others."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.full(len(X), float(len(X)))


class Careless(RegressorMixin, BaseEstimator):
    """Fails with a KeyError where a feature is missing."""

    def required_features(self):
        return {"reference_days": {"days": 1}}

    def fit(self, X, y):
        return self

    def predict(self, X):
        return X["ref_kw_01"].to_numpy()


@dataclass(frozen=True)
class Peeping:
    """Looks at the meter without the blindfold."""

    def __call__(self, panel, cases):
        site = panel.site_codes(cases.index.get_level_values("site_id"))
        time = pd.DatetimeIndex(cases.index.get_level_values("time")).as_unit("us").asi8
        return pd.DataFrame({"now_kw": panel.values_at(OBSERVED, site, time)}, index=cases.index)


@dataclass
class Changeable:
    """Not frozen."""

    def __call__(self, panel, cases):
        return pd.DataFrame({"one": np.ones(len(cases))}, index=cases.index)


@pytest.mark.parametrize(("table", "part", "sentence"), [
    ("ESTIMATORS", Forgetful, "saved without pickle"),
    ("ESTIMATORS", Sociable, "does not depend on which other events"),
    ("ESTIMATORS", Careless, "a feature that is missing must be named"),
    ("FEATURES", Peeping, "nothing hidden is looked at"),
    ("FEATURES", Changeable, "frozen dataclass"),
])  # fmt: skip
def test_a_broken_part_is_told_which_promise_it_breaks(monkeypatch, table, part, sentence):
    monkeypatch.setattr(getattr(registry, table), "_registered", {part.__name__: part})
    with pytest.raises(StudyError, match=sentence):
        check_part(part.__name__)


def test_names_cannot_be_taken_twice(monkeypatch):
    monkeypatch.setattr(registry.ESTIMATORS, "_registered", {})
    registry.ESTIMATORS.register(Forgetful)
    assert registry.ESTIMATORS.register(Forgetful) is Forgetful  # a notebook cell that is run again
    with pytest.raises(StudyError, match="known already"):
        registry.ESTIMATORS.register(Sociable, name="Forgetful")
    with pytest.raises(StudyError, match="known already"):
        registry.ESTIMATORS.register(Forgetful, name="Ridge")
    with pytest.raises(StudyError, match="needs a name"):
        registry.RULES.register({"title": "nameless"})
    with pytest.raises(StudyError, match="is not registered"):
        check_part("NoSuchPart")
