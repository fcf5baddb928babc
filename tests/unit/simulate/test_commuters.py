"""Plans, cases, energy and the world of commuters."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.errors import DataError, StudyError
from cblcast.io.matsim.events import read_events
from cblcast.io.matsim.network import read_network
from cblcast.io.matsim.presence import PresenceLedger
from cblcast.io.matsim.routes import read_journeys
from cblcast.io.matsim.sample import equil
from cblcast.physics.occupancy import BuildingPower, OfficeHours
from cblcast.physics.occupied_day import occupied_day
from cblcast.simulate.commuter_energy import commuter_energy, persons_at_work, transport_kwh, workplaces_of
from cblcast.simulate.commuter_traffic import RoadTraffic, Scoring, drive, kept_journeys, reschedule
from cblcast.simulate.commuting import CommutingWorld, simulate_commuting
from cblcast.simulate.day_plans import DayPlans, day_plans, telework, within_opening_times
from cblcast.simulate.drawn_plans import drawn_plans

HOURS = OfficeHours.from_core(10, 14)


@pytest.fixture(scope="module")
def plans():
    return drawn_plans(HOURS, 120, 100, offices=2, home_links=3)


@pytest.fixture(scope="module")
def agents():
    """The bundled example: plans, roads and journeys."""
    path, roads = equil()
    network = read_network(roads)
    events = read_events(path, network)
    presence = PresenceLedger().frames(events.trips, events.activities).presence(events.persons)
    plans = day_plans(events.trips, events.activities, events.persons, presence.purpose)
    journeys = read_journeys(path, network)
    road = RoadTraffic(network.links, journeys.table, journeys.links, journeys.first, np.ones(len(journeys.table)))
    return plans, road, presence


def hours_of(plans):
    spells = plans.spells()
    return ((spells["end_s"] - spells["begin_s"]) / 3600).groupby(spells["purpose"]).sum()


def test_plans_hold_what_the_events_hold(agents):
    plans, _, presence = agents
    assert plans.left_out == 0
    for purpose, hours in hours_of(plans).items():
        assert hours == pytest.approx(presence.balance.loc[purpose, "total_h"])
    assert workplaces_of(plans).to_dict() == presence.workplaces().to_dict()


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 1), st.integers(0, 5), st.lists(st.floats(0, 24), min_size=3, max_size=3).map(sorted))
def test_whatever_the_case_everybody_is_somewhere_24_h(share, seed, hours):
    plans = drawn_plans(HOURS, 30, 25, seed=seed)
    changed = within_opening_times(telework(plans, share, seed), hours[0], hours[2], hours[1])
    assert hours_of(changed).sum() == pytest.approx(24 * 30)
    work = changed.spells().query("purpose == 'work'")
    if len(work) and hours[2] - hours[0] > 2:
        # Who would have to leave home before midnight comes when the trip lets him.
        assert work["begin_s"].min() >= min(hours[0], 0.5) * 3600 - 1e-6
        assert work["end_s"].max() <= max(hours[2], 0.5) * 3600 + 1e-6


def test_telework_takes_whole_days_and_leaves_people_at_home(plans):
    fewer = telework(plans, 0.3, seed=4)
    assert fewer.people["commutes"].sum() == 70
    assert hours_of(fewer)["work"] == pytest.approx(0.7 * hours_of(plans)["work"], rel=0.05)
    assert telework(plans, 0.0).steps.equals(plans.steps)
    assert len(telework(plans, 1.0).steps) == 0
    assert hours_of(telework(plans, 1.0)).to_dict() == {"home": 24 * 120}


def test_opening_times_shift_before_they_shorten():
    steps = pd.DataFrame(
        {
            "person": [0, 0], "order": [0, 1], "mode": "car", "departure_s": [5.5 * 3600, 19 * 3600.0], "travel_s": 1800.0,
            "distance_m": 1.0, "purpose": ["work", "home"], "link": ["w", "h"],
        }
    )  # fmt: skip
    people = pd.DataFrame({"person": ["p"], "purpose": ["home"], "link": ["h"], "commutes": [True]})
    long_day = DayPlans(steps, people)  # at work from 6 to 19 h
    short = within_opening_times(long_day, 8, 17, 12).spells().query("purpose == 'work'")
    assert short[["begin_s", "end_s"]].to_numpy().tolist() == [[8 * 3600, 17 * 3600]]
    late = steps.assign(departure_s=[13.5 * 3600, 19 * 3600.0])  # 14 to 19 h: five hours that must begin by 12
    moved = within_opening_times(DayPlans(late, people), 8, 17, 12).spells().query("purpose == 'work'")
    assert moved[["begin_s", "end_s"]].to_numpy().tolist() == [[12 * 3600, 17 * 3600]]


def test_counted_people_give_the_analytic_energy():
    many = drawn_plans(HOURS, 2000, 2000)
    energy = commuter_energy(many, workplaces_of(many), counted="mean")
    # 30 min each way on the road, when nobody is at home.
    exact = occupied_day(HOURS, 2000, 2000, on_the_road_h=1.0)
    assert energy.office_kwh == pytest.approx(exact.office_kwh, rel=0.002)
    assert energy.home_kwh == pytest.approx(exact.home_kwh, rel=1e-6)
    assert energy.transport_kwh == pytest.approx(exact.transport_kwh, rel=0.03)  # modes are drawn
    assert persons_at_work(many).max() == pytest.approx(2000)


def test_only_those_who_commute_today_use_transport(plans):
    assert transport_kwh(telework(plans, 1.0)) == 0
    assert transport_kwh(plans) > 0
    with pytest.raises(DataError, match="no workplaces"):
        commuter_energy(plans, workplaces_of(plans).iloc[:1])
    with pytest.raises(StudyError, match="'peak' or 'mean'"):
        commuter_energy(plans, workplaces_of(plans), counted="most")


def test_driving_the_unchanged_plans_gives_the_run_back(agents):
    plans, road, _ = agents
    driven = drive(plans, road.journey_of_step(plans), road)
    np.testing.assert_allclose(driven.plans.steps["travel_s"], plans.steps["travel_s"])
    assert driven.unfinished == 0
    assert driven.car_commuters() == pytest.approx((44.776, 27.968), abs=0.001)


def test_fewer_drivers_are_no_slower(agents):
    plans, road, _ = agents
    journey = road.journey_of_step(plans)
    fewer = telework(plans, 0.5, seed=1)
    home = drive(fewer, kept_journeys(plans, journey, fewer), road)
    assert len(home.plans.steps) < len(plans.steps)
    assert home.car_commuters()[1] < drive(plans, journey, road).car_commuters()[1]


def test_departures_that_are_chosen_by_score_score_better(agents):
    plans, road, _ = agents
    journey = road.journey_of_step(plans)
    _, scores = reschedule(plans, journey, road, Scoring(7, 19, 13), rounds=4, share=0.3, seed=3)
    again = reschedule(plans, journey, road, Scoring(7, 19, 13), rounds=4, share=0.3, seed=3)[1]
    assert scores[-1] > scores[0]
    assert scores == again


def test_being_late_and_travelling_cost():
    early = drawn_plans(OfficeHours(8, 8, 14.5, 14.5), 1, 1)
    late = drawn_plans(OfficeHours(14, 14, 20.5, 20.5), 1, 1)
    scoring = Scoring(7, 21, 13)
    assert scoring.of(early)[0] - scoring.of(late)[0] == pytest.approx(18.0, abs=0.1)
    assert scoring.of(drawn_plans(OfficeHours(8, 8, 14.5, 14.5), 1, 1, travel_min=60))[0] < scoring.of(early)[0]


@pytest.fixture(scope="module")
def life(plans):
    world = CommutingWorld(
        first_day="2019-03-25", days=14, tz="Europe/Berlin", telework_share=0.5, telework_from="2019-04-03"
    )
    return simulate_commuting(plans, world)


def test_a_world_is_a_panel_that_differs_by_telework_alone(life):
    data, sites = life.panel.data, life.panel.sites
    assert life.panel.step == pd.Timedelta("15min")
    local = data.index.get_level_values("time").tz_convert("Europe/Berlin")
    before = local < pd.Timestamp("2019-04-03", tz="Europe/Berlin")
    np.testing.assert_array_equal(data["observed_kw"][before], data["without_telework_kw"][before])
    office = data.index.get_level_values("site_id").str.startswith("office")
    noon = (local.hour == 12) & (local.day_of_week < 5) & ~before
    assert (data["observed_kw"] <= data["without_telework_kw"] + 1e-9)[office & noon].all()
    assert (data["observed_kw"] >= data["without_telework_kw"] - 1e-9)[~office & noon].all()
    assert data["occupants"][office & (local.day_of_week >= 5)].max() == 0
    assert sites["segment"].value_counts().to_dict() == {"home": 3, "office": 2}
    # The clocks went forward on 31 March: that day has 92 quarters.
    assert (local.date == pd.Timestamp("2019-03-31").date()).sum() == 92 * 5


def test_every_person_is_at_one_place_in_the_world(plans):
    still = CommutingWorld(days=5, jitter_min=0.0, noise=0.0, attendance=1.0, attendance_spread=0.0)
    data = simulate_commuting(plans, still).panel.data
    on_the_road_h = 100 * 1.0 * 5
    assert data["occupants"].sum() * 0.25 == pytest.approx(120 * 24 * 5 - on_the_road_h)
    np.testing.assert_array_equal(data["occupants"], data["occupants_planned"])
    np.testing.assert_array_equal(data["observed_kw"], data["truth_kw"])


def test_one_seed_is_one_world(plans):
    worlds = [simulate_commuting(plans, CommutingWorld(days=3, seed=seed)).panel.data for seed in (1, 1, 2)]
    pd.testing.assert_frame_equal(worlds[0], worlds[1])
    assert not worlds[0].equals(worlds[2])


def test_small_places_are_left_out_and_counted(plans):
    size = workplaces_of(plans).sort_values()
    left = simulate_commuting(plans, CommutingWorld(days=1, smallest_office=int(size.iloc[1]), smallest_home=1000))
    assert left.left_out == {
        "workplaces in offices too small": int(size.iloc[0]),
        "residents of links too small": 120,
        "persons whose day never leads home": 0,
    }
    assert left.panel.sites["segment"].tolist() == ["office"]


@pytest.mark.parametrize(("call", "says"), [
    (lambda p: telework(p, 1.5), "between 0 and 1"),
    (lambda p: within_opening_times(p, 9, 8, 9), "follow each other"),
    (lambda p: CommutingWorld(telework_share=0.3), "telework_from"),
    (lambda p: CommutingWorld(attendance=2), "probability"),
    (lambda p: CommutingWorld(days=0), "nothing in it"),
    (lambda p: CommutingWorld(noise=-1), "share between 0 and 1"),
    (lambda p: simulate_commuting(telework(p, 1.0), CommutingWorld()), "nobody works"),
    (lambda p: simulate_commuting(p, CommutingWorld(smallest_office=1000)), "smallest_office"),
    (lambda p: simulate_commuting(p, CommutingWorld(slice_h=0.7)), "do not divide"),
    (lambda p: drawn_plans(HOURS, 10, 11), "not more than there are"),
    (lambda p: drawn_plans(HOURS, 10, 10, offices=0), "at least one office"),
])  # fmt: skip
def test_bad_input_is_one_sentence(plans, call, says):
    with pytest.raises(DataError, match=says):
        call(plans)


def test_types_without_a_purpose_and_days_without_an_end():
    path, roads = equil()
    events = read_events(path, read_network(roads))
    with pytest.raises(DataError, match="'w' has no purpose"):
        day_plans(events.trips, events.activities, events.persons, {"h": "home"})
    open_days = events.persons.assign(last_activity="")
    with pytest.raises(DataError, match="nobody's day"):
        day_plans(events.trips, events.activities, open_days, {"h": "home", "w": "work"})


def test_power_is_a_parameter(plans):
    doubled = BuildingPower(0.298, 0.694, 0.8, 1.868)
    one, two = (
        simulate_commuting(plans, CommutingWorld(days=1, noise=0.0, power=power)).panel.data["observed_kw"]
        for power in (BuildingPower(), doubled)
    )
    np.testing.assert_allclose(two, 2 * one)


def at_work_overnight():
    """One works from 22 to 6 h and begins the day at work, one by day, one stays home, one is never home."""
    steps = pd.DataFrame(
        {
            "person": [0, 0, 1, 1], "order": [0, 1, 0, 1], "mode": "car", "travel_s": 1800.0, "distance_m": 1e4,
            "departure_s": [6 * 3600.0, 21.5 * 3600, 7 * 3600.0, 16 * 3600], "purpose": ["home", "work", "work", "home"],
            "link": ["h", "o", "o", "h"],
        }
    )  # fmt: skip
    people = pd.DataFrame(
        {
            "person": list("abcd"),
            "purpose": ["work", "home", "home", "elsewhere"],
            "link": ["o", "h", "h", "x"],
            "commutes": [True, True, False, False],
        }
    )
    return DayPlans(steps, people)


def test_who_begins_the_day_at_work_does_not_live_there():
    plans = at_work_overnight()
    assert plans.homes().tolist() == ["h", "h", "h", ""]
    assert commuter_energy(plans, workplaces_of(plans)).home["size"].to_dict() == {"h": 3}
    result = simulate_commuting(plans, CommutingWorld(days=7, attendance=1.0, attendance_spread=0.0))
    assert result.panel.sites["size"].to_dict() == {"home_h": 3, "office_o": 1}
    assert result.left_out["persons whose day never leads home"] == 1
    sunday = result.panel.data.loc["home_h"]["occupants"].iloc[-96:]
    assert (sunday == 3).all()


def test_workplaces_that_are_no_number_are_no_load_of_nothing(plans):
    with pytest.raises(DataError, match="has nan workplaces"):
        commuter_energy(plans, workplaces_of(plans) * float("nan"))
