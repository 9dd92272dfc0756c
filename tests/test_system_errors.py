"""A full disk and other refusals of the system: one line with the file, the reason, the remedy."""

import errno
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from stages import ROOT, run_stage

from fathom.artifacts.model_file import save_model
from fathom.base.files import atomic_write, read_array, stage_output, write_array, write_json
from fathom.base.tables import write_table
from fathom.export.formats import write_saved_model
from fathom.settings.compose import one_line

LIMIT = 4096  # bytes of a file
TOO_LARGE = "File too large: `ulimit -f` shows the limit; raise it, then run the same command again"


@pytest.fixture
def small_files() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def network() -> keras.Model:
    inputs = keras.Input([100], name="features")
    return keras.Model(inputs, keras.layers.Dense(100)(inputs))


def write_npz(path: Path) -> None:
    np.savez(path, numbers=np.arange(10_000.0))


def save_network(path: Path) -> None:
    path.mkdir()
    save_model(network(), path / "model.keras")


def copy_file(path: Path) -> None:
    shutil.copy("large/file", path)


def copy_folder(path: Path) -> None:
    shutil.copytree("large", path)


WRITERS: dict[str, Callable[[Path], None]] = {
    "npy": lambda path: write_array(path, np.arange(10_000.0)),
    "npz": write_npz,
    "parquet": lambda path: write_table(path, pd.DataFrame({"x": np.arange(10_000) * 7.1 % 1})),
    "keras": save_network,
    "saved_model": lambda path: write_saved_model(network(), path),
    "copy": copy_file,
    "folder": copy_folder,
}


def line_of(call: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(OSError) as refused:  # noqa: PT011  its line is compared
        call(*arguments)
    return one_line(refused.value)


@pytest.mark.parametrize("kind", WRITERS)
def test_a_file_that_cannot_grow(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("large").mkdir()
    Path("large/file").write_bytes(bytes(2 * LIMIT))
    request.getfixturevalue("small_files")

    def write() -> None:
        with atomic_write(Path("made") / f"one.{kind}") as temporary:
            WRITERS[kind](temporary)

    assert line_of(write) == f"made/one.{kind}: {TOO_LARGE}"
    assert list(Path("made").iterdir()) == []


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (errno.ENOSPC, "No space left on device: free disk space, then run the same command again"),
        (errno.EDQUOT, "Disk quota exceeded: free disk space, then run the same command again"),
        (
            errno.EROFS,
            "Read-only file system: work in a copy of the project on a file system that can be "
            "written to",
        ),
        (errno.EACCES, "Permission denied: you need permission to read and write it"),
        (
            errno.EMFILE,
            "Too many open files: allow more of them with `ulimit -n 4096`, then run the same "
            "command again",
        ),
    ],
)
def test_refusals_of_the_system(code: int, text: str, tmp_path: Path) -> None:
    """The innermost cause, for the file that was to be written or read."""

    def fail() -> None:
        try:
            raise OSError(code, os.strerror(code))
        except OSError as error:
            raise ValueError("cannot write to a closed file") from error

    def write() -> None:
        with atomic_write(tmp_path / "folder") as temporary:
            temporary.mkdir()
            with atomic_write(temporary / "one.json"):
                fail()

    def read() -> None:
        with stage_output(tmp_path, "train"):
            fail()

    assert line_of(write) == f"{tmp_path}/folder/one.json: {text}"
    assert line_of(read) == f"{tmp_path}: {text}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("data/split", "data/split: File exists: a file is where a folder is expected"),
        ("logs", "logs: Not a directory: a file is where a folder is expected"),
    ],
)
def test_a_file_where_a_folder_is_expected(trainable: Path, place: str, line: str) -> None:
    shutil.rmtree(place, ignore_errors=True)
    Path(place).touch()
    assert run_stage("split", "dataset=digits").err == f"split.py: {line}; move it away\n"


def test_a_folder_where_a_file_is_expected(trainable: Path) -> None:
    for file in ("data/problem/digits.json", "data/scaled/digits/encoder.json"):
        Path(file).unlink(missing_ok=True)
        Path(file).mkdir()
    assert run_stage("scale", "dataset=digits").err == (
        "scale.py: data/problem/digits.json: Is a directory: a folder is where a file is expected; "
        "move it away\n"
    )


def test_what_is_printed_onto_a_full_disk() -> None:
    command = [sys.executable, "-m", "fathom", "completion", "bash"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment, check=False
        )
    remedy = "free disk space, then run the same command again"
    assert done.stderr == f"fathom: standard output: No space left on device: {remedy}\n"
    assert done.returncode == 1


ABORT = """
import ctypes
libc = ctypes.CDLL(None)
libc.__cxa_atexit(ctypes.cast(libc.abort, ctypes.c_void_p), None, None)
"""


@pytest.mark.parametrize(
    "command", [["-m", "fathom", "completion", "bash"], ["src/download.py", "dataset=digits"]]
)
def test_an_abort_after_the_work_is_done_fails_nothing(workspace: Path, command: list[str]) -> None:
    """The destructors of TensorFlow's threads abort the process now and then."""
    Path("sitecustomize.py").write_text(ABORT)
    path = f"{workspace}{os.pathsep}{ROOT / 'src'}"
    environment = os.environ | {"PYTHONPATH": path}
    command = [sys.executable, *(str(ROOT / one) if "/" in one else one for one in command)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.stdout
    assert (done.stderr, done.returncode) == ("", 0)


def test_what_a_killed_process_leaves_is_deleted(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as ended:
        pass
    left = tmp_path / f".one.{ended.pid}.part.json"
    left.touch()
    (tmp_path / f".one.{ended.pid}.part").mkdir()
    others = [tmp_path / f".one.{os.getppid()}.part.json", tmp_path / ".one.x.part.json"]
    for other in others:
        other.touch()
    write_json(tmp_path / "one.json", 1)
    write_array(tmp_path / "one.npy", np.arange(3))
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"one.json", "one.npy", f".one.{ended.pid}.part", *(o.name for o in others)}
    with atomic_write(tmp_path / "one") as temporary:
        temporary.mkdir()
    assert not (tmp_path / f".one.{ended.pid}.part").exists()
    assert list(read_array(tmp_path / "one.npy", "split")) == [0, 1, 2]
