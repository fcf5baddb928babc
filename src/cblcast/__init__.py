"""Customer baselines for demand response and wind power nowcasts.

The package root holds the version and nothing else, so that ``import cblcast`` costs nothing.
"""

__version__ = "0.1.0"
