from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cblcast.frames.schema import DataError, DataWarning
from cblcast.io.green_button import read_green_button

# The shape of NAESB REQ.21 / ESPI "Download My Data": an Atom feed whose entries link to each other.
FEED = """<?xml version="1.0" encoding="UTF-8"?>
{prolog}<feed xmlns="http://www.w3.org/2005/Atom" xmlns:espi="http://naesb.org/espi">
<title>Green Button Usage Feed</title>
{entries}
</feed>
"""
ROOT = "https://utility.example/espi/1_1/resource/RetailCustomer/1/UsagePoint"


def entry(own: str, content: str, related: str = "") -> str:
    link = f'<link rel="related" href="{related}"/>' if related else ""
    return f'<entry><id>urn:uuid:1</id><link rel="self" href="{own}"/>{link}<content>{content}</content></entry>'


def meter(
    point: str, number: int, readings: list[tuple[int, int, int]], uom: int = 72, power: int = 0, flow: int = 1
) -> str:
    kind = f"https://utility.example/espi/1_1/resource/ReadingType/{point}{number}"
    own = f"{ROOT}/{point}/MeterReading/{number}"
    told = "".join(
        f"<espi:IntervalReading><espi:cost>907</espi:cost><espi:ReadingQuality><espi:quality>8</espi:quality></espi:ReadingQuality>"
        f"<espi:timePeriod><espi:duration>{length}</espi:duration><espi:start>{start}</espi:start></espi:timePeriod>"
        f"<espi:value>{value}</espi:value></espi:IntervalReading>"
        for start, length, value in readings
    )
    day = "<espi:interval><espi:duration>86400</espi:duration><espi:start>1</espi:start></espi:interval>"
    block = f"<espi:IntervalBlock>{day}{told}</espi:IntervalBlock>"
    reading_type = (
        f"<espi:ReadingType><espi:flowDirection>{flow}</espi:flowDirection><espi:intervalLength>900</espi:intervalLength>"
        f"<espi:powerOfTenMultiplier>{power}</espi:powerOfTenMultiplier><espi:uom>{uom}</espi:uom></espi:ReadingType>"
    )
    return "\n".join(
        [
            entry(
                f"{ROOT}/{point}",
                "<espi:UsagePoint><espi:ServiceCategory><espi:kind>0</espi:kind></espi:ServiceCategory></espi:UsagePoint>",
            ),
            entry(own, "<espi:MeterReading/>", kind),
            entry(f"{own}/IntervalBlock/1", block),
            entry(kind, reading_type),
        ]
    )


def write(path: Path, *entries: str, prolog: str = "") -> Path:
    path.write_text(FEED.format(prolog=prolog, entries="\n".join(entries)), encoding="utf-8")
    return path


START = 1559347200  # 2019-06-01T00:00Z


def test_the_quality_of_a_reading_is_kept(tmp_path: Path) -> None:
    readings = [(START + 900 * k, 900, 1000) for k in range(8)]
    text = meter("p", 1, readings)
    for quality in (
        "0",
        "17",
        "9",
        "12",
    ):  # valid, validated, interpolated, projected; the rest is 8, by a reference day
        text = text.replace("<espi:quality>8<", f"<espi:quality>{quality}<", 1)
    panel = read_green_button(write(tmp_path / "g.xml", text), tz="Europe/London")
    assert panel.data["estimated_share"].tolist() == [0, 0, 1, 1, 1, 1, 1, 1]
    valid = text.replace("<espi:quality>8<", "<espi:quality>19<").replace("y>9<", "y>0<").replace("y>12<", "y>18<")
    panel = read_green_button(write(tmp_path / "v.xml", valid), tz="Europe/London")
    assert panel.data.columns.tolist() == ["observed_kw"]
    net = read_green_button(tmp_path / "v.xml", tz="Europe/London", channels=True)
    assert net.data["import_kw"].tolist() == net.data["observed_kw"].tolist()
    assert net.data["export_kw"].tolist() == [0] * 8


QUARTERS = [(START + 900 * i, 900, 250 * (i + 1)) for i in range(4)]


def test_energy_per_interval_becomes_mean_kw(tmp_path: Path) -> None:
    panel = read_green_button(write(tmp_path / "g.xml", meter("42", 1, QUARTERS)), tz="America/Los_Angeles")
    assert panel.site_ids.tolist() == ["42"]
    assert panel.data["observed_kw"].tolist() == [1.0, 2.0, 3.0, 4.0]  # 250 Wh in a quarter of an hour is 1 kW
    assert panel.data.index[0][1] == pd.Timestamp("2019-06-01", tz="UTC")
    assert panel.sites["tz"].tolist() == ["America/Los_Angeles"]


def test_powers_of_ten_power_units_and_names(tmp_path: Path) -> None:
    energy = read_green_button(write(tmp_path / "e.xml", meter("1", 1, QUARTERS, power=3)), tz="UTC", site_id="home")
    assert energy.data.loc["home", "observed_kw"].tolist() == [1000.0, 2000.0, 3000.0, 4000.0]
    power = read_green_button(write(tmp_path / "p.xml", meter("1", 1, QUARTERS, uom=38)), tz="UTC")
    assert power.data["observed_kw"].tolist() == [0.25, 0.5, 0.75, 1.0]


def test_delivery_to_the_grid_counts_negative_and_other_quantities_are_left_out(tmp_path: Path) -> None:
    path = write(
        tmp_path / "g.xml",
        meter("1", 1, QUARTERS),
        meter("1", 2, QUARTERS[:2], flow=19),
        meter("1", 3, QUARTERS, uom=42),
    )
    with pytest.warns(DataWarning, match="readings in units '42'"):
        panel = read_green_button(path, tz="UTC")
    np.testing.assert_allclose(panel.data["observed_kw"], [0.0, 0.0, 3.0, 4.0])


def test_two_usage_points_are_two_sites(tmp_path: Path) -> None:
    path = write(tmp_path / "g.xml", meter("b", 1, QUARTERS), meter("a", 1, QUARTERS[::-1]))
    assert read_green_button(path, tz="UTC").site_ids.tolist() == ["a", "b"]
    with pytest.raises(DataError, match="holds 2 usage points"):
        read_green_button(path, tz="UTC", site_id="home")


BOMB = '<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]>\n'


@pytest.mark.parametrize(
    "prolog",
    [
        BOMB,
        '<!DOCTYPE feed SYSTEM "http://example.org/feed.dtd">\n',
        '<!DOCTYPE f [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n',
    ],
)
def test_document_types_and_entities_are_refused(tmp_path: Path, prolog: str) -> None:
    with pytest.raises(DataError, match=r"line 2 of bomb\.xml declares a document type or an entity"):
        read_green_button(write(tmp_path / "bomb.xml", meter("1", 1, QUARTERS), prolog=prolog), tz="UTC")


def test_broken_files_get_one_sentence(tmp_path: Path) -> None:
    whole = write(tmp_path / "g.xml", meter("1", 1, QUARTERS))
    cut = tmp_path / "cut.xml"
    cut.write_bytes(whole.read_bytes()[:-300])
    with pytest.raises(DataError, match=r"cut\.xml is broken or cut short at line \d+"):
        read_green_button(cut, tz="UTC")
    with pytest.raises(DataError, match="holds no interval readings"):
        read_green_button(write(tmp_path / "none.xml"), tz="UTC")
    with pytest.raises(DataError, match=r"needs start and duration"):
        read_green_button(write(tmp_path / "odd.xml", meter("1", 1, [(START, 0, 5)])), tz="UTC")
    again = (QUARTERS[0][0], 900, 999)
    with pytest.raises(DataError, match=r"line \d+ of twice\.xml gives site '1' the time .* a second time"):
        read_green_button(write(tmp_path / "twice.xml", meter("1", 1, [*QUARTERS, again])), tz="UTC")
    with pytest.raises(DataError, match="no Green Button file"):
        read_green_button(tmp_path / "nowhere.xml", tz="UTC")
