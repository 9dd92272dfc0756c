"""A search by many machines: on a Ray cluster, and by processes that share a storage."""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import psutil  # type: ignore[import-untyped]
import pytest
from conftest import ROOT, SHRUNK, ray_nodes
from optuna.trial import FrozenTrial, TrialState

from fathom.base.errors import FathomError
from fathom.search.search_command import as_overrides
from fathom.search.study import FINISHED, folder_of
from fathom.settings.compose import compose
from fathom.settings.config import NetworkConfig, SearchConfig

ray_installed = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed"
)
COMMON = ["dataset=digits", "model=mlp", *SHRUNK]
LONG = ["train.epochs=60", "train.early_stopping=null", "train.batch_size=32"]  # seconds a trial
SPACE = "model.learning_rate: {log: [0.001, 0.01]}"
GRID = """
model.learning_rate: {choice: [0.001, 0.002, 0.003]}
train.optimizer.weight_decay: {choice: [0.1, 0.2]}
"""
DIVERGING = "model.learning_rate: {choice: [0.0001, 0.001, 0.01, 1.0e+30]}"
IMPATIENT = (
    "import fathom.search.study as s; s.HEARTBEAT, s.GRACE = 1, 4; "
    "from fathom.cli import main; main()"
)  # a killed process is missed after seconds


@pytest.fixture(scope="module")
def searchable(scaled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which searches can be started, with the project's code."""
    folder = tmp_path_factory.mktemp("searchable")
    shutil.copytree(scaled, folder, dirs_exist_ok=True)
    for name, space in (("small", SPACE), ("points", GRID)):
        (folder / f"conf/search/space/{name}.yaml").write_text(space)
    (folder / "src").symlink_to(ROOT / "src")
    return folder


@pytest.fixture
def here(searchable: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(searchable)
    return searchable


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """Return a cluster of one node with one core, of processes on this machine."""
    with ray_nodes(1) as started:
        yield started


@pytest.fixture
def add_node(nodes: Any) -> Iterator[Callable[[], Any]]:
    """Return what starts and returns another node, of one core."""
    started: list[Any] = []
    # In one temporary folder a node would empty the other's. A socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="ray") as folder:

        def start() -> Any:
            started.append(nodes.add_node(num_cpus=1, temp_dir=folder))
            return started[-1]

        yield start
        for node in started:
            nodes.remove_node(node, allow_graceful=False)


def kill(node: Any) -> None:
    """Kill a node's processes at once, as if its machine were switched off."""
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    for process in [*raylet.children(recursive=True), raylet]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def searched(
    *given: str, tell: Callable[[FrozenTrial], None] = lambda trial: None
) -> list[FrozenTrial]:
    """Search in this process; return all trials that the study has."""
    import tensorflow as tf

    from fathom.search.overrides import Base
    from fathom.search.session import session

    def heard(news: int | FrozenTrial, wanted: int) -> None:
        if not isinstance(news, int):
            tell(news)

    overrides = as_overrides([*COMMON, "ensemble=2", *given])
    config = compose(overrides, SearchConfig)
    session(config, Base(overrides), tf.distribute.get_strategy(), heard)
    return kept(folder_of(config) / "study.db")


def kept(study: Path) -> list[FrozenTrial]:
    address = f"sqlite:///{study}"
    names = optuna.get_all_study_names(address)
    return optuna.load_study(study_name=names[-1], storage=address).get_trials()


def ended(trials: list[FrozenTrial]) -> list[FrozenTrial]:
    return [trial for trial in trials if trial.state in FINISHED]


def values(trials: list[FrozenTrial]) -> list[tuple[Any, ...]]:
    """Return what came out of trials that have ended, and of what, to the bit."""
    return sorted((str(trial.params), trial.state, trial.value) for trial in ended(trials))


def forget(folder: Path) -> None:
    """Have the next search begin anew."""
    shutil.rmtree(folder / "studies", ignore_errors=True)


@pytest.mark.ray
@ray_installed
def test_a_node_joins_and_is_killed(
    here: Path, nodes: Any, add_node: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It joins during the first trial, and is lost in the first one that it carries out."""
    from fathom.search.ray_trials import Cluster, carried_out

    given = ["search=random", "space=small", "trials=4"]
    forget(here)
    alone = searched(*given)
    forget(here)
    joined: list[Any] = []
    began: list[Any] = []  # a worker for each trial begun
    lost: list[Any] = []
    both_at_work = threading.Event()
    drop, room_for = Cluster.drop, vars(Cluster)["at_once"].fget

    def at_once(cluster: Cluster) -> int:  # asked for by the main thread, in which Ray starts nodes
        if began and not joined:
            joined.append(add_node())
        return int(room_for(cluster))

    def begun(worker: Any, *more: Any) -> Any:
        began.append(worker)
        if len(began) > 1 and worker == began[0]:
            assert both_at_work.wait(600)
        elif len(began) > 1:
            both_at_work.set()
            threading.Timer(0.5, kill, joined).start()
        return carried_out(worker, *more)

    def dropped(cluster: Cluster, worker: Any) -> None:
        lost.append(worker)
        drop(cluster, worker)

    monkeypatch.setattr("fathom.search.ray_trials.carried_out", begun)
    monkeypatch.setattr(Cluster, "at_once", property(at_once))
    monkeypatch.setattr(Cluster, "drop", dropped)
    told: list[int] = []
    found = searched(
        *given,
        "engine=ray",
        f"address={nodes.address}",
        tell=lambda trial: told.append(trial.number),
    )
    second = next(worker for worker in began if worker != began[0])
    assert second in lost
    assert sorted(told) == list(range(4))
    assert len(found) == 4
    assert values(found) == values(alone)


@pytest.mark.ray
@ray_installed
def test_workers_do_as_this_process(
    here: Path, nodes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trials that end, are judged, diverge, or cannot be trained; then one that kills workers."""
    import tensorflow as tf

    from fathom.search.overrides import Base
    from fathom.search.ray_trials import cluster
    from fathom.search.threads import Here
    from fathom.search.trial import goes_on

    monkeypatch.setattr("fathom.search.ray_trials.MAX_LOSSES", 2)
    given = ["search=random", "space=small", "engine=ray", f"address={nodes.address}"]
    overrides = as_overrides([*COMMON, *given])
    config, base = compose(overrides, SearchConfig), Base(overrides)
    local = Here(config, tf.distribute.get_strategy())

    def by_rate(rate: float, **callbacks: Any) -> NetworkConfig:
        return base.with_values({"model.learning_rate": rate, "train.callbacks": callbacks})

    with cluster(config) as workers:
        for settings, judged_until in [
            (by_rate(0.001), None),
            (by_rate(0.002), 9),
            (by_rate(0.003), 1),
            (by_rate(1e30), 9),
            (by_rate(0.001, own={"_target_": "keras.callbacks.Nothing"}), None),
        ]:
            one, other = (carried_out(e, settings, judged_until) for e in (local, workers))
            assert one == other
        with pytest.raises(FathomError) as told:
            workers.carry_out(
                by_rate(0.001, own={"_target_": "os.abort"}), Path("trial.npz"), goes_on
            )
    assert str(told.value) == (
        "lost 2 workers one after the other (Worker unexpectedly exits with a connection error "
        "code 2. End of file); if a machine lacks memory, have fewer trials train there at once by "
        "search.resources.cpu"
    )


def carried_out(engine: Any, settings: NetworkConfig, judged_until: int | None) -> list[Any]:
    """Have a trial carried out; return how it was judged, and what came of it or ended it."""
    from fathom.search.trial import HopelessError, goes_on

    seen: list[Any] = []

    def judge(step: int, value: float) -> bool:
        seen.append((step, value))
        return step != judged_until

    try:
        outcome = engine.carry_out(settings, Path("trial.npz"), judge if judged_until else goes_on)
    except (FathomError, HopelessError) as error:
        return [*seen, type(error), str(error)]
    weights = [array.tolist() for array in outcome.network.weights]
    return [*seen, outcome.value, weights, outcome.network.valid.tolist()]


@ray_installed
def test_a_worker_is_told_step_by_step_whether_to_go_on(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    from fathom.search.overrides import Base
    from fathom.search.ray_worker import Worker
    from fathom.search.trial import HopelessError, Outcome

    monkeypatch.setattr(ray, "get_gpu_ids", list)
    overrides = as_overrides([*COMMON, "search=random", "space=small", "model.units=[8]"])
    worker, settings = Worker(), Base(overrides).with_values({"model.learning_rate": 0.01})
    assert worker.start(compose(overrides, SearchConfig)) is None

    first = worker.begin(settings, judged=True)
    assert isinstance(first, tuple)
    assert first[0] == 1
    assert isinstance(worker.go_on(False), HopelessError)

    first = worker.begin(settings, judged=True)
    second = worker.go_on(True)
    assert isinstance(second, tuple)
    assert second[0] == 2
    outcome = worker.go_on(True)
    assert isinstance(outcome, Outcome)
    assert outcome.value == second[1]


@ray_installed
def test_a_trial_loses_but_so_many_workers(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    from fathom.search.overrides import Base
    from fathom.search.ray_trials import Cluster
    from fathom.search.trial import goes_on

    def gone(reference: Any) -> None:
        raise ray.exceptions.ActorDiedError

    overrides = as_overrides([*COMMON, "search=random", "space=small"])
    workers = Cluster(compose(overrides, SearchConfig))
    lost: list[Any] = []
    start = SimpleNamespace(remote=lambda config: None)
    monkeypatch.setattr(ray, "get", gone)
    monkeypatch.setattr(workers, "take", lambda: SimpleNamespace(start=start))
    monkeypatch.setattr(workers, "drop", lost.append)
    settings = Base(overrides).with_values({"model.learning_rate": 0.01})
    with pytest.raises(FathomError) as told:
        workers.carry_out(settings, Path("trial.npz"), goes_on)
    assert len(lost) == 5
    assert str(told.value).startswith("lost 5 workers one after the other (The actor died")


def test_a_trial_begun_anew_is_judged_where_it_was_not() -> None:
    from fathom.search.ray_trials import Once

    judged: list[int] = []

    def judge(step: int, value: float) -> bool:
        judged.append(step)
        return step < 3

    once = Once(judge)
    assert [once(step, 0.5) for step in (1, 2, 1, 2, 3)] == [True, True, True, True, False]
    assert judged == [1, 2, 3]


@pytest.mark.ray
@ray_installed
def test_no_room(here: Path, nodes: Any) -> None:
    with pytest.raises(FathomError) as told:
        searched(
            "search=random",
            "engine=ray",
            f"address={nodes.address}",
            "resources={cpu: 3, gpu: 0.5}",
        )
    assert str(told.value) == (
        "command line: search.resources: no machine has 3 CPU, 0.5 GPU; the most are 1 CPU, 0 GPU"
    )


def test_parts_of_several(here: Path) -> None:
    with pytest.raises(FathomError) as told:
        searched("search=random", "engine=ray", "resources={cpu: 1.5, gpu: 0}")
    assert str(told.value) == (
        "command line: search.resources: cpu must be a part of one or a whole number, not 1.5"
    )


@ray_installed
def test_nobody_there(here: Path) -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(FathomError) as told:
        searched("search=random", "engine=ray", f"address={address}")
    assert str(told.value) == (
        f"command line: search.address: {address}: [Errno 111] Connection refused"
    )


def test_ray_is_not_installed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: None if name == "ray" else find(name, *more),
    )
    with pytest.raises(FathomError) as told:
        searched("search=random", "engine=ray")
    assert str(told.value) == (
        "command line: search.engine: Ray is not installed: `make setup RAY=1`, or "
        "`python -m pip install --require-hashes -r requirements-ray.txt`"
    )


def start(folder: Path, *given: str, program: str = IMPATIENT) -> subprocess.Popen[str]:
    """Start a search by the command, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", program, "search", *COMMON, "ensemble=2", "experiments=0", *given],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": "src"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def read_until(process: subprocess.Popen[str], word: str) -> str:
    """Return what a process prints up to the line that has a word."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if word in line:
            return "".join(lines)
    raise AssertionError("".join(lines))


@pytest.mark.ray
@ray_installed
def test_ctrl_c(here: Path) -> None:
    """In the middle of a trial; the same search goes on without Ray."""
    forget(here)
    given = ["search=random", "space=small", "at_once=1"]
    process = start(here, *given, "trials=1000", "engine=ray")
    began = read_until(process, "1/1000")
    os.killpg(process.pid, signal.SIGINT)
    end = process.communicate()[0]
    assert process.returncode == 1
    (study,) = here.glob("studies/*/study.db")
    before = ended(kept(study))
    assert end.splitlines()[-1] == (
        f"fathom: stopped after {len(before)} trials; the same command goes on"
    )
    assert "raylet" not in began + end
    after = ended(searched(*given, f"trials={len(before) + 1}"))
    assert len(after) == len(before) + 1
    assert set(values(before)) < set(values(after))
    assert not [p for p in psutil.process_iter() if group_of(p.pid) == process.pid]


def group_of(pid: int) -> int | None:
    """Return a process's group, None if it has gone meanwhile."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


@pytest.mark.slow
def test_two_processes(searchable: Path, tmp_path: Path) -> None:
    """One of two is killed: the other carries out what is left, each point of the grid once."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:  # as on two machines
        folder.mkdir()
        for name in ("conf", "params.yaml", "data", "src"):
            (folder / name).symlink_to(searchable / name)
    storage = tmp_path / "shared.db"
    given = ["search=grid", "space=points", "at_once=1", f"storage=sqlite:///{storage}", *LONG]
    one, two = (start(folder, *given) for folder in folders)
    read_until(one, "/6  trial")
    time.sleep(0.5)  # in the next one
    os.killpg(one.pid, signal.SIGKILL)
    one.communicate()
    printed = two.communicate()[0]
    assert two.returncode == 0, printed
    trials = kept(storage)
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    assert len(complete) == 6
    assert len({str(trial.params) for trial in complete}) == 6
    failed = [trial for trial in trials if trial.state == TrialState.FAIL]
    assert failed
    assert len(trials) == 6 + len(failed)
    assert (folders[1] / "searches/digits/mlp-grid.json").exists()
