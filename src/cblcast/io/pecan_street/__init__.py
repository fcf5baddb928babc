"""Homes as Pecan Street's Dataport hands them out: a table of homes, and exports with one column a circuit."""

from cblcast.io.pecan_street.exports import read_pecan_street
from cblcast.io.pecan_street.metadata import read_metadata

__all__ = ["read_metadata", "read_pecan_street"]
