"""Do 90 % limits hold on the days that programs dispatch? Placebo events on the hottest days of each summer, and on random days.

    python benchmarks/event_like_intervals/run.py
    python benchmarks/event_like_intervals/run.py --data METER [--sites SITES] [--tz ZONE]

Nothing was dispatched, so the true delivery is 0 and limits should hold it. The first form takes the twelve bundled
buildings, with CBLCAST_DATA_DIR the others of the archive too, and writes results.json and the table of README.md. The
second prints the same table for a meter file of your own (any that ``cblcast settle`` reads; hourly or finer).
"""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from itertools import product
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.append(str(Path(__file__).resolve().parents[2] / "experiments"))

import numpy as np
import pandas as pd
from claims import asked, at_least, between, claim, summary, write

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.errors import DataError
from cblcast.frames.panel import Panel
from cblcast.settlement import settle

HERE = Path(__file__).parent
RULES = ("isone_10of10", "caiso_10in10", "pjm_economic", "caiso_weather_matching")
HOURS, HOTTEST, RANDOM, SEEDS = ("17:00", "20:00"), 10, 30, (7, 8)
CHOSEN_ON, JUDGED_ON = (2016, 2018), (2017, 2019)
SOURCE = "project target"


def hottest(panel: Panel, year: int) -> pd.DataFrame:
    """The ten hottest working days of the summer, of each site."""
    return placebo_events(panel, *HOURS, first=f"{year}-06-01", last=f"{year}-09-30", like="hottest", count=HOTTEST)


def at_random(panel: Panel, year: int, seed: int) -> pd.DataFrame:
    """Working days of the year drawn at random, the same of all sites; from May on in the first year of the data."""
    begin = panel.data.index.get_level_values("time").min() + pd.Timedelta(days=120)
    days = placebo_events(panel, *HOURS, first=str(max(begin, pd.Timestamp(f"{year}-01-05", tz="UTC")).date()),
                          last=f"{year}-12-15")  # fmt: skip
    starts = np.sort(days["start"].unique())
    chosen = np.random.default_rng([seed, year]).choice(len(starts), min(RANDOM, len(starts)), replace=False)
    return days[days["start"].isin(starts[chosen])].reset_index(drop=True)


def trial(panel: Panel, events: pd.DataFrame, calibration: str) -> pd.DataFrame:
    """Whether each site's and each portfolio's limits held 0, by rule; bias and width beside it [% of the metered]."""
    told = settle(panel, events, RULES, coverage=0.9, calibration=calibration)
    parts = []
    for of, table in (("sites", told.events), ("portfolios", told.portfolio)):
        held = (table["lower_kwh"] <= 0) & (table["upper_kwh"] >= 0)
        parts.append(
            table[["program", "start", "metered_kwh", "delivered_kwh", "bias_kwh", "like_days"]].assign(
                of=of,
                held=held & table["lower_kwh"].notna(),
                width_kwh=table["upper_kwh"] - table["lower_kwh"],
                few=table["limits_from"].str.endswith("few days"),
            )
        )
    return pd.concat(parts, ignore_index=True)


def run(panel: Panel, years: list[int], kind: str, calibration: str) -> pd.DataFrame:
    """All years, each settled by itself, as a desk settles a summer."""
    draws = {"hottest": [hottest], "random": [partial(at_random, seed=seed) for seed in SEEDS]}[kind]
    parts = []
    for year, draw in product(years, draws):
        try:
            events = draw(panel, year)
        except DataError:  # no such days in this year of the data
            continue
        parts.append(trial(panel, events, calibration).assign(year=year))
    return pd.concat(parts, ignore_index=True).assign(kind=kind, calibration=calibration)


def table_of(found: pd.DataFrame) -> pd.DataFrame:
    """Coverage, bias, foreseen bias, width and share of few like days, by kind, calibration, rule and level [%]."""
    groups = found.groupby(["kind", "calibration", "program", "of"], sort=False)
    sums = groups[["delivered_kwh", "bias_kwh", "width_kwh", "metered_kwh"]].sum()
    share = 100 * sums.div(sums["metered_kwh"], axis=0)
    return pd.DataFrame(
        {
            "n": groups.size(),
            "held_pct": 100 * groups["held"].mean(),
            "bias_pct": share["delivered_kwh"],
            "bias_foreseen_pct": share["bias_kwh"],
            "width_pct": share["width_kwh"],
            "few_like_days_pct": 100 * groups["few"].mean(),
        }
    )


def claims_of(found: pd.DataFrame, where: str) -> list[dict[str, object]]:
    """Claims of one set of buildings."""
    results = []
    spans = {
        "2016-2019": (*CHOSEN_ON, *JUDGED_ON),
        "2017 and 2019, on which nothing was chosen": JUDGED_ON,
    }
    for span, years in spans.items():
        for (kind, calibration, rule, of), row in table_of(found[found["year"].isin(years)]).iterrows():
            if calibration == "ordinary" and years == JUDGED_ON:
                continue
            days = "the ten hottest working days of each summer" if kind == "hottest" else "random working days"
            target = at_least(85.0) if kind == "hottest" else between(88.0, 92.0)
            text = f"{where}, {span}, {rule}, {calibration}: {of} whose 90 % limits hold the truth on {days}"
            results.append(
                claim(
                    text, SOURCE, row["held_pct"], "%", target if calibration == "event_like" else None, digits=1,
                    n=int(row["n"]), bias_pct=round(row["bias_pct"], 1),
                    bias_foreseen_pct=round(row["bias_foreseen_pct"], 1), width_pct=round(row["width_pct"], 1),
                    few_like_days_pct=round(row["few_like_days_pct"], 1),
                )
            )  # fmt: skip
    return results


def everything(panel: Panel, years: list[int]) -> pd.DataFrame:
    jobs = (("hottest", "ordinary"), ("hottest", "event_like"), ("random", "event_like"))
    return pd.concat([run(panel, years, *job) for job in jobs], ignore_index=True)


def bundled() -> None:
    years = sorted((*CHOSEN_ON, *JUDGED_ON))
    panel = datasets.load("cambridge_sme")
    results = claims_of(everything(panel, years), "twelve bundled buildings")
    try:
        whole = datasets.load("cambridge")
    except DataError as error:
        print(f"the other buildings are left out: {error}")
    else:
        others = [site for site in whole.site_ids if site not in set(panel.site_ids)]
        results += claims_of(everything(whole.select(others), years), f"{len(others)} other buildings")
    write(HERE / "results.json", results)
    _write_table(results)
    print(summary(results))


def _write_table(results: list[dict[str, object]]) -> None:
    readme = HERE / "README.md"
    text = readme.read_text(encoding="utf-8").split("<!-- table -->")[0]
    lines = [
        "| what | target | held % | bias % | foreseen % | width % | few like days % |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['claim']} | {asked(row)} | {row['measured']} | {row['bias_pct']} | {row['bias_foreseen_pct']} | "
        f"{row['width_pct']} | {row['few_like_days_pct']} |"
        for row in results
    ]
    readme.write_text(text + "<!-- table -->\n\n" + "\n".join(lines) + "\n", encoding="utf-8")


def own(data: str, sites: str | None, tz: str | None) -> None:
    from cblcast.io.formats import read_meter
    from cblcast.io.options import ReaderOptions

    panel = read_meter(data, options=ReaderOptions(sites=None if sites is None else Path(sites), tz=tz))
    times = panel.data.index.get_level_values("time")
    found = everything(panel, list(range(times.min().year, times.max().year + 1)))
    print(table_of(found).round(1).to_string())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data")
    parser.add_argument("--sites")
    parser.add_argument("--tz")
    given = parser.parse_args()
    own(given.data, given.sites, given.tz) if given.data else bundled()
