"""`fathom predict`: predictions for files never seen, as a user calls it."""

import gzip
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
from exports import ADULTS, CALIFORNIA, DIGITS, exported_networks, loaded
from PIL import Image
from stages import run_command

from fathom.artifacts.signature import InputColumn, Signature
from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.base.files import read_array, read_table
from fathom.predict import table_rows
from fathom.predict.model_inputs import check_names, model_inputs
from fathom.predict.options import Options
from fathom.predict.predict import Done, predict
from fathom.predict.unusual import find_unusual

NAN = float("nan")


MODELS = {name.split("/")[0]: name for name in (CALIFORNIA, ADULTS, DIGITS)}


@pytest.fixture(scope="module")
def project(pipeline: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with exported networks of tables and of images. Read it alone."""
    return exported_networks(pipeline, tmp_path_factory)


@pytest.fixture(autouse=True)
def in_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")  # as the command sets it: undone afterwards


def test_rows(dataset: str) -> pd.DataFrame:
    """Return the raw rows of the test part."""
    rows = pd.read_parquet(paths.predictions(*MODELS[dataset].split("/")))["row"]
    raw = read_table(paths.raw(dataset) / "data.parquet", "")
    return raw.iloc[rows].reset_index(drop=True)


test_rows.__test__ = False  # type: ignore[attr-defined]


def pipeline(dataset: str) -> pd.DataFrame:
    """Return what the pipeline predicts for the test part."""
    return pd.read_parquet(paths.predictions(*MODELS[dataset].split("/")))


def predicted(dataset: str, path: Path, output: Path, **options: Any) -> tuple[pd.DataFrame, Done]:
    """Predict for a file in this process; return what was written."""
    exported_model = loaded((paths.EXPORTS / MODELS[dataset]).resolve())
    done = predict(exported_model, path, output, Options(**options), told.append, progress.append)
    read = pd.read_parquet if output.suffix == ".parquet" else pd.read_csv
    return read(output), done


told: list[str] = []
progress: list[int] = []


@pytest.fixture(autouse=True)
def nothing_told() -> None:
    told.clear()
    progress.clear()


# The command, on rows of files.


def test_a_csv_file_keeps_its_rows_columns_and_texts(tmp_path: Path) -> None:
    rows = test_rows("california_housing").drop(columns="MedHouseVal")
    rows.insert(0, "id", [f"{number:06d}" for number in range(len(rows))])
    rows["remark"] = 'said "so", and left'
    rows.to_csv(tmp_path / "new.csv", index=False)
    out = tmp_path / "out.csv"
    done = run_command("predict", f"exports/{CALIFORNIA}", tmp_path / "new.csv", "-o", out)
    assert done.status == 0
    found = pd.read_csv(out, dtype={"id": str})
    pd.testing.assert_frame_equal(found[rows.columns], rows)
    wanted = pipeline("california_housing")
    np.testing.assert_allclose(found["predicted"], wanted["predicted"], atol=2e-5)
    np.testing.assert_allclose(found["aux_predicted"], wanted["aux_predicted"], atol=2e-5)
    assert list(found)[-4:] == ["predicted", "predicted_low", "predicted_high", "aux_predicted"]
    assert (found["predicted_low"] < found["predicted"]).all()
    assert done.err.splitlines() == [
        "kept, but not used by the model: id, remark",
        "5,160 rows, 3 of which hold what training did not see (--flag says which)",
    ]
    assert done.out == ""


def test_standard_input_to_standard_output() -> None:
    rows = test_rows("adult_census").head(50)
    rows.loc[3, "workclass"] = "Space pilot"
    rows.loc[4, "age"] = 140
    rows.loc[5, "occupation"] = None
    given = rows.drop(columns=["class"]).to_csv(index=False).encode()
    done = run_command("predict", ADULTS, "-", "--output", "-", "--flag", stdin=given)
    assert done.status == 0
    lines = done.out.splitlines()
    assert len(lines) == 51
    found = pd.DataFrame([line.split(",") for line in lines[1:]], columns=lines[0].split(","))
    assert found.loc[3, "unusual"] == "workclass not seen in training"
    assert found.loc[4, "unusual"] == "age above 90"
    assert found.loc[5, "unusual"] == ""  # training rows lack some, too
    wanted = pipeline("adult_census").head(50)
    untouched = [n for n in range(50) if n not in (3, 4, 5)]
    for name in ("probability_<=50K", "probability_>50K"):
        np.testing.assert_allclose(
            found[name].astype(float)[untouched], wanted[name][untouched], atol=1e-5
        )
    assert list(found["predicted"][untouched]) == list(wanted["predicted"][untouched])


@pytest.mark.slow
def test_the_command_in_a_pipe() -> None:
    """In a process of its own it prints the same, and TensorFlow prints nothing."""
    given = test_rows("adult_census").head(50).to_csv(index=False).encode()
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
    rows = test_rows("adult_census")
    rows["when"] = pd.Timestamp("2020-02-29 12:00")
    rows.to_parquet(tmp_path / "new.parquet")
    found, done = predicted("adult_census", tmp_path / "new.parquet", tmp_path / "out.parquet")
    assert done.rows == len(rows)
    pd.testing.assert_frame_equal(found[rows.columns], rows)
    wanted = pipeline("adult_census")
    assert (found["predicted"] == wanted["predicted"]).mean() > 0.999  # but for ties in float32
    np.testing.assert_allclose(found["probability_>50K"], wanted["probability_>50K"], atol=1e-5)
    np.testing.assert_allclose(
        found["probability"], found[["probability_<=50K", "probability_>50K"]].max(axis=1)
    )


def test_the_test_part_is_held_as_promised(tmp_path: Path) -> None:
    rows = test_rows("california_housing")
    rows.to_parquet(tmp_path / "new.parquet")
    found, _ = predicted("california_housing", tmp_path / "new.parquet", tmp_path / "out.parquet")
    held = rows["MedHouseVal"].between(found["predicted_low"], found["predicted_high"]).mean()
    metrics = json.loads(Path("metrics/california_housing/wide_deep.json").read_text())
    assert held == pytest.approx(metrics["interval"]["test"]["coverage"], abs=1e-3)
    assert 0.88 <= held <= 0.92
    signature = Signature.read(Path("exports/california_housing/wide_deep"))
    assert signature.interval is not None
    assert signature.interval.coverage == 0.9


@pytest.mark.parametrize("kind", ["semicolons", "gzip", "tsv", "feather", "latin-1"])
def test_files_of_every_kind(tmp_path: Path, kind: str) -> None:
    rows = test_rows("california_housing").head(300)
    wanted = pipeline("california_housing")["predicted"].head(300)
    if kind == "semicolons":
        file = tmp_path / "new.csv"
        rows.to_csv(file, index=False, sep=";", decimal=",")
    elif kind == "gzip":
        file = tmp_path / "new.csv.gz"
        file.write_bytes(gzip.compress(rows.to_csv(index=False).encode()))
    elif kind == "tsv":
        file = tmp_path / "new.tsv"
        rows.to_csv(file, index=False, sep="\t")
    elif kind == "feather":
        file = tmp_path / "new.feather"
        rows.to_feather(file)
    else:
        file = tmp_path / "new.csv"
        file.write_bytes(rows.assign(name="Größe").to_csv(index=False).encode("latin-1"))
    found, _ = predicted("california_housing", file, tmp_path / "out.csv")
    np.testing.assert_allclose(found["predicted"], wanted, atol=2e-5)


def test_a_file_is_read_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_rows, "BLOCK", 5_000)
    monkeypatch.setattr(table_rows, "ROW_GROUP", 100)
    rows = test_rows("california_housing").head(1000)
    rows.to_csv(tmp_path / "new.csv", index=False)
    rows.to_parquet(tmp_path / "new.parquet")
    wanted = pipeline("california_housing")["predicted"].head(1000)
    for suffix in ("csv", "parquet"):
        progress.clear()
        found, _ = predicted("california_housing", tmp_path / f"new.{suffix}", tmp_path / "out.csv")
        assert len(progress) > 9
        assert progress[-1] == 1000
        np.testing.assert_allclose(found["predicted"], wanted, atol=2e-5)


def test_a_bad_value_late_in_a_file_leaves_the_old_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_rows, "BLOCK", 5_000)
    rows = test_rows("california_housing").head(1000).astype({"AveRooms": object})
    rows.loc[900, "AveRooms"] = "many"
    rows.to_csv(tmp_path / "new.csv", index=False)
    out = tmp_path / "out.csv"
    out.write_text("old")
    with pytest.raises(FathomError) as refused:
        predicted("california_housing", tmp_path / "new.csv", out)
    assert str(refused.value) == (
        f"{tmp_path / 'new.csv'}: column 'AveRooms' holds 'many' in row 900, which is no number: "
        "correct it, or leave it empty if it is not known"
    )
    assert out.read_text() == "old"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["new.csv", "out.csv"]


# Images.


def digit_images() -> tuple[np.ndarray, pd.DataFrame]:
    wanted = pipeline("digits")
    return np.asarray(read_array(Path("data/raw/digits/images.npy"), "")[wanted["row"]]), wanted


@pytest.mark.parametrize("suffix", ["npz", "npy"])
def test_images_of_an_array(tmp_path: Path, suffix: str) -> None:
    images, wanted = digit_images()
    file = tmp_path / f"new.{suffix}"
    if suffix == "npz":
        np.savez_compressed(file, x_test=images, notes=np.arange(3))
    else:
        np.save(file, images[..., None])
    found, done = predicted("digits", file, tmp_path / "out.csv")
    assert done == Done(len(images), 0)
    assert list(found["row"]) == list(range(len(images)))
    assert list(found["predicted"].astype(str)) == list(wanted["predicted"])
    np.testing.assert_allclose(found["probability_3"], wanted["probability_3"], atol=1e-5)


def test_images_of_a_folder(tmp_path: Path) -> None:
    images, wanted = digit_images()
    folder = tmp_path / "new"
    for number, image in enumerate(images[:20]):
        file = folder / f"page {number // 7}" / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    found, _ = predicted("digits", folder, tmp_path / "out.csv", flag=True)
    assert list(found["file"]) == [f"page {n // 7}/{n}.png" for n in range(20)]
    assert list(found["predicted"].astype(str)) == list(wanted["predicted"][:20])
    one, _ = predicted("digits", folder / "page 0/3.png", tmp_path / "out.csv")
    assert list(one["file"]) == ["3.png"]
    assert str(one["predicted"][0]) == wanted["predicted"][3]


def test_images_brighter_than_those_trained_on_are_flagged(tmp_path: Path) -> None:
    images, _ = digit_images()
    images[1] = images[1] * 15
    np.save(tmp_path / "new.npy", images[:3])
    found, done = predicted("digits", tmp_path / "new.npy", tmp_path / "out.csv", flag=True)
    assert list(found["unusual"].fillna("")) == ["", "pixels above 16", ""]
    assert done == Done(3, 1)


# What is refused.


def california(tmp_path: Path, **changes: Any) -> Path:
    """Return a file of five rows, changed."""
    rows = test_rows("california_housing").drop(columns="MedHouseVal").head(5)
    rows.assign(**changes).to_csv(tmp_path / "new.csv", index=False)
    return tmp_path / "new.csv"


def refusal(dataset: str, path: Path, output: Path, **options: Any) -> str:
    with pytest.raises(FathomError) as refused:
        predicted(dataset, path, output, **options)
    return str(refused.value)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    file = california(tmp_path)
    pd.read_csv(file).drop(columns="Latitude").to_csv(file, index=False)
    assert refusal("california_housing", file, tmp_path / "out.csv") == (
        f"{file}: there is no column 'Latitude'"
    )


def test_a_renamed_column_is_guessed(tmp_path: Path) -> None:
    file = california(tmp_path)
    pd.read_csv(file).rename(columns={"MedInc": "med_inc", "AveOccup": "x"}).to_csv(
        file, index=False
    )
    assert refusal("california_housing", file, tmp_path / "out.csv") == (
        f"{file}: there is no column 'MedInc', nor 1 more that the model takes; did you mean "
        "med_inc?"
    )


def test_a_column_called_as_predictions_are_is_refused(tmp_path: Path) -> None:
    file = california(tmp_path, predicted=1)
    assert refusal("california_housing", file, tmp_path / "out.csv") == (
        f"{file}: there is a column 'predicted' already, as predictions are called: rename or "
        "remove it"
    )


@pytest.mark.parametrize(
    ("value", "why"), [("inf", "which is not finite"), ("1,5", "which is no number")]
)
def test_a_mistyped_value_is_named(tmp_path: Path, value: str, why: str) -> None:
    file = california(tmp_path, MedInc=["1", "2", value, "4", "5"])
    message = refusal("california_housing", file, tmp_path / "out.csv")
    assert message.startswith(f"{file}: column 'MedInc' holds ")
    assert f" in row 2, {why}: correct it, or leave it empty" in message


def test_other_refusals(tmp_path: Path) -> None:
    file = california(tmp_path)
    out = tmp_path / "out.csv"
    empty = tmp_path / "empty.csv"
    empty.write_text(file.read_text().splitlines()[0] + "\n")
    cases = {
        ("california_housing", file, tmp_path / "out.xlsx"): (
            f"--output: {tmp_path / 'out.xlsx'} must end in .csv or .parquet, or be -"
        ),
        ("california_housing", file, tmp_path / "no" / "out.csv"): (
            f"--output: there is no folder {tmp_path / 'no'}"
        ),
        ("california_housing", file, file): f"--output: {file} is the input: name another file",
        ("california_housing", empty, out): f"{empty} has no rows",
        ("digits", file, out): (
            f"{file}: images are read from .png, .jpg, .npz and .npy files, and from folders"
        ),
    }
    for (dataset, path, output), message in cases.items():
        assert refusal(dataset, path, output) == message
    assert refusal("california_housing", file, out, array="x") == (
        "--array: is for images, but the model takes the columns of a table"
    )
    assert refusal("digits", file, out, csv={"decimal": ","}) == (
        "--decimal: is for tables, but the model takes images"
    )


def test_images_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    Image.fromarray(np.zeros((9, 8), np.uint8)).save(tmp_path / "a.png")
    assert refusal("digits", tmp_path / "a.png", out) == (
        f"{tmp_path / 'a.png'} is 9 x 8 pixels (height x width), but the model takes 8 x 8: "
        "resize it"
    )
    np.savez(tmp_path / "two.npz", a=np.zeros((2, 8, 8), np.uint8), b=np.zeros(2))
    assert refusal("digits", tmp_path / "two.npz", out) == (
        f"{tmp_path / 'two.npz'} has the arrays 'a', 'b': name that of the images with --array"
    )
    assert refusal("digits", tmp_path / "two.npz", out, array="c") == (
        f"--array: {tmp_path / 'two.npz'} has no array 'c'; there are: a, b"
    )
    np.save(tmp_path / "colour.npy", np.zeros((2, 8, 8, 3), np.uint8))
    assert refusal("digits", tmp_path / "colour.npy", out) == (
        f"{tmp_path / 'colour.npy'} has images of shape (8, 8, 3), but the model takes (8, 8)"
    )
    (tmp_path / "none").mkdir()
    assert refusal("digits", tmp_path / "none", out) == (
        f"{tmp_path / 'none'} has no .png or .jpg files"
    )


def test_the_command_ends_with_one_line_and_status_1(tmp_path: Path) -> None:
    file = california(tmp_path)
    done = run_command("predict", tmp_path, file, "-o", tmp_path / "out.csv")
    assert (done.status, done.out) == (1, "")
    assert done.err == (
        f"fathom: {tmp_path} is no exported network, it has no SHA256SUMS: exports are made by "
        "`dvc repro` in exports/<dataset>/<model>\n"
    )


# Columns as the model takes them.


def signature(*columns: InputColumn) -> Signature:
    return Signature(
        dataset="d", model="m", kind="table", columns=list(columns), image=None, missing=[],
        outputs={}, interval=None, formats={}, versions={},
    )  # fmt: skip


def test_dates_texts_and_booleans_go_in_as_trained() -> None:
    takes = signature(
        InputColumn(name="when", input="when", kind="date", form="ISO8601", missing=False),
        InputColumn(name="day", input="day", kind="date", form="%d.%m.%Y", missing=False),
        InputColumn(name="yes", input="yes", kind="text", categories=["True"], missing=False),
        InputColumn(name="code", input="code", kind="text", categories=["007"], missing=False),
    )
    table = {
        "when": pd.Series(["1970-01-02", "1970-01-01T02:00:00+02:00", None]),
        "day": pd.Series(["02.01.1970", "31.12.1969", None]),
        "yes": pd.Series(["true", "FALSE", None]),
        "code": pd.Series(["007", "7", None]),
    }
    found = model_inputs(table, takes)
    np.testing.assert_array_equal(found["when"], [86_400.0, 0.0, NAN])
    np.testing.assert_array_equal(found["day"], [86_400.0, -86_400.0, NAN])
    assert list(found["yes"]) == ["True", "False", ""]
    assert list(found["code"]) == ["007", "7", ""]
    as_booleans = model_inputs(table | {"yes": pd.Series([True, False, True])}, takes)
    assert list(as_booleans["yes"]) == ["True", "False", "True"]


def test_a_wrong_date_is_named() -> None:
    takes = signature(InputColumn(name="when", input="w", kind="date", form="%Y", missing=False))
    with pytest.raises(FathomError) as refused:
        model_inputs({"when": pd.Series(["2020", "soon"])}, takes, first=10)
    assert str(refused.value) == (
        "column 'when' holds 'soon' in row 11, which is no date of the format '%Y': correct it, or "
        "leave it empty if it is not known"
    )


def test_columns_beside_those_of_the_model_are_told() -> None:
    takes = signature(InputColumn(name="a", input="a", kind="number", missing=False))
    assert check_names(["z", "a", "b"], takes) == ["z", "b"]


def test_unusual_rows_say_why() -> None:
    takes = signature(
        InputColumn(name="n", input="n", kind="number", low=0, high=2.5, missing=False),
        InputColumn(name="k", input="k", kind="number", categories=["1", "2"], missing=True),
        InputColumn(name="t", input="t", kind="text", categories=["x"], missing=False),
        InputColumn(name="d", input="d", kind="date", low=0, high=86_400, missing=False),
    )
    inputs = {
        "n": np.array([0.0, -1.0, 3.0, NAN]),
        "k": np.array([1.0, NAN, 3.0, 2.0]),
        "t": np.array(["x", "y", "", "x"], dtype=object),
        "d": np.array([0.0, 86_400.0, -1.0, 86_401.0]),
    }
    assert list(find_unusual(inputs, takes)) == [
        "",
        "n below 0; t not seen in training",
        "n above 2.5; k not seen in training; t missing; d below 1970-01-01 00:00:00",
        "n missing; d above 1970-01-02 00:00:00",
    ]
