"""`fathom repro` on a project of shell stages: the result of `dvc repro`, and the way back."""

import re
from pathlib import Path

import pytest
from conftest import commit, copy_settings, repro, run_in
from shell_stages import (
    WAIT,
    Stages,
    chain,
    contents,
    fathom,
    make_project,
    runs,
    stage,
    write_stages,
)

from fathom.artifacts.problem import Output, Problem
from fathom.base.machine import cores
from fathom.repro.lock_file import read_sections, write_sections

pytestmark = pytest.mark.slow


def test_result_is_that_of_dvc_to_the_byte(tmp_path: Path) -> None:
    project, other = (make_project(tmp_path / name, chain()) for name in ("project", "other"))
    lines = fathom(project, "--jobs", "2").stdout.splitlines()
    assert lines[-1].startswith("5 stages in ")
    assert lines[-1].endswith(": 5 ran")
    repro(other)
    assert contents(project) == contents(other)
    assert runs(project) == runs(other) == ["join", "long", "make-a", "make-b", "short"]
    assert repro(project) == []
    assert fathom(project).stdout.endswith(" s: 5 unchanged\n")
    for folder in (project, other):
        (folder / "params.yaml").write_text("a: 2\nb: 1\n")
    assert fathom(project, "long").stdout.endswith(" s: 1 ran, 1 unchanged\n")
    repro(other, "long")
    assert contents(project) == contents(other)
    assert runs(project) == ["make-a"]
    (project / "params.yaml").write_text("a: 1\nb: 1\n")
    restored = fathom(project).stdout
    assert "Restored 'make@a' from an earlier build (DVC's run cache)\n" in restored
    assert runs(project) == []
    assert repro(project) == []


def test_independent_stages_run_at_the_same_time(tmp_path: Path) -> None:
    one, other = (
        f"touch {mine}-here; {WAIT.format(f'{theirs}-here')}; echo $FATHOM_CORES > {mine}"
        for mine, theirs in (("one", "other"), ("other", "one"))
    )
    project = make_project(
        tmp_path / "project", {"one": stage(one, out="one"), "other": stage(other, out="other")}
    )
    assert fathom(project, "-j", "2").stdout.endswith(" s: 2 ran\n")
    assert (project / "one").read_text() == f"{max(1, cores() // 2)}\n"


def test_a_failing_stage_stops_what_depends_on_it(tmp_path: Path) -> None:
    stages = chain()
    works = stages["long"]["cmd"]
    stages["long"]["cmd"] = "echo the first line; echo long.sh: no such column >&2; exit 3"
    project = make_project(tmp_path / "project", stages)
    done = fathom(project, status=1)
    head, *rest = done.stderr.splitlines()
    assert head.startswith("Failed: 'long' after ")
    assert head.endswith("exited with 3 (logs/repro/long.log)")
    assert "long.sh: no such column" in rest
    assert rest[-1] == "Not run, because they depend on a failed stage: join"
    assert done.stdout.endswith(" s: 3 ran, 1 failed\n")
    assert runs(project) == ["make-a", "make-b", "short"]
    stages["long"]["cmd"] = works
    write_stages(project, stages)
    fathom(project)
    assert runs(project) == ["join", "long"]
    assert repro(project) == []


def test_a_run_that_a_kill_did_not_let_dvc_write(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", chain())
    fathom(project)
    runs(project)
    for run in project.glob(".dvc/cache/runs/*/*/*"):
        run.unlink()
    run_in(project, "git", "clean", "-qxdf", "--exclude=.dvc")
    fathom(project)
    assert runs(project) == ["join", "long", "make-a", "make-b", "short"]


def test_a_library_that_is_installed_later_becomes_a_baseline(tmp_path: Path) -> None:
    file = "metrics/diabetes/baseline.json"
    command = f"""echo run >> runs; echo '{{"mean": {{}}}}' > {file}
    [ ! -d lightgbm ] || echo '{{"mean": {{}}, "LightGBM": {{}}}}' > {file}"""
    stages: Stages = {
        "baseline": {
            "matrix": {"dataset": ["diabetes"]},
            "cmd": command,
            "metrics": [{file: {"cache": False}}],
        }
    }
    project = make_project(tmp_path / "project", stages)
    copy_settings(project)
    (project / file).parent.mkdir(parents=True)
    (project / "data/problem").mkdir(parents=True)
    output = Output(column="y", task="regression")
    problem = Problem(
        dataset="diabetes", kind="table", shape=[], outputs={"main_output": output}, rows={}
    )
    problem.write(project / "data/problem/diabetes.json")
    assert fathom(project).stdout.endswith(" s: 1 ran\n")
    assert fathom(project).stdout.endswith(" s: 1 unchanged\n")
    (project / "lightgbm").mkdir()
    (project / "lightgbm/__init__.py").touch()  # found in the working folder, as if installed
    assert fathom(project).stdout.endswith(" s: 1 ran\n")
    assert "LightGBM" in (project / file).read_text()
    assert fathom(project).stdout.endswith(" s: 1 unchanged\n")
    assert repro(project) == []
    (project / "lightgbm/__init__.py").unlink()
    assert fathom(project).stdout.endswith(" s: 1 unchanged\n")  # what is there stays
    assert runs(project) == ["run", "run"]


def test_unknown_target_and_no_project(tmp_path: Path) -> None:
    done = fathom(make_project(tmp_path / "project", chain()), "mkae", status=1)
    assert done.stderr == "fathom: there is no stage 'mkae'; did you mean make?\n"
    empty = tmp_path / "empty"
    empty.mkdir()
    assert fathom(empty, status=1).stderr == (
        "fathom: there is no DVC project here: start `fathom repro` in its folder\n"
    )


def test_the_way_back(tmp_path: Path) -> None:
    """After an experiment nothing runs again, also if the committed lock names foreign bytes."""
    stages = chain()
    stages["long"]["cmd"] = "echo long >> runs; date +%s%N > long"  # other bytes each time
    author = make_project(tmp_path / "author", stages)
    fathom(author)
    commit(author)
    team = tmp_path / "team"
    run_in(author, "git", "clone", "-q", str(author), str(team))
    for folder in (author, team):
        fathom(folder)
        runs(folder)
        first = contents(folder)
        (folder / "params.yaml").write_text("a: 2\nb: 2\n")
        (folder / "seed").write_text("other rows\n")
        fathom(folder)
        assert runs(folder) == ["join", "long", "make-a", "make-b", "short"]
        assert contents(folder) != first
        run_in(folder, "git", "checkout", "-q", ".")
        back = run_in(folder, "dvc", "checkout", check=False)
        assert (back.returncode == 0) == (folder == author)
        if folder == author:
            assert repro(folder) == []
        done = fathom(folder).stdout
        if folder == team:
            assert "Restored 'long' from an earlier build (DVC's run cache)\n" in done
        assert contents(folder) == first
        assert repro(folder) == []
        assert runs(folder) == []


def test_a_network_of_this_machine_is_not_trained_again(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock names bytes of another machine. DVC alone trains again."""
    monkeypatch.setenv("PYTHONPATH", "src")
    lock, name = project / "dvc.lock", "train@digits-mlp"
    text = lock.read_text()
    built = {file: file.read_bytes() for file in project.glob("models/digits/mlp/**/*.*")}
    head, sections = read_sections(lock)
    deps, outs, own = sections[f"  {name}:"].partition("    outs:\n")
    foreign = re.sub(r"md5: [0-9a-f]{32}", "md5: " + 32 * "a", own)
    write_sections(lock, head, sections | {f"  {name}:": deps + outs + foreign})
    commit(project)
    dry = run_in(project, "dvc", "repro", "--dry", "--single-item", name).stdout
    assert f"Running stage '{name}'" in dry
    done = fathom(project, name)
    assert f"Restored '{name}' from an earlier build (DVC's run cache)\n" in done.stdout
    assert lock.read_text() == text
    assert {file: file.read_bytes() for file in built} == built
    assert repro(project, name) == []
