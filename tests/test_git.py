"""Where Git has the project, what it does not know there, and where DVC loses experiments."""

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, run_in
from repositories import commit, commit_project, git, lines_of
from repositories import repository as repository
from stages import run_command

from fathom.base.errors import FathomError
from fathom.doctor.project import check_line_endings
from fathom.report import provenance
from fathom.search.dvc_experiment import experiment_problem, run_experiment

FIRST_COMMIT = "`git add -A` and `git commit -m start`"


def move_to(folder: Path, patch: pytest.MonkeyPatch) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    patch.chdir(folder)


def sub_folder(patch: pytest.MonkeyPatch) -> None:
    git("init", "-q", "-b", "main")
    Path("params.yaml").write_text("models: [another]\n")  # of another project
    move_to(Path("pro jects/-it's #1 ünï"), patch)
    commit_project()


def worktree(patch: pytest.MonkeyPatch) -> None:
    move_to(Path("top"), patch)
    git("init", "-q", "-b", "main")
    commit_project()
    git("worktree", "add", "-q", "../tree", "-b", "tree")
    move_to(Path("../tree"), patch)


def detached(patch: pytest.MonkeyPatch) -> None:
    git("init", "-q", "-b", "main")
    commit_project()
    git("checkout", "-q", "--detach")


def submodule(patch: pytest.MonkeyPatch) -> None:
    top = Path("top").absolute()
    move_to(Path("module"), patch)
    git("init", "-q", "-b", "main")
    commit_project()
    move_to(top, patch)
    git("init", "-q", "-b", "main")
    git("-c", "protocol.file.allow=always", "submodule", "add", "-q", "../module", "inner")
    commit("module")
    move_to(Path("inner"), patch)
    git("-c", "protocol.file.allow=always", "fetch", "-q", "origin", "refs/exps/*:refs/exps/*")


@pytest.mark.parametrize("place", [sub_folder, worktree, detached, submodule])
def test_the_project_is_found_anywhere(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    provenance_file: Path,
    place: Callable[[pytest.MonkeyPatch], None],
) -> None:
    monkeypatch.chdir(tmp_path)
    place(monkeypatch)
    printed = lines_of("compare", "HEAD", "small-mlp")
    assert "conf/model/mlp.yaml units [300, 100] [64]" in printed
    assert "mlp RMSE 4.000 4.125 +0.12 within sd" in printed
    summary = run_command("summary", "--against", "HEAD~1").out
    assert "| houses | mlp | RMSE | 3.000 | 4.000 | +1.0 | worse |" in summary
    commit = git("rev-parse", "--short", "HEAD")
    provenance.register_page("page")
    rebuild = f" from commit {commit}. To rebuild it: git checkout {commit} && make repro"
    assert rebuild in provenance_file.read_text()


@pytest.fixture
def provenance_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(provenance, "FILE", tmp_path.with_suffix(".js"))
    return provenance.FILE


def no_git(patch: pytest.MonkeyPatch) -> None:
    patch.setenv("PATH", "nowhere")


def no_repository(patch: pytest.MonkeyPatch) -> None:
    Path(".git").rename("no")


def another_owner(patch: pytest.MonkeyPatch) -> None:
    patch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")


def no_commit(patch: pytest.MonkeyPatch) -> None:
    git("checkout", "-q", "--orphan", "new")


def not_added(patch: pytest.MonkeyPatch) -> None:
    Path("inner").mkdir()
    Path("inner/params.yaml").write_text("models: []\n")
    patch.chdir("inner")


def ignored(patch: pytest.MonkeyPatch) -> None:
    Path(".gitignore").write_text("# not these\n/inner/\n")
    not_added(patch)


def damaged(patch: pytest.MonkeyPatch) -> None:
    Path(".git/config").write_text("[core\n")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (no_git, "Git is not installed: install it"),
        (no_repository, f"this folder is in no Git repository: run `git init`, {FIRST_COMMIT}"),
        (
            another_owner,
            "Git refuses this folder, which belongs to another user: "
            "run `git config --global --add safe.directory {folder}`",
        ),
        (no_commit, f"params.yaml of this folder is in no commit: run {FIRST_COMMIT}"),
        (not_added, f"params.yaml of this folder is in no commit: run {FIRST_COMMIT}"),
        (ignored, "Git ignores this folder: delete /inner/, line 2, from .gitignore"),
        (damaged, "Git cannot read this repository: bad config line 1 in file .git/config"),
    ],
)
def test_what_git_does_not_know_is_unknown(
    repository: Path,
    provenance_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[pytest.MonkeyPatch], None],
    reason: str,
) -> None:
    change(monkeypatch)
    reason = reason.format(folder=repository)
    assert lines_of("compare", status=1) == [f"fathom: {reason}"]
    assert lines_of("summary", status=1) == [f"fathom: {reason}"]
    provenance.register_page("page")
    assert f" from an unknown commit: {reason}" in provenance_file.read_text()
    assert experiment_problem() == f"DVC keeps experiments in Git, but {reason}"


def shallow_clone(of: Path, folder: Path) -> None:
    git("clone", "-q", "--depth", "1", f"file://{of}", str(folder))


def test_a_shallow_clone_says_what_it_lacks(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("checkout", "-q", "-b", "other", "HEAD~1")
    commit("other")
    shallow_clone(repository, tmp_path / "shallow")
    monkeypatch.chdir(tmp_path / "shallow")
    assert lines_of("compare", "HEAD~1", status=1) == [
        "fathom: there is no revision HEAD~1; `git fetch --unshallow` brings older commits; "
        "did you mean HEAD?"
    ]
    git("fetch", "-q", "--depth", "1", "origin", "main:main")
    git("remote", "set-head", "origin", "--delete")
    assert "## Against HEAD (the merge base is unknown in a shallow clone: run `git fetch " in (
        run_command("summary").out
    )
    problem = (
        "DVC loses experiments that run in a copy of a shallow clone: run `git fetch --unshallow`"
    )
    assert experiment_problem() == problem
    git("fetch", "-q", "--unshallow")
    assert experiment_problem() is None


def test_dvc_may_be_told_to_work_without_git(repository: Path) -> None:
    Path(".dvc").mkdir()
    Path(".dvc/config").write_text("[core]\n    no_scm = true\n")
    assert experiment_problem() == (
        "DVC keeps experiments in Git, but core.no_scm is set: "
        "run `dvc config --local core.no_scm false`"
    )
    Path(".dvc/config.local").write_text("[core]\n    no_scm = false\n")  # what this command writes
    assert experiment_problem() is None


def test_a_search_whose_experiments_would_be_lost_runs_no_trial(workspace: Path) -> None:
    arguments = "search", "dataset=digits", "model=mlp", "search=random", "trials=1"
    assert run_command(*arguments).err == (
        "fathom: DVC keeps experiments in Git, but this folder is in no Git repository: run "
        f"`git init`, {FIRST_COMMIT}; experiments=0 searches without them\n"
    )
    assert not Path("studies").exists()


def test_doctor_tells_of_converted_line_endings(repository: Path) -> None:
    assert list(check_line_endings()) == []
    git("config", "core.autocrlf", "true")
    Path("src/train.py").write_text("a = 1\n")
    commit("code")
    for file in ("src/train.py", "params.yaml"):
        Path(file).unlink()
        git("checkout", "--", file)
        assert b"\r\n" in Path(file).read_bytes()
    Path(".gitattributes").write_bytes((ROOT / ".gitattributes").read_bytes())
    git("add", ".gitattributes")
    git("commit", "-q", "-m", "bytes")
    ((_, line),) = check_line_endings()
    assert line == (
        "Git has converted the line endings of 2 files, such as params.yaml, and DVC runs their "
        "stages again: commit your changes, then run `git rm -rq --cached .` and "
        "`git reset -q --hard`"
    )
    git("rm", "-rq", "--cached", ".")
    git("reset", "-q", "--hard")
    assert list(check_line_endings()) == []
    assert Path("src/train.py").read_bytes() == b"a = 1\n"


def test_a_file_that_git_lacks_is_named(repository: Path) -> None:
    name = git("rev-parse", "HEAD~1:params.yaml")
    Path(".git/objects", name[:2], name[2:]).unlink()
    start = git("rev-parse", "HEAD~1")
    assert lines_of("compare", "HEAD~1", status=1) == [
        f"fathom: Git cannot read params.yaml of {start}: the object is missing"
    ]


def test_settings_that_dvc_cannot_write_for_an_experiment(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = "DVC cannot write settings for an experiment in letters other than English: "
    git("config", "user.name", "Jürgen O'Neill")
    move = "git config --global user.name 'Jürgen O'\"'\"'Neill' && git config --unset user.name"
    assert experiment_problem() == f"{start}run `{move}`"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(repository / "global"))
    run_in(repository, "sh", "-c", move)
    assert git("config", "--global", "user.name") == "Jürgen O'Neill"
    assert experiment_problem() is None
    git("config", "branch.häuser.remote", "origin")
    assert experiment_problem() == (
        f"{start}change the name or value of Git's branch.häuser.remote=origin in .git/config"
    )
    git("config", "--unset", "branch.häuser.remote")
    Path(".dvc").mkdir()
    Path(".dvc/config.local").write_text("[cache]\n    dir = /häuser\n")
    assert experiment_problem() == f"{start}change those in .dvc/config.local"


SPOIL = ["per%20cent", "ha#sh", "que?ry", "ünï"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["plain", "-it's $HOME; 100 %", 'do"uble\\ [x]*', *SPOIL, "shallow", "name"]
)
def test_experiments_are_kept_where_no_problem_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    move_to(tmp_path / name, monkeypatch)
    git("init", "-q", "-b", "main")
    run_in(Path(), "dvc", "init", "-q")
    Path("params.yaml").write_text("a: 1\n")
    Path("dvc.yaml").write_text("stages: {copy: {cmd: cp params.yaml b, params: [a], outs: [b]}}")
    commit("one")
    if name == "shallow":
        commit("two")
        shallow_clone(Path.cwd(), tmp_path / "clone")
        monkeypatch.chdir(tmp_path / "clone")
    if name == "name":
        git("config", "user.name", "Jürgen")
    if name in (*SPOIL, "shallow", "name"):
        assert experiment_problem() is not None
        with pytest.raises(FathomError):
            run_experiment("two", ["a=2"])
    else:
        assert experiment_problem() is None
        run_experiment("two", ["a=2"])
        (ref,) = git("for-each-ref", "--format=%(refname)", "refs/exps/*/*/two").splitlines()
        assert git("show", f"{ref}:params.yaml") == "a: 2"


@pytest.mark.parametrize("letters", SPOIL)
def test_a_folder_whose_name_spoils_experiments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, letters: str
) -> None:
    move_to(tmp_path / letters, monkeypatch)
    git("init", "-q", "-b", "main")
    commit_project()
    spoil = {"per%20cent": "%", "ha#sh": "#", "que?ry": "?", "ünï": "ü ï"}[letters]
    assert experiment_problem() == (
        f"DVC cannot run experiments in a copy of {Path.cwd()}: rename the folder without {spoil}"
    )
