"""Settings compose in their order; a bad one ends in a line that names its file and key."""

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT, edit, run_in
from stages import make_stage, run_stage

from fathom.base.errors import FathomError
from fathom.messages.origins import Origins
from fathom.settings.compose import compose
from fathom.settings.config import Config, DatasetConfig, NetworkConfig

DIGITS_MLP = ("dataset=digits", "model=mlp")
BOOK_MLP = (*DIGITS_MLP, "experiment=book_mlp")
PARAMS = "params.yaml"
MLP = "conf/model/mlp.yaml"
DIGITS = "conf/dataset/digits.yaml"
BOOK = "conf/experiment/book_mlp.yaml"

# The error of each bad setting, by the file that holds it.
BAD = yaml.safe_load((ROOT / "tests/bad_settings.yaml").read_text())
OVERRIDES, CHOICES = BAD.pop("command line"), BAD.pop("choices")
IN_FILES = [(file, setting, text) for file in BAD for setting, text in BAD[file].items()]


def error_of(*overrides: str) -> str:
    with pytest.raises(FathomError) as caught:
        compose(overrides, NetworkConfig)
    return str(caught.value)


def names(folder: str) -> list[str]:
    return sorted(path.stem for path in (ROOT / "conf" / folder).glob("*.yaml"))


@pytest.mark.parametrize(
    ("dataset", "model"),
    [*((name, "mlp") for name in names("dataset")), *(("digits", name) for name in names("model"))],
)
def test_real_settings_compose(workspace: Path, dataset: str, model: str) -> None:
    config = compose([f"dataset={dataset}", f"model={model}"], NetworkConfig)
    assert (config.dataset.name, config.model.name) == (dataset, model)
    assert config.model.target.startswith("fathom.models.")


@pytest.mark.parametrize("experiment", names("experiment"))
def test_real_experiments_compose_with_and_without_a_model(
    workspace: Path, experiment: str
) -> None:
    compose([*DIGITS_MLP, f"experiment={experiment}"], NetworkConfig)
    config = compose(["dataset=digits", f"experiment={experiment}"], DatasetConfig)
    assert config.model is None


@pytest.mark.parametrize(("overrides", "error"), OVERRIDES.items())
def test_refuses_overrides(workspace: Path, overrides: str, error: str) -> None:
    assert error_of(*DIGITS_MLP, *overrides.split()) == f"command line: {error}"


@pytest.mark.parametrize(("file", "setting", "error"), IN_FILES)
def test_names_the_file_of_a_bad_setting(
    workspace: Path, file: str, setting: str, error: str
) -> None:
    edit(workspace / file, setting)
    assert error_of(*(BOOK_MLP if file == BOOK else DIGITS_MLP)) == f"{file}: {error}"


@pytest.mark.parametrize(("overrides", "error"), CHOICES.items())
def test_refuses_unknown_and_missing_choices(workspace: Path, overrides: str, error: str) -> None:
    choices = {"MODELS": ", ".join(names("model")), "DATASETS": ", ".join(names("dataset"))}
    assert error_of(*overrides.split()) == error.format(**choices)


def test_names_the_file_whose_value_won(workspace: Path) -> None:
    edit(workspace / DIGITS, "train={epochs: -1}")
    edit(workspace / BOOK, "train.epochs=-2")
    assert error_of(*BOOK_MLP).startswith(f"{BOOK}: train.epochs: must be auto or a number")


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        (PARAMS, "a: [1\n", "did not find expected ',' or ']'"),
        (PARAMS, "\tx: 1\n", "found character that cannot start any token"),
        (MLP, "dropout: 0.5\n", "found duplicate key dropout"),
        (DIGITS, "a: b: c\n", "mapping values are not allowed in this context"),
        (BOOK, "train: 1\n", "found duplicate key train"),
    ],
)
def test_refuses_invalid_yaml(workspace: Path, file: str, text: str, problem: str) -> None:
    path = workspace / file
    line = path.read_text().count("\n") + (2 if "[" in text else 1)  # an open list: at its end
    path.write_text(path.read_text() + text)
    assert error_of(*BOOK_MLP) == f"{file}: line {line}: not valid YAML: {problem}"


def test_refuses_params_that_are_no_mapping(workspace: Path) -> None:
    (workspace / PARAMS).write_text("- seed\n")
    assert error_of(*DIGITS_MLP) == "params.yaml: must be a mapping of settings"


def test_folders_of_the_project_are_no_groups(workspace: Path) -> None:
    (workspace / "models" / "digits").mkdir(parents=True)
    assert compose(["models=[mlp]"], Config).models == ["mlp"]


def test_refuses_interpolations_to_nowhere(workspace: Path) -> None:
    edit(workspace / MLP, "dropout='${nowhere}'")
    assert "nowhere" in error_of(*DIGITS_MLP)


@pytest.mark.parametrize(
    ("overrides", "epochs", "units"),
    [
        (["dataset=diabetes", "model=mlp"], 7, "auto"),
        (DIGITS_MLP, 11, "auto"),
        (BOOK_MLP, 22, [7]),
        ([*BOOK_MLP, "train.epochs=33", "model.units=[8]"], 33, [8]),
    ],
)
def test_later_layers_win(
    workspace: Path, overrides: list[str], epochs: int, units: list[int] | str
) -> None:
    edit(workspace / "params.yaml", "train.epochs=7")
    edit(workspace / DIGITS, "train={epochs: 11}")
    edit(workspace / BOOK, "train.epochs=22", "model.units=[7]")
    config = compose(overrides, NetworkConfig)
    assert (config.train.epochs, config.model.arguments["units"]) == (epochs, units)
    assert config.train.at_once == "auto"  # from params.yaml


def columns_of(*overrides: str) -> Any:
    config = compose(["dataset=digits", *overrides], DatasetConfig)
    return config.model_dump(include={"dataset"}, exclude_defaults=True)["dataset"]["columns"]


def test_an_override_of_a_column_keeps_its_abbreviated_kind(workspace: Path) -> None:
    edit(workspace / DIGITS, "dataset.columns={a: integer, b: {kind: number, unit: kg}}")
    a, b = {"kind": "integer"}, {"kind": "number", "unit": "kg"}
    assert columns_of("dataset.columns.a.use=false") == {"a": a | {"use": False}, "b": b}
    assert columns_of("dataset.columns={a: {missing: [x]}}") == {
        "a": a | {"missing": ["x"]},
        "b": b,
    }
    assert columns_of("dataset.columns.b=category") == {"a": a, "b": {"kind": "category"}}
    assert error_of(*DIGITS_MLP, "dataset.columns.b.kind=category") == (
        "command line: dataset.columns.b: unit is for the kind number or integer, not category: "
        "remove it, or set it to null"
    )


OF_BOOK = (
    f"{BOOK} replaces train.repeats, train.ensemble, train.epochs, train.batch_size, "
    "train.optimizer._target_, train.schedule, train.early_stopping, train.keep"
)
SCALE_OF_BOOK = "scale.features, scale.clip, scale.target"


@pytest.mark.parametrize(
    ("section", "experiment", "expected"),
    [
        ("split", "book_mlp", [f"{DIGITS} replaces split.test"]),
        ("scale", "none", [f"{DIGITS} replaces scale.clip"]),
        ("scale", "book_mlp",
         [f"{DIGITS} replaces scale.clip", f"{BOOK} replaces {SCALE_OF_BOOK}"]),
        ("train", "book_mlp", [OF_BOOK]),
        ("train", "none", []),
        ("download", "book_mlp", []),
    ],
)  # fmt: skip
def test_a_stage_names_the_replaced_settings_of_its_section(
    workspace: Path, section: str, experiment: str, expected: list[str]
) -> None:
    edit(workspace / DIGITS, "split={test: 0.2, seed: 42}", "scale={clip: 3.0}")
    assert Origins((), "digits", "mlp", experiment).replaced_settings(section) == expected


SGD = "{_target_: keras.optimizers.SGD, momentum: 0.9}"
ADAMW = {"_target_": "keras.optimizers.AdamW", "weight_decay": "auto", "clipnorm": 1.0}


@pytest.mark.parametrize(
    ("overrides", "optimizer"),
    [
        ([f"train.optimizer={SGD}"], yaml.safe_load(SGD)),
        ([f"+train.optimizer={SGD}"], yaml.safe_load(SGD)),
        (
            ["train.optimizer.momentum=0.9", "train.optimizer._target_=keras.optimizers.SGD"],
            yaml.safe_load(SGD),
        ),
        (["train.optimizer._target_=keras.optimizers.AdamW"], ADAMW),
        (["train.optimizer={beta_1: 0.8}"], ADAMW | {"beta_1": 0.8}),
        (["experiment=sgd"], yaml.safe_load(SGD)),
        (["experiment=sgd", "train.optimizer={clipnorm: 2.0}"],
         yaml.safe_load(SGD) | {"clipnorm": 2.0}),
        (["dataset=sgd"], yaml.safe_load(SGD)),
        (["dataset=sgd", "experiment=back"], {"_target_": "keras.optimizers.AdamW"}),
    ],
)  # fmt: skip
def test_another_target_replaces_all_arguments(
    workspace: Path, overrides: list[str], optimizer: dict[str, Any]
) -> None:
    head, train = "# @package _global_\n", f"train: {{optimizer: {SGD}}}\n"
    (workspace / "conf/experiment/sgd.yaml").write_text(head + train)
    (workspace / "conf/experiment/back.yaml").write_text(
        f"{head}train: {{optimizer: {{_target_: keras.optimizers.AdamW}}}}\n"
    )
    digits = (workspace / DIGITS).read_text()
    (workspace / "conf/dataset/sgd.yaml").write_text(digits + train)
    config = compose([*DIGITS_MLP, *overrides], NetworkConfig)
    assert config.train.optimizer.model_dump(by_alias=True) == optimizer
    assert config.train.schedule is not None


def test_callbacks_are_replaced_together_or_added_one_by_one(workspace: Path) -> None:
    edit(workspace / PARAMS, "train.callbacks={a: {_target_: x.A, size: 1}, b: {_target_: x.B}}")
    edit(workspace / BOOK, "train.callbacks={a: {_target_: x.C}}")
    added = compose([*BOOK_MLP, "train.callbacks.d._target_=x.D"], NetworkConfig).train.callbacks
    assert {name: made and made.model_dump(by_alias=True) for name, made in added.items()} == {
        "a": {"_target_": "x.C"}, "b": {"_target_": "x.B"}, "d": {"_target_": "x.D"},
    }  # fmt: skip
    config = compose([*BOOK_MLP, "train.callbacks={d: {_target_: x.D}}"], NetworkConfig)
    assert list(config.train.callbacks) == ["d"]


def test_another_network_keeps_the_settings_that_are_not_its_arguments(workspace: Path) -> None:
    edit(workspace / MLP, "loss_weights={main_output: 2.0}")
    model = compose([*DIGITS_MLP, "model._target_=own.build", "model.width=3"], NetworkConfig).model
    assert model.arguments == {"width": 3}
    assert (model.learning_rate, model.loss_weights) == (0.002, {"main_output": 2.0})


def files(folder: Path) -> dict[str, bytes]:
    """Return all files but the locks of stages."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


MISSING = "data/raw/digits/schema.json is missing: make it with `dvc repro download@digits`"


UNKNOWN = "command line: train.epcohs is not a setting; did you mean train.epochs?"


@pytest.mark.parametrize(("override", "line"), [("train.epcohs=3", UNKNOWN), ("seed=1", MISSING)])
def test_stages_end_with_one_line(workspace: Path, override: str, line: str) -> None:
    before = files(workspace)
    finished = run_stage("split", "dataset=digits", override)
    assert (finished.status, finished.out, finished.err) == (1, "", f"split.py: {line}\n")
    assert files(workspace) == before


def test_stage_outside_a_project_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    finished = run_stage("split", "dataset=digits")
    assert (finished.status, finished.out) == (1, "")
    line = f"there is no conf/config.yaml in {tmp_path}: start stages in the project's folder"
    assert finished.err == f"split.py: {line}\n"
    assert list(tmp_path.iterdir()) == []


LINES = [f"{DIGITS} replaces split.test", "train 1100 rows, valid 337 rows, test 360 rows"]


def test_stage_prints_replaced_settings_and_writes_only_its_output(workspace: Path) -> None:
    edit(workspace / DIGITS, "split={test: 0.2}")
    before = set(files(workspace))
    make_stage("download", "dataset=digits")
    assert run_stage("split", "dataset=digits").out.splitlines() == LINES
    written = {Path(file).parent.as_posix() for file in set(files(workspace)) - before}
    assert written == {"data/raw/digits", "data/split/digits"}


def test_stage_prints_its_settings_and_its_use(workspace: Path) -> None:
    printed = run_stage("train", *BOOK_MLP, "train.epochs=3", "--settings")
    settings = yaml.safe_load(printed.out)
    assert settings["train"]["optimizer"] == {"_target_": "keras.optimizers.Adam"}
    assert (settings["train"]["epochs"], settings["model"]["units"]) == (3, [50, 50, 50])
    assert "python src/train.py dataset=digits model=mlp" in run_stage("train", "--help").out


@pytest.mark.slow
def test_a_stage_is_a_program(workspace: Path) -> None:
    edit(workspace / DIGITS, "split={test: 0.2}")
    program = [sys.executable, str(ROOT / "src/split.py"), "dataset=digits"]
    failed = run_in(workspace, *program, check=False)
    assert (failed.returncode, failed.stdout) == (1, f"{LINES[0]}\n")
    assert failed.stderr == f"split.py: {MISSING}\n"
    make_stage("download", "dataset=digits")
    before = set(files(workspace))
    assert run_in(workspace, *program).stdout.splitlines() == LINES
    written = {Path(file).parent.as_posix() for file in set(files(workspace)) - before}
    assert written == {"data/split/digits"}
