"""Meter stores: Parquet files or folders of them, larger than memory, read by partitions of whole sites."""

from cblcast.io.store.meter_store import MeterStore, open_store
from cblcast.io.store.partitions import Partition
from cblcast.io.store.site_days import SiteDays
from cblcast.io.store.sql_store import SqlStore, open_sql_store

__all__ = ["MeterStore", "Partition", "SiteDays", "SqlStore", "open_sql_store", "open_store"]
