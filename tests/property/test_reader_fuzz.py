"""Files that were cut, doubled, shuffled and scribbled on: read, or refused in one sentence; never a traceback, never a swell."""

from __future__ import annotations

import gzip
import random
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cblcast.frames.panel import Panel
from cblcast.frames.schema import DataError, DataWarning, StudyError
from cblcast.io.formats import read_dispatch, read_with_report
from cblcast.io.options import ReaderOptions

HOURS = range(120)
PLAIN = "time,load_kw\n" + "".join(f"2024-01-{1 + at // 24:02d} {at % 24:02d}:00,{at % 7 + 1.5}\n" for at in HOURS)
GERMAN = "Zeitstempel;Bezug (kWh);Einspeisung (kWh);Temperatur [°C]\n" + "".join(
    f"{1 + at // 24:02d}.01.2024 {at % 24:02d}:00;{at % 7 + 1},5;0,25;-3,5\n" for at in HOURS
)
NUMBERED = "NMI,Date,Hour,kWh\n" + "".join(
    f"A{site},{1 + at // 24:02d}/01/2024,{at % 24 + 1},{at % 5}\n" for site in (1, 2) for at in HOURS
)
NEM12 = (
    "100,NEM12,2024,A,B\n"
    + "".join(
        f"200,N,E1B1,1,{suffix},N1,M,kWh,30,\n"
        + "".join(
            f"300,2024010{day},{','.join(['0.5'] * 48)},{'V' if day == 2 else 'A'},,,2024010{day}000000,\n"
            + ("400,1,48,A,,\n" if day == 2 else "")
            for day in range(1, 5)
        )
        for suffix in ("E1", "B1")
    )
    + "900\n"
)
ESPI = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom">
<entry><link rel="self" href="u/UsagePoint/1/MeterReading/1"/><link rel="related" href="u/ReadingType/1"/>
<content><MeterReading/></content></entry>
<entry><link rel="self" href="u/ReadingType/1"/><content><ReadingType><accumulationBehaviour>4</accumulationBehaviour>
<flowDirection>1</flowDirection><powerOfTenMultiplier>0</powerOfTenMultiplier><uom>72</uom></ReadingType></content></entry>
<entry><link rel="self" href="u/UsagePoint/1/MeterReading/1/IntervalBlock/1"/><content><IntervalBlock>
{readings}</IntervalBlock></content></entry></feed>
""".replace(
    "{readings}",
    "".join(
        f"<IntervalReading><timePeriod><duration>3600</duration><start>{1704067200 + 3600 * at}</start></timePeriod>"
        f"<value>{500 + at % 9}</value></IntervalReading>\n"
        for at in HOURS
    ),
)
OPENADR = """{"id": "e1", "intervalPeriod": {"start": "2024-06-03T15:00:00Z", "duration": "PT1H"}, "targets": ["A"],
"intervals": [{"id": 0, "payloads": [{"type": "SIMPLE", "values": [1]}]}]}
"""
EVENTS = "site_id,start,stop\na,2024-01-01T10:00+01:00,2024-01-01T12:00+01:00\nb,2024-01-02T10:00+01:00,2024-01-02T12:00+01:00\n"
INSERTS = [
    b"9999999999",
    b"-",
    b"nan",
    b"inf",
    b"\r\n",
    b"1e999",
    b'"',
    b"<",
    b"&amp;",
    b"<!--",
    b"\xe4",
    b"24:00",
    b"T",
    b"+99:99",
    b"\x00",
    b",,,",
    b"{",
    b"2919",
]


def meter(path: Path) -> Panel:
    return read_with_report(path, ReaderOptions(tz="Europe/Rome")).panel


def dispatch(path: Path) -> object:
    return read_dispatch(path, unknown_sites="keep", **({} if path.suffix == ".json" else {"tz": "Europe/Rome"}))


SOURCES: dict[str, tuple[bytes, Callable[[Path], object]]] = {
    "plain.csv": (PLAIN.encode(), meter),
    "german.csv": (GERMAN.encode("cp1252"), meter),
    "numbered.csv": (NUMBERED.encode(), meter),
    "packed.csv.gz": (gzip.compress(PLAIN.encode(), mtime=0), meter),
    "meter.nem12": (NEM12.encode(), meter),
    "meter.xml": (ESPI.encode(), meter),
    "events.json": (OPENADR.encode(), dispatch),
    "events.csv": (EVENTS.encode(), dispatch),
}


def harmed(content: bytes, seed: int) -> bytes:
    """A few cuts, copies, scribbles and shuffled lines."""
    rng, made = random.Random(seed), bytearray(content)
    for _ in range(rng.randint(1, 4)):
        if len(made) < 3:
            break
        begin = rng.randrange(len(made))
        end = min(len(made), begin + rng.randint(1, 40))
        what = rng.randrange(7)
        if what == 0:
            made[begin] = rng.randrange(256)
        elif what == 1:
            del made[begin:end]
        elif what == 2:
            made[begin:begin] = made[begin:end]
        elif what == 3:
            made[begin:end] = bytes(rng.choice(b',;:-. \n"0123456789eE+\x00\xff') for _ in range(end - begin))
        elif what == 4:
            made = made[:begin]
        elif what == 5:
            made[begin:begin] = rng.choice(INSERTS)
        else:
            lines = bytes(made).split(b"\n")
            rng.shuffle(lines)
            made = bytearray(b"\n".join(lines))
    return bytes(made)


@pytest.mark.parametrize("name", SOURCES)
def test_the_unharmed_file_is_read(tmp_path: Path, name: str) -> None:
    content, read = SOURCES[name]
    (tmp_path / name).write_bytes(content)
    assert len(read(tmp_path / name).data if read is meter else read(tmp_path / name))  # type: ignore[attr-defined, arg-type]


@pytest.mark.parametrize("name", SOURCES)
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9))
@example(seed=503)  # a quote that swallows the rest of numbered.csv
@example(seed=539)  # a time of plain.csv that is a month with an offset
@example(seed=710215856)  # another that is an offset
@example(seed=576753)  # two columns of german.csv without a name
def test_a_harmed_file_is_read_or_refused_in_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, name: str, seed: int
) -> None:
    content, read = SOURCES[name]
    path = tmp_path_factory.getbasetemp() / f"harmed_{name}"
    path.write_bytes(harmed(content, seed))
    found, sentence = None, ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        try:
            found = read(path)
        except (DataError, StudyError) as error:
            sentence = str(error)
    assert "\n" not in sentence
    assert len(sentence) < 1000
    if isinstance(found, Panel):
        assert len(found.data) < 1_000_000
