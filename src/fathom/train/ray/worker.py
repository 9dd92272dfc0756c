"""The processes of Ray Train that train a network together, by Keras' `fit` on JAX.

The first worker works in the project's folder. The others read the same data, but their callbacks
and checkpoints write to temporary folders.
"""

from __future__ import annotations

import io
import re
import socket
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import chdir, contextmanager, nullcontext, redirect_stdout
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.settings.config import NetworkConfig

if TYPE_CHECKING:
    import keras
    import pandas as pd

    from fathom.train.checkpoint import Arrays

# Beginnings of XLA's errors when another process is gone; JAX raises them as various classes.
LOST = re.compile("(ABORTED|CANCELLED|DEADLINE_EXCEEDED|INTERNAL|UNAVAILABLE|UNKNOWN): ")
READ = (Path("data"), paths.CONF, paths.PARAMS)

Result: TypeAlias = "tuple[dict[str, Any], pd.DataFrame, Arrays]"


@dataclass(frozen=True)
class Job:
    """One training.

    Args:
        config: its engine is `fit`.
        project: the project's folder, which all hosts share.
        file: of checkpoints, in the project.
        arrays: the first values of the model and its optimizer.
        extra_callbacks: of the first worker.
        queue: receives the lines of the first worker, and errors of any worker.
    """

    config: NetworkConfig
    seed: int
    project: Path
    file: Path
    arrays: Arrays
    extra_callbacks: list[keras.callbacks.Callback]
    queue: Any


class QueueWriter(io.TextIOBase):
    """A standard output that puts text into a queue."""

    def __init__(self, queue: Any) -> None:
        self.queue = queue

    def write(self, text: str) -> int:
        self.queue.put(text)
        return len(text)


def fit(
    job: list[Any], workers: int, needs: dict[str, float], max_losses: int, name: str, folder: Path
) -> Result:
    """Train with Ray Train, which replaces lost workers; return the result of the first worker.

    Args:
        job: Ray's reference to a `Job`, in a list so that Ray does not read it here.
        needs: of a worker, by Ray's names.
        name: of the files that Ray writes to the folder.

    Raises:
        TrainingFailedError: of Ray: more than `max_losses` workers are lost.
    """
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.v2.jax.jax_trainer import JaxTrainer

    trainer = JaxTrainer(
        partial(run_job, *job),
        scaling_config=ScalingConfig(
            num_workers=workers, resources_per_worker=needs, placement_strategy="SPREAD"
        ),
        run_config=RunConfig(
            name=name,
            storage_path=str(folder),
            failure_config=FailureConfig(max_failures=max_losses),
        ),
    )
    result: Result = trainer.fit().return_value
    return result


def run_job(reference: Any) -> Result:
    """Train in this worker, from the last checkpoint on if there is one.

    Args:
        reference: Ray's to a `Job`.

    Returns:
        The fields of the `Run`, its history and the trained arrays: objects that a process can
        pass on without importing TensorFlow.

    Raises:
        Exception: like the engine `fit`; or another worker is lost, and Ray starts all anew.
    """
    import ray

    job: Job = ray.get(reference)
    first = ray.train.get_context().get_world_rank() == 0
    output = redirect_stdout(QueueWriter(job.queue)) if first else nullcontext()
    try:
        with work_folder(job, first), output:
            return train(job, first)
    except FathomError as error:
        job.queue.put(error)
        raise
    except Exception as error:
        if not (LOST.match(str(error)) or isinstance(error, ray.exceptions.RayError)):
            job.queue.put(RuntimeError(f"a worker failed\n{traceback.format_exc()}"))
        raise


@contextmanager
def work_folder(job: Job, first: bool) -> Iterator[None]:
    """Work in a folder in which this worker may write."""
    with tempfile.TemporaryDirectory(prefix="fathom-") as folder:
        for path in READ:
            Path(folder, path).symlink_to(job.project / path)
        with chdir(job.project if first else folder):
            yield


def train(job: Job, first: bool) -> Result:
    import jax

    from fathom.train.devices import import_quietly

    import_quietly().config.set_visible_devices([], "GPU")  # JAX uses them
    import keras

    keras.utils.set_random_seed(job.seed)  # otherwise keras.distribution agrees on one
    connect_workers(job, first)
    from fathom.artifacts.scaled_data import ScaledData
    from fathom.train.checkpoint import assign_arrays, get_arrays
    from fathom.train.runs import train_run
    from fathom.train.trainer import prepare

    devices = keras.distribution.DataParallel(auto_shard_dataset=False)
    trainer = prepare(job.config, ScaledData.read(job.config.dataset.name), devices)
    check_runs_on_jax(trainer.model, trainer.train.sample[0], job.config)
    with devices.scope():
        assign_arrays(trainer.model, job.arrays)
        extra_callbacks = job.extra_callbacks if first else []
        run, history = train_run(trainer, job.seed, job.file, extra_callbacks)
        arrays = get_arrays(trainer.model)
    jax.distributed.shutdown()  # waits for all workers: the first to leave would end the others
    return asdict(run), history, arrays


def connect_workers(job: Job, first: bool) -> None:
    """Connect all workers, and send them the checkpoint of the first one."""
    import keras
    import ray
    from ray.train.collective import broadcast_from_rank_zero

    context = ray.train.get_context()
    message = None
    if first:
        checkpoint = ray.put(job.file.read_bytes()) if job.file.exists() else None
        message = {"address": free_address(), "checkpoint": checkpoint}
    message = broadcast_from_rank_zero(message)
    if message["checkpoint"] is not None and not first:
        job.file.parent.mkdir(parents=True)
        job.file.write_bytes(ray.get(message["checkpoint"]))
    workers, rank = context.get_world_size(), context.get_world_rank()
    if workers > 1:
        keras.distribution.initialize(message["address"], workers, rank)


def free_address() -> str:
    """Return this machine's address in the cluster with a free port."""
    import ray

    host = ray.util.get_node_ip_address()
    with socket.socket() as free:
        free.bind((host, 0))
        return f"{host}:{free.getsockname()[1]}"


def check_runs_on_jax(model: keras.Model, inputs: Any, config: NetworkConfig) -> None:
    """Refuse a network that calls functions of TensorFlow."""
    import jax

    variables = model.trainable_variables, model.non_trainable_variables
    values = [[variable.value for variable in group] for group in variables]
    try:
        jax.eval_shape(model.stateless_call, *values, inputs)
    except Exception as error:
        message = re.sub(r"\x1b\[\d*m", "", str(error)).strip().partition("\n")[0]
        target = config.model.target
        text = f"train.engine ray trains on JAX, which cannot train {target}: {message}"
        raise config.origins.error(("model", "_target_"), text) from error
