"""Money in a study, on the command line and for demand. Prices here are made by the test; the wind is real."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.cli import main
from cblcast.config import make_study, read_study
from cblcast.config.value_section import Value
from cblcast.frames.schema import DataError, DataWarning, StudyError
from cblcast.value.contract import Contract
from cblcast.value.market import make_market
from cblcast.value.mispayment import event_mispayments, mispayment_table
from cblcast.workflow.studies import run_study
from cblcast.workflow.valuing import make_value, read_bids, read_scored, value_file, wind_valuation

WIND_STUDY = """
study: wind-money
data: {dataset: la_haute_borne}
events: {every_min: 180, horizon_min: 180}
test: [2015-01-02, 2015-01-31]
scale: rated_kw
aggregate: pooled
metrics: [nrmse]
features: {lags: {columns: [observed_kw], ago: [1]}}
methods: [Persistence]
value:
  market: two_price
  prices: prices.csv
  bids: bids.csv
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("money")
    rng = np.random.default_rng(0)
    times = pd.date_range("2015-01-01", "2015-02-02", freq="h", tz="UTC")
    spot = 40 + 10 * np.sin(np.arange(len(times)) / 4)
    prices = pd.DataFrame(
        {"time": times, "day_ahead_per_mwh": spot, "long_per_mwh": spot - 8, "short_per_mwh": spot + 9}
    )
    prices.to_csv(folder / "prices.csv", index=False)
    power = datasets.load("la_haute_borne").data["observed_kw"].droplevel(0)
    hourly = power.loc["2015-01-01":"2015-02-01"].resample("h").mean().fillna(0.0)
    bid = (hourly + rng.normal(0, 900, len(hourly))).clip(0, 8200)
    pd.DataFrame({"time": bid.index, "bid_kw": bid.to_numpy()}).to_csv(folder / "bids.csv", index=False)
    (folder / "study.yaml").write_text(WIND_STUDY)
    (folder / "contract.yaml").write_text("energy_price: {17: 0.1, 18: 0.1, 19: 0.2}\n")
    return folder


@pytest.fixture(scope="module")
def result(folder):
    with pytest.warns(DataWarning) as told:
        found = run_study(read_study(folder / "study.yaml"))
    return found, [str(w.message) for w in told]


def test_a_study_prices_its_nowcasts(result):
    found, told = result
    row = found.leaderboard.loc["Persistence"]
    assert row["income_eur"] == pytest.approx(row["day_ahead_eur"] + row["intraday_eur"] + row["imbalance_eur"])
    assert row["perfect_gain_eur_per_mw_week"] > max(row["gain_eur_per_mw_week"], 0)
    assert row["rmae"] == 1.0
    assert any("day-ahead price ± 1 EUR/MWh stands in" in line for line in told)
    left = next(line for line in told if "left out of every case" in line)
    assert "a nowcast is missing" in left  # the first half-hour after each origin lies nearer than the gate
    assert "because not in the scored frame" in left  # issues whose truth was not metered throughout
    times = found.backtest.scored.index.get_level_values("time")
    span = (times.max() - times.min() + pd.Timedelta("10min")) / pd.Timedelta("30min")
    assert row["n_products"] + int(left.split()[0]) == span


def test_the_command_prices_the_same_frame(result, folder, monkeypatch, capsys):
    found, _ = result
    found.backtest.scored.reset_index().to_parquet(folder / "scored.parquet")
    monkeypatch.chdir(folder)
    command = [
        "cblcast",
        "value",
        "scored.parquet",
        "--market",
        "two_price",
        "--prices",
        "prices.csv",
        "--bids",
        "bids.csv",
    ]
    monkeypatch.setattr(sys, "argv", [*command, "--rated-kw", "8200", "--json"])
    main()
    out = json.loads(capsys.readouterr().out)
    row = next(row for row in out["rows"] if row["method"] == "Persistence")
    assert row["income_eur"] == pytest.approx(found.leaderboard.loc["Persistence", "income_eur"])
    monkeypatch.setattr(sys, "argv", [*command, "--rated-kw", "8200", "--gate", "60", "--out", "money.csv"])
    main()
    assert set(pd.read_csv("money.csv")["method"]) == {"none", "perfect", "Persistence"}
    (folder / "prices.yaml").write_text("- {file: prices.csv, zone: UTC}\n")
    named = ["prices.yaml" if part == "prices.csv" else part for part in command]
    monkeypatch.setattr(sys, "argv", [*named, "--rated-kw", "8200", "--json"])
    capsys.readouterr()
    main()
    assert json.loads(capsys.readouterr().out) == out
    (folder / "prices.yaml").write_text("[prices.csv]\n")
    monkeypatch.setattr(sys, "argv", [*named, "--rated-kw", "8200"])
    with pytest.raises(SystemExit):
        main()
    assert "must hold a list of price files" in capsys.readouterr().err
    for wrong, match in (
        (["--rated-kw", "8200", "--gate", "600"], "no nowcast issued 600 min before"),
        ([], "give --rated-kw"),
        (["--rated-kw", "8200", "--reference", "persistance"], "did you mean 'Persistence'"),
        (["--rated-kw", "100"], "above its rated 0.10 MW"),
    ):
        monkeypatch.setattr(sys, "argv", [*command, *wrong])
        with pytest.raises(SystemExit) as stop:
            main()
        assert stop.value.code == 2
        assert match in capsys.readouterr().err


def test_bids_from_a_column_of_the_panel(folder):
    text = WIND_STUDY.replace("bids: bids.csv", "bid_column: observed_kw")
    (folder / "column.yaml").write_text(text.replace("2015-01-31", "2015-01-08"))
    with pytest.warns(DataWarning):
        row = run_study(read_study(folder / "column.yaml")).leaderboard.loc["Persistence"]
    assert row["perfect_gain_eur_per_mw_week"] == pytest.approx(0.0)  # what was sold is what was delivered
    assert row["gain_eur_per_mw_week"] < 0
    (folder / "column.yaml").write_text(text.replace("observed_kw\n", "scheduled_kw\n"))
    with pytest.raises(StudyError, match="the panel has no column 'scheduled_kw'"):
        run_study(read_study(folder / "column.yaml"))


def test_value_sections_that_cannot_be(folder):
    document = {
        "study": "x",
        "data": {"dataset": "la_haute_borne"},
        "events": {"every_min": 180, "horizon_min": 180},
        "test": ["2015-01-02", "2015-01-31"],
        "methods": ["Persistence"],
    }
    good = {"market": "two_price", "prices": "prices.csv", "bids": "none"}
    assert make_study({**document, "value": good}).value == Value(**good)
    for wrong, match in (
        ({**good, "market": "two_prize"}, "unknown market 'two_prize': did you mean 'two_price'"),
        ({"market": "single_price", "bids": "none"}, "needs prices:"),
        ({"market": "single_price", "prices": "p.csv"}, "what is sold day-ahead"),
        ({"market": "contract"}, "needs contract:"),
        ({**good, "contract": "c.yaml"}, "belongs to market: contract"),
        ({**good, "half_spred": 2}, "unknown key 'value.half_spred': did you mean 'half_spread'"),
        ({**good, "prices": {"file": "p.csv", "clok": "UTC"}}, "did you mean 'clock'"),
    ):
        with pytest.raises(StudyError, match=match):
            make_study({**document, "value": wrong})
    (folder / "bad.yaml").write_text(WIND_STUDY.replace("prices.csv", "prise.csv"))
    with pytest.raises(StudyError, match=r"value.prices names the file 'prise.csv'"):
        read_study(folder / "bad.yaml")
    with pytest.raises(StudyError, match="unknown market"):
        make_value({"market": "x"})


def demand_frame(error_kw: float = 2.0) -> pd.DataFrame:
    starts = pd.date_range("2019-06-03 15:00", periods=30, freq="D", tz="UTC", unit="us")  # 17:00 in Rome
    rows = []
    for number, start in enumerate(starts):
        for quarter in range(12):
            rows.append(
                ("site", start, start + pd.Timedelta(minutes=15 * quarter), 100.0, 100 + error_kw * (-1) ** number)
            )
    frame = pd.DataFrame(rows, columns=["site_id", "origin", "time", "observed_kw", "predicted_kw"])
    return frame.assign(method="rule").set_index(["site_id", "origin", "time"])


def test_what_a_baseline_pays_wrongly_by_hand(folder):
    zones = pd.Series({"site": "Europe/Rome"})
    contract = Contract(energy_price={17: 0.1, 18: 0.1, 19: 0.2})
    events = event_mispayments(demand_frame(), contract, zones)
    assert events["mispaid"].abs().to_numpy() == pytest.approx(np.full(30, 2 * 1 * (0.1 + 0.1 + 0.2)))
    table = mispayment_table(events, "EUR").loc["rule"]
    assert table["mispaid_eur"] == pytest.approx(0.0)
    assert table["abs_mispaid_eur_per_event"] == pytest.approx(0.8)
    assert table["most_overpaid_eur_per_event"] == pytest.approx(0.8)
    unpaid = event_mispayments(demand_frame(), contract.model_copy(update={"negative": "unpaid"}), zones)
    assert unpaid["mispaid"].sum() == pytest.approx(15 * 0.8)
    committed = Contract(energy_price=0.1, committed_kw=10, penalty_per_kwh=0.5)
    told = event_mispayments(demand_frame(), committed, zones).iloc[0]
    assert told["due"] == pytest.approx(-0.5 * 30)
    assert told["mispaid"] == pytest.approx(0.1 * 6 + 0.5 * 6)
    perfect = event_mispayments(demand_frame(0.0), committed, zones)
    assert perfect["mispaid"].to_numpy() == pytest.approx(np.zeros(30))
    with pytest.raises(DataError, match="has no time zone"):
        event_mispayments(demand_frame(), contract, pd.Series({"other": "UTC"}))


def test_a_contract_pays_every_kwh_once(folder):
    """Nowcasts that overlap estimate an interval at several leads; each of them would be paid."""
    twice = demand_frame().reset_index()
    later = twice.assign(origin=twice["origin"] + pd.Timedelta(hours=1))
    later = later[later["time"] >= later["origin"]]
    both = pd.concat([twice, later]).set_index(["site_id", "origin", "time"])
    contract, zones = Contract(energy_price=0.1), pd.Series({"site": "Europe/Rome"})
    told = r"rule estimates the interval of site 'site' at 2019-06-03 16:00:00\+00:00 in 2 events \(240 such rows in all\), and"
    with pytest.raises(DataError, match=told):
        event_mispayments(both, contract, zones)
    study = WIND_STUDY.split("value:")[0] + "value: {market: contract, contract: contract.yaml}\n"
    (folder / "once.yaml").write_text(study)
    read_study(folder / "once.yaml")
    (folder / "twice.yaml").write_text(study.replace("every_min: 180", "every_min: 60"))
    with pytest.raises(
        StudyError, match=r"every 60 min for 180 min estimate an interval several times: set every_min: 180"
    ):
        read_study(folder / "twice.yaml")


def test_demand_on_the_command_line_and_in_a_study(folder, monkeypatch, capsys):
    demand_frame().reset_index().to_csv(folder / "baseline.csv", index=False)
    monkeypatch.chdir(folder)
    command = ["cblcast", "value", "baseline.csv", "--market", "contract", "--contract", "contract.yaml"]
    monkeypatch.setattr(sys, "argv", [*command, "--tz", "Europe/Rome", "--json"])
    main()
    row = json.loads(capsys.readouterr().out)["rows"][0]
    assert row["abs_mispaid_eur_per_event"] == pytest.approx(0.8)
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit):
        main()
    assert "give --tz" in capsys.readouterr().err
    study = make_study(
        {
            "study": "demand-money",
            "data": {"dataset": "turin"},
            "events": {"start": "17:00", "stop": "20:00"},
            "test": ["2019-06-03", "2019-06-14"],
            "methods": ["High5of10", "Low5of10"],
            "value": {"market": "contract", "contract": "contract.yaml"},
        },
        folder=folder,
    )
    board = run_study(study).leaderboard
    assert (board["abs_mispaid_eur_per_event"] > 0).all()
    assert board.loc["High5of10", "mispaid_eur"] > board.loc["Low5of10", "mispaid_eur"]


def test_files_that_cannot_be_priced(folder, tmp_path):
    path = tmp_path / "scored.csv"
    path.write_text("site_id,time,observed_kw\na,2015-01-01T00:00Z,1\n")
    with pytest.raises(DataError, match="no column 'origin', so it is no scored frame"):
        read_scored(path)
    path.write_text("site_id,origin,time,observed_kw,predicted_kw\na,2015-01-01T00:00,2015-01-01T00:00,1,1\n")
    with pytest.raises(DataError, match="without a zone"):
        read_scored(path)
    bids = tmp_path / "bids.csv"
    for text, match in (
        ("time,power\n2015-01-01T00:00Z,1\n", "no column 'bid_kw'"),
        ("time,bid_kw\n2015-01-01 00:00,1\n", "without a zone"),
        ("time,bid_kw\n2015-01-01T00:00Z,1\n2015-01-01T00:00Z,2\n", "bids twice"),
    ):
        bids.write_text(text)
        with pytest.raises(DataError, match=match):
            read_bids(bids, ["a"])
    bids.write_text("time,bid_kw\n2015-01-01T00:00Z,1\n")
    with pytest.raises(DataError, match="but 2 sites are priced"):
        read_bids(bids, ["a", "b"])
    section = Value(market="two_price", prices=[str(folder / "prices.csv")], bids="none")
    path.write_text("site_id,origin,time,observed_kw,predicted_kw\na,2019-01-01T00:00Z,2019-01-01T00:00Z,1,1\n")
    with pytest.raises(DataError, match="single interval"):
        value_file(path, section, gates_min=[30], rated_kw=10.0, tz=None)


def test_gaps_of_prices_and_several_price_files(folder, tmp_path):
    prices = pd.read_csv(folder / "prices.csv")
    prices.loc[20:22, "long_per_mwh"] = np.nan
    prices[["time", "day_ahead_per_mwh"]].to_csv(tmp_path / "spot.csv", index=False)
    half = pd.date_range("2015-01-01", "2015-02-02", freq="30min", tz="UTC")
    hour = prices.set_index(pd.DatetimeIndex(prices["time"]))[["long_per_mwh", "short_per_mwh"]]
    hour.reindex(half, method="ffill", limit=1).rename_axis("time").reset_index().to_csv(
        tmp_path / "imbalance.csv", index=False
    )
    section = Value(
        market="two_price", prices=[str(tmp_path / "spot.csv"), str(tmp_path / "imbalance.csv")], bids="none"
    )
    origins = pd.date_range("2015-01-01", periods=200, freq="30min", tz="UTC", unit="us")
    index = pd.MultiIndex.from_tuples(
        [("farm", o, o + pd.Timedelta(minutes=m)) for o in origins for m in (30, 40, 50)],
        names=["site_id", "origin", "time"],
    )
    scored = pd.DataFrame({"observed_kw": 1000.0, "predicted_kw": 900.0, "method": "flat"}, index=index)
    with pytest.warns(DataWarning) as told:
        found = wind_valuation(section, scored, pd.Series({"farm": 2.0}), [30])
    lines = [str(w.message) for w in told]
    assert any("the prices have 1 gaps (6 products), the first in long_per_mwh" in line for line in lines)
    assert found.left_out == {"no imbalance price": 6}
    assert len(found.products) == 194
    again = Value(market="two_price", prices=[str(tmp_path / "spot.csv")] * 2, bids="none")
    with pytest.raises(StudyError, match="two price files give 'day_ahead_per_mwh'"):
        wind_valuation(again, scored, pd.Series({"farm": 2.0}), [30])


HALVES = pd.date_range("2015-01-01", periods=48, freq="30min", tz="UTC", unit="us")


def _priced(tmp_path, market, *tables, product_min=30, lead="30min", **terms):
    """A flat nowcast of a day in a market of these tables, and what was told."""
    files = []
    for number, table in enumerate(tables):
        files.append(str(tmp_path / f"prices_{number}.parquet"))
        table.to_parquet(files[-1])
    time = pd.date_range("2015-01-01", periods=144, freq="10min", tz="UTC", unit="us")
    index = pd.MultiIndex.from_arrays(
        [["farm"] * 144, time.floor(f"{product_min}min") - pd.Timedelta(lead), time],
        names=["site_id", "origin", "time"],
    )
    scored = pd.DataFrame({"observed_kw": 1000.0, "predicted_kw": 900.0, "method": "flat"}, index=index)
    section = make_value({"market": market, "prices": files, "bids": "none", "product_min": product_min, **terms})
    with pytest.warns(DataWarning) as told:
        found = wind_valuation(section, scored, pd.Series({"farm": 2.0}), [30])
    return found, [str(w.message) for w in told]


def test_a_rule_is_applied_to_the_products_that_were_balanced(tmp_path):
    """Half-hours, one up and one down: of their mean trend, 0, the rule would make the day-ahead price for both."""
    prices = pd.DataFrame({"time": HALVES, "day_ahead_per_mwh": 40.0, "trend": [1, -1] * 24, "up_per_mwh": 60.0})
    hour, _ = _priced(tmp_path, "french", prices.assign(down_per_mwh=20.0), product_min=60)
    none = hour.stages.imbalance[hour.row("none", 30)]
    np.testing.assert_allclose(none, (40 + 20 / 1.08) / 2)  # 1 MWh, all of it a surplus
    half, _ = _priced(tmp_path, "french", prices.assign(down_per_mwh=20.0))
    np.testing.assert_allclose(half.stages.imbalance[half.row("none", 30)].sum(), none.sum())


def test_no_regulation_is_no_gap_but_a_row_that_lacks_is_one(tmp_path):
    hours = HALVES[::2]
    spot = pd.DataFrame({"time": hours, "day_ahead_per_mwh": 40.0})
    balancing = pd.DataFrame({"time": hours, "up_per_mwh": [50, np.nan] * 12, "down_per_mwh": [np.nan, 30] * 12})
    found, told = _priced(tmp_path, "nordic", spot, balancing)
    assert not any("gaps" in line or "left out" in line for line in told)
    assert len(found.products) == 48
    found, told = _priced(tmp_path, "nordic", spot, balancing.drop(index=[5, 6, 7]))
    assert any("the first in long_per_mwh from 2015-01-01 05:00" in line for line in told)
    assert found.left_out == {"no imbalance price": 6}
    other = spot.assign(long_per_mwh=30.0, short_per_mwh=50.0, wind_speed=[np.nan] * 3 + [1.0] * 21)
    assert not any("gaps" in line for line in _priced(tmp_path, "two_price", other)[1])  # a column that prices nothing


def test_prices_and_terms_that_pay_for_errors_are_told_or_refused(tmp_path):
    prices = pd.DataFrame({"time": HALVES, "day_ahead_per_mwh": 40.0, "long_per_mwh": 50.0, "short_per_mwh": 30.0})
    assert any(
        "the long price lies above the short price in 48 of 48" in t for t in _priced(tmp_path, "two_price", prices)[1]
    )
    crossed = prices.assign(
        long_per_mwh=30.0, short_per_mwh=50.0, intraday_sell_per_mwh=45.0, intraday_buy_per_mwh=35.0
    )
    assert any("selling price lies above the intraday buying" in t for t in _priced(tmp_path, "two_price", crossed)[1])
    table = prices.set_index("time")
    for terms, match in (
        ({"k": 0.5}, "two_price market has no surcharge, so k = 0.5 would do nothing"),
        ({"half_spread": float("inf")}, "half_spread is inf"),
    ):
        with pytest.raises(StudyError, match=match):
            make_market(table, "two_price", 30, **terms)
    with pytest.raises(StudyError, match="the surcharge k is inf"):
        make_market(table.assign(trend=1, up_per_mwh=60, down_per_mwh=20), "french", 30, k=float("inf"))


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        (["--market", "contract", "--contract", "pounds.yaml", "--gate", "60"], "belong to nowcasts in a market"),
        (
            ["--market", "contract", "--contract", "pounds.yaml", "--k", "0.1"],
            "k: would do nothing with market: contract",
        ),
        (
            ["--market", "two_price", "--prices", "listed.yaml", "--zone", "Europe/Paris"],
            "zone beside it would do nothing",
        ),
        (
            ["--market", "two_price", "--prices", "prices.csv", "--tz", "Europe/Paris"],
            "--tz belongs to --market contract",
        ),
    ],
)
def test_what_would_do_nothing_is_refused(folder, monkeypatch, capsys, asked, match):
    monkeypatch.chdir(folder)
    (folder / "pounds.yaml").write_text("energy_price: 0.1\ncurrency: GBP\n")
    (folder / "listed.yaml").write_text("- {file: prices.csv}\n")
    monkeypatch.setattr(sys, "argv", ["cblcast", "value", "scored.parquet", *asked])
    with pytest.raises(SystemExit):
        main()
    assert match in capsys.readouterr().err


def test_json_names_the_currency_of_the_contract(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    (folder / "pounds.yaml").write_text("energy_price: 0.1\ncurrency: GBP\n")
    time = pd.date_range("2019-06-03T15:00Z", periods=4, freq="15min")
    frame = pd.DataFrame({"site_id": "a", "origin": time[0], "time": time, "observed_kw": 2.0, "predicted_kw": 3.0})
    frame.to_csv(folder / "demand.csv", index=False)
    asked = ["--market", "contract", "--contract", "pounds.yaml", "--tz", "Europe/London", "--json"]
    monkeypatch.setattr(sys, "argv", ["cblcast", "value", "demand.csv", *asked])
    main()
    told = json.loads(capsys.readouterr().out)
    assert told["currency"] == "GBP"
    assert any(key.endswith("gbp") or "gbp" in key for key in told["rows"][0])
