"""`fathom apply` and `fathom search … --apply`: settings of a trial as an experiment. Fast."""

from pathlib import Path
from typing import Any

import pytest
from stages import run_command

from fathom.artifacts.search_result import SearchResult, TrialResult
from fathom.base.errors import FathomError
from fathom.search.apply import apply_trial, settings_of
from fathom.search.base_settings import BaseSettings
from fathom.settings.compose import compose
from fathom.settings.config import NetworkConfig

FILE = Path("conf/experiment/digits_mlp_tpe.yaml")


def result(settings: dict[str, Any], *overrides: str) -> SearchResult:
    """Return the result of a search with one trial."""
    base = ["dataset=digits", "model=mlp", "experiment=none", *overrides]
    return SearchResult(
        dataset="digits", model="mlp", search="tpe", metric="accuracy", monitor="val_accuracy",
        higher_is_better=True, cv=None, seconds=1.0, space=list(settings), importances={}, best=3,
        trials=[TrialResult(number=3, settings=settings, value=0.97, seconds=1.0)], overrides=[],
        figures={}, average=None, selection=None, base=base,
    )  # fmt: skip


CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "lists": ({"model.units": [64, 32], "model.dropout": 0.1}, []),
    "small numbers": ({"model.learning_rate": 1e-05, "train.optimizer.weight_decay": 1e-07}, []),
    "another network": ({"model": "selu", "model.depth": 3, "model.dropout": "auto"}, []),
    "an experiment": ({"experiment": "quick", "train.batch_size": 32}, []),
    "another optimizer": ({"train.optimizer._target_": "keras.optimizers.SGD"}, []),
    "a function of arguments": ({"train.loss": {"_target_": "keras.losses.KLDivergence"}}, []),
    "settings of the command line": (
        {"scale.features": "minmax", "train.folds": None},
        ["train.optimizer={_target_: keras.optimizers.SGD, momentum: 0.9}", "seed=7"],
    ),
    "the settings as they are": ({"model.dropout": "auto"}, []),
}


@pytest.mark.parametrize("name", CASES)
def test_experiment_has_exactly_the_settings_of_the_trial(name: str, workspace: Path) -> None:
    settings, overrides = CASES[name]
    made = result(settings, *overrides)
    assert apply_trial(made) == FILE
    model = settings.get("model", "mlp")
    given = ["dataset=digits", f"model={model}"]
    composed = compose([*given, "experiment=digits_mlp_tpe"], NetworkConfig)
    wanted = BaseSettings(made.base).with_values(settings)
    assert settings_of(composed) == settings_of(wanted)
    before = compose([*given, "experiment=none"], NetworkConfig)
    assert (settings_of(wanted) != settings_of(before)) == (name != "the settings as they are")


def test_file_says_where_it_is_from_and_how_it_is_used(workspace: Path) -> None:
    apply_trial(result({"model.units": [64, 32], "model.dropout": 0.1}))
    assert FILE.read_text() == (
        "# @package _global_\n#\n"
        "# Trial 3 of the search tpe for mlp on digits: validation accuracy 0.9700.\n#\n"
        "#   dvc exp run --temp -n digits_mlp_tpe -S experiment=digits_mlp_tpe "
        "-S 'datasets=[digits]' -S 'models=[mlp]'\n#\n"
        "# Written by fathom; checksum of the settings: 3df5dca57cf1\n"
        "model:\n  units: [64, 32]\n  dropout: 0.1\n"
    )


def test_other_files_stay(workspace: Path) -> None:
    made = result({"model.dropout": 0.1})
    apply_trial(made)
    before = FILE.read_text()
    apply_trial(made)  # its own
    FILE.write_text(before.replace("0.1", "0.2"))
    with pytest.raises(FathomError) as raised:
        apply_trial(made)
    assert str(raised.value) == (
        f"{FILE} exists already and is not as Fathom has written it: choose another --name, or "
        "replace it with --force"
    )
    assert "0.2" in FILE.read_text()
    apply_trial(made, force=True)
    assert FILE.read_text() == before


def test_settings_that_an_experiment_cannot_express(workspace: Path) -> None:
    """The base settings have `fourier` and `periodic` below `numbers`; mappings merge."""
    with pytest.raises(FathomError, match="cannot express") as raised:
        apply_trial(result({"model.numbers": {"piecewise": None}}))
    keys = "model.numbers.fourier, model.numbers.periodic"
    assert str(raised.value) == f"an experiment cannot express {keys} of the trial"
    assert not FILE.exists()


def test_apply_names_the_results_that_exist(workspace: Path) -> None:
    result({"model.dropout": 0.1}).write(Path("searches/digits/mlp-tpe.json"))
    done = run_command("apply", "digits/mlp-tp")
    assert done.status == 1
    assert done.err == (
        "fathom: there is no result searches/digits/mlp-tp.json of a finished search; did you mean "
        "digits/mlp-tpe?\n"
    )
    done = run_command("apply", "digits/mlp-tpe", "--trial", "4")
    assert done.err == "fathom: searches/digits/mlp-tpe.json has no trial 4; it has 1\n"
    done = run_command("apply", "digits/mlp-tpe", "--name", "best")
    assert done.status == 0, done.err
    assert Path("conf/experiment/best.yaml").is_file()
