"""Every code block of the documentation runs: commands, Python, studies, worlds, contracts, rules and templates.

A block that cannot be run here says why in the page's source; such excuses are counted, so that they do not spread.
"""

import contextlib
import io
import json
import shlex
from pathlib import Path

import pytest
from blocks import ROOT, Block, blocks_of, lay_out
from running import call

from cblcast.checked.yaml_files import parse_document
from cblcast.config import read_study
from cblcast.programs.catalogue import load_program
from cblcast.report.template import read_template
from cblcast.value.contract import read_contract
from cblcast.workflow.worlds import read_world

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
READERS = {  # the first key that tells what a document is
    "study": read_study,
    "world": read_world,
    "currency": read_contract,
    "title": load_program,
    "rows": read_template,
}
LANGUAGES = {"python", "sh", "yaml", "json", "mermaid", ""}
EXCUSED = 27  # more of them must be reasoned, here


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_blocks_of_a_page_run(page: Path, tmp_path, store) -> None:
    blocks = blocks_of(page)
    lay_out(page, tmp_path)
    names: dict[str, object] = {"__name__": page.stem}
    for block in blocks:
        where = f"{page.name}:{block.line}"
        assert block.language in LANGUAGES, f"{where}: a fence says sh, python, yaml or json"
        if block.excuse:
            continue
        if block.language == "python":
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(block.text, where, "exec"), names)
        elif block.language == "sh":
            _run_commands(block, where)
        elif block.language == "yaml":
            _read(block, tmp_path)
        elif block.language == "json":
            for document in block.text.strip().split("\n{"):
                json.loads(document if document.startswith("{") else "{" + document)


def test_what_is_not_run_is_little_and_says_why() -> None:
    excused = [block for page in PAGES for block in blocks_of(page) if block.excuse]
    assert len(excused) <= EXCUSED
    assert all(len(block.excuse.split()) >= 2 or block.excuse == "installs" for block in excused)


def _run_commands(block: Block, where: str) -> None:
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        assert words[0] == "cblcast", f"{where}: only commands of cblcast are run; excuse the block, or split it"
        ended = call(words[1:], seconds=60, waiting=300)  # the catalogue bounds commands; a page may train
        assert ended.code in (0, 3), f"{where}: {line}\n{ended.err}"


def _read(block: Block, folder: Path) -> None:
    document = parse_document(block.text, block.file or "the block", "document")
    kind = next((key for key in READERS if key in document), None)
    if kind is None:
        return
    path = folder / (block.file or "block.yaml")
    path.write_text(block.text)
    READERS[kind](path)
