"""The project is not installed. Python and `fathom` run the code in the working folder."""

import json
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from conftest import ROOT, run_in

from fathom.cli import fathom

CODE = "import fathom; print(fathom.__file__)"


@pytest.mark.parametrize("arguments", [["--target", "packages", "."], ["-e", "."]])
def test_pip_refuses_in_one_line(tmp_path: Path, arguments: list[str]) -> None:
    for file in ("pyproject.toml", "no_package.py"):
        shutil.copy(ROOT / file, tmp_path)
    command = [sys.executable, "-m", "pip", "install", "--no-index", *arguments]
    done = run_in(tmp_path, *command, check=False)
    assert done.returncode == 1
    line = "Fathom is a project to clone, not a package: run `make repro` in its folder"
    assert f"[1 lines of output]\n      {line}\n" in done.stderr


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment that `make` has made, without packages."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    (folder / "installed").touch()
    run_in(ROOT, "make", f"VENV={folder}", f"--assume-old={folder}/installed", f"{folder}/command")
    (hook,) = folder.rglob("fathom.pth")
    (hook.parent / "hydra.py").touch()  # Fathom ends without it
    return folder / "bin/python"


def run(python: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["env", "-u", "PYTHONPATH", str(python), *arguments]
    return run_in(folder, *command, check=False)


def test_python_imports_the_code_in_the_working_folder(python: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    (copy / "src/fathom").mkdir(parents=True)
    shutil.copy(ROOT / "src/fathom/__init__.py", copy / "src/fathom")
    for project in (ROOT, copy):
        done = run(python, project, "-c", CODE)
        assert done.stdout == f"{project}/src/fathom/__init__.py\n", done.stderr
    elsewhere = run(python, tmp_path, "-c", CODE)
    assert "ModuleNotFoundError: No module named 'fathom'" in elsewhere.stderr
    path = "import sys; print(any('fathom' in entry for entry in sys.path))"
    assert run(python, tmp_path, "-c", path).stdout == "False\n"


def test_what_python_starts_in_a_project_finds_this_python(python: Path, tmp_path: Path) -> None:
    for folder, found in ((ROOT, str(python)), (tmp_path, "None")):
        code = "import shutil; print(shutil.which('python'))"
        done = run_in(folder, "env", "-i", f"PATH={tmp_path}", str(python), "-c", code)
        assert done.stdout == f"{found}\n"


def test_the_command_needs_a_project(python: Path, tmp_path: Path) -> None:
    done = run_in(tmp_path, str(python.parent / "fathom"), check=False)
    assert done.returncode == 1
    assert done.stderr == (
        f"fathom: there is no Fathom project in {tmp_path}: start it in the project's folder\n"
    )


def test_help_imports_no_tensorflow() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "fathom", "--help"]
    done = run_in(ROOT, "env", "PYTHONPATH=src", *command)
    assert "Commands:\n" in done.stdout
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "fathom.cli" in modules
    assert not modules & {"tensorflow", "keras", "pandas", "hydra", "dvc"}


def test_the_container_copies_files_that_are_there_and_starts_a_service() -> None:
    lines = (ROOT / "docs/how-to/Dockerfile").read_text().replace("\\\n", " ").splitlines()
    sources = [line.split()[1] for line in lines if line.startswith("COPY")]
    assert [name for name in sources if not (ROOT / name).exists()] == ["${EXPORT}"]
    (command,) = (line.removeprefix("CMD ") for line in lines if line.startswith("CMD "))
    python, option, module, name, *arguments = json.loads(command)
    assert (python, option, module, name) == ("python", "-m", "fathom", "serve")
    context = fathom.commands["serve"].make_context("serve", arguments)
    assert context.params["host"] == "0.0.0.0"
    assert context.params["allowed_hosts"] == ("predict.example.com",)


def test_a_service_needs_pinned_packages_of_the_project() -> None:
    serve, project = pins("requirements-serve.txt"), pins("requirements.txt")
    assert serve.items() <= project.items()
    training = {"dvc", "scikit-learn", "optuna", "altair", "onnx", "tf2onnx", "tensorboard"}
    assert training | {"tensorflow", "keras"} <= set(project) - set(serve)


def pins(name: str) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE)
    return dict(found)
