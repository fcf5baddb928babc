"""A record settled again with revised readings: the difference line by line, and in all."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pandas as pd

from cblcast.errors import StudyError
from cblcast.workflow.outputs import Writer, check_ending, check_outputs, frame_writer, text_writer, write_all
from cblcast.workflow.recording import Again, settle_again
from cblcast.workflow.working import ALONE, Working


def resettled_files(
    record: Path | None,
    data: Path | None,
    out: Path | None = None,
    new_record: Path | None = None,
    working: Working = ALONE,
    decimals: int | None = None,
) -> tuple[Again, pd.DataFrame, str]:
    """Settle a record with revised readings; write the differences and the new record.

    Parameters
    ----------
    record : Path
    data : Path
        The revised readings.
    out : Path, optional
        Where the differences go.
    new_record : Path, optional
        Where the record of the second settlement goes; beside `out` unless given.
    decimals : int, optional
        Of the numbers in a CSV of `out`; all unless given.

    Returns
    -------
    again : Again
    lines : DataFrame
        See :func:`cblcast.settlement.record.line_differences`.
    total : str
        The difference in all, in words.
    """
    if record is None or data is None:
        raise StudyError("--resettle needs the revised readings: give --data")
    if new_record is None and out is not None:
        new_record = out.with_name(f"{out.name}.record.json")
    check_outputs({"--out": out, "--record": new_record}, {"--resettle": record, "--data": data})
    check_ending(out)
    again = settle_again(record, data, working)
    lines = again.lines
    writers: dict[Path, Writer] = {}
    if out is not None:
        writers[out] = frame_writer(lines, out, decimals)
    if new_record is not None:
        writers[new_record] = text_writer(json.dumps(again.found, ensure_ascii=False) + "\n")
    write_all(writers)
    return again, lines, _total(again, lines)


def _total(again: Again, lines: pd.DataFrame) -> str:
    """The difference of each rule; rules are alternatives, and do not add up."""
    told = []
    for name, own in lines.groupby("program", sort=False):
        words = f"{name}: {own['delivered_change_kwh'].sum():+.3f} kWh delivered"
        if "payment_change" in own.columns:
            currency = again.record["contract"]["terms"]["currency"]
            words += f", {sum(own['payment_change'], Decimal(0)):+} {currency}"
        told.append(words)
    return "; ".join(told)
