"""The device that nets are trained on; whatever it is, what was learned comes back to the processor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cblcast.frames.schema import StudyError

if TYPE_CHECKING:
    import torch

AUTO = "auto"
_DEVICES = ("cpu", "cuda")


def pick_device(name: str) -> torch.device:
    """The torch device called `name`: ``cpu``, ``cuda`` (``cuda:1`` ...), or ``auto``, a CUDA device where there is one.

    Raises
    ------
    StudyError
        If there is no such device, e.g. ``cuda`` on a machine without one.
    """
    import torch

    if name == AUTO:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        raise StudyError(
            f"device={name!r} is not known: use 'cpu' or 'cuda', or 'auto' for whichever is there"
        ) from None
    if device.type not in _DEVICES:
        raise StudyError(f"device={name!r} is not supported: use 'cpu' or 'cuda', or 'auto' for whichever is there")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise StudyError(
            f"device={name!r} was asked for, but torch finds no such CUDA device here: use device='cpu', or 'auto' for whichever "
            "is there"
        )
    return device
