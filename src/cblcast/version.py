"""The version of the package, for those that stand below its face."""

__version__ = "0.1.0"
