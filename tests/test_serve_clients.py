"""`fathom serve`: clients that are slow, many, of other sites, or without the token."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from conftest import ROOT
from exports import CALIFORNIA, DIGITS, HOUSES
from services import BODY, HEAD, ROW, Served, error_of, exported, find_url, serve_in_thread
from stages import run_command

from fathom.serve.service import default_max_bytes

pytestmark = pytest.mark.usefixtures("in_exports")
pytest_plugins = ["services"]

TOKEN = "0123456789abcdef"
SPACES = 100_000  # bytes of a body
LARGE = HEAD.replace(str(len(BODY)).encode(), str(SPACES).encode()) + b" " * (SPACES - 1000)


def receive(connection: socket.socket) -> str:
    """Return what a service sends until it ends the connection."""
    connection.settimeout(60)
    return connection.makefile(newline="").read()


def wait_for_requests(service: Served, number: int) -> None:
    """Wait until this many requests are in progress, beside the one that asks."""
    while service.metric("fathom_requests_under_way") != number + 1:
        pass


@pytest.fixture
def impatient() -> Iterator[Served]:
    with serve_in_thread(CALIFORNIA, "--timeout", "0.2") as service:
        yield service


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", ""),
        (HEAD[:20], ""),
        (HEAD + BODY + HEAD[:20], "HTTP/1.1 200 OK"),
        (HEAD.replace(b"/predict", b"/x"), "HTTP/1.1 404 Not Found"),
    ],
    ids=["silent", "half a head", "half a second head", "body of a refused request"],
)
def test_clients_that_do_not_finish_are_disconnected(
    impatient: Served, sent: bytes, status: str
) -> None:
    with impatient.connect() as connection:
        connection.sendall(sent)
        assert receive(connection).partition("\r\n")[0] == status


def test_a_client_that_does_not_read_is_disconnected(impatient: Served) -> None:
    with impatient.connect() as connection:
        connection.setblocking(False)
        requests = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 10_000
        assert connection.send(requests) > 0
        wait_for_requests(impatient, 1)
        wait_for_requests(impatient, 0)


def test_slow_bodies_keep_no_other_request_waiting() -> None:
    with ExitStack() as stack:
        service = stack.enter_context(serve_in_thread(CALIFORNIA, "--max-waiting", "1"))
        slow = [stack.enter_context(service.connect()) for _ in range(3)]
        for connection in slow:
            connection.sendall(HEAD)
        wait_for_requests(service, 3)
        assert service.post({"instances": [ROW]}).status_code == 200


def test_a_body_has_a_minimum_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fathom.serve.bodies.PATIENCE", 0.1)
    with serve_in_thread(CALIFORNIA) as service, service.connect() as connection:
        connection.sendall(HEAD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n{"))
        response = receive(connection)
    assert response.startswith("HTTP/1.1 408 ")
    assert response.endswith('{"error": "the body arrives slower than 16384 bytes a second"}')


def test_the_size_of_a_body_follows_from_the_columns(in_exports: None) -> None:
    houses, digits = (exported(name).signature for name in (HOUSES, DIGITS))
    sizes = [default_max_bytes(houses, rows) for rows in (1, 1_000, 10**6)]
    assert sizes == [1 << 20, 256_000 * len(houses.columns), 16 << 20]
    assert default_max_bytes(digits, 1) == 16 << 20


def test_bodies_have_a_limit_together() -> None:
    with ExitStack() as stack:
        options = "--max-bytes", str(SPACES)
        service = stack.enter_context(serve_in_thread(CALIFORNIA, *options))
        connections = [stack.enter_context(service.connect()) for _ in range(4)]
        for connection in connections:
            connection.sendall(LARGE)
        wait_for_requests(service, 4)
        response = service.post(" " * SPACES)
        while response.status_code == 400:  # not all of the others has been read
            response = service.post(" " * SPACES)
        assert (error_of(response), response.status_code) == (
            "the bodies of other requests take all memory that is allowed: try again later",
            503,
        )
        for connection in connections:
            connection.close()
        wait_for_requests(service, 0)
        assert service.post({"instances": [ROW]}).status_code == 200


def test_an_address_has_a_limit_of_connections() -> None:
    with ExitStack() as stack:
        service = stack.enter_context(serve_in_thread(CALIFORNIA, "--max-per-address", "2"))
        others = [stack.enter_context(service.connect()) for _ in range(2)]
        response = service.get("/health")
        assert (error_of(response), response.status_code, response.headers["retry-after"]) == (
            "too many connections: try again later",
            503,
            "1",
        )
        others[0].close()
        while response.status_code == 503:
            response = service.get("/health")
        assert response.status_code == 200


STUCK = """
import threading
from fathom.train.devices import start_on_cpu
start_on_cpu()
import fathom.cli, fathom.serve.server, fathom.serve.service
def parse(*arguments):
    print("parse", flush=True)
    threading.Event().wait()
fathom.serve.service.parse_request = parse
fathom.serve.server.MARGIN = 0.1
fathom.cli.main()
"""


@pytest.mark.slow
def test_a_service_ends_though_a_request_is_stuck(exports: Path) -> None:
    command = ["serve", CALIFORNIA, "--port", "0", "--timeout", "0.2"]
    with subprocess.Popen(
        [sys.executable, "-c", STUCK, *command],
        cwd=exports,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stderr.readline()
        service = Served(find_url(line), [line], process.send_signal)
        with service.connect() as connection:
            connection.sendall(HEAD.replace(str(len(BODY)).encode(), b"99999") + b" " * 99_999)
            assert process.stdout.readline() == "parse\n"
            service.end(signal.SIGTERM)
            assert process.wait(60) == 1
        assert process.stderr.read() == (
            "requests in progress did not end in time: the service ends without answers\n"
        )


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "[::1", ""])
def test_other_names_of_the_host_are_refused(california: Served, host: str) -> None:
    response = california.client.get("/health", headers={"Host": host})
    assert (error_of(response), response.status_code) == (
        f"this service has no name {host!r}: start it with --allowed-host to add one",
        421,
    )


@pytest.mark.parametrize(
    "host", ["localhost:8501", "LOCALHOST", "127.0.0.1:1", "[::1]:1", "10.0.0.7"]
)
def test_names_that_no_other_site_has(california: Served, host: str) -> None:
    assert california.client.get("/health", headers={"Host": host}).status_code == 200


def test_names_of_the_options() -> None:
    with serve_in_thread(CALIFORNIA, "--allowed-host", "Predict.example") as service:
        for host, status in (("predict.example", 200), ("PREDICT.example:80", 200), ("a.b", 421)):
            assert service.client.get("/health", headers={"Host": host}).status_code == status


def test_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FATHOM_TOKEN", TOKEN)
    with serve_in_thread(CALIFORNIA, "--host", "0.0.0.0") as service:
        assert service.printed[0] == (
            "0.0.0.0 has no encryption: put a proxy with TLS before it (docs/serving.md)"
        )
        for path in ("/signature", "/metrics", "/openapi.json", "/docs", "/nothing"):
            response = service.get(path)
            assert (error_of(response), response.status_code) == (
                "the header `Authorization: Bearer TOKEN` needs the token",
                401,
            )
            assert response.headers["www-authenticate"] == "Bearer"
        for given in (f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer", "Bearer ÿ"):
            wrong = {b"Authorization": given.encode("latin-1")}
            assert service.client.get("/signature", headers=wrong).status_code == 401
        assert service.get("/health").status_code == 200
        header = {"Authorization": f"bearer {TOKEN}"}
        assert service.post({"instances": [ROW]}, headers=header).status_code == 200
        document = service.client.get("/openapi.json", headers=header).json()
        assert document["security"] == [{"token": []}]


NEEDED = (
    "--host: everyone who reaches 0.0.0.0 could use this service: set the variable FATHOM_TOKEN to "
    "a secret, as `openssl rand -hex 32` prints it, or add --no-auth if a proxy checks who may"
)
WEAK = (
    "FATHOM_TOKEN must be at least 16 letters, digits and signs of ASCII without blanks: set it to "
    "what `openssl rand -hex 32` prints"
)


@pytest.mark.parametrize(
    ("token", "options", "error"),
    [
        (None, ["--host", "0.0.0.0"], NEEDED),
        ("", [], WEAK),
        ("a b" * 10, [], WEAK),
        (TOKEN, ["--no-auth"], "--no-auth: FATHOM_TOKEN is set: unset it, or leave out --no-auth"),
    ],
)
def test_a_token_is_needed_or_wrong(
    monkeypatch: pytest.MonkeyPatch, token: str | None, options: list[str], error: str
) -> None:
    if token is not None:
        monkeypatch.setenv("FATHOM_TOKEN", token)
    done = run_command("serve", CALIFORNIA, "--port", "0", *options)
    assert (done.status, done.out, done.err) == (1, "", f"fathom: {error}\n")


def test_a_service_for_all_without_a_token() -> None:
    with serve_in_thread(CALIFORNIA, "--host", "0.0.0.0", "--no-auth") as service:
        assert service.post({"instances": [ROW]}).status_code == 200


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_the_proxy_of_the_documentation(tmp_path: Path, california: Served) -> None:
    """It encrypts and passes on the name of the host, which the service must know."""
    block = re.search(r"```nginx\n(.+?)```", (ROOT / "docs/serving.md").read_text(), re.DOTALL)
    assert block is not None
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    subject = ["-subj", "/CN=predict.example.com", "-days", "1"]
    files = ["-keyout", str(tmp_path / "predict.key"), "-out", str(tmp_path / "predict.pem")]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *files, *subject]
    subprocess.run(command, check=True, capture_output=True)
    with serve_in_thread(CALIFORNIA, "--allowed-host", "predict.example.com") as service:
        server = block[1].replace("443", f"127.0.0.1:{port}").replace("/etc/ssl", str(tmp_path))
        server = server.replace("http://127.0.0.1:8501", service.url)
        config = tmp_path / "nginx.conf"
        own = f"error_log {tmp_path}/error.log; pid {tmp_path}/pid; daemon off;"
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        files = [f"{kind}_temp_path {tmp_path}/{kind};" for kind in kinds]
        more = " ".join(["access_log off;", *files])
        config.write_text(f"{own} events {{}} http {{ {more} {server} }}")
        arguments = ["nginx", "-p", str(tmp_path), "-e", str(tmp_path / "error.log")]
        with subprocess.Popen([*arguments, "-c", str(config)]) as proxy:
            try:
                url = f"https://127.0.0.1:{port}/predict"
                transport = httpx.HTTPTransport(verify=False, retries=10)
                with httpx.Client(transport=transport) as client:
                    for host, status in (("predict.example.com", 200), ("evil.example", 421)):
                        body = {"instances": [ROW]}
                        response = client.post(url, json=body, headers={"Host": host})
                        assert response.status_code == status
            finally:
                proxy.terminate()
