"""Income from three markets: by hand, against a slow loop, and identities that hold for any numbers."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.frames.schema import CASE_INDEX, DataError
from cblcast.value.market import Market
from cblcast.value.products import nowcast_energy, observed_energy, power_energy
from cblcast.value.wind_market import stage_income, value_wind
from cblcast.value.wind_tables import exceedance, income_table, monthly, netting, weekly_sums, worst_weeks

PRICES = st.floats(-200, 300)
ENERGY = st.floats(0, 5)


def test_equation_5_by_hand():
    got = stage_income([2.0, 2.0], [3.0, 1.5], [2.5, 2.0], day_ahead=40.0, sell=38.0, buy=41.0, long=30.0, short=50.0)
    np.testing.assert_allclose(got.day_ahead, [80, 80])
    np.testing.assert_allclose(got.intraday, [38, -20.5])
    np.testing.assert_allclose(got.imbalance, [-25, 15])
    np.testing.assert_allclose(got.total, [93, 74.5])


@given(ENERGY, ENERGY, ENERGY, PRICES)
def test_equal_prices_make_income_independent_of_the_forecast(bid, position, output, price):
    got = stage_income(bid, position, output, day_ahead=price, sell=price, buy=price, long=price, short=price)
    assert got.total == pytest.approx(output * price, abs=1e-8)


@given(ENERGY, ENERGY, PRICES, PRICES, PRICES)
def test_a_perfect_nowcast_has_no_imbalance(bid, output, spot, long, extra):
    got = stage_income(bid, output, output, day_ahead=spot, sell=spot, buy=spot, long=long, short=long + abs(extra))
    assert got.imbalance == 0
    assert got.imbalance_mwh == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5))
def test_netting_never_loses_under_two_prices(seed, n_farms):
    rng = np.random.default_rng(seed)
    times = pd.date_range("2015-01-01", periods=20, freq="30min", tz="UTC", unit="us")
    output, bids, now = (pd.DataFrame(rng.uniform(0, 3, (20, n_farms)), index=times) for _ in range(3))
    spot, low = rng.normal(30, 60, (2, 20))
    high = low + rng.exponential(20, 20)
    market = Market(times, spot, low, high, spot - 1, spot + 1, 30)
    told = netting(output, bids, now, market, 30)
    assert told["worth"] >= -1e-9
    assert told["imbalance_worth"] >= -1e-9
    one = netting(output, bids, now, Market(times, spot, low, low, spot, spot, 30), 30)
    assert one["worth"] == pytest.approx(0, abs=1e-6)


def frame_of(rng, origins, leads, methods=("a",), sites=("farm",), step=10):
    rows = []
    for method in methods:
        for site in sites:
            for origin in origins:
                for lead in leads:
                    rows.append((site, origin, origin + pd.Timedelta(minutes=lead - step), method))
    made = pd.DataFrame(rows, columns=[*CASE_INDEX, "method"]).set_index(CASE_INDEX)
    made["predicted_kw"] = rng.uniform(0, 1000, len(made))
    made["observed_kw"] = pd.Series(made.index.get_level_values("time")).map(lambda t: float(t.value % 997)).to_numpy()
    return made


def slow_energy(scored, product_min, gate, max_wait=None):
    """What a careful clerk would do: for every product try the issues from new to old."""
    found = {}
    frame = scored.reset_index()
    for (method, site), mine in frame.groupby(["method", "site_id"]):
        products = sorted(mine["time"].dt.floor(f"{product_min}min").unique())
        for product in products:
            for origin in sorted(mine["origin"].unique(), reverse=True):
                wait = (product - origin) / pd.Timedelta("1min")
                if wait < gate or (max_wait is not None and wait > gate + max_wait):
                    continue
                inside = mine[
                    (mine["origin"] == origin)
                    & (mine["time"] >= product)
                    & (mine["time"] < product + pd.Timedelta(minutes=product_min))
                ]
                if len(inside) == product_min // 10 and inside["predicted_kw"].notna().all():
                    found[site, product, method] = inside["predicted_kw"].mean() * product_min / 60 / 1000
                    break
    return found


@pytest.mark.parametrize("max_wait", [None, 0])
def test_nowcast_energy_against_the_slow_clerk(max_wait):
    rng = np.random.default_rng(3)
    origins = pd.date_range("2015-01-01", periods=14, freq="20min", tz="UTC", unit="us")
    scored = frame_of(rng, origins, range(10, 130, 10), ("a", "b"), ("f", "g"))
    scored.iloc[rng.choice(len(scored), 60, replace=False), scored.columns.get_loc("predicted_kw")] = np.nan
    scored = scored.drop(index=scored.index[rng.choice(len(scored), 5, replace=False)])
    for frame in (scored, scored.sample(frac=1, random_state=1)):
        for gate in (30, 60):
            fast = nowcast_energy(frame, 30, [gate], max_wait)
            slow = slow_energy(scored, 30, gate, max_wait)
            told = {
                (site, time, method): value
                for (method, _), column in fast.items()
                for (site, time), value in column.dropna().items()
            }
            assert told.keys() == slow.keys()
            assert all(told[key] == pytest.approx(slow[key]) for key in slow)


def test_observed_energy_needs_every_part():
    origins = pd.date_range("2015-01-01", periods=3, freq="10min", tz="UTC", unit="us")
    scored = frame_of(np.random.default_rng(0), origins, range(10, 100, 10))
    scored["observed_kw"] = 600.0
    assert observed_energy(scored, 30).tolist()[:2] == pytest.approx([0.3, 0.3])
    scored.loc[scored.index.get_level_values("time") == pd.Timestamp("2015-01-01 00:40", tz="UTC"), "observed_kw"] = (
        np.nan
    )
    assert np.isnan(observed_energy(scored, 30).iloc[1])
    hourly = pd.Series(
        [1000.0, 500.0],
        index=pd.MultiIndex.from_product(
            [["farm"], pd.date_range("2015-01-01", periods=2, freq="h", tz="UTC")], names=["site_id", "time"]
        ),
    )
    assert power_energy(hourly, 30).tolist() == pytest.approx([0.5, 0.5, 0.25, 0.25])
    assert power_energy(hourly, 60).tolist() == pytest.approx([1.0, 0.5])


def test_a_frame_without_the_asked_lead_and_other_bad_frames():
    rng = np.random.default_rng(0)
    origins = pd.date_range("2015-01-01", periods=12, freq="10min", tz="UTC", unit="us")
    scored = frame_of(rng, origins, range(10, 70, 10))
    with pytest.raises(DataError, match=r"issued 180 min before.*leads 190, 200, 210 min, and it holds 10, 20, 30"):
        nowcast_energy(scored, 30, [180])
    with pytest.raises(DataError, match=r"no multiple of the frame's step"):
        nowcast_energy(scored, 15, [30])
    with pytest.raises(DataError, match=r"rows are there twice"):
        nowcast_energy(pd.concat([scored, scored]), 30, [30])
    with pytest.raises(DataError, match=r"indexed by"):
        nowcast_energy(scored.reset_index(), 30, [30])


def small_world(seed=0, days=21):
    rng = np.random.default_rng(seed)
    times = pd.date_range("2015-01-01", periods=48 * days, freq="30min", tz="UTC", unit="us")
    index = pd.MultiIndex.from_product([["farm"], times], names=["site_id", "time"])
    output = pd.Series(rng.uniform(0, 4, len(times)), index=index)
    bids = output + rng.normal(0, 1, len(times))
    now = pd.DataFrame(
        {("good", 30): output + rng.normal(0, 0.2, len(times)), ("bad", 30): output + rng.normal(0, 3, len(times))}
    )
    now.columns = pd.MultiIndex.from_tuples(now.columns, names=["method", "gate_min"])
    spot = rng.normal(40, 10, len(times))
    market = Market(times, spot, spot - 8, spot + 9, spot - 1, spot + 1, 30)
    return output, bids, now, market


def test_cases_share_their_products_and_what_is_left_out_is_counted():
    output, bids, now, market = small_world()
    output.iloc[:3] = np.nan
    now.iloc[3:5, 0] = np.nan
    market.day_ahead[5] = np.nan
    market.short[6] = np.nan
    bids.iloc[7] = np.nan
    output, now = (frame.drop(index=frame.index[20:24]) for frame in (output, now))
    found = value_wind(output, bids, now, market, 8.0)
    assert found.left_out == {
        "not in the scored frame": 4,
        "output was not metered": 3,
        "no day-ahead price": 1,
        "no imbalance price": 1,
        "no day-ahead bid": 1,
        "a nowcast is missing": 2,
    }
    assert found.stages.total.shape == (4, 48 * 21 - 12)
    assert np.isfinite(found.stages.total).all()
    table = income_table(found)
    assert table.loc[("none", 30), "intraday_eur"] == 0
    assert table.loc[("perfect", 30), "imbalance_eur"] == 0
    gains = table["gain_eur_per_mw_week"]
    assert gains[("perfect", 30)] > gains[("good", 30)] > 0 > gains[("bad", 30)]
    assert found.gain("good", 30).sum() / 8 / found.weeks == pytest.approx(gains[("good", 30)])


def test_tables_by_hand():
    output, bids, now, market = small_world()
    found = value_wind(output, bids, now, market, 8.0)
    told = exceedance(found, "imbalance")
    none = (output - bids).to_numpy()
    assert told.loc[("none", 30), "above_share"] == pytest.approx(100 * (none > 0.2 * 8 * 0.5).mean())
    assert told.loc[("none", 30), "below_zero"] == pytest.approx(100 * (none < 0).mean())
    assert (told.loc[("perfect", 30)] == 0).all()
    total = found.stages.total[0]
    by_month = monthly(found, total)
    assert by_month["mean"].iloc[0] * by_month["n_days"].iloc[0] == pytest.approx(total.sum())
    assert weekly_sums(found, total).sum() == pytest.approx(total.sum())
    assert len(weekly_sums(found, total)) == 3
    assert worst_weeks(np.arange(100.0)) == pytest.approx(2.0)
    with pytest.raises(DataError, match=r"not 'day_ahead'"):
        exceedance(found, "day_ahead")


def test_bad_input_is_one_sentence():
    output, bids, now, market = small_world()
    with pytest.raises(DataError, match=r"above its rated 2.00 MW"):
        value_wind(output, bids, now, market, 2.0)
    with pytest.raises(DataError, match=r"0 MW or less"):
        value_wind(output, bids, now, market, 0.0)
    with pytest.raises(DataError, match=r"has no rated power"):
        value_wind(output, bids, now, market, pd.Series({"other": 8.0}))
    with pytest.raises(DataError, match=r"name of a case"):
        value_wind(output, bids, now.rename(columns={"good": "none"}), market, 8.0)
    with pytest.raises(DataError, match=r"no product can be priced.*no day-ahead price: 1008"):
        value_wind(output, bids, now, Market(market.times + pd.Timedelta("900D"), *[market.day_ahead] * 5, 30), 8.0)
    with pytest.raises(DataError, match=r"no case 'best' at 30"):
        value_wind(output, bids, now, market, 8.0).row("best", 30)
    by_gate = Market(market.times, market.day_ahead, market.long, market.short, {60: market.sell}, {60: market.buy}, 30)
    with pytest.raises(DataError, match=r"no intraday price 30 min"):
        value_wind(output, bids, now, by_gate, 8.0)


def test_two_farms_are_priced_side_by_side():
    output, bids, now, market = small_world()
    both = [pd.concat([part, (part / 2).rename(index={"farm": "half"})]) for part in (output, bids, now)]
    found = value_wind(*both, market, pd.Series({"farm": 8.0, "half": 4.0}))
    alone = value_wind(output, bids, now, market, 8.0)
    assert found.rated_mw == 12
    assert found.weeks == pytest.approx(alone.weeks)
    two, one = income_table(found), income_table(alone)
    np.testing.assert_allclose(two["income_eur"], 1.5 * one["income_eur"])
    np.testing.assert_allclose(two["gain_eur_per_mw_week"], one["gain_eur_per_mw_week"], atol=1e-9)
    np.testing.assert_allclose(exceedance(found, "imbalance"), exceedance(alone, "imbalance"))
    assert len(weekly_sums(found, found.stages.total[0])) == 3


def _day(**columns):
    time = pd.date_range("2015-01-01", periods=144, freq="10min", tz="UTC", unit="us")
    frame = pd.DataFrame({"site_id": "farm", "origin": time.floor("30min") - pd.Timedelta("30min"), "time": time})
    return frame.assign(**{"method": "A", "observed_kw": 1000.0, "predicted_kw": 900.0, **columns})


def test_a_scored_frame_that_contradicts_itself_is_refused():
    def indexed(frame):
        return frame.set_index(["site_id", "origin", "time"])

    day = _day()
    assert nowcast_energy(indexed(day), 30, [30]).to_numpy() == pytest.approx(0.45)
    other = _day(predicted_kw=100.0)
    nat = day.assign(time=day["time"].where(day.index != 3))
    for frame, match in (
        (pd.concat([day, other]), "rows are there twice"),
        (nat, "1 rows of the scored frame have no time .row 3 first"),
        (day.assign(time=day["time"] + pd.Timedelta("5min")), "off the grid of its step, 10 min"),
        (_day(predicted_kw=np.inf), "144 predictions of the scored frame are infinite"),
        (day.iloc[:0], "has no rows"),
    ):
        with pytest.raises(DataError, match=match):
            nowcast_energy(indexed(frame), 30, [30])
    for gates in ([-30], []):
        with pytest.raises(DataError, match="before delivery begins"):
            nowcast_energy(indexed(day), 30, gates)
    with pytest.raises(DataError, match=r"two outputs at 2015-01-01 00:00.*1000 and 500 kW .144 such rows"):
        observed_energy(indexed(pd.concat([day, _day(method="B", observed_kw=500.0)])), 30)


def test_gain_per_mw_and_week_weighs_sites_by_capacity_and_coverage():
    """Two farms that gain alike per MW and week, of which the small one was metered for a quarter of the time only."""
    times = pd.date_range("2015-01-01", periods=1344, freq="30min", tz="UTC", unit="us")
    market = Market(times, *(np.full(1344, price) for price in (40.0, 30.0, 50.0, 39.0, 41.0)), 30)
    parts = {"big": (10.0, times), "small": (1.0, times[:336])}
    rows = [(site, time, mw) for site, (mw, span) in parts.items() for time in span]
    index = pd.MultiIndex.from_tuples([row[:2] for row in rows], names=["site_id", "time"])
    rated = pd.Series([row[2] for row in rows], index=index)
    now = pd.DataFrame({("perfect-like", 30): rated / 4}).rename_axis(columns=["method", "gate_min"])
    found = value_wind(rated / 4, rated * 0, now, market, pd.Series({"big": 10.0, "small": 1.0}))
    alone = value_wind((rated / 4).loc[["big"]], rated.loc[["big"]] * 0, now.loc[["big"]], market, 10.0)
    name = "gain_eur_per_mw_week"
    assert income_table(found).loc[("perfect", 30), name] == pytest.approx(
        income_table(alone).loc[("perfect", 30), name]
    )
    with pytest.raises(DataError, match="no finite number"):
        value_wind(rated / 4, rated * 0, now, market, float("inf"))


def test_netting_knows_farms_by_name():
    times = pd.date_range("2015-01-01", periods=4, freq="30min", tz="UTC")
    market = Market(times, *(np.full(4, price) for price in (40.0, 30.0, 50.0, 39.0, 41.0)), 30)
    output = pd.DataFrame({"a": 1.0, "b": 2.0}, index=times)
    assert netting(output, output[["b", "a"]], output, market, 30)["worth"] == 0  # columns in another order
    for other in (output[["a"]], output.rename(columns={"b": "c"})):
        with pytest.raises(DataError, match="same farms"):
            netting(output, other, output, market, 30)
    with pytest.raises(DataError, match="no product has prices"):
        netting(output, output * np.nan, output, market, 30)
