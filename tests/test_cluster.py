"""Searches on a Ray cluster."""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
from conftest import ROOT, SHRUNK, ray_nodes
from small_searches import Trials, read_study, read_until, start_search, write_space
from trainings import ray_installed, refusal

from fathom.base.errors import FathomError
from fathom.search.base_settings import BaseSettings
from fathom.search.search_command import as_overrides
from fathom.search.study import study_folder
from fathom.settings.compose import compose
from fathom.settings.config import NetworkConfig, SearchConfig

COMMON = ["dataset=digits", "model=mlp", "search=random", "space=small", "ensemble=2", *SHRUNK]


@pytest.fixture
def workplace(trainable: Path) -> Path:
    """Return a folder in which searches can be started, with the project's code."""
    write_space("small", {"model.learning_rate": {"log": [0.001, 0.01]}})
    Path("src").symlink_to(ROOT / "src")
    return trainable


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """Return a cluster of one node with one core, of processes on this machine."""
    with ray_nodes(1) as started:
        yield started


def group_of(process: psutil.Process) -> int | None:
    with contextlib.suppress(ProcessLookupError):
        return os.getpgid(process.pid)
    return None


def kill_node(node: Any) -> None:
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    for process in [*raylet.children(recursive=True), raylet]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def configure(*given: str) -> tuple[SearchConfig, BaseSettings]:
    overrides = as_overrides([*COMMON, *given])
    return compose(overrides, SearchConfig), BaseSettings(overrides)


def run_search(*given: str) -> Trials:
    """Search in this process; return the finished trials."""
    import tensorflow as tf

    from fathom.search import search
    from fathom.search.trainer_pool import TrainerPool

    config, base = configure(*given)
    search.run_search(config, base, TrainerPool(tf.distribute.get_strategy()))
    return read_study(study_folder(config) / "study.db")


@pytest.mark.ray
@ray_installed
def test_a_node_joins_and_is_killed(
    workplace: Path, nodes: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It joins during the first trial, and is lost in the first one that it runs."""
    import ray

    from fathom.search.ray_engine import RayEngine, train_on

    alone = run_search("trials=4")
    shutil.rmtree("studies")
    capsys.readouterr()
    joined: list[Any] = []
    began: list[Any] = []  # an actor for each trial begun
    lost: list[Any] = []
    both_at_work = threading.Event()
    # In one temporary folder a node would empty the other's. A socket's path must be short.
    folder = tempfile.TemporaryDirectory(prefix="ray")
    kill_actor, room = ray.kill, vars(RayEngine)["at_once"].fget

    def at_once(engine: RayEngine) -> int:  # called in the main thread, in which Ray starts nodes
        if began and not joined:
            joined.append(nodes.add_node(num_cpus=1, temp_dir=folder.name))
        return int(room(engine))

    def begin(actor: Any, *more: Any) -> Any:
        began.append(actor)
        if len(began) > 1 and actor == began[0]:
            assert both_at_work.wait(600)
        elif len(began) > 1:
            both_at_work.set()
            threading.Timer(0.5, kill_node, joined).start()
        return train_on(actor, *more)

    def drop(actor: Any) -> None:
        lost.append(actor)
        kill_actor(actor)

    monkeypatch.setattr("fathom.search.ray_engine.train_on", begin)
    monkeypatch.setattr(RayEngine, "at_once", property(at_once))
    monkeypatch.setattr(ray, "kill", drop)
    trials = run_search("trials=4", "engine=ray", f"address={nodes.address}")
    nodes.remove_node(joined[0], allow_graceful=False)
    folder.cleanup()
    assert next(actor for actor in began if actor != began[0]) in lost
    lines = capsys.readouterr().out.splitlines()
    assert sorted(int(line.split()[2]) for line in lines if "  trial " in line) == list(range(4))
    assert trials == alone


@pytest.mark.ray
@ray_installed
def test_actors_train_as_this_process(
    workplace: Path, nodes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trials that end, are judged, diverge, or cannot be trained; then one that kills actors."""
    import tensorflow as tf

    from fathom.search.ray_engine import start_ray_engine
    from fathom.search.trainer_pool import TrainerPool
    from fathom.search.trial import ThreadEngine

    monkeypatch.setattr("fathom.search.ray_engine.MAX_LOSSES", 2)
    config, base = configure("engine=ray", f"address={nodes.address}")
    local = ThreadEngine(config, TrainerPool(tf.distribute.get_strategy()))

    def settings(rate: float, **callbacks: Any) -> NetworkConfig:
        return base.with_values({"model.learning_rate": rate, "train.callbacks": callbacks})

    with start_ray_engine(config) as engine:
        for trial, last_step in [
            (settings(0.001), None), (settings(0.002), 9), (settings(0.003), 1),
            (settings(1e30), 9),
            (settings(0.001, own={"_target_": "keras.callbacks.Nothing"}), None),
        ]:  # fmt: skip
            assert run_trial(local, trial, last_step) == run_trial(engine, trial, last_step)
        aborting = settings(0.001, own={"_target_": "os.abort"})
        text = refusal(engine.run_trial, aborting, Path("trial.npz"), None)
    assert text == (
        "lost 2 workers in a row (Worker unexpectedly exits with a connection error code 2. End of "
        "file); if a machine runs out of memory, raise search.resources.cpu, so that fewer trials "
        "train there at the same time"
    )


def run_trial(engine: Any, settings: NetworkConfig, last_step: int | None) -> list[Any]:
    """Run a trial up to a step; return how it was judged, and its outcome or error."""
    from fathom.search.trial import PrunedError

    seen: list[Any] = []

    def judge(step: int, value: float) -> bool:
        seen.append((step, value))
        return step != last_step

    try:
        outcome = engine.run_trial(settings, Path("trial.npz"), judge if last_step else None)
    except (FathomError, PrunedError) as error:
        return [*seen, type(error), str(error)]
    weights = [array.tolist() for array in outcome.network.weights]
    return [*seen, outcome.value, weights, outcome.network.valid.tolist()]


@ray_installed
def test_an_actor_asks_at_each_step(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    from fathom.search.ray_actor import TrialActor
    from fathom.search.trial import PrunedError

    monkeypatch.setattr(ray, "get_gpu_ids", list)
    config, base = configure("model.units=[8]")
    settings, actor = base.with_values({"model.learning_rate": 0.01}), TrialActor()
    actor.start_tensorflow(config)
    with ThreadPoolExecutor(1) as pool:
        for answers in ([False], [True, True]):
            outcome = pool.submit(actor.run_trial, settings, True)
            steps = []
            for answer in answers:
                steps.append(actor.next_step())
                actor.answer(answer)
            assert [step and step[0] for step in steps] == list(range(1, len(answers) + 1))
            assert actor.next_step() is None
            if answers[-1]:
                assert (2, outcome.result().value) == steps[-1]
            else:
                with pytest.raises(PrunedError):
                    outcome.result()


@ray_installed
def test_a_trial_loses_a_limited_number_of_actors(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    from fathom.search.ray_engine import RayEngine

    def lose(*given: Any) -> None:
        raise ray.exceptions.ActorDiedError

    config, base = configure()
    engine = RayEngine(config)
    lost: list[Any] = []
    monkeypatch.setattr("fathom.search.ray_engine.train_on", lose)
    monkeypatch.setattr(engine, "lease", SimpleNamespace)
    monkeypatch.setattr(ray, "kill", lost.append)
    text = refusal(engine.run_trial, base.with_values({}), Path("trial.npz"), None)
    assert len(lost) == 5
    assert text.startswith("lost 5 workers in a row (The actor died")


@pytest.mark.ray
@ray_installed
def test_no_machine_has_the_resources(workplace: Path, nodes: Any) -> None:
    given = "engine=ray", f"address={nodes.address}", "resources={cpu: 3, gpu: 0.5}"
    assert refusal(run_search, *given) == (
        "command line: search.resources: no machine has 3 CPU, 0.5 GPU; the most are 1 CPU, 0 GPU"
    )


@ray_installed
@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("resources={cpu: 1.5, gpu: 0}",
         "search.resources: cpu must be a fraction below one or a whole number, not 1.5"),
        ("address=127.0.0.1:1", "search.address: 127.0.0.1:1: [Errno 111] Connection refused"),
    ],
)  # fmt: skip
def test_refuses_settings_of_the_cluster(workplace: Path, override: str, message: str) -> None:
    assert refusal(run_search, "engine=ray", override) == f"command line: {message}"


def test_ray_is_not_installed(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert refusal(run_search, "engine=ray") == (
        "command line: search.engine: Ray is not installed: `make setup RAY=1`, or "
        "`python -m pip install --require-hashes -r requirements-ray.txt`"
    )


@pytest.mark.ray
@ray_installed
def test_ctrl_c(workplace: Path) -> None:
    """In the middle of a trial; the same search continues without Ray."""
    given = [*COMMON, "experiments=0", "at_once=1", "trials=1000", "engine=ray"]
    process = start_search(workplace, *given)
    began = read_until(process, "1/1000")
    os.killpg(process.pid, signal.SIGINT)
    end = process.communicate()[0]
    assert process.returncode == 1
    (file,) = workplace.glob("studies/*/study.db")
    before = read_study(file)
    assert end.splitlines()[-1] == (
        f"fathom: stopped after {len(before)} trials; the same command continues the search"
    )
    assert "raylet" not in began + end
    after = run_search("at_once=1", f"trials={len(before) + 1}")
    assert len(after) == len(before) + 1
    assert before.items() < after.items()
    # None is left of the process group; a container may leave dead processes.
    group = [p for p in psutil.process_iter() if group_of(p) == process.pid]
    _, alive = psutil.wait_procs(group, timeout=60)
    assert [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
