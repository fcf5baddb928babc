"""What a protocol asks for, read off its class once."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=512)
def methods_of(protocol: type) -> tuple[str, ...]:
    """Names of the methods that a protocol declares, ``__call__`` among them."""
    declared = (name for name, it in vars(protocol).items() if callable(it) or isinstance(it, classmethod))
    return tuple(name for name in declared if name == "__call__" or not name.startswith("_"))
