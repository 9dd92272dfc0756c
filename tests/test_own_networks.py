"""Networks of a user's own: subclassed, sequential, or with a layer that XLA does not take."""

import json
from pathlib import Path

import pandas as pd
import pytest
from conftest import SHRUNK, network_config, train_network
from own_networks import OWN, OWN_SETTINGS
from stages import make_stage, run_stage
from trainings import IN_PYTHON, add_network

from fathom.evaluate.evaluate import evaluate


def test_network_that_xla_does_not_take_trains_as_a_graph(training_project: Path) -> None:
    add_network(training_project, "in_python", IN_PYTHON)
    steps = ["train.batch_size=1000", "train.epochs=1000"]  # as many as XLA is worth,
    stop = "train.early_stopping={patience: 1, min_delta: 10.0}"  # but for the second epoch
    train_network("california_housing", "in_python", *steps, stop)
    engine = json.loads(Path("models/california_housing/in_python/run.json").read_text())["engine"]
    assert (engine["xla"], engine["why"]) == (False, "XLA does not take the network")


@pytest.fixture
def own(training_project: Path) -> None:
    """Write a module of the user's own where Python finds it."""
    (training_project / "own_net.py").write_text(OWN)


@pytest.mark.usefixtures("own")
def test_own_classes_train_and_are_evaluated() -> None:
    Path("conf/model/own.yaml").write_text(OWN_SETTINGS.format("build"))
    for stage in ("train", "evaluate"):
        make_stage(stage, "dataset=digits", "model=own", *SHRUNK)
    metrics = json.loads(Path("metrics/digits/own.json").read_text())
    run = json.loads(Path("models/digits/own/run.json").read_text())
    history = pd.read_csv("models/digits/own/history.csv")
    assert list(metrics) == ["train", "valid", "test", "prediction_set", "calibrated"]
    assert run["parameters"] == (64 * 12 + 12) + 12 + (12 * 10 + 10)
    accuracy = history["val_accuracy"][run["best_epoch"] - 1]
    assert metrics["valid"]["accuracy"] == pytest.approx(accuracy)


def test_an_error_in_own_code_names_its_line(training_project: Path) -> None:
    settings = OWN_SETTINGS.replace("own_net", "broken_net").format("build")
    Path("conf/model/own.yaml").write_text(settings)
    lines = OWN.replace("problem.main.units)", "{}['gone'])").splitlines()
    (training_project / "broken_net.py").write_text("\n".join(lines))
    finished = run_stage("train", "dataset=digits", "model=own", *SHRUNK)
    number = 1 + lines.index("    return Net(width, {}['gone'])")
    assert finished.status == 1
    assert finished.err == (f"train.py: broken_net.py, line {number}, in build: KeyError: 'gone'\n")


LAYERS = "[keras.layers.Flatten(), Gate(), keras.layers.Dense(10)]"
GATED = f"\n\ndef gated(problem, width):\n    return keras.Sequential({LAYERS})\n"
GET = "get_config(self):\n        return super()"  # of the class Net
UNSAVED = (
    "Object Net was created by passing non-serializable argument values in `__init__()`, and "
    "therefore the object must override `get_config()` in order to be serializable."
)
REGISTER = "@keras.saving.register_keras_serializable"


@pytest.mark.parametrize(
    ("name", "builder", "old", "new", "advice"),
    [
        ("unregistered", "gated", GET, GET, f"write {REGISTER}() before Gate"),
        ("unsaved", "build", GET, "n(self):\n        super()", UNSAVED),
    ],
)
def test_a_network_that_could_not_be_loaded_is_not_trained(
    training_project: Path, name: str, builder: str, old: str, new: str, advice: str
) -> None:
    assert old in OWN
    code = OWN.replace(old, new).replace(f'{REGISTER}("own")\nclass Gate', "class Gate") + GATED
    (training_project / f"own_{name}.py").write_text(code.replace('"own"', f'"own_{name}"'))
    settings = OWN_SETTINGS.replace("own_net", f"own_{name}").format(builder)
    Path("conf/model/own.yaml").write_text(settings)
    finished = run_stage("train", "dataset=digits", "model=own", *SHRUNK)
    wanted = f"conf/model/own.yaml: _target_: the network could not be loaded later: {advice}"
    assert finished.err == f"train.py: {wanted}\n"


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("builder", ["sequential", "sequential_with_input"])
def test_own_function(builder: str) -> None:
    Path("conf/model/own.yaml").write_text(OWN_SETTINGS.format(builder))
    training = train_network("california_housing", "own")
    metrics = evaluate(network_config("california_housing", "own"))
    assert training.model.count_params() == (8 * 12 + 12) + (12 + 1)
    best = training.history.iloc[training.best.best_epoch - 1]
    assert best["val_rmse"] == pytest.approx(metrics["valid"]["rmse"], rel=1e-4)
