"""Data without faults gives no warning; warnings are written and printed."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from checks import (
    IN_ORDER,
    Table,
    check_images,
    check_table,
    clean,
    copy_rows,
    different,
    few_seeds_fast,
    giveaway,
    rows_of,
    run_check,
    saved_config,
    split_of,
)
from conftest import dataset_config, made_config
from stages import Finished, run_stage, write_dataset

from fathom.artifacts.checks import Checks
from fathom.base.errors import FathomError
from fathom.check.check import check
from fathom.download.download import download


@few_seeds_fast(4, 20)
@pytest.mark.parametrize(
    ("target", "other", "task"),
    [("price", "dear", "regression"), ("dear", "price", "classification")],
)
def test_clean_tables_give_no_warning(
    workspace: Path, target: str, other: str, task: str, seeds: range
) -> None:
    config = saved_config("table", target=target, task=task, exclude=[other])
    for seed in seeds:
        assert check_table(clean(60 if seed % 2 else 1500, seed), config=config) == [], seed


@few_seeds_fast(2, 10)
@pytest.mark.parametrize(("columns", "values"), [(1, 3), (2, 50), (6, 5), (14, 2)])
def test_rows_equal_by_chance_give_no_warning(
    workspace: Path, columns: int, values: int, seeds: range
) -> None:
    config = saved_config("table", task="classification")
    equal = 0
    for seed in seeds:
        rng = np.random.default_rng(seed)
        table: Table = {f"c{n}": rng.integers(0, values, 2000) for n in range(columns)}
        table["y"] = rng.choice(["a", "b"], 2000)
        assert check_table(table, config=config) == [], seed
        frame = pd.DataFrame(table)
        known = frame.loc[rows_of("train")].drop_duplicates()
        equal += len(frame.loc[rows_of("test")].merge(known))
    assert equal > len(seeds) * 0.01 * 500


@few_seeds_fast(3, 10)
def test_clean_images_give_no_warning(workspace: Path, seeds: range) -> None:
    for seed in seeds:
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, 3, 600)
        images = rng.integers(0, 200, (600, 6, 5, 3)) + 20 * labels[:, None, None, None]
        assert check_images(images.astype(np.uint8), labels) == [], seed


@pytest.mark.parametrize(
    "dataset", ["california_housing", "digits", "adult_census", "bike", "diabetes"]
)
def test_data_sets_of_the_project_give_no_warning(workspace: Path, dataset: str) -> None:
    assert run_check(dataset_config(dataset)) == []
    written = Path(f"data/checks/{dataset}.json").read_text()
    assert written == json.dumps({"dataset": dataset, "warnings": []}, indent=2) + "\n"


@few_seeds_fast(1, 3)
@pytest.mark.parametrize("loader", ["load_iris", "load_wine", "load_breast_cancer"])
def test_easy_data_sets_give_no_warning(workspace: Path, loader: str, seeds: range) -> None:
    source = {"_target_": "fathom.download.sources.scikit_learn", "loader": loader}
    dataset = {"source": source, "task": "classification", "target": "target"}
    for seed in seeds:
        assert run_check(made_config(dataset, f"split.seed={seed}")) == [], seed


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_columns_without_values_and_empty_sets_give_no_warning(workspace: Path, task: str) -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=300) if task == "regression" else rng.choice(["a", "b"], 300)
    table = {
        "none": np.full(300, np.nan),
        "no town": np.full(300, None),
        "same": np.full(300, "x"),
        "huge": rng.normal(size=300) * 1e300,
        "size": rng.normal(size=300),
        "y": y,
    }
    config = saved_config("table", task=task, categories=["no town"])
    assert check_table(table, config=config) == []
    np.save("data/split/made/test.npy", np.array([], dtype=np.int64))
    assert check(config).warnings == []


def test_warns_of_rows_without_a_target(workspace: Path) -> None:
    table = different(1500)
    table["y"] = np.where(np.arange(1500) < 1200, table["y"], np.nan)
    (warning,) = check_table(table)
    assert (warning.kind, warning.columns) == ("unlabelled", ["y"])
    assert warning.figures == {"rows": 300, "of": 1500}
    assert warning.sentence == (
        "300 of 1,500 rows have no 'y' and are in no set: if they differ from the others, metrics "
        "do not apply to them"
    )


def test_warnings_of_all_kinds_survive_their_file(workspace: Path) -> None:
    subsets = split_of(1000)
    table = copy_rows(different(1000), subsets["train"][:20], subsets["test"][:20])
    table["size"][subsets["valid"]] += 3
    table["given"] = 2 * table["y"] + 1
    table = {name: np.append(values, values[:50]) for name, values in table.items()}
    table["y"][1000:] = np.nan
    warnings = check_table(table)
    assert [w.kind for w in warnings] == ["duplicates", "giveaway", "drift", "unlabelled"]
    assert Checks.read("made") == Checks(dataset="made", warnings=warnings)
    text = Path("data/checks/made.json").read_text()
    assert json.loads(text)["warnings"][1] == {
        "kind": "giveaway",
        "columns": ["given"],
        "figures": {"R²": warnings[1].figures["R²"]},
        "sentence": giveaway("given", f"R² {warnings[1].figures['R²']:.3f}"),
    }


def test_script_prints_each_sentence(workspace: Path) -> None:
    warnings = check_table({"size": np.arange(400) % 83, "y": np.arange(400) * 1.0}, IN_ORDER)
    assert len(warnings) == 2
    source = {"_target_": "no.such"}
    write_dataset(workspace, "made", {"source": source, "task": "regression", "target": "y"})
    before = Path("data/checks/made.json").read_bytes()
    printed = "".join(f"made: {warning.sentence}\n" for warning in warnings)
    assert run_stage("check", "dataset=made") == Finished(0, printed, "")
    assert Path("data/checks/made.json").read_bytes() == before
    run_check(dataset_config("digits"))
    assert run_stage("check", "dataset=digits").out == "digits: no warnings\n"


def test_without_a_split_names_the_stage_that_makes_it(workspace: Path) -> None:
    config = dataset_config("digits")
    download(config)
    with pytest.raises(FathomError) as caught:
        check(config)
    line = "data/split/digits/train.npy is missing: make it with `dvc repro split@digits`"
    assert str(caught.value) == line
    assert not Path("data/checks").exists()
    with pytest.raises(FathomError, match=r"data/checks/digits.json is missing: make it with `dvc"):
        Checks.read("digits")
