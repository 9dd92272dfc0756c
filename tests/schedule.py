"""Marks, time limits, and the order of test files: those that take longest run first.

`tests/durations.json` has the seconds of each test that takes at least one; `make durations`
writes it.
"""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

DURATIONS = Path(__file__).with_name("durations.json")
OUTSIDE = ("ray", "browser", "network")  # marks of tests that start other programs
SLOW_TIMEOUT = 1800  # seconds; pyproject.toml has that of fast tests
MIN_SECONDS = 1.0  # duration from which a test is in the file


def read_durations() -> Any:
    return json.loads(DURATIONS.read_text()) if DURATIONS.exists() else {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--store-durations", action="store_true", help=f"write {DURATIONS.name}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(item.get_closest_marker(name) for name in OUTSIDE):
            item.add_marker("slow")
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.timeout(SLOW_TIMEOUT), append=False)


@pytest.hookimpl(tryfirst=True)  # before the collection is distributed
def pytest_collection_finish(session: pytest.Session) -> None:
    seconds: dict[Path, float] = defaultdict(float)
    known = read_durations()
    for item in session.items:
        seconds[item.path] += known.get(item.nodeid, 0.05)
    session.items.sort(key=lambda item: (not waits(item), -seconds[item.path]))


def waits(item: pytest.Item) -> bool:
    """Tell whether a fast test waits for the fixture `pipeline`.

    If these come first, one process builds it, and another starts with tests that need none.
    """
    return "pipeline" in getattr(item, "fixturenames", ()) and not item.get_closest_marker("slow")


class Durations:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration

    def pytest_sessionfinish(self) -> None:
        known = read_durations()
        known = {test: took for test, took in known.items() if test not in self.seconds}
        known |= {test: round(took) for test, took in self.seconds.items() if took >= MIN_SECONDS}
        DURATIONS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--store-durations") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Durations())
