"""A network trained by several processes of a Ray cluster together, each with its share of every
batch: Ray Train keeps them, Keras' `fit` on JAX trains (`member`).

Here, on TensorFlow, the network is built and gets its first weights, and in the end what the
workers have made of it, so that all that comes before and after is as by the other engines.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os.path import isfile
from pathlib import Path
from typing import Any

import keras
import pandas as pd

from fathom.base.errors import FathomError
from fathom.settings.config import NetworkConfig
from fathom.train.checkpoint import arrays_of, put_into
from fathom.train.ray.cluster import (
    MAX_LOSSES,
    POLL_SECONDS,
    capacity,
    cause_of_loss,
    join_cluster,
    machines,
    require_packages,
)
from fathom.train.ray.worker import Job, Trained, fit
from fathom.train.runs import Run
from fathom.train.trainer import Trainer


def train_run(
    trainer: Trainer,
    seed: int,
    file: Path,
    config: NetworkConfig,
    watchers: list[keras.callbacks.Callback],
) -> tuple[Run, pd.DataFrame]:
    """Train as `runs.train_run` does, elsewhere. A worker that is lost is replaced, and all go
    on from the last checkpoint.

    Raises:
        FathomError: as by the other engines, or worker after worker is lost.
    """
    import ray
    from ray.util.queue import Queue
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    news = Queue(actor_options={"num_cpus": 0, "scheduling_strategy": here})
    by_fit = config.train.model_copy(update={"engine": "fit"})
    job = Job(
        config=config.model_copy(update={"train": by_fit}),
        seed=seed,
        project=Path.cwd(),
        file=file,
        begin=arrays_of(trainer.model),
        watchers=watchers,
        news=news,
    )
    # In a process of its own: a thread of this one that waits for workers cannot be ended.
    fitting = ray.remote(num_cpus=0, scheduling_strategy=here)(fit)
    places = file.stem, (file.parent / "ray").absolute()
    needs = config.train.ray.workers, amounts(config)
    ended = fitting.remote([ray.put(job)], *needs, MAX_LOSSES, *places)
    run, history, arrays = listened_to(ended, news)
    put_into(trainer.model, arrays)
    return Run(**run), history


def listened_to(ended: Any, news: Any) -> Trained:
    """Print what workers tell, until what they have made is there.

    Raises:
        Exception: what a worker tells, or of Ray's.
    """
    import ray
    from ray.train.v2.api.exceptions import TrainingFailedError
    from ray.util.queue import Empty

    while not ray.wait([ended], timeout=0)[0] or not news.empty():
        with suppress(Empty):
            heard = news.get(timeout=POLL_SECONDS)
            if isinstance(heard, Exception):
                raise heard
            print(heard, end="", flush=True)
    try:
        trained: Trained = ray.get(ended)
    except TrainingFailedError as error:
        raise FathomError(
            f"lost workers {MAX_LOSSES + 1} times ({cause_of_loss(error)}); the same "
            "command goes on from the last checkpoint"
        ) from error
    return trained


@contextmanager
def joined(config: NetworkConfig) -> Iterator[None]:
    """Join the cluster of `train.ray.address`, or start one on this machine, and leave it in the
    end.

    Raises:
        FathomError: Ray or JAX is not installed, a setting is none of this engine's, the cluster
            cannot be reached, lacks room for all workers or does not see the project's folder.
    """
    require_packages(["ray", "jax"], ("train", "engine"), config.origins)
    refuse_what_jax_has_not(config)
    import ray

    location = ("train", "ray", "address")
    join_cluster(
        config.train.ray.address, {"env_vars": environment(config)}, location, config.origins
    )
    try:
        see_room(config)
        see_folder(config, Path.cwd())
        yield
    finally:
        ray.shutdown()


def refuse_what_jax_has_not(config: NetworkConfig) -> None:
    """Refuse settings that TensorFlow alone has.

    Raises:
        FathomError: one of them is made.
    """
    if config.train.xla is False:
        file, key = config.origins.of(("train", "xla"))
        raise FathomError(
            f"{file}: {key}: JAX compiles by XLA alone, which train.engine ray trains by; set it "
            "to auto"
        )
    if len(config.gpus) > 1 and config.gpus != "auto":
        file, key = config.origins.of(("gpus",))
        raise FathomError(
            f"{file}: {key}: the workers of train.engine ray have the GPUs of train.ray.resources; "
            "set it to auto"
        )


def environment(config: NetworkConfig) -> dict[str, str]:
    """Return what the workers' processes are to find in their environment."""
    path = [str(Path("src").absolute()), os.environ.get("PYTHONPATH", "")]
    found = {
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cuda,cpu" if config.train.ray.resources.gpu else "cpu",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    if config.train.deterministic and config.train.ray.resources.gpu:
        found["XLA_FLAGS"] = "--xla_gpu_deterministic_ops=true"
    return found


def amounts(config: NetworkConfig) -> dict[str, float]:
    """Return by Ray's names what a worker takes."""
    resources = config.train.ray.resources
    return {"CPU": resources.cpu, "GPU": resources.gpu}


def see_room(config: NetworkConfig) -> None:
    """Refuse what Ray would wait for without an end.

    Raises:
        FathomError: there is not room for all workers at once.
    """
    needs, wanted = amounts(config), config.train.ray.workers
    found = sum(capacity(machine, needs) for machine in machines())
    if found < wanted:
        file, key = config.origins.of(("train", "ray", "workers"))
        each = ", ".join(f"{amount:g} {name}" for name, amount in needs.items())
        raise FathomError(
            f"{file}: {key}: the cluster has room for {found} workers of {each}, not for {wanted}"
        )


def see_folder(config: NetworkConfig, folder: Path) -> None:
    """See that all machines have this folder, by a file that was not there before.

    Raises:
        FathomError: one has not.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    with tempfile.NamedTemporaryFile(dir=folder, prefix=".fathom-") as file:
        for node in ray.nodes():
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            sees = ray.remote(num_cpus=0, scheduling_strategy=there)(isfile)
            if node["Alive"] and not ray.get(sees.remote(file.name)):
                where, key = config.origins.of(("train", "engine"))
                raise FathomError(
                    f"{where}: {key}: {node['NodeManagerHostname']} does not see {folder}: all "
                    "hosts must have the project under the same path, in a folder that they share"
                )
