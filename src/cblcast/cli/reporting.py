"""The command that writes pages."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cblcast.cli.bundles import unbundled
from cblcast.cli.options import AsJson, Reader, Store
from cblcast.io.options import DEFAULT_OPTIONS
from cblcast.terminal import print_json, progress

app = typer.Typer()


@dataclass(frozen=True)
class PageOptions:
    """Where a page goes, and in what words."""

    out: Annotated[
        Path | None, typer.Option(help="Where the page goes (default: the name of what is reported, .html, here).")
    ] = None
    mail: Annotated[
        Path | None, typer.Option(help="And where its summary for a mail goes, .html without pictures.")
    ] = None
    customer: Annotated[str, typer.Option(help="Who a settlement is for (default: its sites).")] = ""
    lang: Annotated[str, typer.Option(help="Language of headings and labels: en, de, fr, es, it.")] = "en"


@dataclass(frozen=True)
class Events:
    """What is judged on a meter file."""

    event: Annotated[
        str | None,
        typer.Option(help="Local hours of the events, e.g. 17:00-20:00 (default: the busiest of working days)."),
    ] = None
    method: Annotated[
        list[str] | None, typer.Option(help="A method by name instead of the usual ten; repeat for several.")
    ] = None


@app.command()
@unbundled
def report(
    what: Annotated[
        str,
        typer.Argument(
            metavar="METER|STUDY|RUN|RECORD|EXPERIMENT",
            help="A meter file, a study (.yaml), a run of the store by its id, a settlement record (.record.json) or an "
            "experiment's folder.",
        ),
    ],
    events: Events = Events(),
    to: PageOptions = PageOptions(),
    reader: Reader = DEFAULT_OPTIONS,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Write one self-contained page: which baseline fits a meter and why, or what a study, run, settlement or experiment found."""
    from cblcast.report.words import words_of
    from cblcast.workflow.outputs import check_outputs, text_writer, write_all
    from cblcast.workflow.reporting import Wanted, report_on, verdict_of

    words = words_of(to.lang)
    out = to.out or Path(f"{Path(what).name.partition('.')[0] or 'report'}.html")
    check_outputs({"--out": out, "--mail": to.mail}, {"METER": what, **reader.files})
    command = shlex.join(["cblcast", *sys.argv[1:]])
    wanted = Wanted(events.event, tuple(events.method or ()), reader, store, to.customer, command)
    with progress(as_json, 12, "reading") as told:
        page = report_on(what, words, wanted, told)
        writers = {out: text_writer(page.html())}
        if to.mail is not None:
            writers[to.mail] = text_writer(page.mail())
        write_all(writers)
    verdict = verdict_of(page)
    if as_json:
        print_json({"page": str(out), "mail": None if to.mail is None else str(to.mail), "verdict": verdict})
        return
    typer.echo(verdict)
    for path in writers:
        typer.secho(f"written: {path}", fg="green")
