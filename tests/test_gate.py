"""Gates check the right network's test metrics against their bounds."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import edit
from stages import Finished, run_stage
from trainings import refusal

from fathom.gate.gate import gate
from fathom.settings.compose import compose
from fathom.settings.config import Config

DIGITS = "data set digits, model mlp, test set"
HOUSES = "data set california_housing, model selu, test set"


@pytest.fixture
def project(workspace: Path) -> Path:
    """Return a project with metrics: the best on the validation set is not so on the test set."""
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
    ("name", "bounds", "passes", "line"),
    [
        ("digits.accuracy", "min: 0.7", True, f" passes: {DIGITS}: accuracy 0.7 is at least 0.7"),
        ("digits.accuracy", "min: 0.71", False, f" fails: {DIGITS}: accuracy 0.7 is below 0.71"),
        ("digits.mlp.ece", "max: 0.05, min: 0", False, f" fails: {DIGITS}: ece 0.1 is above 0.05"),
        ("digits.mlp.ece", "max: 0.2, min: 0", True,
         f" passes: {DIGITS}: ece 0.1 is at least 0.0 and at most 0.2"),
        ("california_housing.rmse", "max: 0.52", False,
         f" fails: {HOUSES}: rmse 0.6 is above 0.52"),
        ("california_housing.r2", "min: 0", False, f" fails: {HOUSES}: r2 is not defined"),
        ("bike.rmse", "min: 40", True, ": not checked, bike is not among datasets"),
        ("digits.wide_deep.accuracy", "min: 40", True,
         ": not checked, wide_deep is not among models"),
    ],
)  # fmt: skip
def test_gate(project: Path, name: str, bounds: str, passes: bool, line: str) -> None:
    assert gate(settings(f"{{{name}: {{{bounds}}}}}")) == [(f"gates.{name}{line}", passes)]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("digits.mlp.acuracy", "acuracy; did you mean gates.digits.mlp.accuracy?"),
        ("digits.rmse", "rmse; there are: accuracy, ece"),
    ],
)
def test_unknown_metrics_are_refused(project: Path, name: str, message: str) -> None:
    expected = f"params.yaml: gates.{name}: digits has no metric {message}"
    assert refusal(gate, settings(f"{{{name}: {{min: 0}}}}")) == expected


def test_missing_metrics_are_named(project: Path) -> None:
    Path("metrics/digits/selu.json").unlink()
    assert refusal(gate, settings("{digits.accuracy: {min: 0}}")) == (
        "metrics/digits/selu.json is missing: make it with `dvc repro evaluate@digits-selu`"
    )


def test_stage_prints_a_line_for_each_gate(project: Path) -> None:
    settings(
        "{digits.accuracy: {min: 0.71}, digits.mlp.ece: {max: 0.2}, "
        "california_housing.mlp.rmse: {max: 0.4}}"
    )
    where = "data set california_housing, model mlp, test set"
    assert run_stage("gate") == Finished(
        1,
        f"gates.digits.mlp.ece passes: {DIGITS}: ece 0.1 is at most 0.2\n",
        f"gate.py: gates.digits.accuracy fails: {DIGITS}: accuracy 0.7 is below 0.71\n"
        f"gate.py: gates.california_housing.mlp.rmse fails: {where}: rmse 0.5 is above 0.4\n",
    )


def test_stage_without_gates_passes(project: Path) -> None:
    assert run_stage("gate") == Finished(0, "no gates\n", "")
    line = f"gates.digits.mlp.accuracy passes: {DIGITS}: accuracy 0.7 is at least 0.6\n"
    gates = "+gates={digits.mlp.accuracy:{min:0.6}}"
    assert run_stage("gate", gates) == Finished(0, line, "")
