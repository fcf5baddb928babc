"""A baseline rule of one's own, as data: the same keys as a program file (``cblcast programs explain NAME``)."""

from __future__ import annotations

from cblcast import registry

MY_RULE = {
    "title": "Our contract of 2026: the highest four of the last five working days, adjusted by at most 20 %",
    "day_types": "working",
    "days": [{"applies_to": "working", "x": 4, "y": 5, "rank": "high"}],
    "adjustment": {
        "kind": "ratio",
        "windows": [{"side": "before", "hours": 2, "buffer": 1}],
        "cap": [0.8, 1.2],
    },
}

registry.RULES.register(MY_RULE, name="our_contract")
