"""A search from its settings to its outcome."""

import hashlib
import json
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Protocol

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages._heartbeat import BaseHeartbeat, get_heartbeat_thread
from optuna.trial import FrozenTrial, TrialState

from fathom.base.errors import FathomError
from fathom.search import trial_files
from fathom.search.overrides import Base
from fathom.search.space import Values, as_text, ordered, suggest
from fathom.search.study import (
    ERROR,
    FINISHED,
    SECONDS,
    VALUES,
    folder_of,
    put_back,
    wanted,
)
from fathom.search.trial import HopelessError, Judge, Outcome, goes_on
from fathom.search.turns import turn
from fathom.settings.config import NetworkConfig, SearchConfig
from fathom.train.callbacks import DivergedError, HaltedError
from fathom.train.fingerprint import digest_of, imported_code

LOOK = 1.0  # seconds between looks whether there is room for more trials, or something to do


class Engine(Protocol):
    """Who carries trials out."""

    @property
    def at_once(self) -> int:
        """How many can train at the same time, as it is now."""

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
        self.shared = config.search.storage
        self.lock, self.stopped = threading.Lock(), threading.Event()
        self.code = digest_of(imported_code())
        self.seconds, self.began = study.user_attrs.get(SECONDS, 0.0), time.perf_counter()

    def run(self) -> None:
        """Search until enough trials have ended, one fails or the user wants no more.

        Raises:
            FathomError: settings of the space cannot be trained.
            KeyboardInterrupt: the user wants no more; trials under way are tried again when the
                search goes on.
        """
        with ThreadPoolExecutor(self.wanted) as pool:
            workers: set[Future[None]] = set()
            over = False
            try:
                while workers or not over:
                    if not over:
                        more = self.engine.at_once - len(workers)
                        workers |= {pool.submit(self.work) for _ in range(more)}
                    done, workers = wait(workers, LOOK, FIRST_COMPLETED)
                    for worker in done:
                        worker.result()
                    over = over or bool(done)
            except BaseException:
                self.stopped.set()
                self.engine.halt()
                raise

    def work(self) -> None:
        """Carry out one trial after the other, as long as some are to be."""
        while (trial := self.begun()) is not None:
            value, state = None, TrialState.FAIL
            try:
                with get_heartbeat_thread(trial._trial_id, self.study._storage):
                    value = self.objective(trial, trial.user_attrs[VALUES])
                state = TrialState.COMPLETE
            except (HopelessError, DivergedError):
                state = TrialState.PRUNED
            except HaltedError:
                return
            except UpdateFinishedTrialError:  # silent for too long: others have begun it anew
                continue
            except Exception as error:
                self.stopped.set()
                trial.set_user_attr(ERROR, str(error))
                raise
            finally:
                ended = self.study.tell(trial, value, state, skip_if_finished=True)
            self.ended(ended)

    def begun(self) -> optuna.Trial | None:
        """Begin a trial, and tell its values; None if no more are to be begun."""
        while not self.stopped.is_set():
            with self.turn():
                put_back(self.study)
                # In one look: a trial that ends between two would be seen in neither.
                states = [trial.state for trial in self.study.get_trials(deepcopy=False)]
                ended = sum(state in FINISHED for state in states)
                if ended + states.count(TrialState.RUNNING) < self.wanted:
                    return self.ask()
            if self.shared is None or ended >= self.wanted:
                break
            self.stopped.wait(LOOK)  # others carry out the rest, unless they are killed
        return None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Have all others wait, in this process and, of a shared storage, in all."""
        with self.lock, turn(self.shared) if self.shared else nullcontext():
            yield

    def ask(self) -> optuna.Trial:
        with warnings.catch_warnings():  # that heartbeats are for `Study.optimize`
            warnings.simplefilter("ignore", UserWarning)
            trial = self.study.ask()
        storage = self.study._storage
        if self.shared and isinstance(storage, BaseHeartbeat):  # missed if killed from here on
            storage.record_heartbeat(trial._trial_id)
        trial.set_user_attr(VALUES, suggest(trial, self.space))
        return trial

    def objective(self, trial: optuna.Trial, values: Values) -> float:
        """Carry out a trial and return what decides."""
        began = time.perf_counter()
        try:
            config = self.base.with_values(values)
            outcome = self.engine.carry_out(config, self.checkpoint(values), self.judge(trial))
        except DivergedError:
            raise
        except FathomError as error:
            raise FathomError(f"{error} (trial {trial.number}: {shown(values)})") from error
        finally:
            trial.set_user_attr(SECONDS, round(time.perf_counter() - began, 3))
        if outcome.network is not None:
            trial_files.write(self.folder, trial.number, outcome.network)
        return outcome.value

    def judge(self, trial: optuna.Trial) -> Judge:
        """Return what tells whether a trial is to go on; without a pruner all are."""
        if self.config.search.pruner is None:
            return goes_on

        def promises(step: int, value: float) -> bool:
            trial.report(value, step)
            return not trial.should_prune()

        return promises

    def ended(self, trial: FrozenTrial) -> None:
        with self.lock:
            if trial.state in FINISHED:
                self.study.set_user_attr(SECONDS, self.seconds + time.perf_counter() - self.began)
                self.tell(trial, self.wanted)

    def checkpoint(self, values: Values) -> Path:
        """Return where a trial of these values keeps what it goes on from when it was killed."""
        digest = hashlib.sha256(self.code + json.dumps(values, sort_keys=True).encode())
        return self.folder / "checkpoints" / f"{digest.hexdigest()[:16]}.npz"


def shown(values: Values) -> str:
    return ", ".join(f"{key}={as_text(value)}" for key, value in values.items())
