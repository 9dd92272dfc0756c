"""Trials on a Ray cluster.

A worker (`worker`) is an actor of Ray's, lent to a thread of this process. The study stays here,
with its sampler and pruner: methods, pruning, what is kept, how a search goes on and what it
reports are the same code for one machine and for many. Ray Tune has all these of its own, and took
twice as long for small trials. Actors keep what they have compiled from one trial to the next.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.search.trial import Judge, Outcome, goes_on
from fathom.settings.config import NetworkConfig, SearchConfig
from fathom.settings.search_settings import ResourcesSettings
from fathom.train.callbacks import HaltedError
from fathom.train.ray.cluster import (
    MAX_LOSSES,
    POLL_SECONDS,
    capacity,
    cause_of_loss,
    join_cluster,
    machines,
    require_packages,
)

SOURCE = Path("src")


class Cluster:
    """Carries out trials on workers, one for each thread that waits for a trial."""

    def __init__(self, config: SearchConfig) -> None:
        self.config = config
        self.halted, self.lock = threading.Event(), threading.Lock()
        self.workers: list[Any] = []
        self.free: list[Any] = []

    @property
    def at_once(self) -> int:
        """What is asked for, or as many as the machines have room for that are there now."""
        asked = self.config.search.at_once
        needs = amounts(self.config)
        return sum(capacity(machine, needs) for machine in machines()) if asked == "auto" else asked

    def carry_out(self, config: NetworkConfig, file: Path, judge: Judge) -> Outcome:
        """Have a worker train, or another one anew where that is lost.

        Args:
            file: not used: checkpoints are the worker's, and lost with it.

        Raises:
            FathomError: as by `Trials`, or the trial has lost worker after worker.
        """
        import ray

        judge = judge if judge is goes_on else Once(judge)
        reason = ""
        for _ in range(MAX_LOSSES):
            worker = self.take()
            try:
                error = ray.get(worker.start.remote(self.config))
                if error is not None:
                    raise FathomError(f"a worker of the cluster: {error}")
                return carried_out(worker, config, judge)
            except ray.exceptions.RayTaskError:
                raise  # of the program, not of the cluster
            except ray.exceptions.RayError as error:
                self.drop(worker)
                reason = cause_of_loss(error)
            finally:
                self.give_back(worker)
        raise FathomError(
            f"lost {MAX_LOSSES} workers one after the other ({reason}); if a machine lacks memory, "
            "have fewer trials train there at once by search.resources.cpu"
        )

    def take(self) -> Any:
        """Return a worker that is free, or else a new one as soon as there is room for it.

        Raises:
            HaltedError: the user wants no more.
        """
        import ray

        from fathom.search.ray_worker import Worker

        new: Any = None
        while True:
            with self.lock:
                if self.halted.is_set():
                    raise HaltedError
                free = self.free.pop() if self.free else None
                if new is None and free is None:
                    needs = amounts(self.config)
                    new = ray.remote(num_cpus=needs["CPU"], num_gpus=needs["GPU"])(Worker).remote()
                    ready = new.__ray_ready__.remote()
                    self.workers.append(new)
            if free is not None:
                if new is not None:
                    self.drop(new)
                return free
            if ray.wait([ready], timeout=POLL_SECONDS)[0]:
                return new

    def give_back(self, worker: Any) -> None:
        with self.lock:
            if worker in self.workers:
                self.free.append(worker)

    def drop(self, worker: Any) -> None:
        """Do without a worker, which may still live where it is out of reach."""
        import ray

        with self.lock:
            self.workers.remove(worker)
        ray.kill(worker)

    def halt(self) -> None:
        """End all trials, which then look like lost ones to their threads."""
        import ray

        with self.lock:
            self.halted.set()
            for worker in self.workers:
                ray.kill(worker)


class Once:
    """Has every step judged once: a trial that is begun anew does some again."""

    def __init__(self, judge: Judge) -> None:
        self.judge, self.reached = judge, 0

    def __call__(self, step: int, value: float) -> bool:
        if step <= self.reached:
            return True
        self.reached = step
        return self.judge(step, value)


def carried_out(worker: Any, config: NetworkConfig, judge: Judge) -> Outcome:
    """Have a worker carry out a trial, and judge its steps.

    Raises:
        Exception: what the worker tells, or an error of Ray's.
    """
    import ray

    news = ray.get(worker.begin.remote(config, judge is not goes_on))
    while isinstance(news, tuple):
        news = ray.get(worker.go_on.remote(judge(*news)))
    if isinstance(news, Exception):
        raise news
    assert isinstance(news, Outcome)
    return news


@contextmanager
def cluster(config: SearchConfig) -> Iterator[Cluster]:
    """Join the cluster of `search.address`, or start one on this machine, and leave it in the end.

    Raises:
        FathomError: Ray is not installed, the cluster cannot be reached, the project is too large
            to be sent, or no machine has what a trial takes.
    """
    require_packages(["ray"], ("search", "engine"), config.origins)
    refuse_odd_amounts(config)
    import ray

    location = ("search", "address")
    with tempfile.TemporaryDirectory(prefix="fathom-") as folder:
        gather(config, Path(folder))
        sent = {"working_dir": folder, "excludes": ["__pycache__"]}
        try:
            join_cluster(config.search.address, sent, location, config.origins)
        except FathomError as error:
            if "exceeds the maximum size" not in str(error):
                raise
            file, key = config.origins.of(location)
            raise FathomError(
                f"{file}: {key}: {config.search.address or 'local'}: {SOURCE}, {paths.CONF} and "
                f"{paths.raw(config.dataset.name)} are more than Ray sends to its nodes; let "
                "several processes share search.storage instead"
            ) from error
    try:
        see_room(config)
        yield Cluster(config)
    finally:
        ray.shutdown()


def gather(config: SearchConfig, folder: Path) -> None:
    """Fill a folder with what workers need of the project, the code at its top as Ray wants it.

    These are links, of which Ray sends the content: DVC may have made links, too.
    """
    needed = {paths.CONF, paths.PARAMS, paths.raw(config.dataset.name)}
    for place, file in [(path, path) for path in needed] + [
        (path.relative_to(SOURCE), path) for path in SOURCE.iterdir()
    ]:
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).symlink_to(file.resolve())


def refuse_odd_amounts(config: SearchConfig) -> None:
    """Refuse what Ray does not lend: one and a half."""
    for name, amount in amounts(config).items():
        if amount > 1 and not amount.is_integer():
            file, key = config.origins.of(("search", "resources"))
            wanted = "must be a part of one or a whole number"
            raise FathomError(f"{file}: {key}: {name.lower()} {wanted}, not {amount}")


def amounts(config: SearchConfig) -> dict[str, float]:
    """Return by Ray's names what a trial takes."""
    resources: ResourcesSettings = config.search.resources
    return {"CPU": resources.cpu, "GPU": resources.gpu}


def see_room(config: SearchConfig) -> None:
    """Refuse what Ray would wait for without an end.

    Raises:
        FathomError: no machine has the resources of one trial.
    """
    there, needs = machines(), amounts(config)
    if any(capacity(machine, needs) for machine in there):
        return
    file, key = config.origins.of(("search", "resources"))
    largest = ", ".join(
        f"{max(machine.get(name, 0) for machine in there):g} {name}" for name in needs
    )
    wanted = ", ".join(f"{amount:g} {name}" for name, amount in needs.items())
    raise FathomError(f"{file}: {key}: no machine has {wanted}; the most are {largest}")
