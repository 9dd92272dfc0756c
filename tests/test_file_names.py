"""Names of files in conf/: a name that is accepted works everywhere; others cost one line."""

import shutil
from pathlib import Path

import pytest
from conftest import clone, edit, run_in
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st
from stages import run_command, run_stage

from fathom.settings.compose import compose
from fathom.settings.config import Config
from fathom.settings.file_names import NAME, VALUES, check_name, find_problem, options
from fathom.settings.yaml_values import readings

RULE = "a name has at most 64 letters (A to Z), digits, _ and -, a letter first"
NO_TEXT = "YAML or Hydra does not read it as text"


@pytest.mark.parametrize(
    ("name", "problem", "better"),
    [
        (2024, NO_TEXT, "model_2024"),
        (1e3, NO_TEXT, "model_1000_0"),
        (None, NO_TEXT, "model_None"),
        (True, NO_TEXT, "model_True"),
        ("null", NO_TEXT, "model_null"),
        ("NaN", NO_TEXT, "model_NaN"),
        ("2024", RULE, "model_2024"),
        ("my mlp", RULE, "my_mlp"),
        ("mlp,selu", RULE, "mlp_selu"),
        ("v1.2", RULE, "v1_2"),
        ("größer", RULE, "grosser"),
        ("城市", RULE, "model"),
        ("..", RULE, "model"),
        ("../mlp", RULE, "mlp"),
        ("", RULE, "model"),
        ("_mlp", RULE, "mlp"),
        ("m" * 65, RULE, "m" * 64),
        ("Baseline", "metrics/<dataset>/baseline.json is not a network's", "model_Baseline"),
    ],
)
def test_names_that_are_refused(name: object, problem: str, better: str) -> None:
    with pytest.raises(ValueError, match="cannot be") as caught:
        check_name(name, "model")
    assert str(caught.value) == (
        f"{name!r} cannot be a name in conf/model: {problem}; rename it, for example to {better}"
    )
    assert find_problem(better, "model") is None


@given(st.from_regex(NAME, fullmatch=True) | st.sampled_from(sorted(VALUES | {"y", "e1", "con"})))
def test_accepted_names_are_text_to_hydra_and_dvc(name: str) -> None:
    assert find_problem("baseline", "dataset") is None
    if find_problem(name, "dataset") is None:
        assert readings(name) == (name, name)
        assert OverridesParser.create().parse_override(f"dataset={name}").value() == name


@pytest.mark.parametrize(
    ("setting", "error"),
    [
        ("models=[mlp, 2024]",
         f"models.1: 2024 cannot be a name in conf/model: {NO_TEXT}; rename it, for example to "
         "model_2024"),
        ("datasets=['digits,bike']",
         f"datasets.0: 'digits,bike' cannot be a name in conf/dataset: {RULE}; rename it, for "
         "example to digits_bike"),
        ("experiment=1",
         f"experiment: 1 cannot be a name in conf/experiment: {NO_TEXT}; rename it, for example to "
         "experiment_1"),
        ("experiment=bok_mlp",
         "experiment: there is no conf/experiment/bok_mlp.yaml; did you mean book_mlp?"),
        ("models=[]", "models must name at least one"),
        ("models=mlp", "models: must be a valid list, not 'mlp'"),
        ("datasets=null", "datasets: must be a valid list, not None"),
    ],
)  # fmt: skip
def test_params_are_checked_before_any_work(workspace: Path, setting: str, error: str) -> None:
    edit(workspace / "params.yaml", setting)
    for done in (run_command("repro"), run_stage("collect", "experiment=book_mlp")):
        assert (done.status, done.out) == (1, "")
        assert done.err.partition(": ")[2] == f"params.yaml: {error}\n"
    assert f"WRONG    params.yaml: {error}\n" in run_command("doctor").out


@pytest.mark.parametrize("group", ["dataset", "model", "experiment"])
def test_choices_of_a_stage_and_of_a_search(workspace: Path, group: str) -> None:
    shutil.copy(f"conf/{group}/{options(group)[0]}.yaml", f"conf/{group}/1.yaml")
    choices = {"dataset": "digits", "model": "mlp", "search": "random"} | {group: "1"}
    arguments = [f"{key}={name}" for key, name in choices.items()]
    error = (
        f"command line: {group}: '1' cannot be a name in conf/{group}: {RULE}; rename it, for "
        f"example to {group}_1\n"
    )
    assert run_command("search", *arguments).err == f"fathom: {error}"
    assert run_stage("train", *arguments).err == f"train.py: {error}"
    assert f"warning  {error.removeprefix(f'command line: {group}: ')}" in run_command("doctor").out


def test_two_stages_with_one_name(workspace: Path) -> None:
    for group, old, new in (("dataset", "digits", "a-b"), ("model", "mlp", "b-c")):
        for name in (new, new[::2][:1] if group == "dataset" else "c"):
            shutil.copy(f"conf/{group}/{old}.yaml", f"conf/{group}/{name}.yaml")
    edit(workspace / "params.yaml", "datasets=[a, a-b]", "models=[b-c, c]")
    assert run_command("repro").err == (
        "fathom: params.yaml: models: a-b with c and a with b-c are both stages a-b-c to DVC; "
        "rename one of them\n"
    )


@pytest.mark.parametrize("override", ["experiment=null", "experiment=None", "~experiment"])
def test_no_experiment(workspace: Path, override: str) -> None:
    edit(workspace / "params.yaml", "experiment=null")
    assert compose([override], Config).experiment == "none"
    assert "None" not in options("experiment")
    assert Path("conf/experiment/None.yaml").read_bytes() == (
        Path("conf/experiment/none.yaml").read_bytes()
    )


@pytest.mark.slow
def test_dvc_with_null_as_experiment(tmp_path: Path) -> None:
    project = clone(tmp_path / "project")
    edit(project / "params.yaml", "experiment=null")
    run_in(project, "dvc", "repro", "-q", "split@digits", "collect")
    assert "experiment=None" in (project / "dvc.lock").read_text()
