"""`fathom serve`: a network behind HTTP, as its clients meet it."""

from __future__ import annotations

import asyncio
import base64
import functools
import io
import json
import logging
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pandas as pd
import pytest
import schemathesis
import uvicorn
from conftest import ROOT, work_in_copy
from exports import CALIFORNIA, DIGITS, HOUSES, exported_networks, loaded
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from PIL import Image
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance
from stages import run_command

from fathom.base import paths
from fathom.base.files import read_array, read_table
from fathom.cli import fathom
from fathom.predict.exported_model import ExportedModel
from fathom.predict.model_inputs import model_inputs
from fathom.predict.prediction_columns import prediction_table
from fathom.serve.app import application
from fathom.serve.batching import Answers, batching
from fathom.serve.options import Settings
from fathom.serve.prometheus import Metrics
from fathom.serve.responses import predictions
from fathom.serve.service import Service

HEADERS = {"Content-Type": "application/json"}
MAX_ROWS, MAX_BYTES = 400, 400_000


@pytest.fixture(scope="module")
def project(pipeline: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with exported networks of tables and of images. Read it alone."""
    return exported_networks(pipeline, tmp_path_factory)


@pytest.fixture(autouse=True)
def in_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")  # as the command sets it: undone afterwards


@dataclass
class Served:
    """A service: its address, what it printed at its start, and what asks it to end."""

    url: str
    printed: list[str]
    end: Callable[[int], object]

    @functools.cached_property
    def client(self) -> httpx.Client:
        # A connection for each request; without certificates, which take 0.2 seconds to load.
        alone = httpx.Limits(max_keepalive_connections=0)
        return httpx.Client(base_url=self.url, limits=alone, timeout=60, verify=False)

    def post(self, body: Any, path: str = "/predict", **options: Any) -> httpx.Response:
        content = body if isinstance(body, bytes | str) else json.dumps(body)
        return self.client.post(path, content=content, **{"headers": HEADERS, **options})

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path)

    def figure(self, name: str) -> float:
        """Return a figure for Prometheus."""
        lines = self.get("/metrics").text.splitlines()
        return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])

    def connect(self) -> socket.socket:
        address = urlsplit(self.url)
        assert address.hostname is not None
        return socket.create_connection((address.hostname, address.port or 0))


@contextmanager
def served(model: str, *options: str) -> Iterator[Served]:
    """Run the command in a thread until the end of the block."""
    printed: list[str] = []
    logged: list[str] = []
    # The server once it runs, None if the command ends before.
    started: queue.SimpleQueue[uvicorn.Server | None] = queue.SimpleQueue()

    def run(running: uvicorn.Server, sockets: list[socket.socket]) -> None:
        started.put(running)
        run_server(running, sockets)

    def log(record: logging.LogRecord) -> bool:
        logged.append(record.getMessage())
        return True

    run_server = uvicorn.Server.run
    arguments = ["serve", model, "--port", "0", *options]
    with ThreadPoolExecutor(1) as thread:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(uvicorn.Server, "run", run)
            patch.setattr("fathom.serve.serve_command.tell", printed.append)
            # Signals are for the main thread alone.
            patch.setattr("fathom.serve.server.signal.signal", lambda *_: None)
            ended = thread.submit(fathom.main, arguments, standalone_mode=False)
            ended.add_done_callback(lambda _: started.put(None))
            server = started.get()
        if server is None:
            ended.result()
        assert server is not None
        end = functools.partial(setattr, server, "should_exit")
        service = Served(address(printed[-1]), printed, end)
        logging.getLogger("uvicorn.error").addFilter(log)
        try:
            yield service
        finally:
            logging.getLogger("uvicorn.error").removeFilter(log)
            service.end(True)
            ended.result()
    service.client.close()
    assert logged == []  # no traceback, no warning


def address(line: str) -> str:
    found = re.search(r"is served at (http://\S+) until", line)
    assert found is not None, line
    return found[1]


@contextmanager
def served_by_a_process(folder: Path, model: str, *options: str) -> Iterator[Served]:
    """Start the command as a user does; it must end well before the block does."""
    process = start(folder, model, "--port", "0", *options)
    try:
        assert process.stderr is not None
        printed = [process.stderr.readline()]
        yield Served(address(printed[0]), printed, process.send_signal)
        assert process.wait(60) == 0
    finally:
        process.kill()
        out, rest = process.communicate()
    assert (out, rest) == ("", "")  # no traceback, no warning


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "fathom", "serve", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def in_module(project: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        patch.setenv("CUDA_VISIBLE_DEVICES", "-1")
        yield


@pytest.fixture(scope="module")
def california(in_module: None) -> Iterator[Served]:
    limits = ["--max-rows", str(MAX_ROWS), "--max-bytes", str(MAX_BYTES)]
    with served(CALIFORNIA, *limits) as service:
        yield service


@pytest.fixture(scope="module")
def digits(in_module: None) -> Iterator[Served]:
    with served(DIGITS) as service:
        yield service


@pytest.fixture(scope="module")
def own(in_module: None) -> Iterator[Served]:
    with served(HOUSES) as service:
        yield service


def exported_model(model: str) -> ExportedModel:
    return loaded((paths.EXPORTS / model).resolve())


def raw_rows(model: str, rows: int = 30) -> pd.DataFrame:
    """Return the first raw rows, the columns that the model takes, a date as its text."""
    raw = read_table(paths.raw(model.split("/")[0]) / "data.parquet", "").head(rows)
    taken = raw[[column.name for column in exported_model(model).signature.columns]].copy()
    if "sold" in taken:
        taken["sold"] = taken["sold"].dt.strftime("%Y-%m-%d")
    return taken


def instances(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as JSON has them, null for what is missing."""
    found: list[dict[str, Any]] = json.loads(rows.to_json(orient="records", double_precision=15))
    return found


def expected(model: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Return what the exported model predicts for raw rows."""
    network = exported_model(model)
    columns = {str(name): values for name, values in rows.items()}
    return prediction_table(
        network.predict(model_inputs(columns, network.signature)), network.signature
    )


def assert_same(found: list[dict[str, Any]], wanted: pd.DataFrame) -> None:
    """Compare predictions; rows of another batch differ in the last bits."""
    assert len(found) == len(wanted)
    for row, (_, values) in zip(found, wanted.iterrows(), strict=True):
        assert [name for name in row if name != "unusual"] == list(wanted)
        for name, value in values.items():
            if isinstance(value, str):
                assert row[str(name)] == value
            else:
                assert row[str(name)] == pytest.approx(value, rel=1e-5, abs=1e-6)


def error_of(reply: httpx.Response) -> str:
    """Return the reason of a refusal, which is all that it holds."""
    assert reply.headers["content-type"] == "application/json"
    content = reply.json()
    assert list(content) == ["error"]
    assert "\n" not in content["error"]
    return str(content["error"])


# Both forms, for tables and for images.


def test_rows_are_answered_row_by_row(california: Served) -> None:
    rows = raw_rows(CALIFORNIA)
    reply = california.post({"instances": instances(rows)})
    assert (reply.status_code, list(reply.json())) == (200, ["predictions"])
    wanted = expected(CALIFORNIA, rows)
    assert_same(reply.json()["predictions"], wanted)
    assert list(wanted) == ["predicted", "predicted_low", "predicted_high", "aux_predicted"]
    # As short as float32 can be told from its neighbours.
    number = json.dumps(reply.json()["predictions"][0]["predicted"])
    assert str(np.float32(number)) == number


def test_columns_are_answered_by_column(california: Served) -> None:
    rows = raw_rows(CALIFORNIA)
    body = {"signature_name": "serving_default", "inputs": rows.to_dict(orient="list")}
    reply = california.post(body)
    assert (reply.status_code, list(reply.json())) == (200, ["outputs"])
    found = pd.DataFrame(reply.json()["outputs"]).to_dict(orient="records")
    assert_same(found, expected(CALIFORNIA, rows))  # type: ignore[arg-type]


def test_addresses_of_tensorflow_serving(california: Served) -> None:
    body = {"instances": instances(raw_rows(CALIFORNIA, 2))}
    path = "/v1/models/wide_deep:predict"
    # As its documentation has it: curl -d says that the body is a form.
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert california.post(body, path, headers=form).json() == california.post(body).json()
    assert california.get("/v1/models/wide_deep").json() == {
        "model_version_status": [
            {
                "version": "1",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }


def test_what_training_did_not_see_is_said(california: Served) -> None:
    usual, strange, lacking = instances(raw_rows(CALIFORNIA, 3))
    strange["MedInc"], lacking["HouseAge"] = 99, None
    found = california.post({"instances": [usual, strange, lacking]}).json()["predictions"]
    limit = exported_model(CALIFORNIA).signature.columns[0].high
    marks = [f"MedInc above {limit:g}", "HouseAge missing"]
    assert [row.get("unusual") for row in found] == [None, *marks]
    columns = {name: [usual[name], strange[name], lacking[name]] for name in usual}
    found = california.post({"inputs": columns}).json()["outputs"]
    assert found["unusual"] == [None, *marks]
    assert "unusual" not in california.post({"instances": [usual]}).text


def test_every_kind_of_column(own: Served) -> None:
    rows = raw_rows(HOUSES, 60)
    assert rows.isna().any().any()
    wanted = expected(HOUSES, rows)
    assert_same(own.post({"instances": instances(rows)}).json()["predictions"], wanted)
    columns: dict[str, list[Any]] = {str(name): [] for name in rows}
    for row in instances(rows):
        for name, value in row.items():
            columns[name].append(value)
    found = pd.DataFrame(own.post({"inputs": columns}).json()["outputs"])
    assert_same(found[list(wanted)].to_dict(orient="records"), wanted)  # type: ignore[arg-type]


def test_several_ways_to_write_a_value(own: Served) -> None:
    row = instances(raw_rows(HOUSES, 1))[0] | {"with pool": True, "sold": "2020-03-01", "town": "x"}
    likewise = [
        row | {"with pool": "true"},
        row | {"with pool": "TRUE"},
        row | {"sold": 20200301},
        row | {"sold": "2020-03-01T00:00:00Z"},
        row | {"sold": "2020-03-01T02:00:00+02:00"},
    ]
    first, *others = own.post({"instances": [row, *likewise]}).json()["predictions"]
    assert others == [first] * 5
    absent = [row | {"town": text} for text in (None, "", "?")]
    first, *others = own.post({"instances": absent}).json()["predictions"]
    assert others == [first] * 2


def digit_images(rows: int = 5) -> np.ndarray:
    images: np.ndarray = np.array(read_array(paths.raw("digits") / "images.npy", "")[:rows])
    return images


def png(pixels: np.ndarray, kind: str = "PNG") -> str:
    """Return an image file in Base64."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return base64.b64encode(stream.getvalue()).decode()


def test_images(digits: Served) -> None:
    images = digit_images()
    network = exported_model(DIGITS)
    wanted = prediction_table(network.predict({"image": images}), network.signature)
    lists, files = images.tolist(), [{"b64": png(image)} for image in images]
    for given_rows in (
        lists,
        files,
        [{"image": image} for image in lists],
        [{"image": file} for file in files],
        [*files[:2], *lists[2:]],
        images[..., None].tolist(),
        images.astype(float).tolist(),
    ):
        found = digits.post({"instances": given_rows}).json()["predictions"]
        assert_same(found, wanted)
    for columns in (lists, {"image": lists}, files, {"image": files}):
        outputs = digits.post({"inputs": columns}).json()["outputs"]
        assert outputs["predicted"] == wanted["predicted"].tolist()
        assert list(outputs) == list(wanted)
    bright = images[0].copy()
    bright[0, 0] = 255
    (row,) = digits.post({"instances": [bright.tolist()]}).json()["predictions"]
    assert row["unusual"] == "pixels above 16"


# What it says of itself.


def test_health_and_signature(california: Served) -> None:
    health = california.get("/health")
    content = {"status": "ok", "dataset": "california_housing", "model": "wide_deep"}
    assert (health.status_code, health.json()) == (200, content)
    signature = california.get("/signature").json()
    assert signature == exported_model(CALIFORNIA).signature.model_dump()
    assert "server" not in health.headers


def test_only_this_machine_unless_a_host_is_set(california: Served) -> None:
    assert california.url.startswith("http://127.0.0.1:")
    line = f"california_housing/wide_deep is served at {california.url} until Ctrl+C or SIGTERM"
    assert california.printed == [line]
    with served(CALIFORNIA, "--host", "0.0.0.0") as service:
        assert service.printed[0] == (
            "anyone who reaches 0.0.0.0 may ask, there is no authentication and no encryption: put "
            "a proxy that has them before it"
        )
        assert service.get("/health").status_code == 200


def test_metrics(own: Served) -> None:
    rows = instances(raw_rows(HOUSES, 7))
    names = ["fathom_rows_total", "fathom_batch_rows_sum", "fathom_batch_requests_count"]
    before = [own.figure(name) for name in names]
    own.post({"instances": rows})
    own.post({"instances": []})
    own.get("/nothing/else")
    after = [own.figure(name) for name in names]
    assert [b - a for a, b in zip(before, after, strict=True)] == [7, 7, 1]
    text = own.get("/metrics")
    assert text.headers["content-type"].startswith("text/plain; version=")
    assert 'fathom_requests_total{path="/predict",status="400"} ' in text.text
    assert 'fathom_requests_total{path="other",status="404"} ' in text.text
    assert 'fathom_request_seconds_bucket{le="0.001",path="/predict"} ' in text.text
    assert 'fathom_model_info{dataset="houses",model="mlp"} 1.0' in text.text
    assert own.figure("fathom_requests_under_way") == 1  # this one


# Bad requests: one line each, with the right status, and the next one is answered.

NAMES = ["MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup"]
ROW = dict.fromkeys([*NAMES, "Latitude", "Longitude"], 3.5)
BODY = json.dumps({"instances": [ROW]}).encode()
HEAD = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()
START = 'the body must be an object such as {"instances": [...]} or {"inputs": ...}, not '
CORRECT = ": correct it, or give null if it is not known"


def without(name: str) -> dict[str, float]:
    return {key: value for key, value in ROW.items() if key != name}


def columns_with(**others: Any) -> dict[str, Any]:
    return {name: [1.0, 2.0] for name in ROW} | others


BAD: dict[str, tuple[Any, int, str]] = {
    "nothing": (
        "",
        400,
        'the body is empty: send an object such as {"instances": [...]} or {"inputs": ...}',
    ),
    "cut": (
        '{"instances": [',
        400,
        "the body is no JSON: Expecting value in line 1, column 16",
    ),
    "two values": ("{}\n{}", 400, "the body is no JSON: Extra data in line 2, column 1"),
    "no UTF-8": (b'{"instances": "\xff"}', 400, "the body is not UTF-8 at byte 15"),
    "a list": ([ROW], 400, START + "a list"),
    "null": ("null", 400, START + "null"),
    "a text": ('"x"', 400, START + "a text"),
    "a number": ("1", 400, START + "a number"),
    "NaN": ('{"instances": [NaN]}', 400, "NaN is no JSON: give null for a value that is not known"),
    "-Infinity": (
        '{"inputs": -Infinity}',
        400,
        "-Infinity is no JSON: give null for a value that is not known",
    ),
    "deep": ("[" * 100_000, 400, "the body is nested too deeply"),
    "endless": (
        '{"instances": ' + "1" * 5000 + "}",
        400,
        "the body has a number of too many digits",
    ),
    "twice": (
        '{"instances": [{"MedInc": 1, "MedInc": 2}]}',
        400,
        'an object has the key "MedInc" twice',
    ),
    "neither": ({}, 400, "the body must have either instances (rows) or inputs (columns)"),
    "both": (
        {"instances": [ROW], "inputs": {}},
        400,
        "the body must have either instances (rows) or inputs (columns)",
    ),
    "misspelt": (
        {"instance": [ROW]},
        400,
        'the body must not have the key "instance"; did you mean instances?',
    ),
    "no Unicode": (
        '{"\\ud800": 1}',
        400,
        'the body must not have the key "\ud800"; there are: inputs, instances, signature_name',
    ),
    "other signature": (
        {"instances": [ROW], "signature_name": "classify"},
        400,
        'signature_name must be "serving_default", not "classify"',
    ),
    "no rows": ({"instances": []}, 400, "instances is empty: give one row or more"),
    "no values": (
        {"inputs": {name: [] for name in ROW}},
        400,
        "inputs is empty: give one row or more",
    ),
    "rows as an object": (
        {"instances": ROW},
        400,
        "instances must be a list of one value a row, not an object",
    ),
    "a row as a list": (
        {"instances": [ROW, [1, 2]]},
        400,
        "row 1 must be an object of columns and values, not a list",
    ),
    "misspelt column": (
        {"instances": [ROW, without("HouseAge") | {"houseage": 1}]},
        400,
        "row 1: the model takes no column 'houseage'; did you mean HouseAge?",
    ),
    "column too many": (
        {"instances": [ROW | {"id": 1}]},
        400,
        "row 0: the model takes no column 'id'; there are: AveBedrms, AveOccup, AveRooms, "
        "HouseAge, Latitude, Longitude, MedInc, Population",
    ),
    "column missing": (
        {"instances": [ROW, without("MedInc")]},
        400,
        "row 1: column 'MedInc' is missing: give null for what is not known",
    ),
    "columns missing": (
        {"inputs": {"MedInc": [1]}},
        400,
        "inputs: column 'HouseAge', and 6 more, is missing: give null for what is not known",
    ),
    "columns as a list": (
        {"inputs": [[1, 2]]},
        400,
        "inputs must be an object of columns, not a list",
    ),
    "a column as a number": (
        {"inputs": columns_with(AveRooms=1)},
        400,
        "inputs: column 'AveRooms' must be a list of values, not a number",
    ),
    "columns of several lengths": (
        {"inputs": columns_with(AveRooms=[1])},
        400,
        "inputs: column 'MedInc' has 2 values, but 'AveRooms' 1: give one a row",
    ),
    "text": (
        {"instances": [ROW, ROW | {"MedInc": "8.3"}]},
        400,
        "column 'MedInc' holds \"8.3\" in row 1, which is no number" + CORRECT,
    ),
    "long text": (
        {"instances": [ROW | {"MedInc": "ab" * 5000}]},
        400,
        f"column 'MedInc' holds \"{'ab' * 14}a … {'b' + 'ab' * 14}\" in row 0, which is no number"
        + CORRECT,
    ),
    "true": (
        {"inputs": columns_with(MedInc=[1, True])},
        400,
        "column 'MedInc' holds true in row 1, which is no number" + CORRECT,
    ),
    "a list as a value": (
        {"instances": [ROW | {"MedInc": [1]}]},
        400,
        "column 'MedInc' holds a list in row 0, which is no number" + CORRECT,
    ),
    "too large a number": (
        json.dumps({"instances": [ROW]}).replace("3.5", "1e400", 1),
        400,
        "column 'MedInc' holds Infinity in row 0, which is beyond the numbers of 64 bits" + CORRECT,
    ),
    "too large an integer": (
        {"instances": [ROW, ROW | {"MedInc": 10**309}]},
        400,
        f"column 'MedInc' holds 1{'0' * 29} … {'0' * 30} in row 1, which is beyond the numbers of "
        "64 bits" + CORRECT,
    ),
    "too many rows": (
        {"instances": [ROW] * (MAX_ROWS + 1)},
        413,
        "instances has 401 rows, more than the 400 of a request: send several",
    ),
    "too long columns": (
        {"inputs": dict.fromkeys(ROW, [1.5] * (MAX_ROWS + 1))},
        413,
        "inputs has 401 rows, more than the 400 of a request: send several",
    ),
    "too large": (
        b" " * (MAX_BYTES + 1),
        413,
        "the body is larger than the 400000 bytes that a request may have: send fewer rows at once",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_requests(california: Served, name: str) -> None:
    body, status, error = BAD[name]
    reply = california.post(body)
    assert (error_of(reply), reply.status_code) == (error, status)


def test_the_most_that_is_allowed(california: Served) -> None:
    body = json.dumps({"instances": [ROW] * MAX_ROWS})
    reply = california.post(body.ljust(MAX_BYTES))
    assert (reply.status_code, len(reply.json()["predictions"])) == (200, MAX_ROWS)


def test_a_body_without_length_is_limited_too(california: Served) -> None:
    body = json.dumps({"instances": [ROW]}).encode()

    def chunks(spaces: int) -> Iterator[bytes]:
        yield body
        for _ in range(spaces // 1000):
            yield b" " * 1000

    assert california.client.post("/predict", content=chunks(2000)).status_code == 200
    reply = california.client.post("/predict", content=chunks(10 * MAX_BYTES))
    assert (error_of(reply), reply.status_code) == BAD["too large"][:0:-1]


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({"Content-Type": "text/csv"}, 'the body must be application/json, not "text/csv"'),
        (
            {"Content-Type": "multipart/form-data; boundary=x"},
            'the body must be application/json, not "multipart/form-data"',
        ),
        ({"Content-Encoding": "gzip"}, 'the body must be plain, not of the encoding "gzip"'),
    ],
)
def test_other_bodies(california: Served, headers: dict[str, str], error: str) -> None:
    reply = california.post({"instances": [ROW]}, headers=headers)
    assert (error_of(reply), reply.status_code) == (error, 415)


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/predict", 405, "/predict takes POST, not GET"),
        ("DELETE", "/health", 405, "/health takes GET, not DELETE"),
        (
            "GET",
            "/",
            404,
            "there is nothing at /: POST /predict predicts, /openapi.json has the rest",
        ),
        (
            "POST",
            "/predict/",
            404,
            "there is nothing at /predict/: POST /predict predicts, /openapi.json has the rest",
        ),
        (
            "GET",
            "/docs",
            404,
            "there is nothing at /docs: POST /predict predicts, /openapi.json has the rest",
        ),
        (
            "POST",
            "/v1/models/mlp:predict",
            404,
            "there is no model 'mlp' here, but 'wide_deep'",
        ),
        ("GET", "/v1/models/mlp", 404, "there is no model 'mlp' here, but 'wide_deep'"),
        (
            "POST",
            "/v1/models/wide_deep:classify",
            404,
            "there is nothing at /v1/models/wide_deep:classify: POST /predict predicts, "
            "/openapi.json has the rest",
        ),
    ],
)
def test_other_addresses(
    california: Served, method: str, path: str, status: int, error: str
) -> None:
    reply = california.client.request(method, path)
    assert (error_of(reply), reply.status_code) == (error, status)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"town": 5}, "column 'town' holds 5 in row 0, which is no text" + CORRECT),
        (
            {"with pool": 1},
            "column 'with pool' holds 1 in row 0, which is neither true nor false nor a text"
            + CORRECT,
        ),
        ({"sold": 1.5}, "column 'sold' holds 1.5 in row 0, which is no date" + CORRECT),
        (
            {"sold": "yesterday"},
            "column 'sold' holds 'yesterday' in row 0, which is no date of the form 'ISO8601': "
            "correct it, or give null if it is not known",
        ),
        (
            {"town": "\ud800"},
            "column 'town' holds \"\ud800\" in row 0, which is no Unicode text" + CORRECT,
        ),
        (
            {"sold": "\udfff"},
            "column 'sold' holds \"\udfff\" in row 0, which is no Unicode text" + CORRECT,
        ),
    ],
)
def test_values_of_other_kinds(own: Served, changed: dict[str, Any], error: str) -> None:
    row = instances(raw_rows(HOUSES, 1))[0]
    reply = own.post({"instances": [row | changed]})
    assert (error_of(reply), reply.status_code) == (error, 400)


IMAGE = np.zeros((8, 8), np.uint8).tolist()
SHAPE = "row 0: an image must be nested lists of the shape (8, 8), "


def with_pixel(value: Any) -> list[Any]:
    return [IMAGE, [*IMAGE[:7], [*IMAGE[0][:7], value]]]


@pytest.mark.parametrize(
    ("images", "error"),
    [
        ([[[0] * 7] * 8], SHAPE + "not (8, 7)"),
        ([[0] * 64], SHAPE + "not (64,)"),
        ([5], SHAPE + "not a number"),
        ([[[[0] * 3] * 8] * 8], SHAPE + "not (8, 8, 3)"),
        ([[[0] * 8] * 7 + [[0] * 9]], SHAPE + "but its lists are of several lengths"),
        (with_pixel(256), "row 1: a pixel is 256, not from 0 to 255"),
        (with_pixel(-1), "row 1: a pixel is -1, not from 0 to 255"),
        (with_pixel(0.5), "row 1: a pixel is 0.5, which is no whole number"),
        (with_pixel(None), "row 1: a pixel is null, which is no number"),
        (with_pixel(True), "row 1: a pixel is true, which is no number"),
        (with_pixel([1]), "row 1: a pixel is a list, which is no number"),
        ([{"b64": "%"}], "row 0: b64 is not Base64"),
        ([{"b64": 1}], "row 0: b64 must be a text, not a number"),
        ([{"pixels": IMAGE}], 'row 0: an image has the key "image" or "b64", not "pixels"'),
        (
            [IMAGE, {"b64": base64.b64encode(b"GIF89a").decode()}],
            "row 1: the file is no PNG or JPEG image: convert or remove it",
        ),
        (
            [{"b64": png(np.zeros((8, 9), np.uint8))}],
            "row 0: the file is 8 x 9 pixels (height x width), but the model takes 8 x 8: "
            "resize it",
        ),
    ],
)
def test_bad_images(digits: Served, images: list[Any], error: str) -> None:
    reply = digits.post({"instances": images})
    assert (error_of(reply), reply.status_code) == (error, 400)


@pytest.mark.parametrize("side", [8_200, 9_900, 20_000])  # Pillow warns, or refuses itself
def test_images_that_unpack_to_too_much(digits: Served, side: int) -> None:
    stream = io.BytesIO()
    Image.new("1", (side, side)).save(stream, "PNG")
    reply = digits.post({"inputs": [{"b64": base64.b64encode(stream.getvalue()).decode()}]})
    assert (error_of(reply), reply.status_code) == (
        "row 0: the image files up to it have more than the 67108864 pixels of a request: send "
        "fewer or smaller ones",
        413,
    )


# Many at once.


def test_each_client_gets_the_answers_to_its_rows() -> None:
    rows = raw_rows(CALIFORNIA, 200)
    wanted = expected(CALIFORNIA, rows)
    given_rows = instances(rows)
    with served(CALIFORNIA, "--batch-wait-ms", "100") as service:
        url = f"{service.url}/predict"

        def ask(client: int) -> list[Any]:
            """Ask for a few rows, at every third time for what is refused."""
            found = []
            with httpx.Client(timeout=60, verify=False) as connection:
                for turn in range(6):
                    first = 7 * client + turn
                    some = given_rows[first : first + 1 + client % 3]
                    if turn % 3 == 2:
                        reply = connection.post(url, json={"instances": [*some, {}]})
                        assert reply.status_code == 400
                    reply = connection.post(url, json={"instances": some})
                    assert_same(reply.json()["predictions"], wanted[first : first + len(some)])
                    found.append(reply.status_code)
            return found

        with ThreadPoolExecutor(16) as clients:
            found = list(clients.map(ask, range(16)))
        assert found == [[200] * 6] * 16
        requests = service.figure("fathom_batch_requests_sum")
        assert requests == 16 * 6
        assert service.figure("fathom_batch_requests_count") < requests / 2


def test_those_beyond_the_limit_are_sent_away() -> None:
    with served(CALIFORNIA, "--max-waiting", "3") as service:
        waiting = [service.connect() for _ in range(3)]
        for connection in waiting:
            connection.sendall(HEAD)
        while service.figure("fathom_requests_under_way") < 4:  # that for the figure is one
            pass
        reply = service.post({"instances": [ROW]})
        assert (error_of(reply), reply.status_code, reply.headers["retry-after"]) == (
            "3 requests are under way, as many as may be: try again later",
            503,
            "1",
        )
        assert service.get("/health").status_code == 200
        for connection in waiting:
            connection.sendall(BODY)
        first_lines = [connection.makefile().readline() for connection in waiting]
        assert [line.split()[1] for line in first_lines] == ["200", "200", "200"]
        for connection in waiting:
            connection.close()


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    with served(CALIFORNIA, "--timeout", "0.1") as service, service.connect() as connection:
        connection.sendall(HEAD.replace(b"Host: x", b"Host: x\r\nConnection: close"))
        reply = connection.makefile().read()
    assert reply.startswith("HTTP/1.1 408 ")
    assert reply.endswith('{"error": "the body took more than 0.1 seconds"}')


def test_requests_under_way_are_answered_at_the_end() -> None:
    with served(CALIFORNIA) as service:
        assert_answered_at_the_end(service, True)


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_requests_under_way_are_answered_after_a_signal(
    project: Path, ending: signal.Signals
) -> None:
    with served_by_a_process(project, CALIFORNIA) as service:
        line = f"{CALIFORNIA} is served at {service.url} until Ctrl+C or SIGTERM\n"
        assert service.printed == [line]
        assert_answered_at_the_end(service, ending)


def assert_answered_at_the_end(service: Served, ending: int) -> None:
    """End a service that has requests under way, and see that it answers these, but no others."""
    with httpx.Client(verify=False) as idle:
        assert idle.get(f"{service.url}/health").status_code == 200  # its connection stays
        under_way = [service.connect() for _ in range(3)]
        for connection in under_way:
            connection.sendall(HEAD)
        while service.figure("fathom_requests_under_way") < 4:
            pass
        service.end(ending)
        while listens(service):
            pass
        for connection in under_way:
            connection.sendall(BODY)
        replies = [connection.makefile().read() for connection in under_way]  # until it closes
    for reply in replies:
        assert reply.startswith("HTTP/1.1 200 OK")
        assert_same(
            json.loads(reply.splitlines()[-1])["predictions"],
            expected(CALIFORNIA, pd.DataFrame([ROW])),
        )


def listens(service: Served) -> bool:
    try:
        service.connect().close()
    except ConnectionError:
        return False
    return True


# What it does not start with.


def refused_at_start(*arguments: str) -> str:
    """Return why the command does not start."""
    done = run_command("serve", *arguments)
    assert (done.status, done.out) == (1, "")
    return done.err


@pytest.fixture
def taken() -> Iterator[int]:
    """Return a port that is in use."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def in_use(port: int) -> str:
    return (
        f"fathom: --port: {port} of 127.0.0.1 is in use: stop what listens there, or choose "
        "another\n"
    )


def test_bad_starts(
    project: Path, tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refused_at_start(CALIFORNIA, "--port", str(taken)) == in_use(taken)
    assert refused_at_start(CALIFORNIA, "--port", "0", "--host", "203.0.113.1") == (
        "fathom: --host: 203.0.113.1 is no address of this machine\n"
    )
    error = refused_at_start(CALIFORNIA, "--port", "0", "--host", "no such host")
    assert error.startswith("fathom: --host: there is no host 'no such host': ")
    assert refused_at_start("exports/none", "--port", "0") == (
        "fathom: exports/none is no exported network, it has no SHA256SUMS: exports are made by "
        "`dvc repro` in exports/<dataset>/<model>\n"
    )
    folder = work_in_copy(project / "exports", tmp_path / "exports", monkeypatch)
    monkeypatch.chdir(tmp_path)
    with (folder / CALIFORNIA / "model.keras").open("ab") as file:
        file.write(b"x")
    file_name = f"exports/{CALIFORNIA}/model.keras"
    assert refused_at_start(CALIFORNIA, "--port", "0") == (
        f"fathom: {file_name} is not the file that was exported, by SHA256SUMS: it was changed or "
        "damaged; export it anew\n"
    )


@pytest.mark.slow
def test_a_process_that_does_not_start(project: Path, taken: int) -> None:
    process = start(project, CALIFORNIA, "--port", str(taken))
    out, error = process.communicate()
    assert (process.returncode, out, error) == (1, "", in_use(taken))


# In this process: what a model does that fails, and requests made up from the document.


@contextmanager
def app_of(model: str, work: Any = None, **limits: Any) -> Iterator[FastAPI]:
    """Return the application of a service, with other work than the model's if there is any."""
    network, metrics, chosen = exported_model(model), Metrics(), Settings(**limits)
    work = work or functools.partial(predictions, network)
    with batching(work, chosen, metrics.batch) as batcher:
        yield application(Service(network.signature, chosen, batcher, metrics))


def post_to(app: FastAPI, rows: list[Any]) -> httpx.Response:
    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post("/predict", json={"instances": rows})

    return asyncio.run(post())


def test_a_bug_tells_nothing() -> None:
    def work(inputs: Mapping[str, Any]) -> Answers:
        raise RuntimeError("in the model")

    with app_of(CALIFORNIA, work) as app:
        reply = post_to(app, [ROW])
    assert reply.status_code == 500
    assert reply.json() == {"error": "internal error: the service's log has it"}


def test_predictions_that_are_no_numbers() -> None:
    def work(inputs: Mapping[str, Any]) -> Answers:
        return {"predicted": [1.0, float("nan")], "unusual": ["", "MedInc above 15"]}

    with app_of(CALIFORNIA, work) as app:
        reply = post_to(app, [ROW, ROW])
    assert (reply.status_code, reply.json()) == (
        422,
        {
            "error": "row 1: the network gives no finite number for it (MedInc above 15): correct "
            "its values, or leave the row out"
        },
    )


def test_an_answer_that_takes_too_long() -> None:
    going_on = threading.Event()

    def work(inputs: Mapping[str, Any]) -> Answers:
        going_on.wait()
        return {"predicted": [1.0], "unusual": [""]}

    with app_of(CALIFORNIA, work, timeout=0.1) as app:
        reply = post_to(app, [ROW])
        going_on.set()
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
    assert reply.json() == {"error": "there was no answer within 0.1 seconds: try again later"}


def test_batches() -> None:
    """Requests are put together up to a number of rows; one that fails spoils no others, one that
    no longer waits is left out.
    """
    batches: list[list[int]] = []
    begun, going_on = threading.Event(), threading.Event()

    def work(inputs: Mapping[str, Any]) -> Answers:
        begun.set()
        going_on.wait()
        batches.append(inputs["x"].tolist())
        if -1 in inputs["x"]:
            raise ValueError("no negative ones")
        return {"doubled": (2 * inputs["x"]).tolist()}

    async def ask() -> list[Any]:
        with batching(work, Settings(batch_rows=5), lambda *_: None) as batcher:

            def start(*values: int) -> asyncio.Task[Answers]:
                return asyncio.create_task(batcher.answers({"x": np.array(values)}, len(values)))

            tasks = [start(0)]
            await asyncio.to_thread(begun.wait)  # it is by itself, the others wait for it
            tasks += [start(1, 2), start(3), start(4, 5), start(-1), start(6)]
            tasks += [start(*range(7, 13)), start(13), start(14)]
            await asyncio.sleep(0)
            tasks[-1].cancel()
            await asyncio.sleep(0)
            going_on.set()
            return await asyncio.gather(*tasks, return_exceptions=True)

    found = asyncio.run(ask())
    large = list(range(7, 13))
    assert batches == [[0], [1, 2, 3, 4, 5], [-1, 6], [-1], [6], large, [13]]
    failed, cancelled = found.pop(4), found.pop()
    assert str(failed) == "no negative ones"
    assert isinstance(cancelled, asyncio.CancelledError)
    asked = [[0], [1, 2], [3], [4, 5], [6], large, [13]]
    assert found == [{"doubled": [2 * value for value in values]} for values in asked]


@pytest.mark.parametrize("examples", [10, pytest.param(50, marks=pytest.mark.slow)])
@pytest.mark.parametrize("model", [CALIFORNIA, HOUSES, DIGITS])
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_requests_made_up_from_the_document(
    mode: schemathesis.GenerationMode, model: str, examples: int
) -> None:
    """Fuzzed: no reply is of status 5xx or other than the document says; what is not as the
    document says is refused. What is so may be, too: it cannot say that lists are of one length,
    that a text is a date or that a file is an image.
    """
    with app_of(model, max_rows=20) as app:
        document = schemathesis.openapi.from_asgi("/openapi.json", app)
        found = list(document.get_all_operations())
        operations = [operation.ok() for operation in found if isinstance(operation, Ok)]
        posts = [operation for operation in operations if operation.method == "post"]
        assert [len(operations), len(posts)] == [6, 2]
        statuses = set()
        for operation in posts if mode is schemathesis.GenerationMode.NEGATIVE else operations:

            @given(operation.as_strategy(generation_mode=mode))
            @settings(
                max_examples=examples,
                derandomize=True,
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            )
            def ask(case: schemathesis.Case[Any]) -> None:
                reply = case.call()
                statuses.add(reply.status_code)
                case.validate_response(reply, excluded_checks=[positive_data_acceptance])

            ask()
    good = mode is schemathesis.GenerationMode.POSITIVE
    assert (200 in statuses) == good
    assert statuses <= ({200, 400, 422} if good else {400, 413, 415})
