"""Plugins: a user's own modules, named on the line, and one sentence where they break."""

import sys

import pytest

from cblcast.cli.plugins import load_plugins
from cblcast.errors import StudyError


@pytest.mark.parametrize(("content", "message"), [
    ("def f(:\n", r"SyntaxError: .* line 1\)\): mend it"),
    ("\nx = nowhere\n", "NameError: name 'nowhere' is not defined, line 2"),
    ("raise SystemExit(3)\n", "SystemExit"),
    ("import nowhere_to_be_found\n", "cannot be imported"),
    ("from cblcast import registry\nregistry.ESTIMATORS.register(object, name='Ridge')\n", "known already"),
])  # fmt: skip
def test_a_plugin_that_breaks_is_one_sentence(tmp_path, monkeypatch, content, message):
    (tmp_path / "broken_plugin.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken_plugin", raising=False)
    with pytest.raises(StudyError, match=message):
        load_plugins(["broken_plugin"])


@pytest.mark.parametrize("module", [".mine", "..mine", "mine.py", "folder/mine", "/tmp/mine.py"])
def test_a_plugin_is_named_as_python_names_it(module):
    with pytest.raises(StudyError, match=r"without folder and \.py"):
        load_plugins([module])
