"""The command that says what a scored frame is worth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cblcast.cli.bundles import unbundled
from cblcast.cli.options import AsJson, Written
from cblcast.terminal import print_json, print_table, progress, records

app = typer.Typer()
_BY_STAGE = ("day_ahead_", "intraday_", "imbalance_", "n_products")


@dataclass(frozen=True)
class Prices:
    """Price files, and how they are read."""

    prices: Annotated[
        list[Path] | None,
        typer.Option(help="Price file (.csv, .parquet), or .yaml: a study's value.prices; may be repeated."),
    ] = None
    price_column: Annotated[
        list[str] | None, typer.Option(help="THEIRS=ours: a price column's name in the file and here; may be repeated.")
    ] = None
    only: Annotated[list[str] | None, typer.Option(help="COLUMN=value: rows of the price file to read.")] = None
    price_clock: Annotated[str | None, typer.Option(help="Zone of the clock of price times without offset.")] = None
    zone: Annotated[
        str | None, typer.Option(help="Zone of the market; offsets and clock changes are held against it.")
    ] = None
    days: Annotated[str, typer.Option(help="real, or flattened: price files with 24 hours on every day.")] = "real"

    def files(self) -> list[Any]:
        """The files as a study's value.prices names them."""
        from cblcast.workflow.valuing import price_files

        shared = {
            "columns": _pairs(self.price_column, "--price-column"),
            "only": _pairs(self.only, "--only"),
            "clock": self.price_clock,
            "zone": self.zone,
            "days": self.days,
        }
        return price_files(self.prices or [], shared)


@dataclass(frozen=True)
class Trade:
    """How a nowcast is traded, and whom it is tested against."""

    bids: Annotated[str, typer.Option(help="What was sold day-ahead: a file with time and bid_kw, or none.")] = "none"
    rated_kw: Annotated[float | None, typer.Option(help="Installed capacity of each site, in kW.")] = None
    gate: Annotated[
        list[int] | None, typer.Option(help="Minutes from trade to delivery (default: 30); may be repeated.")
    ] = None
    product: Annotated[int, typer.Option(help="Length of the product: 15, 30 or 60 min.")] = 30
    half_spread: Annotated[float, typer.Option(help="Put around one intraday price, per MWh.")] = 1.0
    k: Annotated[float | None, typer.Option(help="Surcharge of the market's rule (default: its own).")] = None
    currency: Annotated[str, typer.Option(help="Currency of the prices.")] = "EUR"
    reference: Annotated[str | None, typer.Option(help="Method to test the others against (default: the first).")] = (
        None
    )

    def terms(self) -> dict[str, Any]:
        """Terms of a section of a study, by its names."""
        return {
            "bids": self.bids,
            "product_min": self.product,
            "half_spread": self.half_spread,
            "k": self.k,
            "currency": self.currency,
            "reference": self.reference,
        }

    def given(self) -> dict[str, Any]:
        """Of these, what is not as it is by itself."""
        plain = Trade().terms()
        return {name: value for name, value in self.terms().items() if value != plain[name]}


@dataclass(frozen=True)
class Demand:
    """Terms of payment of a demand baseline."""

    contract: Annotated[Path | None, typer.Option(help="With --market contract: terms, a YAML file.")] = None
    tz: Annotated[
        str | None, typer.Option(help="With --market contract: IANA zone of the sites, e.g. Europe/Rome.")
    ] = None


def _pairs(given: list[str] | None, option: str) -> dict[str, str] | None:
    from cblcast.errors import StudyError

    for pair in given or ():
        if "=" not in pair:
            raise StudyError(f"{option} {pair!r} has no value: write {option} left=right")
    return {pair.partition("=")[0]: pair.partition("=")[2] for pair in given or ()} or None


@app.command()
@unbundled
def value(
    scored: Annotated[
        Path, typer.Argument(help="CSV or Parquet: site_id, origin, time, method, observed_kw, predicted_kw.")
    ],
    market: Annotated[
        str, typer.Option(help="single_price, two_price, french, nordic, turkish; or contract, for demand baselines.")
    ],
    prices: Prices = Prices(),
    trade: Trade = Trade(),
    demand: Demand = Demand(),
    written: Written = Written(),
    as_json: AsJson = False,
) -> None:
    """What estimates are worth: nowcasts in three markets, or what demand baselines pay wrongly by a contract."""
    from cblcast.errors import StudyError
    from cblcast.workflow.outputs import check_ending, check_outputs
    from cblcast.workflow.serving import write_frame
    from cblcast.workflow.valuing import currency_of, make_value, value_file

    bids, out = None if trade.bids == "none" else trade.bids, written.out
    priced = {f"--prices {path}": path for path in prices.prices or ()}
    check_outputs({"--out": out}, {"SCORED": scored, "--bids": bids, "--contract": demand.contract, **priced})
    check_ending(out)
    if market == "contract":
        terms = trade.given()
        if trade.gate is not None or trade.rated_kw is not None:
            raise StudyError("--gate and --rated-kw belong to nowcasts in a market, not to a contract: leave them out")
    else:
        terms = trade.terms()
        if demand.tz is not None:
            raise StudyError(
                f"--tz belongs to --market contract; a {market} market is priced by instants: leave it out"
            )
    contract = None if demand.contract is None else str(demand.contract)
    section = make_value({"market": market, "prices": prices.files(), "contract": contract, **terms})
    with progress(as_json, 1, "pricing"):
        gates = trade.gate or [30]
        table = value_file(scored, section, gates_min=gates, rated_kw=trade.rated_kw, tz=demand.tz).reset_index()
        if out is not None:
            write_frame(table, out, written.places)
    if as_json:
        print_json({"market": market, "currency": currency_of(section), "rows": records(table)})
        return
    shown = [name for name in table.columns if not name.startswith(_BY_STAGE)]
    print_table(table[shown], f"{scored.name} in a {market} market (by stage with --json or --out)")
    if market != "contract":
        typer.echo(
            "gain: over no nowcast; dm_p, gw_p: chance that the difference to the reference is luck (docs/markets.md)"
        )
