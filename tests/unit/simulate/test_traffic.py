"""The queue model against hand-made cases, a second-by-second oracle, and MATSim's own run."""

from collections import deque

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.errors import DataError
from cblcast.io.matsim.network import read_network
from cblcast.io.matsim.routes import read_journeys
from cblcast.io.matsim.sample import equil
from cblcast.simulate.traffic import TrafficSettings, simulate_traffic


def links(capacity=3600.0, length=100.0, lanes=1.0, n=4):
    return pd.DataFrame(
        {"length_m": length, "free_speed_ms": 10.0, "capacity_per_h": capacity, "lanes": lanes},
        index=[str(number) for number in range(n)],
    )


def run(roads, departures, routes, **options):
    first = np.r_[0, np.cumsum([len(route) for route in routes])].astype(np.int64)
    route = np.concatenate([np.asarray(route, dtype=np.int64) for route in routes])
    return simulate_traffic(roads, np.asarray(departures, dtype=np.float64), route, first, **options)


def test_it_reproduces_matsims_own_run_to_the_second():
    path, roads = equil()
    journeys = read_journeys(path, read_network(roads))
    result = simulate_traffic(
        read_network(roads).links, journeys.table["departure_s"].to_numpy(), journeys.links, journeys.first
    )
    np.testing.assert_array_equal(result.arrival_s, journeys.table["arrival_s"])


def test_a_free_road_takes_the_free_travel_time():
    # Out of the first link in one second, then 10 s on each link and one second over each node; the last ends at its end.
    assert run(links(), [100], [[0, 1, 2]]).arrival_s.tolist() == [100 + 1 + 10 + 1 + 10]
    assert run(links(), [100], [[0]]).arrival_s.tolist() == [100]


# Capacities are powers of two per second, so that what accumulates is exact: 450/h is a vehicle each 8 s.
def test_capacity_makes_a_headway():
    arrival = run(links(capacity=450.0), [0] * 5, [[0, 1]] * 5).arrival_s
    assert np.diff(arrival).tolist() == [8, 8, 8, 8]


def test_a_lorry_leaves_a_longer_headway():
    arrival = run(links(capacity=450.0), [0, 0, 0], [[0, 1]] * 3, size=np.array([1.0, 2.5, 1.0])).arrival_s
    assert np.diff(arrival).tolist() == [8, 20]


def test_the_sample_factor_scales_capacity():
    arrival = run(links(), [0] * 3, [[0, 1]] * 3, settings=TrafficSettings(flow_factor=1 / 64)).arrival_s
    assert np.diff(arrival).tolist() == [64, 64]


def test_an_incident_slows_and_ends():
    incident = pd.DataFrame({"link": ["0"], "from_s": [0.0], "until_s": [24.0], "share": [0.5]})
    arrival = run(links(capacity=450.0), [0] * 4, [[0, 1]] * 4, incidents=incident).arrival_s
    # The first 16 s (15, since a full second's flow is there at the start); the next begins to wait within the incident
    # and ends after it: 8 s at half and 4 at the whole; then 8 s as ever.
    assert np.diff(arrival).tolist() == [15, 12, 8]


def test_a_closed_link_lets_nobody_out_until_it_opens():
    closed = pd.DataFrame({"link": ["0"], "from_s": [0.0], "until_s": [100.0], "share": [0.0]})
    usual = run(links(capacity=450.0), [50] * 3, [[0, 1]] * 3).arrival_s
    arrival = run(links(capacity=450.0), [50] * 3, [[0, 1]] * 3, incidents=closed).arrival_s
    assert arrival[0] == usual[0]  # a second's flow was there before it closed
    assert arrival[1] > 100 > usual[1]
    assert arrival[2] - arrival[1] == 8


def test_a_full_link_holds_those_behind_until_the_patience_ends():
    roads = links()
    roads.loc["1", ["length_m", "capacity_per_h"]] = [7.5, 60.0]  # room for one, one a minute
    patient = run(roads, [0, 0, 0], [[0, 1, 2]] * 3, settings=TrafficSettings(stuck_s=1000))
    pushing = run(roads, [0, 0, 0], [[0, 1, 2]] * 3, settings=TrafficSettings(stuck_s=10))
    assert patient.pushed == 0
    assert pushing.pushed > 0
    assert patient.arrival_s[2] >= pushing.arrival_s[2]


def test_who_is_not_back_cannot_leave():
    result = run(links(), [0, 5], [[0, 1, 2], [2, 3]], after=np.array([-1, 0]), pause_s=np.array([0.0, 60.0]))
    assert result.departure_s[1] == result.arrival_s[0] + 60
    assert result.travel_s[1] == 11


def test_who_does_not_arrive_has_no_arrival():
    assert np.isnan(run(links(), [0], [[0, 1]], settings=TrafficSettings(until_s=5)).arrival_s).all()


def second_by_second(roads, departures, routes, room, until=5000):
    """The same rules without a calendar: every link is looked at every second. Slow and obvious; whole vehicles a second."""
    free = (roads["length_m"] / roads["free_speed_ms"]).to_numpy()
    flow = (roads["capacity_per_h"] / 3600).to_numpy()
    n = len(roads)
    queue, buffer, waiting = ([deque() for _ in range(n)] for _ in range(3))
    credit, at, arrival = flow.copy(), [0] * len(routes), np.full(len(routes), np.nan)
    used = np.zeros(n)
    for now in range(until):
        for link in range(n):
            while buffer[link] and used[routes[buffer[link][0]][at[buffer[link][0]] + 1]] < room:
                journey = buffer[link].popleft()
                at[journey] += 1
                onto = routes[journey][at[journey]]
                used[onto] += 1
                queue[onto].append((journey, int(now + free[onto])))
        for journey, departure in enumerate(departures):
            if departure == now:
                waiting[routes[journey][0]].append(journey)
        for link in range(n):
            if now and credit[link] <= 0 and not buffer[link]:
                credit[link] = min(credit[link] + flow[link], flow[link])
            while queue[link] and queue[link][0][1] <= now:
                journey, _ = queue[link][0]
                if at[journey] == len(routes[journey]) - 1:
                    arrival[journey] = now
                elif credit[link] > 0:
                    credit[link] -= 1
                    buffer[link].append(journey)
                else:
                    break
                queue[link].popleft()
                used[link] -= 1
            while waiting[link] and credit[link] > 0:
                credit[link] -= 1
                buffer[link].append(waiting[link].popleft())
    return arrival


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 2), st.integers(2, 4)), min_size=1, max_size=10),
    st.sampled_from([450.0, 900.0, 1800.0]),
)
def test_it_agrees_with_the_slow_oracle(journeys, capacity):
    # Along one road nobody merges, so that the order at nodes, which MATSim draws, does not matter. Powers of two keep
    # the accumulated capacity exact.
    routes = [list(range(start, min(start + length, 5))) for _, start, length in journeys]
    order = np.argsort([departure for departure, _, _ in journeys], kind="stable")
    departures = [journeys[k][0] for k in order]
    routes = [routes[k] for k in order]
    roads = links(capacity=capacity, n=5)
    routes = [route for route in routes if len(route) > 1] or [[0, 1]]
    departures = departures[: len(routes)]
    fast = run(roads, departures, routes, settings=TrafficSettings(stuck_s=10_000)).arrival_s
    slow = second_by_second(roads, departures, routes, room=100 / 7.5)
    np.testing.assert_array_equal(fast, slow)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=12).map(sorted))
def test_first_in_first_out_and_never_faster_than_free(departures):
    result = run(links(capacity=900.0), departures, [[0, 1, 2]] * len(departures))
    assert (np.diff(result.arrival_s) >= 0).all()
    assert (result.travel_s >= 22).all()


@pytest.mark.parametrize(("call", "says"), [
    (lambda: run(links(), [0], [[0, 9]]), "the network lacks"),
    (lambda: run(links(), [np.nan], [[0, 1]]), "no time of day"),
    (lambda: simulate_traffic(links(), np.zeros(2), np.zeros(1, dtype=int), np.array([0, 1])), "at least one link"),
    (lambda: TrafficSettings(flow_factor=0), "above 0"),
    (lambda: TrafficSettings(stuck_s=-1), "0 or more"),
    (lambda: run(links().drop(columns="lanes"), [0], [[0, 1]]), "lanes"),
])  # fmt: skip
def test_bad_input_is_one_sentence(call, says):
    with pytest.raises(DataError, match=says):
        call()
