"""How much of a network's speed is left behind `fathom serve`:

PYTHONPATH=src python bench/serving.py [EXPORT] [--seconds N] [--batch-wait-ms N]

The bare network is called in a loop in this process, with the same rows and no JSON. Then clients,
each a thread with a connection of its own in another process, ask the service for the same, one
request after another. Both have the whole machine in turn, but the clients take of it what they
need. Prints Markdown.
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
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from fathom.artifacts.signature import Signature

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT / "src"), "TF_CPP_MIN_LOG_LEVEL": "3"}
CASES = [(1, 1), (1, 8), (1, 32), (100, 1), (100, 8)]  # rows of a request, clients
HEADERS = {"Content-Type": "application/json"}
WARM = 0.5  # seconds

Columns = dict[str, np.ndarray]


def rows_like(signature: Signature, rows: int) -> Columns:
    """Return numbers within those of training, by the names of a table's columns."""
    random = np.random.default_rng(0)
    columns = {}
    for column in signature.columns:
        if column.kind != "number" or column.low is None or column.high is None:
            sys.exit(f"{signature.dataset} has other columns than numbers: choose another export")
        columns[column.name] = random.uniform(column.low, column.high, rows)
    return columns


def bare(export: Path, seconds: float, sizes: list[int]) -> dict[int, float]:
    """Return how many rows a second the network predicts, by the rows of a call."""
    from fathom.train.devices import start_on_cpu

    start_on_cpu()
    from fathom.predict.exported_model import ExportedModel

    exported_model = ExportedModel(export)
    rates = {}
    for size in sizes:
        columns = rows_like(exported_model.signature, size)
        inputs = {column.input: columns[column.name] for column in exported_model.signature.columns}
        exported_model.predict(inputs)
        calls, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            exported_model.predict(inputs)
            calls += 1
        rates[size] = calls * size / (time.perf_counter() - began)
    return rates


def ask(port: int, body: bytes, until: float, begin: float, took: list[float]) -> None:
    """Send one request after another, and keep how long each took that began after `begin`."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    while (began := time.perf_counter()) < until:
        connection.request("POST", "/predict", body, HEADERS)
        reply = connection.getresponse()
        if reply.status != 200:
            sys.exit(reply.read().decode())
        reply.read()
        if began >= begin:
            took.append(time.perf_counter() - began)


def clients(port: int, body: bytes, count: int, seconds: float) -> list[float]:
    """Return how many seconds each request took of so many clients at once."""
    took: list[float] = []
    begin = time.perf_counter() + WARM
    threads = [
        threading.Thread(target=ask, args=(port, body, begin + seconds, begin, took))
        for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


@contextmanager
def service(export: Path, batch_wait: str) -> Iterator[int]:
    """Start the service, and give its port."""
    command = [sys.executable, "-m", "fathom", "serve", str(export), "--port", "0"]
    command += ["--batch-wait-ms", batch_wait]
    process = subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    line = process.stderr.readline()
    found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
    if found is None:
        sys.exit(line)
    try:
        yield int(found[1])
    finally:
        process.terminate()
        process.wait()


def main(export: Path, seconds: float, batch_wait: str) -> None:
    signature = Signature.read(export)
    sizes = sorted({rows for rows, _ in CASES})
    # A process of its own, so that TensorFlow's threads are not beside the clients'.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        alone = pool.apply(bare, (export, seconds, sizes))
    name = f"{signature.dataset}/{signature.model}"
    print(f"{name}, {os.cpu_count()} cores, --batch-wait-ms {batch_wait}\n")
    print("| rows of a request | clients | requests/s | rows/s | bare rows/s | ratio | median ms |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    with service(export, batch_wait) as port:
        for rows, count in CASES:
            columns = rows_like(signature, rows)
            instances = [
                dict(zip(columns, map(float, row), strict=True))
                for row in zip(*columns.values(), strict=True)
            ]
            body = json.dumps({"instances": instances}).encode()
            took = clients(port, body, count, seconds)
            rate = len(took) / seconds
            print(
                f"| {rows} | {count} | {rate:,.0f} | {rate * rows:,.0f} | {alone[rows]:,.0f} | "
                f"{rate * rows / alone[rows]:.2f} | {1000 * statistics.median(took):.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "export", nargs="?", type=Path, default=Path("exports/california_housing/wide_deep")
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="that each case takes")
    parser.add_argument("--batch-wait-ms", default="0", help="of fathom serve")
    given = parser.parse_args()
    main(given.export, given.seconds, given.batch_wait_ms)
