"""`fathom serve` under good, bad, slow and huge requests from many clients at once."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from exports import CALIFORNIA
from services import BODY, HEAD, ROW, Served, serve_in_process

pytest_plugins = ["services"]

SECONDS = float(os.environ.get("FATHOM_SOAK_SECONDS", "40"))
CLIENTS = 64
PAUSE = 0.2  # mean seconds between the requests of a client
MANY = json.dumps({"instances": [ROW] * 500}).encode()
NESTED = b'{"instances": [' + b"[]," * 300_000 + b"[]]}"
DOUBLE = b"{" + b",".join(b'"%d":0' % number for number in [*range(50_000), 0]) + b"}"
REQUESTS = {  # bodies and the statuses of their responses, beside 503
    "one row": (BODY, 200),
    "many rows": (MANY, 200),
    "no JSON": (BODY[:-5], 400),
    "unknown column": (BODY.replace(b"MedInc", b"Income"), 400),
    "many lists": (NESTED, 413),
    "many keys": (DOUBLE, 400),
    "too large": (b" " * (17 << 20), 413),
}
WEIGHTS = {
    "one row": 40,
    "many rows": 5,
    "no JSON": 10,
    "unknown column": 10,
    "many lists": 1,
    "many keys": 1,
    "too large": 1,
    "slow": 10,
}


def send(service: Served, kind: str) -> int:
    """Return the status of a response, 0 if the service ends the connection before it."""
    address = urlsplit(service.url)
    if kind == "slow":
        with service.connect() as unfinished:
            unfinished.sendall(HEAD + BODY[:-1])
            time.sleep(1)
        return 0
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
    try:
        connection.request("POST", "/predict", REQUESTS[kind][0])
        with connection.getresponse() as response:
            response.read()
            return response.status
    except ConnectionError:
        return 0
    finally:
        connection.close()


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 300)
def test_a_soak(exports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every request gets its status or 503, and memory stays. Prints latencies."""
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    statuses: defaultdict[str, set[int]] = defaultdict(set)

    def work(number: int, end: float, service: Served) -> None:
        draw = random.Random(number)
        while time.monotonic() < end:
            (kind,) = draw.choices(list(WEIGHTS), list(WEIGHTS.values()))
            began = time.monotonic()
            statuses[kind].add(send(service, kind))
            seconds[kind].append(time.monotonic() - began)
            time.sleep(draw.expovariate(1 / PAUSE))

    with serve_in_process(exports, CALIFORNIA) as service:
        alone = [timed(lambda: send(service, "one row")) for _ in range(50)]
        memory = []
        end = time.monotonic() + SECONDS
        with ThreadPoolExecutor(CLIENTS) as pool:
            clients = [pool.submit(work, number, end, service) for number in range(CLIENTS)]
            while time.monotonic() < end:
                time.sleep(SECONDS / 60)
                memory.append(service.metric("process_resident_memory_bytes"))
            for client in clients:
                client.result()
        assert service.post({"instances": [ROW]}).status_code == 200
        service.end(signal.SIGTERM)
    with capsys.disabled():
        print(f"\none row alone: median {1000 * statistics.median(alone):.1f} ms")
        for kind, durations in sorted(seconds.items()):
            p99 = statistics.quantiles(durations, n=100)[98]
            print(f"{kind}: {len(durations)} requests, p99 {1000 * p99:.0f} ms, {statuses[kind]}")
        third = len(memory) // 3  # a busy machine measures less often
        parts = memory[third : 2 * third], memory[2 * third :]
        middle, last = (statistics.median(part) for part in parts)
        print(f"memory: {middle / 2**20:.0f} MiB in the middle, {last / 2**20:.0f} MiB at the end")
    for kind, (_, status) in REQUESTS.items():
        # A client that still sends may see its connection end before it reads the response.
        allowed = {status, 503, 0} if kind == "too large" else {status, 503}
        assert statuses[kind] <= allowed, kind
        assert status in statuses[kind] or kind == "too large", kind
    assert last < 1.05 * middle


def timed(function: Callable[[], object]) -> float:
    began = time.monotonic()
    function()
    return time.monotonic() - began
