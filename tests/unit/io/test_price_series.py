"""A contract's prices, read as every other file: separators, decimal signs, dates, zones, and one sentence for what is wrong."""

import numpy as np
import pandas as pd
import pytest

from cblcast.errors import DataError, DataWarning
from cblcast.io.price_series import read_price_series


def write(tmp_path, text, name="prices.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_text(text, encoding=encoding)
    return path


WAYS = {
    "iso": "time,price_per_kwh\n2019-06-01T10:00+02:00,0.25\n2019-06-01T11:00+02:00,0.5\n",
    "semicolons": "Zeitstempel;price_per_kwh\n01.06.2019 10:00;0,25\n01.06.2019 11:00;0,50\n13.06.2019 11:00;\n",
    "per_mwh": "time,day_ahead_per_mwh\n2019-06-01T08:00Z,250\n2019-06-01T09:00Z,500\n",
    "unsorted_and_twice": "time,price_per_kwh\n2019-06-01 11:00,0.5\n2019-06-01 10:00,0.25\n2019-06-01 10:00,0.25\n",
}


@pytest.mark.parametrize("text", WAYS.values(), ids=WAYS)
def test_a_file_is_read_as_it_comes(tmp_path, text):
    read = read_price_series(write(tmp_path, text), "Europe/Rome").dropna()
    assert read.index.tolist() == [pd.Timestamp("2019-06-01T08:00Z"), pd.Timestamp("2019-06-01T09:00Z")]
    assert read.tolist() == [0.25, 0.5]


def test_parquet_and_frames_are_read_too(tmp_path):
    frame = pd.DataFrame({"time": pd.to_datetime(["2019-06-01T08:00Z"]), "price_per_kwh": [1]})
    frame.to_parquet(tmp_path / "prices.parquet")
    assert read_price_series(tmp_path / "prices.parquet").tolist() == read_price_series(frame).tolist() == [1.0]


@pytest.mark.parametrize(
    ("starts", "n_hours"),
    [
        (pd.date_range("2019-10-25", periods=9, freq="D", tz="Europe/Rome"), 9 * 24 + 1),
        (pd.date_range("2019-01-01", periods=6, freq="MS", tz="UTC"), (31 + 28 + 31 + 30 + 31 + 31) * 24),
        (pd.date_range("2019-01-01", periods=6, freq="4h", tz="UTC"), 24),
    ],
    ids=["days", "months", "blocks"],
)
def test_a_price_of_more_than_an_hour_holds_until_the_next(starts, n_hours):
    given = pd.DataFrame({"time": starts, "price_per_kwh": np.arange(1.0, len(starts) + 1)})
    read = read_price_series(given)
    assert len(read) == n_hours
    assert (read.index.to_series().diff().dropna() == pd.Timedelta("1h")).all()
    assert read.to_dict() == given.set_index("time")["price_per_kwh"].reindex(read.index, method="ffill").to_dict()
    gappy = read_price_series(given.drop([1, 2]))  # a hole is none of the products
    assert starts[2] not in gappy.index


def test_an_hour_that_the_clock_skips_is_told(tmp_path):
    text = "time,price_per_kwh\n2019-03-31 01:00,1\n2019-03-31 02:00,2\n2019-03-31 03:00,3\n"
    with pytest.warns(DataWarning, match="1 "):
        assert read_price_series(write(tmp_path, text), "Europe/Rome").tolist() == [1, 3]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "time,price\n2019-06-01T08:00Z,1\n",
            "has no column 'price_per_kwh' .or day_ahead_per_mwh.: did you mean 'price'",
        ),
        (
            "time,price_per_kwh\n2019-06-01T08:00Z,dear\n",
            "line 2 of prices.csv: 'price_per_kwh' is 'dear', not a number",
        ),
        ("time,price_per_kwh\nnoon,1\n", "noon"),
        ("time,price_per_kwh\n2019-06-01 08:00,1\n", "has times without a zone"),
        (
            "time,price_per_kwh\n2019-06-01T08:00Z,1\n2019-06-01T08:00Z,2\n",
            "line 3 of prices.csv prices .* a second time",
        ),
        ("", "prices.csv"),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path, text, sentence):
    with pytest.raises(DataError, match=sentence):
        read_price_series(write(tmp_path, text))


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv"):
        read_price_series(tmp_path / "none.csv")
