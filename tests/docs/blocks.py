"""Code blocks of a page, and a folder that holds what the pages take for granted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from cblcast import datasets

ROOT = Path(__file__).parents[2]
FENCE = re.compile(
    r"^(?:<!-- (?P<told>file|not run): (?P<what>.*?) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
TRIED_WITH = re.compile(r"<!-- tried with: (\w+)(?: \((.*)\))? -->")
EVENTS = "site_id,start,stop\n*,{first}\n*,{second}\n"


@dataclass(frozen=True)
class Block:
    """One fenced block; `file` is the name under which the page's other blocks find it, `excuse` why it is not run."""

    page: Path
    line: int
    language: str
    text: str
    file: str = ""
    excuse: str = ""


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page; ``<!-- file: NAME -->`` above a fence names it, ``<!-- not run: WHY -->`` excuses it."""
    text = page.read_text()
    found = []
    for match in FENCE.finditer(text):
        told = {match["told"]: match["what"]} if match["told"] else {}
        own = re.match(r"# not run: (.*)\n", match["text"])
        excuse = told.get("not run", own[1] if own else "")
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(page, line, match["language"], match["text"], told.get("file", ""), excuse))
    return found


def sites_of(page: Path) -> tuple[str, list[str]]:
    """The sample that stands for the reader's meter on a page, and its sites; the building of Turin unless the page says."""
    told = TRIED_WITH.search(page.read_text())
    if told is None:
        return "turin", []
    return told[1], told[2].split(", ") if told[2] else []


def lay_out(page: Path, folder: Path) -> None:
    """The folder in which a reader of the page stands: the repository's own folders, a meter and two events."""
    for name in ("experiments", "data", "examples"):
        (folder / name).symlink_to(ROOT / name)
    sample, sites = sites_of(page)
    panel = datasets.load(sample)
    panel = panel.select(sites) if sites else panel
    zone = panel.sites["tz"].iloc[0]
    meter = panel.data[["observed_kw"]].reset_index()
    meter.to_parquet(folder / "meter.parquet", index=False)
    meter["time"] = meter["time"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    meter.to_csv(folder / "meter.csv", index=False)
    weather = panel.data[["temp_air_c"]].xs(panel.site_ids[0]).reset_index()
    weather.to_csv(folder / "weather.csv", index=False)
    offset = "+01:00" if zone == "Europe/London" else "+02:00"
    days = ("2019-06-12", "2019-06-18")
    first, second = (f"{day}T17:00{offset},{day}T19:00{offset}" for day in days)
    (folder / "events.csv").write_text(EVENTS.format(first=first, second=second))
    (folder / "others.csv").write_text(f"site_id,start,stop\n*,2019-05-14T17:00{offset},2019-05-14T19:00{offset}\n")
    for block in blocks_of(page):
        if block.file:
            (folder / block.file).write_text(block.text)
