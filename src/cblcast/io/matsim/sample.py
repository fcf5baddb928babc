"""The bundled MATSim example: 100 agents who commute along one road, events and network (CC BY 4.0)."""

from __future__ import annotations

from pathlib import Path

from cblcast.datasets.files import samples


def equil() -> tuple[Path, Path]:
    """Events and network of MATSim's ``equil`` scenario, as bundled with cblcast."""
    folder = samples()
    return folder / "matsim_equil_events.xml.gz", folder / "matsim_equil_network.xml"
