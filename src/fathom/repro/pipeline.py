"""DVC's stages, their dependencies, and what DVC does with one of them."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil  # type: ignore[import-untyped]
from dvc.exceptions import DvcException
from dvc.lock import Lock, LockError
from dvc.progress import Tqdm
from dvc.repo import Repo, lock_repo
from dvc.repo.reproduce import collect_stages, get_active_graph, plan_repro
from dvc.stage import PipelineStage
from dvc.stage.cache import RunCacheNotFoundError, StageCache
from dvc.stage.exceptions import MissingDataSource, StageNotFound
from dvc_data.hashfile.hash_info import HashInfo

from fathom.base.errors import FathomError, did_you_mean
from fathom.repro.lock_file import read_sections, sort_stages, write_stage
from fathom.repro.new_libraries import lacks_library

POLL = 0.02  # seconds; DVC's own lock looks twice a second

State = Literal["runs", "ran", "restored", "unchanged", "failed"]
Tell = Callable[[State], None]


class PollingLock(Lock):
    """DVC's lock of a repository, for stages that hold it for milliseconds."""

    def lock(self) -> None:
        while True:
            try:
                self._do_lock()
            except LockError:
                time.sleep(POLL)
            else:
                return


class EarlierBuilds(StageCache):
    """DVC's run cache, which also answers for a stage whose outputs in `dvc.lock` are not here.

    If deps and params are those of `dvc.lock`, DVC looks for its outputs and no others. Those that
    another machine has built may differ in their bytes. The run cache has what this one has built.
    """

    def __init__(self, repo: Repo, tell: Tell) -> None:
        super().__init__(repo)
        self.tell, self.restored = tell, False

    def restore(self, stage: Any, **options: Any) -> None:
        try:
            self.restore_either(stage, **options)
        except RunCacheNotFoundError:
            self.tell("runs")
            raise
        self.restored = True

    def restore_either(self, stage: Any, **options: Any) -> None:
        try:
            super().restore(stage, **options)
        except RunCacheNotFoundError:
            for out in stage.outs:
                out.hash_info = HashInfo()
            super().restore(stage, **options)

    def _load_cache(self, key: str, value: str | None) -> Any:
        # a kill or a full disk may leave a folder without a run, in which DVC finds None
        return super()._load_cache(key, value) if value else None


@dataclass(frozen=True)
class Pipeline:
    """The stages that targets consist of and depend on, dependencies first, as `dvc repro` goes.

    `remote` is the name of DVC's default remote, or None.
    """

    repo: Repo
    stages: dict[str, Any]
    needs: dict[str, list[str]]
    remote: str | None

    @classmethod
    def read(cls, targets: Sequence[str]) -> Pipeline:
        """Read dvc.yaml and dvc.lock.

        Raises:
            DvcException: a file is wrong.
            FathomError: there is no such target.
        """
        Tqdm.monitor_interval = 0  # its thread would be in the way of new processes
        repo = Repo(_wait_for_lock=True)
        mend_path_locks(Path(repo.tmp_dir, "rwlock"))
        with lock_repo(repo):
            graph = get_active_graph(repo.index.graph)
            steps = plan_repro(graph, find_targets(repo, targets))
            remote = repo.config["core"].get("remote")
        if type(repo.lock) is Lock:
            repo.lock = PollingLock(repo.lock.lockfile)
        needs = {step.addressing: [s.addressing for s in graph.successors(step)] for step in steps}
        return cls(repo, {step.addressing: step for step in steps}, needs, remote)

    @property
    def lock_file(self) -> Path:
        return Path(self.repo.root_dir, "dvc.lock")

    def find_unchanged(self) -> list[str]:
        """Return the stages that have nothing to do, and depend only on such."""
        unchanged: dict[str, None] = {}
        with lock_repo(self.repo):
            for name, stage in self.stages.items():
                done = all(other in unchanged for other in self.needs[name])
                if done and not stage.changed() and not lacks_library(name):
                    unchanged[name] = None
        return list(unchanged)

    def pull_runs(self) -> None:
        """Download the list of runs of the remote, which `reproduce` then restores."""
        with lock_repo(self.repo):
            self.repo.stage_cache.pull(None)

    def reproduce(self, name: str, pull: bool, tell: Tell) -> State:
        """Bring a stage up to date, as `dvc repro --single-item` does.

        Args:
            tell: is called with "runs" before the command of the stage starts.
        """
        stage, repo = self.stages[name], self.repo
        repo.stage_cache = EarlierBuilds(repo, tell)
        with lock_repo(repo), repo.scm_context(quiet=True):
            upstream = [self.stages[other] for other in self.needs[name]]
            try:
                done = stage.reproduce(pull=pull, upstream=upstream)
                if lacks_library(name):  # so does what the run cache has
                    tell("runs")
                    repo.stage_cache.restored = False
                    done = stage.reproduce(upstream=upstream, force=True)
                if done is None:
                    return "unchanged"
            except MissingDataSource as error:
                command = shlex.join(["dvc", "pull", name])
                raise DvcException(f"{error}: `{command}` brings it") from None
            if isinstance(stage, PipelineStage):
                write_stage(stage)
            else:
                stage.dump(update_pipeline=False)
        return "restored" if repo.stage_cache.restored else "ran"

    def sections(self) -> list[str]:
        """Return which stages dvc.lock has."""
        return list(read_sections(self.lock_file)[1])

    def sort_lock_file(self, before: Sequence[str]) -> None:
        """Bring stages that are new in dvc.lock into the order of `dvc repro`."""
        with self.repo.lock:
            sort_stages(self.lock_file, before, list(self.stages))


def find_targets(repo: Repo, targets: Sequence[str]) -> list[Any]:
    try:
        return list(collect_stages(repo, targets or ["dvc.yaml"]))
    except StageNotFound as error:
        stages = [stage.addressing for stage in repo.index.stages]
        known = {*stages, *(stage.partition("@")[0] for stage in stages)}
        near = did_you_mean(error.name, known)
        raise FathomError(f"there is no stage '{error.name}'{near}") from error


def mend_path_locks(file: Path) -> None:
    """Delete DVC's list of paths in use if no process in it lives. A kill may leave half of it."""
    if not file.is_file():
        return
    pids = {int(pid) for pid in re.findall(r'"pid": (\d+)', file.read_text())}
    if not any(is_running(pid) for pid in pids):
        file.unlink()


def is_running(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
