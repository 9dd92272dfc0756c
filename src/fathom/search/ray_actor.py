"""The Ray actor of a search: a process on any machine of the cluster that runs trials in turn.

The project's files are in its working folder. It imports TensorFlow after Ray has assigned its
devices, not with this module.
"""

from __future__ import annotations

import queue
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import ray

from fathom.base.errors import FathomError
from fathom.settings.config import NetworkConfig, SearchConfig
from fathom.train.devices import start_tensorflow

if TYPE_CHECKING:
    from fathom.search.trial import Outcome, ThreadEngine


class TrialActor:
    """Trains as `ThreadEngine` does, and keeps its compiled models for later trials.

    `run_trial` runs in one thread of the actor. For a judged trial the search calls `next_step` and
    `answer` in another one.
    """

    def __init__(self) -> None:
        self.steps: queue.SimpleQueue[tuple[int, float] | None] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self.folder = tempfile.TemporaryDirectory(prefix="fathom-")
        self.engine: ThreadEngine | None = None

    def start_tensorflow(self, config: SearchConfig) -> None:
        """Start TensorFlow once, on the GPUs that Ray assigned, or on the CPU."""
        if self.engine is not None:
            return
        gpus = list(range(len(ray.get_gpu_ids())))
        try:
            strategy = start_tensorflow(config.model_copy(update={"gpus": gpus}))
        except FathomError as error:
            raise FathomError(f"a worker of the cluster: {error}") from error
        import tensorflow as tf

        from fathom.search.trainer_pool import TrainerPool
        from fathom.search.trial import ThreadEngine

        if config.train.deterministic:
            tf.config.experimental.enable_op_determinism()
        self.engine = ThreadEngine(config, TrainerPool(strategy))

    def run_trial(self, config: NetworkConfig, judged: bool) -> Outcome:
        assert self.engine is not None
        file = Path(self.folder.name, "checkpoint.npz")
        if not judged:
            return self.engine.run_trial(config, file, None)
        try:
            return self.engine.run_trial(config, file, self.judge)
        finally:
            self.steps.put(None)

    def judge(self, step: int, value: float) -> bool:
        self.steps.put((step, value))
        return self.answers.get()

    def next_step(self) -> tuple[int, float] | None:
        """Wait for a step to judge; None if the trial has ended."""
        return self.steps.get()

    def answer(self, go_on: bool) -> None:
        self.answers.put(go_on)
