"""A worker of a cluster: a process on any of its machines that carries out trials one by one.

What it needs of the project lies in its working folder. TensorFlow is imported when it is known
which devices are the worker's, not with this module.
"""

from __future__ import annotations

import queue
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import ray

from fathom.base.errors import FathomError
from fathom.settings.config import NetworkConfig, SearchConfig
from fathom.train.devices import start_tensorflow

if TYPE_CHECKING:
    from fathom.search.threads import Here
    from fathom.search.trial import Outcome

    # Of a trial: a step and the best value so far, to be judged; or what came of it. Errors that a
    # search knows are told, since raised ones arrive with traces of Ray's around them.
    News = tuple[int, float] | Outcome | Exception


class Worker:
    """Trains as `Here` does, and keeps what it has compiled for trials to come."""

    def __init__(self) -> None:
        self.news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self.folder = tempfile.TemporaryDirectory(prefix="fathom-")
        self.here: Here | None = None

    def start(self, config: SearchConfig) -> FathomError | None:
        """Start TensorFlow on the GPUs that Ray lends this process, or on the CPU without any.

        It is done once. Returns what prevents it.
        """
        if self.here is not None:
            return None
        gpus = list(range(len(ray.get_gpu_ids())))
        try:
            strategy = start_tensorflow(config.model_copy(update={"gpus": gpus}))
        except FathomError as error:
            return error
        import tensorflow as tf

        from fathom.search.threads import Here

        if config.train.deterministic:
            tf.config.experimental.enable_op_determinism()
        self.here = Here(config, strategy)
        return None

    def begin(self, config: NetworkConfig, judged: bool) -> News:
        """Begin a trial and return its first news.

        Args:
            judged: it waits for an answer after each step; otherwise it goes on to its end.
        """
        threading.Thread(target=self.carry_out, args=(config, judged), daemon=True).start()
        return self.next()

    def go_on(self, on: bool) -> News:
        """Answer to a step, and return the next news."""
        self.answers.put(on)
        return self.next()

    def carry_out(self, config: NetworkConfig, judged: bool) -> None:
        from fathom.search.trial import goes_on

        assert self.here is not None
        file = Path(self.folder.name, "checkpoint.npz")
        try:
            self.news.put(self.here.carry_out(config, file, self.ask if judged else goes_on))
        except Exception as error:
            self.news.put(error)

    def ask(self, step: int, value: float) -> bool:
        self.news.put((step, value))
        return self.answers.get()

    def next(self) -> News:
        from fathom.search.trial import HopelessError

        news = self.news.get()
        if isinstance(news, Exception) and not isinstance(news, FathomError | HopelessError):
            raise news  # a mistake in the program, with its trace
        return news
