"""Environment variables and settings of Keras do not change what Fathom computes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import pytest
from conftest import ROOT, SHRUNK, network_config
from estimators import X, Y

from fathom.base.environment import (
    BITS,
    GIVEN,
    given_bits,
    python_path,
    set_environment,
)
from fathom.base.errors import FathomError
from fathom.search import dvc_experiment
from fathom.sklearn import NetworkRegressor
from fathom.sklearn.estimators import InvalidInputError
from fathom.train.fingerprint import fingerprint
from fathom.train.train import summary

TRAIN = ["dataset=digits", "model=mlp", *SHRUNK, "train.engine=fit", "model.units=[8]"]


def test_a_program_sets_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"KERAS_BACKEND": "jax", "KERAS_MAX_EPOCHS": "1", "TF_USE_LEGACY_KERAS": "1"}
    variables = given | {"PATH": "", "FATHOM_CACHE": "/cache", "OTHER": "1"}
    monkeypatch.setattr(os, "environ", variables)
    set_environment()
    assert variables == {
        "KERAS_BACKEND": "tensorflow",
        "KERAS_HOME": "/cache/keras",
        "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
        "FATHOM_CACHE": "/cache",
        "OTHER": "1",
    }
    assert python_path(variables) == variables["PATH"]


def test_variables_that_may_change_bits(trainable: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = network_config("digits", "mlp")
    before = fingerprint(config, [], None)
    for name in ("TF_CPP_MIN_LOG_LEVEL", "TF_CLI_ARGS", "TF_USE_LEGACY_KERAS", "KERAS_BACKEND"):
        monkeypatch.setitem(GIVEN, name, "1")
    assert (given_bits(), fingerprint(config, [], None)) == ({}, before)
    monkeypatch.setitem(GIVEN, "XLA_FLAGS", "--a")
    monkeypatch.setitem(GIVEN, "TF_ENABLE_ONEDNN_OPTS", "0")
    assert given_bits() == {"TF_ENABLE_ONEDNN_OPTS": "0", "XLA_FLAGS": "--a"}
    assert fingerprint(config, [], None) != before


def test_summary_of_any_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "a_layer_whose_name_is_longer_than_the_columns_of_the_table"
    inputs = keras.Input((3,), name="inputs")
    hidden = keras.layers.Dense(2, name=name)(inputs)
    outputs = keras.layers.Concatenate(name="outputs")([hidden, inputs])
    model = keras.Model(inputs, outputs)
    monkeypatch.delenv("COLUMNS", raising=False)
    tables = set()
    for columns in (None, "1", "20", "300"):
        if columns:
            monkeypatch.setenv("COLUMNS", columns)
        tables.add(summary(model))
        assert os.environ.get("COLUMNS") == columns
    with Path(os.devnull).open("w", encoding="ascii") as ascii_only, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", ascii_only)
        tables.add(summary(model))
    (table,) = tables
    assert f"│ {name} (Dense) " in table
    assert f" {name}[0][0], " in table


@pytest.mark.parametrize(
    ("setting", "value", "own"),
    [
        ("floatx", "float64", "float32"),
        ("epsilon", 1e-3, 1e-7),
        ("image_data_format", "channels_first", "channels_last"),
        ("max_epochs", 1, None),
        ("dtype_policy", "mixed_bfloat16", "float32"),
    ],
)
def test_estimators_refuse_other_settings_of_keras(
    workspace: Path, setting: str, value: object, own: object
) -> None:
    def set_to(new: object) -> None:
        getattr(keras.config, f"set_{setting}")(new)

    line = (
        f"Keras' {setting} is {value!r} in this process, but Fathom needs {own!r}: call "
        f"keras.config.set_{setting}({own!r}) first"
    )
    set_to(value)
    try:
        with pytest.raises(InvalidInputError) as raised:
            NetworkRegressor(train__epochs=1).fit(X, Y)
    finally:
        set_to(own)
    assert str(raised.value) == line


def test_estimators_refuse_another_backend(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(InvalidInputError) as raised:
        NetworkRegressor(train__epochs=1).fit(X, Y)
    assert str(raised.value) == (
        "Keras runs on jax in this process, but Fathom needs TensorFlow: set "
        "KERAS_BACKEND=tensorflow before anything imports Keras"
    )


def test_an_experiment_that_fails_shows_the_last_line_of_its_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = (
        "Running stage 'collect':\n> python src/collect.py\n/bin/sh: 1: python: not found\n"
        "ERROR: failed to reproduce 'collect': exited with 127\nhelp\n"
    )
    fake = tmp_path / "dvc.py"
    fake.write_text(f"import os, sys\nprint({printed!r}, os.environ['PATH'])\nsys.exit(1)\n")
    monkeypatch.setitem(GIVEN, "PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(FathomError) as raised:
        dvc_experiment.run_experiment("mine", [])
    assert str(raised.value) == (
        "dvc exp run --name mine: /bin/sh: 1: python: not found; ERROR: failed to reproduce "
        "'collect': exited with 127"
    )


def outputs(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def run_train(folder: Path, command: str, variables: dict[str, str]) -> dict[str, bytes]:
    """Train in a shell with these variables alone, and return the outputs."""
    shutil.rmtree(folder / "models", ignore_errors=True)
    shell = f'{command.format(python=sys.executable)} {ROOT}/src/train.py "$@"'
    done = subprocess.run(
        ["/bin/sh", "-c", shell, "-", *TRAIN], cwd=folder, env=variables, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return outputs(folder / "models/digits/mlp")


@pytest.mark.slow
def test_a_training_in_any_environment(
    trainable: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    given = {name: value for name, value in os.environ.items() if not BITS.match(name)}
    plain = run_train(trainable, "{python}", given)
    assert b"environment" not in plain["run.json"]
    home = tmp_path_factory.mktemp("home")
    (home / ".keras").mkdir()
    settings = {"floatx": "float64", "epsilon": 0.1, "backend": "jax"}
    (home / ".keras/keras.json").write_text(json.dumps(settings))
    limits = {"KERAS_MAX_EPOCHS": "1", "KERAS_MAX_STEPS_PER_EPOCH": "1"}
    keras_variables = limits | {"KERAS_BACKEND": "jax", "KERAS_HOME": str(home / ".keras")}
    cases: list[tuple[str, dict[str, str]]] = [
        (
            "{python}",
            {"HOME": str(home), "PATH": "/usr/bin:/bin", "TF_USE_LEGACY_KERAS": "1",
             "PYTHONSAFEPATH": "1", "PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONHASHSEED": "7",
             "OMP_NUM_THREADS": "1", "HYDRA_FULL_ERROR": "1"},
        ),
        (
            "umask 077; exec <&- >&-; {python}",
            keras_variables | {"COLUMNS": "20", "TZ": "Asia/Kolkata", "HOME": "/nonexistent",
                               "TMPDIR": "/nonexistent"},
        ),
    ]  # fmt: skip
    for command, variables in cases:
        # Without make's hook, by which Python finds the project's code
        path = {"PYTHONPATH": str(ROOT / "src")}
        assert run_train(trainable, command, variables | path) == plain, (command, variables)
    onednn = run_train(trainable, "{python}", {"TF_ENABLE_ONEDNN_OPTS": "0"})
    assert json.loads(onednn["run.json"])["environment"] == {"TF_ENABLE_ONEDNN_OPTS": "0"}
