"""Numbers in MATSim files that are none, or cannot be: one clear sentence, or counted; never a silent NaN."""

import pytest

from cblcast.errors import DataError
from cblcast.io.matsim.events import read_events
from cblcast.io.matsim.network import read_network
from cblcast.io.matsim.plans import read_facilities, read_plans
from cblcast.io.matsim.routes import read_journeys
from cblcast.io.matsim.sample import equil

NODES = '<node id="a" x="0" y="0"/><node id="b" x="1" y="0"/>'
LINK = '<link id="1" from="a" to="b" length="1000" freespeed="1" capacity="10" permlanes="1"/>'
WORLD = f'<network><nodes>{NODES}</nodes><links effectivecellsize="7.5" capperiod="01:00:00">{LINK}</links></network>'
PLAN = '<plans><person id="p"><plan><act type="h" link="1" x="1" y="2" end_time="07:30:00"/></plan></person></plans>'
FACILITY = '<facility id="1" x="1" y="2"/>'
RIDE = """<events version="1.0">
<event time="1.0" type="actend" person="p" link="1" actType="h"  />
<event time="1.0" type="departure" person="p" link="1" legMode="car"  />
<event time="1.0" type="PersonEntersVehicle" person="p" vehicle="v"  />
<event time="1.0" type="vehicle enters traffic" person="p" link="1" vehicle="v" relativePosition="1.0"  />
<event time="2.0" type="entered link" link="1" vehicle="v"  />
<event time="9.0" type="vehicle leaves traffic" person="p" link="1" vehicle="v" relativePosition="0.5"  />
<event time="9.0" type="PersonLeavesVehicle" person="p" vehicle="v"  />
<event time="9.0" type="travelled" person="p" distance="0.0" mode="car"  />
<event time="9.0" type="arrival" person="p" link="1" legMode="car"  />
<event time="9.0" type="actstart" person="p" link="1" actType="w"  />
<event time="9.5" type="incident" linkId="1" reducedCapacity="5.0" endTime="20.0" fullCapacity="10.0"  />
</events>
"""


def written(tmp_path, text, old="", new=""):
    assert old in text
    path = tmp_path / "file.xml"
    path.write_text(text.replace(old, new, 1) if old else text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("old", "new", "message"), [
    ('x="0"', 'x="abc"', "x of node 'a' is 'abc': it must be a finite number"),
    ('x="0"', 'x="nan"', "x of node 'a' is 'nan'"),
    ('"7.5"', '"wide"', "effectivecellsize is 'wide'"),
    ('"7.5"', '"-3"', "effectivecellsize is -3 m"),
    ('"01:00:00"', '"inf"', "no length of time"),
    (LINK, LINK + LINK, "link '1' stands there twice"),
    (NODES, NODES + '<node id="a" x="5" y="5"/>', "node 'a' stands there twice"),
])  # fmt: skip
def test_a_network_that_cannot_be(tmp_path, old, new, message):
    with pytest.raises(DataError, match=message):
        read_network(written(tmp_path, WORLD, old, new))


@pytest.mark.parametrize(("old", "new", "message"), [
    ('x="1"', 'x="abc"', "x of an activity of person 'p' is 'abc'"),
    ("07:30:00", "-5:00", "'-5:00' is no time"),
    ("07:30:00", "1:2:3:4:5", "'1:2:3:4:5' is no time"),
    ("07:30:00", "inf", "'inf' is no time"),
])  # fmt: skip
def test_a_plan_that_cannot_be(tmp_path, old, new, message):
    assert read_plans(written(tmp_path, PLAN))["end_s"].tolist() == [7.5 * 3600]
    with pytest.raises(DataError, match=message):
        read_plans(written(tmp_path, PLAN, old, new))


def test_facilities_that_cannot_be(tmp_path):
    with pytest.raises(DataError, match="x of facility '1' is 'abc'"):
        read_facilities(written(tmp_path, f"<facilities>{FACILITY}</facilities>", 'x="1"', 'x="abc"'))
    with pytest.raises(DataError, match="facility '1' stands there twice"):
        read_facilities(written(tmp_path, f"<facilities>{FACILITY * 2}</facilities>"))


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize(("old", "new", "metres", "odd"), [
    ('distance="0.0"', 'distance="NaN"', 500, "teleported legs without a distance of 0 m or more, taken as 0 m long"),
    ('distance="0.0"', 'distance="-5"', 500, "teleported legs without a distance of 0 m or more, taken as 0 m long"),
    ('="0.5"', '="nan"', 1000, "relative positions outside 0 … 1, taken as the end of the link"),
    ('="0.5"', '="-3"', 1000, "relative positions outside 0 … 1, taken as the end of the link"),
])  # fmt: skip
def test_distances_that_are_none_are_counted(tmp_path, fast, old, new, metres, odd):
    network = read_network(written(tmp_path, WORLD))
    events = read_events(written(tmp_path, RIDE, old, new), network, fast=fast)
    assert events.trips["distance_m"].tolist() == [metres]
    assert events.report.odd == {odd: 1}


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize(
    ("old", "new"), [('"10.0"', '"0"'), ('"5.0"', '"nan"'), ('"20.0"', '"nan"'), ('"20.0"', '"3"')]
)
def test_an_incident_that_cannot_be(tmp_path, fast, old, new):
    network = read_network(written(tmp_path, WORLD))
    with pytest.raises(DataError, match="an incident on link '1' leaves"):
        read_journeys(written(tmp_path, RIDE, old, new), network, fast=fast)


def test_the_bundled_files_are_as_clean_as_before():
    path, roads = equil()
    assert read_events(path, read_network(roads)).report.odd == {}
