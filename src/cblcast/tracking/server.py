"""The MLflow user interface on this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from cblcast.frames.schema import StudyError
from cblcast.tracking.store import artifact_root, connect, store_uri


def open_ui(uri: str | None = None, host: str = "127.0.0.1", port: int = 5000) -> None:
    """Serve the store in a browser until interrupted.

    Raises
    ------
    StudyError
        No such store, the port is taken, or the server ended by itself.
    """
    address = store_uri(uri)
    if address.startswith(("http://", "https://")):
        raise StudyError(f"the store {address} is a server with an interface of its own: open it in a browser")
    connect(address)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise StudyError(f"cannot listen on {host}:{port} ({error.strerror}): choose another --port") from error
    root = artifact_root(address)
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", address]
    command += ["--host", host, "--port", str(port), "--workers", "1"]
    command += [] if root is None else ["--no-serve-artifacts", "--default-artifact-root", root]
    server = subprocess.Popen(command, env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"})
    try:
        if server.wait() != 0:
            raise StudyError(f"the MLflow server ended with code {server.returncode}: see its lines above")
    except KeyboardInterrupt:
        pass
    finally:
        if server.poll() is None:
            server.terminate()
            server.wait(timeout=20)
