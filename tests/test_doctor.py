"""`fathom doctor` finds what is amiss, and says what to do."""

import hashlib
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import ROOT, clone, edit, repro, run_in
from stages import build_once, run_command

from fathom.cli import fathom
from fathom.doctor import doctor as examined


@pytest.fixture(scope="module")
def downloaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone with a little in its cache. Read it alone."""

    def build(folder: Path) -> None:
        clone(folder)
        run_in(folder, "dvc", "repro", "-q", "download@digits")

    return build_once(tmp_path_factory, "downloaded", build)


@pytest.fixture
def project(downloaded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    shutil.copytree(downloaded, folder, symlinks=True)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def small(workspace: Path) -> Path:
    """Return a project that DVC knows, of one network and without Git."""
    edit(workspace / "params.yaml", "datasets=[digits]", "models=[mlp]")
    shutil.copy(ROOT / "requirements.txt", workspace)
    (workspace / ".dvc").mkdir()
    (workspace / ".dvc/config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
    return workspace


def printed(*arguments: str, status: int = 0) -> str:
    """Run `fathom doctor` and return what it prints."""
    finished = run_command("doctor", *arguments)
    assert finished.status == status, finished
    return finished.out + finished.err


def test_a_sound_project(small: Path) -> None:
    edit(small / "params.yaml", "datasets=[california_housing, digits]", "models=[mlp, selu]")
    lines = printed().splitlines()
    assert [line for line in lines if not line.startswith("ok ")] == []
    assert "ok       settings: california_housing, digits, each with mlp, selu" in lines
    assert "ok       packages are those that requirements.txt pins" in lines
    assert any(line.startswith("ok       Python 3.1") for line in lines)
    assert lines[-1].startswith("ok       cache: 0 files, 0.0 GiB, in .dvc/cache/files/md5")


@pytest.mark.slow
def test_a_sound_clone(project: Path) -> None:
    lines = printed("--deep").splitlines()
    assert [line for line in lines if not line.startswith("ok ")] == []
    assert lines[-1] == "ok       every file of the cache is what its name says"
    assert "ok       settings: california_housing, digits, each with mlp, selu, wide_deep" in lines
    assert any("GiB, in .dvc/cache/files/md5" in line for line in lines)


def damaged(project: Path, output: Path) -> Path:
    """Damage an output's file in the cache; return that."""
    md5 = hashlib.md5(output.read_bytes(), usedforsecurity=False).hexdigest()
    file = project / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    file.chmod(0o644)
    file.write_bytes(b"garbage")
    file.chmod(0o444)  # as DVC leaves it, and does not look at it again
    return file


@pytest.mark.slow
def test_a_damaged_file_of_the_cache(project: Path) -> None:
    output = project / "data/raw/digits/labels.npy"
    was = output.read_bytes()
    file = damaged(project, output)
    assert "WRONG" not in printed()
    said = f"1, the first of them {file.relative_to(project)}"
    assert (
        f"WRONG    damaged files in the cache: {said}; `fathom doctor --deep --mend` deletes them "
        "and what was made of them\n"
    ) in printed("--deep", status=1)
    assert (
        f"ok       damaged files of the cache, made anew from the outputs: {said}\n"
    ) in printed("--deep", "--mend")
    assert file.read_bytes() == output.read_bytes() == was
    assert file.stat().st_mode & 0o777 == 0o444
    assert "ok       every file of the cache is what its name says\n" in printed("--deep")


@pytest.mark.slow
def test_a_damaged_file_of_the_cache_that_has_been_used(project: Path) -> None:
    output = project / "data/raw/digits/labels.npy"
    was = output.read_bytes()
    file = damaged(project, output)
    output.unlink()
    run_in(project, "dvc", "checkout", "--quiet", "download@digits")
    assert output.read_bytes() == b"garbage"
    assert repro(project, "download@digits") == []  # DVC does not see it
    assert (
        "warning  damaged files of the cache, deleted with what was made of them: 1, the first of "
        f"them {file.relative_to(project)}; `make repro` brings them back\n"
    ) in printed("--deep", "--mend")
    assert repro(project, "download@digits") == ["download@digits"]
    assert output.read_bytes() == file.read_bytes() == was


def test_no_remote(small: Path) -> None:
    assert "remote" not in printed()
    assert "warning  there is no default remote: `dvc remote add -d NAME ADDRESS`\n" in printed(
        "--remote"
    )


def test_mending_needs_to_know_what(small: Path) -> None:
    assert "--mend goes with --deep, --remote or both\n" in printed("--mend", status=2)


def test_outputs_that_are_not_in_the_cache(small: Path) -> None:
    out = "{path: data/raw/digits, md5: d41d8cd98f00b204e9800998ecf8427e.dir}"
    (small / "dvc.lock").write_text(f"stages: {{download@digits: {{outs: [{out}]}}}}\n")
    assert (
        "warning  not in the cache, of the outputs in dvc.lock: 1, the first of them "
        "data/raw/digits; `dvc pull` or `dvc repro` brings them\n"
    ) in printed()


def test_a_setting_that_is_wrong(small: Path) -> None:
    edit(small / "conf/dataset/digits.yaml", "dataset.task=guessing")
    assert (
        "WRONG    conf/dataset/digits.yaml: dataset.task: must be 'regression' or "
        "'classification', not 'guessing'\n"
    ) in printed(status=1)


def test_packages_that_are_not_as_pinned(small: Path) -> None:
    pins = (small / "requirements.txt").read_text()
    keras = examined.installed("keras")
    assert f"keras=={keras} " in pins
    (small / "requirements.txt").write_text(pins.replace(f"keras=={keras} ", "keras==9.9.9 "))
    assert f"warning  not as pinned: keras {keras}, not 9.9.9; run `make setup`\n" in printed()


def test_a_package_that_is_missing(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = examined.installed
    monkeypatch.setattr(examined, "installed", lambda n: None if n == "shapiq" else real(n))
    assert "WRONG    not installed: shapiq; run `make setup`\n" in printed(status=1)


def test_a_folder_that_is_no_repository(small: Path) -> None:
    shutil.rmtree(small / ".dvc")
    assert ("WRONG    this folder is no DVC repository: `dvc init`, or clone it anew\n") in printed(
        status=1
    )


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_the_shell(shell: str) -> None:
    done = CliRunner().invoke(fathom, ["completion", shell])
    assert done.exit_code == 0
    assert "_FATHOM_COMPLETE=" in done.output


def test_completion_knows_commands_and_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_FATHOM_COMPLETE", "bash_complete")
    for words, count, known in (
        ("fathom pre", "1", "predict"),
        ("fathom predict --fl", "2", "--flag"),
    ):
        done = CliRunner(env={"COMP_WORDS": words, "COMP_CWORD": count}).invoke(
            fathom, prog_name="fathom"
        )
        assert done.output.split(",")[1].strip() == known
