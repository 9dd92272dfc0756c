"""What a shell completes, and `fathom --version`."""

import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from conftest import ROOT, run_in
from stages import run_command

from fathom.cli import fathom


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with two data sets, an export and an experiment."""
    files = {
        "conf/dataset/houses.yaml": "", "conf/dataset/digits.yaml": "", "conf/model/mlp.yaml": "",
        "conf/search/random.yaml": "", "conf/search/space/book.yaml": "",
        "exports/houses/mlp/signature.json": "{}", "exports/houses/broken/model.onnx": "",
        "params.yaml": "datasets: [houses, digits]\nmodels: [mlp]\n",
        "dvc.yaml": "stages:\n  report: {}\n  train:\n    matrix: {dataset: a, model: b}\n",
        "hours.csv": "",
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    run_in(tmp_path, "git", "init", "--quiet", "--initial-branch", "main")
    author = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    run_in(tmp_path, "git", *author, "commit", "--quiet", "--allow-empty", "--message", "Start")
    head = run_in(tmp_path, "git", "rev-parse", "HEAD").stdout.strip()
    ref = f"refs/exps/{head[:2]}/{head[2:]}/three-epochs"
    run_in(tmp_path, "git", "update-ref", ref, head)
    return tmp_path


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_the_shell(shell: str) -> None:
    assert "_FATHOM_COMPLETE=" in run_command("completion", shell).out


@pytest.mark.parametrize(
    ("words", "completions"),
    [
        ("pre", ["plain,predict"]),
        ("predict --fl", ["plain,--flag"]),
        ("predict h", ["plain,houses/mlp"]),
        ("serve h", ["plain,houses/mlp"]),
        ("serve data/", ["file,data/"]),
        ("predict houses/mlp h", ["file,h"]),
        ("refresh h", ["plain,houses"]),
        ("compare ", ["plain,workspace", "plain,HEAD", "plain,three-epochs", "plain,main"]),
        ("compare HEAD t", ["plain,three-epochs"]),
        ("summary --against t", ["plain,three-epochs"]),
        ("repro train", ["plain,train", "plain,train@houses-mlp", "plain,train@digits-mlp"]),
        ("repro rep", ["plain,report"]),
        ("search dataset=h", ["plain,dataset=houses"]),
        ("search dataset=houses m", ["plain,model=mlp"]),
        ("search s", ["plain,search=random", "plain,space=book"]),
    ],
)
def test_completes_names(
    project: Path, monkeypatch: pytest.MonkeyPatch, words: str, completions: list[str]
) -> None:
    monkeypatch.setenv("_FATHOM_COMPLETE", "bash_complete")
    environment = {"COMP_WORDS": f"fathom {words}", "COMP_CWORD": str(len(words.split(" ")))}
    done = CliRunner(env=environment).invoke(fathom, prog_name="fathom")
    assert done.output.splitlines() == completions


def test_a_folder_without_a_project_completes_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("_FATHOM_COMPLETE", "bash_complete")
    for command in ("predict", "refresh", "repro"):
        environment = {"COMP_WORDS": f"fathom {command} x", "COMP_CWORD": "2"}
        done = CliRunner(env=environment).invoke(fathom, prog_name="fathom")
        assert done.output == "file,x\n"


def test_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert run_command("--version").out == f"Fathom {version}\n"


@pytest.mark.parametrize("name", ["", *fathom.commands])
def test_help_has_no_marks_of_its_source(name: str) -> None:
    command = fathom.commands[name] if name else fathom
    text = command.get_help(click.Context(command, info_name=name))
    assert "\b" not in text
    assert "\\b" not in text
