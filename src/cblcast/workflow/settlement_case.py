"""What is settled: the meter, as a panel or as a file that is read some sites at a time, its sites and the events."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cblcast.frames.instants import DAY_US, local_microseconds, microseconds
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE, StudyError
from cblcast.hush import no_data_warnings
from cblcast.io.event_table import read_events
from cblcast.io.files import read_table
from cblcast.io.formats import read_dispatch, read_meter
from cblcast.io.names import is_site
from cblcast.io.options import ReaderOptions
from cblcast.io.resource_tables import read_commitments, read_members
from cblcast.io.site_table import read_sites, sites_for
from cblcast.io.store import MeterStore
from cblcast.programs.model import Program
from cblcast.scaling import Asked, Outcome, settle_store
from cblcast.scaling.stores import names_of
from cblcast.settlement import Resources, Settlement, Wishes, settle
from cblcast.settlement.panel_file import panel_rows
from cblcast.workflow.working import ALONE, Working, changed_options, is_store, open_store_as

LARGE_ROWS = 4_000_000  # of a Parquet file: what is read whole from there on needs a gigabyte
_LOG = logging.getLogger("cblcast.io")


@dataclass(frozen=True)
class Case:
    """Meter, sites and events.

    Attributes
    ----------
    data : Path
    reader : ReaderOptions
        As the meter was read.
    sites : DataFrame, index site_id
    events : DataFrame
    panel : Panel, optional
        None where a store is read some sites at a time.
    store : MeterStore, optional
        That store.
    """

    data: Path
    reader: ReaderOptions
    sites: pd.DataFrame
    events: pd.DataFrame
    panel: Panel | None
    store: MeterStore | None = None

    def settle(self, chosen: Sequence[Program], wishes: Wishes, asked: Asked | None = None) -> Settlement:
        """Settle the events by rules."""
        return self.settle_and_tell(chosen, wishes, asked)[0]

    def settle_and_tell(
        self, chosen: Sequence[Program], wishes: Wishes, asked: Asked | None = None
    ) -> tuple[Settlement, Outcome | None]:
        """Settle the events by rules; of a store also what became of its partitions."""
        if self.store is not None:
            return settle_store(self.store, self.sites, self.events, chosen, wishes, asked)
        assert self.panel is not None
        told = settle(
            self.panel,
            self.events,
            chosen,
            wishes.contract,
            prices=wishes.prices,
            coverage=wishes.coverage,
            calibration=wishes.calibration,
            portfolio=wishes.portfolio,
            other_events=wishes.other_events,
            resources=wishes.resources,
            evidence=wishes.evidence,
        )
        return told, None


def open_case(
    data: str | Path,
    events: str | Path | pd.DataFrame,
    reader: ReaderOptions,
    *,
    working: Working = ALONE,
    resources: Resources | None = None,
    whole: bool = False,
) -> Case:
    """Meter and events of somebody's files.

    Parameters
    ----------
    events : path or DataFrame
        Events of sites that the meter lacks are kept, for the settlement to list. A file that names a ``resource``
        instead of sites means its members on the day.
    working : Working
        Whether a Parquet file is read in parts; a folder and a large file are in any case, if they can be.
    whole : bool
        What is asked for needs all sites at once.
    """
    path = Path(data)
    in_parts = is_store(path, working) or (not whole and not changed_options(reader) and panel_rows(path) >= LARGE_ROWS)
    if in_parts:
        store, sites = open_sites(path, reader)
        panel = None
    else:
        store, panel = None, read_meter(str(path), options=reader)
        sites = panel.sites
    table = events if isinstance(events, pd.DataFrame) else _events(Path(events), panel, sites, reader, resources)
    return Case(path, reader, sites, table, panel, store)


def read_resources(resources: Path | None, commitments: Path | None) -> Resources | None:
    """Resources from their files; commitments alone say of nobody what is committed."""
    if resources is None:
        if commitments is not None:
            raise StudyError("--commitments are those of resources: give their members too (--resources)")
        return None
    return Resources(read_members(resources), None if commitments is None else read_commitments(commitments))


def open_sites(data: Path, reader: ReaderOptions) -> tuple[MeterStore, pd.DataFrame]:
    """A store and its sites; how it is read is told, as of a file."""
    store = open_store_as(data, reader)
    sites = sites_of_store(store, reader)
    _LOG.info("%s is read some sites at a time, as it stands: %d sites", data.name, len(sites))
    return store, sites


def sites_of_store(store: MeterStore, reader: ReaderOptions) -> pd.DataFrame:
    """The sites of a store: those that a table of sites names, else all that its files hold, as the store describes them."""
    defaults = {
        "tz": reader.tz or store.tz,
        "country": reader.country,
        "subdivision": reader.subdivision,
        "segment": reader.segment,
    }
    if reader.sites is None:
        with no_data_warnings():  # whoever cuts the store says it
            partitions = store.partitions()
        names, _ = names_of(store, partitions)
        there = {site for own in names for site in own}.union(*(one.left_out for one in partitions))
        everybody = pd.Index(sorted(there), name=SITE, dtype="str")
        described = pd.DataFrame() if store.sites is None else store.sites.reindex(everybody)
        return sites_for(everybody, None, described, defaults)
    known = read_sites(reader.sites)
    return sites_for(known.index, known.reset_index(), pd.DataFrame(), defaults)


def _events(
    path: Path, panel: Panel | None, sites: pd.DataFrame, reader: ReaderOptions, resources: Resources | None
) -> pd.DataFrame:
    if path.suffix.lower() == ".json":
        return read_dispatch(path, panel, tz=reader.tz)
    names = list(read_table(path, "event").frame.columns) if resources is not None else []
    if "resource" not in names or any(is_site(str(name)) for name in names):
        return read_events(path, panel, unknown_sites="keep", tz=reader.tz, site_ids=sites.index)
    called = read_events(path, unknown_sites="keep", tz=reader.tz, columns={"resource": SITE})
    return members_of(called, sites, resources)  # type: ignore[arg-type]


def members_of(called: pd.DataFrame, sites: pd.DataFrame, resources: Resources) -> pd.DataFrame:
    """Events of resources (named in ``site_id``) as events of their members on the local day."""
    parts = []
    for row in called.itertuples(index=False):
        name = str(row.site_id)
        everybody = resources.members.loc[resources.members["resource"] == name, SITE]
        zones = sites["tz"].reindex(everybody).dropna()
        zone = str(zones.iloc[0]) if len(zones) else "UTC"
        day = (local_microseconds(microseconds([row.start]), zone) // DAY_US).astype("M8[D]")[0]
        parts.append(pd.DataFrame([row] * len(own := resources.sites_of(name, day))).assign(**{SITE: own}))
    return pd.concat(parts, ignore_index=True).sort_values([SITE, "start"], ignore_index=True)
