"""Pages of the site that are made of the repository: gallery, reference, and the READMEs that lie outside ``docs/``.

A hook of mkdocs. Pages in the repository link to each other as files do; here such a link is turned to the page that the
file became, and where a file became none, its name is left as text.
"""

from __future__ import annotations

import json
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "cblcast"
BESIDE = ("CONTRIBUTING.md", "CHANGELOG.md", "data/README.md")
FOLDERS = {"experiments": "gallery.md", "docs": "README.md", "docs/decisions": "decisions/README.md"}
LINK = re.compile(r"(?<!\\)(!?)\[([^\[\]]*(?:\[[^\]]*\][^\[\]]*)*)\]\(([^()\s]+)\)")
FENCE = re.compile(r"(^```.*?^```)", re.DOTALL | re.MULTILINE)


def on_files(files: Files, config: Any) -> Files:
    """Add what lies outside ``docs/``, the gallery and the reference."""
    for path in (*BESIDE, *_readmes("experiments"), *_readmes("benchmarks")):
        files.append(File.generated(config, path, abs_src_path=str(ROOT / path)))
    for picture in sorted((ROOT / "experiments").glob("*/*.png")):
        path = picture.relative_to(ROOT).as_posix()
        files.append(File.generated(config, path, abs_src_path=str(picture)))
    files.append(File.generated(config, "gallery.md", content=_gallery()))
    modules = _modules()
    for name in modules:
        files.append(File.generated(config, f"reference/{name}.md", content=f"# {name}\n\n::: {name}\n"))
    files.append(File.generated(config, "reference/index.md", content=_reference(modules)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Turn links between files into links between pages."""
    at = page.file.src_uri
    parts = FENCE.split(markdown)  # what stands in a fence is no link
    parts[::2] = [LINK.sub(lambda found: _link(found, at, files), part) for part in parts[::2]]
    return "".join(parts)


def _link(found: re.Match[str], at: str, files: Files) -> str:
    mark, text, target = found.groups()
    if re.match(r"[a-z]+:", target) or target.startswith("#"):
        return found.group(0)
    path, _, anchor = target.partition("#")
    page = _page_of(posixpath.normpath(posixpath.join(posixpath.dirname(_in_repository(at)), path)), files)
    if page is None:
        return text if not mark else ""
    there = posixpath.relpath(page, posixpath.dirname(at) or ".")
    return f"{mark}[{text}]({there}{'#' + anchor if anchor else ''})"


def _in_repository(uri: str) -> str:
    beside = uri in BESIDE or uri.split("/")[0] in ("experiments", "benchmarks")
    return uri if beside else f"docs/{uri}"


def _page_of(path: str, files: Files) -> str | None:
    """The page that a file of the repository became."""
    path = FOLDERS.get(path, path)
    candidates = [path.removeprefix("docs/"), f"{path}/README.md"]
    if path == "README.md":
        candidates = ["README.md"]
    elif path.startswith("src/cblcast/") and path.endswith(".py"):
        candidates = [f"reference/{_module_name(ROOT / path)}.md"]
    known = files.src_uris
    return next((each for each in candidates if each in known), None)


def _readmes(folder: str) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / folder).glob("*/README.md"))]


def _module_name(path: Path) -> str:
    parts = path.relative_to(ROOT / "src").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _modules() -> list[str]:
    """Every module with something public to say."""
    paths = [path for path in sorted(PACKAGE.rglob("*.py")) if path.stem != "__main__"]
    return [
        _module_name(path)
        for path in paths
        if re.search(r"^(class |def |[A-Z_]+ = |__all__)", path.read_text(), re.MULTILINE)
    ]


def _first_sentence(module: str) -> str:
    path = ROOT / "src" / Path(*module.split("."))
    text = (path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py").read_text()
    return text.split('"""')[1].strip().split("\n")[0] if '"""' in text else ""


def _reference(modules: list[str]) -> str:
    """All modules by their room."""
    lines = [
        "# Reference",
        "",
        "Every public name, from its docstring. Rooms stand on floors: [architecture](../architecture.md).",
        "",
    ]
    room = ""
    for name in modules:
        own = name.split(".")[1] if name.count(".") > 1 else ("the face" if name == "cblcast" else name.split(".")[1])
        if own != room:
            room = own
            lines += ["", f"## {room}", ""]
        lines.append(f"- [{name.removeprefix('cblcast.')}]({name}.md): {_first_sentence(name)}")
    return "\n".join(lines) + "\n"


def _gallery() -> str:
    """One entry an experiment: what it claims, how much of it holds, its pictures."""
    lines = [
        "# Gallery of experiments",
        "",
        "Each folder holds the claims of a document or of ours, one command that recomputes them, and what came out, misses included.",
        "",
    ]
    for path in _readmes("experiments"):
        folder = ROOT / path.removesuffix("README.md")
        text = (ROOT / path).read_text()
        title = text.split("\n")[0].lstrip("# ")
        lines += [f"## [{title}]({path})", "", _holds(folder), ""]
        for picture in sorted(folder.glob("*.png")):
            words = picture.stem.replace("_", " ")
            lines += [f"![{title}: {words}]({picture.relative_to(ROOT).as_posix()}){{ width=480 loading=lazy }}", ""]
    return "\n".join(lines)


def _holds(folder: Path) -> str:
    records = [record for file in sorted(folder.glob("results*.json")) for record in json.loads(file.read_text())]
    judged = [record for record in records if record["target"] is not None]
    holds = sum(bool(record["holds"]) for record in judged)
    return (
        f"{holds} of {len(judged)} claims with a target hold; {len(records) - len(judged)} figures are only reported."
    )
