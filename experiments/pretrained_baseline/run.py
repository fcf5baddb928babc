"""Judge the pretrained baseline: ``python experiments/pretrained_baseline/run.py``. Writes ``results.json`` and ``by_set.csv``.

Needs CBLCAST_DATA_DIR with the Cambridge estate, the London homes and the French home (data/README.md). Every figure is of
models that never saw the judged sites, or, of the bundled twelve, never saw the judged year: trained on all sites that may be
shipped and left out by group in turn; the shipped models themselves have seen all of these sites. About 40 processor minutes.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/

import numpy as np
import pandas as pd
from answering import EVERY, answers
from bank import evenings, is_judged, local_day, ruled, taught
from claims import Record, at_most, claim, read, write
from judging import GROUPS, LAST_TAUGHT, SOURCE, TARGETS, WORDS, errors_by_site, groups_of, summary
from sets import LOADERS, SHIP

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.estimators.learned_baseline import LearnedBaseline
from cblcast.estimators.pooled_baseline import PooledBaseline
from cblcast.forecast.backtest import backtest
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.pretrained import CARD, VIEWS, pretrained_folder, view_name
from cblcast.frames.cases import View
from cblcast.frames.instants import DAY_US, microseconds
from cblcast.frames.panel import Panel
from cblcast.frames.schema import CASE_INDEX, ORIGIN, SITE

HERE = Path(__file__).resolve().parent
MEMBERS = ("attention", "ridge", "trees")
LEARNED = ("pretrained", "adapted", "retrained", *MEMBERS)
JUDGES = ("cambridge", "turin", "fontana_homes", "sydney_home", "lcl_homes", "uci_home")


@dataclass(frozen=True, eq=False)
class Judged:
    """Evenings of one set: load [kW], what every rule says, and what the models say that never saw them."""

    y: np.ndarray
    said: pd.DataFrame


def predictions(view: View, panels: dict[str, Panel], names: tuple[str, ...], kept: Path | None) -> dict[str, Judged]:
    """Estimates of every set by models of `names` that left its sites out; and of each member of these models."""
    groups = groups_of({name: panels[name] for name in {*names, "cambridge"}})
    rows = {name: taught(name, panels[name], view, kept) for name in names}
    X = pd.concat([part[0] for part in rows.values()])
    y = np.concatenate([part[1] for part in rows.values()])
    group = group_of_rows(X.index, groups)
    cambridge = X.index.get_level_values(SITE).isin(panels["cambridge"].site_ids)
    origin = X.index.get_level_values(ORIGIN)
    early = ~cambridge | (origin < LAST_TAUGHT)
    early &= (microseconds(origin) // DAY_US) % EVERY == 0
    judged, asked = {}, {}
    for name in JUDGES:
        features, load = evenings(name, panels[name], view, kept)
        day = local_day(panels[name], features.index)
        asked[name] = (features, load, day)
        own = is_judged(name, day)
        rules = ruled(name, panels[name], view, features.index[own], kept)
        judged[name] = Judged(load[own], rules.assign(**dict.fromkeys(LEARNED, np.nan)))
    for left_out in (-1, *range(GROUPS)):
        rows_taught = early & (group != left_out) if left_out >= 0 else early
        begun = time.process_time()
        model = PooledBaseline().fit(X[rows_taught], y[rows_taught])
        trained = time.process_time() - begun
        for name, (features, load, day) in asked.items():
            own = np.flatnonzero(group_of_rows(features.index, groups) == left_out)
            if len(own):
                said = answers(model, features.iloc[own], load[own], day[own])
                judged[name].said.update(said)
        print(f"  group {left_out}: {rows_taught.sum()} rows, {trained:.0f} s to train", flush=True)
    return judged


def group_of_rows(index: pd.MultiIndex, groups: dict[str, int]) -> np.ndarray:
    """Group of each row's site, -1 for a site that is never left out."""
    codes, sites = pd.factorize(index.get_level_values(SITE))
    return np.array([groups.get(str(site), -1) for site in sites])[codes]


def retrained(panel: Panel, view: View, train: dict[str, str], test: dict[str, str]) -> pd.Series:
    """What LearnedBaseline says once it is trained on the sites' own past, as learned.yaml trains it [kW]."""
    hours = [("16:00", "19:00"), ("17:00", "20:00"), ("18:00", "21:00")]
    past = pd.concat([placebo_events(panel, start, stop, **train) for start, stop in hours])
    events = placebo_events(panel, "17:00", "20:00", **test)
    method = {"retrained": Forecaster(LearnedBaseline(), view=view)}
    scored = backtest(panel, method, events, past.reset_index(drop=True)).scored
    return scored.reset_index().set_index(CASE_INDEX)["predicted_kw"]


def with_retrained(judged: dict[str, Judged], panels: dict[str, Panel], view: View, kept: Path | None) -> None:
    """Put the retrained baseline beside: Cambridge outside the twelve in 2019, the London homes in the second half of 2013."""
    twelve = list(datasets.load("cambridge_sme").site_ids)
    others = panels["cambridge"].select([site for site in panels["cambridge"].site_ids if site not in twelve])
    spans = {
        "cambridge": (others, {"first": "2017-01-01", "last": "2018-12-31"}, {"first": "2019-01-01"}),
        "lcl_homes": (panels["lcl_homes"], {"last": "2013-06-30"}, {"first": "2013-07-01"}),
    }
    for name, (panel, train, test) in spans.items():
        file = None if kept is None else kept / f"{name}_{view_name(view)}_retrained.parquet"
        if file is not None and file.exists():
            said = pd.read_parquet(file)["predicted_kw"]
        else:
            said = retrained(panel, view, train, test)
            if file is not None:
                said.to_frame().to_parquet(file)
        judged[name].said["retrained"] = said.reindex(judged[name].said.index).to_numpy()


def tables(judged: dict[str, Judged], panels: dict[str, Panel]) -> dict[str, pd.DataFrame]:
    """nRMSE [%] by site and method of each judged set of sites, on the rows that the rules and the pretrained estimate."""
    found = {}
    groups = groups_of({"cambridge": panels["cambridge"]})
    twelve = set(datasets.load("cambridge_sme").site_ids)
    for name, one in judged.items():
        rules = [c for c in one.said.columns if c not in LEARNED]
        needed = [*rules, "pretrained"]
        if name == "lcl_homes" and one.said["retrained"].notna().any():
            late = one.said["retrained"].notna().to_numpy()
            found["London homes, second half"] = errors_by_site(one.y[late], one.said[late], [*needed, "retrained"])
        table = errors_by_site(one.y, one.said, needed).dropna(axis="columns", how="all")
        if name == "cambridge":
            found["the bundled twelve, 2019"] = table[table.index.isin(twelve)].dropna(axis="columns", how="all")
            kept = table.index.isin([site for site in groups if site in set(panels["cambridge"].site_ids)])
            found["other Cambridge buildings"] = table[kept]
        else:
            titles = {"turin": "Turin", "fontana_homes": "Fontana homes", "sydney_home": "the Sydney home",
                      "lcl_homes": "London homes", "uci_home": "a French home"}  # fmt: skip
            found[titles[name]] = table
    return found


def claims_of(view: str, found: dict[str, pd.DataFrame]) -> list[Record]:
    """Mean over sites beside the best rule and the retrained baseline, and ratios to each site's own best rule."""
    records = []
    for title, table in found.items():
        rules = [c for c in table.columns if c not in LEARNED]
        for method, how in (("pretrained", "as it is"), ("adapted", "adapted to the site")):
            told = summary(table, method, rules)
            seen = "a year never seen" if "twelve" in title else "sites never seen"
            text = f"{title} ({told['sites']}, {seen}), {WORDS[view]}, {how}"
            wanted = (
                TARGETS[view] if "twelve" in title and method == "adapted" else round(float(told["best_rule_mean"]), 2)
            )
            more = {"best_rule": told["best_rule"], "best_rule_measured": round(float(told["best_rule_mean"]), 2),
                    "median": round(float(told["median"]), 2)}  # fmt: skip
            records.append(claim(f"{text}: mean nRMSE", SOURCE, told["mean"], "%", at_most(wanted), **more))
            if "retrained" in table:
                both = table[[method, "retrained"]].mean()
                records.append(
                    claim(f"{text}: mean nRMSE relative to the baseline retrained on these sites", SOURCE,
                          both[method] / both["retrained"], "ratio", at_most(1.02), 3,
                          retrained=round(float(both["retrained"]), 2))
                )  # fmt: skip
            limit = at_most(1.05 if "ome" in title else 1.03) if view == "real_time" else None
            ratio = f"{text}: geometric mean of the ratio to each site's own best rule"
            records.append(claim(ratio, SOURCE, told["ratio_geometric"], "ratio", None, 3))
            ratio = f"{text}: largest ratio to a site's own best rule, chosen afterwards"
            records.append(claim(ratio, SOURCE, told["ratio_largest"], "ratio", limit, 3))
    return records


def keep(records: list[Record], sheets: list[pd.DataFrame], ending: str) -> None:
    """Write what was judged, beside what earlier runs judged of the other views."""
    results, by_set = HERE / f"results{ending}.json", HERE / f"by_set{ending}.csv"
    sheet = pd.concat(sheets)[["view", "sites", "n", "method", "nrmse_pct"]]
    words = tuple(f", {WORDS[view]}, " for view in sheet["view"].unique())
    if results.exists():
        records = [each for each in read(results) if not any(word in each["claim"] for word in words)] + records
    if by_set.exists():
        before = pd.read_csv(by_set)
        sheet = pd.concat([before[~before["view"].isin(sheet["view"])], sheet])
    write(results, records)
    sheet.to_csv(by_set, index=False)
    if not ending:
        note_on_card(sheet)


def note_on_card(sheet: pd.DataFrame) -> None:
    """Put the errors into the card of the shipped models: of models of the same recipe that never saw the judged sites."""
    path = pretrained_folder() / CARD
    card = json.loads(path.read_text(encoding="utf-8"))
    judged = []
    for (view, sites, n), rows in sheet.groupby(["view", "sites", "n"], sort=False):
        error = rows.set_index("method")["nrmse_pct"]
        rules = error.drop([name for name in LEARNED if name in error])
        judged.append({"view": view, "sites": sites, "n": int(n), "nrmse_pct": error["pretrained"],
                       "adapted_nrmse_pct": error["adapted"], "best_rule": rules.idxmin(), "best_rule_nrmse_pct": rules.min()})  # fmt: skip
    card["judged"] = {
        "what": "mean over sites of nRMSE [%], working days 17:00-20:00, models of this recipe that never saw these sites "
        "(the bundled twelve: this year), as they are and adapted to the site; experiments/pretrained_baseline/README.md",
        "errors": judged,
    }
    path.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def said_file(name: str, view: str, kept: Path, data: str) -> Path:
    """Where the answers on the evenings of a set are kept."""
    ending = "" if data == "ship" else f"_{data}"
    return kept / f"{name}_{view}_said{ending}.parquet"


def said_before(view: str, kept: Path | None, data: str) -> dict[str, Judged] | None:
    """The answers of an earlier run, None where one is missing."""
    if kept is None or not all(said_file(name, view, kept, data).exists() for name in JUDGES):
        return None
    held = {name: pd.read_parquet(said_file(name, view, kept, data)) for name in JUDGES}
    return {name: Judged(one.pop("observed_kw").to_numpy(), one) for name, one in held.items()}


def told_of(table: pd.DataFrame) -> list[str]:
    """A line of the terminal: means of the learned methods, of the best rule, and the ratios."""
    rules = [c for c in table.columns if c not in LEARNED]
    told = summary(table, "pretrained", rules)
    means = [f"{method} {table[method].mean():.2f}" for method in LEARNED if method in table]
    return [
        *means,
        f"best rule {told['best_rule_mean']:.2f}",
        *(f"{k} {told[k]:.3f}" for k in ("ratio_geometric", "ratio_largest")),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--views", nargs="+", default=list(VIEWS), choices=list(VIEWS))
    parser.add_argument("--kept", type=Path, help="folder that keeps feature matrices and rules from run to run")
    parser.add_argument("--data", default="ship", choices=["ship", "all"], help="whether the homes of London teach too")
    parser.add_argument("--quick", action="store_true", help="do without the retrained baseline")
    wanted = parser.parse_args()
    if wanted.kept is not None:
        wanted.kept.mkdir(parents=True, exist_ok=True)
    names = SHIP if wanted.data == "ship" else (*SHIP, "lcl_homes")
    panels = {name: LOADERS[name]() for name in JUDGES}
    records, sheets = [], []
    for view in wanted.views:
        print(view, flush=True)
        judged = said_before(view, wanted.kept, wanted.data)
        if judged is None:
            judged = predictions(VIEWS[view], panels, names, wanted.kept)
            if wanted.kept is not None:
                for name, one in judged.items():
                    one.said.assign(observed_kw=one.y).to_parquet(said_file(name, view, wanted.kept, wanted.data))
        if not wanted.quick:
            with_retrained(judged, panels, VIEWS[view], wanted.kept)
        found = tables(judged, panels)
        records += claims_of(view, found)
        for title, table in found.items():
            means = table.mean().round(2).rename("nrmse_pct").rename_axis("method").reset_index()
            sheets.append(means.assign(view=view, sites=title, n=len(table)))
            print(f"  {title:26s}", *told_of(table), flush=True)
        keep(records, sheets, "" if wanted.data == "ship" else "_all")


if __name__ == "__main__":
    logging.disable(logging.INFO)
    with warnings.catch_warnings(record=True):  # odd days of the meters, and events that a ratio cannot adjust
        main()
