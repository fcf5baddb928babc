"""A portfolio drawn from real days: each day is of its kind and temperature, and any part can be made alone."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from cblcast import datasets
from cblcast.errors import DataError, StudyError
from cblcast.io.store import open_store
from cblcast.simulate.portfolio import Portfolio, site_names
from cblcast.simulate.real_days import real_days
from cblcast.workflow.worlds import simulate_world


def day(date: str) -> int:
    return int(np.datetime64(date, "D").astype(np.int64))


@pytest.fixture(scope="module")
def pool():
    return real_days(datasets.load("cambridge_sme").select(["b1", "b9", "b25"]))


@pytest.fixture(scope="module")
def drawn(pool):
    return Portfolio(pool, day("2024-12-20"), 60, noise=0.0, spread=0.0)


def test_each_day_is_a_real_day_of_its_kind_and_season(pool, drawn):
    loads = drawn.loads(0, 30)
    assert loads.shape == (30, 60, 24)
    kinds = pool.kinds_of(drawn.days)
    assert not kinds[5]  # Christmas
    for site, after in enumerate(drawn.likeness(0, 30)):
        of_site = pool.site == pool.names.index(after)
        for at in range(0, 60, 7):
            same = np.flatnonzero(of_site & (np.abs(pool.loads - loads[site, at]).max(1) < 1e-3))
            assert len(same), "a day that nobody metered"
            assert (pool.kind[same] == kinds[at]).any()
            # As cold as the day is meant to be: within the spread of ten days that are most like it.
            assert np.abs(pool.temp_c[pool.day[same] - pool.first_day] - drawn.temp_c[at]).min() < 4


def test_the_weather_is_that_of_the_same_dates_of_one_year(drawn):
    dates = drawn.weather_days.astype("M8[D]").astype(str)
    assert len({date[:4] for date in dates}) == 1
    assert [date[5:] for date in dates] == [str(date)[5:] for date in drawn.days.astype("M8[D]")]
    leap = Portfolio(drawn.pool, day("2024-02-28"), 3)
    assert [str(date)[5:] for date in leap.weather_days.astype("M8[D]")][::2] == ["02-28", "03-01"]


def test_warmer_days_have_the_loads_of_warmer_days(pool):
    """The weather link stays: the correlation of load and temperature over days is near that of the real sites."""
    drawn = Portfolio(pool, day("2024-01-01"), 366)
    known = np.isfinite(drawn.temp_c) & (pool.kinds_of(drawn.days) == 1)
    loads = drawn.loads(0, 60).mean(2)
    for number, name in enumerate(pool.names):
        rows = (pool.site == number) & (pool.kind == 1) & np.isfinite(pool.temp_c[pool.day - pool.first_day])
        real = np.corrcoef(pool.loads[rows].mean(1), pool.temp_c[pool.day[rows] - pool.first_day])[0, 1]
        own = [site for site, after in enumerate(drawn.likeness(0, 60)) if after == name]
        made = np.mean([np.corrcoef(loads[site, known], drawn.temp_c[known])[0, 1] for site in own])
        assert abs(made - real) < 0.15


def test_any_part_can_be_made_alone(drawn, pool):
    noisy = Portfolio(pool, drawn.first_day, 3, seed=4)
    whole = noisy.loads(0, 2500)
    assert np.array_equal(noisy.loads(999, 2001), whole[999:2001])
    assert np.array_equal(Portfolio(pool, drawn.first_day, 3, seed=4).loads(2100, 2101), whole[2100:2101])
    assert not np.array_equal(Portfolio(pool, drawn.first_day, 3, seed=5).loads(0, 10), whole[:10])
    assert site_names(0, 11) == sorted(site_names(0, 11))
    of_one = np.array(noisy.likeness(0, 2500)) == "b1"
    assert abs(np.log(whole[of_one].mean((1, 2))).std() - 0.5) < 0.1  # the spread of sizes that was asked for


def test_a_day_of_a_kind_that_nobody_metered(pool):
    panel = datasets.load("cambridge_sme").select(["b1"])
    working = panel.data[panel.data.index.get_level_values("time").day_of_week < 5].iloc[24 * 5 : 24 * 10]
    with pytest.raises(DataError, match="site 'b1' has no whole working day, or no whole day off"):
        real_days(type(panel)(working, panel.sites))


@pytest.mark.parametrize("layout", ["days", "long", "wide"])
def test_the_world_writes_a_store_in_parts(tmp_path, layout):
    world = tmp_path / "world.yaml"
    world.write_text(
        f"world: portfolio\nstore: made\nlayout: {layout}\nsites: 25\nsites_per_file: 10\nfirst_day: 2024-10-20\ndays: 15\n"
    )
    result = simulate_world(world)
    assert (result.summary["sites"], result.summary["store_files"], result.summary["synthetic"]) == (25, 3, True)
    assert (
        pq.read_metadata(tmp_path / "made" / "part-00000.parquet")
        .metadata[b"cblcast:synthetic"]
        .startswith(b"synthetic: 25")
    )
    store = open_store(tmp_path / "made")
    assert (store.layout, store.tz, store.step_us) == (layout, "Europe/London", 3_600_000_000)
    found = [store.read_days(partition) for partition in store.partitions()]
    cube = np.concatenate([part.cube.values for part in found])
    assert cube.shape == (25, 15, 24)
    assert np.isfinite(cube).all()  # through the day of 25 hours
    pool = real_days(datasets.load("cambridge_sme"))
    assert np.array_equal(cube, Portfolio(pool, day("2024-10-20"), 15).loads(0, 25))
    with pytest.raises(StudyError, match="holds files already"):
        simulate_world(world)
