"""Meter stores: Parquet files or folders of them, larger than memory, read by partitions of whole sites."""

from cblcast.io.store.meter_store import MeterStore, open_store
from cblcast.io.store.partitions import Partition
from cblcast.io.store.site_days import SiteDays

__all__ = ["MeterStore", "Partition", "SiteDays", "open_store"]
