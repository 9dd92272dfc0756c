"""A search from its settings to its outcome."""

import hashlib
import json
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Protocol

import optuna
from optuna.trial import FrozenTrial, TrialState

from fathom.config.schema import NetworkConfig, SearchConfig
from fathom.errors import FathomError
from fathom.search import kept
from fathom.search.settings import Base
from fathom.search.space import Values, as_text, ordered, suggest
from fathom.search.study import FINISHED, finished, folder_of, retry, wanted
from fathom.search.trial import HopelessError, Judge, Outcome, goes_on
from fathom.training.callbacks import DivergedError, HaltedError
from fathom.training.fingerprint import code, files

VALUES, SECONDS = "values", "seconds"  # what the study keeps of a trial beside its value


class Engine(Protocol):
    """Who carries trials out."""

    at_once: int

    def carry_out(self, config: NetworkConfig, file: Path, judge: Judge) -> Outcome: ...

    def halt(self) -> None: ...


class Search:
    """Has trials carried out until enough have ended.

    Args:
        tell: called with each trial that has ended, and how many are to.
    """

    def __init__(
        self,
        config: SearchConfig,
        base: Base,
        study: optuna.Study,
        engine: Engine,
        tell: Callable[[FrozenTrial, int], None],
    ) -> None:
        self.config, self.base, self.study, self.engine = config, base, study, engine
        self.tell = tell
        self.space, self.wanted = ordered(config), wanted(config)
        self.folder = folder_of(config)
        self.lock, self.stopped = threading.Lock(), threading.Event()
        self.under_way = 0
        self.code = files(code())
        self.seconds, self.began = study.user_attrs.get(SECONDS, 0.0), time.perf_counter()

    def run(self) -> None:
        """Search until enough trials have ended, one fails or the user wants no more.

        Raises:
            FathomError: settings of the space cannot be trained.
            KeyboardInterrupt: the user wants no more; trials under way are tried again when the
                search goes on.
        """
        with ThreadPoolExecutor(self.engine.at_once) as pool:
            workers = [pool.submit(self.work) for _ in range(self.engine.at_once)]
            try:
                for worker in as_completed(workers):
                    worker.result()
            except BaseException:
                self.stopped.set()
                self.engine.halt()
                raise

    def work(self) -> None:
        """Carry out one trial after the other, as long as some are to be."""
        while self.begun():
            try:
                self.study.optimize(self.objective, n_trials=1, callbacks=[self.ended])
            except HaltedError:
                return
            finally:
                with self.lock:
                    self.under_way -= 1

    def begun(self) -> bool:
        """Tell whether one more trial is to be begun, and count it."""
        with self.lock:
            running = self.under_way
            if self.config.search.storage is not None:  # others search, too
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                    optuna.storages.fail_stale_trials(self.study)
                running = len(self.study.get_trials(deepcopy=False, states=[TrialState.RUNNING]))
            if self.stopped.is_set() or len(finished(self.study)) + running >= self.wanted:
                return False
            self.under_way += 1
            return True

    def objective(self, trial: optuna.Trial) -> float:
        """Carry out a trial and return what decides."""
        values = suggest(trial, self.space)
        trial.set_user_attr(VALUES, values)
        began = time.perf_counter()
        try:
            config = self.base.with_values(values)
            outcome = self.engine.carry_out(config, self.checkpoint(values), self.judge(trial))
        except (HopelessError, DivergedError):
            raise optuna.TrialPruned from None
        except HaltedError:
            put_back(self.study, trial.number)
            raise
        except FathomError as error:
            self.stopped.set()
            raise FathomError(f"{error} (trial {trial.number}: {shown(values)})") from error
        finally:
            trial.set_user_attr(SECONDS, round(time.perf_counter() - began, 3))
        if outcome.weights:
            kept.write(self.folder, trial.number, outcome)
        return outcome.value

    def judge(self, trial: optuna.Trial) -> Judge:
        """Return what tells whether a trial is to go on; without a pruner all are."""
        if self.config.search.pruner is None:
            return goes_on

        def promises(step: int, value: float) -> bool:
            trial.report(value, step)
            return not trial.should_prune()

        return promises

    def ended(self, study: optuna.Study, trial: FrozenTrial) -> None:
        with self.lock:
            if trial.state in FINISHED:
                study.set_user_attr(SECONDS, self.seconds + time.perf_counter() - self.began)
                self.tell(trial, self.wanted)

    def checkpoint(self, values: Values) -> Path:
        """Return where a trial of these values keeps what it goes on from when it was killed."""
        digest = hashlib.sha256(self.code + json.dumps(values, sort_keys=True).encode())
        return self.folder / "checkpoints" / f"{digest.hexdigest()[:16]}.npz"


def put_back(study: optuna.Study, number: int) -> None:
    """Have a trial that was stopped tried again when the search goes on."""
    trials = study.get_trials(deepcopy=False)
    retry(study, next(trial for trial in trials if trial.number == number))


def shown(values: Values) -> str:
    return ", ".join(f"{key}={as_text(value)}" for key, value in values.items())
