"""A `distributed` cluster as a crew: reached within seconds or told in a sentence, and the same version on all its machines."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cblcast.errors import StudyError
from cblcast.io.database import masked
from cblcast.version import __version__

if TYPE_CHECKING:
    from distributed import Client

_SCHEMES = ("tcp", "tls", "ucx", "ws", "wss", "http", "https", "")
WITHIN_S = 5.0  # for a scheduler, and for a first worker, to answer at all


@contextmanager
def cluster(address: str) -> Iterator[Client]:
    """A client of a scheduler; nothing of it is left when the block ends.

    Raises
    ------
    StudyError
        Without the extra, no address, nobody there within five seconds, no worker, or workers with another cblcast.
    """
    try:
        from distributed import Client
    except ImportError:
        raise StudyError(
            "a cluster needs the package distributed: pip install 'cblcast[scale]', or leave --scheduler out to work on this "
            "machine"
        ) from None
    name = masked(address)
    if "@" in address:
        raise StudyError(
            f"the address {_host(address)} names a user, and a scheduler knows none: write tcp://HOST:8786, or tls:// with dask's own "
            "certificates"
        )
    _check_address(address)
    known = logging.root.manager.loggerDict
    of_dask = [logging.getLogger(name) for name in known if name.partition(".")[0] == "distributed"]
    levels = [logger.level for logger in of_dask]
    for logger in of_dask:  # each has a level of its own; what they say of a lost connection is said here in a sentence
        logger.setLevel(logging.CRITICAL)
    try:
        try:
            client = Client(address, timeout=WITHIN_S, set_as_default=False)
        except (OSError, ValueError, TypeError, TimeoutError) as error:
            raise StudyError(
                f"no scheduler answers at {name} within {WITHIN_S:g} s ({_why(error)}): check the address, and that `dask "
                "scheduler` runs there"
            ) from None
        try:
            _check_workers(client, name)
            yield client
        finally:
            client.close(timeout=WITHIN_S)
    finally:
        for logger, level in zip(of_dask, levels, strict=True):
            logger.setLevel(level)


class ClusterExecutor(Executor):
    """A cluster as an executor.

    The scheduler gives the tasks of a worker that died to others, as often as its ``allowed-failures`` say; then they fail, with
    whatever stood in the queue of that worker.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Give a call to the cluster; a result that is lost with its worker is computed again."""
        theirs = self._client.submit(function, *args, **kwargs, pure=False)
        ours: Future[Any] = Future()

        def hand_over(done: Any) -> None:
            if done.status == "cancelled":
                ours.cancel()
                return
            try:
                ours.set_result(done.result())
            except CancelledError:
                ours.cancel()
            except Exception as error:  # noqa: BLE001 - handed to whoever asks the future, as every executor does
                ours.set_exception(error)

        theirs.add_done_callback(hand_over)
        return ours


def threads_of(client: Client) -> int:
    """How many pieces the workers do at a time."""
    return sum(client.nthreads().values())


def nobody_there(client: Client) -> bool:
    """Whether the scheduler is lost, or has no worker."""
    try:
        return client.status != "running" or not client.nthreads()
    except (OSError, TimeoutError, ValueError):
        return True


def memory_of_workers(address: str) -> int:
    """The least memory that a worker of a cluster has for one piece [bytes]; 0 where none says.

    Raises
    ------
    StudyError
        As :func:`cluster`.
    """
    with cluster(address) as client:
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        told = [int(one["memory_limit"] // max(one["nthreads"], 1)) for one in workers if one.get("memory_limit")]
    return min(told, default=0)


def _check_workers(client: Client, name: str) -> None:
    try:
        client.wait_for_workers(1, timeout=WITHIN_S)
    except (TimeoutError, OSError):
        raise StudyError(f"the scheduler at {name} has no worker: start some (`dask worker {name}`)") from None
    found: dict[str, Any] = client.run(_version, on_error="return")
    for worker, version in sorted(found.items()):
        if version != __version__:
            other = f"cblcast {version}" if isinstance(version, str) else "no cblcast"
            raise StudyError(
                f"the worker {masked(worker)} has {other}, and this is cblcast {__version__}: install the same on every machine"
            )


def _version() -> str:
    from cblcast.version import __version__ as installed

    return installed


def _check_address(address: str) -> None:
    """Refuse what can be no scheduler's address, before anybody waits for it."""
    found = re.fullmatch(r"(?:tcp|tls|ucx|ws|wss)://(?:\[[^\s\]]+\]|[^\s/:\[\]]+):(\d{1,5})/?", address)
    if address.partition("://")[0].strip() in _SCHEMES and (found is None or not 0 < int(found[1]) < 65_536):
        raise StudyError(
            f"{masked(address)!r} is no address of a scheduler: write what `dask scheduler` tells when it starts, tcp://HOST:8786"
        )


def _host(address: str) -> str:
    """An address without user and password."""
    return address.partition("://")[0] + "://***@" + address.rpartition("@")[2]


def _why(error: BaseException) -> str:
    text = " ".join(masked(str(error)).split())
    return text.split(" after ")[0][:120] or type(error).__name__
