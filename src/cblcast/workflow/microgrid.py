"""The conductor of a microgrid: one design simulated, or all of them sized, priced and tracked."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from cblcast.checked.yaml_files import read_yaml
from cblcast.config.microgrid import MicrogridStudy
from cblcast.config.problems import validated
from cblcast.errors import StudyError
from cblcast.simulate.island import Islands
from cblcast.simulate.island_trace import trace_islands
from cblcast.simulate.reliability import CONVENTIONS, system_minutes
from cblcast.sizing.designs import observed_threshold_usd, polished, priced_designs, reliable_designs
from cblcast.sizing.front import hypervolume
from cblcast.sizing.grid import front_of, grid_designs, with_costs_of
from cblcast.sizing.nsga2 import nsga2_front
from cblcast.sizing.problem import SizingProblem
from cblcast.value.bargaining import threshold_subsidy
from cblcast.workflow.island_year import island_year, study_islands
from cblcast.workflow.worlds import WorldResult

_POWERS = [
    "load_kw",
    "wind_available_kw",
    "wind_kw",
    "solar_kw",
    "diesel_kw",
    "charge_kw",
    "discharge_kw",
    "unserved_kw",
]


class MicrogridWorld:
    """One design of a microgrid through its islands: `cblcast simulate` with ``world: microgrid``."""

    section = MicrogridStudy

    def run(self, settings: MicrogridStudy, folder: Path) -> WorldResult:
        """Simulate the design; every flow of every step, sums of every island, system minutes by each convention."""
        from cblcast.report.microgrid import island_figure

        if settings.design is None:
            raise StudyError(
                "simulate needs one design: add design: {diesel_kw: 380, vehicles: 200}, or find one with cblcast size"
            )
        year, notes = island_year(settings, folder)
        drawn, more = study_islands(settings, year)
        islands, fleet, design = drawn.islands, settings.fleet.fleet(), settings.design
        steps = trace_islands(islands, design.diesel_kw, design.vehicles, fleet, settings.wind.cut)
        sums = (steps[_POWERS].groupby("scenario").sum() * islands.step_h).rename(
            columns=lambda c: c.replace("_kw", "_kwh")
        )
        sums.insert(0, "start", drawn.starts)
        ens = sums["unserved_kwh"].to_numpy()[None, :]
        peaks = settings.load.critical_peak_kw, settings.load.system_peak_kw
        minutes = {f"system_minutes_{c}": float(system_minutes(ens, *peaks, c)[0]) for c in CONVENTIONS}
        first = int(islands.turbine_kw.sum(axis=(1, 2)).argmax())
        last = int(islands.turbine_kw.sum(axis=(1, 2)).argmin())
        return WorldResult(
            {
                "name": settings.name,
                **design.model_dump(),
                "islands": islands.n_scenarios,
                **minutes,
                "unserved_kwh_per_island": float(ens.mean()),
                "diesel_kwh_per_island": float(sums["diesel_kwh"].mean()),
                "spilled_wind_pct": _spilled_pct(steps),
            },
            {"steps": steps, "islands": sums},
            {
                "windiest": lambda: island_figure(steps.loc[first], islands.step_h, "the windiest island"),
                "calmest": lambda: island_figure(steps.loc[last], islands.step_h, "the calmest island"),
            },
            notes + more,
        )


def _spilled_pct(steps: pd.DataFrame) -> float | None:
    there = float(steps["wind_available_kw"].sum())
    return 100 * (1 - float(steps["wind_kw"].sum()) / there) if there else None


@dataclass(frozen=True, eq=False)
class Sized:
    """What a sizing leaves behind.

    Attributes
    ----------
    fronts : DataFrame
        ``subsidy_usd``, then the columns of :func:`cblcast.sizing.grid.grid_designs`: the front for each subsidy.
    reliable : DataFrame
        Least diesel for each number of vehicles.
    priced : DataFrame, index subsidy_usd
        The cheapest reliable design and its price.
    seeds : DataFrame
        The same for each set of islands, where several were drawn (index seed, subsidy_usd), with the threshold.
    summary : dict
    notes : tuple of str
    run_id : str or None
    """

    fronts: pd.DataFrame
    reliable: pd.DataFrame
    priced: pd.DataFrame
    seeds: pd.DataFrame
    summary: dict[str, Any]
    notes: tuple[str, ...]
    run_id: str | None = None

    def result(self) -> WorldResult:
        """As files: tables, figures and the summary."""
        from cblcast.report.microgrid import front_figure, price_figure

        tables = {"fronts": self.fronts, "reliable_designs": self.reliable, "prices": self.priced}
        if len(self.seeds):
            tables["seeds"] = self.seeds
        limit = float(self.summary["system_minutes"])
        figures = {
            "fronts": lambda: front_figure(self.fronts, limit),
            "prices": lambda: price_figure(self.priced),
        }
        return WorldResult(self.summary, tables, figures, self.notes)


def read_microgrid(path: str | Path) -> MicrogridStudy:
    """A checked study of a microgrid from its YAML file."""
    return validated(MicrogridStudy, read_yaml(path, "study"), Path(path).name)


def sizing_problem(study: MicrogridStudy, islands: Islands, subsidy_usd: float = 0.0) -> SizingProblem:
    """The objectives that a study asks for."""
    own = study.sizing
    return SizingProblem(
        islands,
        study.fleet.fleet(),
        study.load.critical_peak_kw,
        study.load.system_peak_kw,
        study.economics.surplus_usd(),
        subsidy_usd,
        study.economics.diesel_usd_per_kw,
        study.wind.cut,
        own.convention,
        own.most_diesel_kw,
        own.most_vehicles,
    )


def size_microgrid(
    study: MicrogridStudy, folder: Path = Path(), progress: Callable[[str], None] = lambda _: None
) -> Sized:
    """Fronts, reliable designs and prices for every subsidy of a study."""
    own, fleet = study.sizing, study.fleet.fleet()
    year, notes = island_year(study, folder)
    drawn, more = study_islands(study, year)
    problem = sizing_problem(study, drawn.islands)
    progress("reliable designs")
    reliable = reliable_designs(problem, own.system_minutes, own.every_vehicles)
    terms = study.economics.terms(fleet.availability)
    priced = priced_designs(problem, reliable, own.subsidies_usd, terms)
    fronts, found = _fronts(study, problem, priced, progress)
    seeds = _seeds(study, year, progress)
    bound = threshold_subsidy(problem.surplus_usd, fleet.availability, fleet.power_kw, problem.diesel_usd_per_kw)
    summary = {
        "name": study.name,
        "islands": drawn.islands.n_scenarios,
        "surplus_usd": round(problem.surplus_usd, 2),
        "system_minutes": own.system_minutes,
        "convention": own.convention,
        "threshold_bound_usd": round(bound, 2),
        "threshold_usd": _number(observed_threshold_usd(reliable, problem.surplus_usd)),
        "method": own.method,
        **found,
    }
    if priced["at_limit"].any():
        more += (
            f"at {priced.index[priced['at_limit']][0]:g} $ even {own.most_vehicles} vehicles are not enough: raise most_vehicles",
        )
    for subsidy, row in priced[~priced["deal"] & (priced["vehicles"] > 0)].iterrows():
        more += (f"at {subsidy:g} $: {row['statement']}",)
    if own.seeds > 1 and study.island.scenarios == "all":
        more += ("seeds: is not used, since all windows are taken and nothing is drawn",)
    if len(seeds):
        by_seed = seeds["threshold_usd"].groupby("seed").first()
        summary["threshold_sd_usd"] = round(float(by_seed.std()), 1)
    return Sized(fronts, reliable, priced, seeds, summary, notes + more)


def _number(value: float) -> float | None:
    """As JSON knows it: nothing where there is no number."""
    return round(value, 2) if math.isfinite(value) else None


def _fronts(
    study: MicrogridStudy, problem: SizingProblem, priced: pd.DataFrame, progress: Callable[[str], None]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    own, parts, found = study.sizing, [], {}
    grid = grid_designs(problem, *own.grid) if own.method == "grid" else None
    for subsidy in own.subsidies_usd:
        progress(f"front at {subsidy:g} $")
        own_problem = problem.with_subsidy(subsidy)
        if grid is not None:
            front = front_of(with_costs_of(grid, own_problem))
        else:
            front = nsga2_front(own_problem, own.population, own.generations, study.island.seed)
            best = polished(own_problem, front, own.system_minutes)["cost_usd"].iloc[0]
            found[f"polished_cost_over_bisection_{subsidy:g}"] = round(float(best / priced.at[subsidy, "cost_usd"]), 4)
        parts.append(front.assign(subsidy_usd=float(subsidy)))
    table = pd.concat(parts, ignore_index=True)
    return table[["subsidy_usd", *[c for c in table.columns if c != "subsidy_usd"]]], found


def _seeds(study: MicrogridStudy, year: Any, progress: Callable[[str], None]) -> pd.DataFrame:
    """The priced designs of further sets of islands, for their scatter."""
    own = study.sizing
    if own.seeds == 1 or study.island.scenarios == "all":
        return pd.DataFrame()
    terms, parts = study.economics.terms(study.fleet.availability), {}
    for seed in range(study.island.seed, study.island.seed + own.seeds):
        progress(f"islands of seed {seed}")
        problem = sizing_problem(study, study_islands(study, year, seed)[0].islands)
        reliable = reliable_designs(problem, own.system_minutes, own.every_vehicles)
        priced = priced_designs(problem, reliable, own.subsidies_usd, terms)
        parts[seed] = priced.assign(threshold_usd=observed_threshold_usd(reliable, problem.surplus_usd))
    return pd.concat(parts, names=["seed"])


def size_study(path: str | Path, store: str | None = None, progress: Callable[[str], None] = lambda _: None) -> Sized:
    """Size the microgrid of a file, and track tables, figures and the summary in MLflow."""
    from cblcast import tracking

    study = read_microgrid(path)
    sized = size_microgrid(study, Path(path).parent, progress)
    with tracking.study_run(f"{study.name}-sizing", study.settings(), uri=store, tags={"world": "microgrid"}) as run:
        run.table("prices", sized.priced.drop(columns=["statement", "deal", "at_limit"]))
        _log_files(run, sized.result())
    return replace(sized, run_id=run.run_id)


def _log_files(run: Any, result: WorldResult) -> None:
    import tempfile

    from cblcast.workflow.worlds import write_result

    with tempfile.TemporaryDirectory() as place:
        for path in write_result(result, Path(place) / "sizing"):
            run.artifact(path)


def covered(front: pd.DataFrame, reference_front: pd.DataFrame) -> float:
    """Hypervolume of `front` over that of `reference_front`, both against the worst point of the reference (and a hundredth more)."""
    columns = ["cost_usd", "system_minutes"]
    worst = reference_front[columns].to_numpy().max(axis=0) * 1.01 + 1e-9
    return hypervolume(front[columns].to_numpy(), worst) / hypervolume(reference_front[columns].to_numpy(), worst)
