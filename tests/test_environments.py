"""A table of environments: what a project gives there is, to the bit, what it gives in a plain one.

Each cell joins conditions that are independent of each other: a line of its failure tells which
it was. `fathom repro` makes the export and all that it depends on; the stages `compare`, `explain`,
`report` and `gate` use no more of an environment than these.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import clone, command_environment, commit, edit, run_in
from own_tables import houses
from stages import build_once

pytestmark = pytest.mark.slow

FATHOM = [sys.executable, "-m", "fathom"]
DVC = [sys.executable, "-m", "dvc"]
COMMANDS = {
    "repro": [*FATHOM, "repro", "export@houses-mlp"],
    "experiment": [
        *DVC, "exp", "run", "--temp", "-n", "cell", "-S", "train.epochs=1", "evaluate@houses-mlp",
    ],
    "search": [
        *FATHOM, "search", "dataset=houses", "model=mlp", "search=random", "trials=2",
        "ensemble=1", "experiments=0",
    ],
    "prediction": [*FATHOM, "predict", "houses/mlp", "rows.csv", "-o", "-"],
}  # fmt: skip
NO_PATH = ("repro", "search", "prediction")  # `dvc` itself would find no `python`
NO_SEARCH = ("repro", "experiment", "prediction")  # the other cell searches
UNKNOWN = ("unshare", "--user", "--map-user=12345", "--map-group=12345")  # without name and home
ODD = """my  'own' "project" $HOME `x` \\n [a] 100% & co; x=y, z"""
OTHER_LETTERS = "Häuser 家"

Variables = dict[str, str | None]  # None: not set


@dataclass(frozen=True)
class Cell:
    """How a copy of the project is made in a folder, and how commands are run in it."""

    make: Callable[[Path, Path], Path]
    variables: Variables = field(default_factory=dict)
    start: tuple[str, ...] = ()  # a program that starts the command
    commands: tuple[str, ...] = tuple(COMMANDS)


def copy(project: Path, folder: Path) -> Path:
    return Path(shutil.copytree(project, folder / "project", symlinks=True))


def odd_worktree(project: Path, folder: Path) -> Path:
    """Make a worktree, without a branch, of a clone for which Git shall change line endings.

    There the project is in a sub-folder with an odd name, behind a symbolic link. Keras' own
    settings are there, too.
    """
    inner = folder / "top" / ODD
    shutil.copytree(project, inner, ignore=shutil.ignore_patterns(".git"))
    git = ("git", "-c", "core.autocrlf=true")
    run_in(folder / "top", "git", "init", "-q", "-b", "main")
    commit(folder / "top")
    run_in(folder, *git, "clone", "-q", "top", "clone")
    run_in(folder / "clone", "git", "config", "core.autocrlf", "true")
    run_in(folder / "clone", "git", "worktree", "add", "-q", "--detach", str(folder / "tree"))
    (folder / "link").symlink_to("tree")
    changed = give_data(inner, folder / "link" / ODD)
    (changed / "src/own/mine.py").write_text("x = 1\n")
    (changed / "keras.json").write_text('{"floatx": "float64", "epsilon": 0.1}')
    return changed


def give_data(project: Path, clone: Path) -> Path:
    """Bring what `dvc pull` would bring."""
    for data in (".dvc/cache", "data/own"):
        shutil.copytree(project / data, clone / data, dirs_exist_ok=True)
    return clone


def in_memory_without_git(project: Path, folder: Path) -> Path:
    """Copy it to memory, from where neither hard links nor reflinks lead to the cache."""
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("/dev/shm is no folder to write to")
    copied = copy(project, (folder / "memory").readlink())
    shutil.rmtree(copied / ".git")
    shutil.move(copied / ".dvc/cache", folder / "cache")
    (copied / ".dvc/config.local").write_text(
        "[core]\n    no_scm = true\n"
        f'[cache]\n    dir = {folder / "cache"}\n    type = "reflink,hardlink,symlink"\n'
    )
    return copied


VARIABLES: Variables = {
    "HYDRA_FULL_ERROR": "1",
    "KERAS_BACKEND": "jax",
    "KERAS_HOME": ".",
    "KERAS_MAX_EPOCHS": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONDEVMODE": "1",
    "PYTHONHASHSEED": "7",
    "PYTHONNOUSERSITE": "1",
    "PYTHONOPTIMIZE": "2",
    "PYTHONDONTWRITEBYTECODE": None,
    "TF_CPP_MIN_LOG_LEVEL": "0",
    "TF_USE_LEGACY_KERAS": "1",
    "TZ": "Pacific/Auckland",
}
DAEMON: Variables = {
    "COLUMNS": "20",
    "HOME": None,
    "LC_ALL": "C",
    "PATH": None,
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUTF8": "0",
    "TERM": None,
}
CLOSED = ("setsid", "--wait", "sh", "-c", 'umask 077; exec "$@" <&-', "sh")
CELLS = {
    "odd name, link, sub-folder, worktree, no branch, autocrlf, dirty; variables, python -OO": Cell(
        odd_worktree, VARIABLES, commands=NO_SEARCH
    ),
    "another file system, no Git; no terminal, no standard input, 20 columns, C locale, no HOME, "
    "no PATH": Cell(in_memory_without_git, DAEMON, CLOSED, NO_PATH),
}


def run_cell(cell: Cell, folder: Path, command: list[str]) -> "subprocess.CompletedProcess[bytes]":
    if cell.start == UNKNOWN and subprocess.run([*UNKNOWN, "true"], check=False).returncode:
        pytest.skip("this process may not make namespaces of users")
    variables = command_environment() | {"PYTHONPATH": "src"} | cell.variables
    return subprocess.run(
        [*cell.start, *command],
        cwd=folder,
        env={name: value for name, value in variables.items() if value is not None},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


def outcome(cell: Cell, folder: Path) -> dict[str, Any]:
    """Run the commands of a cell; return what each has made."""
    made = {}
    for name in cell.commands:
        done = run_cell(cell, folder, COMMANDS[name])
        assert done.returncode == 0, f"{name}: {(done.stdout + done.stderr).decode()}"
        made[name] = done.stdout.decode() if name == "prediction" else READERS[name](folder)
    return made


def outputs(folder: Path) -> dict[str, str]:
    stages = yaml.safe_load((folder / "dvc.lock").read_text())["stages"]
    return {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", [])}


def experiment_metrics(folder: Path) -> str:
    (ref,) = run_in(
        folder, "git", "for-each-ref", "--format=%(refname)", "refs/exps/*/*/cell"
    ).stdout.split()
    return run_in(folder, "git", "show", f"{ref}:./metrics/houses/mlp.json").stdout


def search_result(folder: Path) -> dict[str, Any]:
    result = json.loads((folder / "searches/houses/mlp-random.json").read_text())
    for seconds in (result, *result["trials"]):
        del seconds["seconds"]
    return dict(result)


READERS: dict[str, Callable[[Path], Any]] = {
    "repro": outputs, "experiment": experiment_metrics, "search": search_result,
}  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with one small table and one network, in which no stage has run."""

    def build(folder: Path) -> None:
        clone(folder)
        edit(folder / "params.yaml", "models=[mlp]", "gates={}")
        houses(300).to_csv(folder / "houses.csv", index=False)
        command = [*FATHOM, "new-dataset", "houses.csv", "--target", "price"]
        done = run_cell(Cell(copy), folder, command)
        assert done.returncode == 0, done.stderr.decode()
        (folder / "houses.csv").unlink()
        edit(folder / "params.yaml", "datasets=[houses]")
        houses(20).drop(columns="price").to_csv(folder / "rows.csv", index=False)
        commit(folder)

    return build_once(tmp_path_factory, "houses", build)


@pytest.fixture(scope="module")
def plain(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a plain copy of the project, and what the commands make there."""

    def build(folder: Path) -> None:
        made = outcome(Cell(copy), copy(project, folder))
        (folder / "made.json").write_text(json.dumps(made))

    return build_once(tmp_path_factory, "plain-houses", build)


@pytest.fixture
def expected(plain: Path) -> dict[str, Any]:
    return dict(json.loads((plain / "made.json").read_text()))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Return a folder in which `memory` links to one of another file system, to be made."""
    memory = Path("/dev/shm", f"fathom-{os.getpid()}")
    (tmp_path / "memory").symlink_to(memory)
    yield tmp_path
    shutil.rmtree(memory, ignore_errors=True)


@pytest.mark.parametrize("name", CELLS)
def test_the_same_bits(name: str, project: Path, expected: dict[str, Any], folder: Path) -> None:
    cell = CELLS[name]
    if "PYTHONOPTIMIZE" in cell.variables:
        # For PYTHONOPTIMIZE Python compiles all packages, in 15 seconds: once, not in each process.
        cell = replace(cell, variables=cell.variables | {"PYTHONPYCACHEPREFIX": str(folder / "c")})
    made = outcome(cell, cell.make(project, folder))
    for command in cell.commands:
        assert made[command] == expected[command], command


def test_a_shallow_clone(project: Path, expected: dict[str, Any], folder: Path) -> None:
    """If root runs the tests, it belongs to another user, whom Git refuses. DVC cannot keep
    experiments there: test_git.py has the lines that say so.
    """
    clone = folder / OTHER_LETTERS
    run_in(folder, "git", "clone", "-q", "--depth", "1", project.as_uri(), str(clone))
    if os.geteuid() == 0:
        run_in(folder, "chown", "-R", "12345", str(clone))
    give_data(project, clone)
    done = run_cell(Cell(copy), clone, [*FATHOM, "repro", "train@houses-mlp"])
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    made = outputs(clone)
    assert "models/houses/mlp/model.keras" in made
    assert made.items() <= expected["repro"].items()


def braces(project: Path, folder: Path) -> Path:
    return copy(project, folder / "{x}")


def read_only(project: Path, folder: Path) -> Path:
    copied = copy(project, folder)
    run_in(folder, "chmod", "-R", "a-w", str(copied))
    return copied


NOBODY: Variables = dict.fromkeys(["HOME", "LOGNAME", "USER", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"])
REFUSALS = {
    "DVC cannot work in {}: rename the folder without {{ and }}": Cell(braces),
    "DVC could not determine the home directory for '~/.config', set an absolute HOME or XDG "
    "variable": Cell(copy, NOBODY, UNKNOWN),
    "DVC asks for the name of this user, who has none: set USER to any name": Cell(
        copy, NOBODY | {"HOME": "/"}, UNKNOWN
    ),
    "DVC cannot write to {}: allow it, or copy the project": Cell(
        read_only, NOBODY | {"HOME": "/", "USER": "somebody"}, UNKNOWN
    ),
}


@pytest.mark.parametrize("line", REFUSALS)
def test_one_line_that_doctor_tells_before(line: str, project: Path, folder: Path) -> None:
    cell = REFUSALS[line]
    made = cell.make(project, folder)
    told = line.format(made)
    done = run_cell(cell, made, [*FATHOM, "repro"])
    assert (done.returncode, done.stderr.decode()) == (1, f"fathom: {told}\n")
    done = run_cell(cell, made, [*FATHOM, "doctor"])
    wrong = [line for line in done.stdout.decode().splitlines() if line.startswith("WRONG")]
    assert (done.returncode, done.stderr, wrong) == (1, b"", [f"WRONG    {told}"])


def test_nobody_predicts_in_a_project_that_is_read_only(
    plain: Path, expected: dict[str, Any], tmp_path: Path
) -> None:
    folder = read_only(plain / "project", tmp_path / OTHER_LETTERS)
    done = run_cell(Cell(copy, NOBODY, UNKNOWN), folder, COMMANDS["prediction"])
    assert done.stdout.decode() == expected["prediction"], done.stderr.decode()
