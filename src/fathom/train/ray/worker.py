"""The processes on a Ray cluster that train a network together, by Keras' `fit` on JAX.

One keeps the others (`fit`). The first of those works in the project's folder. The others read the
same data, but what their callbacks and checkpoints write goes to folders of their own and is
forgotten.
"""

from __future__ import annotations

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

# How an error of XLA's begins when another process is gone, of whatever class JAX makes it.
LOST = re.compile("(ABORTED|CANCELLED|DEADLINE_EXCEEDED|INTERNAL|UNAVAILABLE|UNKNOWN): ")
READ = (Path("data"), paths.CONF, paths.PARAMS)

Trained: TypeAlias = "tuple[dict[str, Any], pd.DataFrame, Arrays]"


@dataclass(frozen=True)
class Job:
    """One training.

    Args:
        config: its engine is `fit`.
        project: the folder of the project, which all hosts share.
        file: of checkpoints, in the project.
        begin: what training begins with, as `checkpoint.arrays_of` returns it.
        watchers: callbacks of the first process.
        news: gets what that one prints, and what prevents any of them from training.
    """

    config: NetworkConfig
    seed: int
    project: Path
    file: Path
    begin: Arrays
    watchers: list[keras.callbacks.Callback]
    news: Any


class Told:
    """A standard output that is read elsewhere."""

    def __init__(self, news: Any) -> None:
        self.news = news

    def write(self, text: str) -> int:
        self.news.put(text)
        return len(text)

    def flush(self) -> None:
        pass


def fit(
    job: list[Any], workers: int, needs: dict[str, float], lives: int, name: str, folder: Path
) -> Trained:
    """Have workers train, and replace those that are lost; return what the first of them returns.

    Args:
        job: Ray's reference to a `Job`, in a list so that Ray does not read it here.
        needs: what a worker takes, by Ray's names.
        lives: how many losses are made up for.
        name: of what Ray keeps of this in the folder.

    Raises:
        TrainingFailedError: of Ray's: worker after worker is lost.
    """
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.v2.jax.jax_trainer import JaxTrainer

    trainer = JaxTrainer(
        partial(carry_out, *job),
        scaling_config=ScalingConfig(
            num_workers=workers, resources_per_worker=needs, placement_strategy="SPREAD"
        ),
        run_config=RunConfig(
            name=name,
            storage_path=str(folder),
            failure_config=FailureConfig(max_failures=lives),
        ),
    )
    trained: Trained = trainer.fit().return_value
    return trained


def carry_out(reference: Any) -> Trained:
    """Train from the last checkpoint on, if there is one.

    Args:
        reference: Ray's to a `Job`.

    Returns:
        The fields of the `Run`, its history, and what it has made of `job.begin`: nothing for which
        the process that hands it on would have to import TensorFlow.

    Raises:
        Exception: as the engine `fit`, or another process is lost: then Ray begins anew.
    """
    import ray

    job: Job = ray.get(reference)
    first = ray.train.get_context().get_world_rank() == 0
    try:
        with working(job, first), redirect_stdout(Told(job.news)) if first else nullcontext():
            return train(job, first)
    except FathomError as error:
        job.news.put(error)
        raise
    except Exception as error:
        if not (LOST.match(str(error)) or isinstance(error, ray.exceptions.RayError)):
            job.news.put(RuntimeError(f"a worker failed\n{traceback.format_exc()}"))
        raise


@contextmanager
def working(job: Job, first: bool) -> Iterator[None]:
    """Work in a folder in which a process may write."""
    with tempfile.TemporaryDirectory(prefix="fathom-") as own:
        for path in READ:
            Path(own, path).symlink_to(job.project / path)
        with chdir(job.project if first else own):
            yield


def train(job: Job, first: bool) -> Trained:
    import jax
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")  # they are JAX's
    import keras

    keras.utils.set_random_seed(job.seed)  # so that `meet` need not agree on one
    meet(job, first)
    from fathom.artifacts.scaled_data import ScaledData
    from fathom.train.checkpoint import arrays_of, put_into
    from fathom.train.runs import train_run
    from fathom.train.trainer import prepare

    together = keras.distribution.DataParallel(auto_shard_dataset=False)
    trainer = prepare(job.config, ScaledData.read(job.config.dataset.name), together)
    refuse_what_jax_cannot(trainer.model, trainer.train.sample[0], job.config)
    with together.scope():
        put_into(trainer.model, job.begin)
        watchers = job.watchers if first else []
        run, history = train_run(trainer, job.seed, job.file, job.config, watchers)
        arrays = arrays_of(trainer.model)
    jax.distributed.shutdown()  # waits for all: the first to leave would take the others with it
    return asdict(run), history, arrays


def refuse_what_jax_cannot(model: keras.Model, inputs: Any, config: NetworkConfig) -> None:
    """Refuse a network that calls functions of TensorFlow's.

    Raises:
        FathomError: it does.
    """
    import jax

    trained, others = model.trainable_variables, model.non_trainable_variables
    values = [[variable.value for variable in several] for several in (trained, others)]
    try:
        jax.eval_shape(model.stateless_call, *values, inputs)
    except Exception as error:
        file, key = config.origins.of(("model", "_target_"))
        message = re.sub(r"\x1b\[\d*m", "", str(error)).strip().partition("\n")[0]
        raise FathomError(
            f"{file}: {key}: {config.model.target} cannot be trained on JAX, by which "
            f"train.engine ray trains: {message}"
        ) from error


def meet(job: Job, first: bool) -> None:
    """Connect all processes, and give them the checkpoint that the first one finds."""
    import keras
    import ray
    from ray.train.collective import broadcast_from_rank_zero

    context = ray.train.get_context()
    told = None
    if first:
        found = ray.put(job.file.read_bytes()) if job.file.exists() else None
        told = {"address": free_address(), "checkpoint": found}
    heard = broadcast_from_rank_zero(told)
    if heard["checkpoint"] is not None and not first:
        job.file.parent.mkdir(parents=True)
        job.file.write_bytes(ray.get(heard["checkpoint"]))
    if context.get_world_size() > 1:
        keras.distribution.initialize(
            heard["address"], context.get_world_size(), context.get_world_rank()
        )


def free_address() -> str:
    """Return this machine's address in the cluster with a port that is free."""
    import ray

    host = ray.util.get_node_ip_address()
    with socket.socket() as found:
        found.bind((host, 0))
        return f"{host}:{found.getsockname()[1]}"
