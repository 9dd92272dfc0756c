"""A search from checked settings to its result."""

from __future__ import annotations

import hashlib
import math
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click
import optuna
import tensorflow as tf
from optuna.trial import FrozenTrial, TrialState

from fathom.artifacts.ranking import higher_is_better
from fathom.artifacts.search_result import SearchResult, settings_key
from fathom.base.errors import FathomError
from fathom.evaluate.formatting import format_duration, format_number
from fathom.search.base_settings import BaseSettings
from fathom.search.best_trials import summarize
from fathom.search.space import Values, describe, is_grid, present_params, sort_space, suggest
from fathom.search.study import (
    SECONDS,
    VALUES,
    count_trials,
    finished_trials,
    make_sampler,
    open_study,
    study_folder,
)
from fathom.search.trainer_pool import TrainerPool
from fathom.search.trial import Judge, PrunedError, ThreadEngine
from fathom.settings.config import SearchConfig
from fathom.train.callbacks import DivergedError, monitor_name
from fathom.train.fingerprint import digest_of, imported_code
from fathom.train.ray.cluster import require_packages

if TYPE_CHECKING:
    from fathom.search.ray_engine import RayEngine  # needs Ray

    Engine = ThreadEngine | RayEngine

Result = tuple[float | None, TrialState]
POLL_SECONDS = 1.0  # seconds between looks whether a machine has joined


def run_search(config: SearchConfig, base: BaseSettings, pool: TrainerPool) -> SearchResult:
    """Search, and write the result to `searches/<dataset>/<model>-<search>.json`.

    Raises:
        FathomError: settings cannot be trained, another process runs this search, or the user
            stopped it.
    """
    tf.get_logger().setLevel("ERROR")  # no warnings about many traced programs
    if config.train.deterministic:
        tf.config.experimental.enable_op_determinism()
    local = ThreadEngine(config, pool)
    monitor = monitor_name(config, local.data(config).scaled.problem)
    with open_study(config, higher_is_better=higher_is_better(monitor)) as study:
        with choose_engine(config, local) as engine:
            search = Search(config, base, study, engine)
            try:
                search.run()
            except KeyboardInterrupt:
                raise FathomError(
                    f"stopped after {len(finished_trials(study)):,} trials; the same command "
                    "continues the search"
                ) from None
        local.halted.clear()
        result = summarize(search, local)
    result.write(result.file)
    return result


def choose_engine(config: SearchConfig, local: ThreadEngine) -> AbstractContextManager[Engine]:
    if config.search.engine == "local":
        return nullcontext(local)
    require_packages(["ray"], ("search", "engine"), config.origins)
    from fathom.search.ray_engine import start_ray_engine

    return start_ray_engine(config)


class Search:
    """Runs the trials of a study until enough have finished."""

    def __init__(
        self, config: SearchConfig, base: BaseSettings, study: optuna.Study, engine: Engine
    ) -> None:
        self.config, self.base, self.study, self.engine = config, base, study, engine
        self.space, self.total = sort_space(config), count_trials(config)
        self.folder, self.code = study_folder(config), digest_of(imported_code())
        # Trials that were running when the last process was stopped or killed, or failed.
        self.interrupted = study.get_trials(deepcopy=False, states=[TrialState.RUNNING])
        self.lock = threading.Lock()
        # Value and state by settings: trials with equal settings have one result.
        self.results: dict[str, Future[Result]] = {}
        for trial in finished_trials(study):
            result, is_new = self.result(trial.user_attrs[VALUES])
            if is_new:
                result.set_result((trial.value, trial.state))
        self.before, self.done = len(finished_trials(study)), 0
        self.seconds, self.start = study.user_attrs.get(SECONDS, 0.0), time.perf_counter()

    def run(self) -> None:
        """Run trials until enough have finished; interrupted ones first."""
        if self.before:
            click.echo(f"continues after {self.before:,} trials")
        running: set[Future[None]] = set()
        with ThreadPoolExecutor(self.total) as pool:
            try:
                while not self.is_over():
                    left = self.total - len(finished_trials(self.study)) - len(running)
                    for _ in range(min(left, self.engine.at_once - len(running))):
                        running.add(pool.submit(self.run_trial, self.begin_trial()))
                    if not running:
                        return
                    done, running = wait(running, POLL_SECONDS, FIRST_COMPLETED)
                    for future in done:
                        future.result()
                if running:  # the time is over: they are interrupted, as by a kill
                    self.engine.halt()
                    wait(running)
            except BaseException:
                self.engine.halt()
                raise

    def is_over(self) -> bool:
        """Tell whether the time is over, and at least one trial is complete."""
        if self.seconds_left() > 0:
            return False
        return bool(self.study.get_trials(deepcopy=False, states=[TrialState.COMPLETE]))

    def seconds_left(self) -> float:
        minutes = self.config.search.minutes
        used: float = self.seconds + time.perf_counter() - self.start
        return math.inf if minutes is None else 60 * minutes - used

    def begin_trial(self) -> optuna.Trial:
        """Return an interrupted trial, or else a new one, with all its values."""
        frozen = self.interrupted.pop(0) if self.interrupted else None
        number = frozen.number if frozen else len(self.study.get_trials(deepcopy=False))
        with self.lock:
            self.study.sampler = make_sampler(self.config, number)
            if self.config.search.present_first and number == 0 and not is_grid(self.config):
                tree = self.config.model_dump(mode="json", by_alias=True)
                self.study.enqueue_trial(present_params(self.space, tree))
            trial = optuna.Trial(self.study, frozen._trial_id) if frozen else self.study.ask()
            trial.set_user_attr(VALUES, suggest(trial, self.space))
            # `tell` calls the sampler, too, and that of a grid would call `Study.stop`.
            self.study.sampler = optuna.samplers.RandomSampler()
        return trial

    def run_trial(self, trial: optuna.Trial) -> None:
        """Train a trial, or take the result of one with equal values, which may be running."""
        start = time.perf_counter()
        result, is_new = self.result(trial.user_attrs[VALUES])
        if is_new:
            try:
                result.set_result(self.train(trial))
            except BaseException as error:
                result.set_exception(error)
        value, state = result.result()
        trial.set_user_attr(SECONDS, round(time.perf_counter() - start, 3))
        with self.lock:
            self.report(self.study.tell(trial, value, state))

    def result(self, values: Values) -> tuple[Future[Result], bool]:
        """Return the result of all trials with some values, and whether no one computes it yet."""
        new: Future[Result] = Future()
        with self.lock:
            result = self.results.setdefault(settings_key(values), new)
        return result, result is new

    def train(self, trial: optuna.Trial) -> Result:
        values: Values = trial.user_attrs[VALUES]
        try:
            config, file = self.base.with_values(values), self.checkpoint(trial.number, values)
            outcome = self.engine.run_trial(config, file, self.judge(trial))
            if outcome.network is not None:
                outcome.network.write(self.network_file(trial.number))
            return outcome.value, TrialState.COMPLETE
        except (PrunedError, DivergedError):
            return None, TrialState.PRUNED
        except FathomError as error:
            raise FathomError(f"{error} (trial {trial.number}: {describe(values)})") from error

    def judge(self, trial: optuna.Trial) -> Judge | None:
        """Return the function that asks the pruner about each step; None without a pruner.

        A trial that was interrupted, or lost its worker, repeats steps; they pass.
        """
        if self.config.search.pruner is None:
            return None
        frozen = self.study.get_trials(deepcopy=False)[trial.number]
        steps = set(frozen.intermediate_values)

        def judge(step: int, value: float) -> bool:
            if step in steps:
                return True
            steps.add(step)
            trial.report(value, step)
            return not trial.should_prune()

        return judge

    def report(self, trial: FrozenTrial) -> None:
        """Print the progress, and add up the time."""
        self.done += 1
        elapsed = time.perf_counter() - self.start
        self.study.set_user_attr(SECONDS, self.seconds + elapsed)
        left = (self.total - self.before - self.done) * elapsed / self.done
        left = max(min(left, self.seconds_left()), 0)
        value = "ended early" if trial.value is None else format_number(trial.value)
        place = f"{self.before + self.done}/{self.total}"
        click.echo(f"{place:>9}  trial {trial.number}  {value}  about {format_duration(left)} left")

    def checkpoint(self, number: int, values: Values) -> Path:
        digest = hashlib.sha256(self.code + settings_key(values).encode())
        return self.folder / "checkpoints" / f"{number}-{digest.hexdigest()[:16]}.npz"

    def network_file(self, number: int) -> Path:
        return self.folder / "trials" / f"{number}.npz"
