"""The order book against a list that is searched through, and what holds whatever comes."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.frames.schema import DataError, DataWarning
from cblcast.simulate.orders import (
    IntradayModel,
    movement_from_auctions,
    simulate_orders,
    simulate_quotes,
    starting_middles,
)
from cblcast.value.order_book import BUY, FOK, IOC, SELL, OrderBook, price_of
from cblcast.value.order_stream import order_stream
from cblcast.value.replay import replay, walk

_spec = importlib.util.spec_from_file_location("slow_book", Path(__file__).with_name("slow_book.py"))
slow_book = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(slow_book)


def test_hidden_orders_after_displayed_ones_of_the_same_price():
    """LOBSTER's help: buy 1000 @ 20.01 against 100 + 100 @ 20.00, hidden 500 @ 20.00, 100 @ 20.01."""
    book = OrderBook()
    book.add(1, 3, SELL, 2000, 500, hidden=True)
    book.add(2, 1, SELL, 2000, 100)
    book.add(3, 2, SELL, 2000, 100)
    book.add(4, 4, SELL, 2001, 100)
    assert book.ladder(SELL) == [(2000, 200), (2001, 100)]
    book.add(5, 9, BUY, 2001, 1000)
    assert [(resting, price, volume) for _, resting, _, price, volume in book.trades] == [
        (1, 2000, 100),
        (2, 2000, 100),
        (3, 2000, 500),
        (4, 2001, 100),
    ]
    assert book.ladder(BUY) == [(2001, 200)]
    assert book.best(SELL) is None


def test_an_iceberg_shows_its_peak_and_loses_its_place():
    book = OrderBook()
    book.add(1, 1, SELL, 100, 30, peak=10)
    book.add(2, 2, SELL, 100, 5)
    assert book.ladder(SELL) == [(100, 15)]
    book.add(3, 9, BUY, 100, 22)
    assert [(r, v) for _, r, _, _, v in book.trades] == [(1, 10), (2, 5), (1, 7)]
    assert book.ladder(SELL) == [(100, 3)]
    assert book.resting() == 13


def test_fill_or_kill_and_immediate_or_cancel():
    book = OrderBook()
    book.add(1, 1, SELL, 100, 10)
    book.add(2, 2, BUY, 100, 11, restriction=FOK)
    assert (book.trades, book.killed, book.resting()) == ([], 11, 10)
    book.add(3, 3, BUY, 100, 10, restriction=FOK)
    book.add(4, 4, SELL, 100, 10)
    book.add(5, 5, BUY, 100, 12, restriction=IOC)
    assert [v for *_, v in book.trades] == [10, 10]
    assert (book.killed, book.resting()) == (13, 0)


def test_a_smaller_volume_keeps_its_place_a_new_price_does_not():
    book = OrderBook()
    for number in (1, 2, 3):
        book.add(number, number, SELL, 100, 10)
    book.change(4, 1, 100, 5)
    book.change(5, 2, 99, 10)
    book.change(6, 2, 100, 10)
    book.add(7, 9, BUY, 100, 20)
    assert [(r, v) for _, r, _, _, v in book.trades] == [(1, 5), (3, 10), (2, 5)]


EVENT = st.tuples(
    st.sampled_from(["add", "add", "add", "change", "cancel", "match"]),
    st.integers(1, 12),
    st.sampled_from([BUY, SELL]),
    st.integers(-3, 6),
    st.integers(1, 9),
    st.booleans(),
    st.sampled_from([0, 0, 0, 2]),
    st.sampled_from([0, 0, 0, 0, FOK, IOC]),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(EVENT, max_size=40))
def test_the_book_is_the_slow_book_and_is_never_crossed(events):
    fast, slow = OrderBook(), slow_book.SlowBook()
    for time, (action, number, side, price, volume, hidden, peak, restriction) in enumerate(events):
        before, traded, killed = fast.resting(), len(fast.trades), fast.killed
        peak = 0 if hidden else peak
        for book in (fast, slow):
            if action == "add":
                book.add(time, number, side, price, volume, hidden, peak, restriction)
            elif action == "change":
                book.change(time, number, price, volume)
            elif action == "cancel":
                book.cancel(number)
            else:
                book.match(number, volume)
        assert fast.trades == slow.trades
        assert fast.resting() == slow.resting()
        assert (fast.ladder(BUY), fast.ladder(SELL)) == (slow.ladder(BUY), slow.ladder(SELL))
        bid, ask = fast.best(BUY), fast.best(SELL)
        assert bid is None or ask is None or bid < ask
        eaten = sum(trade[-1] for trade in fast.trades[traded:])
        if action == "add" and number not in {e[1] for e in events[:time]}:  # nothing but the new order moves volume
            assert fast.resting() == before + volume - 2 * eaten - (fast.killed - killed)
    assert fast.killed == slow.killed


def test_price_of_a_volume():
    ladder = [(10, 2), (12, 3)]
    assert price_of(ladder, 2) == 10
    assert price_of(ladder, 4) == 11
    assert np.isnan(price_of(ladder, 6))
    prices, volumes = np.array([[10.0, 12.0, np.nan]] * 4), np.array([[2.0, 3.0, 0.0]] * 4)
    np.testing.assert_allclose(walk(prices, volumes, np.array([0.0, 2.0, 4.0, 6.0])), [10, 10, 11, np.nan])


def orders(**more):
    table = pd.DataFrame(
        {
            "order_id": [1, 2, 3, 4],
            "time": pd.to_datetime(
                ["2015-01-01T08:00Z", "2015-01-01T08:00Z", "2015-01-01T09:00Z", "2015-01-01T09:30Z"]
            ),
            "action": "add",
            "side": ["sell", "sell", "buy", "sell"],
            "start": pd.Timestamp("2015-01-01T12:00Z"),
            "price_per_mwh": [30.0, 30.0, 30.5, 31.0],
            "volume_mw": [1.0, 2.0, 1.5, 4.0],
        }
    )
    return table.assign(**more)


def test_replay_by_hand_and_quotes():
    told = replay(order_stream(orders()), [180, 170, 60])
    assert told.trades["resting"].tolist() == [1, 2]
    assert told.trades["volume_mw"].tolist() == pytest.approx([1.0, 0.5])
    at = told.quotes.droplevel("stop").loc[pd.Timestamp("2015-01-01T12:00Z")]
    assert at.loc[180.0, "ask_per_mwh"] == 30.0  # the buyer of 09:00 has come
    assert at.loc[60.0, "ask_depth_mw"] == pytest.approx(5.5)
    assert np.isnan(at.loc[60.0, "bid_per_mwh"])
    assert walk(told.prices[2:, 1], told.volumes[2:, 1], np.array([2.5]))[0] == pytest.approx((1.5 * 30 + 31) / 2.5)


def test_ties_are_by_time_then_number_never_by_the_order_of_the_rows():
    table = simulate_orders(
        pd.date_range("2015-01-01", periods=4, freq="h", tz="UTC", unit="us"), np.array([30.0, 20, 60, -5])
    )
    table["time"] = table["time"].dt.floor("10min")  # many at the same instant
    one = replay(order_stream(table))
    other = replay(order_stream(table.sample(frac=1, random_state=3)))
    pd.testing.assert_frame_equal(one.trades, other.trades)
    pd.testing.assert_frame_equal(one.quotes, other.quotes)


def test_products_of_every_length_have_books_of_their_own():
    quarter = orders(stop=pd.Timestamp("2015-01-01T12:15Z"), order_id=[5, 6, 7, 8])
    half = orders(stop=pd.Timestamp("2015-01-01T12:30Z"), order_id=[9, 10, 11, 12])
    told = replay(order_stream(pd.concat([orders(), quarter, half])), [60])
    assert len(told.quotes) == 3
    assert told.quotes["ask_depth_mw"].tolist() == pytest.approx([5.5] * 3)


def test_validity_ends_an_order_and_a_later_change_moves_it():
    until = pd.Series(pd.to_datetime(["2015-01-01T08:30Z", None, None, None]))
    told = replay(order_stream(orders(valid_until=until)), [60])
    assert told.trades["resting"].tolist() == [2]
    assert told.counts["expiries"] == 1
    change = (
        orders(valid_until=until)
        .iloc[[0]]
        .assign(action="change", time=pd.Timestamp("2015-01-01T08:10Z"), valid_until=pd.Timestamp("2015-01-01T10:00Z"))
    )
    told = replay(order_stream(pd.concat([orders(valid_until=until), change])), [60])
    assert told.trades["resting"].tolist() == [1, 2]
    with pytest.raises(DataError, match=r"valid until.*before it came"):
        order_stream(orders(valid_until=pd.Timestamp("2015-01-01T07:00Z")))


def test_bad_orders_are_one_sentence():
    with pytest.raises(DataError, match=r"volume -2 MW \(1 such rows\)"):
        order_stream(orders(volume_mw=[1.0, -2.0, 1.0, 1.0]))
    with pytest.raises(DataError, match=r"after the product .* closed \(5 min"):
        order_stream(orders(start=pd.Timestamp("2015-01-01T09:33Z")))
    with pytest.warns(DataWarning, match="1 order events after gate closure"):
        stream = order_stream(orders(start=pd.Timestamp("2015-01-01T09:33Z")), late="leave_out")
    assert (len(stream), stream.counts["late"]) == (3, 1)
    with pytest.raises(DataError, match="no multiple of the tick"):
        order_stream(orders(price_per_mwh=[1.0, 1.0, 1.001, 1.0]))
    with pytest.raises(DataError, match="known are buy, sell"):
        order_stream(orders(side="up"))
    with pytest.raises(DataError, match="lacks the column 'order_id'"):
        order_stream(orders().drop(columns="order_id"))
    with pytest.raises(DataError, match="without a zone"):
        order_stream(orders(time=pd.Timestamp("2015-01-01T09:00")))
    with pytest.raises(DataError, match="stops before it starts"):
        order_stream(orders(stop=pd.Timestamp("2015-01-01T12:00Z")))
    with pytest.raises(DataError, match="0 or more"):
        replay(order_stream(orders()), [-5])
    with pytest.raises(DataError, match="no events"):
        order_stream(orders().iloc[:0])


def test_reported_matches_take_volume_off_without_matching_again():
    table = orders()
    hit = table.iloc[[0, 2]].assign(action="match", volume_mw=1.0, time=pd.Timestamp("2015-01-01T09:00:01Z"))
    told = replay(order_stream(pd.concat([table, hit])), [60], matching=False)
    assert len(told.trades) == 0
    assert told.resting_mw == pytest.approx(8.5 - 2.0)


def test_simulated_prices_vary_more_towards_delivery():
    rng = np.random.default_rng(0)
    known = 38.5 + 13 * rng.normal(size=4000)
    sell, buy = simulate_quotes(
        starting_middles(known, IntradayModel()), np.array([180.0, 120, 60, 30]), IntradayModel(), rng
    )
    assert (np.diff(sell.std(axis=0)) > 0).all()
    assert (np.diff(buy.std(axis=0)) > 0).all()
    assert (np.diff((buy - sell).mean(axis=0)) > 0).all()
    assert (buy >= sell).all()
    with pytest.raises(DataError, match="descend"):
        simulate_quotes(known, np.array([30.0, 180.0]), IntradayModel(), rng)
    with pytest.raises(DataError, match="must rise towards delivery"):
        IntradayModel(sd_far=9.0, sd_near=2.0)


def test_simulated_orders_are_deterministic_and_trade():
    deliveries = pd.date_range("2015-01-01", periods=3, freq="h", tz="UTC", unit="us")
    one, other = (simulate_orders(deliveries, np.array([30.0, 40.0, 50.0]), seed=4) for _ in range(2))
    pd.testing.assert_frame_equal(one, other)
    told = replay(order_stream(one))
    assert told.counts["trades"] > 50
    assert (told.quotes["ask_per_mwh"] > told.quotes["bid_per_mwh"]).all()
    with pytest.raises(DataError, match="known price"):
        simulate_orders(deliveries, np.array([1.0]))


def test_a_movement_is_found_again_from_auctions():
    rng = np.random.default_rng(0)
    model = IntradayModel(sd_far=5.0, sd_near=8.0)
    minutes = rng.choice([1200.0, 600, 300, 180, 90], 40_000)
    changes = rng.normal(size=len(minutes)) * model.middle_sd(np.maximum(minutes, 1.0))
    inside = minutes <= 300  # beyond, the model's variance has reached its floor
    far, near = movement_from_auctions(changes[inside], minutes[inside])
    assert (far, near) == (pytest.approx(5.0, rel=0.03), pytest.approx(8.0, rel=0.04))
    with pytest.raises(DataError, match="different times"):
        movement_from_auctions(changes, np.full(len(changes), 60.0))


@pytest.mark.parametrize(
    ("column", "value", "match"),
    [
        ("peak_mw", -0.5, "has the peak -0.5 MW"),
        ("peak_mw", np.inf, "peak_mw inf"),
        ("price_per_mwh", 1e300, "price_per_mwh 1e.300"),
        ("volume_mw", "much", "must hold numbers"),
        ("hidden", "False", "must be True or False"),
        ("time", pd.NaT, "row 0 .* has no time"),
        ("start", pd.NaT, "row 0 .* has no start"),
        ("restriction", "aon", "no order can stand in a book"),
    ],
)
def test_hostile_orders_do_not_stand_in_a_book(column, value, match):
    event = {
        "order_id": 1,
        "time": pd.Timestamp("2015-01-01T08:00Z"),
        "action": "add",
        "side": "buy",
        "start": pd.Timestamp("2015-01-01T10:00Z"),
        "price_per_mwh": 20.0,
        "volume_mw": 1.0,
        "peak_mw": 0.5,
        "restriction": "none",
        "hidden": False,
    }
    assert len(order_stream(pd.DataFrame([event]))) == 1
    with pytest.raises(DataError, match=match):
        order_stream(pd.DataFrame([{**event, column: value}]))
    with pytest.raises(DataError, match="and is hidden"):
        order_stream(pd.DataFrame([{**event, "hidden": True}]))


def test_a_look_a_ladder_and_a_volume_that_cannot_be():
    stream = order_stream(simulate_orders(pd.DatetimeIndex(["2015-01-01T10:00Z"]), np.array([40.0]), seed=1))
    for looks in ([], [-1], [float("nan")]):
        with pytest.raises(DataError, match="minutes_before of 0 or more"):
            replay(stream, looks)
    with pytest.raises(DataError, match="n_levels is 0"):
        replay(stream, n_levels=0)
    with pytest.raises(DataError, match="negative volume"):
        walk(np.array([[20.0]]), np.array([[1.0]]), np.array([-1.0]))


def test_a_market_that_cannot_be_simulated():
    at, price = pd.DatetimeIndex(["2015-01-01T10:00Z"]), np.array([40.0])
    for deliveries, terms, match in (
        (at.tz_localize(None), {}, "no zone"),
        (at, {"product_min": 7}, "15, 30 or 60 min"),
        (at, {"closes_min": 0}, "later closes_min > 0"),
        (at, {"opens_min": 3}, "later closes_min > 0"),
    ):
        with pytest.raises(DataError, match=match):
            simulate_orders(deliveries, price, **terms)
    with pytest.raises(DataError, match="arrays of one length"):
        simulate_orders(at[:0], price[:0])
    with pytest.raises(DataError, match="above 0"):
        IntradayModel(orders_per_hour=float("nan"))
    with pytest.raises(DataError, match="between -1 and 1"):
        simulate_quotes(price, np.array([180.0, 30.0]), IntradayModel(), np.random.default_rng(0), correlation=2.0)
