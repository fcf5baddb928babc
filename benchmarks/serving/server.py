"""A server as ``mlflow models serve`` starts it, and clients that ask it over loopback: a bounded number of requests."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, perf_counter, sleep

import numpy as np

HOST = "127.0.0.1"
TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """A server that is up."""

    def __init__(self, port: int, group: int) -> None:
        self.port = port
        self.group = group

    def processor_seconds(self) -> float:
        """User and system time of all processes that the server consists of."""
        spent = 0
        for file in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError, ProcessLookupError):
                fields = file.read_text().rsplit(")", 1)[1].split()
                if int(fields[2]) == self.group:
                    spent += int(fields[11]) + int(fields[12])
        return spent / TICKS

    def ask(self, connection: HTTPConnection, body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer."""
        connection.request("POST", "/invocations", body, {"Content-Type": "text/csv"})
        got = connection.getresponse()
        return got.status, got.read()

    def asked(self, body: bytes, requests: int) -> list[float]:
        """Seconds of each of so many requests, one after the other, over one connection."""
        taken = []
        with closing(HTTPConnection(HOST, self.port, timeout=120)) as connection:
            for _ in range(requests):
                began = perf_counter()
                status, answer = self.ask(connection, body)
                taken.append(perf_counter() - began)
                if status != 200:
                    raise RuntimeError(f"status {status}: {answer[:300]!r}")
        return taken

    def load(self, body: bytes, clients: int, requests: int) -> dict[str, float]:
        """Requests a second, the median and the 99th percentile in milliseconds, and the server's processor time a request."""
        before, began = self.processor_seconds(), perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            parts = list(pool.map(lambda _: self.asked(body, requests // clients), range(clients)))
        wall = perf_counter() - began
        taken = 1e3 * np.concatenate(parts)
        return {
            "per_second": len(taken) / wall,
            "p50_ms": float(np.percentile(taken, 50)),
            "p99_ms": float(np.percentile(taken, 99)),
            "processor_ms": 1e3 * (self.processor_seconds() - before) / len(taken),
        }


@contextmanager
def served(model: str, log: Path, source: Path, workers: int = 1) -> Iterator[Server]:
    """The server of a registered model, ended with all that it started."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "models",
        "serve",
        "--env-manager",
        "local",
        "-m",
        model,
        "-w",
        str(workers),
    ]
    environment = os.environ | {
        "PYTHONPATH": str(source),
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    with log.open("w") as told:
        server = subprocess.Popen(
            [*command, "-h", HOST, "-p", str(port)], env=environment, stdout=told, stderr=told, start_new_session=True
        )
    try:
        give_up = monotonic() + 300
        while monotonic() < give_up:
            if server.poll() is not None:
                raise RuntimeError(f"the server ended: {log.read_text()[-1000:]}")
            with suppress(OSError), closing(HTTPConnection(HOST, port, timeout=5)) as sent:
                sent.request("GET", "/ping")
                if sent.getresponse().status == 200:
                    break
            sleep(0.2)
        yield Server(port, server.pid)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()
