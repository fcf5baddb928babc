"""Settlement, eligibility and integrity on somebody's files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from cblcast.days.placebo import placebo_events
from cblcast.eligibility import certify, recommend, sufficiency
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.frames.cases import View
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE, DataError, StudyError
from cblcast.io.formats import read_dispatch, read_meter
from cblcast.io.options import DEFAULT_OPTIONS, ReaderOptions
from cblcast.io.price_series import read_price_series
from cblcast.programs import load_program
from cblcast.programs.asking import load_programs
from cblcast.programs.calendars import warn_about_calendars
from cblcast.programs.terms import GapPolicy
from cblcast.report.template import read_template
from cblcast.report.words import words_of
from cblcast.settlement import Calibration, Settlement, Wishes
from cblcast.value.contract import read_contract
from cblcast.workflow.outputs import Writer, check_ending, check_outputs, frame_writer, text_writer, write_all
from cblcast.workflow.recording import record_document
from cblcast.workflow.screening import screened, tables_in_order
from cblcast.workflow.settlement_case import open_case, read_resources
from cblcast.workflow.settlement_outputs import page_of_record, settlement_table
from cblcast.workflow.working import ALONE, Working


def read_case(data: str | Path, events: str | Path, reader: ReaderOptions) -> tuple[Panel, pd.DataFrame]:
    """Meter and events; events of sites that the meter lacks are kept, for the settlement to list."""
    panel = read_meter(str(data), options=reader)
    more = {} if Path(events).suffix.lower() == ".json" else {"unknown_sites": "keep"}
    return panel, read_dispatch(events, panel, tz=reader.tz, **more)


def read_others(path: Path, panel: Panel | None, reader: ReaderOptions) -> pd.DataFrame:
    """Events that only exclude their days; those of sites that the meter lacks say nothing."""
    more = {} if path.suffix.lower() == ".json" else {"unknown_sites": "keep"}
    return read_dispatch(path, panel, tz=reader.tz, **more)


@dataclass(frozen=True)
class Papers:
    """Files beside the meter and the events that say what is paid, to whom.

    Attributes
    ----------
    contract, prices : path, optional
    resources, commitments : path, optional
        Members of resources with dates, and what each committed in each month.
    """

    contract: Path | None = None
    prices: Path | None = None
    resources: Path | None = None
    commitments: Path | None = None

    @property
    def files(self) -> dict[str, Path | None]:
        """By their option of the command line."""
        return {f"--{name}": getattr(self, name) for name in ("contract", "prices", "resources", "commitments")}


@dataclass(frozen=True)
class Destinations:
    """Where a settlement is written.

    Attributes
    ----------
    out : path, optional
        The settled events, or what `template` makes of them.
    html : path, optional
        A page.
    record : path, optional
        The record; beside `out`, or else beside `html`, unless given.
    template : str, optional
        Name or path of the template of `out`.
    decimals : int, optional
        Of the numbers of `out` where it is a CSV; the record is exact.
    recorded : bool
        Without a record most rules need no row an interval, and many sites are settled several times faster.

    Raises
    ------
    StudyError
        No record, and a page, which is made of one, or a path for one.
    """

    out: Path | None = None
    html: Path | None = None
    record: Path | None = None
    template: str | None = None
    decimals: int | None = None
    recorded: bool = True

    def __post_init__(self) -> None:
        if not self.recorded and (self.html is not None or self.record is not None):
            raise StudyError("--no-record writes no record: leave --html, which is made of one, and --record out")

    @property
    def record_path(self) -> Path | None:
        """Where the record goes; None where none is written."""
        beside = self.out or self.html if self.recorded else None
        return self.record or (None if beside is None else beside.with_name(f"{beside.name}.record.json"))


def settle_files(
    data: str | Path,
    events: str | Path,
    programs: Sequence[str],
    reader: ReaderOptions = DEFAULT_OPTIONS,
    papers: Papers = Papers(),
    to: Destinations = Destinations(),
    *,
    coverage: float | None = None,
    calibration: str = "event_like",
    bias_correction: bool = False,
    working: Working = ALONE,
    other_events: Path | None = None,
    gaps: GapPolicy | None = None,
    net_metered: bool = False,
) -> Settlement:
    """Settle the events of a file by rules; write the events, a page and the record.

    `other_events` only exclude their days; `gaps` and `net_metered` are terms for rules that have none of their own.

    A folder of Parquet files, and by `working` a Parquet file, is settled some sites at a time, in bounded memory; a large file
    is in any case. A run that was killed goes on where it was, from ``OUT.parts``.
    """
    _each_once(programs)
    inputs = {"--data": data, "--events": events, "--other-events": other_events, **papers.files, **reader.files}
    inputs |= {f"--program {name}": Path(name) for name in programs if Path(name).suffix in (".yaml", ".yml")}
    if to.template is not None:
        if to.out is None:
            raise StudyError("--template says how the table of --out is written: give --out too")
        inputs |= {"--template": Path(to.template)} if Path(to.template).suffix in (".yaml", ".yml") else {}
    check_outputs({"--out": to.out, "--html": to.html, "--record": to.record_path}, inputs)
    check_ending(to.out)
    template = None if to.template is None else read_template(to.template)
    terms = None if papers.contract is None else read_contract(papers.contract)
    resources = read_resources(papers.resources, papers.commitments)
    chosen = load_programs(programs, gaps, net_metered)
    on_sums = resources is not None and terms is not None and terms.selection == "aggregate"
    whole = on_sums or any(program.family == "control_group" for program in chosen)
    case = open_case(data, events, reader, working=working, resources=resources, whole=whole)
    wishes = Wishes(
        terms,
        read_prices(papers.prices),
        coverage,
        Calibration(calibration, bias_correction=bias_correction),  # type: ignore[arg-type]
        other_events=None if other_events is None else read_others(other_events, case.panel, reader),
        resources=resources,
        evidence=to.record_path is not None,
    )
    asked = working.asked(case.data, to.out)
    told, outcome = case.settle_and_tell(chosen, wishes, asked)
    if told.events.empty:
        first = told.problems.iloc[0]
        raise DataError(
            f"none of the events could be settled, and nothing is written; the first, of site {first[SITE]!r} at "
            f"{first['start']}: {first['reason']}"
        )
    writers: dict[Path, Writer] = {}
    if to.out is not None:
        writers[to.out] = frame_writer(settlement_table(told, template, case.sites, terms), to.out, to.decimals)
    if to.record_path is not None:
        document = record_document(case, told, wishes)
        if to.html is not None:
            writers[to.html] = text_writer(page_of_record(document, told.programs, case.panel, words_of()).html())
        writers[to.record_path] = text_writer(json.dumps(document, ensure_ascii=False) + "\n")
    write_all(writers)
    if outcome is not None:
        asked.done(outcome)
    zones = case.sites["tz"].astype(str).rename(index=str).to_dict()
    return replace(told, zones=zones, currency=None if terms is None else terms.currency)


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
) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """What stands out in events, single and over all of a site's, and their delivered energy adjusted and unadjusted.

    The zones of the sites come beside the tables.
    """
    panel, table = read_case(data, events, reader)
    rule = load_program(program)
    warn_about_calendars(panel, [rule])
    found = tables_in_order(screened(panel, table, program))
    return found, {str(site): str(zone) for site, zone in panel.sites["tz"].items()}
