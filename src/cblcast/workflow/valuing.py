"""What estimates are worth: a scored frame and prices in, money out; for a study and for a file."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from cblcast.checked.yaml_files import parse_yaml, read_text
from cblcast.config.value_section import CONTRACT, Value
from cblcast.frames.panel import Panel
from cblcast.frames.schema import (
    CASE_INDEX,
    OBSERVED,
    ORIGIN,
    PREDICTED,
    SITE,
    TIME,
    DataError,
    DataWarning,
    StudyError,
    nearest,
)
from cblcast.io.clock import parse_times
from cblcast.io.files import numbers, read_table
from cblcast.io.price_products import price_gaps, to_products
from cblcast.io.prices import read_prices
from cblcast.io.time_columns import read_times
from cblcast.value.contract import read_contract
from cblcast.value.imbalance import RULES
from cblcast.value.market import Market, make_market
from cblcast.value.mispayment import event_mispayments, mispayment_table
from cblcast.value.products import nowcast_energy, observed_energy, power_energy
from cblcast.value.significance_table import against_reference
from cblcast.value.wind_market import NONE, PERFECT, Valuation, value_wind
from cblcast.value.wind_tables import income_table

NO_BIDS = "none"


def make_value(document: dict[str, Any]) -> Value:
    """A section from a mapping; what is wrong with it is one sentence."""
    try:
        return Value(**document)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        message = str(problem["msg"]).removeprefix("Value error, ")
        raise StudyError(f"{key}: {message}" if key else message) from None


def price_files(paths: Sequence[Path], shared: dict[str, Any]) -> list[Any]:
    """Price files of a section: each path with the shared options, or the list that a YAML file holds, beside which its files lie."""
    files: list[Any] = []
    for path in paths:
        if path.suffix not in (".yaml", ".yml"):
            files.append({"file": str(path), **shared})
            continue
        idle = [name for name, value in shared.items() if value not in (None, "real")]
        if idle:
            raise StudyError(
                f"{path.name} says of each of its price files how it is read, so {idle[0]} beside it would do nothing: write it there"
            )
        document = parse_yaml(read_text(path, "list of price files"), path.name)
        for one in document if isinstance(document, list) else [document]:
            if not isinstance(one, dict) or "file" not in one:
                raise StudyError(f"{path.name} must hold a list of price files, each with file: (docs/markets.md)")
            files.append({**one, "file": str(path.parent / str(one["file"]))})
    return files


def currency_of(section: Value) -> str:
    """Currency of what a section pays: a contract has its own."""
    return section.currency if section.market != CONTRACT else read_contract(Path(str(section.contract))).currency


def study_value(section: Value, panel: Panel, scored: pd.DataFrame) -> pd.DataFrame:
    """Money columns of a study's leaderboard, index method."""
    if scored.empty:
        raise DataError("no method has an estimate, so nothing can be priced: see why the events were left out")
    if section.market == CONTRACT:
        return demand_table(section, scored, panel.sites["tz"])
    bids = None if section.bid_column is None else _panel_bids(panel, section.bid_column)
    found = wind_valuation(section, scored, _rated_mw(panel.sites), [section.gate_min], bids)
    table = wind_table(found, section.reference).xs(section.gate_min, level="gate_min")
    gain = f"gain_{section.currency.lower()}_per_mw_week"
    return table.drop(index=[NONE, PERFECT]).assign(**{f"perfect_{gain}": table.at[PERFECT, gain]})


def wind_valuation(
    section: Value,
    scored: pd.DataFrame,
    rated_mw: pd.Series,
    gates_min: Sequence[int],
    bids_kw: pd.Series | None = None,
) -> Valuation:
    """Price a scored frame of nowcasts; what no case counts is told."""
    now = nowcast_energy(scored, section.product_min, gates_min)
    output = observed_energy(scored, section.product_min)
    if bids_kw is None:
        bids_kw = (
            _no_bids(output)
            if section.bids in (None, NO_BIDS)
            else read_bids(str(section.bids), list(now.index.levels[0]))
        )
    times = pd.DatetimeIndex(now.index.union(output.index).get_level_values(TIME).unique()).sort_values()
    market = read_market(section, times)
    found = value_wind(output, power_energy(bids_kw, section.product_min), now, market, rated_mw)
    if found.left_out:
        told = ", ".join(f"{count} because {reason}" for reason, count in found.left_out.items())
        warnings.warn(
            f"{sum(found.left_out.values())} products of {section.product_min} min are left out of every case: {told}",
            DataWarning,
            stacklevel=2,
        )
    return found


def wind_table(found: Valuation, reference: str | None = None) -> pd.DataFrame:
    """Income, gain, risk, and each nowcast against the reference; index (method, gate_min)."""
    names = [name for name in dict.fromkeys(found.cases.get_level_values("method")) if name not in (NONE, PERFECT)]
    against = reference or names[0]
    if against not in names:
        raise StudyError(f"no nowcast is called {against!r} to test the others against: {nearest(against, names)}")
    return income_table(found).join(against_reference(found, against)).assign(n_products=len(found.products))


def demand_table(section: Value, scored: pd.DataFrame, zones: pd.Series) -> pd.DataFrame:
    """What each baseline pays wrongly by a contract, index method; prices of a series per kWh, or per MWh."""
    contract = read_contract(Path(str(section.contract)))
    prices = None
    if section.prices:
        table = _all_prices(section)
        if "price_per_kwh" in table:
            prices = table["price_per_kwh"]
        elif "day_ahead_per_mwh" in table:
            prices = table["day_ahead_per_mwh"] / 1000
        else:
            raise DataError("the prices of a contract are called price_per_kwh or day_ahead_per_mwh: map the column")
    return mispayment_table(event_mispayments(scored, contract, zones, prices), contract.currency)


def read_market(section: Value, times: pd.DatetimeIndex) -> Market:
    """The market of a section at the products that begin at `times`; gaps of its prices inside their span are told.

    The rule makes imbalance prices of the shortest products that the files hold, and those are averaged over longer ones.
    """
    table, known = _side_by_side(section)
    market = make_market(
        table,
        section.market,
        int(table.attrs["step_min"]),
        k=section.k,
        half_spread=section.half_spread,
        currency=section.currency,
    )
    # An empty cell can say that nothing was regulated; a row that the file lacks says nothing.
    settled = np.logical_and.reduce([known[name].to_numpy() for name in RULES[section.market].columns])
    market = replace(market, long=np.where(settled, market.long, np.nan), short=np.where(settled, market.short, np.nan))
    _tell_gaps(market, times)
    return market.products(times, section.product_min)


def _tell_gaps(market: Market, times: pd.DatetimeIndex) -> None:
    sell, buy = market.intraday(0)
    prices = {"day_ahead": market.day_ahead, "intraday": sell + buy, "long": market.long, "short": market.short}
    made = pd.DataFrame({f"{name}_per_mwh": values for name, values in prices.items()}, index=market.times)
    if np.array_equal(np.isfinite(prices["day_ahead"]), np.isfinite(prices["intraday"])):
        made = made.drop(columns="intraday_per_mwh")  # told once where one stands in for the other
    inside = made[(made.index >= times[0]) & (made.index <= times[-1])]
    inside.attrs["step_min"] = market.product_min
    gaps = price_gaps(inside)
    if len(gaps):
        first = gaps.iloc[0]
        warnings.warn(
            f"the prices have {len(gaps)} gaps ({int(gaps['n_products'].sum())} products), the first in {first['column']} from "
            f"{first['start']} to {first['stop']}: those products are left out of every case",
            DataWarning,
            stacklevel=3,
        )


def _all_prices(section: Value) -> pd.DataFrame:
    """Every price file of a section side by side, at the shortest of their products."""
    return _side_by_side(section)[0]


def _side_by_side(section: Value) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every price file of a section at the shortest of their products, and for each column whether its file has the row."""
    read = [
        read_prices(**{"source" if k == "file" else k: v for k, v in one.model_dump().items()})
        for one in section.prices
    ]
    names = [str(name) for one in read for name in one.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise StudyError(f"two price files give {twice[0]!r}: name in columns: which of them to read")
    step = min(int(one.attrs["step_min"]) for one in read)
    own = [_parts(one, step) for one in read]
    times = read[0].index if len(read) == 1 else pd.DatetimeIndex(sorted(set().union(*own)))
    table = read[0] if len(read) == 1 else pd.concat([to_products(one, times, step) for one in read], axis=1)
    table.attrs["step_min"] = step
    known = pd.DataFrame(
        {name: times.isin(rows) for one, rows in zip(read, own, strict=True) for name in one.columns}, index=times
    )
    return table, known


def _parts(prices: pd.DataFrame, step_min: int) -> pd.DatetimeIndex:
    us = pd.DatetimeIndex(prices.index).as_unit("us").asi8
    parts = np.arange(int(prices.attrs["step_min"]) // step_min) * step_min * 60_000_000
    return pd.DatetimeIndex((us[:, None] + parts).ravel().view("M8[us]")).tz_localize("UTC")


def read_bids(source: str | Path, site_ids: Sequence[str]) -> pd.Series:
    """Day-ahead bids [kW] by (site_id, time), from a file with ``time`` (with offsets) and ``bid_kw``; ``site_id`` if several."""
    table = read_table(source, "bid")
    if "bid_kw" not in table.frame.columns:
        raise DataError(f"{table.name} has no column 'bid_kw': {nearest('bid_kw', map(str, table.frame.columns))}")
    times = read_times(table, None)
    stamps = times.stamps
    if not stamps.aware:
        raise DataError(f"{table.name} has times without a zone: write them with their offset (2015-01-01T00:00+01:00)")
    if SITE in table.frame.columns:
        sites = table.frame[SITE].astype("str")
    elif len(site_ids) == 1:
        sites = pd.Series(site_ids[0], index=table.frame.index)
    else:
        raise DataError(f"{table.name} has no site_id, but {len(site_ids)} sites are priced: add the column")
    index = pd.MultiIndex.from_arrays(
        [sites, pd.DatetimeIndex(stamps.us.view("M8[us]")).tz_localize("UTC")], names=[SITE, TIME]
    )
    if index.has_duplicates:
        site, time = index[index.duplicated()][0]
        raise DataError(f"{table.name} bids twice for site {site!r} at {time}: keep one row a product")
    return pd.Series(numbers(table.frame["bid_kw"], table).to_numpy(), index=index)


def read_scored(source: str | Path) -> pd.DataFrame:
    """A scored frame from a file: ``site_id``, ``origin``, ``time``, ``observed_kw``, ``predicted_kw``, and ``method`` if several."""
    table = read_table(source, "scored")
    frame = table.frame
    for column in (*CASE_INDEX, OBSERVED, PREDICTED):
        if column not in frame.columns:
            raise DataError(
                f"{table.name} has no column {column!r}, so it is no scored frame: {nearest(column, map(str, frame.columns))}"
            )
    made = pd.DataFrame({column: numbers(frame[column], table) for column in (OBSERVED, PREDICTED)})
    made["method"] = frame["method"].astype("str") if "method" in frame.columns else table.stem
    for column in (ORIGIN, TIME):
        stamps = parse_times(frame[column], table)
        if not stamps.aware:
            raise DataError(f"{column} in {table.name} has times without a zone: give offsets (2019-06-01T17:00+02:00)")
        made[column] = pd.DatetimeIndex(stamps.us.view("M8[us]")).tz_localize("UTC")
    return made.assign(**{SITE: frame[SITE].astype("str")}).set_index(CASE_INDEX)


def value_file(
    source: str | Path, section: Value, *, gates_min: Sequence[int], rated_kw: float | None, tz: str | None
) -> pd.DataFrame:
    """Money of a scored frame that exists; index method, or (method, gate_min)."""
    scored = read_scored(source)
    sites = pd.Index(scored.index.get_level_values(SITE).unique())
    if section.market == CONTRACT:
        if tz is None:
            raise StudyError("a contract pays by the local hour: give --tz, the zone of the sites")
        return demand_table(section, scored, pd.Series(tz, index=sites))
    if rated_kw is None or not rated_kw > 0:
        raise StudyError("income is told per MW of installed capacity: give --rated-kw, that of each site")
    found = wind_valuation(section, scored, pd.Series(rated_kw / 1000, index=sites), gates_min)
    return wind_table(found, section.reference)


def _panel_bids(panel: Panel, column: str) -> pd.Series:
    if column not in panel.data.columns:
        raise StudyError(
            f"value.bid_column: the panel has no column {column!r}: {nearest(column, map(str, panel.data.columns))}"
        )
    return panel.data[column].astype(np.float64)


def _no_bids(output: pd.Series) -> pd.Series:
    return pd.Series(0.0, index=output.index)


def _rated_mw(sites: pd.DataFrame) -> Any:
    if "rated_kw" not in sites.columns or sites["rated_kw"].isna().any():
        raise StudyError("value: needs rated_kw of every site: add it to the site table")
    return sites["rated_kw"].astype(float) / 1000
