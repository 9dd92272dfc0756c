"""The Optuna study of a search: the trials on disk, the sampler and the pruner."""

import hashlib
import json
import math
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from fathom.artifacts.schema import Schema
from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.base.locks import only_process
from fathom.base.system_errors import find_system_error
from fathom.search.space import grid_points, is_grid
from fathom.settings.config import SearchConfig
from fathom.settings.instantiate import make

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
VALUES, SECONDS = "values", "seconds"  # attributes of a trial; SECONDS of the study, too

# Settings that change neither the trials nor their results.
WITHOUT_EFFECT = {
    "trials", "minutes", "present_first", "at_once", "engine", "address", "resources", "storage",
    "ensemble", "experiments",
}  # fmt: skip
OF_STAGE = {  # of `train`
    "at_once", "checkpoint", "ensemble", "folds", "ray", "repeats", "tensorboard",
}  # fmt: skip


class Connection(sqlite3.Connection):
    """A connection to study.db that does not wait for the disk at each of the dozen commits of a
    trial. A killed process loses nothing; a power failure loses the last trials.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute("PRAGMA journal_mode = WAL")
        self.execute("PRAGMA synchronous = NORMAL")


@contextmanager
def open_study(config: SearchConfig, higher_is_better: bool) -> Iterator[optuna.Study]:
    """Open the study of a search with its earlier trials, for one process at a time."""
    folder = study_folder(config)
    with only_process(folder / "lock", f"the search {folder.name}"):
        study = load_study(config, higher_is_better)
        try:
            yield study
        except optuna.exceptions.StorageInternalError as error:
            raise storage_error(config, error) from error


def load_study(config: SearchConfig, higher_is_better: bool) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    address = config.search.storage or f"sqlite:///{database(config)}"
    arguments: dict[str, Any] = {"timeout": 60} if address.startswith("sqlite:") else {}
    if config.search.storage is None:
        arguments["factory"] = Connection
    pruner = make_optuna(config, "pruner", BasePruner) if config.search.pruner else None
    try:
        return optuna.create_study(
            storage=optuna.storages.RDBStorage(address, {"connect_args": arguments}),
            study_name=study_name(config),
            pruner=pruner,
            direction="maximize" if higher_is_better else "minimize",
            load_if_exists=True,
        )
    except Exception as error:  # SQLAlchemy raises other errors for each database
        raise storage_error(config, error) from error


def storage_error(config: SearchConfig, error: BaseException) -> Exception:
    """Return the innermost cause of an error of the database, with its place."""
    system, cause = find_system_error(error), error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    text = " ".join(str(cause).split())
    if config.search.storage is not None:
        return config.origins.error(("search", "storage"), f"cannot be used: {text}")
    if system is None:
        return FathomError(f"{database(config)}: {text}")
    return OSError(system.errno, system.strerror, str(database(config)))


def database(config: SearchConfig) -> Path:
    """Return the file of the trials, unless `search.storage` is another database."""
    return study_folder(config) / "study.db"


def make_sampler(config: SearchConfig, number: int) -> BaseSampler:
    """Return a sampler for the trial of this number.

    Each trial has its own seed, so that a search samples the same values after a stop, and in
    several threads. A grid has one seed, which shuffles its points.
    """
    seed = config.search.seed
    if is_grid(config):
        defaults = {"seed": seed, "search_space": grid_points(config)}
    else:
        defaults = {"seed": (seed * 1_000_003 + number) % 2**32}
    sampler: BaseSampler = make_optuna(config, "sampler", BaseSampler, **defaults)
    return sampler


def make_optuna(config: SearchConfig, name: str, base: type, **defaults: Any) -> Any:
    """Call the `_target_` of a sampler or pruner, which returns a `base`."""
    target = getattr(config.search, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        instance = make(target, ("search", name), config.origins, **defaults)
    if not isinstance(instance, base):
        text = f"{target.target} is not an Optuna {name}"
        raise config.origins.error(("search", name, "_target_"), text)
    return instance


def count_trials(config: SearchConfig) -> int:
    """Return the number of trials of a search: a grid has no more than its points."""
    if not is_grid(config):
        return config.search.trials
    return min(config.search.trials, math.prod(map(len, grid_points(config).values())))


def study_folder(config: SearchConfig) -> Path:
    """Return the folder with the study, checkpoints and networks of a search."""
    return paths.STUDIES / study_name(config)


def study_name(config: SearchConfig) -> str:
    """Return a name with a digest of all settings and data that the results depend on."""
    tree = config.model_dump(mode="json", by_alias=True)
    settings = {key: tree[key] for key in ("dataset", "split", "scale", "model", "seed")}
    settings["train"] = {name: v for name, v in tree["train"].items() if name not in OF_STAGE}
    settings["search"] = config.search.model_dump(
        mode="json", by_alias=True, exclude=WITHOUT_EFFECT
    )
    settings["data"] = Schema.read(config.dataset.name).source.sha256
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]
    return "-".join([config.dataset.name, config.model.name, str(config.search.name), digest])


def finished_trials(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=FINISHED)
