"""Code of the user's own in src/own/ reruns only the trainings that use it."""

import json
from pathlib import Path

import pytest
from conftest import repro
from stages import make_stage, run_stage

MODELS = "models=[mlp,mine,other]"


@pytest.fixture
def own(workspace: Path) -> Path:
    """Return a folder with two networks, of which one shares a file with a callback."""
    folder = workspace / "src/own"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "mine.py").write_text("from own import blocks\nimport keras\ndef build(): ...\n")
    (folder / "other.py").write_text("def build():\n    from .parts import part\n")
    (folder / "blocks.py").write_text("from fathom.models import layers\n")
    (folder / "parts.py").touch()
    for name in ("mine", "other"):
        settings = f"_target_: own.{name}.build\nlearning_rate: 0.1\n"
        Path(f"conf/model/{name}.yaml").write_text(settings)
    return folder


def collected(*overrides: str) -> dict[str, str]:
    make_stage("collect", MODELS, *overrides)
    return {file.stem: file.read_text() for file in Path("data/code").iterdir()}


def files_of(content: str) -> list[str]:
    return [Path(file).name for file in json.loads(content)]


def changed(before: dict[str, str], *overrides: str) -> set[str]:
    return {name for name, content in collected(*overrides).items() if content != before[name]}


def test_a_change_reruns_only_what_imports_the_file(own: Path) -> None:
    before = collected()
    assert files_of(before["mine"]) == ["__init__.py", "blocks.py", "mine.py"]
    assert files_of(before["other"]) == ["__init__.py", "other.py", "parts.py"]
    assert files_of(before["mlp"]) == []
    (own / "new.py").write_text("import keras\n")
    assert changed(before) == set()
    for file, models in (("blocks.py", {"mine"}), ("parts.py", {"other"}), ("mine.py", {"mine"})):
        with (own / file).open("a") as opened:
            opened.write("x = 1\n")
        assert changed(before) == models
        before = collected()


def test_own_callbacks_belong_to_every_training(own: Path) -> None:
    (own / "stop.py").touch()
    before = collected()
    callback = "train.callbacks.stop._target_=own.stop.Stop"
    assert changed(before, callback) == {"mine", "other", "mlp"}
    with Path("conf/dataset/digits.yaml").open("a") as file:
        file.write("train: {callbacks: {stop: {_target_: own.stop.Stop}}}\n")
    assert changed(before) == {"mine", "other", "mlp"}
    Path("conf/experiment/other.yaml").write_text(
        "# @package _global_\nmodel: {_target_: own.other.build}\n"
    )
    files = files_of(collected("experiment=other", "datasets=[diabetes]")["mlp"])
    assert files == files_of(before["other"])


def test_code_that_is_not_python_is_refused(own: Path) -> None:
    (own / "mine.py").write_text("x = 1\ndef build(:\n")
    finished = run_stage("collect", MODELS)
    assert (finished.status, finished.out) == (1, "")
    assert finished.err == "collect.py: src/own/mine.py: line 2: invalid syntax\n"
    assert not Path("data/code").exists()


@pytest.mark.slow
def test_a_new_file_trains_nothing(project: Path) -> None:
    (project / "src/own/new.py").write_text("import keras\n")
    assert repro(project) == ["collect"]
