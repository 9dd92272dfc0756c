"""The whole pipeline in clones of the project, through `dvc` and nothing else."""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from built import STAGES
from conftest import ROOT, clone, commit, edit, ran, repro, run_in
from edits import replace
from stages import run_command

pytestmark = pytest.mark.slow

DATASETS = ["california_housing", "digits"]
MODELS = ["mlp", "wide_deep"]


def metrics(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): file.read_text()
        for file in sorted((folder / "metrics").rglob("*.json"))
    }


def read_json(file: Path) -> Any:
    return json.loads(file.read_text())


def dvc_json(folder: Path, *command: str) -> Any:
    """Return what a command of DVC prints as JSON."""
    return json.loads(run_in(folder, "dvc", *command, "--json").stdout)


def rmse_of_mlp(folder: Path) -> float:
    return float(read_json(folder / "metrics/california_housing/mlp.json")["test"]["rmse"])


def test_builds_every_network_its_plots_and_the_report(project: Path) -> None:
    plots = set()
    for dataset in DATASETS:
        for model in MODELS:
            names = ["train", "valid", "test"] + (["aux"] if model == "wide_deep" else [])
            several = ["spread", "prediction_set", "calibrated"]
            names += several if dataset == "digits" else ["interval"]
            assert list(read_json(project / f"metrics/{dataset}/{model}.json")) == names
            assert (project / f"models/{dataset}/{model}/model.keras").is_file()
            assert (project / f"exports/{dataset}/{model}/model.keras").is_file()
            kinds = ["confusion"] if dataset == "digits" else ["predicted", "residuals"]
            plots |= {f"plots/{kind}/{dataset}/{model}/test.csv" for kind in kinds}
            plots.add(f"plots/curves/{dataset}/{model}/loss.csv")
        assert (project / f"metrics/{dataset}/baseline.json").is_file()
        plots.add(f"plots/train_sizes/{dataset}/boosting/rows.csv")
        comparison = read_json(project / f"metrics/{dataset}/comparison.json")
        assert list(comparison["networks"]) == MODELS
    page = (project / "report/index.html").read_text()
    assert all(name in page for name in [*DATASETS, *MODELS, "boosting"])
    shown = dvc_json(project, "plots", "show")
    assert not shown.get("errors")
    assert set(shown["data"]) == plots


def test_second_repro_runs_nothing_and_no_stray_file_is_left(project: Path) -> None:
    assert repro(project) == []
    assert run_in(project, "git", "status", "--porcelain").stdout == ""
    top = {path.name for path in project.iterdir() if not path.name.startswith(".")}
    tracked = {file.split("/")[0] for file in run_in(project, "git", "ls-files").stdout.split()}
    made = {"exports", "logs", "models", "plots", "report"}
    assert top - tracked - {"__pycache__", "studies"} == made
    made = {"checks", "code", "explanations", "own", "predictions", "problem"}
    made |= {"raw", "scaled", "split"}
    assert {path.name for path in (project / "data").iterdir() if path.is_dir()} == made
    assert not [path for path in project.rglob("*.part*") if ".dvc" not in path.parts]
    shutil.rmtree(project / "models")
    assert repro(project) == []
    assert (project / "models/digits/mlp/model.keras").is_file()  # from the cache


def stale(folder: Path) -> set[str]:
    """Return the stages whose dependencies have changed, as DVC says."""
    return {name for name in dvc_json(folder, "status") if not name.endswith(".dvc")}


def test_editing_a_model_or_a_split_reruns_what_depends_on_it(project: Path) -> None:
    edit(project / "conf/model/mlp.yaml", "units=[12]")
    assert stale(project) == {"collect", "train@california_housing-mlp", "train@digits-mlp"}
    of_mlp = ["train@digits-mlp", "evaluate@digits-mlp"]
    reran = repro(project, *of_mlp, "evaluate@digits-wide_deep")
    assert sorted(reran) == sorted(["collect", *of_mlp])
    others = {"train@california_housing-mlp", "report", "gate"}
    others |= {"compare@digits", "explain@digits", "export@digits-mlp"}
    assert stale(project) == others
    with (project / "conf/dataset/digits.yaml").open("a") as file:
        file.write("split:\n  test: 0.2\n")
    after_split = stale(project) - others - {"collect"}
    assert "split@digits" in after_split
    assert "download@digits" not in after_split
    assert all("digits" in stage for stage in after_split)


def test_editing_a_gate_reruns_the_gate_alone(project: Path) -> None:
    edit(project / "params.yaml", "gates={digits.mlp.accuracy: {max: 1}}")
    assert repro(project) == ["gate"]
    page = project / "report/index.html"
    page.unlink()
    gates = "{digits.mlp.accuracy: {min: 1.5}, digits.f1_macro: {min: 2}}"
    edit(project / "params.yaml", f"gates={gates}")
    done = run_in(project, "dvc", "repro", check=False)
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if line.startswith("gate.py: ")]
    assert [line.split(" fails: ")[0] for line in lines] == [
        "gate.py: gates.digits.mlp.accuracy",
        "gate.py: gates.digits.f1_macro",
    ]
    assert page.is_file()
    again = run_in(project, "dvc", "repro", check=False)  # it does not pass for done
    assert ran(again.stdout) == ["gate"]


def test_experiment_varies_any_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = rmse_of_mlp(project)
    done = run_in(
        project, "dvc", "exp", "run", "-n", "smaller", "-S", "train.epochs=1",
        "-S", "conf/model/mlp.yaml:units=[4]", "evaluate@california_housing-mlp",
    )  # fmt: skip
    assert "train@california_housing-mlp" in ran(done.stdout)
    assert rmse_of_mlp(project) != before
    diff = dvc_json(project, "metrics", "diff")
    assert diff["metrics/california_housing/mlp.json"]["test.rmse"]["old"] == before
    changed = dvc_json(project, "params", "diff")
    assert changed["params.yaml"]["train.epochs"] == {"old": 2, "new": 1, "diff": -1}
    assert str(changed["conf/model/mlp.yaml"]["units"]["new"]) == "[4]"

    run_in(project, "git", "reset", "-q", "--hard")
    run_in(project, "dvc", "checkout", "-q", "-f")
    monkeypatch.chdir(project)
    assert re.search(r"^smaller .* \w+ +train.epochs=1 +$", run_command("compare").out, re.M)
    differences = run_command("compare", "HEAD", "smaller").out
    assert re.search(r"^conf/model/mlp.yaml +units +\[16, 8\] +\[4\] +$", differences, re.M)
    assert re.search(r"^mlp +RMSE ", differences, re.M)


def test_temporary_experiment_runs_its_own_code_and_settings(project: Path) -> None:
    """Neither the main checkout's code nor its settings may leak into `--temp`."""
    module = project / "src/fathom/evaluate/metrics.py"
    replace(module, '"mse": mse,', '"mse": mse, "in_the_copy": 1.0,')
    commit(project)
    before = metrics(project)
    run_in(
        project, "dvc", "exp", "run", "--temp", "-n", "copy", "-S", "train.epochs=1",
        "evaluate@california_housing-mlp",
    )  # fmt: skip
    assert metrics(project) == before
    file = "metrics/california_housing/mlp.json"
    refs = run_in(project, "git", "for-each-ref", "--format=%(refname)", "refs/exps").stdout
    ref = next(ref for ref in refs.split() if ref.endswith("/copy"))
    in_the_copy = json.loads(run_in(project, "git", "show", f"{ref}:{file}").stdout)
    assert in_the_copy["test"]["in_the_copy"] == 1.0
    assert in_the_copy["test"]["rmse"] != rmse_of_mlp(project)


def test_queue_varies_a_choice(project: Path) -> None:
    run_in(
        project, "dvc", "exp", "run", "--queue", "-S", "conf/model/mlp.yaml:units=[5],[6]",
        "collect",
    )  # fmt: skip
    run_in(project, "dvc", "exp", "run", "--run-all")
    shown = json.dumps(dvc_json(project, "exp", "show"))
    assert '"units": [5]' in shown
    assert '"units": [6]' in shown


@pytest.fixture
def one_core() -> Iterator[None]:
    """Allow this thread, and processes that it starts, one core."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    yield
    os.sched_setaffinity(0, allowed)


def test_a_clone_of_windows_line_endings_runs_nothing(project: Path, tmp_path: Path) -> None:
    for name, content in {"unix": b"a\n", "windows": b"a\r\n", "mixed": b"a\r\n\nb"}.items():
        (project / f"conf/{name}.txt").write_bytes(content)
    commit(project)
    clone = tmp_path / "clone"
    run_in(tmp_path, "git", "-c", "core.autocrlf=true", "clone", "-q", str(project), str(clone))
    run_in(clone, "git", "config", "core.autocrlf", "true")
    for file in run_in(project, "git", "ls-files").stdout.splitlines():
        assert (clone / file).read_bytes() == (project / file).read_bytes(), file
    run_in(clone, "dvc", "cache", "dir", "--local", str(project / ".dvc/cache"))
    run_in(clone, "dvc", "checkout", "-q")
    assert run_in(clone, "dvc", "status").stdout == "Data and pipelines are up to date.\n"
    assert repro(clone) == []


ANEW = f"""
from stages import make_exports, make_outputs
make_outputs({DATASETS}, {MODELS})
make_exports(["digits"], {MODELS})
"""


@pytest.mark.usefixtures("one_core")
def test_two_clones_give_identical_bytes(project: Path, tmp_path: Path) -> None:
    """One process makes all but SavedModels and the report, on one core. In a SavedModel,
    TensorFlow numbers the functions of a process.
    """
    run_in(project, "git", "clone", "-q", str(project), str(tmp_path / "other"))
    other = tmp_path / "other"
    run_in(other, "env", "PYTHONPATH=src:tests", "PYTHONHASHSEED=1", sys.executable, "-c", ANEW)
    of_digits = [f"export@digits-{model}" for model in MODELS]
    made = ["collect", *STAGES[:-1], *of_digits, "compare", "explain"]
    run_in(other, "dvc", "commit", "--force", *made)
    assert run_in(other, "git", "diff").stdout == ""
    rest = {f"export@california_housing-{model}" for model in MODELS} | {"report"}
    assert rest <= set(repro(other)) <= rest | {"gate"}
    assert run_in(other, "git", "diff").stdout == ""
    assert run_in(other, "git", "status", "--porcelain").stdout == ""


def test_mistyped_setting_stops_the_first_stage(project: Path) -> None:
    edit(project / "params.yaml", "split.sed=1")
    done = run_in(project, "dvc", "repro", check=False)
    assert done.returncode != 0
    message = "params.yaml: split.sed is not a setting; did you mean split.seed?"
    assert f"split.py: {message}\n" in done.stderr
    assert "Traceback" not in done.stderr


def test_committed_metrics_are_those_of_the_committed_code(tmp_path: Path) -> None:
    """Whoever changes code or settings runs `make repro` and commits dvc.lock and metrics/."""
    folder = clone(tmp_path, shrunk=False)
    status = dvc_json(folder, "status")
    changed = r'"((?:src|conf|metrics)/[^"]*|params\.yaml)": (?!"deleted")'
    assert re.findall(changed, json.dumps(status)) == []
    assert "changed command" not in str(status)


def test_the_registry_names_the_exports(project: Path) -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    named = {artifact["path"] for artifact in stages["artifacts"].values()}
    models = yaml.safe_load((ROOT / "params.yaml").read_text())["models"]
    assert named == {f"exports/{dataset}/{model}" for dataset in DATASETS for model in models}
    out = project / "got"
    run_in(project, "gto", "register", "digits-mlp", "--version", "v1.0.0")
    run_in(project, "dvc", "artifacts", "get", ".", "digits-mlp", "-o", str(out))
    exported = project / "exports/digits/mlp/model.keras"
    assert (out / "model.keras").read_bytes() == exported.read_bytes()
    shutil.rmtree(out)
    run_in(project, "git", "tag", "-d", "digits-mlp@v1.0.0")


def test_the_best_trial_is_an_experiment_that_comes_out_the_same(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(project / "params.yaml", "datasets=[digits]", "models=[mlp]", "gates={}")
    edit(project / "params.yaml", "train.repeats=1")
    commit(project)
    monkeypatch.chdir(project)
    random = ["dataset=digits", "model=mlp", "search=random", "trials=2", "ensemble=1"]
    done = run_command("search", *random)
    assert done.status == 0, done.err
    apply = done.out.splitlines()[-1].split()
    assert apply[:3] == ["dvc", "exp", "apply"]
    result = read_json(project / "searches/digits/mlp-random.json")
    best = next(trial for trial in result["trials"] if trial["number"] == result["best"])
    run_in(project, *apply)
    run = read_json(project / "models/digits/mlp/run.json")
    assert run["runs"][0]["value"] == best["value"]
    units = best["settings"]["model.units"]
    assert yaml.safe_load((project / "conf/model/mlp.yaml").read_text())["units"] == units
    before = metrics(project)
    stages = ["train@digits-mlp", "evaluate@digits-mlp"]
    assert repro(project, *stages) == []
    assert repro(project, "--force", "--single-item", *stages) == stages
    assert metrics(project) == before
