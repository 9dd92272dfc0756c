"""Services of exported networks, for tests of `fathom serve`."""

from __future__ import annotations

import functools
import json
import logging
import os
import queue
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pandas as pd
import pytest
import uvicorn
from conftest import ROOT
from exports import CALIFORNIA, DIGITS, HOUSES, exported_networks, loaded

from fathom.base import paths
from fathom.base.tables import read_table
from fathom.cli import fathom
from fathom.predict.exported_model import ExportedModel
from fathom.predict.model_inputs import model_inputs
from fathom.predict.prediction_columns import prediction_table

MAX_ROWS, MAX_BYTES = 400, 400_000  # of `california`

NAMES = ["MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup"]
ROW = dict.fromkeys([*NAMES, "Latitude", "Longitude"], 3.5)
BODY = json.dumps({"instances": [ROW]}).encode()
HEAD = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()


@dataclass
class Served:
    """A service: its address, the lines of its start, and a function that ends it."""

    url: str
    printed: list[str]
    end: Callable[[int], object]

    @functools.cached_property
    def client(self) -> httpx.Client:
        # A connection for each request; without certificates, which take 0.2 seconds to load.
        limits = httpx.Limits(max_keepalive_connections=0)
        return httpx.Client(base_url=self.url, limits=limits, timeout=60, verify=False)

    def post(self, body: Any, path: str = "/predict", **options: Any) -> httpx.Response:
        content = body if isinstance(body, bytes | str) else json.dumps(body)
        headers = {"Content-Type": "application/json"}
        return self.client.post(path, content=content, **{"headers": headers, **options})

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path)

    def metric(self, name: str) -> float:
        lines = self.get("/metrics").text.splitlines()
        return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])

    def connect(self) -> socket.socket:
        address = urlsplit(self.url)
        assert address.hostname is not None
        return socket.create_connection((address.hostname, address.port or 0))


@contextmanager
def serve_in_thread(model: str, *options: str) -> Iterator[Served]:
    """Run the command in a thread until the end of the block. It loads an export once."""
    network = exported(model)
    printed: list[str] = []
    logged: list[str] = []
    # The server once it runs, None if the command ends before.
    started: queue.SimpleQueue[uvicorn.Server | None] = queue.SimpleQueue()

    def run(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        started.put(server)
        run_server(server, sockets)

    def note(record: logging.LogRecord) -> bool:
        logged.append(record.getMessage())
        return True

    run_server = uvicorn.Server.run
    arguments = ["serve", model, "--port", "0", *options]
    with ThreadPoolExecutor(1) as thread:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(uvicorn.Server, "run", run)
            patch.setattr("fathom.serve.serve_command.log", printed.append)
            # Only the main thread can handle signals.
            patch.setattr("fathom.serve.server.signal.signal", lambda *_: None)
            patch.setattr("fathom.predict.exported_model.ExportedModel", lambda *_: network)
            command = thread.submit(fathom.main, arguments, standalone_mode=False)
            command.add_done_callback(lambda _: started.put(None))
            server = started.get()
        if server is None:
            command.result()
        assert server is not None
        end = functools.partial(setattr, server, "should_exit")
        service = Served(find_url(printed[-1]), printed, end)
        logging.getLogger("uvicorn.error").addFilter(note)
        try:
            yield service
        finally:
            logging.getLogger("uvicorn.error").removeFilter(note)
            service.end(True)
            command.result()
    service.client.close()
    assert logged == []  # no traceback, no warning


def find_url(line: str) -> str:
    match = re.search(r"is served at (http://\S+) until", line)
    assert match is not None, line
    return match[1]


@contextmanager
def serve_in_process(folder: Path, model: str, *options: str) -> Iterator[Served]:
    """Start the command as a user does; it must exit with status 0 before the block ends."""
    process = start_command(folder, model, "--port", "0", *options)
    try:
        assert process.stderr is not None
        printed = [process.stderr.readline()]
        yield Served(find_url(printed[0]), printed, process.send_signal)
        assert process.wait(60) == 0
    finally:
        process.kill()
        out, rest = process.communicate()
    assert (out, rest) == ("", "")  # no traceback, no warning


def start_command(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "fathom", "serve", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def exports(pipeline: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with exported networks of tables and of images. Read it alone."""
    return exported_networks(pipeline, tmp_path_factory)


@pytest.fixture
def in_exports(exports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(exports)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")  # the command sets it: undone afterwards


@pytest.fixture(scope="module")
def in_exports_of_module(exports: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(exports)
        patch.setenv("CUDA_VISIBLE_DEVICES", "-1")
        yield


@pytest.fixture(scope="module")
def california(in_exports_of_module: None) -> Iterator[Served]:
    limits = ["--max-rows", str(MAX_ROWS), "--max-bytes", str(MAX_BYTES)]
    with serve_in_thread(CALIFORNIA, *limits) as service:
        yield service


@pytest.fixture(scope="module")
def digits(in_exports_of_module: None) -> Iterator[Served]:
    with serve_in_thread(DIGITS) as service:
        yield service


@pytest.fixture(scope="module")
def houses(in_exports_of_module: None) -> Iterator[Served]:
    with serve_in_thread(HOUSES) as service:
        yield service


def exported(model: str) -> ExportedModel:
    return loaded((paths.EXPORTS / model).resolve())


def raw_rows(model: str, rows: int = 30) -> pd.DataFrame:
    """Return the first raw rows with the columns that the model takes; dates are texts."""
    raw = read_table(paths.raw(model.split("/")[0]) / "data.parquet", "").head(rows)
    table = raw[[column.name for column in exported(model).signature.columns]].copy()
    if "sold" in table:
        table["sold"] = table["sold"].dt.strftime("%Y-%m-%d")
    return table


def instances(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as JSON has them: null for a missing value."""
    records: list[dict[str, Any]] = json.loads(rows.to_json(orient="records", double_precision=15))
    return records


def expected(model: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the predictions of the exported model for raw rows."""
    network = exported(model)
    columns = {str(name): values for name, values in rows.items()}
    predicted = network.predict(model_inputs(columns, network.signature))
    return prediction_table(predicted, network.signature)


def assert_same(rows: list[dict[str, Any]], wanted: pd.DataFrame) -> None:
    """Compare predictions; those of another batch differ in the last bits."""
    assert len(rows) == len(wanted)
    for row, (_, values) in zip(rows, wanted.iterrows(), strict=True):
        assert [name for name in row if name != "unusual"] == list(wanted)
        for name, value in values.items():
            if isinstance(value, str):
                assert row[str(name)] == value
            else:
                assert row[str(name)] == pytest.approx(value, rel=1e-5, abs=1e-6)


def error_of(response: httpx.Response) -> str:
    """Return the reason of a refusal, the only content of the response."""
    assert response.headers["content-type"] == "application/json"
    content = response.json()
    assert list(content) == ["error"]
    assert "\n" not in content["error"]
    return str(content["error"])
