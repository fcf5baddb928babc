"""Settlement, eligibility and integrity on somebody's files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cblcast.days.placebo import placebo_events
from cblcast.eligibility import certify, recommend, sufficiency
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.frames.cases import View
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE, DataError, StudyError
from cblcast.integrity import screen, selection_bias, side_by_side
from cblcast.io.event_table import read_events
from cblcast.io.formats import read_dispatch, read_meter
from cblcast.io.options import DEFAULT_OPTIONS, ReaderOptions
from cblcast.io.price_series import read_price_series
from cblcast.io.site_table import read_sites
from cblcast.programs import explain, load_program
from cblcast.programs.asking import load_programs
from cblcast.programs.calendars import warn_about_calendars, with_calendar
from cblcast.programs.dispatch import on_grid
from cblcast.programs.terms import GapPolicy
from cblcast.report.settlement import settlement_page
from cblcast.settlement import Settlement, Wishes, settle, settle_file
from cblcast.value.contract import Contract, read_contract
from cblcast.workflow.outputs import check_ending, check_outputs, frame_writer, text_writer, write_all

READ_AS_IT_STANDS = ("sites", "tz", "country", "subdivision")  # what may be said of a file that is not converted


def read_case(data: str | Path, events: str | Path, reader: ReaderOptions) -> tuple[Panel, pd.DataFrame]:
    """Meter and events; events of sites that the meter lacks are kept, for the settlement to list."""
    panel = read_meter(str(data), options=reader)
    more = {} if Path(events).suffix.lower() == ".json" else {"unknown_sites": "keep"}
    return panel, read_dispatch(events, panel, tz=reader.tz, **more)


def read_others(path: Path, panel: Panel, reader: ReaderOptions) -> pd.DataFrame:
    """Events that only exclude their days; those of sites that the meter lacks say nothing."""
    more = {} if path.suffix.lower() == ".json" else {"unknown_sites": "keep"}
    return read_dispatch(path, panel, tz=reader.tz, **more)


def settle_files(
    data: str | Path,
    events: str | Path,
    programs: Sequence[str],
    reader: ReaderOptions = DEFAULT_OPTIONS,
    *,
    contract: Path | None = None,
    prices: Path | None = None,
    coverage: float | None = None,
    out: Path | None = None,
    html: Path | None = None,
    processes: int | None = None,
    other_events: Path | None = None,
    gaps: GapPolicy | None = None,
    net_metered: bool = False,
) -> Settlement:
    """Settle the events of a file by rules; write the events and a page.

    `other_events` only exclude their days; `gaps` and `net_metered` are terms for rules that have none of their own.

    With `processes`, a Parquet file of the panel's own columns is settled some sites at a time, in bounded memory.
    """
    _each_once(programs)
    more = {"--contract": contract, "--prices": prices, "--other-events": other_events}
    inputs = {"--data": data, "--events": events, **more, **reader.files}
    inputs |= {f"--program {name}": Path(name) for name in programs if Path(name).suffix in (".yaml", ".yml")}
    check_outputs({"--out": out, "--html": html}, inputs)
    check_ending(out)
    terms = None if contract is None else read_contract(contract)
    rules = load_programs(programs, gaps, net_metered)
    if processes is not None:
        others = None if other_events is None else read_events(other_events, unknown_sites="keep", tz=reader.tz)
        wishes = Wishes(terms, read_prices(prices), coverage, other_events=others)
        told = settle_file(*read_parts(data, events, reader), rules, wishes, processes=processes)
    else:
        panel, table = read_case(data, events, reader)
        others = None if other_events is None else read_others(other_events, panel, reader)
        told = settle(panel, table, rules, terms, prices=read_prices(prices), coverage=coverage, other_events=others)
    if told.events.empty:
        first = told.problems.iloc[0]
        raise DataError(
            f"none of the events could be settled, and nothing is written; the first, of site {first[SITE]!r} at "
            f"{first['start']}: {first['reason']}"
        )
    writers = {} if out is None else {out: frame_writer(told.events, out)}
    if html is not None:
        writers[html] = text_writer(page(told, terms, coverage))
    write_all(writers)
    return told


def read_parts(data: str | Path, events: str | Path, reader: ReaderOptions) -> tuple[Path, pd.DataFrame, pd.DataFrame]:
    """A Parquet file that is not read yet, its sites, and the events; nothing of the file may need to be converted."""
    changed = [name.replace("_", "-") for name in reader.given if name not in READ_AS_IT_STANDS]
    if Path(data).suffix != ".parquet" or reader.sites is None or changed:
        raise StudyError(
            "--processes settles a .parquet file with site_id, time (with a zone) and observed_kw [kW] as it stands: give "
            f"--sites with every site_id{', and leave out --' + changed[0] if changed else ''}, or leave --processes out"
        )
    known = read_sites(reader.sites)
    if "tz" not in known.columns:
        if reader.tz is None:
            raise StudyError("the sites have no column tz: add it, or give --tz")
        known = known.assign(tz=reader.tz)
    for column in ("country", "subdivision"):
        value = getattr(reader, column)
        if value is not None:
            known = known.assign(**{column: known[column].fillna(value) if column in known.columns else value})
    return Path(data), known, read_events(events, unknown_sites="keep", tz=reader.tz)


def page(told: Settlement, contract: Contract | None, coverage: float | None) -> str:
    """The settlement as one HTML page."""
    return settlement_page(
        told.events,
        told.portfolio,
        told.problems,
        {program.name: explain(program) for program in told.programs},
        currency=contract.currency if contract else None,
        coverage=coverage,
    )


def read_prices(path: Path | None) -> pd.Series | None:
    """The price series of a file, read as every table is."""
    return None if path is None else read_price_series(path)


def _each_once(programs: Sequence[str]) -> None:
    twice = next((name for at, name in enumerate(programs) if name in programs[:at]), None)
    if twice is not None:
        raise StudyError(f"--program {twice} is given twice: give each rule once")


def eligibility_files(
    data: str | Path,
    programs: Sequence[str],
    start: str,
    stop: str,
    reader: ReaderOptions = DEFAULT_OPTIONS,
    *,
    gate: str | None = None,
    choose: tuple[str, str] | None = None,
    judge: tuple[str, str] | None = None,
    learned: Sequence[str] | None = None,
    train: tuple[str, str] | None = None,
) -> dict[str, pd.DataFrame]:
    """Sufficiency of each site, admissibility of each rule, and the rule to take against learned baselines (with spans)."""
    _each_once(programs)
    panel = read_meter(str(data), options=reader)
    warn_about_calendars(panel, [load_program(program) for program in programs])
    first = choose or (None, None)
    days = placebo_events(panel, start, stop, first=first[0], last=first[1])
    found = {"sufficiency": sufficiency(panel).reset_index(), "rules": certify(panel, days, programs, gate)}
    if choose is not None and judge is not None:
        later = placebo_events(panel, start, stop, first=judge[0], last=judge[1])
        taught = {name: Forecaster(make_estimator(name), view=View.settlement(), name=name) for name in learned or ()}
        before = None if train is None else placebo_events(panel, start, stop, first=train[0], last=train[1])
        told = recommend(panel, days, later, programs, gate, learned=taught, train_on=before)
        found["recommendation"] = told.reset_index()
    elif learned:
        raise StudyError("a learned baseline is compared on later days: give --train, --choose and --judge")
    return found


def integrity_files(
    data: str | Path, events: str | Path, program: str, reader: ReaderOptions = DEFAULT_OPTIONS
) -> dict[str, pd.DataFrame]:
    """What stands out in events, and their delivered energy adjusted and unadjusted."""
    panel, table = read_case(data, events, reader)
    rule = load_program(program)
    warn_about_calendars(panel, [rule])
    panel = panel if rule.calendar is None else with_calendar(rule.calendar, panel)
    called = table[table[SITE].isin(panel.site_ids)]
    table = on_grid(panel, called)  # readings that an event begins or ends in are screened whole
    if table.empty:
        raise DataError("no site of the events is in the data: check the site ids")
    return {
        "events": screen(panel, table, program),
        "sites": selection_bias(panel, table, program).reset_index(),
        "side_by_side": side_by_side(panel, called, program),
    }
