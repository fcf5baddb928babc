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
