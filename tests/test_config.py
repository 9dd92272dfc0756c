"""Settings compose in their order; a bad one ends in a line that names its file and key."""

import sys
from pathlib import Path

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
    assert error_of(*BOOK_MLP) == f"{BOOK}: train.epochs: must be greater than 0, not -2"


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        (PARAMS, "a: [1\n", "expected ',' or ']', but got '<stream end>'"),
        (PARAMS, "\tx: 1\n", "found character '\\t' that cannot start any token"),
        (MLP, "dropout: 0.5\n", "found duplicate key dropout"),
        (DIGITS, "a: b: c\n", "mapping values are not allowed here"),
        (BOOK, "train: 1\n", "found duplicate key train"),
    ],
)
def test_refuses_invalid_yaml(workspace: Path, file: str, text: str, problem: str) -> None:
    path = workspace / file
    line = path.read_text().count("\n") + (2 if "[" in text else 1)  # an open list: at its end
    path.write_text(path.read_text() + text)
    assert error_of(*BOOK_MLP) == f"{file}: line {line}: not valid YAML: {problem}"


@pytest.mark.parametrize("text", ["- seed\n", "42\n"])
def test_refuses_params_that_are_no_mapping(workspace: Path, text: str) -> None:
    (workspace / PARAMS).write_text(text)
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
        (["dataset=diabetes", "model=mlp"], 7, [300, 100]),
        (DIGITS_MLP, 11, [300, 100]),
        (BOOK_MLP, 22, [7]),
        ([*BOOK_MLP, "train.epochs=33", "model.units=[8]"], 33, [8]),
    ],
)
def test_later_layers_win(
    workspace: Path, overrides: list[str], epochs: int, units: list[int]
) -> None:
    edit(workspace / "params.yaml", "train.epochs=7")
    edit(workspace / DIGITS, "train={epochs: 11}")
    edit(workspace / BOOK, "train.epochs=22", "model.units=[7]")
    config = compose(overrides, NetworkConfig)
    assert (config.train.epochs, config.model.arguments["units"]) == (epochs, units)
    assert config.train.batch_size == 32  # from params.yaml


OF_DIGITS = [f"{DIGITS}: split.test is 0.2, not 0.25", f"{DIGITS}: scale.clip is 3.0, not 5.0"]
OF_BOOK = [
    f"{BOOK}: scale.clip is null, not 3.0",
    f'{BOOK}: scale.target is "none", not "zscore"',
    f"{BOOK}: train.epochs is 20, not 60",
    f'{BOOK}: train.optimizer._target_ is "keras.optimizers.Adam", not "keras.optimizers.AdamW"',
    f"{BOOK}: train.optimizer.clipnorm is null, not 1.0",
    f"{BOOK}: train.optimizer.weight_decay is null, not 0.3",
    f"{BOOK}: train.schedule is null",
    f"{BOOK}: train.early_stopping is null",
    f'{BOOK}: train.keep is "last", not "best"',
]


@pytest.mark.parametrize(
    ("experiment", "settings", "expected"),
    [
        ("none", [], []),
        ("none", ["split={test: 0.2, seed: 42}", "scale={clip: 3.0}"], OF_DIGITS),
        ("book_mlp", ["split={test: 0.2, seed: 42}", "scale={clip: 3.0}"], [*OF_DIGITS, *OF_BOOK]),
    ],
)
def test_replaced_values(
    workspace: Path, experiment: str, settings: list[str], expected: list[str]
) -> None:
    edit(workspace / DIGITS, *settings)
    assert Origins((), "digits", "mlp", experiment).replaced_values() == expected


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
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


LINES = [OF_DIGITS[0], "train 1100 rows, valid 337 rows, test 360 rows"]


def test_stage_prints_replaced_values_and_writes_only_its_output(workspace: Path) -> None:
    edit(workspace / DIGITS, "split={test: 0.2}")
    before = set(files(workspace))
    make_stage("download", "dataset=digits")
    assert run_stage("split", "dataset=digits").out.splitlines() == LINES
    written = {Path(file).parent.as_posix() for file in set(files(workspace)) - before}
    assert written == {"data/raw/digits", "data/split/digits"}


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
