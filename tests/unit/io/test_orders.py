"""Order files of the continuous market."""

import pandas as pd
import pytest

from cblcast.frames.schema import DataError, DataWarning
from cblcast.io.orders import read_orders
from cblcast.value.order_stream import order_stream
from cblcast.value.replay import replay

HEADER = (
    "Order ID;Initial ID;Parent ID;Side;Delivery Start;Delivery End;Action code;Transaction Time;Validity time;Price;Quantity;"
    "Is User Defined Block;Execution restriction\n"
)
EPEX = """1;1;;SELL;2022-01-02T09:00:00Z;2022-01-02T10:00:00Z;A;2022-01-02T04:00:00.002Z;;42.12;5.0;0;NON
1;1;;SELL;2022-01-02T09:00:00Z;2022-01-02T10:00:00Z;C;2022-01-02T05:00:00.000Z;;41.00;5.0;0;NON
2;2;;SELL;2022-01-02T09:00:00Z;2022-01-02T10:00:00Z;A;2022-01-02T04:10:00.000Z;;43.00;2.0;0;NON
3;2;2;SELL;2022-01-02T09:00:00Z;2022-01-02T10:00:00Z;I;2022-01-02T06:30:00.000Z;;43.00;2.0;0;NON
4;4;;BUY;2022-01-02T09:00:00Z;2022-01-02T10:00:00Z;A;2022-01-02T06:00:00.000Z;2022-01-02T08:00:00.000Z;43.00;7.5;0;NON
5;5;;BUY;2022-01-02T08:00:00Z;2022-01-02T12:00:00Z;A;2022-01-02T06:00:00.000Z;;40.00;1.0;1;AON
6;6;;BUY;2022-01-02T09:00:00Z;2022-01-02T10:00:00Z;A;2022-01-02T07:00:00.000Z;;39.00;1.0;0;NON
6;6;;BUY;2022-01-02T09:00:00Z;2022-01-02T10:00:00Z;D;2022-01-02T07:30:00.000Z;;39.00;1.0;0;NON
6;6;;BUY;2022-01-02T09:00:00Z;2022-01-02T10:00:00Z;D;2022-01-02T07:30:00.000Z;;39.00;1.0;0;NON
6;6;;BUY;2022-01-02T09:00:00Z;2022-01-02T10:00:00Z;X;2022-01-02T07:31:00.000Z;;39.00;1.0;0;NON
"""


def test_an_epex_file_becomes_events(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(HEADER + EPEX)
    with pytest.warns(DataWarning) as told:
        events = read_orders(path)
    assert [str(w.message).split(": ")[1] for w in told] == [
        "1 rows say what another row says, and are left out",
        "1 rows of other action codes than A, C, D, I, and are left out",
    ]
    assert events.attrs["counts"] == {"icebergs": 1, "user_blocks": 1, "said_twice": 1, "other_actions": 1}
    stream = order_stream(events)
    assert (stream.counts["icebergs"], stream.counts["user_blocks"], stream.counts["all_or_none"]) == (1, 1, 1)
    book = replay(stream, [60, 45])
    trades = book.trades[["resting", "incoming", "price_per_mwh", "volume_mw"]].values.tolist()
    assert trades == [[1, 4, 41.0, 5.0], [2, 4, 43.0, 2.0], [4, 3, 43.0, 0.5]]
    assert book.resting_mw == pytest.approx(1.5)


def test_a_prepared_file_whose_rows_live_until_their_validity(tmp_path):
    path = tmp_path / "book.csv"
    path.write_text(
        ",initial,side,start,transaction,validity,price,quantity\n"
        "7,12059394092,SELL,2022-01-02T09:00:00Z,2022-01-02T00:00:00.002Z,2022-01-02T00:05:12.947Z,42.12,5.4\n"
        "8,12059394092,SELL,2022-01-02T09:00:00Z,2022-01-02T00:05:12.947Z,,40.12,5.4\n"
    )
    book = replay(order_stream(read_orders(path)), [539.9, 60])
    assert book.quotes["ask_per_mwh"].tolist() == pytest.approx([42.12, 40.12])
    assert book.counts["expiries"] == 1


def test_bad_order_files():
    good = {
        "initial": [1],
        "side": ["BUY"],
        "start": ["2022-01-02T09:00:00Z"],
        "transaction": ["2022-01-02T00:00:00Z"],
        "price": [1.0],
        "quantity": [1.0],
    }
    assert len(read_orders(pd.DataFrame(good))) == 1
    with pytest.raises(DataError, match="no column for volume_mw"):
        read_orders(pd.DataFrame(good).drop(columns="quantity"))
    with pytest.raises(DataError, match="numbers no orders"):
        read_orders(pd.DataFrame(good).drop(columns="initial"))
    with pytest.raises(DataError, match=r"row 0.*'soon' is no time"):
        read_orders(pd.DataFrame({**good, "start": ["soon"]}))


@pytest.mark.parametrize(
    ("column", "values", "match"),
    [
        ("Transaction Time", ["2022-01-02T07:00:00", "2022-01-02T07:00:00"], "has no zone .2 such rows"),
        ("Execution Restriction", ["FOK", "fill it"], "row 1.*'fill it'.*known are non, none, fok"),
        ("Is User Defined Block", ["maybe", "N"], "row 0.*'maybe'"),
        ("Order ID", [1, None], "is no whole number"),
        ("Order ID", [1.5, 1.7], "is no whole number .2 such rows"),
        ("Order ID", ["9007199254740993", "9007199254740992"], "beyond 2.53 as integers"),
    ],
)
def test_what_an_order_file_does_not_say_plainly_is_not_guessed(column, values, match):
    good = {
        "Order ID": [9007199254740993, 9007199254740992],
        "Side": ["B", "S"],
        "Delivery Start": ["2022-01-02T09:00:00Z"] * 2,
        "Transaction Time": ["2022-01-02T07:00:00Z", "2022-01-02T08:00:00+01:00"],
        "Price": [1.0, 2.0],
        "Quantity": [1.0, 1.0],
        "Is User Defined Block": ["N", None],
        "Execution Restriction": ["NON", None],
    }
    read = read_orders(pd.DataFrame(good))
    assert read["order_id"].tolist() == good["Order ID"]  # not merged by floats
    assert read["time"].iloc[0] == read["time"].iloc[1]
    assert (read["is_block"].tolist(), read["restriction"].tolist()) == ([False, False], ["none", "none"])
    with pytest.raises(DataError, match=match):
        read_orders(pd.DataFrame({**good, column: values}))
