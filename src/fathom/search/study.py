"""What is kept of a search's trials, on disk, so that it can be stopped and go on."""

import hashlib
import json
import sqlite3
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import filelock
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, GridSampler
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from fathom.artifacts.schema import Schema
from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.search.space import grid
from fathom.search.turns import turn
from fathom.settings.config import SearchConfig
from fathom.settings.instantiate import make

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
HEARTBEAT, GRACE = 10, 60  # seconds; a process that is silent for longer is taken for dead
VALUES, SECONDS, ERROR = "values", "seconds", "error"  # what is kept of a trial beside its value
AGAIN = "again"  # the trial that one has the values of, since it was stopped or killed

# What says how long and by whom is searched, not what comes out of a trial or is tried.
WITHOUT_EFFECT = {
    "trials", "at_once", "engine", "address", "resources", "storage", "ensemble", "experiments",
}  # fmt: skip


class Connection(sqlite3.Connection):
    """A connection to the file of a search, which does not wait for the disk at each of the dozen
    commits of a trial. A killed process loses nothing by it, a power cut the last trials.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.execute("PRAGMA journal_mode = WAL")
        self.execute("PRAGMA synchronous = NORMAL")


class SeededSampler(BaseSampler):
    """Gives each trial a sampler of its own, seeded by how many were drawn before.

    So a search that goes on draws what it would have drawn without the stop, and in several threads
    what a trial draws depends only on the trials that the sampler itself looks at. Trials are to
    draw in turn.
    """

    def __init__(self, config: SearchConfig) -> None:
        self.config = config
        self.points = {"search_space": grid(config)} if is_grid(config) else {}
        self.lock = threading.Lock()  # trials end at any time
        self.samplers: dict[int, BaseSampler] = {}

    def of(self, study: optuna.Study, trial: FrozenTrial) -> BaseSampler:
        with self.lock:
            if trial.number not in self.samplers:
                seed = self.config.search.seed
                if not self.points:  # by its seed a grid is put in an order, the same for all
                    seed = (seed * 1_000_003 + drawn_before(study, trial)) % 2**32
                self.samplers[trial.number] = sampler(self.config, seed=seed, **self.points)
            return self.samplers[trial.number]

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        self.of(study, trial).before_trial(study, trial)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self.of(study, trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self.of(study, trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        return self.of(study, trial).sample_independent(
            study, trial, param_name, param_distribution
        )

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        if not self.points:  # a grid would stop `Study.optimize`, which is not at work here
            self.of(study, trial).after_trial(study, trial, state, values)
        with self.lock:
            self.samplers.pop(trial.number, None)


def drawn_before(study: optuna.Study, trial: FrozenTrial) -> int:
    """Return how many trials before one have values of their own, not those of a stopped one."""
    trials = study.get_trials(deepcopy=False)
    return sum(t.number < trial.number and AGAIN not in t.system_attrs for t in trials)


def sampler(config: SearchConfig, **defaults: Any) -> BaseSampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        made = make(config.search.sampler, ("search", "sampler"), config.origins, **defaults)
    if not isinstance(made, BaseSampler):
        raise wrong_kind(config, "sampler", "a sampler of Optuna's")
    return made


def pruner(config: SearchConfig) -> optuna.pruners.BasePruner:
    chosen = config.search.pruner
    if chosen is None:
        return optuna.pruners.NopPruner()
    made = make(chosen, ("search", "pruner"), config.origins)
    if not isinstance(made, optuna.pruners.BasePruner):
        raise wrong_kind(config, "pruner", "a pruner of Optuna's")
    return made


def wrong_kind(config: SearchConfig, name: str, wanted: str) -> FathomError:
    file, key = config.origins.of(("search", name, "_target_"))
    return FathomError(f"{file}: {key}: {getattr(config.search, name).target} is not {wanted}")


def is_grid(config: SearchConfig) -> bool:
    return config.search.sampler.target.rpartition(".")[2] == GridSampler.__name__


def wanted(config: SearchConfig) -> int:
    """Return how many trials are to end: a grid has but so many."""
    if not is_grid(config):
        return config.search.trials
    combinations = 1
    for points in grid(config).values():
        combinations *= len(points)
    return min(config.search.trials, combinations)


@contextmanager
def opened(config: SearchConfig, higher_is_better: bool) -> Iterator[optuna.Study]:
    """Open the study of a search, with all trials that have ended so far.

    Without `search.storage` it is a file in `studies/`, for one process at a time; what was
    under way when the last one ended is tried again.

    Raises:
        FathomError: another process has it open, or the storage cannot be reached.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    folder = folder_of(config)
    folder.mkdir(parents=True, exist_ok=True)
    if config.search.storage is not None:
        yield load(config, folder, higher_is_better)
        return
    try:
        with filelock.FileLock(folder / "lock", timeout=0):
            study = load(config, folder, higher_is_better)
            for trial in running(study):
                study.tell(trial.number, state=TrialState.FAIL)
            yield study
    except filelock.Timeout as error:
        raise FathomError(
            f"another process is at work on this search, in {folder}; for several at once set "
            "search.storage to a database that all of them reach"
        ) from error


def load(config: SearchConfig, folder: Path, higher_is_better: bool) -> optuna.Study:
    shared = config.search.storage
    address = shared or f"sqlite:///{folder / 'study.db'}"
    arguments: dict[str, Any] = {}
    if address.startswith("sqlite"):
        arguments["connect_args"] = {"timeout": 60} | ({} if shared else {"factory": Connection})
    sampling, pruning = SeededSampler(config), pruner(config)
    try:
        # Two that make a database's tables at the same time disturb each other.
        with turn(shared) if shared else nullcontext(), warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            storage = RDBStorage(
                address,
                engine_kwargs=arguments,
                heartbeat_interval=HEARTBEAT if shared else None,
                grace_period=GRACE if shared else None,
            )
            return optuna.create_study(
                storage=storage,
                study_name=name_of(config),
                sampler=sampling,
                pruner=pruning,
                direction="maximize" if higher_is_better else "minimize",
                load_if_exists=True,
            )
    except Exception as error:  # SQLAlchemy has one for each kind of database
        file, key = config.origins.of(("search", "storage"))
        message = " ".join(str(error).split())
        raise FathomError(f"{file}: {key}: cannot be opened: {message}") from error


def folder_of(config: SearchConfig) -> Path:
    """Return where a search keeps what it goes on from."""
    return paths.STUDIES / name_of(config)


def name_of(config: SearchConfig) -> str:
    chosen = (config.dataset.name, config.model.name, config.search.name)
    return "-".join([*chosen, digest(config)])


def digest(config: SearchConfig) -> str:
    """Return what tells a search from others: settings, space and data."""
    tree = config.model_dump(mode="json", by_alias=True)
    settings = {key: tree[key] for key in ("dataset", "split", "scale", "model", "train", "seed")}
    settings["search"] = config.search.model_dump(
        mode="json", by_alias=True, exclude=WITHOUT_EFFECT
    )
    settings["data"] = Schema.read(config.dataset.name).source.sha256
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def put_back(study: optuna.Study) -> None:
    """Queue again what was stopped or killed, to be called in a turn.

    Trials fail by a stop, by a kill or by an error of their own. Of the first two each is to be
    queued once, whoever was killed when.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        optuna.storages.fail_stale_trials(study)
    for trial in running(study):
        if VALUES not in trial.user_attrs:  # these are set in a turn: who had it was killed
            study.tell(trial.number, state=TrialState.FAIL)
    trials = study.get_trials(deepcopy=False)
    queued = {trial.system_attrs.get(AGAIN) for trial in trials}
    for trial in trials:
        stopped = trial.state == TrialState.FAIL and ERROR not in trial.user_attrs
        if stopped and trial.number not in queued:
            again = optuna.trial.create_trial(
                state=TrialState.WAITING,
                params=trial.params,
                distributions=trial.distributions,
                system_attrs=trial.system_attrs | {AGAIN: trial.number},
            )
            study.add_trial(again)


def running(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=[TrialState.RUNNING])


def finished(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=FINISHED)


def ranked(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that came to their end, best first, of equal ones the earliest first."""
    complete = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
    sign = -1 if study.direction == optuna.study.StudyDirection.MAXIMIZE else 1
    return sorted(complete, key=lambda trial: (sign * (trial.value or 0.0), trial.number))
