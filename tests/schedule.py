"""What pytest runs when: marks, time limits, and the files that took longest first.

`tests/durations.json` has the seconds of each test that took one or more; `make durations` writes
it anew.
"""

import json
from collections import defaultdict
from pathlib import Path

import pytest

DURATIONS = Path(__file__).with_name("durations.json")
OUTSIDE = ("ray", "browser", "network")  # what they start makes them slow
SLOW_TIMEOUT = 1200  # seconds; of fast tests see pyproject.toml
KEPT = 1.0  # seconds from which on a test's duration is kept


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--store-durations", action="store_true", help=f"write {DURATIONS.name}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that start other programs as slow, and sort files by what they took."""
    for item in items:
        if any(item.get_closest_marker(name) for name in OUTSIDE):
            item.add_marker("slow")
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.timeout(SLOW_TIMEOUT), append=False)


@pytest.hookimpl(tryfirst=True)  # before the collection is sent to the process that hands out tests
def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the files that take longest first: a worker that ends early takes over from others."""
    seconds: dict[Path, float] = defaultdict(float)
    known = json.loads(DURATIONS.read_text()) if DURATIONS.exists() else {}
    for item in session.items:
        seconds[item.path] += known.get(item.nodeid, 0.05)
    session.items.sort(key=lambda item: -seconds[item.path])


class Durations:
    """Adds up what the phases of each test take, in whichever process it runs."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration

    def pytest_sessionfinish(self) -> None:
        known = json.loads(DURATIONS.read_text()) if DURATIONS.exists() else {}
        known = {test: took for test, took in known.items() if test not in self.seconds}
        known |= {test: round(took) for test, took in self.seconds.items() if took >= KEPT}
        DURATIONS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--store-durations") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Durations())
