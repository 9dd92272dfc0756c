"""Runs stages and commands in this process as in one of their own."""

import contextlib
import functools
import io
import json
import os
import runpy
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from filelock import FileLock
from sklearn.ensemble import HistGradientBoostingClassifier

from fathom.cli import fathom
from fathom.settings import compose

ROOT = Path(__file__).resolve().parent.parent

OF_DATASETS = ["download", "split", "check", "scale"]
OF_NETWORKS = ["train", "evaluate"]


@dataclass(frozen=True)
class Finished:
    status: int
    out: str
    err: str


def run_stage(stage: str, *overrides: str) -> Finished:
    """Run a stage's script in the working folder, as `python src/<stage>.py <overrides>` does."""
    out, err = io.StringIO(), io.StringIO()
    status: object = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [f"{stage}.py", *overrides])
        patch.delenv("HYDRA_FULL_ERROR", raising=False)
        patch.setattr(compose, "end_process", lambda: None)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                runpy.run_path(str(ROOT / f"src/{stage}.py"), run_name="__main__")
            except SystemExit as end:
                status = end.code
    assert status is None or isinstance(status, int)
    return Finished(status or 0, out.getvalue(), err.getvalue())


def make_stage(stage: str, *overrides: str) -> None:
    finished = run_stage(stage, *overrides)
    assert finished.status == 0, f"{stage} {overrides}: {finished.err}"


def run_command(*arguments: object, stdin: bytes | None = None) -> Finished:
    """Run `fathom <arguments>` in the working folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["fathom"])  # as errors name it
        done = CliRunner().invoke(fathom, [str(one) for one in arguments], input=stdin)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Finished(done.exit_code, done.stdout, done.stderr)


def run_pipeline(datasets: list[str], models: list[str], *overrides: str) -> None:
    chosen = [f"datasets={json.dumps(datasets)}", f"models={json.dumps(models)}"]
    make_outputs(datasets, models, *overrides)
    make_exports(datasets, models, *overrides)
    make_stage("report", *chosen, *overrides)
    make_stage("gate", *chosen, *overrides)


def make_outputs(datasets: list[str], models: list[str], *overrides: str) -> None:
    """Run all stages but exports, the report and the gate."""
    chosen = [f"datasets={json.dumps(datasets)}", f"models={json.dumps(models)}"]
    make_stage("collect", *chosen, *overrides)
    for dataset in datasets:
        for stage in OF_DATASETS:
            make_stage(stage, f"dataset={dataset}", *overrides)
        for model in models:
            for stage in OF_NETWORKS:
                make_stage(stage, f"dataset={dataset}", f"model={model}", *overrides)
        for stage in ("baseline", "compare", "explain"):
            make_stage(stage, f"dataset={dataset}", *overrides)


def make_exports(datasets: list[str], models: list[str], *overrides: str) -> None:
    for dataset in datasets:
        for model in models:
            make_stage("export", f"dataset={dataset}", f"model={model}", *overrides)


def plant_few_trees(patch: pytest.MonkeyPatch) -> None:
    """Have the stage `baseline` train less: by default it takes seconds for ten classes."""
    few = functools.partial(HistGradientBoostingClassifier, max_iter=5)
    patch.setattr("fathom.baseline.baseline.HistGradientBoostingClassifier", few)


def draw_nothing(patch: pytest.MonkeyPatch) -> None:
    """Have the stage `report` leave charts empty, which take most of its time."""
    patch.setattr("fathom.report.charts.vl_convert.vegalite_to_svg", lambda _: "<svg/>")


def write_dataset(folder: Path, name: str, dataset: dict[str, Any], **sections: Any) -> None:
    """Write the settings of a data set as a user does: into a file in conf/dataset/."""
    text = "# @package _global_\n" + yaml.safe_dump({"dataset": dataset} | sections)
    (folder / f"conf/dataset/{name}.yaml").write_text(text)


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """Return the folder of all temporary files of this run, those of other test processes, too."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def build_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> Path:
    """Return a folder of this name, which one test process builds and all others read."""
    folder = shared_folder(factory) / f"shared-{name}"
    with FileLock(folder.with_suffix(".lock")):
        if not folder.exists():
            unfinished = factory.mktemp(name)
            build(unfinished)
            unfinished.rename(folder)
    return folder


@contextlib.contextmanager
def ray_nodes(count: int) -> Iterator[Any]:
    """Start a Ray cluster of nodes with one core each, as processes on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        # Not above: Ray need not be installed.
        from ray.cluster_utils import Cluster

        soon = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500}
        arguments = {
            "num_cpus": 1, "include_dashboard": False, "include_log_monitor": False,
            "_system_config": soon,
        }  # fmt: skip
        started = Cluster(initialize_head=True, head_node_args=arguments)
        for _ in range(count - 1):
            started.add_node(num_cpus=1)
        yield started
        started.shutdown()
