"""Servers that do not answer, or do not let us in, are told in seconds and without their password."""

import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from cblcast import tracking
from cblcast.frames.schema import StudyError
from cblcast.tracking import reach
from cblcast.tracking.reach import check_server
from cblcast.tracking.unusable import shown, unusable, without_secrets

SECRET = "s3cr:t"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(reach, "SECONDS", 0.3)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def sentence(uri: str) -> str:
    with pytest.raises(StudyError) as told:
        check_server(uri)
    message = str(told.value)
    assert message.startswith("the MLflow store ")
    assert "MLFLOW_TRACKING_URI" in message
    assert "\n" not in message
    assert SECRET not in message
    return message


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def web(code: int):
    """A server that answers everything with `code`."""
    asked = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, dict(self.headers)))
            self.send_response(code)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("code", [200, 401, 403, 404, 500])
def test_a_server_that_answers_is_left_to_mlflow(code):
    with web(code) as (place, asked):
        check_server(f"http://ann:{SECRET}@{place}/mlflow/")
    path, headers = asked[0]
    assert path == "/mlflow/health"
    assert "Authorization" not in headers


def test_a_gateway_without_a_server_is_told():
    with web(503) as (place, _):
        assert "it answers 503 Service Unavailable" in sentence(f"http://ann:{SECRET}@{place}")


def test_a_server_that_is_not_there_is_told():
    message = sentence(f"http://ann:{SECRET}@127.0.0.1:{closed_port()}")
    assert "it cannot be reached: Connection refused" in message
    assert "http://***@127.0.0.1" in message


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_says_nothing_is_told(scheme):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "no answer within 0 s" in sentence(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}")


def test_a_server_that_says_something_else_is_told():
    with socket.create_server(("127.0.0.1", 0)) as strange:

        def answer():
            link, _ = strange.accept()
            with link:
                link.recv(1000)
                link.sendall(b"220 mail ready\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        assert "it does not answer as a server of MLflow does" in sentence(
            f"http://127.0.0.1:{strange.getsockname()[1]}"
        )
        thread.join()


def test_a_name_that_is_looked_up_for_ever_is_told(monkeypatch):
    monkeypatch.setattr(reach, "_ask_web", lambda uri: time.sleep(5))
    monkeypatch.setattr(reach, "SECONDS", -0.9)
    assert "no answer within" in sentence("http://mlflow.example")


@pytest.mark.parametrize(
    ("uri", "driver"),
    [
        (f"postgresql://ann:{SECRET}@127.0.0.1/mlflow", "psycopg"),
        (f"mysql+pymysql://ann:{SECRET}@127.0.0.1/mlflow", "pymysql"),
        (f"mssql+pyodbc://ann:{SECRET}@127.0.0.1/mlflow", "pyodbc"),
    ],
)
def test_a_driver_that_is_not_installed_is_told(uri, driver, monkeypatch):
    for name in ("psycopg", "psycopg2", "pymysql", "pyodbc"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    assert f"its driver is not installed: pip install {driver}" in sentence(uri)


def test_a_wrong_password_is_told_at_the_first_try_and_not_shown(monkeypatch):
    import sqlalchemy

    uri = f"postgresql://ann:{SECRET}@db.example/mlflow?sslpassword={SECRET}"
    asked = []

    class Engine:
        def connect(self):
            raise sqlalchemy.exc.OperationalError(
                f"connect {uri}", {}, OSError(f"no entry for ann {SECRET}\nDETAIL: x")
            )

    def create_engine(url, connect_args, poolclass):
        asked.append(connect_args)
        return Engine()

    monkeypatch.setattr(sqlalchemy, "create_engine", create_engine)
    message = sentence(uri)
    assert "no entry for ann ***" in message
    assert "postgresql://ann:***@db.example/mlflow?sslpassword=***" in message
    assert asked == [{"connect_timeout": 0}]


@pytest.mark.parametrize("uri", ["postgresql://[::1/x", "mysql+nothing://h/x", "postgresql://h:port/x"])
def test_an_address_that_is_none_is_told(uri):
    assert "cannot be used (" in sentence(uri)


@pytest.mark.parametrize(
    ("uri", "printed"),
    [
        ("sqlite:////a/b@c.db", "sqlite:////a/b@c.db"),
        ("https://mlflow.example/x", "https://mlflow.example/x"),
        ("https://token@mlflow.example", "https://***@mlflow.example"),
        ("postgresql://ann:a@b/c@db:5432/x", "postgresql://ann:***@db:5432/x"),
        ("postgresql://ann@db/x", "postgresql://ann@db/x"),
        ("mysql://db/x?user=a&password=b&ssl=1", "mysql://db/x?user=a&password=***&ssl=1"),
        ("postgresql:ann:secret@db", "postgresql:ann:***@db"),
    ],
)
def test_an_address_is_shown_without_its_password(uri, printed):
    assert shown(uri) == printed


def test_a_message_is_shown_without_the_password():
    uri = "postgresql://ann:p%40ss%20word@db/x"
    told = f"cannot connect to {uri} with p%40ss%20word, that is p@ss word\nStack: secret"
    assert "word" not in without_secrets(uri, told).splitlines()[0]
    assert "Stack" not in str(unusable(uri, told))


def test_every_command_masks_the_password(monkeypatch):
    uri = f"http://ann:{SECRET}@127.0.0.1:{closed_port()}"
    for ask in (
        lambda: tracking.compare("sme", uri=uri),
        lambda: tracking.load_forecaster("models:/a@b", uri=uri),
        lambda: tracking.register("models:/m-" + 32 * "0", "a", uri=uri),
        lambda: tracking.study_run("sme", {}, uri=uri).__enter__(),
        lambda: tracking.store_uri(f"postgresql:ann:{SECRET}@db"),
    ):
        with pytest.raises(StudyError) as told:
            ask()
        assert SECRET not in str(told.value)
