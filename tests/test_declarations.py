"""Every stage of dvc.yaml declares all that it reads, and nothing else."""

import importlib
import re
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, copy_settings, dataset_config, network_config, run_in, work_in_copy
from dvc.dependency import ParamsDependency
from dvc.repo import Repo
from stages import draw_nothing, plant_few_trees

from fathom.settings.compose import compose
from fathom.settings.config import Config

STAGES = [
    "collect", "download", "split", "check", "scale", "train", "evaluate", "baseline", "compare",
    "explain", "export", "report", "gate",
]  # fmt: skip
OF_NETWORKS = ("train", "evaluate", "export")
OF_ALL = ("collect", "report", "gate")  # data sets and networks

# Exceptions, which dvc.yaml explains: settings that a stage reads but does not declare, and deps
# that the stage of this test's data set does not read.
NOT_DECLARED = {"download": {"mirror"}}
READ_OF_TABLES = {"scale": {"split"}}  # digits are images, which have no split.key
NOT_READ = {
    "collect": ["src/own"],  # no network here has code of the user's own
    "download": ["data/own"],  # digits come with scikit-learn
    "train": ["data/code/wide_deep.json"],
    "gate": ["report/index.html"],
    "explain": ["data/code", "data/raw/digits"],  # only tables have raw values
    "compare": ["data/scaled/digits"],  # only tables have split.key
    "export": ["data/code/wide_deep.json"],
}

# The only code that is no dep: no stage writes the text that it returns to a file.
NOT_TRACKED = ("logs/trainings", "logs/locks", "report/provenance.js")  # no stage reads them
UNDECLARED_CODE = "src/fathom/messages"

# sitecustomize.py of the stages: records every file of the project that Python opens.
NOTE_OPENED = """
import atexit, os, sys
opened, here = set(), os.getcwd() + os.sep
def note(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
        path = os.path.abspath(os.fsdecode(arguments[0]))
        if path.startswith(here):
            opened.add(path[len(here):])
sys.addaudithook(note)
@atexit.register
def write():
    with open(os.environ["NOTE_OPENED_IN"], "w") as file:
        file.write("\\n".join(sorted(opened)))
"""


@pytest.fixture(scope="session")
def declared() -> dict[str, Any]:
    with closing(Repo(str(ROOT))) as repo:
        return read_stages(repo)


def read_stages(repo: Repo) -> dict[str, Any]:
    """Return DVC's own view of each stage, for digits and Wide & Deep."""
    stages = {}
    for name in STAGES:
        item = "" if name in OF_ALL else "@digits-wide_deep" if name in OF_NETWORKS else "@digits"
        stage = repo.stage.get_target(name + item)
        params = [dep for dep in stage.deps if isinstance(dep, ParamsDependency)]
        stages[name] = {
            "cmd": stage.cmd,
            "deps": [dep.def_path for dep in stage.deps if dep not in params],
            "params": {dep.def_path: sorted(dep.params) for dep in params},
            "values": {dep.def_path: dep.read_params() for dep in params},
            "outs": [out.def_path for out in stage.outs],
        }
    return stages


def is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def test_text_reruns_nothing(declared: dict[str, Any], tmp_path: Path) -> None:
    for module in (ROOT / UNDECLARED_CODE).glob("*.py"):
        imported = re.findall(r"^from fathom\.(\w+)", module.read_text(), re.MULTILINE)
        assert set(imported) <= {"base", "messages"}, module
    for stage in STAGES:
        for dep in declared[stage]["deps"]:
            assert not is_within(UNDECLARED_CODE, dep), stage
            assert not is_within(dep, UNDECLARED_CODE), stage
    copy_settings(tmp_path)
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    for file in [tmp_path / "params.yaml", *tmp_path.glob("conf/**/*.yaml")]:
        file.write_text(f"# Another comment.\n{file.read_text()}\n# And another one.\n")
    with closing(Repo.init(str(tmp_path), no_scm=True)) as repo:
        assert read_stages(repo) == declared


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_files_read_are_the_files_declared(
    stage: str, declared: Any, pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stage works in a folder with nothing else, and opens each of the files."""
    deps, outs = declared[stage]["deps"], declared[stage]["outs"]
    folder = tmp_path / "sandbox"
    folder.mkdir()
    for path in [*deps, UNDECLARED_CODE, "conf", "params.yaml"]:
        source = next(top / path for top in (pipeline, ROOT) if (top / path).exists())
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", ".gitignore")
            shutil.copytree(source, folder / path, ignore=ignored, dirs_exist_ok=True)
        else:
            shutil.copy(source, folder / path)
    before = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(NOTE_OPENED)
    noted = tmp_path / "opened.txt"
    monkeypatch.setenv("PYTHONPATH", str(hook))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("NOTE_OPENED_IN", str(noted))

    run_in(folder, *declared[stage]["cmd"].split())

    opened = set(noted.read_text().split("\n"))
    unread = [dep for dep in deps if not any(is_within(path, dep) for path in opened & before)]
    assert unread == NOT_READ.get(stage, [])
    written = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    allowed = [*outs, *NOT_TRACKED]
    stray = [path for path in written - before if not any(is_within(path, p) for p in allowed)]
    assert stray == []
    assert all((folder / out).exists() for out in outs)


class Recorder:
    """Settings that record which of them are read."""

    def __init__(self, settings: Any, prefix: str, read: set[str]) -> None:
        self._settings, self._prefix, self._read = settings, prefix, read

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._settings, name)
        if name in ("dataset", "model"):
            return Recorder(value, f"{name}.", self._read)
        self._read.add(f"{self._prefix}{name}")
        return value


@pytest.mark.parametrize("stage", STAGES)
def test_settings_read_are_the_settings_declared(
    stage: str, declared: Any, pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work_in_copy(pipeline, tmp_path, monkeypatch)
    plant_few_trees(monkeypatch)
    draw_nothing(monkeypatch)
    config: Config
    if stage in OF_NETWORKS:
        config = network_config("digits", "wide_deep")
    elif stage in OF_ALL:
        config = compose([], Config)
    else:
        config = dataset_config("digits")
    read: set[str] = set()
    recorder: Any = Recorder(config, "", read)
    arguments = [recorder]
    if stage in ("train", "explain"):
        from fathom.train.devices import start_tensorflow

        strategy = start_tensorflow(recorder)
        arguments += [strategy] if stage == "train" else []
    getattr(importlib.import_module(f"fathom.{stage}.{stage}"), stage)(*arguments)
    read -= {"origins", "dataset.name", "model.name"} | NOT_DECLARED.get(stage, set())
    read |= READ_OF_TABLES.get(stage, set())

    expected: dict[str, list[str]] = {}
    if in_params := {key for key in read if "." not in key} - {"experiment"}:
        expected["params.yaml"] = sorted(in_params)
    if stage == "download":
        of_dataset = any(key.startswith("dataset.") for key in read)
        expected["conf/dataset/digits.yaml"] = ["dataset"] if of_dataset else []
    elif stage == "collect":
        expected["conf/experiment/none.yaml"] = []
    elif stage not in OF_ALL:  # a data set's file and an experiment may replace any setting
        expected["conf/dataset/digits.yaml"] = []
        expected["conf/experiment/none.yaml"] = []
    if any(key.startswith("model.") for key in read):
        expected["conf/model/wide_deep.yaml"] = []
    params = declared[stage]["params"]
    if stage == "collect":  # the recorder does not look into sections
        sections = {key.partition(".")[0] for key in params["params.yaml"]}
        params = params | {"params.yaml": sorted(sections)}
    assert params == expected


def test_every_stage_has_a_script_that_is_its_command(declared: dict[str, Any]) -> None:
    for stage in STAGES:
        assert declared[stage]["cmd"].split()[:2] == ["python", f"src/{stage}.py"]
        assert f"src/{stage}.py" in declared[stage]["deps"]
    scripts = sorted(path.stem for path in (ROOT / "src").glob("*.py"))
    assert scripts == sorted(STAGES)
