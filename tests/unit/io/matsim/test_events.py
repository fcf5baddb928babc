"""Events made by hand, one idea a test; the fast lane and the slow one must agree on all of them."""

import gzip
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest

from cblcast.errors import DataError
from cblcast.io.matsim import event_stream, xml_stream
from cblcast.io.matsim.events import read_events, stream_events
from cblcast.io.matsim.network import Network, read_network
from cblcast.io.matsim.presence import PresenceLedger
from cblcast.io.matsim.routes import read_journeys
from cblcast.io.matsim.sample import equil

HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<events version="1.0">\n'
FOOT = "</events>\n"


def network():
    nodes = pd.DataFrame({"x_m": [0.0, 1.0], "y_m": 0.0}, index=["a", "b"])
    links = pd.DataFrame(
        {
            "from_node": "a", "to_node": "b", "length_m": [1000.0, 500.0, 200.0], "free_speed_ms": 10.0,
            "capacity_per_h": 3600.0, "lanes": 1.0, "modes": "car",
        },
        index=["1", "2", "3"],
    )  # fmt: skip
    return Network(nodes, links)


def event(time, kind, **attributes):
    text = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f'\t<event time="{float(time)}" type="{kind}"{text}  />\n'


def day(person="p", depart=7 * 3600, work=8 * 3600, leave=16 * 3600, home=17 * 3600, types=("home", "work")):
    """Home, by car over links 2 and 3 to work, and on foot back."""
    return [
        event(depart, "actend", person=person, link="1", actType=types[0]),
        event(depart, "departure", person=person, link="1", legMode="car"),
        event(depart, "PersonEntersVehicle", person=person, vehicle=f"v{person}"),
        event(depart, "vehicle enters traffic", person=person, link="1", vehicle=f"v{person}", networkMode="car", relativePosition="1.0"),
        event(depart + 1, "left link", link="1", vehicle=f"v{person}"),
        event(depart + 1, "entered link", link="2", vehicle=f"v{person}"),
        event(depart + 60, "left link", link="2", vehicle=f"v{person}"),
        event(depart + 60, "entered link", link="3", vehicle=f"v{person}"),
        event(work, "vehicle leaves traffic", person=person, link="3", vehicle=f"v{person}", networkMode="car", relativePosition="0.5"),
        event(work, "PersonLeavesVehicle", person=person, vehicle=f"v{person}"),
        event(work, "arrival", person=person, link="3", legMode="car"),
        event(work, "actstart", person=person, link="3", actType=types[1]),
        event(leave, "actend", person=person, link="3", actType=types[1]),
        event(leave, "departure", person=person, link="3", legMode="walk"),
        event(home, "travelled", person=person, distance="1234.5", mode="walk"),
        event(home, "arrival", person=person, link="1", legMode="walk"),
        event(home, "actstart", person=person, link="1", actType=types[0]),
    ]  # fmt: skip


def write(path, events, head=HEAD, foot=FOOT):
    path.write_text(head + "".join(events) + foot, encoding="utf-8")
    return path


def presence(events, policy="wrap", **options):
    return PresenceLedger(policy).frames(events.trips, events.activities).presence(events.persons, **options)


def assert_same(one, other):
    for name in ("trips", "activities", "persons"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))
    assert one.report.stream.counts == other.report.stream.counts
    assert one.report.odd == other.report.odd


def test_trips_have_distance_time_and_mode(tmp_path):
    events = read_events(write(tmp_path / "e.xml", day()), network())
    # Links entered count; of the last one only the half up to where the vehicle stops. The walk tells its own distance.
    assert events.trips["distance_m"].tolist() == [500 + 0.5 * 200, 1234.5]
    assert events.trips["mode"].tolist() == ["car", "walk"]
    assert (events.trips["arrival_s"] - events.trips["departure_s"]).tolist() == [3600, 3600]
    assert events.report.odd == {}
    assert events.report.stream.fast
    assert_same(events, read_events(tmp_path / "e.xml", network(), fast=False))


def test_a_ride_and_its_walks_are_one_trip_of_the_longest_mode(tmp_path):
    ride = [
        event(0, "TransitDriverStarts", driverId="pt_driver", vehicleId="bus", transitLineId="l"),
        event(0, "departure", person="pt_driver", link="1", legMode="car"),
        event(0, "PersonEntersVehicle", person="pt_driver", vehicle="bus"),
        event(10, "actend", person="p", link="1", actType="home"),
        event(10, "departure", person="p", link="1", legMode="walk"),
        event(20, "travelled", person="p", distance="100", mode="walk"),
        event(20, "arrival", person="p", link="1", legMode="walk"),
        event(20, "actstart", person="p", link="1", actType="pt interaction"),
        event(20, "actend", person="p", link="1", actType="pt interaction"),
        event(20, "departure", person="p", link="1", legMode="pt"),
        event(30, "PersonEntersVehicle", person="p", vehicle="bus"),
        event(31, "entered link", link="2", vehicle="bus"),
        event(81, "entered link", link="1", vehicle="bus"),
        event(90, "PersonLeavesVehicle", person="p", vehicle="bus"),
        event(90, "arrival", person="p", link="1", legMode="pt"),
        event(90, "actstart", person="p", link="1", actType="work_8h"),
    ]
    events = read_events(write(tmp_path / "e.xml", ride), network())
    assert events.trips[["mode", "distance_m", "departure_s", "arrival_s"]].to_numpy().tolist() == [
        ["pt", 1600.0, 10.0, 90.0]
    ]
    assert events.report.drivers == 1
    assert events.persons["person"].tolist() == ["p"]


@pytest.mark.parametrize("suffix", [".xml", ".xml.gz"])
def test_packed_or_not_it_reads_the_same(tmp_path, suffix):
    plain = read_events(write(tmp_path / "e.xml", day()), network())
    path = tmp_path / f"f{suffix}"
    text = (tmp_path / "e.xml").read_bytes()
    path.write_bytes(gzip.compress(text) if suffix.endswith(".gz") else text)
    assert_same(plain, read_events(path, network()))


def test_zstandard_needs_the_extra_and_says_so(tmp_path, monkeypatch):
    zstandard = pytest.importorskip("zstandard", reason="events packed as .xml.zst need pip install cblcast[matsim]")
    path = tmp_path / "e.xml.zst"
    path.write_bytes(zstandard.ZstdCompressor().compress((HEAD + "".join(day()) + FOOT).encode()))
    assert len(read_events(path, network()).trips) == 2
    import sys

    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(DataError, match=r"cblcast\[matsim\]"):
        read_events(path, network())


def test_pieces_may_end_anywhere(tmp_path, monkeypatch):
    events = [line for n in range(40) for line in day(f"p{n}", 7 * 3600 + n, 8 * 3600 + n)]
    whole = read_events(write(tmp_path / "e.xml", events), network())
    for size in (7, 100, 1001):
        monkeypatch.setattr(xml_stream.pieces, "__defaults__", (size,))
        assert_same(whole, read_events(tmp_path / "e.xml", network()))


UNUSUAL = {
    "attributes in another order": lambda text: text.replace(' type="actend" person="p" link="1"', ' person="p" type="actend" link="1"'),
    "a comment": lambda text: text.replace(HEAD, HEAD + "<!-- a run -->\n"),
    "an element that is closed by itself": lambda text: text.replace("  />", "></event>"),
    "single quotes": lambda text: text.replace('link="2"', "link='2'"),
    "an escaped character": lambda text: text.replace('person="p"', 'person="p&amp;q"'),
    "a document type": lambda text: text.replace(HEAD, '<?xml version="1.0"?>\n<!DOCTYPE events SYSTEM "http://x/events.dtd">\n<events>\n'),
    "more blanks": lambda text: text.replace('" person="p', '"   person="p'),
}  # fmt: skip


@pytest.mark.parametrize("change", UNUSUAL)
def test_xml_that_matsim_does_not_write_is_read_the_slow_way(tmp_path, change):
    text = UNUSUAL[change](HEAD + "".join(day()) + FOOT)
    (tmp_path / "e.xml").write_text(text)
    events = read_events(tmp_path / "e.xml", network())
    assert not events.report.stream.fast
    plain = read_events(write(tmp_path / "f.xml", day()), network())
    pd.testing.assert_frame_equal(events.trips.drop(columns="person"), plain.trips.drop(columns="person"))


def test_a_greater_than_sign_within_a_value_misleads_nobody(tmp_path):
    text = (HEAD + "".join(day()) + FOOT).replace('actType="work"', 'actType="work" note="a &gt; b > c"')
    (tmp_path / "e.xml").write_text(text)
    assert len(read_events(tmp_path / "e.xml", network()).trips) == 2


def test_the_bundled_example_closes_its_balance():
    # A public run of the same scenario: 201 departures, 700 links entered, 64.17 h at work, 599.95 h at home before the
    # first event, 100 at work at once on one link; its road takes 93.77 h and its evenings 1642.11 h, ours 0.08 h less and more.
    path, roads = equil()
    events = read_events(path, read_network(roads))
    found = presence(events)
    assert events.report.stream.counts["departure"] == 201
    assert events.report.stream.counts["entered link"] == 700
    assert found.balance.loc["work", "total_h"] == pytest.approx(64.17, abs=0.005)
    assert found.balance.loc["home", "before_h"] == pytest.approx(599.95, abs=0.005)
    assert found.balance["total_h"].sum() == pytest.approx(2400)
    assert found.workplaces().to_dict() == {"20": 100}
    assert events.trips["distance_m"].max() == 65_000  # links 13, 14, 15 and 1 of the network
    assert_same(events, read_events(path, read_network(roads), fast=False))


def test_journeys_know_their_routes():
    path, roads = equil()
    net = read_network(roads)
    journeys = read_journeys(path, net)
    assert len(journeys.table) == 201
    first = journeys.table.index[journeys.table["person"] == "3"][0]
    assert net.links.index[journeys.links[journeys.first[first] : journeys.first[first + 1]]].tolist() == [
        "1",
        "6",
        "15",
        "20",
    ]
    again = read_journeys(path, net, fast=False)
    pd.testing.assert_frame_equal(journeys.table, again.table)
    np.testing.assert_array_equal(journeys.links, again.links)


def test_sinks_get_batches_and_no_more_is_kept(tmp_path):
    events = [line for n in range(30) for line in day(f"p{n}")]
    write(tmp_path / "e.xml", events)
    sizes = []

    class Sink:
        def forget(self):
            sizes.clear()

        def trips(self, batch):
            sizes.append(len(batch))

        def activities(self, batch):
            pass

    stream_events(tmp_path / "e.xml", network(), [Sink()], batch=10)
    assert max(sizes) == 10
    assert sum(sizes) == 60


def broken(tmp_path, name):
    """Files with which nothing can be done, and what the error must say."""
    text = (HEAD + "".join(day()) + FOOT).encode()
    path = tmp_path / "e.xml.gz"
    if name == "truncated":
        path.write_bytes(gzip.compress(text * 50)[:-200])
        return path, "truncated.*gzip"
    if name == "no gzip":
        path.write_bytes(b"hello")
        return path, "cannot be unpacked"
    path = tmp_path / "e.xml"
    changed = {
        "cut off": (text[: len(text) // 2 - 3], "well-formed"),
        "entity": (text.replace(b"<events", b'<!DOCTYPE events [<!ENTITY lol "lol">]>\n<events'), "entity 'lol'"),
        "no events": ((HEAD + FOOT).encode(), "no MATSim events"),
        "no persons": ((HEAD + event(1, "entered link", link="1", vehicle="v") + FOOT).encode(), "none of persons"),
        "a time that is none": (text.replace(b'time="25200.0"', b'time="soon"', 1), "'actend' at soon"),
        "a negative time": (text.replace(b'time="25200.0"', b'time="-5.0"', 1), "0 or later"),
        "no link": (text.replace(b' link="2" vehicle', b" vehicle"), "has no 'link'"),
        "another network": (text.replace(b'link="2"', b'link="98"').replace(b'link="3"', b'link="99"'), None),
    }[name]  # fmt: skip
    path.write_bytes(changed[0])
    return path, changed[1]


@pytest.mark.parametrize(
    "name",
    [
        "truncated",
        "no gzip",
        "cut off",
        "entity",
        "no events",
        "no persons",
        "a time that is none",
        "a negative time",
        "no link",
    ],
)
def test_a_file_of_no_use_is_one_sentence(tmp_path, name):
    path, says = broken(tmp_path, name)
    with pytest.raises(DataError, match=says) as caught:
        read_events(path, network())
    assert "\n" not in str(caught.value)


def test_links_missing_from_the_network(tmp_path):
    events = [line.replace('link="2"', 'link="unknown"') for line in day()]
    read = read_events(write(tmp_path / "e.xml", events), network())
    assert read.report.odd == {"links entered that the network lacks, taken as 0 m long": 1}
    assert read.trips["distance_m"].tolist()[0] == 100
    assert read_journeys(tmp_path / "e.xml", network()).unknown_links == 1
    path, _ = broken(tmp_path, "another network")
    small = Network(network().nodes, network().links.iloc[:1])
    with pytest.raises(DataError, match="network of the same run"):
        read_events(path, small)


def test_a_missing_file_and_a_strange_suffix(tmp_path):
    with pytest.raises(DataError, match="there is no MATSim file"):
        read_events(tmp_path / "e.xml", network())
    (tmp_path / "e.csv").write_text("x")
    with pytest.raises(DataError, match=r"\.xml\.gz"):
        read_events(tmp_path / "e.csv", network())


def test_a_missing_closing_tag_is_told(tmp_path):
    read = read_events(write(tmp_path / "e.xml", day(), foot=""), network())
    assert read.report.odd == {"closing tags missing, the file may be cut off": 1}
    assert len(read.trips) == 2
    assert read_events(tmp_path / "e.xml", network(), fast=False).report.odd == read.report.odd


def test_every_event_type_is_counted_also_those_nobody_asks_for(tmp_path):
    events = [*day(), event(9e4, "incident", linkId="1", reducedCapacity="2", endTime="95000", fullCapacity="4")]
    read = read_events(write(tmp_path / "e.xml", events), network())
    assert read.report.stream.counts["incident"] == 1
    assert read_journeys(tmp_path / "e.xml", network()).incidents.to_numpy().tolist() == [
        ["1", 90_000.0, 95_000.0, 0.5]
    ]


def test_the_fast_lane_is_taken_for_what_matsim_writes():
    class Odometer:
        def start(self):
            self.wanted, self.sums, self.values = {}, defaultdict(float), defaultdict(lambda: 1.0)

    fast = event_stream.stream(equil()[0], Odometer())
    assert fast.fast
    assert fast.counts == event_stream.stream(equil()[0], Odometer(), fast=False).counts


def odd_of(tmp_path, events, policy="wrap"):
    """What is told of a file; the person-hours add up whatever it is, and both lanes tell the same."""
    read = read_events(write(tmp_path / "e.xml", events), network())
    found = presence(read, policy)
    assert found.balance["total_h"].sum() == pytest.approx(24 * found.persons)
    assert read_events(tmp_path / "e.xml", network(), fast=False).report.odd == read.report.odd
    return {**read.report.odd, **found.odd}


def test_activities_that_never_end_and_events_beyond_24_h_are_ordinary(tmp_path):
    late = day(work=23 * 3600, leave=26 * 3600, home=27 * 3600)
    assert odd_of(tmp_path, late) == {}
    assert list(odd_of(tmp_path, late, "clip").values()) == [2]
    assert odd_of(tmp_path, day()[:-5]) == {}  # the last one is work, without end


def test_a_person_on_the_road_at_the_end_and_one_who_is_stuck(tmp_path):
    driving = [*day()[:10]]
    assert odd_of(tmp_path, driving) == {"persons still on the road when the file ends": 1}
    stuck = [*driving, event(20 * 3600, "stuckAndAbort", person="p", link="3", legMode="car")]
    assert odd_of(tmp_path, stuck) == {"persons stuck on the road": 1}


def test_two_activities_at_once(tmp_path):
    events = day()
    events.insert(12, event(10 * 3600, "actstart", person="p", link="3", actType="lunch"))
    told = odd_of(tmp_path, events)
    assert told["activities that begin while another has not ended"] == 1
    assert told["activities that end under another type than they began with"] == 1


def test_an_activity_that_ends_without_having_begun(tmp_path):
    events = day()
    del events[11]
    told = odd_of(tmp_path, events)
    assert told["activities that end without having begun"] == 1


def test_events_out_of_order_are_counted(tmp_path):
    events = day("p") + day("q", depart=6 * 3600)
    told = odd_of(tmp_path, events)
    assert told == {"events earlier than the one before": 1}
    swapped = day()
    swapped[11], swapped[12] = swapped[12], swapped[11]
    assert odd_of(tmp_path, swapped)["events earlier than the one before"] == 1


def test_a_person_whose_beginning_is_not_in_the_file(tmp_path):
    told = odd_of(tmp_path, day()[1:])
    assert told["persons whose first event ends no activity"] == 1


def test_unknown_types_are_told_from_the_file(tmp_path):
    told = odd_of(tmp_path, [*day(types=("dom", "buro")), *day("q", types=("dom", "buro"))])
    assert [what.split(": ")[1] for what in told if "taken for" in what] == ["dom", "buro"]


def test_persons_who_leave_a_vehicle_that_they_did_not_enter(tmp_path):
    events = [
        line.replace('"PersonLeavesVehicle" person="p" vehicle="vp"', '"PersonLeavesVehicle" person="p" vehicle="x"')
        for line in day()
    ]
    assert odd_of(tmp_path, events) == {"persons who leave a vehicle that they did not enter": 1}


def test_persons_without_any_event_are_found_in_the_plans(tmp_path):
    from cblcast.io.matsim.plans import read_plans, stay_at_home

    plan = """<?xml version="1.0"?>
<!DOCTYPE population SYSTEM "http://www.matsim.org/files/dtd/population_v6.dtd">
<population>
 <person id="p"><plan selected="no"><activity type="gym" link="9"/></plan>
  <plan selected="yes"><activity type="home" link="1" end_time="07:00:00"/><leg mode="car"/>
  <activity type="work" link="3" max_dur="08:00"/><leg mode="walk"/><activity type="home" link="1"/></plan></person>
 <person id="quiet"><plan selected="yes"><activity type="home" link="2"/></plan></person>
</population>"""
    (tmp_path / "plans.xml").write_text(plan)
    plans = read_plans(tmp_path / "plans.xml")
    assert plans["activity"].tolist() == ["home", "work", "home", "home"]
    assert plans["mode"].tolist() == ["", "car", "walk", ""]
    assert plans[["end_s", "duration_s"]].fillna(-1).to_numpy().tolist() == [
        [25_200, -1],
        [-1, 28_800],
        [-1, -1],
        [-1, -1],
    ]
    read = read_events(write(tmp_path / "e.xml", day()), network())
    everybody = pd.concat([read.persons, stay_at_home(read.persons, plans)], ignore_index=True)
    found = PresenceLedger().frames(read.trips, read.activities).presence(everybody)
    assert found.balance["total_h"].sum() == pytest.approx(48)
    assert found.of("home").loc["2"].eq(1).all()
    (tmp_path / "plans.xml").write_text(plan.replace("07:00:00", "early"))
    with pytest.raises(DataError, match="no time"):
        read_plans(tmp_path / "plans.xml")
    (tmp_path / "plans.xml").write_text("<population/>")
    with pytest.raises(DataError, match="no plans"):
        read_plans(tmp_path / "plans.xml")


def test_facilities(tmp_path):
    from cblcast.io.matsim.plans import read_facilities

    text = '<facilities><facility id="f" linkId="1" x="2" y="3"><activity type="work"/><activity type="home"/></facility></facilities>'
    (tmp_path / "f.xml").write_text(text)
    assert read_facilities(tmp_path / "f.xml").loc["f"].tolist() == ["1", 2.0, 3.0, "work,home"]
    (tmp_path / "f.xml").write_text("<facilities/>")
    with pytest.raises(DataError, match="no facilities"):
        read_facilities(tmp_path / "f.xml")


NETWORK = """<?xml version="1.0"?><!DOCTYPE network SYSTEM "http://www.matsim.org/files/dtd/network_v2.dtd">
<network><nodes><node id="a" x="0" y="0"/><node id="b" x="3" y="4"/></nodes>
<links capperiod="00:30:00" effectivecellsize="7.0">
<link id="1" from="a" to="b" length="5" freespeed="10" capacity="900" permlanes="2" modes="car"/>
</links></network>"""


def test_a_network_is_read_with_its_period(tmp_path):
    (tmp_path / "n.xml").write_text(NETWORK)
    read = read_network(tmp_path / "n.xml")
    assert read.links.loc["1", ["length_m", "free_speed_ms", "capacity_per_h", "lanes"]].tolist() == [5, 10, 1800, 2]
    assert read.cell_m == 7.0
    assert read.centres().loc["1"].tolist() == [1.5, 2.0]


@pytest.mark.parametrize(("old", "new", "says"), [
    ('capacity="900"', "", "has no 'capacity'"),
    ('length="5"', 'length="0"', "above 0"),
    ('freespeed="10"', 'freespeed="fast"', "above 0"),
    ('to="b"', 'to="c"', "node 'c'"),
    ("00:30:00", "half an hour", "no length of time"),
    ('<link id="1" from="a" to="b" length="5" freespeed="10" capacity="900" permlanes="2" modes="car"/>', "", "no links"),
])  # fmt: skip
def test_a_network_of_no_use_is_one_sentence(tmp_path, old, new, says):
    (tmp_path / "n.xml").write_text(NETWORK.replace(old, new))
    with pytest.raises(DataError, match=says):
        read_network(tmp_path / "n.xml")
