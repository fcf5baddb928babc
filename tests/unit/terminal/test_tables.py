"""Tables for people: width, units, local time, decimals, the winner and totals."""

import pandas as pd
import pytest

from cblcast.terminal.tables import WIDTH, decimals_of, header, in_title, localised, print_leaderboard, print_table


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("baseline_kw", "baseline\nkW"),
        ("delivered_kwh", "delivered\nkWh"),
        ("nrmse", "nRMSE\n%"),
        ("mape_textbook", "MAPE textbook\n%"),
        ("rmse", "RMSE\nkW"),
        ("n_events", "events"),
        ("gain_eur_per_mw", "gain\nEUR/MW"),
        ("gain_gbp_per_mw_week", "gain\nGBP/MW week"),
        ("mispaid_jpy", "mispaid\nJPY"),
        ("rrmse_pct", "rrmse\n%"),
        ("site_id", "site id"),
        ("start\nEurope/Rome", "start\nEurope/Rome"),
        ("kw", "kw"),
    ],
)
def test_headers_have_units(name, told):
    assert header(name) == told


def test_a_title_has_its_unit_too():
    assert in_title("nrmse") == "nRMSE [%]"
    assert in_title("span") == "span"


@pytest.mark.parametrize(
    ("values", "places"),
    [([12345.678], 0), ([1234.5], 1), ([12.345, 0.01], 2), ([0.0123], 3), ([0.0], 0), ([float("nan")], 0)],
)
def test_decimals_follow_the_size(values, places):
    assert decimals_of(values) == places


def test_no_line_is_wider_than_a_hundred_columns_and_what_is_left_out_is_named(capsys):
    frame = pd.DataFrame({f"a_rather_long_name_{k}_kw": [1.0, 2.0] for k in range(15)} | {"payment": [3.0, 4.0]})
    print_table(frame, "wide", keep=["payment"])
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines()[:-1])) <= WIDTH
    assert "payment" in out
    assert "not shown: a_rather_long_name_" in out


def test_a_long_name_is_folded_not_cut(capsys):
    print_table(pd.DataFrame({"site_id": ["x" * 150], "n": [1]}), "t")
    out = capsys.readouterr().out
    assert out.count("x") == 150
    assert max(map(len, out.splitlines())) <= WIDTH


def test_instants_are_told_by_the_clock_of_the_site():
    at = pd.to_datetime(["2019-06-03T15:00Z", "2019-12-03T16:00Z"])
    frame = pd.DataFrame({"site_id": ["a", "b"], "start": at})
    one = localised(frame, {"a": "Europe/Rome", "b": "Europe/Rome"})
    assert one["start\nEurope/Rome"].tolist() == ["2019-06-03 17:00", "2019-12-03 17:00"]
    two = localised(frame, {"a": "Europe/Rome", "b": "Asia/Tokyo"})
    assert two["start\nlocal time"].tolist() == ["2019-06-03 17:00+0200", "2019-12-04 01:00+0900"]
    assert "start\nUTC" in localised(frame, None)


def test_totals_stand_in_a_last_row(capsys):
    frame = pd.DataFrame({"site_id": ["a", "b"], "delivered_kwh": [1.25, 2.5]})
    print_table(frame, "t", totals={"site_id": "all", "delivered_kwh": 3.75})
    last = [line for line in capsys.readouterr().out.splitlines() if line.strip()][-1]
    assert last.split() == ["all", "3.75"]


def test_a_leaderboard_marks_its_winner_and_leaves_out_what_is_alike(capsys):
    board = pd.DataFrame(
        {"nrmse": [4.0, 5.0], "mpe": [0.1, -0.2], "n_events": [9, 9], "n_sites": [1, 1], "n_excluded": [0, 0],
         "train_s": [0.1, 0.2], "predict_s": [0.1, 0.1]},
        index=pd.Index(["good", "bad"], name="method"),
    )  # fmt: skip
    print_leaderboard(board, pd.DataFrame({"reason": []}), "study")
    out = capsys.readouterr().out
    assert "★ good" in out
    assert "★ bad" not in out
    assert "study, 1 site" in out
    assert "excluded" not in out


def test_no_column_of_a_leaderboard_with_long_names_is_cut(capsys):
    measures = ["mpe", "mape", "mape_textbook", "rmse", "nrmse", "coverage"]
    board = pd.DataFrame(
        {name: [-0.62, 91.53] for name in measures} | {"n_events": 84, "train_s": 0.1, "predict_s": 0.15},
        index=pd.Index(["PBLM+shift-Nearest5of10", "ExponentialMovingAverage"], name="method"),
    )
    print_leaderboard(board, pd.DataFrame({"reason": []}), "study")
    lines = capsys.readouterr().out.splitlines()
    assert next(line for line in lines if "nRMSE" in line).split()[-1] == "time"
    assert [line.split()[-1] for line in lines if "PBLM" in line or "Expo" in line] == ["0.25", "0.25"]


def test_wide_letters_are_not_cut(capsys):
    frame = pd.DataFrame({f"site_{k}": ["東京電力管内需要家" * 2] for k in range(8)})
    print_table(frame, "t", keep=["site_0"])
    assert "東京電力管内需要家" * 2 in capsys.readouterr().out


def test_a_title_longer_than_its_table_is_not_folded(capsys):
    print_table(
        pd.DataFrame({"method": ["b", "a"], "n": [2, 1]}), "a study: latest run, all columns elsewhere", marked=1
    )
    out = capsys.readouterr().out
    assert out.startswith("a study: latest run, all columns elsewhere\n")
    assert "★ a" in out


def test_text_of_a_user_is_no_markup(capsys):
    print_table(pd.DataFrame({"site_id": ["[red]a", ":smile:"]}), "t")
    out = capsys.readouterr().out
    assert "[red]a" in out
    assert ":smile:" in out
