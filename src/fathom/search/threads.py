"""Trials in threads of this process."""

import threading
from pathlib import Path

import tensorflow as tf

from fathom.search.trainer_pool import TrainerPool
from fathom.search.trial import Judge, Outcome, Trials
from fathom.settings.config import NetworkConfig, SearchConfig
from fathom.train.devices import cores


class Here:
    """Carries out trials in the threads that ask for them."""

    def __init__(self, config: SearchConfig, strategy: tf.distribute.Strategy) -> None:
        self.halted = threading.Event()
        self.trials = Trials(config.search.cv, TrainerPool(strategy), self.halted)
        self.at_once = at_once(config)

    def carry_out(self, config: NetworkConfig, file: Path, judge: Judge) -> Outcome:
        return self.trials.carry_out(config, file, judge)

    def halt(self) -> None:
        self.halted.set()


def at_once(config: SearchConfig) -> int:
    """Return how many trials train at the same time: small networks leave most of a processor
    idle, so that each gets a core and takes no other.
    """
    if config.search.at_once != "auto":
        return config.search.at_once
    alone = config.train.engine != "compiled" or tf.config.get_visible_devices("GPU")
    return 1 if alone else cores()
