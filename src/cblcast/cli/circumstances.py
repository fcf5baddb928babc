"""What else happened beside the events, and what is done about it: options of settling and explaining."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What else happened, and what is done about it."""

    other_events: Annotated[
        Path | None,
        typer.Option(help="Further events as --events, which only exclude their days; kind: outage are outages."),
    ] = None
    gaps: Annotated[
        str | None,
        typer.Option(help="Where an event was not metered throughout: interpolate, baseline or leave_out."),
    ] = None
    max_missing: Annotated[
        float | None,
        typer.Option(
            help="With --gaps: largest share of an event that may be missing, 0.25 unless given.", min=0, max=1
        ),
    ] = None
    net_metered: Annotated[
        bool, typer.Option("--net-metered", help="Shift where a ratio means nothing, as at a meter that exports.")
    ] = False

    def terms(self) -> dict[str, Any]:
        """As the workflow takes them."""
        from cblcast.errors import StudyError
        from cblcast.programs.terms import gap_policy

        if self.gaps is None and self.max_missing is not None:
            raise StudyError(
                "--max-missing does nothing without --gaps: say how gaps are filled, e.g. --gaps interpolate"
            )
        share = 0.25 if self.max_missing is None else self.max_missing
        policy = None if self.gaps is None else gap_policy(self.gaps, share)
        return {"other_events": self.other_events, "gaps": policy, "net_metered": self.net_metered}


NOTHING_ELSE = Circumstances()
