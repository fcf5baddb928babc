"""The command that says what a scored frame is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cblcast.cli.options import AsJson
from cblcast.terminal import print_json, print_table, progress, records

app = typer.Typer()


def _pairs(given: list[str], option: str) -> dict[str, str] | None:
    from cblcast.errors import StudyError

    for pair in given:
        if "=" not in pair:
            raise StudyError(f"{option} {pair!r} has no value: write {option} left=right")
    return {pair.partition("=")[0]: pair.partition("=")[2] for pair in given} or None


@app.command()
def value(
    scored: Annotated[
        Path,
        typer.Argument(help="CSV or Parquet: site_id, origin, time, method, observed_kw, predicted_kw."),
    ],
    market: Annotated[
        str, typer.Option(help="single_price, two_price, french, nordic, turkish; or contract, for demand baselines.")
    ],
    prices: Annotated[
        list[Path], typer.Option(help="Price file (.csv, .parquet), or .yaml: a study's value.prices; may be repeated.")
    ] = [],  # noqa: B006
    contract: Annotated[Path | None, typer.Option(help="With --market contract: terms, a YAML file.")] = None,
    bids: Annotated[str, typer.Option(help="What was sold day-ahead: a file with time and bid_kw, or none.")] = "none",
    rated_kw: Annotated[float | None, typer.Option(help="Installed capacity of each site [kW].")] = None,
    gate: Annotated[list[int], typer.Option(help="Minutes from trade to delivery; may be repeated.")] = [30],  # noqa: B006
    product: Annotated[int, typer.Option(help="Length of the product: 15, 30 or 60 min.")] = 30,
    half_spread: Annotated[float, typer.Option(help="Put around one intraday price [per MWh].")] = 1.0,
    k: Annotated[float | None, typer.Option(help="Surcharge of the market's rule [default: its own].")] = None,
    currency: Annotated[str, typer.Option(help="Currency of the prices.")] = "EUR",
    column: Annotated[
        list[str], typer.Option(help="theirs=ours: a price column's name in the file and here; may be repeated.")
    ] = [],  # noqa: B006
    only: Annotated[list[str], typer.Option(help="column=value: rows of the price file to read.")] = [],  # noqa: B006
    price_clock: Annotated[str | None, typer.Option(help="Zone of the clock of price times without offset.")] = None,
    zone: Annotated[
        str | None, typer.Option(help="Zone of the market; offsets and clock changes are held against it.")
    ] = None,
    days: Annotated[str, typer.Option(help="real, or flattened: price files with 24 hours on every day.")] = "real",
    reference: Annotated[
        str | None, typer.Option(help="Method to test the others against [default: the first].")
    ] = None,
    tz: Annotated[
        str | None, typer.Option(help="With --market contract: IANA zone of the sites, e.g. Europe/Rome.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where the table goes, .csv or .parquet.")] = None,
    as_json: AsJson = False,
) -> None:
    """What estimates are worth: nowcasts in three markets, or what demand baselines pay wrongly by a contract."""
    from cblcast.workflow.serving import write_frame
    from cblcast.workflow.valuing import make_value, price_files, value_file

    shared = {
        "columns": _pairs(column, "--column"),
        "only": _pairs(only, "--only"),
        "clock": price_clock,
        "zone": zone,
        "days": days,
    }
    section = make_value(
        {
            "market": market,
            "prices": price_files(prices, shared),
            "contract": None if contract is None else str(contract),
            "bids": None if market == "contract" else bids,
            "product_min": product,
            "half_spread": half_spread,
            "k": k,
            "currency": currency,
            "reference": reference,
        }
    )
    with progress(as_json, 1, "pricing"):
        table = value_file(scored, section, gates_min=gate, rated_kw=rated_kw, tz=tz).reset_index()
        if out is not None:
            write_frame(table, out)
    if as_json:
        print_json({"market": market, "currency": currency, "rows": records(table)})
        return
    stages = [
        name for name in table.columns if name.startswith(("day_ahead_", "intraday_", "imbalance_", "n_products"))
    ]
    print_table(table.drop(columns=stages), f"{scored.name} in a {market} market (by stage with --json or --out)")
    if market != "contract":
        typer.echo(
            "gain: over no nowcast; dm_p, gw_p: chance that the difference to the reference is luck (docs/markets.md)"
        )
