"""A search begun or gone on with, from checked settings to its outcome."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import tensorflow as tf
from optuna.trial import FrozenTrial

from fathom.artifacts.search_result import SearchResult
from fathom.base.errors import FathomError
from fathom.search.conclude import conclude
from fathom.search.overrides import Base
from fathom.search.search import Engine, Search
from fathom.search.study import finished, opened
from fathom.search.threads import Here
from fathom.search.trial import Trials
from fathom.settings.config import SearchConfig
from fathom.train.callbacks import direction, monitor_name

# Told how many trials had ended before, or one that has just ended, and how many are to.
Tell = Callable[["int | FrozenTrial", int], None]


def session(
    config: SearchConfig, base: Base, strategy: tf.distribute.Strategy, tell: Tell
) -> SearchResult:
    """Search, and write to `searches/<dataset>/<model>-<search>.json` what came out.

    Raises:
        FathomError: settings cannot be trained, another process is at work on this search, or the
            user stopped it.
    """
    tf.get_logger().setLevel("ERROR")  # many programs are traced, as they are to be
    if config.train.deterministic:
        tf.config.experimental.enable_op_determinism()
    here = Here(config, strategy)
    decided = Trials(None, here.trials.trainers, here.halted)  # for what comes after, without folds
    problem = decided.data(config)[0].scaled.problem
    upwards = direction(monitor_name(config, problem)) == "max"
    with opened(config, upwards) as study:
        with engine(config, here) as chosen:
            search = Search(config, base, study, chosen, tell)
            tell(len(finished(study)), search.wanted)
            try:
                search.run()
            except KeyboardInterrupt:
                raise FathomError(
                    f"stopped after {len(finished(study)):,} trials; the same command goes on"
                ) from None
        found = conclude(search, decided)
    found.write(found.file)
    return found


def engine(config: SearchConfig, here: Here) -> AbstractContextManager[Engine]:
    """Return who carries out trials."""
    if config.search.engine == "local":
        return nullcontext(here)
    from fathom.search.ray_trials import cluster

    return cluster(config)
