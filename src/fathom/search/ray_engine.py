"""Trials on a Ray cluster.

Each trial thread of this process leases a Ray actor (`ray_actor`). The study with its sampler and
pruner stays here, so that a search is the same code on one machine and on many. Ray Tune has all
of these, too, and took twice as long for small trials. Actors keep their compiled models.
"""

import queue
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.search.ray_actor import TrialActor
from fathom.search.trial import Judge, Outcome, PrunedError
from fathom.settings.config import NetworkConfig, SearchConfig
from fathom.train.callbacks import HaltedError
from fathom.train.ray.cluster import (
    MAX_LOSSES,
    POLL_SECONDS,
    capacity,
    cause_of_loss,
    format_resources,
    join_cluster,
    machines,
)

SOURCE = Path("src")


class RayEngine:
    """Runs trials on actors of a cluster, as many as there are threads that run trials."""

    def __init__(self, config: SearchConfig) -> None:
        self.config, self.needs = config, needs(config)
        self.actor_class = ray.remote(
            num_cpus=self.needs["CPU"], num_gpus=self.needs["GPU"], max_concurrency=2
        )(TrialActor)
        self.halted = threading.Event()
        self.actors: list[Any] = []
        self.idle: queue.SimpleQueue[Any] = queue.SimpleQueue()

    @property
    def at_once(self) -> int:
        """The setting, or as many trials as fit on the machines that are in the cluster now."""
        if self.config.search.at_once != "auto":
            return self.config.search.at_once
        return max(sum(capacity(machine, self.needs) for machine in machines()), 1)

    def run_trial(self, config: NetworkConfig, file: Path, judge: Judge | None) -> Outcome:
        """Train on an actor, and on another one from the start if that is lost: with its actor
        the checkpoint is lost, too.
        """
        reason = ""
        for _ in range(MAX_LOSSES):
            actor = self.lease()
            try:
                outcome = train_on(actor, self.config, config, judge)
            except RayTaskError as error:
                self.idle.put(actor)
                if isinstance(error.cause, FathomError | PrunedError):
                    raise error.cause from None
                raise
            except RayError as error:
                ray.kill(actor)  # it may be alive on a machine that is out of reach
                reason = cause_of_loss(error)
            else:
                self.idle.put(actor)
                return outcome
        raise FathomError(
            f"lost {MAX_LOSSES} workers in a row ({reason}); if a machine runs out of memory, "
            "raise search.resources.cpu, so that fewer trials train there at the same time"
        )

    def lease(self) -> Any:
        """Return an idle actor, or a new one as soon as a machine has room for it."""
        new = ready = None
        while not self.halted.is_set():
            try:
                idle = self.idle.get(timeout=0 if new is None else POLL_SECONDS)
            except queue.Empty:
                if new is None:
                    new = self.actor_class.remote()
                    ready = new.__ray_ready__.remote()
                    self.actors.append(new)
                elif ray.wait([ready], timeout=0)[0]:
                    return new
            else:
                if new is not None:
                    ray.kill(new)
                return idle
        raise HaltedError

    def halt(self) -> None:
        """End all actors, which their threads take for lost."""
        self.halted.set()
        for actor in list(self.actors):
            ray.kill(actor)


def train_on(
    actor: Any, search_config: SearchConfig, config: NetworkConfig, judge: Judge | None
) -> Outcome:
    """Run a trial on an actor, and judge its steps here."""
    ray.get(actor.start_tensorflow.remote(search_config))
    outcome = actor.run_trial.remote(config, judge is not None)
    while judge and (step := ray.get(actor.next_step.remote())):
        actor.answer.remote(judge(*step))
    result: Outcome = ray.get(outcome)
    return result


@contextmanager
def start_ray_engine(config: SearchConfig) -> Iterator[RayEngine]:
    """Join the cluster of `search.address` or start one on this machine; leave it at the end."""
    check_fractions(config)
    location = ("search", "address")
    with tempfile.TemporaryDirectory(prefix="fathom-") as folder:
        link_project(config, Path(folder))
        runtime_env = {"working_dir": folder, "excludes": ["__pycache__"]}
        try:
            join_cluster(config.search.address, runtime_env, location, config.origins)
        except FathomError as error:
            if "exceeds the maximum size" not in str(error):
                raise
            folders = f"{SOURCE}, {paths.CONF} and {paths.raw(config.dataset.name)}"
            text = f"{folders} are larger than Ray sends to a machine; search with engine=local"
            raise config.origins.error(location, text) from error
    try:
        check_room(config)
        yield RayEngine(config)
    finally:
        ray.shutdown()


def link_project(config: SearchConfig, folder: Path) -> None:
    """Fill a folder with links to what actors need of the project, with the code at its top.

    Ray sends the content of links; DVC may have made links, too.
    """
    targets = {path: path for path in (paths.CONF, paths.PARAMS, paths.raw(config.dataset.name))}
    targets |= {path.relative_to(SOURCE): path for path in SOURCE.iterdir()}
    for place, target in targets.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).symlink_to(target.resolve())


def needs(config: SearchConfig) -> dict[str, float]:
    return {name.upper(): amount for name, amount in config.search.resources}


def check_fractions(config: SearchConfig) -> None:
    """Refuse resources such as 1.5 CPU: Ray accepts whole numbers or fractions below one."""
    for name, amount in needs(config).items():
        if amount > 1 and not amount.is_integer():
            text = f"{name.lower()} must be a fraction below one or a whole number, not {amount}"
            raise config.origins.error(("search", "resources"), text)


def check_room(config: SearchConfig) -> None:
    """Refuse resources that no machine has: Ray would wait forever."""
    nodes, trial = machines(), needs(config)
    if not any(capacity(node, trial) for node in nodes):
        most = {name: max(node.get(name, 0) for node in nodes) for name in trial}
        wanted, largest = format_resources(trial), format_resources(most)
        text = f"no machine has {wanted}; the most are {largest}"
        raise config.origins.error(("search", "resources"), text)
