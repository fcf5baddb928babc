"""Tables that regulators and system operators ask for, from a settlement record and the meter that it names."""

from __future__ import annotations

from pathlib import Path

from cblcast.errors import StudyError
from cblcast.frames.schema import SITE
from cblcast.report.interval_export import interval_export
from cblcast.report.load_impacts import load_impacts
from cblcast.workflow.outputs import Writer, frame_writer
from cblcast.workflow.recording import case_of, read_record


def regulator_files(record: Path, impacts: Path | None, intervals: Path | None) -> dict[Path, Writer]:
    """Writers of the tables that are asked for.

    Raises
    ------
    StudyError
        Something other than a settlement record, or a meter too large to be read whole.
    """
    if record.suffix.lower() != ".json":
        raise StudyError(
            f"--impacts and --intervals are tables of a settlement: name its record (cblcast settle writes it), not {record.name}"
        )
    case, _, programs = case_of(read_record(record), whole=True)
    if case.panel is None:
        raise StudyError(f"the meter of {record.name} is read in parts: settle fewer sites to write tables of them")
    events = case.events[case.events[SITE].isin(case.panel.site_ids)].reset_index(drop=True)
    writers: dict[Path, Writer] = {}
    if impacts is not None:
        writers[impacts] = frame_writer(load_impacts(case.panel, events, programs).round(3), impacts)
    if intervals is not None:
        writers[intervals] = frame_writer(interval_export(case.panel, events), intervals)
    return writers
