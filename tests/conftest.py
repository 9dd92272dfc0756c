"""Small copies of the real project in temporary folders, with its own settings."""

from __future__ import annotations

import functools
import gc
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
import variables  # noqa: F401  before libraries that read them
from edits import edit as edit
from edits import replace
from forked_dvc import run_dvc
from stages import ROOT as ROOT
from stages import build_once, plant_few_trees, run_pipeline
from stages import ray_nodes as ray_nodes

from fathom.base import paths
from fathom.baseline.baseline import baseline
from fathom.check.check import check
from fathom.download.download import download
from fathom.evaluate.evaluate import evaluate
from fathom.scale.scale import scale
from fathom.settings.compose import compose
from fathom.settings.config import Config, DatasetConfig, NetworkConfig
from fathom.settings.data_settings import DatasetSettings
from fathom.split.split import split

if TYPE_CHECKING:
    from fathom.train.train import Training

# A shell that starts the tests in the background has them ignore SIGINT; so would their processes.
signal.signal(signal.SIGINT, signal.default_int_handler)
pytest_plugins = ["built", "own_modules", "schedule", "trainings"]
pytest.register_assert_rewrite("services")
AnyConfig = TypeVar("AnyConfig", bound=Config)

# Small and fast, with every kind of layer, callback and stage.
SHRUNK = [
    "train.epochs=2", "train.batch_size=128", "train.repeats=1", "train.at_once=1", "gpus=[]",
    "explain.rows=4", "explain.background=10", "compare.resamples=200",
    "baseline.boosters=[]", "baseline.train_sizes=[0.5]",
]  # fmt: skip
LEAN = ["export.saved_model=false", "export.onnx=false"]  # they take seconds per network
GATES = "{digits.accuracy: {min: 0.05}, california_housing.mlp.rmse: {max: 10}}"
CALIFORNIA = "conf/dataset/california_housing.yaml"
TWO_MODELS = "models=[mlp, wide_deep]"  # with and without an auxiliary output
SHRUNK_MODELS = {
    "mlp": ["model.units=[16,8]"],
    "selu": ["model.depth=3", "model.width=16"],
    "deep_relu": ["model.depth=3", "model.width=16"],
    "wide_deep": ["model.deep.units=[8]"],
    "cnn": ["model.filters=2", "model.units=[4]"],
}


def pytest_collection_finish() -> None:
    """Exclude what is imported from garbage collection, which took a tenth of a training."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the project's real settings, as the working folder."""
    copy_settings(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def copy_settings(folder: Path) -> None:
    shutil.copytree(ROOT / "conf", folder / "conf")
    shutil.copy(ROOT / "params.yaml", folder)


def work_in_copy(of: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy a folder into another, which becomes the working folder, and return it."""
    shutil.copytree(of, folder, dirs_exist_ok=True)
    monkeypatch.chdir(folder)
    return folder


def prepare(folder: Path, datasets: list[str], *overrides: str) -> None:
    """Download, split and scale data sets in a folder that has settings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for dataset in datasets:
            prepare_config(dataset_config(dataset, *overrides))


def prepare_config(config: DatasetConfig) -> None:
    for stage in (download, split, scale):
        stage(config)


def dataset_config(dataset: str, *overrides: str) -> DatasetConfig:
    """Return the real settings of a data set's stages, in the workspace."""
    return compose_small(DatasetConfig, f"dataset={dataset}", *overrides)


def made_config(dataset: dict[str, Any], *overrides: str) -> DatasetConfig:
    """Return settings of the data set `made`, which has no file in conf/dataset/."""
    made = DatasetSettings.model_validate({"name": "made"} | dataset)
    return dataset_config("diabetes", *overrides).model_copy(update={"dataset": made})


def compose_small(schema: type[AnyConfig], *overrides: str) -> AnyConfig:
    """Compose the workspace's settings, once for each content of its files."""
    config: AnyConfig = compose_cached(schema, overrides, read_settings())
    return config


def read_settings() -> tuple[tuple[str, bytes], ...]:
    files = [Path("params.yaml"), *sorted(Path("conf").rglob("*.yaml"))]
    return tuple((str(file), file.read_bytes()) for file in files)


@functools.cache
def compose_cached(schema: type[AnyConfig], overrides: tuple[str, ...], _: Any) -> AnyConfig:
    return compose(overrides, schema)


def network_config(dataset: str, model: str, *overrides: str) -> NetworkConfig:
    """Return the real settings of a network's stages, shrunk, in the workspace."""
    chosen = [f"dataset={dataset}", f"model={model}", *shrunk(model)]
    return compose_small(NetworkConfig, *chosen, *overrides)


def shrunk(model: str) -> list[str]:
    return [*SHRUNK, *SHRUNK_MODELS.get(model, [])]


def train_network(dataset: str, model: str, *overrides: str) -> Training:
    """Train a network, shrunk, in the workspace."""
    # Not above: importing TensorFlow takes seconds, and some tests prove that it is not needed.
    import tensorflow as tf

    from fathom.train.train import train

    return train(network_config(dataset, model, *overrides), tf.distribute.get_strategy())


def export_network(dataset: str, model: str, *overrides: str) -> Path:
    """Train and export a network, shrunk, in the workspace; return the folder of its export."""
    from fathom.export.export import export

    train_network(dataset, model, *overrides)
    config = network_config(dataset, model, *overrides)
    evaluate(config)
    baseline(dataset_config(dataset, "baseline={boosters: [], train_sizes: []}"))
    check(dataset_config(dataset))
    export(config)
    return paths.export(dataset, model)


def command_environment() -> dict[str, str]:
    """Return the variables of a command, with the Python that runs the tests first on PATH."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "DVC_NO_ANALYTICS": "1"}
    environment.pop("DVC_ROOT", None)
    environment.pop("TF_NUM_INTRAOP_THREADS", None)  # a training in this process has set it
    return environment


def run_in(folder: Path, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command in a copy of the project."""
    environment = command_environment()
    if command[0] == "dvc":
        done = run_dvc(folder, command[1:], environment)
    else:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}:\n{done.stdout}\n{done.stderr}")
    return done


def clone(folder: Path, shrunk: bool = True) -> Path:
    """Copy the project's files in Git into a repository of its own.

    If it is shrunk, it has small settings, small baselines and no metrics of the real ones.
    """
    for file in run_in(ROOT, "git", "ls-files", "-co", "--exclude-standard").stdout.splitlines():
        is_result = file == "dvc.lock" or file.startswith("metrics/")
        if (ROOT / file).is_file() and not (shrunk and is_result):
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, folder / file)
    if shrunk:
        shrink(folder, f"gates={GATES}")
        module = folder / "src/fathom/baseline/baseline.py"  # hundreds of ten classes take long
        replace(module, "Classifier(**boosting)", "Classifier(max_iter=5, **boosting)")
    init_git(folder)
    return folder


def init_git(folder: Path) -> None:
    """Make a folder a repository with one commit of all files that Git does not ignore."""
    run_in(folder, "git", "init", "-q", "-b", "main")
    for key, value in (("user.email", "test@example.com"), ("user.name", "test")):
        run_in(folder, "git", "config", key, value)
    commit(folder)


def shrink(folder: Path, *assignments: str) -> None:
    edit(folder / "params.yaml", *SHRUNK, *LEAN, *assignments)
    for model, overrides in SHRUNK_MODELS.items():
        edit(folder / f"conf/model/{model}.yaml", *(o.removeprefix("model.") for o in overrides))


def commit(folder: Path) -> None:
    run_in(folder, "git", "add", "-A")
    run_in(folder, "git", "commit", "-q", "--allow-empty", "-m", "all")


def repro(folder: Path, *arguments: str) -> list[str]:
    """Run `dvc repro` and return the stages that ran."""
    return ran(run_in(folder, "dvc", "repro", *arguments).stdout)


def ran(output: str) -> list[str]:
    """Return the stages that DVC says it ran."""
    return re.findall(r"^Running stage '(.+)'", output, re.MULTILINE)


@pytest.fixture(scope="session")
def scaled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the scaled default data sets. Do not write to it."""

    def build(folder: Path) -> None:
        copy_settings(folder)
        prepare(folder, ["digits", "california_housing"])

    return build_once(tmp_path_factory, "scaled", build)


@pytest.fixture
def trainable(scaled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of it, as the working folder."""
    return work_in_copy(scaled, tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which every stage has run, with small settings. Do not write to it.

    Networks of digits were trained twice, those of California once.
    """

    def build(folder: Path) -> None:
        copy_settings(folder)
        search = folder / "searches/california_housing/wide_deep-random.json"
        search.parent.mkdir(parents=True)
        shutil.copy(ROOT / "tests/recorded_search.json", search)
        shrink(folder, TWO_MODELS, "train.repeats=2", f"gates={GATES}")
        edit(folder / CALIFORNIA, "train={repeats: 1}", "scale.bins=8")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            plant_few_trees(patch)
            run_pipeline(["california_housing", "digits"], ["mlp", "wide_deep"])

    return build_once(tmp_path_factory, "pipeline", build)
