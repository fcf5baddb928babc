"""Names resolve, late, and a wrong one offers the nearest right one."""

import importlib

import pytest

from cblcast import registry
from cblcast.errors import StudyError


@pytest.mark.parametrize("table", ["FEATURES", "ESTIMATORS", "METRICS"])
def test_every_name_leads_somewhere(table):
    names = getattr(registry, table)
    for name, path in names.items():
        module, _, attribute = path.partition(":")
        assert names.resolve(name) is getattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize(("name", "params", "message"), [
    ("XofYY", {}, "unknown estimator 'XofYY': did you mean 'XofY'"),
    ("XofY", {"selct": "high"}, "no parameter 'selct': did you mean 'select'"),
    ("Adjusted", {}, "needs the parameter 'estimator'"),
])  # fmt: skip
def test_a_wrong_name_or_parameter_is_said(name, params, message):
    with pytest.raises(StudyError, match=message):
        registry.ESTIMATORS.make(name, params)


class Point:
    def __init__(self, name, value):
        self.name, self.value = name, value


def test_one_name_of_two_packages_is_refused_not_the_last_one_taken(monkeypatch):
    points = [Point("Mine", "one_package:Mine"), Point("Mine", "another:Mine")]
    monkeypatch.setattr(registry.importlib.metadata, "entry_points", lambda group: points)
    table = registry.Registry("estimator", {}, "cblcast.estimators")
    with pytest.raises(StudyError, match="two installed packages add the estimator 'Mine'"):
        table.resolve("Mine")
    assert registry.Registry("estimator", {}, None).added() == []
