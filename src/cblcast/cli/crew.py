"""Options of commands that work through a store: who does it, and where what is finished is kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cblcast.errors import StudyError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from cblcast.scaling import Outcome
    from cblcast.terminal import Steps
    from cblcast.workflow.working import Working

PANEL = "How large data is worked through"


@dataclass(frozen=True)
class Crew:
    """Who works through a Parquet file or a folder of them."""

    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            rich_help_panel=PANEL,
            help="Work through Parquet files or a table some sites at a time, so many at once.",
        ),
    ] = None
    processes: Annotated[int | None, typer.Option(min=1, hidden=True)] = None
    scheduler: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=PANEL,
            help="threads, processes, or a dask cluster, tcp://HOST:8786 (default: by the size of the data).",
        ),
    ] = None
    parts: Annotated[
        Path | None,
        typer.Option(
            rich_help_panel=PANEL,
            help="Folder of finished partitions; a run that was killed goes on there (default: beside --out or the study, .parts).",
        ),
    ] = None
    resume: Annotated[bool, typer.Option(rich_help_panel=PANEL, help="Go on with what is finished, or begin anew.")] = (
        True
    )

    @property
    def count(self) -> int | None:
        """Workers, by whichever name they were asked for."""
        if self.workers is not None and self.processes is not None:
            raise StudyError("--workers and --processes are one option: give --workers alone")
        told = self.workers if self.workers is not None else self.processes
        if told is not None:
            from cblcast.scaling.crews import check_workers

            check_workers(told)
        return told

    @property
    def processes_at_once(self) -> int:
        """Fresh interpreters that will be needed on this machine, as far as is known before the data is looked at."""
        return (self.count or 1) if self.scheduler == "processes" or self.processes is not None else 1

    def over_store(self, data: Path) -> bool:
        """Whether a meter file is worked through in parts: a folder, a table, day rows, or a Parquet file where that was asked for."""
        unasked = self.count is None and self.scheduler is None and self.parts is None
        always = data.is_dir() or str(data).startswith("sql:")
        if unasked and not always and data.suffix.lower() not in (".parquet", ".pq"):
            return False
        from cblcast.workflow.working import Working, is_store

        return is_store(data, Working(self.count, self.scheduler, self.parts))

    def working(self, progress: Steps, pool: Executor | None = None) -> Working:
        """As a workflow takes it."""
        from cblcast.workflow.working import Working

        return Working(self.count, self.scheduler, self.parts, self.resume, progress, pool)


ALONE = Crew()
MOST = 20  # failures that are told


def failures_of(outcome: Outcome | None) -> dict[str, Any]:
    """Partitions and sites that could not be done, for a JSON document; nothing where all could."""
    from cblcast.terminal import records

    return {"failures": records(outcome.failures)} if outcome is not None and outcome.partial else {}


def tell_failures(outcome: Outcome) -> None:
    """Partitions and sites that could not be done, each with its reason, on the error stream."""
    from cblcast.terminal import tell

    for row in outcome.failures.head(MOST).itertuples():
        what = f"Site {row.site_id!r}" if row.site_id else f"Partition {row.partition}"
        tell("warning", f"{what} could not be done: {row.reason}")
    if len(outcome.failures) > MOST:
        tell("warning", f"And {len(outcome.failures) - MOST} more sites or partitions could not be done")
