"""The mean target of each value of a category, as a number for networks."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import made_config, prepare_config
from numpy.typing import NDArray
from sklearn.preprocessing import TargetEncoder

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import read_subset, read_targets
from fathom.download.sources import RawTable
from fathom.scale.encoder import Encoder

ROWS, ZONES = 900, 12
MEAN = "zone_target_mean"

pytestmark = pytest.mark.usefixtures("workspace")


def fares(task: str = "regression", changed: int | None = None, missing: float = 0.1) -> RawTable:
    """Return rows whose target depends on their zone; in one of them the target is another one."""
    rng = np.random.default_rng(5)
    zones = rng.integers(0, ZONES, ROWS)
    distance = rng.normal(size=ROWS)
    fare = zones * 3.0 + distance
    if changed is not None:
        fare[changed] += 1000
    target: Any = fare
    if task != "regression":
        classes = ["a", "b", "c"] if task == "three" else ["a", "b"]
        cuts = np.quantile(fare, np.linspace(0, 1, len(classes) + 1)[1:-1])
        target = np.array(classes)[np.searchsorted(cuts, fare)]
    names = pd.Series(zones).map("zone {}".format).astype("str")
    names[rng.random(ROWS) < missing] = None
    driver = pd.Series(rng.integers(0, 60, ROWS)).map("driver {}".format)
    columns = {"zone": names, "distance": distance, "driver": driver, "fare": target}
    return RawTable(pd.DataFrame(columns), "the test", "0" * 64)


def prepare_fares(*overrides: str, task: str = "regression", **arguments: Any) -> Problem:
    kind = "regression" if task == "regression" else "classification"
    source = {"_target_": f"{__name__}.fares", "task": task, **arguments}
    dataset = {"task": kind, "target": "fare", "exclude": ["driver"], "source": source}
    settings = ["scale.features=none", "scale.target_encoding=5", "scale.min_frequency=1"]
    prepare_config(made_config(dataset, *settings, *overrides))
    return Problem.read("made")


def feature(problem: Problem, subset: str) -> NDArray[np.float32]:
    rows = read_subset(problem, subset)
    assert isinstance(rows.features, pd.DataFrame)
    return rows.features[MEAN].to_numpy()


def codes_and_targets(problem: Problem, subset: str) -> tuple[NDArray[Any], NDArray[Any]]:
    features = read_subset(problem, subset).features
    assert isinstance(features, pd.DataFrame)
    return features[["zone"]].to_numpy(), read_targets(problem, subset)["main_output"].to_numpy()


@pytest.mark.parametrize("task", ["regression", "two"])
def test_new_rows_get_the_means_of_scikit_learn(task: str) -> None:
    problem = prepare_fares(task=task)
    assert problem.numbers == ["distance", MEAN]
    encoder = TargetEncoder(target_type="continuous")
    encoder.fit(*codes_and_targets(problem, "train"))
    for subset in ("valid", "test"):
        codes, _ = codes_and_targets(problem, subset)
        np.testing.assert_allclose(feature(problem, subset), encoder.transform(codes)[:, 0], 1e-6)


def test_a_training_row_gets_means_of_other_rows() -> None:
    row = int(read_targets(prepare_fares(), "train")["row"].iloc[0])
    before = feature(Problem.read("made"), "train")
    after = feature(prepare_fares(changed=row), "train")
    zones = codes_and_targets(Problem.read("made"), "train")[0][:, 0]
    same = before == after
    assert same[0]
    of_zone = zones == zones[0]
    assert 0.6 < 1 - same[of_zone].mean() < 0.95  # four of five folds
    assert (np.abs(after - before)[of_zone & ~same] > 5).all()
    assert len(np.unique(before[of_zone])) == 5


def test_rows_of_a_key_are_in_one_fold() -> None:
    problem = prepare_fares("split.key=[driver]", "split.shuffle=true", missing=0.0)
    table = pd.read_parquet("data/raw/made/data.parquet")
    drivers = table["driver"][read_targets(problem, "train")["row"]].to_numpy()
    zones = codes_and_targets(problem, "train")[0][:, 0]
    found = pd.DataFrame({"driver": drivers, "zone": zones, "mean": feature(problem, "train")})
    assert set(found.groupby(["driver", "zone"])["mean"].nunique()) == {1}
    assert set(found.groupby("zone")["mean"].nunique()) == {5}


@pytest.mark.parametrize(
    ("task", "setting"), [("three", "5"), ("regression", "null"), ("regression", str(ZONES + 1))]
)
def test_without_means(task: str, setting: str) -> None:
    problem = prepare_fares(f"scale.target_encoding={setting}", task=task)
    assert problem.numbers == ["distance"]
    assert Encoder.read("made").target_means == []


def test_each_path_has_the_means_of_its_categories() -> None:
    dataset: dict[str, Any] = {"task": "regression", "target": "fare", "exclude": ["driver"]}
    paths = {"wide": ["zone"], "deep": ["distance"], "source": {"_target_": f"{__name__}.fares"}}
    prepare_config(made_config(dataset | paths, "scale.target_encoding=5"))
    problem = Problem.read("made")
    assert (problem.wide, problem.deep) == (["zone", MEAN], ["distance"])
    assert problem.columns_of("wide_input") == [MEAN]
    assert Encoder.read("made").raw_columns[MEAN] == "zone"
    assert problem.edges[MEAN][0] < problem.edges[MEAN][-1]
    assert not Path("data/scaled/made/encoder.json").read_text().count("NaN")
