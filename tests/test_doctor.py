"""`fathom doctor` finds what is wrong, and says what to do."""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from unittest.mock import Mock

import pytest
from conftest import ROOT, clone, edit, init_git, run_in
from stages import run_command

from fathom.base.environment import GIVEN, python_path
from fathom.base.files import write_json
from fathom.doctor import computer


@pytest.fixture
def small(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project that DVC knows, of one network and without Git."""
    edit(workspace / "params.yaml", "datasets=[digits]", "models=[mlp]")
    shutil.copy(ROOT / "requirements.txt", workspace)
    (workspace / ".dvc").mkdir()
    (workspace / ".dvc/config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
    monkeypatch.setitem(GIVEN, "PATH", python_path(GIVEN))
    return workspace


def printed(status: int = 0) -> str:
    finished = run_command("doctor")
    assert finished.status == status, finished
    return finished.out + finished.err


def test_a_sound_project(small: Path) -> None:
    edit(small / "params.yaml", "datasets=[california_housing, digits]", "models=[mlp, selu]")
    lines = printed().splitlines()
    assert [line for line in lines if not line.startswith("ok ")] == []
    assert "ok       settings: california_housing, digits, each with mlp, selu" in lines
    assert "ok       packages have the versions of requirements.txt" in lines
    assert any(line.startswith("ok       Python 3.1") for line in lines)
    assert lines[-1] == "ok       cache: 0 files, 0.0 GiB, in .dvc/cache/files/md5"


@pytest.mark.slow
def test_a_sound_clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone(tmp_path / "project"))
    run_in(Path(), "dvc", "repro", "-q", "download@digits")
    lines = printed().splitlines()
    assert [line for line in lines if not line.startswith("ok ")] == []
    assert "ok       settings: california_housing, digits, each with mlp, selu, wide_deep" in lines
    assert "0 files" not in lines[-1]


def test_what_is_wrong(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(small / "conf/dataset/digits.yaml", "dataset.task=guessing")
    shutil.rmtree(small / ".dvc")
    real = computer.get_version
    monkeypatch.setattr(computer, "get_version", lambda n: None if n == "shapiq" else real(n))
    assert [line for line in printed(status=1).splitlines() if line.startswith("WRONG")] == [
        "WRONG    not installed: shapiq; run `make setup`",
        "WRONG    conf/dataset/digits.yaml: dataset.task: must be 'regression' or "
        "'classification', not 'guessing'; did you mean regression?",
        "WRONG    this folder is no DVC repository: run `dvc init`, or clone it again",
    ]


def test_what_git_and_dvc_cannot_do(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = small / ".dvc/config"
    config.write_text("")
    assert (
        "WRONG    this folder is in no Git repository: run `git init`, `git add -A` and `git "
        "commit -m start`, or `dvc config core.no_scm true` to work without experiments\n"
    ) in printed(status=1)
    init_git(small)
    assert "ok       Git has this project: experiments can run\n" in printed()
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert "warning  DVC keeps experiments in Git, but Git refuses this folder" in printed()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as cache:  # another file system
        config.write_text(f"[cache]\n    type = hardlink\n    dir = {cache}\n")
        assert (
            f"WRONG    cache.type hardlink: no such link can lead from here to the cache in {cache}"
            "/files/md5; run `dvc config cache.type reflink,copy`\n"
        ) in printed(status=1)


def test_variables_that_break_stages_or_change_networks(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    activate = f"run `. {sys.prefix}/bin/activate`"
    monkeypatch.setitem(GIVEN, "SHELL", "/bin/false")
    assert (
        "WRONG    `dvc repro` cannot run stages: /bin/false exits with 1; run `export "
        "SHELL=/bin/sh`\n"
    ) in printed(status=1)
    monkeypatch.setitem(GIVEN, "SHELL", "/bin/sh")
    monkeypatch.setitem(GIVEN, "PATH", str(small))
    (line,) = [line for line in printed(status=1).splitlines() if line.startswith("WRONG")]
    assert line.startswith("WRONG    `dvc repro` cannot run stages: /bin/sh: ")
    assert line.endswith(f"not found; {activate}")
    other = small / "python"
    other.write_text("#!/bin/sh\necho /opt/other\n")
    other.chmod(0o755)
    assert (
        f"WRONG    `dvc repro` runs stages with the Python in /opt/other: {activate}\n"
    ) in printed(status=1)
    monkeypatch.setitem(GIVEN, "PATH", python_path({}))
    monkeypatch.setitem(GIVEN, "KERAS_BACKEND", "jax")
    monkeypatch.setitem(GIVEN, "TF_ENABLE_ONEDNN_OPTS", "0")
    assert [line for line in printed().splitlines() if line.startswith("warning")] == [
        "warning  KERAS_BACKEND=jax: Fathom's programs ignore it; fathom.sklearn, which leaves "
        "Keras as it is, may refuse it",
        "warning  TF_ENABLE_ONEDNN_OPTS=0: it may change the bits of networks, so run.json has it; "
        "`unset TF_ENABLE_ONEDNN_OPTS` for those of others",
    ]


def test_outputs_of_stages_that_are_no_more(small: Path) -> None:
    before = printed()
    stage = {"cmd": "true", "outs": [{"path": "old", "md5": "d" * 32, "hash": "md5", "size": 1}]}
    write_json(small / "dvc.lock", {"schema": "2.0", "stages": {"old": stage}})
    assert printed() == before


def test_where_dvc_cannot_work(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def assert_told(problem: str) -> None:
        assert [line for line in printed(status=1).splitlines() if not line.startswith("ok ")] == [
            f"WRONG    {problem}"
        ]
        assert run_command("repro").err == f"fathom: {problem}\n"

    with monkeypatch.context() as patch:
        patch.setattr(os, "getuid", lambda: 12345)  # a user whom the machine does not know
        for name in ("HOME", "XDG_CONFIG_HOME", "LOGNAME", "USER", "LNAME", "USERNAME"):
            patch.delenv(name, raising=False)
        assert_told(
            "DVC could not determine the home directory for '~/.config', set an absolute HOME or "
            "XDG variable"
        )
        patch.setenv("HOME", str(small))
        assert_told("DVC asks for the name of this user, who has none: set USER to any name")
    odd = small / "{x}"
    shutil.copytree(small, odd)
    monkeypatch.chdir(odd)
    assert_told(f"DVC cannot work in {odd}: rename the folder without {{ and }}")


def test_warnings_that_are_errors(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computer, "get_version", Mock(side_effect=DeprecationWarning("old")))
    assert printed(status=1).endswith(
        "fathom: DeprecationWarning: old (PYTHONWARNINGS or -W makes it an error: unset it)\n"
    )


def test_packages_that_are_not_as_pinned(small: Path) -> None:
    pins = (small / "requirements.txt").read_text()
    keras = computer.get_version("keras")
    assert f"keras=={keras} " in pins
    (small / "requirements.txt").write_text(pins.replace(f"keras=={keras} ", "keras==9.9.9 "))
    assert f"warning  not as pinned: keras {keras}, not 9.9.9; run `make setup`\n" in printed()
    (small / "requirements.txt").unlink()
    assert "warning  there is no requirements.txt to compare the packages with\n" in printed()


def test_folders_that_cannot_be_written_to(small: Path) -> None:
    (small / "logs").touch()
    (small / "checkpoints/digits/mlp").mkdir(parents=True)
    (small / "checkpoints/digits/mlp/seed-42.npz").write_bytes(bytes(2**26))
    lines = printed(status=1).splitlines()
    wrong = "logs: Not a directory: a file is where a folder is expected; move it away"
    assert [line for line in lines if line.startswith("WRONG")] == [f"WRONG    {wrong}"]
    assert (
        "ok       checkpoints/ has 0.1 GiB of trainings that have not ended: the same trainings go "
        "on from there; `rm -r checkpoints` deletes them"
    ) in lines
