"""An exported network gives for raw rows what the pipeline gives for scaled ones."""

import hashlib
import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnxruntime
import pandas as pd
import pytest
import tensorflow as tf
import yaml
from conftest import (
    LEAN,
    every_kind,
    export_network,
    network_config,
    prepare,
    work_in_copy,
)
from numpy.typing import NDArray
from scipy.special import ndtri  # type: ignore[import-untyped]
from stages import build_once

from fathom.artifacts.model_file import save_model
from fathom.artifacts.problem import Problem
from fathom.artifacts.raw_table import TableInMemory
from fathom.artifacts.scaled_data import Subset, read_scalers, read_subset, scaler_of
from fathom.artifacts.scalers import Scaler
from fathom.artifacts.schema import Schema
from fathom.artifacts.signature import (
    IMAGE,
    InputColumn,
    Signature,
    to_seconds,
)
from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.base.files import read_array, read_table
from fathom.download.sources import RawTable
from fathom.evaluate.intervals import fit_interval, measure_coverage
from fathom.export import lookups, scaling_ops
from fathom.export.export import export
from fathom.export.formats import KERAS, ONNX, SAVED_MODEL, write_onnx, write_saved_model
from fathom.export.input_columns import input_columns, input_name
from fathom.export.preprocessing import fold_images, fold_table, parts_of_date, reserved_names
from fathom.models import mlp, wide_deep
from fathom.models.layers import HiddenLayers
from fathom.models.names import input_names, output_names, unwrap
from fathom.models.number_embeddings import Fourier, NumberEmbeddings, Periodic
from fathom.predict.exported_model import ExportedModel
from fathom.predict.model_inputs import model_inputs
from fathom.scale.categories import Category, Cross
from fathom.scale.dates import Date
from fathom.scale.encoder import Encoder
from fathom.scale.numbers import Buckets

NAN = float("nan")
CLOSE = 1e-5  # of the largest prediction: what a network's float32 is worth

MADE = {
    "task": "regression",
    "target": "rent",
    "categories": ["rooms", "floor", "sold_month"],
    "buckets": {"size": 7},
    "crosses": [["size", "sold_month"], ["town", "rooms", "sold_month"]],
    "cross_size": 40,
}


def everything() -> RawTable:
    """Return a table of every kind of column, with missing values."""
    rng = np.random.default_rng(3)
    table = every_kind(rng, 600, missing=0.1, rooms=6)
    table["sold"] = table["sold"] + pd.to_timedelta(rng.integers(0, 86_400, 600), unit="s")
    table.loc[rng.random(600) < 0.05, "sold"] = pd.NaT
    table["of sale?"] = rng.random(600) < 0.3
    table["constant"] = 4.0
    table["floor"] = rng.choice([-1.0, 0.5, 2.0, NAN], 600)
    return RawTable(table, "the test", "0" * 64)


def add_made(folder: Path) -> None:
    source = {"_target_": f"{__name__}.everything"}
    text = "# @package _global_\n" + yaml.safe_dump({"dataset": MADE | {"source": source}})
    (folder / "conf/dataset/made.yaml").write_text(text)


@pytest.fixture(scope="module")
def ready(scaled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with settings and several data sets that are scaled. Read it alone."""

    def build(folder: Path) -> None:
        shutil.copytree(scaled, folder, dirs_exist_ok=True)
        add_made(folder)
        prepare(folder, ["adult_census", "bike", "diabetes"])

    return build_once(tmp_path_factory, "ready", build)


@pytest.fixture
def project(ready: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of it, made the working folder."""
    return work_in_copy(ready, tmp_path, monkeypatch)


WAVES = NumberEmbeddings(
    fourier=Fourier(frequencies=3, sigma=0.1), periodic=Periodic(frequencies=2, sigma=0.1, width=3)
)
NO_WAVES = NumberEmbeddings(fourier=None, periodic=None)
BUILDERS: dict[str, Callable[[Problem], keras.Model]] = {
    "mlp": partial(
        mlp.build,
        units=[8],
        activation="relu",
        kernel_initializer="he_normal",
        batch_normalization=True,
        dropout=0.2,
        l2=0.0,
        embedding="auto",
        numbers=NO_WAVES,
    ),
    "selu": partial(
        mlp.build,
        depth=3,
        width=8,
        activation="selu",
        kernel_initializer="lecun_normal",
        batch_normalization=False,
        dropout=0.1,
        dropout_layers=1,
        embedding="auto",
        numbers=NO_WAVES,
    ),
    "wide_deep": partial(
        wide_deep.build,
        wide=True,
        deep=HiddenLayers(
            units=[8],
            activation="relu",
            kernel_initializer="he_normal",
            batch_normalization=False,
            dropout=0.0,
            l2=0.0,
            embedding="auto",
            numbers=WAVES,
        ),
        auxiliary=True,
    ),
    "wide_only": partial(wide_deep.build, wide=True, deep=None, auxiliary=False),
}


def network(model: str, problem: Problem) -> keras.Model:
    """Return a network in which every weight counts."""
    built = BUILDERS[model](problem)
    rng = np.random.default_rng(0)
    for weight in built.weights:
        if weight.path.rpartition("/")[2] not in ("seed_generator_state", "moving_variance"):
            weight.assign(rng.normal(0, 0.5, weight.shape))
    return built


def of_pipeline(built: keras.Model, problem: Problem, part: Subset) -> dict[str, NDArray[Any]]:
    """Return by output what a network predicts for scaled rows, in the target's own unit."""
    outputs = built(unwrap(part.inputs(input_names(built), problem)), training=False)
    found = outputs if isinstance(outputs, list | tuple) else [outputs]
    named = {}
    for name, tensor in zip(output_names(built), found, strict=True):
        values = np.asarray(tensor)
        if problem.output(name).task == "regression":
            scaler = scaler_of(name, read_scalers(problem.dataset).targets)
            values = scaler.inverse(values.astype(np.float64))[:, 0]
        named[name] = values
    return named


def assert_alike(found: dict[str, Any], wanted: dict[str, NDArray[Any]]) -> None:
    assert set(found) == set(wanted)
    for name, values in wanted.items():
        scale = max(np.abs(values).max(), 1.0)
        np.testing.assert_allclose(np.asarray(found[name]), values, atol=CLOSE * scale, rtol=0)


TABLES = ["california_housing", "adult_census", "bike", "diabetes"]


@pytest.mark.parametrize("model", BUILDERS)
@pytest.mark.parametrize("dataset", TABLES)
def test_raw_rows_get_the_predictions_of_scaled_ones(
    project: Path, dataset: str, model: str
) -> None:
    problem = Problem.read(dataset)
    built = network(model, problem)
    folded, raw, columns = fold(built, problem)
    part = read_subset(problem, "test")
    inputs = inputs_of(raw.iloc[part.rows], columns, dataset)
    assert_alike(folded(inputs), of_pipeline(built, problem, part))


def fold(
    built: keras.Model, problem: Problem
) -> tuple[keras.Model, pd.DataFrame, list[InputColumn]]:
    """Return a network that takes raw rows, all raw rows, and the columns that it takes of them."""
    dataset = problem.dataset
    raw = read_table(paths.raw(dataset) / "data.parquet", "")
    columns = columns_of(dataset, raw, built)
    folded = fold_table(built, problem, columns, Encoder.read(dataset), read_scalers(dataset))
    return folded, raw, columns


def columns_of(dataset: str, raw: pd.DataFrame, built: keras.Model) -> list[InputColumn]:
    schema = Schema.read(dataset)
    table = TableInMemory(raw, {"train": np.arange(len(raw))})
    return input_columns(schema.columns, Encoder.read(dataset), table, reserved_names(built))


def inputs_of(rows: pd.DataFrame, columns: list[Any], dataset: str) -> dict[str, Any]:
    """Return raw rows as tensors that a folded model takes."""
    return tensors(arrays_of(rows, columns, dataset))


def tensors(arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    return {name: tf.constant(values) for name, values in arrays.items()}


def arrays_of(rows: pd.DataFrame, columns: list[Any], dataset: str) -> dict[str, NDArray[Any]]:
    """Return raw rows as arrays, as `fathom predict` makes them."""
    signature = Signature(
        dataset=dataset, model="m", kind="table", columns=columns, image=None, missing=[],
        outputs={}, interval=None, formats={}, versions={},
    )  # fmt: skip
    return model_inputs({str(n): rows[n] for n in rows}, signature)


@pytest.mark.parametrize("method", ["zscore", "minmax", "robust", "quantile", "none"])
def test_every_kind_of_column_is_folded_in(project: Path, method: str) -> None:
    prepare(project, ["made"], f"scale.features={method}", "scale.target=robust")
    problem = Problem.read("made")
    encoder = Encoder.read("made")
    assert encoder.dates
    assert any(number.indicator for number in encoder.numbers)
    assert any(crossed.combinations > crossed.size for crossed in encoder.crosses)
    built = network("wide_deep", problem)
    raw = read_table(Path("data/raw/made/data.parquet"), "")
    columns = columns_of("made", raw, built)
    folded = fold_table(built, problem, columns, encoder, read_scalers("made"))
    part = read_subset(problem, "train")
    found = folded(inputs_of(raw.iloc[part.rows], columns, "made"))
    assert_alike(found, of_pipeline(built, problem, part))


@pytest.mark.parametrize("pixels", ["together", "separately"])
@pytest.mark.parametrize("method", ["zscore", "quantile", "none"])
def test_raw_images_get_the_predictions_of_scaled_ones(
    project: Path, method: str, pixels: str
) -> None:
    prepare(project, ["digits"], f"scale.features={method}", f"scale.pixels={pixels}")
    problem = Problem.read("digits")
    built = network("wide_deep", problem)
    folded = fold_images(built, problem, "uint8", read_scalers("digits"))
    part = read_subset(problem, "test")
    images = read_array(paths.raw("digits") / "images.npy", "")[part.rows]
    found = folded({IMAGE: tf.constant(images)})
    assert_alike(found, of_pipeline(built, problem, part))


# The pieces, beside the libraries that they are to agree with.


def call(operation: Callable[..., Any], *values: NDArray[Any]) -> NDArray[Any]:
    """Return what an operation of Keras makes of arrays, through a saved and loaded model."""
    inputs = [keras.Input((), dtype=v.dtype.name, name=f"value_{n}") for n, v in enumerate(values)]
    model = keras.Model(unwrap(inputs), operation(*inputs))
    found = model(unwrap([tf.constant(v) for v in values]))
    return np.asarray(found)


def test_normal_quantiles_are_those_of_scipy() -> None:
    small = np.geomspace(1e-9, 0.5, 2000)
    probabilities = np.concatenate([small, 1 - small])
    found = call(scaling_ops.normal_quantile, probabilities)
    np.testing.assert_allclose(found, ndtri(probabilities), atol=1e-13, rtol=1e-13)


@pytest.mark.parametrize("method", ["zscore", "minmax", "robust", "quantile"])
def test_scaled_numbers_are_those_of_the_scaler(method: Any) -> None:
    rng = np.random.default_rng(1)
    training = rng.lognormal(size=(3000, 4))
    training[:800, 1] = 2.0  # many alike
    training[:, 2] = rng.integers(0, 5, 3000)
    training[:, 3] = 7.0  # constant
    scaler = Scaler.fit(method, training, list("abcd"), clip=3.0)
    new = np.concatenate([training, rng.normal(0, 9, (500, 4)), training.min(axis=0)[None]])
    given = keras.Input((4,), dtype="float64")
    found = keras.Model(given, scaling_ops.scaled(given, scaler))(tf.constant(new))
    np.testing.assert_allclose(found, scaler.transform(new), atol=1e-8, rtol=0)


def test_parts_of_dates_are_those_of_pandas() -> None:
    days = pd.date_range("1890-01-01", "2110-01-01", freq="7h13min11s").to_series(index=None)
    days = days.reset_index(drop=True).rename("sold")
    date = Date(
        column="sold",
        format="ISO8601",
        parts=["year", "month", "day", "day_of_week", "hour", "minute"],
    )
    given = keras.Input((), dtype="float64")
    model = keras.Model(given, parts_of_date(given, date))
    found = model(tf.constant(to_seconds(days).to_numpy()))
    for name, values in date.transform(days).items():
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize("size", [1, 7, 1000, 65_537])
def test_crosses_are_hashed_as_pandas_does(size: int) -> None:
    crossed = Cross(columns=["a", "b"], combinations=70_000**2, size=size)
    a, b = np.random.default_rng(2).integers(0, 70_000, (2, 5000)).astype(np.int32)
    found = call(lambda *codes: lookups.cross(list(codes), [70_000] * 2, crossed), a, b)
    np.testing.assert_array_equal(found, crossed.transform([a, b], [70_000] * 2))


@pytest.mark.parametrize("edges", [[], [1.5], [-3.0, 0.0, 0.1, 2.0]])
def test_buckets_are_those_of_the_encoder(edges: list[float]) -> None:
    buckets = Buckets(column="x", edges=edges)
    values = np.array([NAN, -np.inf, -3.0, -0.0, 0.1, np.nextafter(0.1, 0), 1.5, 2.0, np.inf])
    found = call(lambda x: lookups.bucket(x, buckets, "buckets.x"), values)
    np.testing.assert_array_equal(found, buckets.transform(pd.Series(values)))


@pytest.mark.parametrize("known", [["1", "2", "10"], [None, "-1", "0.5", "3"], [None], ["4"]])
def test_categories_of_numbers_are_those_of_the_encoder(known: list[str | None]) -> None:
    category = Category(column="x", values=known)
    values = np.array([NAN, -1.0, 0.5, 1.0, 2.0, 3.0, 4.0, 10.0, 11.0, 1e300, -1e300])
    found = call(lambda x: lookups.category_of_number(x, category, "category.x"), values)
    texts = pd.Series(values).map(lambda x: None if np.isnan(x) else f"{x:g}")
    np.testing.assert_array_equal(found, category.transform(texts))


@pytest.mark.parametrize(
    ("column", "taken", "name"),
    [
        ("MedInc", [], "MedInc"),
        ("capital-gain", [], "capital_gain"),
        ("capital_gain", ["capital_gain"], "capital_gain_2"),
        ("Größe (m²)", [], "Gr__e__m__"),
        ("floor", [], "column_floor"),
        ("stack_3", [], "column_stack_3"),
        ("2019", [], "column_2019"),
        ("_", [], "column__"),
    ],
)
def test_inputs_have_names_that_every_format_takes(
    column: str, taken: list[str], name: str
) -> None:
    built = keras.Sequential(name="mlp")
    assert input_name(column, taken, reserved_names(built)) == name


# Prediction intervals.


def test_intervals_hold_what_they_promise() -> None:
    rng = np.random.default_rng(5)
    predicted = rng.uniform(0, 10, 40_000)
    actual = predicted + rng.normal(0, 0.1 + predicted)
    for coverage in (0.5, 0.9, 0.99):
        interval = fit_interval(predicted[:20_000], actual[:20_000], coverage)
        assert interval is not None
        assert len(interval.half_widths) == 10
        held = measure_coverage(interval, [(actual[20_000:], predicted[20_000:])])
        assert held["coverage"] == pytest.approx(coverage, abs=0.01)
        for low, high in ((0, 1), (9, 10)):  # also where errors are small, and where they are large
            some = (predicted > low) & (predicted < high)
            few = measure_coverage(interval, [(actual[some], predicted[some])])
            assert few["coverage"] == pytest.approx(coverage, abs=0.03)


def test_an_interval_is_the_right_order_statistic() -> None:
    actual = np.arange(1.0, 20.0)  # 19 errors, of 1 to 19
    interval = fit_interval(np.zeros(19), actual, 0.9)
    assert interval is not None
    assert interval.half_widths == [18.0]  # the 18th of 20: at least 90 % of the next row's places
    assert fit_interval(np.zeros(8), actual[:8], 0.9) is None  # not even the largest would do


# The stage.


def raw_inputs(dataset: str, signature: Signature) -> tuple[dict[str, NDArray[Any]], pd.DataFrame]:
    """Return the raw test rows as the model takes them, and what the pipeline predicts for them."""
    predicted = pd.read_parquet(paths.predictions(dataset, signature.model))
    rows = predicted["row"].to_numpy()
    if signature.kind == "images":
        images = read_array(paths.raw(dataset) / "images.npy", "")
        return {IMAGE: np.asarray(images[rows])}, predicted
    raw = read_table(paths.raw(dataset) / "data.parquet", "").iloc[rows]
    return model_inputs({str(name): raw[name] for name in raw}, signature), predicted


def main_output(predicted: pd.DataFrame, signature: Signature) -> NDArray[np.float64]:
    classes = signature.main.classes
    if classes is None:
        return predicted["predicted"].to_numpy()
    return predicted[[f"probability_{name}" for name in classes]].to_numpy()


@pytest.fixture
def piped(pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of a folder in which every stage has run, made the working folder."""
    return work_in_copy(pipeline, tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def complete(pipeline: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an export in every format. Read it alone."""

    def build(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            work_in_copy(pipeline, folder, patch)
            export(network_config("california_housing", "mlp", *EVERY_FORMAT))

    return build_once(tmp_path_factory, "complete", build)


EVERY_FORMAT = ["export.saved_model=true", "export.onnx=true"]


def test_every_format_predicts_as_the_pipeline(
    complete: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(complete)
    assert_predicts_as_the_pipeline("california_housing", "mlp")


@pytest.mark.parametrize(
    ("dataset", "model"),
    [
        ("digits", "mlp"),
        pytest.param("digits", "wide_deep", marks=pytest.mark.slow),
        pytest.param("california_housing", "wide_deep", marks=pytest.mark.slow),
    ],
)
def test_every_format_of_other_networks(piped: Path, dataset: str, model: str) -> None:
    export(network_config(dataset, model, *EVERY_FORMAT))
    assert_predicts_as_the_pipeline(dataset, model)


@pytest.mark.slow
def test_every_format_of_an_ensemble(project: Path) -> None:
    export_network(
        "california_housing",
        "mlp",
        "model.numbers.fourier={frequencies: 3, sigma: 1.0}",
        "model.numbers.periodic={frequencies: 3, sigma: 0.1, width: 2}",
        "train.ensemble=true",
        "train.repeats=2",
    )
    assert_predicts_as_the_pipeline("california_housing", "mlp")


def assert_predicts_as_the_pipeline(dataset: str, model: str) -> None:
    """Compare the formats of a trained network's export with what `evaluate` predicted by it."""
    folder = paths.export(dataset, model)
    signature = Signature.read(folder)
    inputs, predicted = raw_inputs(dataset, signature)
    wanted = main_output(predicted, signature)
    close = {"atol": CLOSE * max(np.abs(wanted).max(), 1.0), "rtol": 0}
    np.testing.assert_allclose(
        ExportedModel(folder).predict(inputs)["main_output"], wanted, **close
    )
    for found in (by_saved_model(folder / SAVED_MODEL, inputs), by_onnx(folder / ONNX, inputs)):
        assert set(found) == set(signature.outputs)
        np.testing.assert_allclose(found["main_output"], wanted, **close)


def by_saved_model(folder: Path, inputs: dict[str, Any]) -> dict[str, Any]:
    saved = tf.saved_model.load(folder)
    return dict(saved.signatures["serving_default"](**tensors(inputs)))


def by_onnx(file: Path, inputs: dict[str, NDArray[Any]]) -> dict[str, Any]:
    session = onnxruntime.InferenceSession(file)
    assert {given.name for given in session.get_inputs()} == set(inputs)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


@pytest.mark.parametrize(
    ("dataset", "model"),
    [
        ("adult_census", "mlp"),
        pytest.param("adult_census", "wide_deep", marks=pytest.mark.slow),
        pytest.param("bike", "selu", marks=pytest.mark.slow),
        pytest.param("made", "wide_deep", marks=pytest.mark.slow),
    ],
)
def test_every_format_folds_every_kind_of_column(project: Path, dataset: str, model: str) -> None:
    """In networks that are not trained: those of the pipeline take numbers alone."""
    if dataset == "made":
        prepare(project, ["made"])
    problem = Problem.read(dataset)
    built = network(model, problem)
    folded, raw, columns = fold(built, problem)
    part = read_subset(problem, "test")
    wanted = of_pipeline(built, problem, part)
    inputs = arrays_of(raw.iloc[part.rows], columns, dataset)

    save_model(folded, project / KERAS)
    saved = keras.saving.load_model(project / KERAS, compile=False, safe_mode=True)
    assert_alike(saved(tensors(inputs)), wanted)
    write_saved_model(folded, project / SAVED_MODEL)
    assert_alike(by_saved_model(project / SAVED_MODEL, inputs), wanted)
    assert write_onnx(folded, project / ONNX) is None
    assert_alike(by_onnx(project / ONNX, inputs), wanted)


def test_an_export_says_all_that_its_user_needs(
    complete: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(complete)
    folder = paths.export("california_housing", "mlp")
    signature = Signature.read(folder)
    names = [column.name for column in signature.columns]
    raw = read_table(Path("data/raw/california_housing/data.parquet"), "")
    assert names == [name for name in raw if name != "MedHouseVal"]
    training = raw.iloc[np.load("data/split/california_housing/train.npy")]
    for column in signature.columns:
        assert (column.low, column.high) == (
            training[column.name].min(),
            training[column.name].max(),
        )
        assert column.kind == "number"
        assert not column.missing
    assert signature.formats == {
        "keras": "model.keras",
        "saved_model": "saved_model",
        "onnx": "model.onnx",
    }
    assert signature.main.unit == "$100k"
    figures = json.loads(Path("metrics/california_housing/mlp.json").read_text())
    card = (folder / "MODEL_CARD.md").read_text()
    for text in (
        "# Model card: mlp on california\\_housing",
        "predicts MedHouseVal ($100k) from 8 numbers of a row.",
        "Not to value houses",
        "| training | 11,610 |",
        f"| test part | {figures['test']['rmse']:#.4g} |",
        f"hold {100 * figures['interval']['test']['coverage']:.1f} % of the test",
        "| boosting, test part |",
        "Prices above $500,000",
        "keras 3.",
    ):
        assert text in card


def test_only_the_formats_asked_for_are_written(lean: Path) -> None:
    files = sorted(file.name for file in lean.iterdir())
    assert files == ["MODEL_CARD.md", "SHA256SUMS", "model.keras", "signature.json"]
    assert Signature.read(lean).formats == {"keras": "model.keras"}


def test_the_same_network_gives_the_same_model_file(lean: Path, piped: Path) -> None:
    export(network_config("digits", "mlp", *LEAN))
    again = (piped / "exports/digits/mlp/model.keras").read_bytes()
    assert again == (lean / "model.keras").read_bytes()


@pytest.fixture
def lean(pipeline: Path) -> Path:
    """Return an export of one format alone, which is in no test's own folder."""
    return pipeline / "exports/digits/mlp"


@pytest.mark.parametrize("name", ["model.keras", "signature.json", "MODEL_CARD.md"])
def test_a_changed_file_is_refused(lean: Path, tmp_path: Path, name: str) -> None:
    folder = copied(lean, tmp_path)
    with (folder / name).open("ab") as file:
        file.write(b" ")
    assert refusal(folder) == (
        f"{folder / name} is not the file that was exported, by SHA256SUMS: it was changed or "
        "damaged; export it anew"
    )


def test_a_missing_file_is_refused(lean: Path, tmp_path: Path) -> None:
    folder = copied(lean, tmp_path)
    (folder / "MODEL_CARD.md").unlink()
    assert refusal(folder) == (
        f"{folder / 'MODEL_CARD.md'} is missing, which SHA256SUMS lists: export it anew"
    )


def test_checksums_without_the_model_are_refused(lean: Path, tmp_path: Path) -> None:
    folder = copied(lean, tmp_path)
    sums = folder / "SHA256SUMS"
    lines = sums.read_text().splitlines(keepends=True)
    sums.write_text("".join(line for line in lines if "model.keras" not in line))
    assert refusal(folder) == f"{sums} does not list model.keras: export it anew"


def test_a_folder_that_is_no_export_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path) == (
        f"{tmp_path} is no exported network, it has no SHA256SUMS: exports are made by "
        "`dvc repro` in exports/<dataset>/<model>"
    )


def test_a_model_that_would_run_code_is_not_loaded(lean: Path, tmp_path: Path) -> None:
    folder = copied(lean, tmp_path)
    given = keras.Input((8, 8), dtype="uint8", name=IMAGE)
    model = keras.Model(given, keras.layers.Lambda(lambda x: x, output_shape=(8, 8))(given))
    model.save(folder / "model.keras")
    digest = hashlib.sha256((folder / "model.keras").read_bytes()).hexdigest()
    sums = folder / "SHA256SUMS"
    lines = [line for line in sums.read_text().splitlines() if "model.keras" not in line]
    sums.write_text("\n".join([*lines, f"{digest}  model.keras"]) + "\n")
    with pytest.raises(FathomError, match=r"model\.keras cannot be loaded: .*[Ll]ambda"):
        ExportedModel(folder)


def test_a_signature_of_another_version_is_refused(lean: Path, tmp_path: Path) -> None:
    folder = copied(lean, tmp_path)
    file = folder / "signature.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"colour": "red"}))
    with pytest.raises(FathomError) as refused:
        Signature.read(folder)
    assert str(refused.value) == (
        f"{file} was written by another version of Fathom: export the network again"
    )


def refusal(folder: Path) -> str:
    with pytest.raises(FathomError) as refused:
        ExportedModel(folder)
    return str(refused.value)


def copied(folder: Path, into: Path) -> Path:
    return Path(shutil.copytree(folder, into / "export"))
