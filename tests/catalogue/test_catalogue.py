"""Every row of the catalogue through the real command line: read right, or refused in a sentence; never anything else."""

from __future__ import annotations

import re
import shutil
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import running

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LEAST = 400
KEYS = {
    "id", "file", "make", "with", "run", "exit", "says", "tells", "gives", "never", "written", "waits", "crawls", "damage", "env",
}  # fmt: skip


def rows() -> Iterator[dict[str, Any]]:
    for path in sorted(HERE.glob("*.toml")):
        if path.name == "base.toml":
            continue
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        shared = {key: value for key, value in table.items() if key in KEYS}
        for group in [table, *table.get("group", [])]:
            own = {key: value for key, value in group.items() if key in KEYS}
            for row in group.get("rows", []):
                yield {**shared, **own, **row, "area": path.stem}


ROWS = list(rows())


def parameters() -> Iterator[Any]:
    for row in ROWS:
        waits = (
            [pytest.mark.xfail(reason=f"waits: {row['waits']}", run=not row.get("crawls"), strict=False)]
            if "waits" in row
            else []
        )
        yield pytest.param(row, id=f"{row['area']}/{row['id']}", marks=waits)


@pytest.mark.parametrize("row", list(parameters()))
def test_row(
    row: dict[str, Any],
    base: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    for name, content in base.items():
        (tmp_path / name).write_bytes(content)
    made = {row.get("file", "made.csv"): row["make"]} if "make" in row else {}
    for name, how in {**made, **row.get("with", {})}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(running.content_of(how, base))
    if row["run"].split()[0] in ("train", "evaluate", "tune"):  # the tables of a store take seconds to make
        (tmp_path / "models").mkdir()
        shutil.copy(request.getfixturevalue("migrated_database"), tmp_path / "models" / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for name, value in row.get("env", {}).items():
        monkeypatch.setenv(name, value)
    places = {"file": row.get("file", "made.csv")}
    undo = None
    if "{store}" in row["run"]:
        folder = request.getfixturevalue("trained")
        places["store"] = f"sqlite:///{folder}/models/mlflow.db"
        undo = damaged(folder, row.get("file", ""), row.get("damage"))
    before = running.snapshot(tmp_path)
    try:
        ended = running.call(running.words_of(row["run"], **places))
    finally:
        if undo is not None:
            undo[0].write_bytes(undo[1])
    held(row, ended)
    after = running.snapshot(tmp_path)
    assert {name: after.get(name) for name in before} == before, "an input is changed"
    written = set(after) - set(before)
    assert written == set(as_list(row.get("written"))), f"written: {sorted(written)}"


def damaged(folder: Path, model: str, damage: dict[str, Any] | None) -> tuple[Path, bytes] | None:
    """Harm a file of a registered model; the file and what it held."""
    if damage is None:
        return None
    path = folder / f"{model.removeprefix('models:/').partition('@')[0]}.model" / damage["in"]
    content = path.read_bytes()
    if "swap" in damage:
        old, new = (part.encode() for part in damage["swap"])
        assert old in content
        path.write_bytes(content.replace(old, new, 1))
    elif "bit" in damage:
        at = damage["bit"] % len(content)
        path.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
    else:
        path.write_bytes(content[: damage["keep"]])
    return path, content


def held(row: dict[str, Any], ended: Any) -> None:
    """What a row expects of how its command ended."""
    everything = ended.out + ended.err
    assert ended.code == row["exit"], everything[-2000:]
    assert "Traceback" not in everything
    assert ended.grown_mb <= running.GROWTH_MB, f"memory grew by {ended.grown_mb:.0f} MB"
    plain = " ".join(everything.split())
    if row["exit"] == 2:
        last = ended.err.rstrip().rpartition("\n")[2] if "--json" not in row["run"] else ""
        assert not last or last.startswith("Error: "), ended.err
        assert len(last) <= 1200, len(last)
        assert "--json" in row["run"] or not ended.out, ended.out
        assert not re.search(r"\b0x[0-9a-f]{6,}|<class '|object at ", plain), plain
    for part in as_list(row.get("says")):
        assert part in plain, plain[-1500:]
    for part in as_list(row.get("tells")):
        assert part in " ".join(ended.out.split()), ended.out[-1500:]
    for part in as_list(row.get("never")):
        assert part not in plain
    for path, value in row.get("gives", {}).items():
        found = running.at(running.parsed(ended.out), path)
        assert found == (pytest.approx(value, rel=1e-3, abs=1e-6) if isinstance(value, float) else value), (path, found)


def as_list(value: Any) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def test_the_catalogue_is_large_and_the_readme_says_how_large() -> None:
    assert len(ROWS) >= LEAST
    assert len({(row["area"], row["id"]) for row in ROWS}) == len(ROWS), "two rows have one name"
    said = re.search(r"(\d[\d,]*) inputs", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert said, "README.md does not say how many inputs are tried"
    assert int(said[1].replace(",", "")) == len(ROWS)


def test_every_row_expects_something() -> None:
    for row in ROWS:
        assert set(row) <= KEYS | {"area"}, row["id"]
        assert any(key in row for key in ("says", "tells", "gives")), f"{row['id']}: any sentence would do"


def test_the_bounds_bite() -> None:
    with pytest.raises(running.TooSlow), running.bounded(seconds=0.2):
        sum(number for number in range(10**9))
    with pytest.raises(running.TooSlow), running.bounded(waiting=0.2):
        time.sleep(5)
    if not running.STATUS.exists():
        pytest.skip("memory is bounded on Linux alone")
    with pytest.raises(MemoryError), running.bounded(ceiling_mb=100):
        bytearray(300 << 20)
    with running.peak_growth() as grown:
        kept = bytearray(50 << 20)
        kept[::4096] = b"x" * len(kept[::4096])
        del kept
    assert 40 < grown[0] < 200
