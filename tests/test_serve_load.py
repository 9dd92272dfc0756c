"""`fathom serve`: many requests at once, its start and end, and requests from its own schema."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from conftest import work_in_copy
from exports import CALIFORNIA
from services import (
    BODY,
    HEAD,
    ROW,
    Served,
    assert_same,
    expected,
    instances,
    raw_rows,
    serve_in_process,
    serve_in_thread,
    start_command,
)
from stages import run_command

from fathom.serve.bodies import SLOWEST

pytestmark = pytest.mark.usefixtures("in_exports")
pytest_plugins = ["services"]

BLANKS = b" " * (30 * SLOWEST)


def test_each_client_gets_the_predictions_of_its_rows() -> None:
    rows = raw_rows(CALIFORNIA, 200)
    wanted = expected(CALIFORNIA, rows)
    records = instances(rows)
    with serve_in_thread(CALIFORNIA, "--batch-wait-ms", "100") as service:
        url = f"{service.url}/predict"

        def send(client: int) -> list[Any]:
            """Send a few rows; every third request is followed by a bad one."""
            statuses = []
            with httpx.Client(timeout=60, verify=False) as connection:
                for number in range(6):
                    first = 7 * client + number
                    some = records[first : first + 1 + client % 3]
                    if number % 3 == 2:
                        response = connection.post(url, json={"instances": [*some, {}]})
                        assert response.status_code == 400
                    response = connection.post(url, json={"instances": some})
                    assert_same(response.json()["predictions"], wanted[first : first + len(some)])
                    statuses.append(response.status_code)
            return statuses

        with ThreadPoolExecutor(16) as clients:
            assert list(clients.map(send, range(16))) == [[200] * 6] * 16
        requests = service.metric("fathom_batch_requests_sum")
        assert requests == 16 * 6
        assert service.metric("fathom_batch_requests_count") < requests / 2


def open_requests(service: Served) -> list[socket.socket]:
    """Return three connections with a request whose `BODY` is to come.

    The blanks before it are worth half a minute of the service's patience, so that it does not
    matter how busy the machine is.
    """
    connections = [service.connect() for _ in range(3)]
    length = f"{len(BLANKS) + len(BODY)}".encode()
    for connection in connections:
        connection.sendall(HEAD.replace(str(len(BODY)).encode(), length) + BLANKS)
    while service.metric("fathom_requests_under_way") < 4:  # that for the metric is one
        pass
    return connections


def test_a_body_that_does_not_arrive_times_out() -> None:
    with (
        serve_in_thread(CALIFORNIA, "--timeout", "0.1") as service,
        service.connect() as connection,
    ):
        connection.sendall(HEAD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        response = connection.makefile().read()
    assert response.startswith("HTTP/1.1 408 ")
    assert response.endswith('{"error": "the body took more than 0.1 seconds"}')


def test_requests_in_progress_are_answered_at_the_end() -> None:
    with serve_in_thread(CALIFORNIA) as service:
        assert_answered_at_the_end(service, True)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_requests_in_progress_are_answered_after_a_signal(
    exports: Path, number: signal.Signals
) -> None:
    with serve_in_process(exports, CALIFORNIA) as service:
        model = f"{CALIFORNIA} (model.keras)"
        line = f"{model} is served at {service.url} until Ctrl+C or SIGTERM\n"
        assert service.printed == [line]
        assert_answered_at_the_end(service, number)


def assert_answered_at_the_end(service: Served, ending: int) -> None:
    """End a service with requests in progress: it answers them and takes no others."""
    with httpx.Client(verify=False) as idle:
        assert idle.get(f"{service.url}/health").status_code == 200  # its connection stays open
        connections = open_requests(service)
        service.end(ending)
        while listens(service):
            pass
        for connection in connections:
            connection.sendall(BODY)
        responses = [connection.makefile().read() for connection in connections]
    for response in responses:
        assert response.startswith("HTTP/1.1 200 OK")
        assert_same(
            json.loads(response.splitlines()[-1])["predictions"],
            expected(CALIFORNIA, pd.DataFrame([ROW])),
        )


def listens(service: Served) -> bool:
    try:
        service.connect().close()
    except ConnectionError:
        return False
    return True


def error_at_start(*arguments: str) -> str:
    done = run_command("serve", *arguments)
    assert (done.status, done.out) == (1, "")
    return done.err


@pytest.fixture
def port() -> Iterator[int]:
    """Return a port that is in use."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def in_use(port: int) -> str:
    return (
        f"fathom: --port: {port} of 127.0.0.1 is in use: stop the program that listens there, or "
        "choose another port\n"
    )


def test_bad_starts(
    exports: Path, tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert error_at_start(CALIFORNIA, "--port", str(port)) == in_use(port)
    assert error_at_start(CALIFORNIA, "--port", "0", "--host", "203.0.113.1") == (
        "fathom: --host: 203.0.113.1 is not an address of this machine\n"
    )
    error = error_at_start(CALIFORNIA, "--port", "0", "--host", "no such host")
    assert error.startswith("fathom: --host: there is no host 'no such host': ")
    error = error_at_start("exports/none", "--port", "0")
    assert error.startswith("fathom: there is no exported network none; there are: ")
    folder = work_in_copy(exports / "exports", tmp_path / "exports", monkeypatch)
    monkeypatch.chdir(tmp_path)
    with (folder / CALIFORNIA / "model.keras").open("ab") as file:
        file.write(b"x")
    error = error_at_start(CALIFORNIA, "--port", "0")
    assert error.startswith(f"fathom: exports/{CALIFORNIA}/model.keras ")


@pytest.mark.slow
def test_a_process_that_does_not_start(exports: Path, port: int) -> None:
    process = start_command(exports, CALIFORNIA, "--port", str(port))
    out, error = process.communicate()
    assert (process.returncode, out, error) == (1, "", in_use(port))
