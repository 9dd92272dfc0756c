"""Gates hold the right network's test figures against their bounds, and say what they found."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import edit
from stages import Finished, run_stage

from fathom.base.errors import FathomError
from fathom.gate.gate import gate
from fathom.settings.compose import compose
from fathom.settings.config import Config

DIGITS_MLP = "data set digits, model mlp, test part"
CALIFORNIA_SELU = "data set california_housing, model selu, test part"


@pytest.fixture
def figures(workspace: Path) -> Path:
    """Return a project with figures: the best on the validation part are not so on the test."""
    edit(workspace / "params.yaml", "models=[mlp, selu]")
    write("digits", "comparison", {"metric": "accuracy"})
    write("digits", "mlp", {"valid": {"accuracy": 0.9}, "test": {"accuracy": 0.7, "ece": 0.1}})
    write("digits", "selu", {"valid": {"accuracy": 0.8}, "test": {"accuracy": 0.75, "ece": 0.2}})
    write("california_housing", "comparison", {"metric": "rmse"})
    write("california_housing", "mlp", {"valid": {"rmse": 0.9}, "test": {"rmse": 0.5, "r2": 0.6}})
    write("california_housing", "selu", {"valid": {"rmse": 0.8}, "test": {"rmse": 0.6, "r2": None}})
    return workspace


def write(dataset: str, name: str, content: dict[str, Any]) -> None:
    folder = Path("metrics", dataset)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(content))


def settings(gates: str) -> Config:
    edit(Path("params.yaml"), f"gates={gates}")
    return compose([], Config)


@pytest.mark.parametrize(
    ("gates", "held", "line"),
    [
        (
            "{digits.accuracy: {min: 0.7}}",
            True,
            f"gates.digits.accuracy is held: {DIGITS_MLP}: accuracy 0.7 is at least 0.7",
        ),
        (
            "{digits.accuracy: {min: 0.71}}",
            False,
            f"gates.digits.accuracy is violated: {DIGITS_MLP}: accuracy 0.7 is below 0.71",
        ),
        (
            "{digits.mlp.ece: {max: 0.05, min: 0}}",
            False,
            f"gates.digits.mlp.ece is violated: {DIGITS_MLP}: ece 0.1 is above 0.05",
        ),
        (
            "{digits.mlp.ece: {max: 0.2, min: 0}}",
            True,
            f"gates.digits.mlp.ece is held: {DIGITS_MLP}: ece 0.1 is at least 0.0 and at most 0.2",
        ),
        (
            "{california_housing.rmse: {max: 0.52}}",
            False,
            f"gates.california_housing.rmse is violated: {CALIFORNIA_SELU}: rmse 0.6 is above 0.52",
        ),
        (
            "{california_housing.r2: {min: 0}}",
            False,
            f"gates.california_housing.r2 is violated: {CALIFORNIA_SELU}: r2 is not defined",
        ),
        (
            "{bike.rmse: {max: 40}}",
            True,
            "gates.bike.rmse: not checked, bike is not among datasets",
        ),
        (
            "{digits.wide_deep.accuracy: {min: 1}}",
            True,
            "gates.digits.wide_deep.accuracy: not checked, wide_deep is not among models",
        ),
    ],
)
def test_gate(figures: Path, gates: str, held: bool, line: str) -> None:
    (found,) = gate(settings(gates))
    assert (found.line, found.held) == (line, held)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "digits.mlp.acuracy",
            "gates.digits.mlp.acuracy: digits has no metric acuracy; "
            "did you mean gates.digits.mlp.accuracy?",
        ),
        (
            "digits.rmse",
            "gates.digits.rmse: digits has no metric rmse; there are: accuracy, ece",
        ),
    ],
)
def test_refuses_unknown_metrics(figures: Path, name: str, message: str) -> None:
    with pytest.raises(FathomError) as refused:
        gate(settings(f"{{{name}: {{min: 0}}}}"))
    assert str(refused.value) == f"params.yaml: {message}"


def test_names_what_is_missing(figures: Path) -> None:
    Path("metrics/digits/selu.json").unlink()
    with pytest.raises(FathomError) as refused:
        gate(settings("{digits.accuracy: {min: 0}}"))
    assert str(refused.value) == (
        "metrics/digits/selu.json is missing: make it with `dvc repro evaluate@digits-selu`"
    )


def test_stage_fails_with_a_line_for_each_violated_gate(figures: Path) -> None:
    settings(
        "{digits.accuracy: {min: 0.71}, digits.mlp.ece: {max: 0.2}, "
        "california_housing.mlp.rmse: {max: 0.4}}"
    )
    where = "data set california_housing, model mlp, test part"
    assert run_stage("gate") == Finished(
        1,
        f"gates.digits.mlp.ece is held: {DIGITS_MLP}: ece 0.1 is at most 0.2\n",
        f"gate.py: gates.digits.accuracy is violated: {DIGITS_MLP}: accuracy 0.7 is below 0.71\n"
        f"gate.py: gates.california_housing.mlp.rmse is violated: {where}: rmse 0.5 is above 0.4\n",
    )


def test_stage_without_gates_passes(figures: Path) -> None:
    assert run_stage("gate") == Finished(0, "no gates\n", "")
    assert run_stage("gate", "+gates={digits.mlp.accuracy:{min:0.6}}") == Finished(
        0,
        f"gates.digits.mlp.accuracy is held: {DIGITS_MLP}: accuracy 0.7 is at least 0.6\n",
        "",
    )
