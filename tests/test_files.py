"""Tables are written block by block, and read only where they are needed."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

from fathom.base.errors import FathomError
from fathom.base.tables import RowNumbers, TableWriter, count_rows, read_table, write_table


@pytest.fixture
def table() -> pd.DataFrame:
    generator = np.random.default_rng(1)
    names = pd.array(["a", "bb"], dtype="str").take(generator.integers(2, size=1000))
    numbers = generator.normal(size=1000)
    return pd.DataFrame({"number": np.arange(1000), "name": names, "x": numbers})


def test_blocks_make_the_same_file_as_the_whole_table(table: pd.DataFrame, tmp_path: Path) -> None:
    whole, blocks = tmp_path / "whole.parquet", tmp_path / "blocks.parquet"
    write_table(whole, table)
    with TableWriter(blocks) as writer:
        for start in range(0, 1000, 300):
            writer.write(table[start : start + 300])
    assert blocks.read_bytes() == whole.read_bytes()
    pd.testing.assert_frame_equal(read_table(blocks, "scale"), table)
    assert count_rows(blocks, "scale") == 1000


def test_files_have_row_groups(
    table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fathom.base.tables.ROW_GROUP", 100)
    file = tmp_path / "table.parquet"
    write_table(file, table)
    assert parquet.ParquetFile(file).num_row_groups == 10


@pytest.mark.parametrize(
    "rows",
    [
        range(1000), range(99, 101), range(250, 251), np.arange(1000), np.array([999]),
        np.array([700, 3, 701, 0, 3, 999, 100, 99]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("columns", [None, ["x", "number"]])
def test_some_rows(
    table: pd.DataFrame, tmp_path: Path, rows: RowNumbers, columns: list[str] | None
) -> None:
    file = tmp_path / "table.parquet"
    table.to_parquet(file, index=False, row_group_size=100)
    expected = table[columns or [*table.columns]].iloc[list(rows)].reset_index(drop=True)
    pd.testing.assert_frame_equal(read_table(file, "scale", columns, rows), expected)


def test_missing_rows(table: pd.DataFrame, tmp_path: Path) -> None:
    file = tmp_path / "table.parquet"
    table.to_parquet(file, index=False)
    for rows in (range(990, 1001), np.array([3, 1000])):
        with pytest.raises(FathomError) as refused:
            read_table(file, "scale@houses", rows=rows)
        assert str(refused.value) == (
            f"{file} is damaged: delete it and make it again with `dvc repro scale@houses`"
        )
