"""`fathom predict` on tables, as a user calls it."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from exports import ADULTS, CALIFORNIA
from predictions import by_pipeline, by_predict, raw_rows, refusal
from predictions import in_project as in_project
from pyarrow import parquet as pq
from stages import run_command

from fathom.predict import table_rows


def test_a_csv_file_keeps_its_rows_columns_and_texts(tmp_path: Path) -> None:
    rows = raw_rows("california_housing").drop(columns="MedHouseVal")
    rows.insert(0, "id", [f"{number:06d}" for number in range(len(rows))])
    rows["remark"] = 'said "so", and left'
    rows.to_csv(tmp_path / "new.csv", index=False)
    out = tmp_path / "out.csv"
    done = run_command("predict", f"exports/{CALIFORNIA}", tmp_path / "new.csv", "-o", out)
    assert done.status == 0
    found = pd.read_csv(out, dtype={"id": str})
    pd.testing.assert_frame_equal(found[rows.columns], rows)
    wanted = by_pipeline("california_housing")
    np.testing.assert_allclose(found["predicted"], wanted["predicted"], atol=2e-5)
    np.testing.assert_allclose(found["aux_predicted"], wanted["aux_predicted"], atol=2e-5)
    assert list(found)[-4:] == ["predicted", "predicted_low", "predicted_high", "aux_predicted"]
    assert (found["predicted_low"] < found["predicted"]).all()
    prices = raw_rows("california_housing")["MedHouseVal"]
    coverage = prices.between(found["predicted_low"], found["predicted_high"]).mean()
    metrics = json.loads(Path(f"metrics/{CALIFORNIA}.json").read_text())["interval"]["test"]
    assert coverage == pytest.approx(metrics["coverage"], abs=1e-3)
    assert 0.88 <= coverage <= 0.92
    signature = json.loads(Path(f"exports/{CALIFORNIA}/signature.json").read_text())
    assert signature["interval"]["coverage"] == 0.9
    assert done.err.splitlines() == [
        "not used by the model: id, remark",
        "5,160 rows, 3 of them with values that training did not see (--flag marks them)",
    ]
    assert done.out == ""


def test_standard_input_to_standard_output() -> None:
    rows = raw_rows("adult_census").head(50)
    rows.loc[3, "workclass"] = "Space pilot"
    rows.loc[4, "age"] = 140
    rows.loc[5, "occupation"] = None
    given = rows.drop(columns="class").to_csv(index=False).encode()
    done = run_command("predict", ADULTS, "-", "--output", "-", "--flag", stdin=given)
    assert done.status == 0
    assert done.out.count("\n") == 51
    found = pd.read_csv(io.StringIO(done.out), keep_default_na=False)
    assert list(found["unusual"][3:6]) == ["workclass not seen in training", "age above 90", ""]
    wanted = by_pipeline("adult_census").head(50)
    found, wanted = found.drop([3, 4, 5]), wanted.drop([3, 4, 5])
    for name in ("probability_<=50K", "probability_>50K"):
        np.testing.assert_allclose(found[name].astype(float), wanted[name], atol=1e-5)
    assert list(found["predicted"]) == list(wanted["predicted"])


@pytest.mark.slow
def test_the_command_in_a_pipe() -> None:
    given = raw_rows("adult_census").head(50).to_csv(index=False).encode()
    arguments = ["predict", ADULTS, "-", "--output", "-"]
    done = subprocess.run(
        [sys.executable, "-m", "fathom", *arguments],
        input=given,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        check=True,
    )
    here = run_command(*arguments, stdin=given)
    assert (done.stdout.decode(), done.stderr.decode()) == (here.out, here.err)
    assert here.out.count("\n") == 51


def test_parquet_to_parquet(tmp_path: Path) -> None:
    rows = raw_rows("adult_census")
    rows["when"] = pd.Timestamp("2020-02-29 12:00")
    rows.to_parquet(tmp_path / "new.parquet")
    found, done = by_predict("adult_census", tmp_path / "new.parquet", tmp_path / "out.parquet")
    assert done.rows == len(rows)
    pd.testing.assert_frame_equal(found[rows.columns], rows)
    wanted = by_pipeline("adult_census")
    assert (found["predicted"] == wanted["predicted"]).mean() > 0.999  # but for ties in float32
    np.testing.assert_allclose(found["probability_>50K"], wanted["probability_>50K"], atol=1e-5)
    np.testing.assert_allclose(
        found["probability"], found[["probability_<=50K", "probability_>50K"]].max(axis=1)
    )
    sets = [text.split("; ") for text in found["predicted_set"]]
    covered = [actual in one for actual, one in zip(wanted["actual"], sets, strict=True)]
    metrics = json.loads(Path(f"metrics/{ADULTS}.json").read_text())["prediction_set"]["test"]
    assert np.mean(covered) == pytest.approx(metrics["coverage"], abs=0.001)
    assert np.mean(list(map(len, sets))) == pytest.approx(metrics["size"], abs=0.002)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("gzip.csv.gz", lambda rows, file: rows.to_csv(file, index=False)),
        ("tabs.tsv", lambda rows, file: rows.to_csv(file, index=False, sep="\t")),
        ("blanks.txt", lambda rows, file: rows.to_csv(file, index=False, sep=" ")),
        ("sep.csv", lambda rows, file: file.write_text("sep=|\n" + rows.to_csv(sep="|"))),
        ("f.feather", lambda rows, file: rows.to_feather(file)),
        ("latin-1.csv", lambda rows, file: rows.assign(n="Größe").to_csv(file, encoding="latin-1")),
    ],
)
def test_files_of_every_kind(tmp_path: Path, name: str, write: Any) -> None:
    file = tmp_path / name
    write(raw_rows("california_housing").head(300).rename_axis("row"), file)
    found, _ = by_predict("california_housing", file, tmp_path / "out.parquet")
    wanted = by_pipeline("california_housing")["predicted"].head(300)
    np.testing.assert_allclose(found["predicted"], wanted, atol=2e-5)


def test_a_file_is_read_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_rows, "BLOCK", 5_000)
    monkeypatch.setattr(table_rows, "ROW_GROUP", 100)
    rows = raw_rows("california_housing").head(1000)
    rows.to_csv(tmp_path / "new.csv", index=False)
    rows.to_parquet(tmp_path / "new.parquet")
    wanted = by_pipeline("california_housing")["predicted"].head(1000)
    for suffix in ("csv", "parquet"):
        out = tmp_path / "out.parquet"
        found, counts = by_predict("california_housing", tmp_path / f"new.{suffix}", out)
        assert pq.ParquetFile(out).num_row_groups > 9  # one for each block
        assert counts.rows == 1000
        np.testing.assert_allclose(found["predicted"], wanted, atol=2e-5)


def test_a_bad_value_late_in_a_file_leaves_the_old_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_rows, "BLOCK", 5_000)
    rows = raw_rows("california_housing").head(1000).astype({"AveRooms": object})
    rows.loc[900, "AveRooms"] = "many"
    rows.to_csv(tmp_path / "new.csv", index=False)
    out = tmp_path / "out.csv"
    out.write_text("old")
    assert refusal("california_housing", tmp_path / "new.csv", out) == (
        f"{tmp_path / 'new.csv'}: column 'AveRooms' holds 'many' in row 900, which is no number: "
        "correct it, or leave it empty if it is not known"
    )
    assert out.read_text() == "old"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["new.csv", "out.csv"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file of five rows."""
    rows = raw_rows("california_housing").drop(columns="MedHouseVal").head(5)
    rows.to_csv(tmp_path / "new.csv", index=False)
    return tmp_path / "new.csv"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.drop(columns="Latitude"), "there is no column 'Latitude'"),
        (
            lambda rows: rows.rename(columns={"MedInc": "med_inc", "AveOccup": "x"}),
            "there is no column 'MedInc', nor 1 more that the model takes; did you mean med_inc?",
        ),
        (
            lambda rows: rows.assign(predicted=1),
            "the column 'predicted' has the name of a prediction: rename or remove it",
        ),
        (lambda rows: rows.head(0), "there are no rows"),
        (
            lambda rows: rows.assign(MedInc=[1, 2, np.inf, 4, 5]),
            "column 'MedInc' holds 'inf' in row 2, which is no number: correct it, or leave it "
            "empty if it is not known",
        ),
    ],
)
def test_tables_refused(tmp_path: Path, file: Path, change: Any, message: str) -> None:
    change(pd.read_csv(file)).to_csv(file, index=False)
    out = tmp_path / "out.csv"
    assert refusal("california_housing", file, out) == f"{file}: {message}"
    assert not out.exists()


def test_options_that_do_not_fit(tmp_path: Path, file: Path) -> None:
    out = tmp_path / "out.csv"
    for output, message in {
        tmp_path / "out.xlsx": f"{tmp_path / 'out.xlsx'} must end in .csv or .parquet, or be -",
        tmp_path / "no" / "out.csv": f"there is no folder {tmp_path / 'no'}",
        file: f"{file} is the input: name another file",
    }.items():
        assert refusal("california_housing", file, output) == f"--output: {message}"
    assert refusal("california_housing", file, out, array="x") == (
        "--array: is for images, but the model takes the columns of a table"
    )
    assert refusal("digits", file, out, options={"decimal": ","}) == (
        "--decimal: is for tables, but the model takes images"
    )
    assert refusal("digits", file, out) == (
        f"{file}: images must be files (.png, .jpg, .bmp, .gif, .webp, .tif or .ppm; .npz "
        "or .npy), or a folder"
    )


def test_the_name_of_no_export_gets_the_nearest(in_project: Path, file: Path) -> None:
    done = run_command("predict", "california_housin/mlp", file, "-o", "out.csv")
    assert done.err.startswith(
        "fathom: there is no exported network california_housin/mlp; did you mean "
    )


def test_the_command_ends_with_one_line_and_status_1(tmp_path: Path, file: Path) -> None:
    done = run_command("predict", tmp_path, file, "-o", tmp_path / "out.csv")
    assert (done.status, done.out) == (1, "")
    assert done.err == (
        f"fathom: {tmp_path} is no exported network, it has no SHA256SUMS: exports are made by "
        "`dvc repro` in exports/<dataset>/<model>, unless export.keras is false\n"
    )


def test_predictions_are_written_as_the_numbers_of_the_file(tmp_path: Path) -> None:
    rows = raw_rows("california_housing").head(50)
    rows.to_csv(tmp_path / "new.csv", index=False, sep=";", decimal=",")
    out = tmp_path / "out.csv"
    by_predict("california_housing", tmp_path / "new.csv", out)
    assert "." not in out.read_text()
    found = pd.read_csv(out, sep=";", decimal=",")
    pd.testing.assert_frame_equal(found[rows.columns], rows)
    wanted = by_pipeline("california_housing")["predicted"].head(50)
    np.testing.assert_allclose(found["predicted"], wanted, atol=2e-5)
