"""Random draws of a site that do not depend on whoever is screened beside it."""

from __future__ import annotations

import zlib

import numpy as np


def generator_of(site: str, seed: int) -> np.random.Generator:
    """The generator of one site: the same alone, among others, and in whatever order."""
    return np.random.default_rng([seed, zlib.crc32(str(site).encode())])
