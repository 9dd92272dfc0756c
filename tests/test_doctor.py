"""`fathom doctor` finds what is amiss, and says what to do."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import clone, edit, run_in

from fathom.__main__ import fathom
from fathom.commands import doctor as examined


@pytest.fixture(scope="module")
def downloaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone with a little in its cache."""
    folder = clone(tmp_path_factory.mktemp("downloaded"))
    run_in(folder, "dvc", "repro", "-q", "download@digits")
    return folder


@pytest.fixture
def project(downloaded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    shutil.copytree(downloaded, folder, symlinks=True)
    monkeypatch.chdir(folder)
    return folder


def told(*arguments: str, status: int = 0) -> str:
    done = CliRunner().invoke(fathom, ["doctor", *arguments])
    assert done.exit_code == status, done.output
    return done.output


def test_a_sound_project(project: Path) -> None:
    lines = told("--deep").splitlines()
    assert [line for line in lines if not line.startswith("ok ")] == []
    assert lines[-1] == "ok       every file of the cache is what its name says"
    assert "ok       settings: california_housing, digits, each with mlp, selu, wide_deep" in lines
    assert any(line.startswith("ok       Python 3.1") for line in lines)
    assert any("GiB, in .dvc/cache/files/md5" in line for line in lines)


def test_a_damaged_file_of_the_cache(project: Path) -> None:
    file = next((project / ".dvc/cache/files/md5").glob("*/*[0-9a-f]"))
    file.chmod(0o644)
    file.write_bytes(file.read_bytes() + b" ")
    assert "WRONG" not in told()
    assert (
        f"WRONG    damaged files in the cache: 1, the first of them {file.relative_to(project)}; "
        "delete them; `dvc pull` or `dvc repro` brings them back\n"
    ) in told("--deep", status=1)


def test_outputs_that_are_not_in_the_cache(project: Path) -> None:
    shutil.rmtree(project / ".dvc/cache")
    assert (
        "warning  not in the cache, of the outputs in dvc.lock: 1, the first of them "
        "data/raw/digits; `dvc pull` or `dvc repro` brings them\n"
    ) in told()


def test_a_setting_that_is_wrong(project: Path) -> None:
    edit(project / "conf/dataset/digits.yaml", "dataset.task=guessing")
    assert (
        "WRONG    conf/dataset/digits.yaml: dataset.task: must be 'regression' or "
        "'classification', not 'guessing'\n"
    ) in told(status=1)


def test_packages_that_are_not_as_pinned(project: Path) -> None:
    pins = (project / "requirements.txt").read_text()
    keras = examined.installed("keras")
    assert f"keras=={keras} " in pins
    (project / "requirements.txt").write_text(pins.replace(f"keras=={keras} ", "keras==9.9.9 "))
    assert f"warning  not as pinned: keras {keras}, not 9.9.9; run `make setup`\n" in told()


def test_a_package_that_is_missing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = examined.installed
    monkeypatch.setattr(examined, "installed", lambda n: None if n == "shapiq" else real(n))
    assert "WRONG    not installed: shapiq; run `make setup`\n" in told(status=1)


def test_a_folder_that_is_no_repository(project: Path) -> None:
    shutil.rmtree(project / ".dvc")
    assert ("WRONG    this folder is no DVC repository: `dvc init`, or clone it anew\n") in told(
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
