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
from typing import Any

import optuna
import psutil  # type: ignore[import-untyped]
import pytest
from conftest import ROOT, SHRUNK, copy_settings, prepare, ray_nodes
from optuna.trial import FrozenTrial, TrialState

from fathom.commands.searching import as_overrides
from fathom.config.schema import SearchConfig
from fathom.config.stage import compose
from fathom.errors import FathomError
from fathom.search.study import FINISHED, folder_of

pytestmark = pytest.mark.ray

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
    "from fathom.__main__ import main; main()"
)  # a killed process is missed after seconds


@pytest.fixture(scope="module")
def searchable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which searches can be started, with the project's code."""
    folder = tmp_path_factory.mktemp("searchable")
    copy_settings(folder)
    for name, space in (("small", SPACE), ("points", GRID), ("diverging", DIVERGING)):
        (folder / f"conf/search/space/{name}.yaml").write_text(space)
    (folder / "src").symlink_to(ROOT / "src")
    prepare(folder, ["digits"])
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
def join(nodes: Any) -> Iterator[Callable[[], Callable[[], None]]]:
    """Return what starts a second node, of one core, and returns what kills it."""
    joined: list[subprocess.Popen[bytes]] = []
    folders: list[str] = []

    def start() -> Callable[[], None]:
        ray = Path(sys.executable).with_name("ray")
        # In one temporary folder a node would empty the other's. A socket's path must be short.
        folders.append(tempfile.mkdtemp(prefix="ray"))
        own = ["--num-cpus=1", "--min-worker-port=0", "--max-worker-port=0", "--block"]
        own.append(f"--temp-dir={folders[-1]}")
        node = subprocess.Popen(
            [ray, "start", f"--address={nodes.address}", *own],
            env=os.environ | {"RAY_AUTH_MODE": "disabled"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        joined.append(node)
        return lambda: kill(node)

    yield start
    for node in joined:
        kill(node)
        node.wait()
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def kill(node: subprocess.Popen[bytes]) -> None:
    """Kill a node's processes at once, as if its machine were switched off."""
    with contextlib.suppress(psutil.NoSuchProcess):
        node_and_children = psutil.Process(node.pid).children(recursive=True)
        for process in [*node_and_children, psutil.Process(node.pid)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def wait_for(count: int, address: str) -> None:
    """Wait until a cluster has so many nodes."""
    count_nodes = (
        f"import ray; ray.init({address!r}, log_to_driver=False); "
        "print(sum(node['Alive'] for node in ray.nodes()))"
    )
    for _ in range(20):
        done = subprocess.run([sys.executable, "-c", count_nodes], capture_output=True, text=True)
        if done.stdout.split()[-1:] == [str(count)]:
            return
    raise AssertionError(done)


def searched(
    *given: str, tell: Callable[[FrozenTrial], None] = lambda trial: None
) -> list[FrozenTrial]:
    """Search in this process; return all trials that the study has."""
    import tensorflow as tf

    from fathom.search.session import session
    from fathom.search.settings import Base

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


@ray_installed
def test_a_node_is_killed(
    here: Path,
    nodes: Any,
    join: Callable[[], Callable[[], None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from fathom.search.cluster import Cluster

    given = ["search=random", "space=small", "trials=6", *LONG]
    forget(here)
    kill_second = join()
    alone = searched(*given)
    forget(here)
    wait_for(2, nodes.address)
    told: list[int] = []
    lost: list[Any] = []
    threads: set[int] = set()
    drop = Cluster.drop

    def dropped(self: Cluster, worker: Any) -> None:
        lost.append(worker)
        drop(self, worker)

    monkeypatch.setattr(Cluster, "drop", dropped)

    def tell(trial: FrozenTrial) -> None:
        told.append(trial.number)
        before = len(threads)
        threads.add(threading.get_ident())
        if len(threads) == 2 > before:  # both nodes are at work
            threading.Timer(0.3, kill_second).start()

    found = searched(*given, "engine=ray", f"address={nodes.address}", tell=tell)
    assert lost
    assert sorted(told) == list(range(6))
    assert len(found) == 6
    assert values(found) == values(alone)


@ray_installed
def test_a_node_joins(
    here: Path,
    nodes: Any,
    join: Callable[[], Callable[[], None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from fathom.search.cluster import Cluster

    forget(here)
    threads: list[int] = []
    carry_out = Cluster.carry_out

    def carried_out(*given: Any) -> Any:
        threads.append(threading.get_ident())
        if len(threads) == 1:
            join()
        end = time.monotonic() + 300
        while len(threads) > 1 and len(set(threads)) == 1 and time.monotonic() < end:
            time.sleep(0.1)  # for a trial on the new node
        return carry_out(*given)

    monkeypatch.setattr(Cluster, "carry_out", carried_out)
    given = ["search=random", "space=small", "trials=4", "engine=ray", f"address={nodes.address}"]
    assert len(searched(*given)) == 4
    assert len(set(threads)) == 2


@ray_installed
def test_pruned_and_diverged_alike(here: Path, nodes: Any) -> None:
    pruner = "pruner={_target_: optuna.pruners.MedianPruner, n_startup_trials: 1}"
    given = ["search=grid", "space=diverging", "train.epochs=5", "at_once=1", pruner]
    forget(here)
    alone = searched(*given)
    rates = {t.params["model.learning_rate"] for t in alone if t.state == TrialState.PRUNED}
    assert "1e+30" in rates
    assert len(rates) > 1
    forget(here)
    found = searched(*given, "engine=ray", f"address={nodes.address}")
    assert values(found) == values(alone)


@ray_installed
def test_errors_of_trials(here: Path, nodes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    given = ["search=grid", "space=diverging", "trials=1", "at_once=1"]
    there = [*given, "engine=ray", f"address={nodes.address}"]
    unknown = "+train.callbacks.own={_target_: keras.callbacks.Nothing}"
    lines = []
    for engine in (given, there):
        forget(here)
        with pytest.raises(FathomError) as told:
            searched(*engine, unknown)
        lines.append(str(told.value))
    assert lines[0] == lines[1]
    monkeypatch.setattr("fathom.search.cluster.LIVES", 2)
    forget(here)
    with pytest.raises(FathomError) as told:
        searched(*there, "+train.callbacks.own={_target_: os.abort}")
    assert str(told.value).partition(" (trial 0: model.learning_rate=")[0] == (
        "lost 2 workers one after the other (Worker unexpectedly exits with a connection error "
        "code 2. End of file); if a machine lacks memory, have fewer trials train there at once by "
        "search.resources.cpu"
    )


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


@ray_installed
def test_ctrl_c(here: Path) -> None:
    forget(here)
    given = ["search=random", "space=small", "trials=4", "engine=ray", *LONG]
    process = start(here, *given)
    began = read_until(process, "1/4")
    os.killpg(process.pid, signal.SIGINT)
    end = process.communicate()[0]
    assert process.returncode == 1
    assert end.splitlines()[-1] == "fathom: stopped after 1 trials; the same command goes on"
    assert "raylet" not in began + end
    assert len(searched(*given[:-4], *LONG, "engine=local")) >= 4
    assert not [p for p in psutil.process_iter() if group_of(p.pid) == process.pid]


def group_of(pid: int) -> int | None:
    """Return a process's group, None if it has gone meanwhile."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


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
