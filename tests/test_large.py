"""Tables that are read block by block give the same results as in memory."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml
from conftest import ROOT, dataset_config
from own_tables import every_kind
from pandas.testing import assert_frame_equal
from pyarrow import parquet
from stages import write_dataset

from fathom.artifacts.problem import Problem
from fathom.artifacts.raw_table import read_raw_rows
from fathom.artifacts.schema import Schema
from fathom.base import paths
from fathom.base.blocks import evenly_spaced
from fathom.base.errors import FathomError
from fathom.base.files import read_json
from fathom.check.check import check
from fathom.download.download import download
from fathom.download.parquet_files import parquet_table
from fathom.download.table_files import read_table_file
from fathom.scale.scale import scale
from fathom.split.split import split

ROWS = 3_000
EVERYTHING = {
    "auxiliary": "rooms",
    "sample_weight": "weight",
    "exclude": ["id"],
    "categories": ["level", "sold_month"],
    "buckets": {"size": 7, "rent": 4},
    "crosses": [["size", "rent"], ["town", "level", "sold_month"]],
    "cross_size": 40,
}


def table() -> pd.DataFrame:
    """Return a table of every kind of column, with missing values, also of the target."""
    rng = np.random.default_rng(3)
    made = every_kind(rng, ROWS, missing=0.2, rooms=4)
    made["level"] = rng.choice([1.0, 2.0, 2.5, np.nan], ROWS)
    made["garden"] = rng.random(ROWS) < 0.5
    made["weight"] = rng.random(ROWS)
    made["id"] = np.arange(ROWS) // 3
    made["y"] = (made["rent"] * made["rooms"]).where(rng.random(ROWS) < 0.9)
    return made


def add(folder: Path, made: pd.DataFrame, settings: dict[str, Any]) -> None:
    """Make the data set `made` of Parquet files in `data/own/made`."""
    own = folder / "data/own/made"
    own.mkdir(parents=True, exist_ok=True)
    for number, start in enumerate(range(0, len(made), 1_000)):
        made.iloc[start : start + 1_000].to_parquet(own / f"{number}.parquet", index=False)
    source = {"_target_": "fathom.download.sources.table_file", "file": "data/own/made"}
    dataset = {"source": source, "task": "regression", "target": "y"} | settings
    write_dataset(folder, "made", dataset)


def make_large(patch: pytest.MonkeyPatch) -> None:
    """Take every table for a large one, of which so few rows are read at a time."""
    for module in ("artifacts.schema", "download.sources"):
        patch.setattr(f"fathom.{module}.LARGE", 0)
    for module in ("base.tables", "download.parquet_files"):
        patch.setattr(f"fathom.{module}.BLOCK", 700)
    patch.setattr("fathom.base.tables.ROW_GROUP", 256)


def download_and_split(*overrides: str) -> dict[str, Any]:
    """Return the numbers of the rows of each subset."""
    config = dataset_config("made", *overrides)
    download(config)
    return dict(split(config))


def scaled(*overrides: str) -> dict[str, Any]:
    """Run the stages up to `scale` and return all that they wrote."""
    download_and_split(*overrides)
    scale(dataset_config("made", *overrides))
    found: dict[str, Any] = {"problem": Problem.read("made")}
    for folder in (paths.raw("made"), paths.split("made"), paths.scaled("made")):
        for file in sorted(folder.iterdir()):
            read: dict[str, Any] = {".parquet": pd.read_parquet, ".npy": np.load}
            found[str(file)] = read.get(file.suffix, partial(read_json, made_by=""))(file)
    return found


@pytest.mark.parametrize("method", ["zscore", "minmax", "robust", "quantile", "none"])
def test_equals_what_it_is_in_memory(workspace: Path, method: str) -> None:
    add(workspace, table(), EVERYTHING)
    settings = [f"scale.features={method}", "scale.clip=3.0", "split.hash=true"]
    in_memory = scaled(*settings)
    with pytest.MonkeyPatch.context() as patch:
        make_large(patch)
        assert Schema.read("made").is_large
        large = scaled(*settings)
    assert list(large) == list(in_memory)
    for name, found in large.items():
        if isinstance(found, pd.DataFrame):
            assert_frame_equal(found, in_memory[name], obj=name)
        else:
            np.testing.assert_equal(found, in_memory[name], err_msg=name)


def test_rows_of_a_large_table(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row groups have one size, statistics come from rows at equal distances."""
    add(workspace, table(), EVERYTHING)
    make_large(monkeypatch)
    monkeypatch.setattr("fathom.artifacts.raw_table.FITTED_ROWS", 500)
    found = scaled()
    file = parquet.ParquetFile("data/scaled/made/train_features.parquet")
    sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    assert set(sizes[:-1]) == {256}
    assert len(sizes) > 5
    scaler = found["data/scaled/made/scaler.json"]["targets"]["main_output"]
    rows = found["data/split/made/train.npy"]
    assert len(rows) > 1_000
    drawn = rows[evenly_spaced(len(rows), 500)]
    assert scaler["center"] == [table()["y"].iloc[drawn].mean()]
    some = np.array([2_900, 3, 255, 256, 3])
    expected = table().iloc[some][["id", "town"]]
    assert_frame_equal(read_raw_rows("made", some, ["id", "town"]), expected)


def test_files_of_a_folder_are_one_table(tmp_path: Path) -> None:
    blocks = [
        pa.table({"n": pa.array([1, 2], pa.int32()), "t": ["a", "?"], "b": [True, False]}),
        pa.table({"n": pa.array([None, 4], pa.int64()), "t": ["c", None], "b": [None, True]}),
        pa.table({"n": [0.5, 6.0], "t": ["e", "f"], "b": [True, True]}),
    ]
    for number, block in enumerate(blocks):
        parquet.write_table(block, tmp_path / f"{number}.parquet")
    whole = tmp_path / "whole.pq"
    parquet.write_table(pa.concat_tables(blocks, promote_options="permissive"), whole)
    expected = read_table_file(whole, missing=["?"])
    whole.unlink()
    found = pd.concat(parquet_table(tmp_path).blocks(missing=["?"]))
    assert_frame_equal(found, expected)
    assert found["b"].tolist()[:2] == ["True", "False"]


def test_whole_numbers_beyond_int64(tmp_path: Path) -> None:
    for number, value in enumerate((1, 2**63 + 2048)):
        block = pa.table({"n": pa.array([value], pa.uint64())})
        parquet.write_table(block, tmp_path / f"{number}.parquet")
    assert pd.concat(parquet_table(tmp_path).blocks())["n"].tolist() == [1.0, 2.0**63 + 2048]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (
            pa.table({"n": [1], "z": [2]}),
            "1.parquet and 0.parquet have different columns: only one of them has 'z'",
        ),
        (pa.table({"n": pa.array([], pa.int64())}), "1.parquet has no rows"),
        (None, ". contains no .parquet or .pq files"),
        (
            pa.table({"n": pa.array([b"x"])}),
            "a column of 0.parquet has an incompatible type in another file: Unable to "
            "merge: Field n has incompatible types: int64 vs binary",
        ),
    ],
)
def test_refuses_files_that_are_no_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: pa.Table | None, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if second is not None:
        parquet.write_table(pa.table({"n": [1]}), "0.parquet")
        parquet.write_table(second, "1.parquet")
    with pytest.raises(FathomError) as caught:
        parquet_table(Path())
    assert str(caught.value) == message


def test_a_row_stays_in_its_subset_when_the_table_grows(workspace: Path) -> None:
    subsets = []
    for rows in (2_000, ROWS):
        add(workspace, table().iloc[:rows], {})
        found = download_and_split("split.hash=true")
        subsets.append({subset: set(rows.tolist()) for subset, rows in found.items()})
    before, after = subsets
    for subset in paths.SUBSETS:
        assert before[subset] == {row for row in after[subset] if row < 2_000}
    labelled = int(table()["y"].notna().sum())
    assert sum(map(len, after.values())) == labelled
    for subset, share in (("test", 0.25), ("valid", 0.1875)):
        assert len(after[subset]) / labelled == pytest.approx(share, abs=0.03)


def test_another_seed_and_a_key_change_a_split(workspace: Path) -> None:
    add(workspace, table(), {})
    one, two = (
        set(download_and_split("split.hash=true", f"split.seed={seed}")["test"].tolist())
        for seed in (1, 2)
    )
    assert len(one & two) / len(one) == pytest.approx(0.25, abs=0.05)
    subsets = download_and_split("split.key=[id]").values()
    keys = [set(table()["id"].iloc[rows]) for rows in subsets]
    assert len(set().union(*keys)) == sum(map(len, keys))


def test_own_test_rows_stay_when_rows_are_hashed(workspace: Path) -> None:
    whole = table()
    whole["y"] = whole["y"].fillna(0)
    add(workspace, whole.iloc[:2_000], {})
    whole.iloc[2_000:].to_parquet("data/own/last.parquet", index=False)
    file = workspace / "conf/dataset/made.yaml"
    both = "data/own/made\n    test_file: data/own/last.parquet"
    file.write_text(file.read_text().replace("data/own/made", both))
    subsets = download_and_split("split.hash=true", "split.test=own")
    assert subsets["test"].tolist() == list(range(2_000, ROWS))
    assert len(subsets["valid"]) / ROWS == pytest.approx(0.1875, abs=0.03)


def test_refuses_what_cannot_be_hashed(workspace: Path) -> None:
    add(workspace, table(), {})
    download(dataset_config("made"))
    refusals = yaml.safe_load((ROOT / "tests/refusals.yaml").read_text())["split"]
    for overrides, message in refusals.items():
        with pytest.raises(FathomError) as caught:
            split(dataset_config("made", *overrides.split()))
        assert str(caught.value) == message
    assert not Path("data/split/made").exists()


def test_checks_a_sample_that_keeps_copies(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = table().assign(y=lambda rows: rows["y"].fillna(0))
    copies = pd.concat([made, made.iloc[:600]], ignore_index=True)
    add(workspace, copies, {"exclude": ["id"]})
    make_large(monkeypatch)
    monkeypatch.setattr("fathom.check.subsets.SAMPLE_ROWS", 1_500)
    download_and_split()
    first = check(dataset_config("made")).warnings[0]
    assert first.kind == "duplicates"
    sample = int(first.sentence.split()[4].replace(",", ""))
    assert 1_000 < sample < 1_500
    assert first.sentence.startswith(f"in a sample of {sample:,} of 3,600 rows: ")
    # A sixth of all rows are copies, and in half of the cases of a row in the training set.
    assert first.figures["rows"] / first.figures["of"] == pytest.approx(0.19, abs=0.06)
