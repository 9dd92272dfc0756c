"""The order in which `fathom repro` starts stages, and their cores."""

import heapq

import pytest
from trainings import refusal

from fathom.base import machine
from fathom.repro import repro
from fathom.repro.schedule import Schedule, share_cores

# Of each stage what it depends on, as in dvc.yaml, with two networks
NEEDS: dict[str, list[str]] = {
    "split@d": [],
    "check@d": ["split@d"],
    "scale@d": ["split@d"],
    "baseline@d": ["scale@d"],
    "train@d-mlp": ["scale@d"],
    "train@d-selu": ["scale@d"],
    "evaluate@d-mlp": ["train@d-mlp"],
    "evaluate@d-selu": ["train@d-selu"],
    "export@d-mlp": ["evaluate@d-mlp", "check@d"],
    "export@d-selu": ["evaluate@d-selu", "check@d"],
    "compare@d": ["baseline@d", "evaluate@d-mlp", "evaluate@d-selu"],
    "explain@d": ["compare@d"],
    "report": ["explain@d", "export@d-mlp", "export@d-selu"],
}


def simulate(
    schedule: Schedule, seconds: dict[str, float], most: int, total: int
) -> dict[str, tuple[float, float, int]]:
    """Run stages on a clock of its own; return start, end and cores of each."""
    running: list[tuple[float, str]] = []
    times: dict[str, tuple[float, float, int]] = {}
    now = 0.0
    while (ready := schedule.ready()) or running:
        starting = ready[: most - len(running)]
        taken = sum(times[name][2] for _, name in running)
        for name in starting:
            schedule.start(name)
            end = now + seconds.get(name, 1)
            times[name] = now, end, share_cores(total, taken, len(starting))
            heapq.heappush(running, (end, name))
        now, name = heapq.heappop(running)
        schedule.finish(name)
    return times


@pytest.mark.parametrize("most", [1, 2, 4, 20])
@pytest.mark.parametrize("total", [1, 2, 8])
def test_stages_start_after_their_dependencies_and_share_the_cores(most: int, total: int) -> None:
    seconds = {name: 1.0 + place % 5 for place, name in enumerate(NEEDS)}
    times = simulate(Schedule(NEEDS, seconds), seconds, most, total)
    assert times.keys() == NEEDS.keys()
    for name, (start, _, given) in times.items():
        assert all(times[other][1] <= start for other in NEEDS[name])
        beside = [others for others in times.values() if others[0] <= start < others[1]]
        assert len(beside) <= most
        assert given >= 1
        assert sum(cores for *_, cores in beside) <= max(total, len(beside))


def test_a_stage_alone_has_all_cores() -> None:
    times = simulate(Schedule(NEEDS), {}, most=2, total=8)
    assert times["split@d"][2] == times["report"][2] == 8
    assert times["train@d-mlp"][2] == times["train@d-selu"][2] == 4


def test_the_longest_path_starts_first() -> None:
    schedule = Schedule(NEEDS)
    for name in ("split@d", "scale@d"):
        schedule.start(name)
        schedule.finish(name)
    ready = schedule.ready()
    assert ready == ["train@d-mlp", "train@d-selu", "baseline@d", "check@d"]  # by depth
    slow_check = Schedule(NEEDS, {"check@d": 100, "train@d-selu": 3, "train@d-mlp": 2})
    slow_check.start("split@d")
    slow_check.finish("split@d")
    assert slow_check.ready() == ["check@d", "scale@d"]
    slow_check.start("scale@d")
    slow_check.finish("scale@d")
    assert slow_check.ready() == ["check@d", "train@d-selu", "train@d-mlp", "baseline@d"]


def test_a_new_stage_is_as_long_as_others_of_its_kind() -> None:
    needs: dict[str, list[str]] = {"gate": [], "train@d-new": [], "train@d-mlp": []}
    assert Schedule(needs, {"train@d-mlp": 20, "gate": 10}).ready()[-1] == "gate"


def test_a_failure_stops_only_what_depends_on_it() -> None:
    schedule = Schedule(NEEDS)
    for name in ("split@d", "scale@d", "train@d-mlp"):
        schedule.start(name)
        if name != "train@d-mlp":
            schedule.finish(name)
    lost = schedule.fail("train@d-mlp")
    assert lost == ["evaluate@d-mlp", "export@d-mlp", "compare@d", "explain@d", "report"]
    rest = simulate(schedule, {}, most=2, total=2)
    assert rest.keys() == NEEDS.keys() - {"split@d", "scale@d", "train@d-mlp", *lost}


def test_cores_are_those_that_the_runner_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FATHOM_CORES", "3")
    assert machine.cores() == 3
    for wrong in ("0", "-1", "two", ""):
        monkeypatch.setenv("FATHOM_CORES", wrong)
        message = f"FATHOM_CORES={wrong}: must be a number of cores, 1 or more"
        assert refusal(machine.cores) == message


@pytest.mark.parametrize(
    ("cores", "memory", "jobs"), [(1, 0.5, 1), (2, 16, 2), (16, 9, 4), (4, 64, 4)]
)
def test_default_jobs(
    monkeypatch: pytest.MonkeyPatch, cores: int, memory: float, jobs: int
) -> None:
    monkeypatch.setattr(repro, "cores", lambda: cores)
    monkeypatch.setattr(repro, "machine_memory", lambda: memory)
    assert repro.default_jobs() == jobs
