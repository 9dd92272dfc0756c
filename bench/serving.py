"""Compares the speed of `fathom serve` with that of the bare network:

PYTHONPATH=src python bench/serving.py [EXPORT] [--engine E] [--seconds N] [--batch-wait-ms N]

First a loop calls the bare network, Keras' model as a graph, on the same rows, without JSON. Then
clients, each a thread with its own connection, send them to the service, one request after another,
on the same cores. Prints Markdown.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from project_copy import ENVIRONMENT, ROOT, markdown_row

from fathom.artifacts.signature import Signature

CASES = [(1, 1), (1, 8), (1, 32), (100, 1), (100, 8)]  # rows of a request, clients
HEAD = ("rows of a request", "clients", "requests/s", "rows/s", "bare rows/s", "ratio", "median ms")
WARM_UP = 0.5  # seconds


def random_rows(signature: Signature, rows: int) -> dict[str, np.ndarray]:
    """Return the columns of a table, with numbers in the range of the training set."""
    random = np.random.default_rng(0)
    columns = {}
    for column in signature.columns:
        if column.kind != "number" or column.low is None or column.high is None:
            sys.exit(f"{signature.dataset} has columns that are not numbers: choose another export")
        columns[column.name] = random.uniform(column.low, column.high, rows)
    return columns


def bare_rates(export: Path, seconds: float) -> dict[int, float]:
    """Return the rows a second of the bare network, for each number of rows in a call."""
    from fathom.predict.exported_model import ExportedModel

    exported_model = ExportedModel(export, "keras")
    rates = {}
    for rows in sorted({rows for rows, _ in CASES}):
        columns = random_rows(exported_model.signature, rows)
        inputs = {column.input: columns[column.name] for column in exported_model.signature.columns}
        exported_model.predict(inputs)
        calls, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds:
            exported_model.predict(inputs)
            calls += 1
        rates[rows] = calls * rows / (time.perf_counter() - started)
    return rates


def send_requests(port: int, body: bytes, begin: float, end: float) -> list[float]:
    """Send requests until `end`; return the seconds of each one sent after `begin`."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    durations = []
    while (started := time.perf_counter()) < end:
        connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise SystemExit(text.decode())
        if started >= begin:
            durations.append(time.perf_counter() - started)
    return durations


def run_clients(port: int, body: bytes, clients: int, seconds: float) -> list[float]:
    """Return the seconds of each request of all clients."""
    begin = time.perf_counter() + WARM_UP
    arguments = (port, body, begin, begin + seconds)
    with ThreadPoolExecutor(clients) as pool:
        futures = [pool.submit(send_requests, *arguments) for _ in range(clients)]
    return [duration for future in futures for duration in future.result()]


@contextmanager
def service(export: Path, engine: str, batch_wait: str) -> Iterator[int]:
    """Start the service, and yield its port."""
    command = [sys.executable, "-m", "fathom", "serve", str(export), "--port", "0"]
    command += ["--engine", engine, "--batch-wait-ms", batch_wait]
    environment = ENVIRONMENT | {"PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        address = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        if address is None:
            sys.exit(line)
        try:
            yield int(address[1])
        finally:
            process.terminate()


def main(export: Path, engine: str, seconds: float, batch_wait: str) -> None:
    signature = Signature.read(export)
    # In a process of its own, so that TensorFlow's threads do not slow the clients.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        bare = pool.apply(bare_rates, (export, seconds))
    name = f"{signature.dataset}/{signature.model}"
    print(f"{name}, {os.cpu_count()} cores, --engine {engine} --batch-wait-ms {batch_wait}\n")
    print(markdown_row(HEAD))
    print("|---:" * len(HEAD) + "|")
    with service(export, engine, batch_wait) as port:
        for rows, clients in CASES:
            columns = random_rows(signature, rows)
            records = zip(*(values.tolist() for values in columns.values()), strict=True)
            instances = [dict(zip(columns, record, strict=True)) for record in records]
            body = json.dumps({"instances": instances}).encode()
            durations = run_clients(port, body, clients, seconds)
            rate = len(durations) / seconds
            rates = [f"{rate:,.0f}", f"{rate * rows:,.0f}", f"{bare[rows]:,.0f}"]
            ratio, median = rate * rows / bare[rows], 1000 * statistics.median(durations)
            cells = [rows, clients, *rates, f"{ratio:.2f}", f"{median:.1f}"]
            print(markdown_row(cells), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    default = Path("exports/california_housing/wide_deep")
    parser.add_argument("export", nargs="?", type=Path, default=default)
    parser.add_argument("--engine", default="auto", help="of fathom serve")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each case")
    parser.add_argument("--batch-wait-ms", default="0", help="of fathom serve")
    options = parser.parse_args()
    main(options.export, options.engine, options.seconds, options.batch_wait_ms)
