"""Trains a network in several processes of a Ray cluster, each with its share of every batch."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os.path import isfile
from pathlib import Path
from typing import Any

import pandas as pd

from fathom.base.environment import keras_home
from fathom.base.errors import FathomError
from fathom.messages.training import GPUS_OF_WORKERS, JAX_NEEDS_XLA, workers_lost
from fathom.settings.config import NetworkConfig
from fathom.train.checkpoint import assign_arrays, get_arrays
from fathom.train.ray.cluster import (
    MAX_LOSSES,
    POLL_SECONDS,
    capacity,
    cause_of_loss,
    format_resources,
    join_cluster,
    machines,
    require_packages,
)
from fathom.train.ray.worker import Job, Result, fit
from fathom.train.runs import Callbacks, Run
from fathom.train.trainer import Trainer

RELEASE_SECONDS = 10  # in which cancelled workers must end


@contextmanager
def cluster(config: NetworkConfig) -> Iterator[None]:
    """Join the cluster of `train.ray.address`, or start one on this machine; leave it at the end.

    Raises:
        FathomError: Ray or JAX is not installed, JAX does not support a setting, the cluster
            cannot be reached, lacks room for all workers or does not see the project's folder.
    """
    require_packages(["ray", "jax"], ("train", "engine"), config.origins)
    if config.train.xla is False:
        raise config.origins.error(("train", "xla"), JAX_NEEDS_XLA)
    if len(config.gpus) > 1 and config.gpus != "auto":
        raise config.origins.error(("gpus",), GPUS_OF_WORKERS)
    import ray

    location = ("train", "ray", "address")
    join_cluster(
        config.train.ray.address, {"env_vars": environment(config)}, location, config.origins
    )
    try:
        check_room(config)
        check_shared_folder(config, Path.cwd())
        yield
    finally:
        ray.shutdown()


def environment(config: NetworkConfig) -> dict[str, str]:
    """Return the environment variables of the workers."""
    path = [str(Path("src").absolute()), os.environ.get("PYTHONPATH", "")]
    variables = {
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "KERAS_BACKEND": "jax",
        "KERAS_HOME": keras_home(),
        "JAX_PLATFORMS": "cuda,cpu" if config.train.ray.resources.gpu else "cpu",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    if config.train.deterministic and config.train.ray.resources.gpu:
        variables["XLA_FLAGS"] = "--xla_gpu_deterministic_ops=true"
    return variables


def resources(config: NetworkConfig) -> dict[str, float]:
    """Return the needs of a worker by Ray's names."""
    worker = config.train.ray.resources
    return {"CPU": worker.cpu, "GPU": worker.gpu}


def check_room(config: NetworkConfig) -> None:
    """Refuse more workers than the cluster has room for; Ray would wait forever."""
    needs, workers = resources(config), config.train.ray.workers
    room = sum(capacity(machine, needs) for machine in machines())
    if room < workers:
        each = format_resources(needs)
        text = f"the cluster has room for {room} workers of {each}, not for {workers}"
        raise config.origins.error(("train", "ray", "workers"), text)


def check_shared_folder(config: NetworkConfig, folder: Path) -> None:
    """Refuse a machine that does not see a new file in this folder."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    with tempfile.NamedTemporaryFile(dir=folder, prefix=".fathom-") as file:
        for node in ray.nodes():
            on_node = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            sees = ray.remote(num_cpus=0, scheduling_strategy=on_node)(isfile)
            if node["Alive"] and not ray.get(sees.remote(file.name)):
                raise config.origins.error(
                    ("train", "engine"),
                    f"{node['NodeManagerHostname']} does not see {folder}: all hosts must have the "
                    "project under the same path, in a shared folder",
                )


def train_run(
    trainer: Trainer, seed: int, file: Path, extra_callbacks: Callbacks
) -> tuple[Run, pd.DataFrame]:
    """Train like `runs.train_run`, in workers. Ray replaces a lost worker, and all of them resume
    from the last checkpoint.

    Raises:
        FathomError: like `runs.train_run`; or too many workers are lost.
    """
    import ray
    from ray.util.queue import Queue
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    queue = Queue(actor_options={"num_cpus": 0, "scheduling_strategy": here})
    config = trainer.config
    settings = config.train.model_copy(update={"engine": "fit"})
    job = Job(
        config=config.model_copy(update={"train": settings}),
        seed=seed,
        project=Path.cwd(),
        file=file,
        arrays=get_arrays(trainer.model),
        extra_callbacks=extra_callbacks,
        queue=queue,
    )
    # In a process of its own: a thread of this one that waits for workers cannot be stopped.
    fit_remote = ray.remote(num_cpus=0, scheduling_strategy=here)(fit).remote
    result = fit_remote(
        [ray.put(job)],
        workers=config.train.ray.workers,
        needs=resources(config),
        max_losses=MAX_LOSSES,
        name=file.stem,
        folder=(file.parent / "ray").absolute(),
    )
    run, history, arrays = wait_for(result, queue)
    assign_arrays(trainer.model, arrays)
    return Run(**run), history


def wait_for(reference: Any, queue: Any) -> Result:
    """Print the lines in a queue until a result is there, and return it.

    Raises:
        Exception: one in the queue, or one of Ray.
    """
    import ray
    from ray.train.v2.api.exceptions import TrainingFailedError
    from ray.util.queue import Empty

    while not ray.wait([reference], timeout=0)[0] or not queue.empty():
        with suppress(Empty):
            item = queue.get(timeout=POLL_SECONDS)
            if isinstance(item, Exception):
                ray.cancel(reference)  # otherwise it keeps the workers' resources for a while
                ray.wait([reference], timeout=RELEASE_SECONDS)
                raise item
            print(item, end="", flush=True)
    try:
        result: Result = ray.get(reference)
    except TrainingFailedError as error:
        raise FathomError(workers_lost(MAX_LOSSES + 1, cause_of_loss(error))) from error
    return result
