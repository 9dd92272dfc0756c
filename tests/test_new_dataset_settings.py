"""The settings that `fathom new-dataset` writes, as Hydra and the stages read them."""

from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT, dataset_config
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from own_tables import NUMBERS, WORDS, N, make_project, new_dataset, write_houses, write_image
from PIL import Image
from pydantic import TypeAdapter
from stages import run_command

from fathom.artifacts.raw_table import TableInMemory
from fathom.download.declared_columns import declared_kinds
from fathom.download.download import download
from fathom.download.sources import table_file
from fathom.new_dataset.column_guess import Check
from fathom.new_dataset.dataset_file import table_settings
from fathom.new_dataset.infer_columns import infer_columns
from fathom.new_dataset.infer_target import infer_target
from fathom.scale.fit_encoder import fit_encoder
from fathom.settings.column_settings import ColumnDeclarations, ColumnSettings
from fathom.settings.data_settings import DatasetSettings, ScaleSettings
from fathom.settings.yaml_text import column_entry, quote, to_yaml


@pytest.fixture(autouse=True)
def project(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_project(workspace, monkeypatch)


def write(table: pd.DataFrame, name: str = "t") -> str:
    table.to_csv(f"{name}.csv", index=False)
    return f"{name}.csv"


def encoded(dataset: DatasetSettings) -> list[str]:
    """Return the names of the features that the later stages make of a table."""
    declared = declared_kinds(dataset.columns)
    read = table_file(**dataset.source.arguments, declared_columns=declared)
    raw = read.declare(dataset.columns)
    assert isinstance(raw.table, pd.DataFrame)
    table = TableInMemory(raw.table, {"train": np.arange(len(raw.table))})
    settings = ScaleSettings(
        features="none", clip=None, pixels="together", min_frequency=5, bins=32, target="none"
    )
    encoder, *_ = fit_encoder(dataset, table, settings)
    return [*encoder.transform(raw.table).columns]


UNSORTED = """\
split:
  stratify: false  # 5 classes, but 4 rows in the validation set
  # To train on the past and test on the future, with rows in the order of day (not sorted yet: sort
  # them first):
  # shuffle: false
"""


def test_settings_word_for_word(project: Path) -> None:
    new_dataset(write_houses(project), "--target", "price")
    assert (
        Path("conf/dataset/hauser_2020.yaml").read_text()
        == (ROOT / "tests/houses.yaml").read_text()
    )
    features = encoded(dataset_config("hauser_2020").dataset)
    own = [name for name in features if not name.startswith("sold_")]
    assert own == ["rooms", "area", "rooms_missing", "garden", "city"]
    assert len(features) > len(own)


def test_the_example_of_the_documentation_holds(project: Path) -> None:
    new_dataset(write_houses(project), "--target", "price", "--name", "houses")
    file = Path("conf/dataset/houses.yaml")
    _, declared, example = (ROOT / "docs/datasets.md").read_text().split("```yaml\n")
    columns = yaml.safe_load(declared.split("```")[0])["dataset"]["columns"]
    assert TypeAdapter(ColumnDeclarations).validate_python(columns)
    tree, more = yaml.safe_load(file.read_text()), yaml.safe_load(example.split("```")[0])
    file.write_text(
        "# @package _global_\n"
        + yaml.safe_dump(more | {"dataset": tree["dataset"] | more["dataset"]})
    )
    config = dataset_config("houses")
    assert config.dataset.wide == ["garden", "city"]
    assert config.split.shuffle is False
    assert encoded(config.dataset)[-3:] == ["area_bucket", "garden_x_city", "area_x_city"]


NASTY = [
    "a: b", "#c", "yes", "null", "1e3", "2020", "12:30", "it's", '"q"', "two\nlines", "${x}",
    "\\${y}", "\\", "{z}", "[w]", "ü😀", "-", "- x", "? q", "a, b", "~", "@at", "&y", "*z", "!t",
    "%d", "`", "tab\there", "key.with.dot", "no", "on", ".inf", "0x1F", "<<", "=", "NaN", "true",
    "a  b", "x" * 200, "\u2028", "\x7f", "a #b", "a:", "|", ">", "---",
]  # fmt: skip


def nasty_table(name: str) -> pd.DataFrame:
    """Return a table in which the names of columns of all kinds begin with one name."""
    return pd.DataFrame(
        {
            f"{name}day": pd.date_range("2020-01-01", periods=N).strftime("%d/%m/%Y"),
            f"{name}mixed": ["1", "2", "3+", "4"] * 50,
            f"{name}number": NUMBERS,
            f"{name}constant": f"{name}constant",
            name: NUMBERS * 2,
        }
    )


def check_names(dataset: DatasetSettings, name: str) -> None:
    assert dataset.target == name
    columns = dataset.columns
    assert [key for key, column in columns.items() if not column.use] == [f"{name}constant"]
    assert columns[f"{name}day"] == ColumnSettings(kind="date", format="%d/%m/%Y")
    assert columns[f"{name}mixed"].kind == "category"


@pytest.mark.parametrize("name", ["two\nlines: ${x}", "\\${y}", "key.with.dot"])
def test_stages_read_any_name(name: str) -> None:
    nasty_table(name).to_parquet("nasty.parquet")
    new_dataset("nasty.parquet", "--target", name)
    config = dataset_config("nasty")
    check_names(config.dataset, name)
    assert len(encoded(config.dataset)) > 3
    assert name in [column.name for column in download(config).columns]


@pytest.mark.parametrize("name", NASTY)
def test_settings_hold_any_name(name: str) -> None:
    table = nasty_table(name)
    columns = infer_columns(table, name)
    target = infer_target(next(one for one in columns if one.name == name), None)
    checks = [Check(name, f"{name} is read as {name}", column_entry(name, ColumnSettings()))]
    text = table_settings("A sentence.", {"file": (f"{name}.csv", "")}, columns, target, checks)
    tree: Any = OmegaConf.to_container(OmegaConf.create(text), resolve=True)  # as Hydra does
    dataset = DatasetSettings.model_validate(tree["dataset"] | {"name": "nasty"})
    check_names(dataset, name)
    assert dataset.source.arguments == {"file": f"{name}.csv"}


@settings(max_examples=50, derandomize=True, deadline=None, database=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1) | st.text("${}\\x.:'\""))
def test_any_text_is_read_as_it_was_written(text: str) -> None:
    assume(text != "???")  # which settings cannot hold
    line = f"{{values: {to_yaml([text])}, keys: {{{quote(text)}: 1}}}}"
    tree = OmegaConf.to_container(OmegaConf.create(line), resolve=True)
    assert tree == {"values": [text], "keys": {text: 1}}


def test_a_name_that_settings_cannot_hold() -> None:
    write(pd.DataFrame({"???": NUMBERS, "x": WORDS}))
    done = run_command("new-dataset", "t.csv", "--target", "???")
    assert done.status == 1
    line = "fathom: settings cannot hold the name or a value of a column, rename it: "
    assert done.err.startswith(line)
    assert not Path("conf/dataset/t.yaml").exists()


def test_few_rows() -> None:
    table = pd.DataFrame({"x": [*"aabbccddee"] * 2, "y": range(20), "z": NUMBERS[:20]})
    new_dataset(write(table), "--target", "z")
    config = dataset_config("t")
    assert config.scale.min_frequency == 1
    assert not config.dataset.columns["y"].use
    table["day"] = pd.date_range("2020-01-01", periods=20)[::-1]
    new_dataset(write(table, "u"), "--target", "x")
    assert dataset_config("u").split.stratify is False
    assert Path("conf/dataset/u.yaml").read_text().endswith(UNSORTED)


@pytest.mark.parametrize(
    ("name", "target", "task", "categories"),
    [
        ("adult_census", "class", "classification", 8),
        ("bike", "count", "regression", 2),
        ("california_housing", "MedHouseVal", "regression", 0),
    ],
)
def test_data_of_an_installed_package(name: str, target: str, task: str, categories: int) -> None:
    file = Path(str(distribution("shapiq").locate_file(f"shapiq/datasets/data/{name}.csv")))
    names, *rows = file.read_text().splitlines()
    Path("real.csv").write_text("\n".join([names, *rows[::8]]))
    new_dataset("real.csv", "--target", target)
    dataset = dataset_config("real").dataset
    assert dataset.task == task
    assert all(column.use for column in dataset.columns.values())
    kinds = [column.kind for name, column in dataset.columns.items() if name != target]
    assert kinds.count("category") + kinds.count("ordinal") == categories
    assert {*kinds} <= {"number", "integer", "category", "ordinal"}
    assert len(encoded(dataset)) > 7


def test_images_in_a_folder(project: Path) -> None:
    for n in range(24):
        write_image(project / f"My Pets/{'cat' if n % 3 else 'dog'}/{n}.png")
    lines = [line.split() for line in new_dataset("My Pets/").splitlines()]
    assert Path("conf/dataset/my_pets.yaml").read_text() == (
        """\
# @package _global_
#
# my_pets: 24 images of 5 x 6 pixels in grey in 2 classes, from My Pets.
# 24 of 24 images have the same value in all pixels
dataset:
  source:
    _target_: fathom.download.sources.image_folder
    folder: data/own/my_pets
  task: classification
"""
    )
    assert ["cat", "16"] in lines
    assert ["dog", "8"] in lines
    assert Path("data/own/my_pets/dog/0.png").exists()
    dataset_config("my_pets")


def test_a_class_of_one_image_is_named(project: Path) -> None:
    for n in range(24):
        write_image(project / f"pets/{'cat' if n else 'dog'}/{n}.png")
    new_dataset("pets")
    text = Path("conf/dataset/pets.yaml").read_text()
    assert text.endswith("split:\n  stratify: false  # class 'dog' has only 1 image\n")


def test_images_that_differ(project: Path) -> None:
    for n in range(30):
        subset = "test" if n < 10 else "train"
        colour = (250, 0, 0) if n % 2 else 9
        file = project / f"pets/{subset}/{'cat' if n % 3 else 'dog'}/{n}.png"
        write_image(file, (8 + n, 20), colour)
    printed = new_dataset("pets")
    config = dataset_config("pets")
    assert config.dataset.source.arguments["size"] == [20, 22]
    assert config.dataset.source.arguments["channels"] == 3
    assert config.split.test == "own"
    assert "size: [20, 22], the median; heights are 20 to 20 pixels, widths 8 to 37" in printed
    assert "channels: 3, 15 of 30 images are grey" in printed
    assert "30 of 30 images have the same value in all pixels" in printed
    assert "all images together have only 3 different values of pixels" in printed
    assert ["dog", "10", "4"] in [line.split() for line in printed.splitlines()]


def test_images_in_arrays() -> None:
    arrays = {"x_train": np.zeros((20, 4, 4), np.uint8), "y_train": np.arange(20) % 2}
    tests = {"x_test": np.zeros((4, 4, 4), np.uint8), "y_test": np.arange(4) % 2}
    np.savez("MNIST.npz", **arrays, **tests)  # type: ignore[arg-type]
    new_dataset("MNIST.npz")
    config = dataset_config("mnist")
    assert config.dataset.source.target == "fathom.download.sources.image_arrays"
    assert config.dataset.source.arguments == {"file": "data/own/mnist.npz"}
    assert config.split.test == "own"


def test_dark_images_of_16_bits(project: Path) -> None:
    for n in range(24):
        file = project / f"scans/{'cat' if n % 2 else 'dog'}/{n}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), 8 + n, np.uint16)).save(file)
    printed = new_dataset("scans")
    assert "bits: 8, no value of the 16-bit images is above 255" in printed
    assert "24 of 24 images have the same value in all pixels" in printed
    assert "have only" not in printed
    dataset = dataset_config("scans").dataset
    assert dataset.source.arguments["bits"] == 8
