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
from cblcast.frames.schema import SITE, DataError, StudyError, utc
from cblcast.integrity import screen, selection_bias, side_by_side
from cblcast.io.event_table import read_events
from cblcast.io.formats import read_dispatch, read_meter
from cblcast.io.options import DEFAULT_OPTIONS, ReaderOptions
from cblcast.io.site_table import read_sites
from cblcast.programs import explain
from cblcast.report.settlement import settlement_page
from cblcast.settlement import Calibration, Settlement, Wishes, settle, settle_file
from cblcast.value.contract import Contract, read_contract
from cblcast.workflow.outputs import check_ending, check_outputs, frame_writer, text_writer, write_all


def read_case(data: str | Path, events: str | Path, reader: ReaderOptions) -> tuple[Panel, pd.DataFrame]:
    """Meter and events; events of sites that the meter lacks are kept, for the settlement to list."""
    panel = read_meter(str(data), options=reader)
    more = {} if Path(events).suffix.lower() == ".json" else {"unknown_sites": "keep"}
    return panel, read_dispatch(events, panel, tz=reader.tz, **more)


def settle_files(
    data: str | Path,
    events: str | Path,
    programs: Sequence[str],
    reader: ReaderOptions = DEFAULT_OPTIONS,
    *,
    contract: Path | None = None,
    prices: Path | None = None,
    coverage: float | None = None,
    calibration: str = "event_like",
    bias_correction: bool = False,
    out: Path | None = None,
    html: Path | None = None,
    processes: int | None = None,
) -> Settlement:
    """Settle the events of a file by rules; write the events and a page.

    With `processes`, a Parquet file of the panel's own columns is settled some sites at a time, in bounded memory.
    """
    inputs = {"--data": data, "--events": events, "--contract": contract, "--prices": prices, **reader.files}
    check_outputs({"--out": out, "--html": html}, inputs)
    check_ending(out)
    terms = None if contract is None else read_contract(contract)
    days = Calibration(calibration, bias_correction=bias_correction)  # type: ignore[arg-type]
    if processes is not None:
        wishes = Wishes(terms, read_prices(prices), coverage, days)
        told = settle_file(*read_parts(data, events, reader), programs, wishes, processes=processes)
    else:
        panel, table = read_case(data, events, reader)
        told = settle(panel, table, programs, terms, prices=read_prices(prices), coverage=coverage, calibration=days)
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
    changed = [name.replace("_", "-") for name in reader.given if name not in ("sites", "tz")]
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
    """A price series from a CSV with ``time`` (with offset) and ``price_per_kwh``."""
    if path is None:
        return None
    try:
        frame = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise DataError(f"the prices in {path.name!r} cannot be read: {error}") from None
    if not {"time", "price_per_kwh"} <= set(frame.columns):
        raise DataError(f"{path.name} needs the columns time and price_per_kwh, not {', '.join(frame.columns)}")
    times = pd.to_datetime(frame["time"], utc=frame["time"].astype(str).str.contains(r"Z$|[+-]\d\d:?\d\d$").all())
    return pd.Series(frame["price_per_kwh"].to_numpy(dtype=float), index=utc(pd.DatetimeIndex(times), path.name))


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
    panel = read_meter(str(data), options=reader)
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
    table = table[table[SITE].isin(panel.site_ids)]
    if table.empty:
        raise DataError("no site of the events is in the data: check the site ids")
    return {
        "events": screen(panel, table, program),
        "sites": selection_bias(panel, table, program).reset_index(),
        "side_by_side": side_by_side(panel, table, program),
    }
