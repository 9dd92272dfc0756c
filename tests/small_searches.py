"""Searches of tests: with shrunk networks, or by a formula in place of trainings."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import optuna
import yaml
from conftest import ROOT, SHRUNK, command_environment, compose_small, network_config, train_network
from optuna.trial import TrialState

from fathom.artifacts.search_result import SearchResult
from fathom.scale.scale import scale
from fathom.search.base_settings import BaseSettings
from fathom.search.search_command import as_overrides, search
from fathom.search.study import FINISHED, open_study
from fathom.settings.config import NetworkConfig, SearchConfig

Trials = dict[int, tuple[str, TrialState, float | None]]  # parameters, state, value by number

SMALL = [*SHRUNK[:2], "train.repeats=1", "gpus=[]", "experiments=0", "ensemble=3"]


def write_space(name: str, space: dict[str, Any]) -> None:
    Path(f"conf/search/space/{name}.yaml").write_text(yaml.safe_dump(space, sort_keys=False))


def arguments(model: str, method: str, *overrides: str, dataset: str = "digits") -> list[str]:
    return [f"dataset={dataset}", f"model={model}", f"search={method}", *SMALL, *overrides]


def search_config(
    model: str, method: str, *overrides: str, dataset: str = "digits"
) -> SearchConfig:
    given = arguments(model, method, *overrides, dataset=dataset)
    return compose_small(SearchConfig, *as_overrides(given))


def run_search(model: str, method: str, *overrides: str, dataset: str = "digits") -> SearchResult:
    """Search in the workspace; return the result as it is on disk."""
    search(arguments(model, method, *overrides, dataset=dataset))
    return SearchResult.read(Path("searches", dataset, f"{model}-{method}.json"))


def stage_value(model: str, settings: dict[str, Any], dataset: str) -> float:
    """Return the value that the stages reach with the settings of a trial."""
    overrides = [f"{key}={json.dumps(value)}" for key, value in settings.items()]
    scale(network_config(dataset, model, *overrides))
    return train_network(dataset, model, *overrides).best.value


@contextmanager
def formula_search(
    formula: Callable[[NetworkConfig], float], method: str, *overrides: str, at_once: int = 1
) -> Iterator[Any]:
    """Open a search in the workspace; a formula computes the values of trials from settings."""
    from fathom.search.search import Search
    from fathom.search.trial import Outcome

    def run_trial(config: NetworkConfig, *more: Any) -> Outcome:
        return Outcome(formula(config), None)

    base = BaseSettings(as_overrides(arguments("mlp", method, *overrides)))
    config = search_config("mlp", method, *overrides)
    with open_study(config, higher_is_better=True) as study:
        yield Search(config, base, study, Mock(run_trial=run_trial, at_once=at_once))


def run_formula(
    formula: Callable[[NetworkConfig], float], method: str, *overrides: str, at_once: int = 1
) -> Trials:
    """Search by a formula; return the finished trials."""
    with formula_search(formula, method, *overrides, at_once=at_once) as opened:
        opened.run()
        return finished(opened.study)


def learning_rate(config: NetworkConfig) -> float:
    return config.model.learning_rate


def finished(study: optuna.Study) -> Trials:
    trials = study.get_trials(states=FINISHED)
    return {t.number: (json.dumps(t.params, sort_keys=True), t.state, t.value) for t in trials}


def read_study(file: Path) -> Trials:
    """Return the finished trials of the last search that wrote to a file."""
    storage = f"sqlite:///{file}"
    name = optuna.get_all_study_names(storage)[-1]
    return finished(optuna.load_study(study_name=name, storage=storage))


def start_search(folder: Path, *given: str) -> "subprocess.Popen[str]":
    """Start `fathom search` in a process group of its own, its output to be read."""
    return subprocess.Popen(
        [sys.executable, "-m", "fathom", "search", *given],
        cwd=folder,
        env=command_environment() | {"PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def read_until(process: "subprocess.Popen[str]", text: str) -> str:
    """Return what a process prints up to the line with a text."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return "".join(lines)
    raise AssertionError("".join(lines))
