"""Settings compose in their order, and a bad one ends in one line that names its file and key."""

import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, edit, run_in
from pydantic import validate_call
from stages import make_stage, run_stage

from fathom.base.errors import FathomError
from fathom.messages.origins import Origins
from fathom.settings.compose import compose
from fathom.settings.config import Config, DatasetConfig, NetworkConfig
from fathom.settings.fields import Factory
from fathom.settings.instantiate import make

DIGITS_MLP = ("dataset=digits", "model=mlp")
BOOK_MLP = (*DIGITS_MLP, "experiment=book_mlp")
PARAMS = "params.yaml"
MLP = "conf/model/mlp.yaml"
DIGITS = "conf/dataset/digits.yaml"
BOOK = "conf/experiment/book_mlp.yaml"

TOP = (
    "cards, compare, dataset, datasets, evaluate, experiment, explain, export, gates, gpus, "
    "memory_limit, mirror, model, models, scale, search, seed, split, train"
)
DATASETS = "adult_census, bike, california_housing, diabetes, digits, fashion_mnist"
SHARE = "must be a fraction between 0 and 1 or a number of rows above 0"
GPUS = "must be auto or a list of GPU numbers such as [0, 1]"
WEIGHTS = "must be null, balanced or a weight of at least 0 for each class"


def refused(*overrides: str, schema: type[Config] = NetworkConfig) -> str:
    with pytest.raises(FathomError) as caught:
        compose(overrides, schema)
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


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ("train.epcohs=3", "train.epcohs is not a setting; did you mean train.epochs?"),
        ("+train.epcohs=3", "train.epcohs is not a setting; did you mean train.epochs?"),
        ("+tarin.epochs=3", "tarin is not a setting; did you mean train?"),
        ("+split.sed=3", "split.sed is not a setting; did you mean split.seed?"),
        ("epochs=3", f"epochs is not a setting; there are: {TOP}"),
        (
            "train.early_stopping.patienc=3",
            "train.early_stopping.patienc is not a setting; "
            "did you mean train.early_stopping.patience?",
        ),
        ("dataset.traget=x", "dataset.traget is not a setting; did you mean dataset.target?"),
        (
            "train.optimizer.learning_rate=0.1",
            "train.optimizer.learning_rate is not set yet: "
            "add it with +train.optimizer.learning_rate=0.1",
        ),
        ("model.unit=[1]", "model.unit is not set yet: add it with +model.unit=[1]"),
        ("train.epochs=-1", "train.epochs: must be greater than 0, not -1"),
        ("train.epochs=0", "train.epochs: must be greater than 0, not 0"),
        ("train.epochs=2.5", "train.epochs: must be a valid integer, not 2.5"),
        ("train.epochs=true", "train.epochs: must be a valid integer, not True"),
        ("train.epochs=many", "train.epochs: must be a valid integer, not 'many'"),
        ("train.epochs=null", "train.epochs: must be a valid integer, not None"),
        ("seed=-1", "seed: must be greater than or equal to 0, not -1"),
        ("seed=4294967296", "seed: must be less than 4294967296, not 4294967296"),
        ("split.shuffle=1", "split.shuffle: must be a valid boolean, not 1"),
        ("split.test=1.5", f"split.test: {SHARE}, not 1.5"),
        ("split.test=1.0", f"split.test: {SHARE}, not 1.0"),
        ("split.test=true", f"split.test: {SHARE}, not True"),
        ("split.test=0", f"split.test: {SHARE}, not 0"),
        ("split.valid=own", f"split.valid: {SHARE}, not 'own'"),
        (
            "split.test=0.6 split.valid=0.4",
            "split: test and valid must leave rows to train on, but 0.6 + 0.4 is not below 1",
        ),
        (
            "scale.features=z_score",
            "scale.features: must be 'zscore', 'minmax', 'robust', 'quantile' or 'none', "
            "not 'z_score'",
        ),
        ("scale.clip=0", "scale.clip: must be greater than 0, not 0"),
        (
            "scale.target=quantile",
            "scale.target: must be 'zscore', 'minmax', 'robust' or 'none', not 'quantile'",
        ),
        ("gpus=0", f"gpus: {GPUS}, not 0"),
        ("memory_limit=0", "memory_limit: must be auto or a number of GiB above 0, not 0"),
        ("memory_limit=4G", "memory_limit: must be auto or a number of GiB above 0, not '4G'"),
        ("gpus=cpu", f"gpus: {GPUS}, not 'cpu'"),
        ("gpus=[-1]", f"gpus: {GPUS}, not [-1]"),
        ("gpus=[true]", f"gpus: {GPUS}, not [True]"),
        ("gpus=[0,0]", "gpus: must not name 0 twice"),
        ("models=[mlp,mlp]", "models: must not name 'mlp' twice"),
        ("models=[]", "models must name at least one"),
        ("models=mlp", "models: must be a valid list, not 'mlp'"),
        ("models=[mlpp]", "models: there is no conf/model/mlpp.yaml; did you mean mlp?"),
        ("datasets=[digts]", "datasets: there is no conf/dataset/digts.yaml; did you mean digits?"),
        ("train.class_weight=even", f"train.class_weight: {WEIGHTS}, not 'even'"),
        ("train.class_weight={a:-1}", f"train.class_weight: {WEIGHTS}, not {{'a': -1}}"),
        ("train.optimizer=adam", "train.optimizer must be a mapping, not 'adam'"),
        ("train=3", "train must be a mapping, not 3"),
        ("compare.resamples=10", "compare.resamples: must be greater than or equal to 100, not 10"),
        ("compare.confidence=95", "compare.confidence: must be less than 1, not 95"),
        ("~split.seed", "split.seed is missing"),
        ("~model.learning_rate", "model.learning_rate is missing"),
        (
            "dataset.task=ranking",
            "dataset.task: must be 'regression' or 'classification', not 'ranking'",
        ),
        ("model.learning_rate=fast", "model.learning_rate: must be a valid number, not 'fast'"),
    ],
)
def test_refuses_overrides(workspace: Path, overrides: str, message: str) -> None:
    assert refused(*DIGITS_MLP, *overrides.split()) == f"command line: {message}"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model=mpl", "model=mpl: there is no conf/model/mpl.yaml; did you mean mlp?"),
        (
            "model=forest",
            "model=forest: there is no conf/model/forest.yaml; "
            "there are: deep_only, deep_relu, mlp, selu, wide_deep, wide_only",
        ),
        (
            "dataset=digist",
            "dataset=digist: there is no conf/dataset/digist.yaml; did you mean digits?",
        ),
        (
            "experiment=bok_mlp",
            "experiment=bok_mlp: there is no conf/experiment/bok_mlp.yaml; did you mean book_mlp?",
        ),
    ],
)
def test_refuses_unknown_choices(workspace: Path, override: str, message: str) -> None:
    assert refused(*DIGITS_MLP, override) == message


@pytest.mark.parametrize(
    ("overrides", "schema", "message"),
    [
        (
            [],
            DatasetConfig,
            f"dataset=… is missing; there are: {DATASETS}",
        ),
        (
            ["dataset=digits"],
            NetworkConfig,
            "model=… is missing; there are: deep_only, deep_relu, mlp, selu, wide_deep, wide_only",
        ),
    ],
)
def test_refuses_missing_choices(
    workspace: Path, overrides: list[str], schema: type[Config], message: str
) -> None:
    assert refused(*overrides, schema=schema) == message


@pytest.mark.parametrize(
    ("override", "key"),
    [
        # Not the name of a member of the union that pydantic tried last.
        ("split.stratify=maybe", "split.stratify:"),
        # In the schema, though not yet in the file.
        ("dataset.exclude=[a]", "dataset.exclude is not set yet: add it with +dataset.exclude=[a]"),
    ],
)
def test_refuses_with_the_right_key(workspace: Path, override: str, key: str) -> None:
    assert refused(*DIGITS_MLP, override).startswith(f"command line: {key}")


@pytest.mark.parametrize(
    "override", ["train.callbacks={a:{_target_:json.loads}}", "train.optimizer={a:1}"]
)
def test_never_proposes_the_refused_key_itself(workspace: Path, override: str) -> None:
    try:
        compose([*DIGITS_MLP, override], NetworkConfig)
        message = ""
    except FathomError as error:
        message = str(error)
    assert f"did you mean {override.partition('=')[0]}?" not in message


@pytest.mark.parametrize(
    ("file", "assignment", "message"),
    [
        (PARAMS, "train.epcohs=3", "train.epcohs is not a setting; did you mean train.epochs?"),
        (PARAMS, "epochs=3", f"epochs is not a setting; there are: {TOP}"),
        (PARAMS, "train.epochs=-1", "train.epochs: must be greater than 0, not -1"),
        (PARAMS, "train.epochs=true", "train.epochs: must be a valid integer, not True"),
        (PARAMS, "seed=true", "seed: must be a valid integer, not True"),
        (PARAMS, "gpus=[1, 1]", "gpus: must not name 1 twice"),
        (
            PARAMS,
            "split.test=0.9",
            "split: test and valid must leave rows to train on, but 0.9 + 0.1875 is not below 1",
        ),
        (PARAMS, "models=[mlp, mlp]", "models: must not name 'mlp' twice"),
        (
            PARAMS,
            "datasets=[digts]",
            "datasets: there is no conf/dataset/digts.yaml; did you mean digits?",
        ),
        (PARAMS, "gates=null", "gates must be a mapping, not None"),
        (
            PARAMS,
            "gates={digits: {accuracy: {min: 0.9}}}",
            "gates: 'digits' must be <dataset>.<metric> or <dataset>.<model>.<metric>, "
            "such as digits.mlp.accuracy",
        ),
        (
            PARAMS,
            "gates={digts.accuracy: {min: 0.9}}",
            "gates.digts.accuracy: there is no conf/dataset/digts.yaml; did you mean digits?",
        ),
        (
            PARAMS,
            "gates={digits.mpl.accuracy: {min: 0.9}}",
            "gates.digits.mpl.accuracy: there is no conf/model/mpl.yaml; did you mean mlp?",
        ),
        (
            PARAMS,
            "gates={digits.accuracy: {}}",
            "gates.digits.accuracy: must have min, max or both",
        ),
        (
            PARAMS,
            "gates={digits.accuracy: {mni: 0.9}}",
            "gates.digits.accuracy.mni is not a setting; did you mean gates.digits.accuracy.min?",
        ),
        (
            PARAMS,
            "gates={digits.accuracy: {min: 0.9, max: 0.8}}",
            "gates.digits.accuracy: min must not be above max, but 0.9 is above 0.8",
        ),
        (
            PARAMS,
            "gates={digits.accuracy: {min: .nan}}",
            "gates.digits.accuracy.min: must be a finite number, not nan",
        ),
        (
            PARAMS,
            "gates={digits.accuracy: 0.9}",
            "gates.digits.accuracy must be a mapping, not 0.9",
        ),
        (PARAMS, "train.optimizer=adam", "train.optimizer must be a mapping, not 'adam'"),
        (MLP, "learning_rate=-1", "learning_rate: must be greater than 0, not -1"),
        (MLP, "learning_rate=true", "learning_rate: must be a valid number, not True"),
        (MLP, "_target_=3", "_target_: must be a valid string, not 3"),
        (
            MLP,
            "loss_weights={main_output: -1}",
            "loss_weights.main_output: must be greater than or equal to 0, not -1",
        ),
        (
            DIGITS,
            "dataset.traget=x",
            "dataset.traget is not a setting; did you mean dataset.target?",
        ),
        (
            DIGITS,
            "dataset.task=rank",
            "dataset.task: must be 'regression' or 'classification', not 'rank'",
        ),
        (DIGITS, "dataset.exclude=a", "dataset.exclude: must be a valid list, not 'a'"),
        (DIGITS, "tarin={epochs: 3}", "tarin is not a setting; did you mean train?"),
        (DIGITS, "seed=-3", "seed: must be greater than or equal to 0, not -3"),
        (BOOK, "train.epochs=-3", "train.epochs: must be greater than 0, not -3"),
        (BOOK, "train.epcohs=3", "train.epcohs is not a setting; did you mean train.epochs?"),
        (BOOK, "scale.clp=3", "scale.clp is not a setting; did you mean scale.clip?"),
        (BOOK, "model.learning_rate=-1", "model.learning_rate: must be greater than 0, not -1"),
    ],
)
def test_names_the_file_of_a_bad_setting(
    workspace: Path, file: str, assignment: str, message: str
) -> None:
    edit(workspace / file, assignment)
    chosen = BOOK_MLP if file == BOOK else DIGITS_MLP
    assert refused(*chosen) == f"{file}: {message}"


def test_names_the_file_whose_value_won(workspace: Path) -> None:
    edit(workspace / DIGITS, "train={epochs: -1}")
    edit(workspace / BOOK, "train.epochs=-2")
    assert refused(*BOOK_MLP) == f"{BOOK}: train.epochs: must be greater than 0, not -2"


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        (PARAMS, "a: [1\n", "line {}: not valid YAML: expected ',' or ']', but got '<stream end>'"),
        (
            PARAMS,
            "\tx: 1\n",
            "line {}: not valid YAML: found character '\\t' that cannot start any",
        ),
        (MLP, "dropout: 0.5\n", "line {}: not valid YAML: found duplicate key dropout"),
        (DIGITS, "a: b: c\n", "line {}: not valid YAML: mapping values are not allowed here"),
        (BOOK, "train: 1\n", "line {}: not valid YAML: found duplicate key train"),
    ],
)
def test_refuses_invalid_yaml(workspace: Path, file: str, text: str, message: str) -> None:
    path = workspace / file
    before = path.read_text().count("\n")
    path.write_text(path.read_text() + text)
    line = before + (2 if "[" in text else 1)  # an open list ends where the file does
    assert refused(*BOOK_MLP).startswith(f"{file}: {message.format(line)}")


@pytest.mark.parametrize("text", ["- seed\n", "42\n"])
def test_refuses_params_that_are_no_mapping(workspace: Path, text: str) -> None:
    (workspace / PARAMS).write_text(text)
    assert refused(*DIGITS_MLP) == "params.yaml: must be a mapping of settings"


def test_folders_of_the_project_are_no_groups(workspace: Path) -> None:
    (workspace / "models" / "digits").mkdir(parents=True)
    assert compose(["models=[mlp]"], Config).models == ["mlp"]


def test_refuses_interpolations_to_nowhere(workspace: Path) -> None:
    edit(workspace / MLP, "dropout='${nowhere}'")
    assert "nowhere" in refused(*DIGITS_MLP)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["dataset=diabetes", "model=mlp"], 7),
        (["dataset=digits", "model=mlp"], 11),
        (["dataset=digits", "model=mlp", "experiment=book_mlp"], 22),
        (["dataset=digits", "model=mlp", "experiment=book_mlp", "train.epochs=33"], 33),
    ],
)
def test_later_layers_win(workspace: Path, overrides: list[str], expected: int) -> None:
    edit(workspace / PARAMS, "train.epochs=7")
    edit(workspace / DIGITS, "train={epochs: 11}")
    edit(workspace / BOOK, "train.epochs=22")
    config = compose(overrides, NetworkConfig)
    assert config.train.epochs == expected
    assert config.train.batch_size == 32  # of params.yaml still


def test_experiment_and_command_line_win_over_the_model(workspace: Path) -> None:
    edit(workspace / BOOK, "model.units=[7]")
    assert compose(DIGITS_MLP, NetworkConfig).model.arguments["units"] == [300, 100]
    assert compose(BOOK_MLP, NetworkConfig).model.arguments["units"] == [7]
    config = compose([*BOOK_MLP, "model.units=[8]"], NetworkConfig)
    assert config.model.arguments["units"] == [8]


@pytest.mark.parametrize("experiment", ["none", "book_mlp"])
def test_replaced_values_names_every_replaced_value(workspace: Path, experiment: str) -> None:
    edit(workspace / DIGITS, "split={test: 0.2, seed: 42}", "scale={clip: 3.0}")
    expected = [
        f"{DIGITS}: split.test is 0.2, not 0.25",
        f"{DIGITS}: scale.clip is 3.0, not 5.0",
    ]
    if experiment == "book_mlp":
        expected += [
            f"{BOOK}: scale.clip is null, not 3.0",
            f'{BOOK}: scale.target is "none", not "zscore"',
            f"{BOOK}: train.epochs is 20, not 60",
            f'{BOOK}: train.optimizer._target_ is "keras.optimizers.Adam", not '
            '"keras.optimizers.AdamW"',
            f"{BOOK}: train.optimizer.clipnorm is null, not 1.0",
            f"{BOOK}: train.optimizer.weight_decay is null, not 0.3",
            f'{BOOK}: train.keep is "last", not "best"',
        ]
    lines = Origins((), "digits", "mlp", experiment).replaced_values()
    scalars = [line for line in lines if "schedule" not in line and "early_stopping" not in line]
    assert scalars == expected


def test_replaced_values_names_sections_set_to_null(workspace: Path) -> None:
    lines = Origins((), "digits", "mlp", "book_mlp").replaced_values()
    for section in ("train.schedule", "train.early_stopping"):
        assert any(line.startswith(f"{BOOK}: {section} is null") for line in lines), section


def test_replaced_values_is_empty_where_nothing_is_replaced(workspace: Path) -> None:
    assert Origins((), "digits", "mlp", "none").replaced_values() == []


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("stage", "arguments", "line"),
    [
        (
            "split",
            ["dataset=digits", "train.epcohs=3"],
            "command line: train.epcohs is not a setting; did you mean train.epochs?",
        ),
        (
            "download",
            [],
            f"dataset=… is missing; there are: {DATASETS}",
        ),
        (
            "scale",
            ["dataset=digist"],
            "dataset=digist: there is no conf/dataset/digist.yaml; did you mean digits?",
        ),
        (
            "split",
            ["dataset=digits"],
            "data/raw/digits/schema.json is missing: make it with `dvc repro download@digits`",
        ),
    ],
)
def test_stages_end_with_one_line(
    workspace: Path, stage: str, arguments: list[str], line: str
) -> None:
    before = files(workspace)
    finished = run_stage(stage, *arguments)
    assert (finished.status, finished.out, finished.err) == (1, "", f"{stage}.py: {line}\n")
    assert files(workspace) == before


def test_stage_outside_a_project_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    finished = run_stage("split", "dataset=digits")
    line = (
        f"split.py: there is no conf/config.yaml in {tmp_path}: "
        "start stages in the project's folder\n"
    )
    assert (finished.status, finished.out, finished.err) == (1, "", line)
    assert list(tmp_path.iterdir()) == []


LAID_OVER = [
    f"{DIGITS}: split.test is 0.2, not 0.25",
    "train 1100 rows, valid 337 rows, test 360 rows",
]


def test_stage_tells_what_is_replaced_values_and_writes_its_output_alone(workspace: Path) -> None:
    edit(workspace / DIGITS, "split={test: 0.2}")
    before = set(files(workspace))
    make_stage("download", "dataset=digits")
    assert run_stage("split", "dataset=digits").out.splitlines() == LAID_OVER
    written = {Path(file).parent.as_posix() for file in set(files(workspace)) - before}
    assert written == {"data/raw/digits", "data/split/digits"}


@pytest.mark.slow
def test_a_stage_is_a_program(workspace: Path) -> None:
    """Two stages in processes of their own: one that fails, and one that does not."""
    edit(workspace / DIGITS, "split={test: 0.2}")
    program = [sys.executable, str(ROOT / "src/split.py"), "dataset=digits"]
    failed = run_in(workspace, *program, check=False)
    line = "data/raw/digits/schema.json is missing: make it with `dvc repro download@digits`"
    assert (failed.returncode, failed.stdout) == (1, f"{LAID_OVER[0]}\n")
    assert failed.stderr == f"split.py: {line}\n"
    make_stage("download", "dataset=digits")
    before = set(files(workspace))
    assert run_in(workspace, *program).stdout.splitlines() == LAID_OVER
    written = {Path(file).parent.as_posix() for file in set(files(workspace)) - before}
    assert written == {"data/split/digits"}


@validate_call
def takes_a_number(number: int, *, places: list[int] | None = None) -> int:
    return number


def made(*positional: Any, defaults: dict[str, Any] | None = None, **settings: Any) -> Any:
    """Make a target that stands at dataset.source of the digits."""
    target = Factory.model_validate(settings)
    origins = Origins((), "digits", None, "none")
    return make(target, ("dataset", "source"), origins, *positional, **(defaults or {}))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"_target_": "fathom.data.source.package_csv"},
            "dataset.source._target_: there is no module 'fathom.data.source' to take "
            "'package_csv' from; a module of your own is found in src/",
        ),
        (
            {"_target_": "json.dump_s"},
            "dataset.source._target_: json has no 'dump_s'; did you mean dumps?",
        ),
        (
            {"_target_": "fathom.download.sources.package_cvs"},
            "dataset.source._target_: fathom.download.sources has no 'package_cvs'; "
            "did you mean package_csv?",
        ),
        (
            {"_target_": "textwrap.indent", "text": "a", "prefx": "b"},
            "dataset.source.prefx is no argument of textwrap.indent; did you mean prefix?",
        ),
        (
            {"_target_": "fathom.download.sources.scikit_learn", "loader": "load_digits", "x": 1},
            "dataset.source.x is no argument of fathom.download.sources.scikit_learn; "
            "there are: arguments, loader, sha256",
        ),
        (
            {"_target_": "fathom.download.sources.scikit_learn"},
            "dataset.source: scikit_learn() missing 1 required positional argument: 'loader'",
        ),
        (
            {"_target_": "json.loads", "s": "{"},
            "dataset.source: Expecting property name enclosed in double quotes: "
            "line 1 column 2 (char 1)",
        ),
        (
            {"_target_": f"{__name__}.takes_a_number", "number": "one"},
            "dataset.source.number: must be a valid integer, unable to parse string as an "
            "integer, not 'one'",
        ),
        (
            {"_target_": f"{__name__}.takes_a_number"},
            "dataset.source.number is missing",
        ),
    ],
)
def test_make_refuses(workspace: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(FathomError) as caught:
        made(**settings)
    assert str(caught.value) == f"{DIGITS}: {message}"


def test_make_passes_arguments_over_defaults(workspace: Path) -> None:
    text = made({"b": 1, "a": [2]}, _target_="json.dumps", sort_keys=True)
    assert text == '{"a": [2], "b": 1}'
    defaults = {"sort_keys": False, "separators": [",", ":"]}
    text = made({"b": 1, "a": 2}, defaults=defaults, _target_="json.dumps", sort_keys=True)
    assert text == '{"a":2,"b":1}'


def test_make_refuses_what_cannot_be_called(workspace: Path) -> None:
    with pytest.raises(FathomError):
        made(_target_="json.decoder")
