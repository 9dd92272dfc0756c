"""`bench/tables.py`: tables of a folder, comparison of networks with boosting, and differences."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from boosting import BOOSTING
from table_report import report
from table_results import (
    BEST,
    SINGLE,
    compare_errors,
    count_verdicts,
    differences,
    make_entry,
    mean_ranks,
)
from tables import find_tables

ROWS = 400
RMSE = {name: 2.0 + place for place, name in enumerate(BOOSTING)}  # on test rows


def test_targets_of_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, size in {"b.csv.gz": 3, "a.csv": 2, "bike.csv": 4, "c.csv": 1}.items():
        (tmp_path / name).write_bytes(b"x" * size)
    targets = {"a": "y", "b.csv.gz": "z", "bike": "count", "missing": "y"}
    (tmp_path / "targets.json").write_text(json.dumps(targets))
    found = find_tables(tmp_path, ["bike"])
    paths = [tmp_path / name for name in ("a.csv", "b.csv.gz", "bike.csv")]
    assert list(found.items()) == [
        ("a", (paths[0], "y")),
        ("b", (paths[1], "z")),
        ("bike_file", (paths[2], "count")),
    ]
    message = f"{tmp_path / 'c.csv'}: skipped, since targets.json has no target of it\n"
    assert capsys.readouterr().err == message


def test_targets_of_a_folder_without_a_file(tmp_path: Path) -> None:
    (tmp_path / "mpg.csv.gz").touch()
    assert find_tables(tmp_path, []) == {"mpg": (tmp_path / "mpg.csv.gz", "mpg")}


def run(test: dict[str, float], valid: dict[str, float], seed: int) -> tuple[Any, pd.DataFrame]:
    """Return what `table_runs.py` writes for a split, for competitors with these RMSEs.

    The networks are those in `valid`; each of their runs by itself has a test RMSE higher by 1.
    """
    noise = np.random.default_rng(seed).chisquare(1, ROWS)
    errors = {name: noise * rmse**2 / noise.mean() for name, rmse in test.items()}
    competitors: dict[str, Any] = {}
    for name, rmse in test.items():
        values = {"valid": valid.get(name, 0.0), "test": rmse, "seconds": 1.5}
        single = {"single": values | {"test": rmse + 1}} if name in valid else {"cached": True}
        competitors[name] = values | single
    rows = {"train": 900, "valid": 200, "test": ROWS}
    description = {"metric": "rmse", "rows": rows, "cores": 2, "competitors": competitors}
    return description, pd.DataFrame({"row": np.arange(ROWS) + seed, **errors})


def test_ranks_and_verdicts_of_the_best_network_on_validation_rows() -> None:
    # The network with the lower RMSE on validation rows is the best, whatever test rows say.
    first = run({**RMSE, "mlp": 3.5, "selu": 1.0}, {"mlp": 0.1, "selu": 0.2}, seed=0)
    second = run({**RMSE, "mlp": 0.5, "selu": 4.0}, {"mlp": 0.2, "selu": 0.1}, seed=1)
    entries = {"a": make_entry({42: first, 43: second})}
    splits = entries["a"]["splits"]
    assert {seed: split["best"] for seed, split in splits.items()} == {"42": "mlp", "43": "selu"}
    assert [split["competitors"][BEST]["test"] for split in splits.values()] == [3.5, 4.0]
    assert [split["competitors"][SINGLE]["test"] for split in splits.values()] == [4.5, 5.0]
    ranks = mean_ranks(entries)
    # Third, and equal with the third of boosting: (3 + 3.5) / 2. The last is behind one network.
    assert ranks[BEST] == 3.25
    assert ranks[BOOSTING[-1]] == 8
    assert mean_ranks(entries, SINGLE)[SINGLE] == (4 + 4.5) / 2
    assert splits["43"]["verdicts"][BOOSTING[2]] == "can't be told apart"
    assert splits["42"]["verdicts"][BOOSTING[2]] == "better"
    assert entries["a"]["verdicts"][BOOSTING[0]]["verdict"] == "worse"
    both = entries | {"b": make_entry({42: first})}
    assert count_verdicts(both, BOOSTING[-1]) == {"better": 2}
    assert count_verdicts(both, BOOSTING[2]) == {"better": 2}


def test_rows_of_several_splits_are_resampled_together() -> None:
    _, errors = run({BEST: 1.0, "HistGB": 1.01}, {}, seed=0)
    thrice = pd.concat([errors] * 3)
    once, again = (compare_errors(each, "rmse")["HistGB"] for each in (errors, thrice))
    assert once.pop("verdict") == again.pop("verdict") == "better"
    assert once == pytest.approx(again)
    assert once.keys() == {"difference", "low", "high", "p"}


def test_report_marks_verdicts() -> None:
    entry = make_entry({42: run({**RMSE, "mlp": 3.5}, {"mlp": 0.1}, seed=0)})
    page = report({"a": entry})
    marked = (
        "3.500 | 3.500 | 4.500 | **2.000** − | 3.000 − | 4.000 + | 5.000 + | 6.000 + | 7.000 + |"
    )
    assert f"| a | 1,500 | 1 | RMSE | {marked}" in page
    assert "| CatBoost es | 8.00 | 1 | 0 | 0 |" in page
    assert "| a | 1.5 | 1.5 | 1.5 | 1.5* |" in page


def test_differences_from_the_last_run() -> None:
    before = {"a": make_entry({42: run({"mlp": 2.0}, {"mlp": 0.5}, seed=0)})}
    now = {"a": make_entry({42: run({"mlp": 2.1, "selu": 1}, {"mlp": 0.5, "selu": 9}, seed=0)})}
    assert differences(before, before, "test") == []
    assert differences(before, now, "test") == [
        ("a", BEST, "2.000", "2.100"),
        ("a", "mlp", "2.000", "2.100"),
        ("a", "selu", "–", "1.000"),
        ("a", SINGLE, "3.000", "3.100"),
    ]
    assert differences(before, now, "valid") == [("a", "selu", "–", "9.000")]
